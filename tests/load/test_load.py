"""Many streams at once: all complete, none lost, none crossed with another; and what each costs in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from idle import idle_exchanges, in_a_fresh_process
from loads import Figures, asyncio_streams, blocking_streams, server
from soak import SETTINGS, Tally, plan, run_asyncio, run_blocking

from transports import AsyncClient, Client, tapes

KIB = 1024


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server() as url:
        yield url


def sound(figures: Figures, streams: int) -> None:
    print(f"{figures.complete} of {streams} streams complete in {figures.seconds:.2f} s, {figures.cpu:.2f} s of CPU")
    assert figures.errors == []
    assert figures.wrong == []
    assert figures.complete == streams


def test_many_asyncio_streams(url: str) -> None:
    sound(asyncio.run(asyncio_streams(url, 200, 30, 0.01)), 200)


def test_many_blocking_streams(url: str) -> None:
    before = threading.active_count()
    sound(blocking_streams(url, 50, 30, 0.01), 50)
    assert threading.active_count() == before


@pytest.mark.parametrize("transport", ["blocking", "asyncio"])
def test_what_went_wrong_at_once_goes_wrong_alike_when_it_is_replayed(url: str, transport: str, tmp_path: Path) -> None:
    work = plan(200)

    def run() -> Tally:
        tally = Tally()
        if transport == "blocking":
            with Client("openai", base_url=url, **SETTINGS) as client:
                run_blocking(work, tally, client)
            return tally

        async def main() -> None:
            async with AsyncClient("openai", base_url=url, **SETTINGS) as client:
                await run_asyncio(work, tally, client)

        asyncio.run(main())
        return tally

    with tapes.record(tmp_path / "soak.tape"):
        assert run().wrong == []
    with tapes.replay(tmp_path / "soak.tape") as replay:
        assert run().wrong == []
    assert not replay.unused
    assert not replay.unmatched


def test_a_quiet_stream_costs_little_memory() -> None:
    """Its exchange with parser and reply, when an event a minute came for an hour; without its socket."""
    each = idle_exchanges(200, minutes=60)
    print(f"{each / KIB:.1f} KiB for each quiet exchange")
    assert each < 14 * KIB, "of which the hour's texts take 9"


@pytest.mark.load
@pytest.mark.timeout(300)
def test_a_thousand_asyncio_streams(url: str) -> None:
    sound(asyncio.run(asyncio_streams(url, 1000, 100, 0.01)), 1000)


@pytest.mark.load
@pytest.mark.timeout(300)
def test_two_hundred_blocking_streams(url: str) -> None:
    sound(blocking_streams(url, 200, 100, 0.01), 200)


@pytest.mark.load
@pytest.mark.timeout(300)
def test_ten_thousand_quiet_exchanges() -> None:
    each = idle_exchanges(10_000, minutes=60)
    print(f"{each / KIB:.1f} KiB for each quiet exchange")
    assert each < 20 * KIB


@pytest.mark.load
@pytest.mark.timeout(600)
def test_ten_thousand_quiet_connections(url: str) -> None:
    """Real sockets, as many as the process may open up to 10,000; memory beyond what bare asyncio streams take."""
    opened, ours = in_a_fresh_process("ours", url, 10_000)
    _, bare = in_a_fresh_process("bare", url, 10_000)
    print(f"{opened} open streams: {ours / KIB:.1f} KiB each; a bare asyncio connection {bare / KIB:.1f} KiB")
    assert ours - bare < 20 * KIB
