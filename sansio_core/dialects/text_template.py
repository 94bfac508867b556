"""The fast path of text: an event that goes on as the one before it did is not decoded again, but for its text.

Reason: nearly all of a stream are such events, and what is the same in them costs more to decode than their text.
Measured, an OpenAI stream, standard library: 4.8 µs an event without it, 0.85 with it (1.1 with padding in the events);
splitting and json.loads take 2.9.

When it is the same as decoding: a shape is an event cut around its text; it becomes known only once a new parser said,
after one event of it, no more of a second than its text. An event is taken this way only directly after one of its
shape that this stream decoded, or took this way: whatever state the stream was in, that one put it into the state in
which such an event says no more. (Where the first, too, said no more but for Started, the dialect may tell by its state
that the stream is past that: PERHAPS.) So what other streams taught changes no event of this one: shapes are shared.
Measured: a stream of 20 events takes its parser 81 µs in place of 156, as it neither learns nor decodes any text.
"""

from __future__ import annotations

import json.decoder
import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from ..events import ChatEvent, ReasoningDelta, Started, TextDelta
from ..parsers.sse_json import Values

# Fields that differ from event to event, or from stream to stream, and mean nothing: running numbers, counts (of which
# the last are read), and padding of random length (it hides how long the text is, which encrypted packets would tell).
_COUNTS = r"obfuscation|p|sequence_number|(?:[a-z]+T|t)okenCount|cachedContentTokenCount"
# These are told once: whether they are there at all may matter, so only what is neither "" nor 0 varies.
_NAMES = r'(?:id|created|model|system_fingerprint|request_id|responseId|modelVersion)(?="\s*:\s*(?:"[^"]|[1-9]))'
# These say what is written to: any in a stream's first event of a shape, the same in those that follow.
_PLACES = r"item_id"
_VALUE = r'(?:"(?P<text>[^"\\\x00-\x1f]*)"|(?P<number>(?:0|[1-9][0-9]{0,15})(?![0-9.eE])))'
_ALL = re.compile(rf'"(?:{_COUNTS}|(?P<name>{_NAMES})|(?P<place>{_PLACES}))"\s*:\s*{_VALUE}')
_FEW = re.compile(rf'"(?:{_COUNTS}|(?P<name>$)|(?P<place>{_PLACES}))"\s*:\s*{_VALUE}')
# json's own reader of a string literal, from after its opening quote: the text, and where the literal ended.
_scan_string: Callable[[str, int], tuple[str, int]] = vars(json.decoder)["scanstring"]

Delta = TextDelta | ReasoningDelta
Probe = Callable[[Any, Any], tuple[list[ChatEvent], list[ChatEvent]]]
"""What the first of two values means to a new parser, and then the second."""
PERHAPS = "perhaps"
"""Marks an event that says no more than its text unless it is the first of its stream or choice."""


class Event(NamedTuple):
    """An event's type, all of its lines, and where in them its data stands."""

    name: str
    event: str
    start: int
    end: int


_NONE = Event("", "", 0, 0)
Follower = Callable[[str, int, list[Any]], int]
"""Values.follow, after a certain event."""
_LONGEST = 4096  # characters of a shape: one is kept as long as its provider
_MOST = 4


