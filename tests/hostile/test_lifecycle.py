"""A client's life: pickle, copy, one loop after another, after close, from callbacks, from many threads."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hostile_server import Server
from matrix import GOOD, TEXT, head, sse
from seats import Blocking, Outcome, Seat
from servers import Peer

from sansio_core import (
    Cancelled,
    ChatError,
    ChatRequest,
    ClientClosed,
    Limits,
    Reply,
    RetryPolicy,
    StreamMisused,
    TextDelta,
    TimedOut,
    Timeouts,
    errors,
    events,
    providers,
)
from sansio_core.http_request import HttpRequest
from transports import AsyncClient, Client
from transports.emulator import DEFAULT_TEXT, Emulator


def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


# --- pickle, copy --------------------------------------------------------------------------------------------------

VALUES: list[Any] = [
    Timeouts(total=5, idle=None),
    RetryPolicy(attempts=7, jitter=0),
    Limits(frame=1000),
    ChatRequest([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], model="m", temperature=1),
    HttpRequest("POST", "http://x.example/", (("a", "b"),), b"c"),
    TextDelta("x"),
    events.Finished("stop", "end_turn"),
    events.UsageReport(input_tokens=1),
    events.ToolCallDelta(0, "id", "name", "{}"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_are_pickled_copied_and_compared(value: Any) -> None:
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value


def every_error() -> Iterator[ChatError]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ChatError)]
    for kind in kinds:
        if issubclass(kind, errors.HTTPStatusError):
            yield kind(429, "why", body="b", request_id="r", retry_after=2.5, code="c", kind="k")
        elif kind is TimedOut:
            yield TimedOut("idle", 5)
        elif kind is errors.LimitExceeded:
            yield errors.LimitExceeded("frame", 5)
        elif kind is errors.ProxyFailed:
            yield errors.ProxyFailed("why", 502)
        elif kind is errors.ConnectionLost:
            yield errors.ConnectionLost("why", reused=True)
        else:
            yield kind("why")


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: type(error).__name__)
def test_errors_are_pickled_and_copied(error: ChatError) -> None:
    error.reply = Reply.of([TextDelta("so far")])
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert str(other) == str(error)
        mine, others = dict(vars(error)), dict(vars(other))
        assert others.pop("reply").text == mine.pop("reply").text
        assert others == mine


def test_a_reply_is_pickled_and_copied(server: Server) -> None:
    with Client("free_netfly", base_url=url(server)) as client:
        reply = client.complete("Hello")
    for other in (pickle.loads(pickle.dumps(reply)), copy.deepcopy(reply)):
        assert (other.text, other.complete, other.message) == (reply.text, True, reply.message)
        assert other.choices[0] is other


def test_a_configuration_goes_to_another_process(server: Server) -> None:
    """A provider is a value too: a worker makes its client from it."""
    provider = providers.create("openai", api_key="key", base_url=url(server), model="m", headers={"x": "y"})
    other = pickle.loads(pickle.dumps(provider))
    with Client(other, timeout=pickle.loads(pickle.dumps(Timeouts(total=9)))) as client:
        assert client.complete("Hello").text == TEXT
    assert b"Bearer key" in server.requests[0][1]


@pytest.mark.parametrize("how", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda how: how.__name__)
def test_a_client_or_stream_says_why_it_cannot(seat: Seat, server: Server, how: Any) -> None:
    client = seat.client("free_netfly", base_url=url(server))
    stream = client.stream("Hello")
    for thing in (client, stream):
        with pytest.raises(TypeError, match=r"holds connections.*make a new one"):
            how(thing)


# --- loops, closing ------------------------------------------------------------------------------------------------


def test_one_asyncio_client_in_two_loops_at_once(server: Server) -> None:
    client = AsyncClient("free_netfly", base_url=url(server))
    texts: list[str] = []
    threads = [
        threading.Thread(target=lambda: texts.append(asyncio.run(client.complete("Hello")).text)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == [TEXT] * 8
    assert server.settled(0)


def test_a_stream_of_a_loop_that_is_over_says_so(server: Server) -> None:
    server.fault = begin
    client = AsyncClient("free_netfly", base_url=url(server))
    stream = client.stream("Hello")
    assert asyncio.run(anext(stream)) == "Hello"
    with pytest.raises(StreamMisused, match="begun in another event loop"):
        asyncio.run(anext(stream))
    assert stream.reply.text == "Hello"
    stream.close()
    client.close()
    gc.collect()


def begin(peer: Peer) -> None:
    peer.send(head() + sse("Hello", end=False))
    peer.gone()


def test_use_after_close(seat: Seat, server: Server) -> None:
    client = seat.client("free_netfly", base_url=url(server))
    begun = seat.stream(client)
    waiting = seat.stream(client)
    server.fault = begin
    assert begun.next() == "Hello"
    seat.close_client(client)
    seat.close_client(client)
    for ask in (lambda: client.stream("Hello"), begun.next, waiting.next, lambda: seat.complete(client)):
        with pytest.raises(ClientClosed, match=r"^the client is closed: make a new one$"):
            ask()
    assert server.settled(0)
    assert len(server.requests) == 1
    begun.close()
    begun.close()


# --- reentrancy ----------------------------------------------------------------------------------------------------


def test_a_client_is_used_from_a_callback() -> None:
    """An emulator's reply is itself asked of a provider."""
    with (
        Emulator(reply="inner") as inner,
        Client("yqcloud", base_url=inner.base_url("yqcloud")) as asker,
        Emulator(reply=lambda prompt: asker.complete(prompt).text.upper()) as outer,
        Client("acytoo", base_url=outer.base_url("acytoo")) as client,
    ):
        assert client.complete("Hello").text == "INNER"


