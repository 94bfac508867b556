"""SSEJSONParser: the fast path against SSEParser and json.loads, with and without msgspec, at every cut."""

from __future__ import annotations

import builtins
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import SlowPath, cut_anywhere, cuts, feed, same_for_every_cut

from sansio_core.errors import LimitExceeded
from sansio_core.parsers import Comment, ServerSentEvent, SSEJSONParser, StrayLine, sse_json
from sansio_core.parsers.sse_json import plain_decoder

FAST = pytest.mark.parametrize("fast", [False, True], ids=["json", "msgspec"])


def outcome(parser: Any, pieces: list[bytes]) -> list[str]:
    """What every single call gives, as text (so that NaN is like NaN, and 1 unlike 1.0), up to a LimitExceeded."""
    seen = []
    try:
        seen.extend(repr(parser.feed(piece)) for piece in pieces)
        seen.append(repr(parser.close()))
    except LimitExceeded as error:
        seen.append(repr(error))
    return seen


def same_as_slow(pieces: list[bytes], fast: bool, size: int = 1000) -> None:
    assert outcome(SSEJSONParser(max_frame_size=size, fast=fast), pieces) == outcome(SlowPath(size), pieces)


SAMPLES = {
    "usual": (
        b'data: {"a": [1, "b"]}\n\ndata: {"c": null}\n\ndata: [DONE]\n\n',
        [("message", {"a": [1, "b"]}), ("message", {"c": None}), ServerSentEvent("message", "[DONE]")],
    ),
    "without a space": (b'data:{"a":1}\n\ndata:{"a":2}\n\n', [("message", {"a": 1}), ("message", {"a": 2})]),
    "CRLF": (b'data: {"a":1}\r\n\r\ndata: {"a":2}\r\n\r\n', [("message", {"a": 1}), ("message", {"a": 2})]),
    "CR": (b'data: {"a":1}\r\rdata: {"a":2}\r\r', [("message", {"a": 1}), ("message", {"a": 2})]),
    "named": (
        b'event: x\ndata: {"a":1}\n\nevent: y\ndata: {"a":2}\n\nevent: \ndata: 3\n\nevent: z\n\ndata: 4\n\n',
        [("x", {"a": 1}), ("y", {"a": 2}), ("message", 3), ("message", 4)],
    ),
    "mixed": (
        b'data: 1\n\n: c\n\nevent: x\ndata: 2\n\n{"e": 1}\ndata: [3,\ndata: 4]\n\nid: 9\ndata: 5\n\ndata: no\n\n',
        [
            ("message", 1),
            Comment("c"),
            ("x", 2),
            StrayLine('{"e": 1}'),
            ("message", [3, 4]),
            ("message", 5),
            ServerSentEvent("message", "no", "9"),
        ],
    ),
    "two values in one event, half a value in two": (
        b'data: {},{}\n\ndata: {"a": [{}\n\ndata: {}]}\n\ndata: {}\n\n',
        [
            ServerSentEvent("message", "{},{}"),
            ServerSentEvent("message", '{"a": [{}'),
            ServerSentEvent("message", "{}]}"),
            ("message", {}),
        ],
    ),
    "a value over two lines of which one is stray": (
        b'data: 0\n\ndata: {\n"a":1}\n\ndata: 2\n\n',
        [("message", 0), StrayLine('"a":1}'), ServerSentEvent("message", "{"), ("message", 2)],
    ),
    "one name and two data, and none": (
        b"event: a\n\nevent: b\ndata: 1\ndata: 2\n\n",
        [ServerSentEvent("b", "1\n2")],
    ),
    "one name and a value over two lines, and none": (
        b"event: a\ndata: 0\n\nevent: b\ndata: {\n}\n\nevent: c\n\n",
        [("a", 0), StrayLine("}"), ServerSentEvent("b", "{")],
    ),
    "line ends of several kinds": (
        b"data: [1,\n2]\r\n\r\ndata: [3,\r4]\n\ndata: 5\r\n\r\n",
        [
            *[StrayLine("2]"), ServerSentEvent("message", "[1,")],
            *[StrayLine("4]"), ServerSentEvent("message", "[3,"), ("message", 5)],
        ],
    ),
    "a lone CR among CRLF": (
        b"data: 0\r\n\r\ndata: [1,\r2]\r\n\r\n",
        [("message", 0), StrayLine("2]"), ServerSentEvent("message", "[1,")],
    ),
    "the id at the end": (
        b"data: 1\n\nid: 9\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n",
        [("message", 1), ("message", 2), ("message", 3), ServerSentEvent("message", "[DONE]", "9")],
    ),
    "characters": ('data: "é日😀"\n\ndata: "\u2028"\n\n'.encode(), [("message", "é日😀"), ("message", "\u2028")]),
    "invalid UTF-8": (
        b'data: 1\n\ndata: "\xff\xe2\x82"\n\ndata: 2\n\n',
        [("message", 1), ("message", "\ufffd\ufffd"), ("message", 2)],
    ),
    "a byte order mark": (b"\xef\xbb\xbfdata: 1\n\ndata: 2\n\n", [("message", 1), ("message", 2)]),
    "a byte order mark that is late": (
        b"data: 1\n\n\xef\xbb\xbfdata: 2\n\ndata: 3\n\n",
        [("message", 1), StrayLine("\ufeffdata: 2"), ("message", 3)],
    ),
    "unterminated": (b'data: {"a":1}\n\ndata: {"error":2}', [("message", {"a": 1}), ("message", {"error": 2})]),
}

