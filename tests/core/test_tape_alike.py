"""A body whose frames are alike is read the quick way: the same parts as Frames reads, so that nothing is missed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sansio_core.tape.alike import parts
from sansio_core.tape.blots import Blots, _Search
from sansio_core.tape.frames import Frames
from sansio_core.tape.views import Joined, View

NAME, KEY = "Ana Novak/7", "sk-live-0123456789abcdefghij"
SAID = st.sampled_from(
    [
        "", "a", " word", 'say "no"\n', "Ana", " Novak/7", "Ana Novak", "/7", "Ana Novak/7", "Žan", "A", "na", "\\",
        "n", "***", "%4", "sk-live", "-0123456789", "abcdefghij", "sk-li***hij", "AIza", "0123456789abcdefghijk",
        "Bearer ", "1na%20", "270", "Novak%2F7", "&#65;na+", "\\u0041na ", '{"x":"An', 'a Novak\\/7"}', '{"Ana":',
        ' "b":[1,', '": "', '":"', '":"Ana',
    ]
)  # fmt: skip
Frame = Callable[[str, int], Any]
FRAMES: list[Frame] = [
    lambda said, n: {"id": "c1", "created": 1, "choices": [{"index": 0, "delta": {"content": said}, "logprobs": None}]},
    lambda said, n: {"id": "chatcmpl-1", "created": 17, "choices": [{"index": 1, "delta": {"content": said}}]},
    lambda said, n: {"id": f"c{n}", "choices": [{"delta": {"tool_calls": [{"function": {"arguments": said}}]}}]},
    lambda said, n: {"type": "content_block_delta", "index": n % 2, "delta": {"type": "text_delta", "text": said}},
    lambda said, n: {"parts": [{"text": said}, {"text": "!"}][: 1 + n % 2], "count": 270 + n, "x": -1e3},
    lambda said, n: {"model": "Ana ", "at": f"2025-01-01T00:00:0{n}Z", "message": {"content": said}, "done": False},
    lambda said, n: {"n": n, "list": [said, "Novak", 7, [1, 2], {"index": 7, "pindex": n}], said: said},
    lambda said, n: [{"t": said}, {"t": "na"}],
    lambda said, n: {"t": said, "u": [["a", {"t": said}]], "270": "Ana Novak/7"[n % 11]},
]  # fmt: skip
LINES = st.sampled_from(
    [
        "event: Ana", ": ping", "data: [DONE]", "data: Ana", "data:  Novak/7", "data: {", '{"t":"Ana', "}", '{"t":',
        "]", "Ana", '"Ana Novak/7"}', '{"t":"Ana"} {"t":" Novak/7"}', '["a\\":"b"]', '{"a":"x":"y"}', '{"a":"Ana"}}',
        "id: 270", "\1", 'x ":"Ana Novak/7" "y":270 }', '{"t":"Ana"} x', '{"a":["\0","Ana"],"t":"x"}',
        '{"a":["0+-+0"],"t":0}',
    ]
)  # fmt: skip
WIRES = [
    ("data: ", "\n\n"), ("data:", "\n"), ("", "\n"), ("data: ", "\r\n\r\n"), ("event: a\ndata: ", "\n\n"),
    ("", "\r\n", "\n", "\r"),
]  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """Frames of a few kinds, one often enough, and what else may stand in a body; cut anywhere."""
    kinds = draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=2))
    lead, *ends = draw(st.sampled_from(WIRES))
    colon, ascii = draw(st.sampled_from([":", ": "])), draw(st.booleans())
    said = draw(st.lists(SAID, min_size=8, max_size=14))
    said += said[-1:] * draw(st.integers(0, 60))
    body = draw(st.sampled_from([""] * 9 + ["\n"]))
    for n, each in enumerate(said):
        frame = json.dumps(kinds[n % len(kinds)](each, n % 10), separators=(",", colon), ensure_ascii=ascii)
        odd = draw(LINES) + ends[0] if draw(st.integers(0, 60)) == 0 else ""
        body += odd + lead + frame + ends[n % len(ends)]
    if draw(st.integers(0, 2)) == 0:
        return body + draw(LINES)
    return body[: len(body) - draw(st.sampled_from([0, 1, 2, 3, 7, 20, 50]))]


USUAL = "".join(f'data: {{"id":"chatcmpl-1","t":"w{n}"}}\n\n' for n in range(20))


@settings(max_examples=150)
@given(body=bodies(), cut=st.booleans(), pattern=st.sampled_from(["Ana.{0,3}Nov", "270", "(Ana ){3}N?", "2[5-9]"]))
@example(USUAL + 'x ":"Ana"\n' + USUAL, False, "Ana")  # what looks like a value and is none
@example(USUAL + 'data: {"t":"x":"Ana"}\n\n' + USUAL, False, "Ana")
@example(USUAL + '{"t":"x"} ":"Ana"', False, "Ana")
@example(USUAL + '{"t":"x"} {"u":"Ana"}', False, 'x"} .*Ana')
@example(USUAL.replace("chatcmpl-1", "Ana "), False, "(Ana ){3}")
@example(USUAL + '{"t":"data: {"id":"chatcmpl-1",","u":"Ana"}\n\n' + USUAL, False, "Ana")
@example((USUAL + 'data: {"t":"x\\\rAna"}\n\n' + USUAL).replace("\n", "\r\n"), False, "Ana")
@example(USUAL + 'data: {"t":["\0"],"u":"Ana"}\n\n' + USUAL, False, "Ana")
@example(USUAL.replace("}\n\nd", '}\n\n{"a":["Ana","x"],"a":[" Novak"]}\n\nd'), False, "Ana Nov")
def test_the_quick_way_finds_what_the_exact_way_finds(body: str, cut: bool, pattern: str) -> None:
    for blots in Blots([KEY], [NAME, "Ana " * 9]), Blots([KEY], [re.compile(pattern)]):
        blots.repeats = min(blots.repeats, 40)
        exact, quick = _Search(blots, body, cut), _Search(blots, body, cut, quick=True)
        assert bool(quick.found or quick.key) == bool(exact.found or exact.key)
    if (quickly := parts(body, 0)) is not None:
        view = View(body)
        assert set(quickly) == {(part.kind, Joined(view, part.places, part.between).text) for part in Frames(body)}


@pytest.mark.parametrize("lead", ["data: ", "", "event: x\ndata: "])
@pytest.mark.parametrize("end", ["\n\n", "\n", "\r\n\r\n"])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_usual_streams_are_read_the_quick_way(lead: str, end: str, separators: tuple[str, str]) -> None:
    for frame in FRAMES[:6]:
        frames = [lead + json.dumps(frame(f"w{n}", n), separators=separators) + end for n in range(40)]
        assert parts("".join([*frames, "data: [DONE]", end]), 0) is not None