def test_a_client_is_used_between_the_pieces_of_its_own_stream(seat: Seat, emulator: Emulator) -> None:
    client = seat.client("free_netfly", base_url=emulator.base_url("free_netfly"))
    stream = seat.stream(client)
    pieces = []
    while (piece := stream.next()) is not None:
        pieces.append(piece)
        if len(pieces) < 4:
            assert seat.complete(client).text == DEFAULT_TEXT
    assert "".join(pieces) == DEFAULT_TEXT
    stream.close()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there are no such signals here")
def test_a_client_is_used_and_a_stream_cancelled_in_a_signal_handler(server: Server) -> None:
    server.fault = lambda peer: peer.send(GOOD["free_netfly"]) if b"inner" in peer.last else begin(peer)
    texts: list[str] = []
    client = Client("free_netfly", base_url=url(server))
    stream = client.stream("outer")

    def handler(*_: object) -> None:
        texts.append(client.complete("inner").text)
        stream.cancel()

    before = signal.signal(signal.SIGALRM, handler)
    try:
        assert next(stream) == "Hello"
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Cancelled):
            next(stream)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert texts == [TEXT]
    client.close()


def test_a_stream_is_closed_by_a_finalizer(seat: Seat, server: Server) -> None:
    """`__del__` runs anywhere, also inside another call of the same client."""
    server.fault = begin
    client = seat.client("free_netfly", base_url=url(server))

    class Owner:
        def __init__(self) -> None:
            self.stream = seat.stream(client)
            self.stream.next()

        def __del__(self) -> None:
            self.stream.raw.close()

    owner = Owner()
    del owner
    server.fault = GOOD["free_netfly"]
    gc.collect()
    assert seat.complete(client).text == TEXT
    assert server.settled(1)


# --- threads -------------------------------------------------------------------------------------------------------


def test_many_threads_share_a_client(server: Server) -> None:
    client = Client("free_netfly", base_url=url(server))
    wrong: list[object] = []

    def work() -> None:
        for _ in range(10):
            outcome = Outcome(Blocking(), client)
            if outcome.text != TEXT:
                wrong.append(outcome.error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert server.connections <= 16
    client.close()
    assert server.settled(0)


def test_one_stream_from_two_tasks_is_refused(server: Server) -> None:
    server.fault = Peer.gone

    async def main() -> None:
        async with AsyncClient("free_netfly", base_url=url(server)) as client:
            stream = client.stream("Hello")
            first = asyncio.create_task(anext(stream))
            await asyncio.to_thread(server.seen, 1)
            with pytest.raises(StreamMisused, match="already being read"):
                await anext(stream)
            stream.cancel()
            with pytest.raises(Cancelled):
                await first

    asyncio.run(main())
