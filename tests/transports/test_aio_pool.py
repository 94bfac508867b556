"""The asyncio pool: reuse, connections that end at rest, the bound and its queue, several loops, closing."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

import pytest
from ports import closed_port
from servers import OK
from wire_harness import answering, body, fetch, forever, gone, read_request, reset, run, serve
from wires import LOOPS, get

from sansio_core.errors import ClientClosed, ConnectFailed, InvalidRequest
from transports._asyncio.connection import Connection, Reader
from transports._asyncio.pool import Pool
from transports._asyncio.wire import AsyncWire

both_loops = pytest.mark.parametrize("loop", LOOPS)


class Counting:
    """A server's handler that answers every request, and counts connections and those still open."""

    def __init__(self) -> None:
        self.made = 0
        self.open = 0
        self.peak = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        self.open += 1
        self.peak = max(self.peak, self.open)
        try:
            while True:
                await read_request(reader)
                writer.write(OK)
        finally:
            self.open -= 1


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until `condition()` holds (the runner's clock bounds it)."""
    while not condition():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.001)


@both_loops
def test_many_tasks_share_few_connections(loop: str) -> None:
    async def main() -> None:
        server = Counting()
        async with serve(server) as port:
            pool = Pool(max_connections=3)
            texts = await asyncio.gather(*(fetch(AsyncWire(pool), get(port)) for _ in range(50)))
            assert texts == [b"ok"] * 50
            assert (server.made, server.peak) == (3, 3)
            assert not next(iter(pool.here()._lanes.values())).waiters
            await pool.aclose()
            await until(lambda: server.open == 0)

    run(main, loop)


def test_waiters_are_served_in_order_and_the_cancelled_leave_nothing() -> None:
    async def main() -> None:
        async with serve(answering(*[OK] * 9)) as port:
            pool = Pool(max_connections=1)
            holder = AsyncWire(pool)
            await holder.send(get(port), None)
            served = []

            async def ask(number: int) -> None:
                wire = AsyncWire(pool)
                await wire.send(get(port), None)
                served.append(number)
                await body(wire)

            tasks = [asyncio.create_task(ask(number)) for number in range(5)]
            await asyncio.sleep(0)
            timed = AsyncWire(pool)
            with pytest.raises(TimeoutError):
                # the clock for connecting does not run while it waits for a place
                await timed.send(get(port, connect_deadline=timed.now()), timed.now() + 0.01)
            tasks[1].cancel()
            await body(holder)  # gives its connection to the first who waits, which then is cancelled
            tasks[0].cancel()
            await asyncio.wait(tasks)
            assert served == [2, 3, 4]
            assert await fetch(AsyncWire(pool), get(port)) == b"ok"
            await pool.aclose()

    run(main)


@pytest.mark.parametrize("way", ["drop", "cancel"])
def test_a_place_that_becomes_free_goes_to_the_next(way: str) -> None:
    async def main() -> None:
        server = Counting()
        async with serve(server) as port:
            pool = Pool(max_connections=1)
            holder = AsyncWire(pool)
            await holder.send(get(port), None)
            waiting = [asyncio.create_task(fetch(AsyncWire(pool), get(port))) for _ in range(3)]
            await asyncio.sleep(0)
            holder.close()
            if way == "cancel":
                waiting[0].cancel()  # it has the place already
            await asyncio.wait(waiting)
            assert [task.cancelled() for task in waiting] == [way == "cancel", False, False]
            assert server.made == 2
            await pool.aclose()

    run(main)


def test_a_connection_that_ends_while_it_is_handed_on() -> None:
    async def main() -> None:
        server = Counting()
        async with serve(server) as port:
            pool = Pool(max_connections=1)
            holder = AsyncWire(pool)
            await holder.send(get(port), None)
            waiting = asyncio.create_task(fetch(AsyncWire(pool), get(port)))
            await asyncio.sleep(0)
            while await holder.read(None):
                pass
            connection = holder._connection
            assert connection is not None
            holder.leave()
            connection.abort()
            assert await waiting == b"ok"
            assert server.made == 2
            assert await fetch(AsyncWire(pool), get(port)) == b"ok"
            assert server.made == 2
            await pool.aclose()

    run(main)


