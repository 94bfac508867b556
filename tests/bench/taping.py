"""What a tape costs: a long answer that is read plainly, recorded, and replayed at speed 0."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from wires import words

HOW = ("plain", "recorded", "replayed")


def tapes(colour: str, wire: str, how: str, url: str, count: int) -> dict[str, float]:
    """CPU and time an event, from asking to the last text; and to the end, when the take is on the disk."""
    from sansio_core.tape import Tape
    from transports import tapes

    url = f"{url}/burst-{wire}-{count}"
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.tape")
        with tapes.record(path):
            _read(colour, wire, url, count)  # what is loaded once is loaded
        tape = Tape.loads(path.read_bytes())
        ways: dict[str, AbstractContextManager[object]] = {
            "plain": nullcontext(), "recorded": tapes.record(path), "replayed": tapes.replay(tape)
        }  # fmt: skip
        with ways[how]:
            cpu, wall = process_time(), perf_counter()
            said = _read(colour, wire, url, count)
            cpu_end, wall_end = process_time(), perf_counter()
    return {
        "µs CPU an event": (cpu_end - cpu) / count * 1e6,
        "µs wall an event": (wall_end - wall) / count * 1e6,
        "µs at the end": (wall_end - said) / count * 1e6,
    }


def _read(colour: str, wire: str, url: str, count: int) -> float:
    """Ask once, and check what is said; returns when the last text was there."""
    from transports import AsyncClient, Client

    texts: list[str] = []
    last = 0.0
    if colour == "blocking":
        with Client(wire, base_url=url, model="m", api_key="k") as client, client.stream("Hello") as stream:
            for text in stream:
                texts.append(text)
                if len(texts) == count:
                    last = perf_counter()
    else:

        async def main() -> None:
            nonlocal last
            client = AsyncClient(wire, base_url=url, model="m", api_key="k")
            async with client, client.stream("Hello") as stream:
                async for text in stream:
                    texts.append(text)
                    if len(texts) == count:
                        last = perf_counter()

        asyncio.run(main())
    assert texts == words(count), f"{wire} lost text"
    return last
