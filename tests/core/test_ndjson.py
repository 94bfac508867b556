"""NDJSONParser at every cut."""

from __future__ import annotations

from functools import partial
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import cut_anywhere, feed, keeps_nothing, same_for_every_cut

from sansio_core.errors import LimitExceeded
from sansio_core.parsers import NDJSONParser

SAMPLES = {
    "lines": (b'{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']),
    "CRLF": (b'{"a":1}\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']),
    "a lone CR is text": (b"a\rb\nc\r\r\n", ["a\rb", "c\r"]),
    "blank lines": (b"\n\r\n  \t\na\n\n\nb\n \n", ["a", "b"]),
    "other line separators are text": ("a\u2028b\u2029c\x85d\x0be\x0cf\n".encode(), ["a\u2028b\u2029c\x85d\x0be\x0cf"]),
    "unterminated": (b"a\nb", ["a", "b"]),
    "unterminated with CR": (b"a\nb\r", ["a", "b"]),
    "unterminated blank": (b"a\n \r", ["a"]),
    "byte order mark": (b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", ["a", "\ufeffb"]),
    "only a byte order mark": (b"\xef\xbb\xbf", []),
    "half a byte order mark": (b"\xef\xbb", ["\ufffd"]),
    "characters": ("é日😀\n".encode(), ["é日😀"]),
    "invalid UTF-8": (b"a\xff\xe2\x82\nb\xed\xa0\x80\n\xf0\x9f", ["a\ufffd\ufffd", "b\ufffd\ufffd\ufffd", "\ufffd"]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_at_every_cut(name: str) -> None:
    same_for_every_cut(NDJSONParser, *SAMPLES[name])


def test_a_line_is_out_with_its_line_feed() -> None:
    parser = NDJSONParser()
    assert parser.feed(bytearray(b"a\r")) == []
    assert parser.feed(memoryview(b"\n")) == ["a"]


def test_closed() -> None:
    parser = NDJSONParser()
    assert feed(parser, [b"a"]) == ["a"]
    assert parser.close() == []
    with pytest.raises(RuntimeError, match="NDJSONParser is closed"):
        parser.feed(b"a")


def test_the_limit() -> None:
    parser = NDJSONParser(max_frame_size=4)
    assert parser.feed(b"1234\n12\n12345\n1\n") == ["1234", "12"]
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            parser.feed(b"1\n")
        with pytest.raises(LimitExceeded):
            parser.close()
    for size in (1, 2, 5):
        new = partial(feed, NDJSONParser(max_frame_size=4))
        with pytest.raises(LimitExceeded):
            new([b"12345"[at : at + size] for at in range(0, 5, size)])


def test_the_limit_is_flat_memory() -> None:
    keeps_nothing(NDJSONParser(max_frame_size=100_000), repeat(b"x" * 1000, 1000), 400_000)


ENDS = [b"\n", b"\n", b"\r\n", b"\r"]
PARTS = [b"a", b" ", b"\t", b"\x1f", "\u0085".encode(), "\u2028".encode(), b"\xff", b"\xf0\x9f"]
STREAMS = st.lists(st.sampled_from(ENDS + PARTS), max_size=24).map(b"".join)


def by_the_line(data: bytes) -> list[str]:
    """The rules as plainly as they go: every line by itself."""
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    return [line.decode("utf-8", "replace") for line in lines if line and not line.isspace()]


@settings(max_examples=300)
@given(cut_anywhere(STREAMS))
def test_any_cut_gives_the_lines_of_the_whole(pieces: list[bytes]) -> None:
    assert feed(NDJSONParser(), pieces) == by_the_line(b"".join(pieces))
    assert feed(NDJSONParser(), [b"0\n", *pieces]) == ["0", *by_the_line(b"".join(pieces))]


@settings(max_examples=200)
@given(cut_anywhere(STREAMS), st.integers(1, 8))
def test_the_limit_does_not_depend_on_the_cut(pieces: list[bytes], size: int) -> None:
    def run(pieces: list[bytes]) -> tuple[list[str], bool]:
        parser, frames = NDJSONParser(max_frame_size=size), list[str]()
        try:
            for piece in pieces:
                frames += parser.feed(piece)
            return frames + parser.close(), False
        except LimitExceeded:
            return frames, True

    *whole, last = b"".join(pieces).split(b"\n")
    passed = next((at for at, line in enumerate(whole) if len(line) > size), len(whole))
    fits = passed == len(whole) and len(last) <= size
    expected = by_the_line(b"\n".join(whole[:passed])) + (by_the_line(last) if fits else [])
    assert run(pieces) == run([b"".join(pieces)]) == (expected, not fits)