def test_a_failed_connect_frees_its_place() -> None:
    async def main() -> None:
        port = closed_port()
        pool = Pool(max_connections=1)
        for _ in range(3):
            with pytest.raises(ConnectFailed, match="refused"):
                await AsyncWire(pool).send(get(port), None)
        assert not pool.here()._lanes
        await pool.aclose()

    run(main)


def test_fresh_uses_no_kept_connection() -> None:
    async def main() -> None:
        server = Counting()
        async with serve(server) as port:
            pool = Pool(max_connections=1)
            for made in (1, 2, 3):
                assert await fetch(AsyncWire(pool), get(port, fresh=True)) == b"ok"
                assert server.made == made
            holder = AsyncWire(pool)
            await holder.send(get(port), None)
            waiting = asyncio.create_task(fetch(AsyncWire(pool), get(port, fresh=True)))
            await asyncio.sleep(0)
            await body(holder)  # handed on while open, and not wanted
            assert await waiting == b"ok"
            assert server.made == 4
            await pool.aclose()

    run(main)


@both_loops
@pytest.mark.parametrize("end", ["eof", "reset", "second response"])
def test_a_connection_that_ended_at_rest_is_not_used(end: str, loop: str) -> None:
    async def main() -> None:
        left = asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_request(reader)
            writer.write(OK)
            await left.wait()
            if end == "reset":
                reset(writer)
            elif end == "second response":
                writer.write(OK)
                await gone(reader)

        async with serve(handler) as port:
            pool = Pool()
            assert await fetch(AsyncWire(pool), get(port)) == b"ok"
            assert pool.here()._lanes
            left.set()
            await until(lambda: not pool.here()._lanes)
            assert await fetch(AsyncWire(pool), get(port)) == b"ok"
            await pool.aclose()

    run(main, loop)


def test_the_end_may_be_here_unread_when_the_stream_is_left() -> None:
    async def main() -> None:
        async with serve(
            answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", OK)
        ) as port:
            pool = Pool()
            wire = AsyncWire(pool)
            await wire.send(get(port), None)
            assert await wire.read(None) == b"ok"
            wire.leave()
            wire.leave()
            assert len(pool.here()._lanes) == 1
            await pool.aclose()

    run(main)


@both_loops
def test_rest_is_bounded_in_time_and_number(loop: str) -> None:
    async def main() -> None:
        server = Counting()
        async with serve(server) as port:
            pool = Pool(max_idle=2)
            await asyncio.gather(*(fetch(AsyncWire(pool), get(port)) for _ in range(5)))
            await until(lambda: server.open == 2)
            await pool.aclose()
            pool = Pool(keepalive=0.3)
            wires = [AsyncWire(pool), AsyncWire(pool)]
            for wire in wires:
                await wire.send(get(port), None)
            for wire in wires:  # the second rests on when the first is closed
                await body(wire)
                await asyncio.sleep(0.02)
            await until(lambda: server.open == 0)  # closed by the clock, with no request that would look at them
            assert not pool.here()._lanes
            assert pool.here()._sweeper is None
            for none_kept in (Pool(max_idle=0), Pool(keepalive=0)):
                await fetch(AsyncWire(none_kept), get(port))
                assert not none_kept.here()._lanes
                await none_kept.aclose()
            await pool.aclose()

    run(main, loop)


@both_loops
@pytest.mark.parametrize("close", ["close", "aclose"])
def test_closing_ends_what_is_under_way(close: str, loop: str) -> None:
    async def main() -> None:
        server = Counting()
        async with serve(forever) as stalling, serve(server) as port:
            pool = Pool(max_connections=1)
            await fetch(AsyncWire(pool), get(port))
            tasks = [asyncio.create_task(AsyncWire(pool).send(get(stalling), None)) for _ in range(2)]
            await until(lambda: any(len(lane.waiters) for lane in pool.here()._lanes.values()))
            if close == "close":
                pool.close()
            else:
                await pool.aclose()
            for task in tasks:
                with pytest.raises(ClientClosed):
                    await task
            await until(lambda: server.open == 0)
            with pytest.raises(ClientClosed, match="make a new one"):
                await AsyncWire(pool).send(get(port), None)
            pool.close()

    run(main, loop)


