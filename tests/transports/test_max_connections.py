"""max_connections= on both clients: who waits, what ends the waiting, and what frees a place."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from seats import Asyncio, Blocking, Outcome, Seat
from servers import PATIENCE, Peer, Server

from sansio_core import Cancelled, ClientClosed, Exchange, Notice, PlaceAwaited, RetryPolicy, TimedOut, Timeouts
from transports._requests.guard import Guard
from transports._requests.places import Place, Places
from transports.blocking import Adapter
from transports.emulator import DEFAULT_TEXT, Emulator, faults
from transports.http1.routes import Proxy, Route

Make = Callable[..., Any]
TEXT = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def make(seat: Seat, emulator: Emulator) -> Iterator[Make]:
    """A client with one connection."""

    def make(system: str = "acytoo", **settings: Any) -> Any:
        settings = {"max_connections": 1, "retry": 1, "timeout": PATIENCE, **settings}
        return seat.client(system, base_url=emulator.base_url(system), **settings)

    yield make
    emulator.release()


def held(seat: Seat, client: Any, emulator: Emulator) -> Any:
    """A stream that has a connection, and does not end before the emulator is released."""
    emulator.order(faults.Stall("body", after_pieces=1))
    stream = seat.stream(client, timeout=PATIENCE)
    assert stream.next()
    return stream


def waiting(client: Any) -> int:
    """How many streams of that client wait for a place."""
    if hasattr(client, "_pool"):
        lanes = [lane for share, _ in client._pool._shares.values() for lane in share._lanes.values()]
        return sum(len(lane.waiters) for lane in lanes)
    return sum(len(lane.waiting) for lane in client._connections.places._lanes.values())


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does, and tells nobody."""
    late = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < late
        time.sleep(0.001)


@pytest.mark.parametrize("most", [1, 3])
def test_never_more_than_that(seat: Seat, make: Make, emulator: Emulator, most: int) -> None:
    client = make(max_connections=most)
    assert [reply.text for reply in seat.many(client, 12)] == [DEFAULT_TEXT] * 12
    assert emulator.connections <= most
    assert waiting(client) == 0


def test_the_total_alone_ends_the_waiting(seat: Seat, make: Make, emulator: Emulator) -> None:
    """And it says what was waited for."""
    client = make()
    holder = held(seat, client, emulator)
    short = Timeouts(connect=0.01, first_event=0.01, idle=0.01, total=0.2)
    began = time.monotonic()
    outcome = Outcome(seat, client, timeout=short)
    assert 0.2 <= time.monotonic() - began < PATIENCE
    assert isinstance(outcome.error, TimedOut)
    assert (outcome.error.clock, outcome.error.seconds) == ("total", 0.2)
    assert "(it waited for a free connection: see max_connections=" in str(outcome.error)
    assert len(emulator.requests) == 1
    assert waiting(client) == 0
    holder.close()
    assert Outcome(seat, client).text == DEFAULT_TEXT


def test_who_has_waited_has_all_its_time(seat: Seat, make: Make, emulator: Emulator) -> None:
    client = make(timeout=Timeouts(connect=0.15, first_event=0.15, total=None))

    def waited() -> bool:
        holder = held(seat, client, emulator)
        wait = seat.stream(client).in_background()
        time.sleep(0.2)  # longer than the clocks, which do not run
        holder.raw.close()
        error = wait()
        assert error is None or isinstance(error, TimedOut)
        return error is None

    assert any(waited() for _ in range(20)), "on a busy machine any may take longer then, but not all"


