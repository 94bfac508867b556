"""Clients against the server: CPU an event, the first text, a thousand streams, the delay of a single event."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import monotonic_ns, process_time

from floors import Use
from peers import ASYNCIO, BLOCKING, Peer
from wires import words

COLOURS = {"blocking": BLOCKING, "asyncio": ASYNCIO}


def peak() -> float:
    """Peak memory of this process, MiB. (ru_maxrss would begin with that of the process that started it.)"""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024


def resident() -> float:
    """Memory of this process now, KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024


def run_async(peer: Peer, main: Callable[[], object]) -> None:
    """asyncio.run on the peer's loop, and an end at once: what peers leave open is not what is measured."""
    loop = asyncio.new_event_loop()
    if peer.uvloop:
        import uvloop

        loop = uvloop.new_event_loop()
    loop.run_until_complete(main())  # type: ignore[arg-type]


def repeat(colour: str, peer: Peer, url: str, uses: list[Use], before: Callable[[], object] = lambda: None) -> None:
    """Ask once for each of `uses`, one after the other, over one client."""
    if colour == "blocking":
        ask = peer.make(url)
        for use in uses:
            before()
            ask(use)
        return

    async def main() -> None:
        ask = peer.make(url)
        for use in uses:
            before()
            await ask(use)

    run_async(peer, main)


def burst(colour: str, peer: Peer, url: str, count: int) -> dict[str, float]:
    """A long answer, one event an HTTP chunk: CPU and time an event, from asking to the last text."""
    times: list[tuple[float, float]] = []
    said: list[str] = []
    url = f"{url}/burst-{peer.wire}-{count}"
    repeat(colour, peer, url, [said.append] * 2, lambda: times.append((process_time(), time.perf_counter())))
    times.append((process_time(), time.perf_counter()))
    assert said == words(count) * 2, f"{peer.name} lost text"
    (cpu, wall), (cpu_end, wall_end) = times[-2:]  # the second answer: what is loaded once is loaded
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "µs CPU an event": (cpu_end - cpu) / count * 1e6,
        "µs wall an event": (wall_end - wall) / count * 1e6,
        "% in the kernel": used.ru_stime / (used.ru_utime + used.ru_stime) * 100,
        "peak MiB": peak(),
    }


def first(colour: str, peer: Peer, url: str, count: int) -> dict[str, float]:
    """From asking to the first text, on a warm connection."""
    took: list[float] = []
    asked = 0

    def before() -> None:
        nonlocal asked
        asked = time.perf_counter_ns()

    def use(text: str) -> None:
        took.append((time.perf_counter_ns() - asked) / 1000)

    begun = process_time()
    repeat(colour, peer, f"{url}/first", [use] * count, before)
    cpu = (process_time() - begun) / count * 1e6
    assert len(took) == count, f"{peer.name}: {len(took)} texts of {count}"
    took = sorted(took[10:])
    return {"µs median": median(took), "µs p90": took[len(took) * 9 // 10], "µs CPU a call": cpu}


def ticks(peer: Peer, url: str, streams: int, ticks: int, every: int) -> dict[str, float]:
    """So many streams at once, an event each `every` ms: how late, for how much CPU and memory."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    lags: list[int] = []
    marks: list[tuple[float, float]] = []

    def use(text: str) -> None:
        lags.append(monotonic_ns() - int(text))
        if len(lags) == streams:  # the first event of every stream: all are open
            marks.append((process_time(), resident()))

    async def main() -> None:
        ask = peer.make(f"{url}/first")
        await ask(lambda text: None)  # what is loaded once
        ask = peer.make(f"{url}/ticks-{streams}-{ticks}-{every}")
        marks.append((process_time(), resident()))
        await asyncio.gather(*(ask(use) for _ in range(streams)))
        marks.append((process_time(), resident()))

    run_async(peer, main)
    assert len(lags) == streams * (ticks + 1), f"{peer.name}: {len(lags)} texts"
    (cpu, memory), (cpu_open, memory_open), (cpu_end, _) = marks
    late = sorted(lags[streams:])
    return {
        "ms lag p50": late[len(late) // 2] / 1e6,
        "ms lag p99": late[len(late) * 99 // 100] / 1e6,
        "µs CPU an event": (cpu_end - cpu_open) / len(late) * 1e6,
        "µs CPU a connect": (cpu_open - cpu) / streams * 1e6,
        "KiB a stream": (memory_open - memory) / streams,
    }


def slow(colour: str, peer: Peer, url: str, framings: tuple[str, ...]) -> dict[str, float]:
    """An event every 40 ms: how long it is inside the client, in each framing; the latest of all."""
    found: dict[str, float] = {}
    worst = 0.0
    for framing in framings:
        delays: list[int] = []

        def use(text: str, delays: list[int] = delays) -> None:
            delays.append(monotonic_ns() - int(text))

        with suppress(ConnectionError):  # for peers that mind a connection closed after the answer
            repeat(colour, peer, f"{url}/slow-{framing}", [use])
        found[f"ms {framing}"] = median(delays) / 1e6
        worst = max(worst, *delays)
    return found | {"ms latest": worst / 1e6}
