"""What the parsers cost: CPU for each event as a ratio to split and json.loads, and how time grows with size.

    python tests/bench/parsers.py

Ratios within one run (the lowest of several rounds, taken in turns); the absolute figures say little on a busy machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sansio_core.parsers import NDJSONParser, SSEJSONParser, SSEParser, TextParser

EVENTS = 20_000
ROUNDS = 9
MIB = 1 << 20


def event(number: int) -> bytes:
    delta = {"content": f" word{number}"}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
    chunk = {"id": "chatcmpl-9x8y7z6w5v4u", "object": "chat.completion.chunk", "created": 1_700_000_000}
    chunk |= {"model": "gpt-4o-mini", "choices": [choice]}
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def lowest(works: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            work()
            best[name] = min(best[name], time.process_time() - start)
    return best


def floor(data: bytes) -> None:
    for text in pieces(data, 65536):
        text.decode()
    for part in data.decode().split("\n\n"):
        if part:
            json.loads(part[6:])


def run(parser: SSEJSONParser | SSEParser | NDJSONParser | TextParser, feeds: list[bytes]) -> None:
    feed = parser.feed
    for data in feeds:
        feed(data)


def cost_of_an_event() -> None:
    events = [event(number) for number in range(EVENTS)]
    data = b"".join(events)
    feeds = {"64 KiB": pieces(data, 65536), "one event": events, "1,460 bytes": pieces(data, 1460)}
    crlf = pieces(data.replace(b"\n", b"\r\n"), 65536)
    named = pieces(data.replace(b"data:", b"event: message\ndata:"), 65536)
    works: dict[str, Callable[[], object]] = {"split + json.loads": lambda: floor(data)}
    for decoder, fast in (("json", False), ("msgspec", True)):
        for name, feed in (feeds | {"64 KiB, CRLF": crlf, "64 KiB, event:": named}).items():
            works[f"{decoder}, feeds of {name}"] = lambda d=fast, f=feed: run(SSEJSONParser(fast=d), f)  # type: ignore[misc]
    works["SSEParser, feeds of 64 KiB"] = lambda: run(SSEParser(), feeds["64 KiB"])
    table(lowest(works))
    few = b"".join(events[:1000])
    bytewise = pieces(few, 1)
    by_byte = {"split + json.loads": lambda: floor(few), "feeds of one byte": lambda: run(SSEJSONParser(), bytewise)}
    table(lowest(by_byte))


def table(times: dict[str, float]) -> None:
    base = next(iter(times.values()))
    for name, seconds in times.items():
        print(f"{name:32} {seconds / base:6.2f} x")
    print()


def growth() -> None:
    """Time per byte against the same of 1 MiB."""
    shapes: dict[str, Callable[[int], Iterator[bytes]]] = {
        "one line in 1 KiB pieces": lambda size: iter([b"data: "] + [b"x" * 1024] * (size // 1024)),
        "one line in 64-byte pieces": lambda size: iter([b"data: "] + [b"x" * 64] * (size // 64)),
        "tiny lines in 64 KiB pieces": lambda size: iter([b"data\n\n: \n" * 8192] * (size // 65536)),
        "events in 64-byte pieces": lambda size: iter(pieces((event(1) * (size // 200 + 1))[:size], 64)),
    }
    for kind in (SSEParser, SSEJSONParser, NDJSONParser, TextParser):
        for name, shape in shapes.items():
            ratios = []
            for mib in (1, 16, 64):
                feeds = list(shape(mib * MIB))
                limit = {} if kind is TextParser else {"max_frame_size": 65 * MIB}
                times = lowest({"": lambda k=kind, li=limit, f=feeds: run(k(**li), f)}, 3)  # type: ignore[misc]
                ratios.append(times[""] / mib)
            print(f"{kind.__name__:14} {name:30}", *(f"{ratio / ratios[0]:5.2f} x" for ratio in ratios))


if __name__ == "__main__":
    cost_of_an_event()
    if "--growth" in sys.argv:
        growth()