def test_after_the_waiting_the_other_clocks_run(seat: Seat, make: Make, emulator: Emulator) -> None:
    """Here for a connection that is never made: nothing but the clock for the first event bounds it."""
    port = int(emulator.base_url("acytoo").split(":")[2].split("/")[0])
    asked: list[str] = []

    def connect(host: str, port_: int, timeout: float | None) -> socket.socket:
        asked.append(host)
        if len(asked) == 1:
            return socket.create_connection(("127.0.0.1", port))
        time.sleep(PATIENCE if timeout is None else timeout)
        raise TimeoutError

    async def aconnect(host: str, port_: int) -> Any:
        asked.append(host)
        if len(asked) == 1:
            return await asyncio.open_connection("127.0.0.1", port)
        return await asyncio.Event().wait()

    timeout = Timeouts(connect=None, first_event=0.1, total=PATIENCE)
    client = make(connect=aconnect if isinstance(seat, Asyncio) else connect, timeout=timeout)
    holder = held(seat, client, emulator)
    stream = seat.stream(client)
    if isinstance(seat, Asyncio):
        seat.runner.get_loop().call_later(0.15, holder.raw.close)
        with pytest.raises(TimedOut, match="'first_event'"):
            stream.next()
    else:
        wait = stream.in_background()
        until(lambda: waiting(client) == 1)
        holder.close()
        error = wait()
        assert isinstance(error, TimedOut)
        assert error.clock == "first_event"


@pytest.mark.parametrize("how", ["cancel", "close", "client"])
def test_what_ends_the_waiting_at_once(seat: Seat, make: Make, emulator: Emulator, how: str) -> None:
    client = make(timeout=None)
    holder = held(seat, client, emulator)
    stream = seat.stream(client)
    wait = stream.in_background()
    until(lambda: waiting(client) == 1)
    if how == "client":
        client.close()
    else:
        getattr(stream.raw, how)()
    assert isinstance(wait(), ClientClosed if how == "client" else Cancelled)
    assert waiting(client) == 0
    assert emulator.connections == 1
    holder.close()


@pytest.mark.parametrize("how", ["read", "close", "cancel", "drop", "fail"])
def test_what_frees_a_place(seat: Seat, make: Make, emulator: Emulator, how: str) -> None:
    client = make()
    if how == "fail":
        emulator.order(faults.Reset(after_pieces=1))
        assert Outcome(seat, client).error
    elif how == "drop":
        with pytest.warns(ResourceWarning):
            held(seat, client, emulator)
        gc.collect()
    elif how == "read":
        assert Outcome(seat, client).text == DEFAULT_TEXT
    else:
        holder = held(seat, client, emulator)
        getattr(holder.raw, how)()
        if how == "cancel":
            with pytest.raises(Cancelled):
                holder.next()
    assert Outcome(seat, client).text == DEFAULT_TEXT


def test_a_stream_that_was_tried_again_is_let_go_at_once(emulator: Emulator) -> None:
    """No frame of the failed attempt holds it until the next collection. (asyncio's frames end with each step.)"""
    settings = {"max_connections": 1, "retry": 2, "timeout": PATIENCE}
    client = Blocking().client("acytoo", base_url=emulator.base_url("acytoo"), **settings)
    emulator.order(faults.Reset(before="headers"))
    gc.disable()
    try:
        with pytest.warns(ResourceWarning):
            held(Blocking(), client, emulator)
        emulator.release()
        assert client.complete("Hello").text == DEFAULT_TEXT
    finally:
        gc.enable()
        client.close()