VALUES = [
    "NaN", "-Infinity", "1e400", "123456789012345678901234567890", "-9223372036854775809", "18446744073709551616",
    "9" * 500, "9" * 5000, "-0", "-0.0", "1E5", "2.2250738585072011e-308", '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"',
    '{"a":1,"a":2}', '"\x01"', '"\x7f"', "01", "1.", "[1,]", '{"a":1,}', "", " 1 ", "\t1", "\x0b1", "\u00a01", "1 2",
    '"\\u00g0"', '"\\x"', "nul", "truex", "+1", "1_0", "\ufeff1", "'a'", '{"a"', "[" * 300 + "]" * 300,
    "[" * 100_000 + "]" * 100_000, "[" * 100_000, '{"a":' * 100_000,
]  # fmt: skip


@FAST
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_at_every_cut(name: str, fast: bool) -> None:
    data, items = SAMPLES[name]
    same_for_every_cut(lambda: SSEJSONParser(fast=fast), data, items)


@FAST
@pytest.mark.parametrize("name", SAMPLES)
def test_every_call_gives_what_the_slow_path_gives(name: str, fast: bool) -> None:
    for pieces in cuts(SAMPLES[name][0]):
        same_as_slow(pieces, fast)


@FAST
@pytest.mark.parametrize("value", VALUES, ids=lambda value: value[:20])
def test_what_is_json_is_what_json_loads_takes(value: str, fast: bool) -> None:
    one = f"data: {value}\n\n".encode()
    named = f"event: x\ndata: {value}\n\n".encode()
    size = 1_000_000
    same_as_slow([b"data: 0\n\n", one, named], fast, size)
    same_as_slow([b"data: 0\n\n", b"data: 1\n\n" + one + b"data: 2\n\n", b"event: y\ndata: 1\n\n" + named], fast, size)


@FAST
def test_a_byte_before_whole_events_begins_their_first_line(fast: bool) -> None:
    same_as_slow([b"data: 0\n\n", b"x", b"data: 1\n\ndata: 2\n\n"], fast)
    same_as_slow([b"data: 0\n\n", b":", b"data: 1\n\n", b"d", b"ata: 2\n\n"], fast)


@FAST
def test_a_byte_order_mark_that_is_none(fast: bool) -> None:
    for mark in (b"\xef", b"\xef\xbb"):
        same_as_slow([mark, b"data: 1\n\n", b"data: 2\n\n"], fast)
    same_as_slow([b"\xef\xbb", b"\xbf", b"data: 1\n\n"], fast)


@FAST
def test_bytes_likes(fast: bool) -> None:
    parser = SSEJSONParser(fast=fast)
    assert parser.feed(bytearray(b"data: 1\n\ndata")) == [("message", 1)]
    assert parser.feed(memoryview(b":")) == []
    assert parser.feed(memoryview(b" 2\n\n")) == [("message", 2)]
    assert parser.feed(memoryview(b"data: 3\n\n")) == [("message", 3)]


@FAST
def test_closed(fast: bool) -> None:
    parser = SSEJSONParser(fast=fast)
    assert feed(parser, [b"data: 1\n\n", b"data: 2"]) == [("message", 1), ("message", 2)]
    assert parser.close() == []
    unused, whole = SSEJSONParser(fast=fast), SSEJSONParser(fast=fast)
    assert feed(whole, [b"data: 1\n\n"]) == [("message", 1)]
    assert unused.close() == []
    for data in (b"d", b"data: 1\n\n"):
        for closed in (parser, unused, whole):
            with pytest.raises(RuntimeError, match="closed"):
                closed.feed(data)


@FAST
def test_the_limit(fast: bool) -> None:
    parser = SSEJSONParser(max_frame_size=10, fast=fast)
    assert parser.feed(b"data: 1\n\ndata: 2\n\ndata: 12345\n\ndata: 3\n\n") == [("message", 1), ("message", 2)]
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            parser.feed(b"data: 3\n\n")
        with pytest.raises(LimitExceeded):
            parser.feed(b"x")
        with pytest.raises(LimitExceeded):
            parser.close()
    same_as_slow([b"data: 1\n\n", b"data: 2\n\ndata: 3\n\ndata: 12345", b"", b"data: 4\n\n"], fast, 10)
    same_as_slow([b"id: 1\n", b": c\ndata: 12345\n\ndat", b"x"], fast, 10)
    for begun in (b"", b"data: 1\n\n", b"data: 1\n\ndata"):
        parser = SSEJSONParser(max_frame_size=1000, fast=fast)
        parser.feed(begun)
        for _ in range(1000 - len(parser._tail)):
            assert parser.feed(b"x") == []
        with pytest.raises(LimitExceeded):
            parser.feed(b"x")


