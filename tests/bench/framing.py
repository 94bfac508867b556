"""The framing alone: bytes to events, lines or text, beside what a careful person writes by hand for one wire."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from time import process_time

from decoder import MIB, ours, pieces
from wires import events, words

Run = Callable[[list[bytes]], object]
FEEDS = {"64 KiB": 65536, "4,096": 4096, "1,448": 1448, "an event": 0}
BY_HAND, HTTPX, OPENAI = "by hand", "httpx-sse", "OpenAI's events"


@dataclass(frozen=True)
class Framing:
    """One contestant: `who` cuts `wire` in feeds of `feed`."""

    wire: str
    feed: str
    who: str

    @property
    def name(self) -> str:
        return f"{self.wire}, {self.feed} a feed: {self.who}"

    @property
    def floor(self) -> str:
        """By hand in large feeds; but a codec by itself costs what it costs in each kind of feed."""
        return Framing(self.wire, self.feed if self.wire == "raw" else "64 KiB", BY_HAND).name


def contestants() -> list[Framing]:
    rivals = {"openai": ("SSEParser", HTTPX), "anthropic": ("SSEParser", HTTPX), "ndjson": ("NDJSONParser",)}
    rivals |= {"raw": ("TextParser", "ours"), "ollama": ("ours",)}
    return [Framing(wire, feed, who) for wire, found in rivals.items() for feed in FEEDS for who in (BY_HAND, *found)]


def _whole(feeds: list[bytes], end: bytes, use: Callable[[list[str]], object]) -> None:
    """What is whole in a feed is decoded at once and split; the rest, which a feed cut, waits for the next."""
    rest = b""
    blank = end.decode()
    for data in feeds:
        whole, found, rest = (rest + data).rpartition(end)
        if found:
            use(whole.decode().split(blank))


def by_hand(wire: str) -> Run:
    """No less can be done, with one wire in mind. `raw`: the incremental codec; `ollama`: json.loads of each line."""
    uses: dict[str, tuple[bytes, Callable[[list[str]], object]]] = {
        "openai": (b"\n\n", lambda found: [event[6:] for event in found]),
        "anthropic": (b"\n\n", lambda found: [event[7:].partition("\ndata: ")[::2] for event in found]),
        "ndjson": (b"\n", lambda found: [line for line in found if line]),
        "ollama": (b"\n", lambda found: [json.loads(line) for line in found if line]),
    }

    def run(feeds: list[bytes]) -> None:
        if wire == "raw":
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            for data in feeds:
                decode(data)
        else:
            _whole(feeds, *uses[wire])

    return run


def httpx_sse(feeds: list[bytes]) -> None:
    from httpx_sse._decoders import SSEDecoder, SSELineDecoder

    decode, lines = SSEDecoder().decode, SSELineDecoder()
    text = codecs.getincrementaldecoder("utf-8")("replace").decode
    for data in feeds:
        for line in lines.decode(text(data)):
            decode(line)


def runner(wire: str, who: str) -> Run:
    if who in (BY_HAND, HTTPX, "ours"):
        return by_hand(wire) if who == BY_HAND else httpx_sse if who == HTTPX else ours(wire)
    from sansio_core import parsers

    def run(feeds: list[bytes]) -> None:
        feed = getattr(parsers, who)().feed
        for data in feeds:
            feed(data)

    return run


def framing(wire: str, feed: str, who: str, count: int) -> dict[str, float]:
    """Microseconds of CPU an event or a line (of `raw`, a feed), the median of five runs."""
    if wire == "raw":
        count *= 10
    said = events("ollama" if wire == "ndjson" else wire, words(count))
    feeds = pieces(b"".join(said), FEEDS[feed]) if FEEDS[feed] else said
    run = runner(wire, who)
    run(feeds[:100])  # what is loaded once
    times = [process_time()]
    for _ in range(5):
        run(feeds)
        times.append(process_time())
    each = len(feeds) if wire == "raw" else count
    return {"µs an event": median(end - begun for begun, end in pairwise(times)) / each * 1e6}


LINES = (BY_HAND, "SSEParser", HTTPX, OPENAI)


def line(who: str, mib: int) -> dict[str, float]:
    """Milliseconds of CPU of an event of one line of so many MiB, 1 KiB a feed."""
    feeds = [b'data: {"a":"', *pieces(b"x" * (mib * MIB), 1024), b'"}\n\n']
    if who == BY_HAND:

        def run(feeds: list[bytes]) -> object:
            found = []
            for data in feeds:
                found.append(data)
                if 10 in data:
                    return b"".join(found).decode()[6:-2]
            return None

    elif who == OPENAI:
        from sansio_core import providers

        parser = providers.create("openai", model="m", api_key="k").parser(max_frame_size=2 * mib * MIB)

        def run(feeds: list[bytes]) -> object:
            return [parser.feed(data) for data in feeds]

    else:
        run = runner("openai", who)
    run([])
    begun = process_time()
    run(feeds)
    return {"ms": (process_time() - begun) * 1e3}