class Shape:
    """What stands before and after the text in events that differ in it, and in fields that mean nothing, alone."""

    __slots__ = ("_choice", "_ends", "_kind", "_starts", "bare")

    def __init__(self, head: str, tail: str, like: Delta, bare: bool) -> None:
        """`head` and `tail` are patterns; their groups are the places that the event writes to."""
        self._starts = re.compile(head).match
        self._ends = re.compile(tail).match
        self._kind, self._choice = type(like), like.choice
        self.bare = bare  # whether the first of a stream, too, said no more, but for Started

    def of(self, last: Event) -> tuple[Delta, Follower] | None:
        """What `last` says, and what takes the events that may follow it: None if it is not of this shape."""
        name, event, start, _ = last
        starts, ends, kind, choice = self._starts, self._ends, self._kind, self._choice
        begun = starts(event)
        if begun is None:
            return None
        first, end = _scan_string(event, begun.end())
        ended = ends(event, end)
        if ended is None or not first:
            return None
        head, tail, start_places, end_places = begun[0], ended[0], begun.groups(), ended.groups()
        head_length, tail_length = len(head), len(tail)

        def follow(text: str, at: int, items: list[Any]) -> int:
            size = len(text)
            try:
                while at < size:
                    if text.startswith(head, at):  # as nearly always; else fields vary from event to event
                        begun = at + head_length
                    elif (found := starts(text, at)) and found.groups() == start_places:
                        begun = found.end()
                    else:
                        break
                    said, end = _scan_string(text, begun)
                    if text.startswith(tail, end):
                        end += tail_length
                    elif (found := ends(text, end)) and found.groups() == end_places:
                        end = found.end()
                    else:
                        break
                    if not said:
                        break
                    items.append((name, kind(said, choice), text, at + start))
                    at = end
            except ValueError:  # its text is no JSON string
                pass
            return at

        return kind(first, choice), follow


class Shapes:
    """The shapes that one provider's streams have learnt, the newest first; they hold no text of an answer.

    For any number of threads: the tuple is replaced as a whole, and a shape that got lost is learnt again.
    """

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: tuple[Shape, ...] = ()

    def add(self, shape: Shape) -> None:
        self.known = (shape, *self.known)[:_MOST]


@cache
def _fields(keys: tuple[str, ...]) -> tuple[list[str], re.Pattern[str]]:
    """How the names in `keys` stand in JSON, and what finds where the text of one of them begins."""
    quoted = [f'"{key}"' for key in keys]
    return quoted, re.compile(rf'[{{,]\s*(?:{"|".join(quoted)})\s*:\s*"')


