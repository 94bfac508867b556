"""NDJSONParser at every cut."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import cut_anywhere, feed, same_for_every_cut

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


@settings(max_examples=200, deadline=None)
@given(
    cut_anywhere(st.lists(st.sampled_from([b"\n", b"\r\n", b"\r", b"a", b" ", b"\xe2\x80\xa8", b"\xff"])).map(b"".join))
)
def test_any_cut_gives_the_lines_of_the_whole(pieces: list[bytes]) -> None:
    lines = b"".join(pieces).decode("utf-8", "replace").split("\n")
    expected = [line.removesuffix("\r") for line in lines if line.strip(" \t\r\v\f")]
    assert feed(NDJSONParser(), pieces) == expected