def test_without_msgspec_json_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("msgspec"):
            raise ImportError(name)
        return real(name, *args)

    for name in [name for name in sys.modules if name.split(".")[0] == "msgspec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    assert type(plain_decoder.__wrapped__(True)) is type(plain_decoder.__wrapped__(False))


@FAST
@pytest.mark.parametrize("name", SAMPLES)
def test_large_feeds_are_worked_through_in_slices(name: str, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    data = SAMPLES[name][0]
    for size in range(1, 40):
        monkeypatch.setattr(sse_json, "_SLICE", size)
        same_as_slow([data, data], fast)
        same_as_slow([data + b"data: " + b"1" * 30, data], fast, 30)


@FAST
def test_many_events_of_other_kinds(fast: bool) -> None:
    for data in (b"data:\n\n", b"data:5\n\n", b": c\n\n", b"id: 1\ndata: 5\n\n", b"data\n\n", b'data:{"a":1}\n\n'):
        for other in (b"", b"data: 7\n\n", b"\n"):
            same_as_slow([data * 3 + other + data * 3, data * 3], fast)
            same_as_slow([(data * 3 + other).replace(b"\n", b"\r\n") + data * 3], fast)


@FAST
def test_an_event_that_a_feed_cuts_does_not_go_by_the_plain_rules(fast: bool) -> None:
    parser = SSEJSONParser(fast=fast)
    parser._plain = None  # type: ignore[assignment]  # it is not asked
    for event, item in (
        (b'data: {"a": 1}\n\n', ("message", {"a": 1})),
        (b'event: x\ndata: {"a": 2}\n\n', ("x", {"a": 2})),
        (b"event: x\r\ndata: 3\r\n\r\n", ("x", 3)),
    ):
        for at in range(1, len(event)):
            if not event[:at].endswith(b"\r"):  # which ends a line: the plain rules know at once
                assert parser.feed(event[:at]) + parser.feed(event[at:]) == [item], at


@FAST
def test_a_long_line_in_small_feeds_is_linear(fast: bool) -> None:
    def steps(pieces: int) -> int:
        parser = SSEJSONParser(fast=fast)
        seen = 0

        class Line(bytearray):
            def __bytes__(self) -> bytes:
                nonlocal seen
                seen += len(self)
                return bytes(memoryview(self))

        parser._tail = Line()
        assert feed(parser, [b'data: "', *[b"x" * 10] * pieces, b'"\n\n']) == [("message", "x" * 10 * pieces)]
        return seen

    assert steps(2000) < 2 * 2000 * 10


# --- properties ----------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)
TEXTS = st.builds(json.dumps, JSON, ensure_ascii=st.booleans()).map(lambda text: text.encode("utf-8", "replace"))
DATA = TEXTS | st.sampled_from([b"[DONE]", b"", b"{", b"{},{}", b"\xff", b" 1", b'{"a": [{}', b"{}]}"])
NAMES = st.sampled_from(
    [b"", b"event: x\n", b"event:y\n", b"event: \n", b"id: 1\n", b"id\n", b": c\n", b"retry: 3\n", b"{}\n"]
)
EVENTS = st.tuples(
    NAMES, st.sampled_from([b"data: ", b"data:", b"data: ", b"data"]), DATA, st.sampled_from([b"\n\n", b"\n\n", b"\n"])
)
PARTS = EVENTS.map(b"".join) | st.binary(max_size=3) | st.sampled_from([b"\n", b"\r", b"\n\n"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    data = b"".join(draw(st.lists(PARTS, max_size=8)))
    return data.replace(b"\n", draw(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"])))


@settings(max_examples=300)
@given(cut_anywhere(streams()), st.booleans(), st.sampled_from([1000, 1000, 20]))
def test_any_stream_at_any_cut_is_as_the_slow_path_has_it(pieces: list[bytes], fast: bool, size: int) -> None:
    same_as_slow(pieces, fast, size)
    same_as_slow([b"data: 0\n\n", b"".join(pieces)], fast, size)


@settings(max_examples=100)
@given(streams(), st.booleans())
def test_any_stream_by_the_byte_is_as_the_slow_path_has_it(data: bytes, fast: bool) -> None:
    same_as_slow([data[at : at + 1] for at in range(len(data))], fast)


@settings(max_examples=100)
@given(st.lists(TEXTS, max_size=6))
def test_both_decoders_give_the_same(texts: list[bytes]) -> None:
    data = b"".join(b"data: " + text + b"\n\n" for text in texts)
    by_json, by_msgspec = (outcome(SSEJSONParser(fast=fast), [b"data: 0\n\n", data]) for fast in (False, True))
    assert by_json == by_msgspec
