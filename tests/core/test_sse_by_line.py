"""SSEParser's way of whole events against its way line by line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import SSE_LINES, cut_anywhere, cuts

from sansio_core.errors import LimitExceeded
from sansio_core.parsers import Frame, ServerSentEvent, SSEParser


def event(data: str, event: str = "message", id: str = "") -> ServerSentEvent:
    return ServerSentEvent(event, data, id)


class ByLine(SSEParser):
    """By the rules of the standard alone, line by line."""

    __slots__ = ()

    def _events(self, data: bytes, frames: list[Frame]) -> bytes:
        return data


def feed_only(parser: SSEParser, pieces: Iterable[bytes]) -> list[Frame]:
    return [frame for piece in pieces for frame in parser.feed(piece)]


def outcomes(parser: SSEParser, pieces: list[bytes]) -> list[object]:
    """What every single call gives and leaves behind, up to a LimitExceeded."""
    seen: list[object] = []
    try:
        for piece in pieces:
            seen += [parser.feed(piece), parser.retry, parser.last_event_id, parser.idle]
        seen += [parser.close(), parser.last_event_id]
    except LimitExceeded:
        seen.append("LimitExceeded")
    return seen


def same_by_line(pieces: list[bytes], *, lenient: bool = False, size: int = 1000) -> None:
    fast, plain = (kind(lenient=lenient, max_frame_size=size) for kind in (SSEParser, ByLine))
    assert outcomes(fast, pieces) == outcomes(plain, pieces), pieces


USUAL = b"data: a\n\n"
NEARLY_USUAL = {
    "one data line each": USUAL * 3,
    "one data line each, one empty": USUAL + b"data: \n\n" + USUAL,
    "two data lines": USUAL + b"data: b\ndata: c\n\n" + USUAL,
    "two data lines of a single event": b"data: b\ndata: c\n\n",
    "a name each": b"event: x\ndata: a\n\nevent: y\ndata: b\n\n",
    "an empty name": b"event: \ndata: a\n\nevent: y\ndata: b\n\n",
    "a name and no data": b"event: x\n\nevent: y\ndata: b\n\n",
    "a name and other lines before data": b"event: x\nid: 3\ndata: a\n\nevent: y\ndata: b\n\n",
    "a name and other lines after data": b"event: x\ndata: a\nretry: 3\n\nevent: y\ndata: b\n\n",
    "data before the name": b"data: a\nevent: x\n\n" + USUAL,
    "some with a name": USUAL + b"event: x\ndata: b\n\n" + USUAL,
    "a comment between": USUAL + b": c\n\n" + USUAL,
    "a stray line between": USUAL + b"{}\n\n" + USUAL,
    "no space": USUAL + b"data:b\n\n" + USUAL,
    "ids": b"id: 7\ndata: a\n\n" + USUAL * 2 + b"id: 8\n\n" + USUAL,
    "invalid UTF-8": b"data: \xe2\x82\n\ndata: \xf0\x9f\n\n",
    "a lone CR": USUAL + b"data: b\rdata: c\n\n",
    "many blank lines": USUAL + b"\n\n\n" + USUAL,
    "a byte order mark": b"\xef\xbb\xbf" + USUAL * 2 + b"\xef\xbb\xbf" + USUAL,
}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("name", NEARLY_USUAL)
def test_usual_events_and_nearly_usual_ones_are_as_by_line(name: str, end: bytes) -> None:
    data = NEARLY_USUAL[name].replace(b"\n", end)
    for begin in (b"", USUAL, b"id: 1\n\n", b"event: x\n", b"data: b\r"):
        for pieces in cuts(data):
            same_by_line([begin, *pieces])
            same_by_line([begin, *pieces], lenient=True, size=12)


USUAL_EVENTS = st.sampled_from([b"data: a\n\n", b"event: x\ndata: b\n\n", "data: é日\n\n".encode()])
PARTS = (
    st.lists(USUAL_EVENTS, min_size=1, max_size=4).map(b"".join) | SSE_LINES | st.sampled_from([b"\n", b"\r", b"\xc3"])
)


@settings(max_examples=300)
@given(
    cut_anywhere(
        st.tuples(st.lists(PARTS, max_size=8).map(b"".join), st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])).map(
            lambda made: made[0].replace(b"\n", made[1])
        )
    ),
    st.booleans(),
    st.sampled_from([1000, 1000, 9, 20]),
)
def test_any_stream_at_any_cut_is_as_by_line(pieces: list[bytes], lenient: bool, size: int) -> None:
    same_by_line(pieces, lenient=lenient, size=size)
    same_by_line([USUAL, *pieces], lenient=lenient, size=size)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("begin", [b"", b"event: x\n"])
def test_usual_events_do_not_go_by_line(monkeypatch: pytest.MonkeyPatch, begin: bytes, end: bytes) -> None:
    """Else the property above compares the plain path with itself."""
    parser = SSEParser()
    parser.feed(b": the start of a stream goes by line\n")
    monkeypatch.setattr(SSEParser, "_line", None)
    whole = (begin + b"data: a\n\n").replace(b"\n", end)
    assert [one.data for one in parser.feed(whole * 3)] == ["a"] * 3
    assert [one.data for piece in (whole[:6], whole[6:] + whole) for one in parser.feed(piece)] == ["a"] * 2


def test_a_crlf_in_two_feeds_costs_one_event_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    by_line: list[bytes] = []
    real = SSEParser._line
    monkeypatch.setattr(SSEParser, "_line", lambda self, line, frames: (by_line.append(line), real(self, line, frames)))
    parser, event_bytes = SSEParser(), b"data: a\r\n\r\n"
    parser.feed(event_bytes[:-1])
    assert parser.feed(b"\n" + event_bytes * 5) == [event("a")] * 5
    assert by_line == [b"data: a"] * 2


def test_a_long_line_in_pieces() -> None:
    parser = SSEParser(max_frame_size=100_000)
    for ending in (b"\n\n", b"\xff\n\n", b"\ndata: y\n\n"):
        frames = feed_only(parser, [b"data: ", *repeat("é".encode() * 50, 500), ending, b"data: z\n\n"])
        text = ending.decode("utf-8", "replace").removesuffix("\n\n").replace("data: ", "")
        assert frames == [event("é" * 25_000 + text), event("z")]
