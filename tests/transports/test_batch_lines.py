"""The lines of an output as a resumed run reads them: many at once say what each says alone. And multisets of keys."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sansio_core import ContextTooLong, Finished, Reply, Started, TextDelta, UsageReport
from transports.batch import output_lines
from transports.batch.answer import Answer
from transports.batch.keys import Keys
from transports.batch.output_lines import Rows, dump_line, read_lines

_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text() | st.sampled_from(
    [
        '"error":',
        ',"error":{"class":"X"},',
        '"again":true',
        '\\"',
        "}\n{",
        '"}\n{"row":1,"key":"',
        "\0",
        "\r\n",
        "ž\u2028",
    ]
)
_IDS = st.none() | st.booleans() | st.integers() | _FLOATS | _TEXTS
_SAID = {"key": "9f3c41d2aa07be15", "settings": "c01d77aa", "text": "x", "error": None, "again": True, "row": 7}


def answer(text: str, failed: bool, **fields: Any) -> Answer:
    reply = Reply.of([Started("r", "m-1"), TextDelta(text), UsageReport(10, 2), Finished("stop")])
    error = ContextTooLong(400, text) if failed else None
    return Answer(reply=reply, error=error, tries=1, window=64, at=1795270182.12, seconds=0.93, **fields)


@st.composite
def ours(draw: st.DrawFn, again: st.SearchStrategy[bool] = st.just(False)) -> dict[str, Any]:  # noqa: B008
    """A line of an output."""
    fields = {"refused": draw(st.integers(0, 2)), "first_text": draw(st.none() | st.just(0.231)), "again": draw(again)}
    keep = draw(st.dictionaries(st.sampled_from(["text", *_SAID]), _IDS, max_size=2))
    key = f"{draw(st.integers(0, (1 << 64) - 1)):016x}"
    who = {"row": draw(st.integers(1)), "id": draw(_IDS), "key": key, "keep": keep}
    return answer(draw(_TEXTS), draw(st.booleans()), **who, **fields).to_line("c01d77aa")


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """A line that another program has written: fields moved, taken out, replaced; other spaces, other line ends."""
    line = draw(ours(st.booleans()))
    for name in draw(st.lists(st.sampled_from(sorted(_SAID)), max_size=2)):
        line.pop(name, None)
        if draw(st.booleans()):
            line[name] = draw(st.sampled_from([_SAID[name], None, 0, "", {}, {"class": "X"}]))
    spaces = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    return json.dumps(line, separators=spaces).encode() + draw(st.sampled_from([b"\n", b"\r\n", b" \n", b"\n\n"]))


@st.composite
def torn(draw: st.DrawFn) -> bytes:
    """The beginning of a line, or one in which bytes are zeros."""
    line = dump_line(draw(ours()))
    place = draw(st.integers(0, len(line) - 1))
    if draw(st.booleans()):
        return line[:place]
    return line[:place] + bytes(min(9, len(line) - 1 - place)) + line[place + 9 :]


_OTHERS = st.sampled_from(
    [b"\n", b"{}\n", b'{"row":1}\n', b"[]\n", b"\xff\n", b"9" * 5000 + b"\n", b"[" * 9999 + b"\n"]
)


@settings(max_examples=15)
@given(st.lists(ours().map(dump_line) | edited() | _OTHERS, max_size=3), torn() | st.just(b""))
@example([dump_line(answer("a", False, row=1, id=1, key="0" * 16, again=True).to_line("c01d77aa"))], b"")
@example([dump_line({**answer("a", True, row=1, id=1, key="0" * 16).to_line("c01d77aa"), "text": None})], b"")
@example([b'{"row":1,"id":"\n', b'","key":"0000000000000000","settings":"c01d77aa","text":"x"}\n'], b"")
@example([b'x{"row":1,"key":"0000000000000000","settings":"c01d77aa","text":"x"}\n'], b"")
@example([b'{"row":1,"key":"0000000000000000","settings":"c01d77aa","text":"","n":1,"error":{"class":"X"}}\n'], b"")
def test_lines_together_say_what_each_says(lines: Sequence[bytes], rest: bytes) -> None:
    data = b"".join(lines) + rest
    alone = [said_by(line) for line in io.BytesIO(data)]
    assert told(data) == alone
    for line, said in zip(io.BytesIO(data), alone, strict=True):
        assert told(line) == [said]
    with pytest.MonkeyPatch.context() as patch:  # in halves, halves of these, and so on
        patch.setattr(output_lines, "_FEW", 10)
        assert told(data) == alone


def told(data: bytes) -> list[object]:
    """What `read_lines` says of each line."""
    found: list[object] = []
    for said in read_lines(data):
        if isinstance(said, Rows):
            found += [(*each, said.again) for each in zip(*said[:3], strict=True)]
        else:
            found.append(said)
    return found


def said_by(line: bytes) -> object:
    """What a line says by its JSON; the line itself if it is no row."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return line
    key = row.get("key") if isinstance(row, dict) else None
    if not isinstance(key, str) or len(key) != 16 or set(key) - set("0123456789abcdef"):
        return line
    if not (
        isinstance(row.get("row"), int) and isinstance(row.get("settings"), str) and isinstance(row.get("text"), str)
    ):
        return line
    return int(key, 16), row["settings"].encode(), bool(row.get("error")), row.get("again") is True


@settings(max_examples=25)
@given(
    st.lists(st.tuples(_IDS, st.booleans(), st.dictionaries(st.just("label"), _IDS)), min_size=1, max_size=4), _TEXTS
)
def test_lines_of_ours_are_read_at_once(rows: Sequence[Any], text: str) -> None:
    lines = [
        answer(text, failed, row=n, id=id, key=f"{n:016x}", keep=keep).to_line("c01d77aa")
        for n, (id, failed, keep) in enumerate(rows)
    ]
    numbers, failed = tuple(range(len(rows))), [failed for _, failed, _ in rows]
    assert [*read_lines(b"".join(map(dump_line, lines)))] == [(numbers, (b"c01d77aa",) * len(rows), failed, False)]


_NEAR = st.integers(2, 9).map(lambda n: 60 * 61 * n)  # of one bucket, and of one place in tables of many sizes
_KEYS = st.lists(_NEAR | st.integers(2, (1 << 64) - 1), max_size=40)


@settings(max_examples=25)
@given(_KEYS, _KEYS)
def test_keys_are_a_multiset(added: list[int], taken: list[int]) -> None:
    keys, left = Keys(), Counter(added)
    keys.add(added)
    keys.settle()
    for key in taken + added + added:
        assert keys.take(key) == (left[key] > 0)
        left[key] -= left[key] > 0


@pytest.mark.parametrize("distinct", [1, 3])
def test_many_equal_keys_take_no_time(distinct: int) -> None:
    """Each would pass over all that are there already."""
    keys = Keys()
    keys.add(key for key in range(2, 2 + distinct) for _ in range(20_000))
    keys.settle()
    assert sum(keys.take(key) for key in range(2, 2 + distinct) for _ in range(20_001)) == distinct * 20_000