def test_the_waiting_is_logged(
    seat: Seat, make: Make, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    client = make()
    holder = held(seat, client, emulator)
    caplog.set_level(logging.INFO, "transports")
    wait = seat.stream(client).in_background()
    until(lambda: waiting(client) == 1)
    holder.raw.close()
    assert wait() is None
    begun, over = (record for record in caplog.records if "connection" in record.msg)
    assert begun.getMessage().endswith("(acytoo): waits for a free connection (see max_connections=)")
    assert (begun.seconds, begun.status) == (None, None)  # type: ignore[attr-defined]  # of `extra`
    assert over.seconds > 0  # type: ignore[attr-defined]


class Stop(BaseException):
    """What an observer may raise, as a signal handler in it does."""


def test_an_exception_at_the_end_of_the_waiting(seat: Seat, make: Make, emulator: Emulator) -> None:
    """The place goes to the next one, not lost."""

    def observer(_: Exchange, notice: Notice) -> None:
        if isinstance(notice, PlaceAwaited) and notice.seconds is not None:
            raise Stop

    client = make()
    holder = held(seat, client, emulator)
    wait = seat.stream(client, observer=observer).in_background()
    until(lambda: waiting(client) == 1)
    holder.raw.close()
    assert isinstance(wait(), Stop)
    assert Outcome(seat, client, timeout=PATIENCE).text == DEFAULT_TEXT


# --- a stream that needs several connections, one after another


def test_redirects(seat: Seat, make: Make, emulator: Emulator) -> None:
    emulator.order(*[faults.Redirect(307, "/acytoo/api/completions")] * 3)
    assert [reply.text for reply in seat.many(make(), 3)] == [DEFAULT_TEXT] * 3


def test_setup_requests(seat: Seat, make: Make, emulator: Emulator) -> None:
    """The page and the question of chatgpt_free, of many at a time."""
    client = make("chatgpt_free")
    assert [reply.text for reply in seat.many(client, 5)] == [DEFAULT_TEXT] * 5
    assert emulator.connections == 1


def test_retries(seat: Seat, make: Make, emulator: Emulator) -> None:
    client = make(retry=RetryPolicy(attempts=4, first_wait=0.01, jitter=0))
    emulator.order(faults.Status(503), faults.Reset(before="headers"), faults.Status(429))
    assert [reply.text for reply in seat.many(client, 3)] == [DEFAULT_TEXT] * 3


def test_a_kept_connection_that_fails(seat: Seat) -> None:
    """The request goes out again on a new connection, for which the old one makes room."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(TEXT)
        peer.request()
        peer.reset()

    with Server(script) as server:
        client = seat.client("acytoo", base_url=f"http://127.0.0.1:{server.port}", max_connections=1, timeout=PATIENCE)
        assert [seat.complete(client).text for _ in range(3)] == ["ok"] * 3
        assert server.connections == 3


# --- what is counted apart


def test_clients_that_share_an_adapter_count_for_themselves(emulator: Emulator) -> None:
    seat = Blocking()
    with requests.Session() as session:
        session.mount("http://", Adapter())
        clients = [
            seat.client("acytoo", base_url=emulator.base_url("acytoo"), session=session, max_connections=1)
            for _ in range(2)
        ]
        holder = held(seat, clients[0], emulator)
        assert Outcome(seat, clients[1]).text == DEFAULT_TEXT
        assert isinstance(Outcome(seat, clients[0], timeout=0.05).error, TimedOut)
        holder.close()
        assert Outcome(seat, clients[0]).text == DEFAULT_TEXT
        seat.end()


def test_places_are_given_in_order_and_for_each_route() -> None:
    guard = Guard()
    route = Route("http", "a.example", 80)
    places = Places(2)
    line = [Place(route, guard) for _ in range(6)]
    assert [places.ask(place) for place in line] == [True, True, False, False, False, False]
    apart, last = Place(route._replace(proxy=Proxy("http", "p", 1)), guard), Place(route, guard)
    assert places.ask(apart)
    places.free(line[3])  # it waits no more
    places.free(line[1])
    places.free(line[1])
    assert [places.has(place) for place in line] == [True, False, True, False, False, False]
    places.free(line[0])
    assert [places.has(place) for place in line] == [False, False, True, False, True, False]
    assert not places.ask(last), "nobody overtakes"
    for place in (line[2], line[4]):
        places.free(place)
    assert [places.has(place) for place in (line[5], last)] == [True, True]
    for place in (line[5], last, apart):
        places.free(place)
    for number in range(100):
        many = Place(route._replace(port=number), guard)
        assert places.ask(many)
        places.free(many)
    assert len(places._lanes) < 70, "routes that nobody uses are forgotten"


def test_a_free_that_was_interrupted_is_made_up_for() -> None:
    """A signal handler may raise anywhere."""
    guard, route = Guard(), Route("http", "a.example", 80)
    places = Places(1)
    had, next_one, late = (Place(route, guard) for _ in range(3))
    assert places.ask(had)
    assert not places.ask(next_one)
    places._lanes[route].had.discard(had)  # as far as it came
    assert not places.ask(late)
    places.free(had)
    assert places.has(next_one)
    assert not places.has(late)