@both_loops
def test_one_pool_in_one_loop_after_another(loop: str) -> None:
    pool = Pool()
    server = Counting()

    async def main() -> None:
        async with serve(server) as port:
            for _ in range(2):
                assert await fetch(AsyncWire(pool), get(port)) == b"ok"

    for made in (1, 2, 3):
        run(main, loop)  # which fails if the loop's end leaves an unclosed transport
        assert server.made == made
        assert len(pool._shares) == 1
    pool.close()


def test_a_loop_that_was_closed_without_its_shutdown() -> None:
    pool = Pool()

    async def main() -> None:
        async with serve(answering(OK)) as port:
            assert await fetch(AsyncWire(pool), get(port)) == b"ok"

    async def close_connections() -> None:  # asyncio itself would warn of them
        for lane in pool.here()._lanes.values():
            for connection in lane.idle:
                connection.abort()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.run_until_complete(close_connections())
    loop.close()
    run(main)
    assert list(pool._shares) != [loop]
    pool.close()
    assert not pool._shares


def test_a_forgotten_pool_leaves_no_connection() -> None:
    async def main() -> None:
        server = Counting()
        async with serve(server) as port:
            await fetch(AsyncWire(Pool()), get(port))
            gc.collect()
            await until(lambda: server.open == 0)

    run(main)


def test_settings_are_checked() -> None:
    for connections, idle, seconds in ((0, 1, 1), (1, -1, 1), (1, 1, -1)):
        with pytest.raises(InvalidRequest):
            Pool(max_connections=connections, max_idle=idle, keepalive=seconds)


# --- a wire in its loop


def test_many_bytes_are_neither_held_nor_lost() -> None:
    sent = b"".join(b"%08d" % number for number in range(1_000_000))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n" + sent)
        await gone(reader)

    async def main() -> None:
        async with serve(handler) as port:
            wire = AsyncWire(pool := Pool())
            await wire.send(get(port), None)
            pieces = []
            while piece := await wire.read(None):
                assert len(piece) <= 128 * 1024
                pieces.append(piece)
                await asyncio.sleep(0)  # a slow reader: the server is held up meanwhile
                assert wire._connection is not None
                assert wire._connection._reader._size <= 128 * 1024
            assert b"".join(pieces) == sent
            await pool.aclose()

    run(main)


def test_small_pieces_are_not_held_without_bound() -> None:
    class Transport(asyncio.Transport):
        paused = False

        def pause_reading(self) -> None:
            self.paused = True

        def resume_reading(self) -> None:
            self.paused = False

    async def main() -> None:
        reader = Reader(asyncio.get_running_loop())
        reader.connection_made(transport := Transport())
        received = 0
        while not transport.paused:
            reader.data_received(b"%d" % (received % 10))
            received += 1
        assert received <= 1024  # each is an object
        assert await reader.read(1) == (b"0123456789" * 103)[:received]
        assert not transport.paused

    run(main)


def test_one_timer_serves_the_reads_of_all_requests_on_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        deadlines: list[float] = []
        call_at = loop.call_at

        def counted(when: float, callback: Callable[..., object], *arguments: object, **more: object) -> object:
            if getattr(callback, "__self__", None).__class__ is Connection:
                deadlines.append(when)
            return call_at(when, callback, *arguments, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_at", counted)
        async with serve(Counting()) as port:
            pool = Pool()
            for _ in range(5):
                assert await fetch(AsyncWire(pool), get(port)) == b"ok"
            assert len(deadlines) == 1
            await pool.aclose()

    run(main)


def test_cancel_after_the_loop_is_gone() -> None:
    wires = []

    async def stalling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabc")
        await gone(reader)

    async def main() -> None:
        async with serve(stalling) as port:
            wires.append(AsyncWire(Pool()))
            await wires[0].send(get(port), None)
            await wires[0].read(None)
            wires[0].close()

    run(main)
    wires[0].cancel()
    wires[0].close()
