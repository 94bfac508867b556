"""Cancel at every await point and byte, close in every phase from elsewhere: nothing leaks, the next call works."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from typing import Any

import pytest
from hostile_rows_network import on_tls_port, proxied, relay, slow_resolver, stalled, tls_pair
from hostile_server import Server
from matrix import GOOD, TEXT, World, chunked, head, served, sized, sse
from seats import Outcome, Seat
from servers import PATIENCE, Peer

from sansio_core import Cancelled, ChatError, RetryPolicy, Timeouts
from transports import AsyncClient

AGAIN = RetryPolicy(attempts=2, first_wait=0.001, jitter=0)

# --- at every await point ------------------------------------------------------------------------------------------


class Counted:
    """Awaits a coroutine, and cancels the task at its `at`-th suspension: in it, or as what it waits for is done."""

    def __init__(self, work: Coroutine[Any, Any, Any], at: int, late: bool) -> None:
        self._work, self._at, self._late = work, at, late

    def __await__(self) -> Generator[Any, Any, None]:
        steps = self._work.__await__()
        task = asyncio.current_task()
        assert task is not None
        number = 0
        try:
            waits_for = steps.send(None)
            while True:
                if number == self._at:
                    if self._late and waits_for is not None:
                        waits_for.add_done_callback(lambda _: task.cancel())
                    else:
                        task.cancel()
                number += 1
                try:
                    got = yield waits_for
                except BaseException as error:  # noqa: BLE001  it belongs to the coroutine
                    waits_for = steps.throw(error)
                else:
                    waits_for = steps.send(got)
        except StopIteration:
            return


def plain() -> AbstractContextManager[World]:
    return served(GOOD["free_netfly"])()


@contextmanager
def tunnelled() -> Iterator[World]:
    """TLS through a proxy: the longest way to a connection."""
    server_tls, client_tls = tls_pair()
    with (
        Server(GOOD["free_netfly"], b"", tls=server_tls) as origin,
        Server(lambda peer: relay(peer, origin.port), b"") as proxy,
    ):
        settings = {"verify": client_tls, "proxy": f"http://127.0.0.1:{proxy.port}"}
        yield World(f"https://127.0.0.1:{origin.port}", origin, settings)


@contextmanager
def by_name() -> Iterator[World]:
    """A name to look up, with two addresses to try."""
    with Server(GOOD["free_netfly"], b"") as server:
        yield World(f"http://localhost:{server.port}", server)


def flaky() -> AbstractContextManager[World]:
    """The first request with each question fails, so that a wait and a second attempt come in between."""
    seen: set[bytes] = set()

    def fault(peer: Peer) -> None:
        question = peer.last.partition(b"\r\n\r\n")[2]
        peer.send(GOOD["free_netfly"] if question in seen else sized(b"later", 503, "text/plain"))
        seen.add(question)

    return served(fault)()


def paged() -> AbstractContextManager[World]:
    """The page of ChatgptFree first."""

    def fault(peer: Peer) -> None:
        if peer.last.startswith(b"GET"):
            peer.send(sized(b'<a data-post-id="1" data-nonce="n"></a>', content_type="text/html"))
        else:
            peer.send(GOOD["free_netfly"])

    return served(fault)()


PLACES: dict[str, Callable[[], AbstractContextManager[World]]] = {
    "plain": plain, "tunnelled": tunnelled, "by name": by_name, "flaky": flaky, "paged": paged, "a full pool": plain,
}  # fmt: skip


@pytest.mark.parametrize("late", [False, True], ids=["in the wait", "as the wait ends"])
@pytest.mark.parametrize("place", PLACES)
def test_cancel_at_every_await_point(place: str, late: bool) -> None:
    system = "chatgpt_free" if place == "paged" else "free_netfly"

    async def once(world: World, at: int, warm: bool) -> bool:
        question = (f"Question {warm} {at}, asked {number}" for number in count())
        async with AsyncClient(system, base_url=world.base_url, retry=AGAIN, **world.settings) as client:
            if place == "a full pool":
                client._pool.max_connections = 1
            if warm:
                assert (await client.complete(next(question))).text == TEXT
            others = [asyncio.create_task(client.complete("Hello"))] if place == "a full pool" else []

            async def counted() -> None:
                await Counted(client.complete(next(question)), at, late)

            task = asyncio.create_task(counted())
            await asyncio.wait([task, *others])
            assert all(other.result().text == TEXT for other in others)
            assert asyncio.all_tasks() == {asyncio.current_task()}
            for lane in client._pool.here()._lanes.values():
                assert not lane.busy
                assert not lane.waiters
                assert lane.count == len(lane.idle)
            assert (await client.complete(next(question))).text == TEXT
            if not task.cancelled():
                task.result()
            return not task.cancelled()

    async def every() -> None:
        complaints: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        for warm in (False, True):
            at = 0
            while not await once(world, at, warm):
                at += 1
                assert at < 200
            assert at >= (1 if warm else 2)
        assert not complaints

    with PLACES[place]() as world:
        asyncio.run(every(), debug=True)
        assert world.server is not None
        assert world.server.settled(0)
    gc.collect()


# --- at every byte -------------------------------------------------------------------------------------------------

_SHORT = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
ANSWER = _SHORT + chunked(sse("Hello", end=False), sse(", world")).partition(b"\r\n\r\n")[2]


def test_cancel_at_every_byte(seat: Seat) -> None:
    sent = 0

    def fault(peer: Peer) -> None:
        peer.send(ANSWER[:sent])
        there.set()
        peer.gone()

    with Server(fault, b"") as server:
        client = seat.client("free_netfly", base_url=f"http://127.0.0.1:{server.port}")
        for sent in range(len(ANSWER)):  # noqa: B007  the server reads it
            there = threading.Event()
            stream = seat.stream(client)
            wait = stream.in_background()
            assert there.wait(PATIENCE)
            stream.raw.cancel()
            error = wait()
            assert isinstance(error, Cancelled) or stream.raw.reply.complete
            assert TEXT.startswith(stream.raw.reply.text)
            assert server.settled(0)
        server.fault = ANSWER
        assert seat.complete(client).text == TEXT


@pytest.mark.parametrize("how", ["end", "reset"])
def test_the_server_ends_at_every_byte(seat: Seat, how: str) -> None:
    sent = 0

    def fault(peer: Peer) -> None:
        peer.send(ANSWER[:sent])
        if how == "reset":
            peer.reset()
        raise EOFError

    with Server(fault, b"") as server:
        client = seat.client("free_netfly", base_url=f"http://127.0.0.1:{server.port}", retry=1)
        for sent in range(len(ANSWER)):
            outcome = Outcome(seat, client)
            assert TEXT.startswith(outcome.text)
            done = b"data: [DONE]" in ANSWER[:sent]
            assert outcome.reply.complete == (outcome.error is None)
            assert outcome.error is None or isinstance(outcome.error, ChatError)
            assert outcome.error is not None or done
        server.fault = ANSWER
        assert seat.complete(client).text == TEXT


# --- in every phase, from elsewhere --------------------------------------------------------------------------------


def silent_body(peer: Peer) -> None:
    peer.send(head() + sse("Hello", end=False))
    peer.gone()


PHASES: dict[str, Callable[[], AbstractContextManager[World]]] = {
    "the look-up": slow_resolver,
    "connecting": stalled,
    "the TLS handshake": on_tls_port(Peer.gone),
    "the tunnel": proxied(Peer.gone, tunnel=True),
    "sending": served(Peer.deaf, unread=True),
    "the head": served(Peer.gone),
    "inside the head": served(lambda peer: (peer.send(b"HTTP/1.1 200 OK\r\nx: "), peer.gone())[1]),
    "the body": served(silent_body),
    "a refusal's body": served(lambda peer: (peer.send(head(503, "text/plain")), peer.gone())[1]),
    "a retry's wait": served(sized(b"later", 503, "text/plain", retry_after="30")),
}


@pytest.mark.parametrize("how", ["cancel the stream", "close the stream", "close the client"])
@pytest.mark.parametrize("phase", PHASES)
def test_end_it_from_another_thread(seat: Seat, phase: str, how: str) -> None:
    message = "x" * (16 << 20) if phase == "sending" else "Hello"
    with PHASES[phase]() as world:
        timeouts = Timeouts(connect=60, first_event=60, idle=60, total=120)
        settings = {"retry": 2, "timeout": timeouts, **world.settings}
        client = seat.client("free_netfly", base_url=world.base_url, **settings)
        stream = seat.stream(client, message)
        wait = stream.in_background()
        reach(phase, world, stream)
        began = time.monotonic()
        match how:
            case "cancel the stream":
                stream.raw.cancel()
            case "close the stream":
                stream.raw.close()
            case _:
                client.close()
        error = wait()
        assert time.monotonic() - began < PATIENCE
        assert isinstance(error, Cancelled), repr(error)
        if how != "close the client" and world.heal() and world.server is not None and phase != "a retry's wait":
            assert seat.complete(client).text == TEXT


def reach(phase: str, world: World, stream: Any) -> None:
    """Wait until the call is in that phase, as far as it can be seen from here."""
    exchange = stream.raw._exchange
    until = time.monotonic() + PATIENCE
    if world.server is not None and phase != "the look-up":
        assert world.server.seen(1)
    while exchange.attempts == 0 or (phase == "a retry's wait" and exchange.state.name != "WAITING"):
        assert time.monotonic() < until
        time.sleep(0.001)
    if phase == "the body":
        while not exchange.reply.text:
            assert time.monotonic() < until
            time.sleep(0.001)


def test_many_threads_end_one_stream_at_once(seat: Seat) -> None:
    with served(silent_body)() as world:
        client = seat.client("free_netfly", base_url=world.base_url)
        stream = seat.stream(client)
        wait = stream.in_background()
        reach("the body", world, stream)
        enders = [threading.Thread(target=end) for end in [stream.raw.cancel, stream.raw.close] * 4]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
        assert isinstance(wait(), Cancelled)
        assert world.server is not None
        assert world.server.settled(0)
        world.heal()
        assert seat.complete(client).text == TEXT




@pytest.mark.parametrize("place", ["plain", "a full pool"])
def test_cancel_at_every_step_of_the_loop(place: str) -> None:
    """Also in the step in which the connection is ready. The server says nothing, and no clock runs."""

    async def once(world: World, step: int) -> None:
        async with AsyncClient("free_netfly", base_url=world.base_url, timeout=NO_CLOCK) as client:
            streams = [client.stream("Hello")]
            if place == "a full pool":
                client._pool.max_connections = 1
                streams.insert(0, client.stream("Hello"))
            tasks = [asyncio.create_task(anext(stream)) for stream in streams]
            for _ in range(step):
                await asyncio.sleep(0)
            for stream, task in zip(streams, tasks, strict=True):
                stream.cancel()
                with pytest.raises(Cancelled):
                    await asyncio.wait_for(task, 5)

    with served(Peer.gone)() as world:
        for step in range(1, 60):
            asyncio.run(once(world, step))
        assert world.server is not None
        assert world.server.settled(0)


NO_CLOCK = Timeouts(connect=None, first_event=None, idle=None, progress=None, total=None)
