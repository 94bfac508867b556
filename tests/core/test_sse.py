"""SSEParser against the WHATWG rules, section 9.2.6, at every cut."""

from __future__ import annotations

from itertools import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import SSE_LINES, cut_anywhere, feed, keeps_nothing, same_for_every_cut

from sansio_core.errors import LimitExceeded
from sansio_core.parsers import Comment, Frame, ServerSentEvent, SSEParser, StrayLine


def event(data: str, event: str = "message", id: str = "") -> ServerSentEvent:
    return ServerSentEvent(event, data, id)


def lenient() -> SSEParser:
    return SSEParser(lenient=True)


STRICT = {
    # the examples of the standard
    "three messages": (
        b"data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n"
        b"data: This is the third message.\n\n",
        [
            event("This is the first message."),
            event("This is the second message, it\nhas two lines."),
            event("This is the third message."),
        ],
    ),
    "event types": (
        b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
        [event("73857293", "add"), event("2153", "remove"), event("113411", "add")],
    ),
    "stock quote": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
    "ids": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [Comment("test stream"), event("first event", id="1"), event("second event"), event(" third event")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
    "one space is stripped": (b"data:test\n\ndata: test\n\n", [event("test"), event("test")]),
    # each rule
    "CRLF": (b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [event("a\nb"), event("c")]),
    "CR": (b"data: a\rdata: b\r\rdata: c\r\r", [event("a\nb"), event("c")]),
    "mixed line ends": (
        b"data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\n\ndata: e\n\r",
        [event("a\nb\nc"), event("d"), event("e")],
    ),
    "byte order mark once": (
        b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\ndata: \xef\xbb\xbfc\n\n",
        [event("a"), event("\ufeffc")],
    ),
    "two byte order marks": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "half a byte order mark": (b"\xef\xbb", []),
    "no event without data": (b"event: a\nid: 7\n\ndata: b\n\n", [event("b", id="7")]),
    "event type is reset": (
        b"event: a\ndata: b\n\ndata: c\n\nevent: x\n\ndata: d\n\n",
        [event("b", "a"), event("c"), event("d")],
    ),
    "an empty event type is message": (b"event: a\nevent:\ndata: b\n\n", [event("b")]),
    "the last event type holds": (b"event: a\nevent: b\ndata: c\n\n", [event("c", "b")]),
    "id persists": (
        b"id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\n",
        [event("a", id="1"), event("b", id="1"), event("c", id="2")],
    ),
    "an id with NUL is ignored": (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [event("a", id="1"), event("b", id="1")]),
    "comments": (
        b":\n: a\n:  b\n:c:d\ndata: e\n:f\n\n",
        [Comment(""), Comment("a"), Comment(" b"), Comment("c:d"), Comment("f"), event("e")],
    ),
    "unknown fields": (b"datas: a\nDATA: b\n data: c\nfoo\n{}\ndata: d\n\n", [event("d")]),
    "only the first colon counts": (b"data: a: b\ndata::c\n\n", [event("a: b\n:c")]),
    "other line separators are text": (
        "data: a\u2028b\u0085c\x0bd\x0ce\x1cf\n\n".encode(),
        [event("a\u2028b\u0085c\x0bd\x0ce\x1cf")],
    ),
    "NUL is text": (b"data: a\0b\n\n", [event("a\0b")]),
    "characters of several bytes": ("event: é\ndata: 日本語 😀\nid: ü\n\n".encode(), [event("日本語 😀", "é", "ü")]),
    "blank lines": (b"\n\n\r\n\r\rdata: a\n\n\n\n", [event("a")]),
    "an unfinished event is dropped": (b"data: a\n\ndata: b\n", [event("a")]),
    "an unfinished line is dropped": (b"data: a\n\ndata: b", [event("a")]),
    "an unfinished comment is dropped": (b": a\n: b", [Comment("a")]),
    "nothing": (b"", []),
}

LENIENT = {
    "unterminated event": (b"data: a\n\nevent: x\ndata: b\nid: 3\n", [event("a"), event("b", "x", "3")]),
    "unterminated line": (b"data: a\n\ndata: b\ndata: c", [event("a"), event("b\nc")]),
    "unterminated with CR": (b"data: a\r", [event("a")]),
    "unterminated comment": (b"data: a\n: b", [Comment("b"), event("a")]),
    "unterminated stray line": (b'data: a\n\n{"error": 1}', [event("a"), StrayLine('{"error": 1}')]),
    "only an unterminated event type": (b"data: a\n\nevent: b", [event("a")]),
    "cut in a character": (b"data: a\xe2\x82", [event("a\ufffd")]),
    "half a byte order mark": (b"\xef\xbb", [StrayLine("\ufffd")]),
    "only a byte order mark": (b"\xef\xbb\xbf", []),
    "stray lines in their place": (
        b'<html>\ndata: a\n{"b":\n 1}\n\nData: c\n: d\n \ndatum\n',
        [
            StrayLine("<html>"),
            StrayLine('{"b":'),
            StrayLine(" 1}"),
            event("a"),
            StrayLine("Data: c"),
            Comment("d"),
            StrayLine(" "),
            StrayLine("datum"),
        ],
    ),
    "known fields are not stray": (b"data\nevent\nid\nretry\nretry: x\n\n", [event("")]),
}


@pytest.mark.parametrize("name", STRICT)
def test_strict(name: str) -> None:
    same_for_every_cut(SSEParser, *STRICT[name])


@pytest.mark.parametrize("name", LENIENT)
def test_lenient(name: str) -> None:
    same_for_every_cut(lenient, *LENIENT[name])


# Unicode's "substitution of maximal subparts", which the Encoding standard's decoder follows
INVALID = [
    b"\xff",
    b"\x80",
    b"\xc0\xaf",
    b"\xe2\x82",
    b"\xe2\x28\xa1",
    b"\xf0\x9f\x98",
    b"\xf0\x28\x8c\xbc",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe0\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"a\xc3",
    b"\xc3\xc3\xa9",
    b"\xf0\x9f\xf0\x9f\x98\x80",
]


@pytest.mark.parametrize("invalid", INVALID)
def test_invalid_utf8_is_as_when_the_whole_is_decoded(invalid: bytes) -> None:
    data = b"event: " + invalid + b"\ndata: " + invalid + b"\ndata: x" + invalid + b"y\nid: " + invalid + b"\r\n\n"
    text = invalid.decode("utf-8", "replace")
    same_for_every_cut(SSEParser, data, [event(f"{text}\nx{text}y", text, text)])


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r", b"\r\n\n"])
def test_an_event_is_out_with_the_first_byte_of_its_blank_line(end: bytes) -> None:
    parser = SSEParser()
    blank = 3 if end == b"\r\n\r\n" else 3 if end == b"\r\n\n" else 2  # how many bytes until the blank line has begun
    assert parser.feed(b"data: a" + end[: blank - 1]) == []
    assert parser.feed(end[blank - 1 : blank]) == [event("a")]
    assert parser.feed(end[blank:] + b"data: b\n\n") == [event("b")]
    assert parser.close() == []


@pytest.mark.parametrize(
    ("value", "retry"),
    [
        (b"10000", 10000),
        (b"0", 0),
        (b"007", 7),
        (b"0" * 5000 + b"5", 5),
        (b"000", 0),
        (b"", None),
        (b"-1", None),
        (b"+5", None),
        (b"1_000", None),
        (b"1.5", None),
        (b" 5", None),
        (b"5 ", None),
        (b"0x10", None),
        ("٣".encode(), None),
        (b"\xb2", None),
        (b"9" * 18, 10**18 - 1),
        (b"1" + b"0" * 18, None),
        (b"9" * 5000, None),
    ],
)
def test_retry_is_ascii_digits_only(value: bytes, retry: int | None) -> None:
    parser = SSEParser()
    assert parser.retry is None
    parser.feed(b"retry: " + value + b"\n")
    assert parser.retry == retry


def test_last_event_id_becomes_valid_with_the_blank_line() -> None:
    parser = SSEParser()
    parser.feed(b"id: 1\n")
    assert parser.last_event_id == ""
    parser.feed(b"\n")
    assert parser.last_event_id == "1"
    parser.feed(b"id: 2\ndata: a")
    parser.close()
    assert parser.last_event_id == "1"


def test_bytes_likes_are_taken_and_not_kept() -> None:
    parser = SSEParser()
    buffer = bytearray(b"data: a")
    parser.feed(buffer)
    buffer[:] = b"xxxxxxx"
    assert parser.feed(memoryview(b"\n\n")) == [event("a")]


def test_closed() -> None:
    parser = lenient()
    parser.feed(b"data: a")
    assert parser.close() == [event("a")]
    assert parser.close() == []
    with pytest.raises(RuntimeError, match="SSEParser is closed"):
        parser.feed(b"")


def test_frames_are_values() -> None:
    assert event("a") == event("a") != event("b")
    assert {Comment("a"), Comment("a")} == {Comment("a")}
    with pytest.raises(AttributeError):
        event("a").data = "b"  # type: ignore[misc]  # frozen: this is the test


@pytest.mark.parametrize("size", [0, -1])
def test_a_limit_is_positive(size: int) -> None:
    with pytest.raises(ValueError, match="max_frame_size"):
        SSEParser(max_frame_size=size)


# --- the limit: 10 bytes -----------------------------------------------------------------------------------------

FITS = [
    b"data: abcd\n\n",
    b"data\ndata:\n\n",
    b": abcdefgh\n" * 3,
    b"data:\n: abcdefgh\ndata:\n\n",
    b"event\ndata:\n\nid: x\ndata:\n\n",
]
PASSES = [
    b"data: abcde\n\n",
    b"data:\ndata: \n\n",
    b": abcdefghi\n",
    b"abcdefghijk\n",
    b"data\nabcdefghij",
    b"event\ndata: a\n\n",
    b"retry\nid: 345\n\n",
]


@pytest.mark.parametrize("data", FITS)
def test_what_fits(data: bytes) -> None:
    for size in (1, 2, 3, len(data)):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert feed(SSEParser(max_frame_size=10), pieces)


@pytest.mark.parametrize("data", PASSES)
def test_what_passes_the_limit(data: bytes) -> None:
    for size in (1, 2, 3, len(data)):
        parser = SSEParser(max_frame_size=10)
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        with pytest.raises(LimitExceeded) as caught:
            feed(parser, pieces)
        assert (caught.value.limit, caught.value.size) == ("frame", 10)


def test_stray_lines_count_by_themselves() -> None:
    data = b"abcdefghij\n" * 3 + b"data: a\n\n"
    assert feed(SSEParser(lenient=True, max_frame_size=10), [data]) == [StrayLine("abcdefghij")] * 3 + [event("a")]


@pytest.mark.parametrize("endless", [b"data: 12345678901", b"data: a\n" * 10, b": 12345678901\ndata: a\n\n: c\n"])
def test_frames_before_the_fault_are_not_lost(endless: bytes) -> None:
    parser = SSEParser(max_frame_size=10)
    assert parser.feed(b"data: a\n\n: b\n" + endless) == [event("a"), Comment("b")]
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            parser.feed(b"data: c\n\n")
        with pytest.raises(LimitExceeded):
            parser.close()


def test_the_limit_is_flat_memory() -> None:
    keeps_nothing(SSEParser(max_frame_size=100_000), repeat(b"x" * 1000, 1000), 400_000)
    keeps_nothing(SSEParser(max_frame_size=100_000), repeat(b"data: " + b"x" * 1000 + b"\n", 1000), 400_000)


# --- properties ----------------------------------------------------------------------------------------------------

STREAMS = st.lists(
    SSE_LINES | st.binary(max_size=6) | st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"]), max_size=24
).map(b"".join)


class ByTheBook:
    """The standard's algorithm on the whole stream, written down as plainly as it goes."""

    def __init__(self, lenient: bool, limit: int) -> None:
        self.lenient, self.limit = lenient, limit
        self.frames: list[Frame] = []
        self.data = self.kind = self.last_id = ""
        self.size = 0

    def read(self, stream: bytes) -> tuple[list[Frame], bool]:
        """The frames, and whether all of them are within the limit."""
        stream = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, last = stream.split(b"\n")
        for line in lines:
            if not self.line(line):
                return self.frames, False
        if not self.fits(last):
            return self.frames, False
        if self.lenient and (not last or self.line(last)):
            self.line(b"")
        return self.frames, True

    def fits(self, line: bytes) -> bool:
        return len(line) + (0 if line.startswith(b":") else self.size) <= self.limit

    def line(self, line: bytes) -> bool:
        if not self.fits(line):
            return False
        text = line.decode("utf-8", "replace")
        name, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if self.data:
                self.frames.append(ServerSentEvent(self.kind or "message", self.data.removesuffix("\n"), self.last_id))
            self.data, self.kind, self.size = "", "", 0
        elif not name:
            self.frames.append(Comment(value))
        elif name not in ("data", "event", "id", "retry") and self.lenient:
            self.frames.append(StrayLine(text))
        else:
            self.size += len(line)
            self.data += value + "\n" if name == "data" else ""
            self.kind = value if name == "event" else self.kind
            self.last_id = value if name == "id" and "\0" not in value else self.last_id
        return True


@settings(max_examples=400)
@given(cut_anywhere(STREAMS), st.booleans(), st.integers(1, 16) | st.just(1000))
def test_any_stream_at_any_cut_is_as_the_book_has_it(pieces: list[bytes], lenient: bool, limit: int) -> None:
    parser, frames, within = SSEParser(lenient=lenient, max_frame_size=limit), list[Frame](), True
    try:
        for piece in pieces:
            frames += parser.feed(piece)
        frames += parser.close()
    except LimitExceeded:
        within = False
    assert (frames, within) == ByTheBook(lenient, limit).read(b"".join(pieces))
