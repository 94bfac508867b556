"""The decoder alone: bytes in, typed events out, beside splitting and json.loads; and how it grows with its input."""

from __future__ import annotations

import codecs
import json
import resource
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import process_time

from wires import events, provider, words

MIB = 1 << 20
FEEDS = {"64 KiB": 65536, "an event": 0, "a byte": 1}
SIZES = {f"{size:,} bytes": size for size in (100, 300, 700, 1448, 4096, 16384)}
SIZES |= {"an event": 0, "64 KiB": 65536, "all": 1 << 40}
"""How much a feed may have: less than an event, a TCP segment, a read of a socket, a whole answer."""


@dataclass(frozen=True)
class Decoding:
    """One contestant: `who` reads `wire` in feeds of `feed`."""

    wire: str
    feed: str
    who: str

    @property
    def name(self) -> str:
        return f"{self.wire}, {self.feed} a feed: {self.who}"

    @property
    def floor(self) -> str:
        """What it is measured against: always of the whole text at once."""
        return Decoding(self.wire, "64 KiB", FLOOR).name


FLOOR = "split + json.loads"
CODEC = "incremental codec"


def contestants() -> list[Decoding]:
    """OpenAI's wire in every kind of feed, the others in large ones; each with its floor."""
    found = []
    for wire in ("openai", "openai-padded", "openai-new-id", "anthropic", "openai_responses", "gemini", "ollama"):
        found += [Decoding(wire, "64 KiB", who) for who in (FLOOR, "ours", "ours + fast")]
        if wire in ("openai", "anthropic"):
            found.append(Decoding(wire, "64 KiB", f"{wire}'s SDK"))
    found.append(Decoding("openai", "64 KiB", "httpx-sse + json.loads"))
    found += [Decoding("openai", feed, who) for feed in ("an event", "a byte") for who in ("ours", "ours + fast")]
    return [*found, Decoding("raw", "64 KiB", CODEC), Decoding("raw", "64 KiB", "ours")]


def sweep() -> list[Decoding]:
    """Every dialect of event streams in feeds of every size; each with its floor."""
    found = []
    for wire in ("openai", "anthropic", "openai_responses", "gemini"):
        found += [Decoding(wire, "64 KiB", FLOOR), *[Decoding(wire, size, "ours") for size in SIZES]]
    return found


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def floor(wire: str) -> Callable[[list[bytes]], None]:
    """No less can be done with the standard library by hand: one decode, one split, json.loads of every event."""
    blank = {"gemini": "\r\n\r\n", "ollama": "\n"}.get(wire, "\n\n")

    def run(feeds: list[bytes]) -> None:
        for event in b"".join(feeds).decode().split(blank):
            if (begun := event.find("{")) >= 0:
                json.loads(event[begun:] if begun else event)

    return run


def codec(feeds: list[bytes]) -> None:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    for data in feeds:
        decode(data)


def ours(wire: str) -> Callable[[list[bytes]], None]:
    from sansio_core import providers

    settings = {} if wire == "raw" else {"model": "m", "api_key": "k"}
    source = providers.create(provider(wire), **settings)

    def run(feeds: list[bytes]) -> None:
        feed = source.parser().feed
        for data in feeds:
            feed(data)

    return run


def httpx_sse(feeds: list[bytes]) -> None:
    from httpx_sse._decoders import SSEDecoder

    decoder, rest = SSEDecoder(), ""
    for data in feeds:
        *lines, rest = (rest + data.decode()).split("\n")
        for line in lines:
            event = decoder.decode(line)
            if event is not None and event.data != "[DONE]":
                json.loads(event.data)


