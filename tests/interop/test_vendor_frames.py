"""Every kind of frame that a vendor's SDK has a type for is understood, and nothing that it says is lost in silence.

A frame has every field filled, each with a value of its own; each value must be in an event, or on the Reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import pytest
from vendor_bodies import on_the_wire
from vendor_examples import Leaf, Rules, examples
from vendor_frames import MODULES, SDKS, Frame, frame_types, frames, installed
from vendor_types import Judge, members_of

from sansio_core import ChatError, ChatEvent, UnknownFrame, providers

pytestmark = pytest.mark.interop

# What no event says, by wire and path, and why that is no loss.
SAID_NOWHERE: dict[str, dict[str, str]] = {
    "openai": {
        r"\.created": "when the answer began: the clock of who asks knows it",
        r"\.obfuscation": "noise that hides the lengths of texts from who listens to the line",
        r"\.choices\[\]\.delta\.role": "always the assistant's",
    },
    "openai_responses": {
        r"\.obfuscation": "noise that hides the lengths of texts from who listens to the line",
        r"\.response\.created_at": "when the answer began: the clock of who asks knows it",
        r"\.response\.(instructions|tools|tool_choice|prompt|background|max_output_tokens|max_tool_calls|metadata|"
        r"parallel_tool_calls|previous_response_id|prompt_cache_(key|options|retention)|reasoning|safety_identifier|"
        r"temperature|text|top_logprobs|top_p|truncation|user)\b.*": "the question's own words and settings, repeated",
        r"\.response\.status": "the same as the event's type",
        r"\.(item_id|output_index|content_index|summary_index|annotation_index)": "the place of what is said, "
        "which the order of the events tells; the item has its id",
        r"\.sequence_number": "has a test of its own",
    },
    "anthropic": {r"\.index": "the place of a block: the order of the events tells it"},
    "gemini": {
        r"\.createTime": "when the answer began: the clock of who asks knows it",
        r"\.candidates\[\]\.content\.role": "always the model's",
        r".*\.partialArgs\[\]\.(boolValue|jsonPath|willContinue)": "how a call's arguments are put together; a true in "
        "them has no name of its own",
    },
    "ollama": {
        r"\.message\.role": "always the assistant's",
        r"\.done": "whether it is the last chunk: there is a Finished, or not",
        r"\.created_at": "when the chunk was made: the clock of who asks knows it",
    },
}


class Said:
    """All that the events of a body say: the words in them, and the fields of vendors' objects in them."""

    def __init__(self, events: list[ChatEvent]) -> None:
        self.words: set[str] = set()
        self.fields: set[tuple[str, str]] = set()
        for event in events:
            self._take(json.loads(event.raw) if isinstance(event, UnknownFrame) else event, typed=True)

    def _take(self, value: Any, *, typed: bool = False, name: str = "") -> None:
        if isinstance(value, ChatError):
            for inside in [str(value), *vars(value).values()]:
                self._take(inside, typed=True)
        elif is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                self._take(getattr(value, field.name), typed=True)
        elif isinstance(value, Mapping):
            for key, inside in value.items():
                self.words.add(str(key))
                self._take(inside, name=str(key))
        elif isinstance(value, (list, tuple)):
            for inside in value:
                self._take(inside, typed=typed, name=name)
        elif value is not None:
            self.words |= {str(value), *re.findall(r"[\w.+/=-]+", str(value))}
            self.fields.add(("" if typed else name, str(value)))

    def has(self, leaf: Leaf) -> bool:
        if leaf.unique:
            return str(leaf.value) in self.words
        # A word of the vendor's, or true: under its name in an object of the vendor's, or as an event's own word.
        own = {word for name, value in self.fields if not name for word in re.split(r"\W+", value)}
        return (leaf.name, str(leaf.value)) in self.fields or (leaf.value is not True and str(leaf.value) in own)


def events_of(frame: Frame) -> list[ChatEvent]:
    parser = providers.create(frame.wire, api_key="k").parser()
    return [*parser.feed(frame.body), *parser.end()]


@cache
def reason(wire: str, path: str) -> str:
    """The pattern of SAID_NOWHERE that a path is in; "" for none."""
    return next((pattern for pattern in SAID_NOWHERE[wire] if re.fullmatch(pattern, path)), "")


def lost(frame: Frame) -> list[str]:
    """The paths of a frame of which no event says the value."""
    said = Said(events_of(frame))
    return [leaf.path for leaf in frame.leaves if not reason(frame.wire, leaf.path) and not said.has(leaf)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "frame" in metafunc.fixturenames:
        # Not by a decorator: a run without these tests would read all SDKs only to leave the tests out.
        left_out = "not interop" in metafunc.config.getoption("markexpr")
        made = [] if left_out else [frame for wire in MODULES for frame in frames(wire)]
        metafunc.parametrize("frame", made, ids=[f"{frame.wire}-{frame.kind}" for frame in made])


def test_nothing_is_lost(frame: Frame) -> None:
    if missing := lost(frame):
        pytest.fail(f"{frame.kind}: no event says {', '.join(missing)}", pytrace=False)


def test_no_kind_is_unknown(frame: Frame) -> None:
    unknown = [f"{event.why}: {event.raw[:300]}" for event in events_of(frame) if isinstance(event, UnknownFrame)]
    if unknown:
        pytest.fail(f"{frame.kind}: {unknown}", pytrace=False)


def test_sequence_numbers() -> None:
    """Of the Responses wire alone: each event has one, so that its loss would drown all others."""
    silent = set()
    for frame in frames("openai_responses"):
        said = Said(events_of(frame))
        if any(leaf.path == ".sequence_number" and not said.has(leaf) for leaf in frame.leaves):
            silent.add(frame.kind.partition("/")[0])
    if silent:
        pytest.fail(f"{len(silent)} kinds of events lose theirs: {', '.join(sorted(silent))}", pytrace=False)


@pytest.mark.parametrize("wire", MODULES)
def test_examples_are_of_their_types(wire: str) -> None:
    pytest.importorskip(MODULES[wire])
    judge = Judge(on_the_wire(wire))
    for kinds in frame_types(wire).values():
        for kind in members_of(kinds):
            for example in examples(kind, Rules(SDKS, instead=judge.instead)):
                assert judge.faults(example.value, kind) == [], example.label


def test_every_silence_is_needed() -> None:
    for wire in filter(installed, MODULES):
        needed = {reason(wire, leaf.path) for frame in frames(wire) for leaf in frame.leaves}
        assert needed - {""} == SAID_NOWHERE[wire].keys()