class TextFrames(Values):
    """Decodes as `plain` does, but what goes on as the event before it did is `(event type, delta, text, at)`.

    The delta's text is the value of one of the fields `keys`. It and what stands around it, from the event's first line
    to its blank one, are compared and read as they would be by json: such an event would have decoded to the same but
    for its text. Its data stands in `text` at `at`.
    """

    __slots__ = (
        "_before", "_field", "_follower", "_keys", "_missed", "_plain", "_probe", "_tries", "refusals", "shapes",
    )  # fmt: skip

    def __init__(self, keys: tuple[str, ...], probe: Probe, shapes: Shapes | None, plain: Values) -> None:
        self.refusals = plain.refusals
        self.shapes = Shapes() if shapes is None else shapes
        self._plain = plain
        self._keys, self._field = _fields(keys)
        self._probe = probe
        self._follower: Follower | None = None  # for what follows the last event
        self._missed = self._before = _NONE  # the last two events, if no known shape is theirs
        self._tries = 0

    def follow(self, text: str, at: int, items: list[Any]) -> int:
        if not at and self._before is not _NONE:  # between two feeds, so that the first text waits for no learning
            self._learn()
        return at if self._follower is None else self._follower(text, at, items)

    def one(self, name: str, text: str, at: int, start: int, stop: int) -> Any:
        if not self._has_text(text, start, stop):
            if self._follower is not None or self._missed.event:
                self.interrupt()
            return self._plain.one(name, text, at, start, stop)
        last = Event(name, text[at : stop + (4 if text[stop] == "\r" else 2)], start - at, stop - at)
        if (known := self._known(last)) is not None:
            delta, bare = known
            return (name, delta, text, start, PERHAPS) if bare else self._plain.one(name, text, at, start, stop)
        item = self._plain.one(name, text, at, start, stop)
        self._follower, self._before, self._missed = None, self._missed, last
        return item

    def _known(self, last: Event) -> tuple[Any, bool] | None:
        """If `last` is of a known shape: its delta, and whether it says no more. What follows may go the fast way."""
        for shape in self.shapes.known:
            if found := shape.of(last):
                delta, self._follower = found
                self._missed = self._before = _NONE
                return delta, shape.bare
        return None

    def _has_text(self, text: str, start: int, stop: int) -> bool:
        for key in self._keys:  # noqa: SIM110  # any() would take twice as long, in what each event passes
            if text.find(key, start, stop) >= 0:
                return True
        return False

    def in_bulk(self, text: str, at: int) -> Values | None:
        if self._has_text(text, at, len(text)):
            return None
        self.interrupt()
        return self._plain

    def interrupt(self) -> None:
        self._follower = None
        self._missed = self._before = _NONE

    def _learn(self) -> None:
        """From two events that are of one shape, so that it holds none of an answer's text.

        Where the text stands twice in an event, it differs.
        """
        last, before, self._before = self._missed, self._before, _NONE
        if self._known(last) is not None:  # another stream has learnt it meanwhile: a thousand may begin together
            return
        if len(last.event) > _LONGEST or not self._text(before)[0]:
            return
        said, begun, ended = self._text(last)
        if not said:
            return
        self._tries += 1
        if self._tries & (self._tries - 1):  # in vain again and again: try more and more rarely
            return
        for varying in (_ALL, _FEW):
            shape = self._shape(last, said, begun, ended, varying)
            if shape is not None:
                if shape.of(before) and (found := shape.of(last)):
                    self.shapes.add(shape)
                    self._follower, self._missed = found[1], _NONE
                return

    def _text(self, last: Event) -> tuple[str, int, int]:
        """The text of an event of which nothing else is escaped, and where it stands; "" where there is none.

        In JSON without a backslash, only a field looks like one.
        """
        _, event, start, end = last
        begun = [found.end() for found in self._field.finditer(event, start, end)]
        if len(begun) != 1:
            return "", 0, 0
        said, ended = _scan_string(event, begun[0])
        if "\\" in event[start : begun[0]] or "\\" in event[ended:end]:
            return "", 0, 0
        return said, begun[0], ended

    def _shape(self, last: Event, said: str, begun: int, ended: int, varying: re.Pattern[str]) -> Shape | None:
        """The shape of an event, if events of it mean no more than their text."""
        name, event, start, end = last
        head, tail = event[start:begun], event[ended:]
        other = varying.sub(_otherwise, head) + event[begun:ended] + varying.sub(_otherwise, event[ended:end])
        values = [self._plain.one(name, text, 0, 0, len(text))[1] for text in (event[start:end], other)]
        first, second = self._probe(*values)
        match second:
            case [TextDelta(text=again) | ReasoningDelta(text=again) as like] if again == said:
                body, _, rest = tail.rpartition("}")
                ends = _pattern(tail, varying)
                if rest == event[end:]:  # Anthropic pads before the last brace
                    ends = _pattern(body.rstrip(" "), varying) + r" *\}" + re.escape(rest)
                bare = all(type(one) in (Started, type(like)) for one in first)
                head = re.escape(event[:start]) + _pattern(head, varying)
                return Shape(head, ends, like, bare)
        return None


def _otherwise(field: re.Match[str]) -> str:
    """The field with another value, if it is no place."""
    if field["place"]:
        return field[0]
    start = field.start("number") if field["number"] else field.start("text")
    return field.string[field.start() : start] + (str(int(field["number"]) + 1) if field["number"] else '-"')


def _pattern(piece: str, varying: re.Pattern[str]) -> str:
    at, pattern = 0, ""
    for field in varying.finditer(piece):
        if field["number"]:
            start, kind = field.start("number"), "[1-9][0-9]{0,15}" if field["name"] else "(?:0|[1-9][0-9]{0,15})"
        else:
            start, kind = field.start("text"), r'[^"\\\x00-\x1f]' + ("+" if field["name"] else "*")
        pattern += re.escape(piece[at:start]) + (f"({kind})" if field["place"] else kind)
        at = field.end("number") if field["number"] else field.end("text")
    return pattern + re.escape(piece[at:])