def sdk(wire: str) -> Callable[[list[bytes]], None]:
    """The vendor's own stream of typed events, over a transport that only hands the bytes out."""
    import importlib

    package = importlib.import_module(wire)
    http = importlib.import_module(package.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])

    def run(feeds: list[bytes]) -> None:
        def answer(request: object) -> object:
            return http.Response(200, headers={"content-type": "text/event-stream"}, content=iter(feeds))

        client = package.DefaultHttpxClient(transport=http.MockTransport(answer))
        question = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
        if wire == "openai":
            stream = package.OpenAI(api_key="k", http_client=client).chat.completions.create(**question)
        else:
            stream = package.Anthropic(api_key="k", http_client=client).messages.create(**question, max_tokens=9)
        for _ in stream:
            pass

    return run


def runner(wire: str, who: str) -> Callable[[list[bytes]], None]:
    if who == FLOOR:
        return floor(wire)
    if who == CODEC:
        return codec
    if who.startswith("ours"):
        return ours(wire)
    return httpx_sse if who.startswith("httpx") else sdk(wire)


def feeds_of(wire: str, feed: str, count: int) -> list[bytes]:
    said = events(wire, words(count))
    size = (FEEDS | SIZES)[feed]
    return pieces(b"".join(said), size) if size else said


def measure(wire: str, feed: str, who: str, count: int) -> dict[str, float]:
    """Microseconds of CPU an event (for a codec and raw text: a word)."""
    if feed == "a byte":
        count //= 10
    run = runner(wire, who)
    run(feeds_of(wire, feed, 500))  # what is loaded once
    feeds = feeds_of(wire, feed, count)
    begun = process_time()
    run(feeds)
    return {"µs an event": (process_time() - begun) / count * 1e6}


# --- growth ------------------------------------------------------------------------------------------------------

_EVENT = events("openai", words(2))[1]
SHAPES: dict[str, Callable[[int], Iterable[bytes]]] = {
    "one line, 64 KiB a feed": lambda size: _long([b"x" * 65536] * (size // 65536)),
    "one line, 64 bytes a feed": lambda size: _long([b"x" * 64] * (size // 64)),
    "10^6 tiny lines a 6 MiB": lambda size: [b"data:\n" * 10922] * (size // 65532),
    "10^6 empty events": lambda size: [b"data:\n\n" * 9362] * (size // 65534),
    "events, 64 bytes a feed": lambda size: pieces(_EVENT * (size // len(_EVENT)), 64),
}


def _long(middle: list[bytes]) -> list[bytes]:
    return [b'data: {"choices":[{"index":0,"delta":{"content":"', *middle, b'"}}]}\n\n']


BY_HAND = "by hand: join, decode, json.loads of one line"


def growth(shape: str, sizes: tuple[int, ...]) -> dict[str, float]:
    """Nanoseconds of CPU a byte, by size: the same for every size means linear.

    Each size once, in growing order: a second run would find its memory warm, but only where it is small. (The system's
    first touch of a page costs a quarter of a nanosecond a byte, of each copy: see what it does to those by hand.)
    """
    from sansio_core import providers

    source = providers.create("openai", model="m", api_key="k")
    found = {}
    source.parser().feed(_EVENT)
    for size in sizes:
        feeds = list(SHAPES[next(iter(SHAPES)) if shape == BY_HAND else shape](size * MIB))
        feed = source.parser(max_frame_size=size * MIB * 2 + 1000).feed
        begun = process_time()
        if shape == BY_HAND:
            json.loads(b"".join(feeds).decode()[6:])
        else:
            for data in feeds:
                feed(data)
        found[f"{size} MiB"] = (process_time() - begun) / (size * MIB) * 1e9
    return found


def endless(mib: int) -> dict[str, float]:
    """How much memory the parser takes for an endless stream, in KiB: more of it must not be more."""
    from sansio_core import providers

    parser = providers.create("openai", model="m", api_key="k").parser()

    def feed(feeds: Iterator[bytes]) -> float:
        for data in feeds:
            parser.feed(data)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    piece = _EVENT * 300
    first = feed(piece for _ in range(8 * MIB // len(piece)))
    return {f"KiB more after {mib} MiB": feed(piece for _ in range(mib * MIB // len(piece))) - first}
