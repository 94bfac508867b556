"""Templates of text events: an event that is the one before it with another text is compared, not decoded.

Nearly all events of a chat stream carry a few characters of text in some hundred bytes of JSON, and those bytes are the
same in every event. Comparing them is cheaper than decoding them. Measured with the standard library, per event of
OpenAI's wire in large feeds: 4.8 µs decoded, 0.9 µs compared; splitting the stream and `json.loads` take 2.9 µs.

What a template is. `Template` is one event's lines, cut around the JSON string that is its text: the head (from the
event's first line to the text's opening quote) and the tail (from behind the closing quote to the blank line). Two
events match a template if they are equal outside their texts, except for the values of a few fields that mean nothing
to any dialect (`_MEANINGLESS` and `_ANNOUNCED` below: counters, padding, the answer's id).

How one is learnt. When two text events follow one another and match no template, `TemplateDecoder` asks the dialect: a
new parser decodes the second event, and then the same event with a longer text and other values in the meaningless
fields. Only if that second decoding gives exactly one text delta, and just the longer text, the event becomes a
template. So it is proven that the dialect reads the text from this place of the event, whatever else the event has: a
second field of this name, or an escaped one ("\\u0063ontent" is "content"), of which JSON counts the last. Of an
answer that arrived in one piece, the next stream of the provider learns.

Why the result is the same as decoding. An event is compared only directly behind an event of the same template that
this very stream decoded or matched. What a dialect says besides text (Started, a field of another kind), it says at the
first event that has it, and not again at a like event right behind. The question above has shown that for a new parser;
that it holds for a parser in any state is the dialects' duty, and tests/core/test_text_template.py holds them to it for
random streams. Whatever comes between (another event, a comment, a line that is no field) ends the run, and the next
event is decoded again.

The first event of a run is decoded, too, unless the template says `only_text`: even a new parser said nothing but
Started and the text for it. Then the dialect may know from its own state (`EventStreamParser._ready`) that it has said
Started, and takes the text. So 20 events take a new parser 81 µs, not 156: it neither learns nor decodes.

Since a template never decides alone what an event means, what one stream taught changes no event of another. That is
why all streams of a provider share their templates (`Templates`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

from ..events import ChatEvent, ReasoningDelta, Started, TextDelta
from ..parsers.json_values import decode_at, string_at
from ..parsers.sse_json import EventDecoder

# Fields that no dialect reads: running numbers, and padding of random length (it hides from whoever sees the encrypted
# packets how long the text is). Gemini's token counts are read, but of the last event alone: GeminiParser._goes_on.
_MEANINGLESS = r"obfuscation|p|sequence_number|(?:[a-z]+T|t)okenCount|cachedContentTokenCount"
# Fields that Started takes from the first event that has them. Only values that are there, neither "" nor 0, may vary:
# an event without an id followed by one with it does say something new.
_ANNOUNCED = r'(?:id|created|model|system_fingerprint|request_id|responseId|modelVersion)(?="\s*:\s*(?:"[^"]|[1-9]))'
# Fields that say which item the text belongs to: any value in the first event of a run, the same in those behind it.
_PLACES = r"item_id"
_VALUE = r'(?:"(?P<text>[^"\\\x00-\x1f]*)"|(?P<number>(?:0|[1-9][0-9]{0,15})(?![0-9.eE])))'
_VARYING = re.compile(rf'"(?:{_MEANINGLESS}|(?P<announced>{_ANNOUNCED})|(?P<place>{_PLACES}))"\s*:\s*{_VALUE}')
# The second try, for a dialect to which the announced fields do mean something: `(?P<announced>$)` never matches.
_VARYING_LESS = re.compile(rf'"(?:{_MEANINGLESS}|(?P<announced>$)|(?P<place>{_PLACES}))"\s*:\s*{_VALUE}')
_LONGEST = 4096  # characters of an event that becomes a template: it lives as long as its provider
_MOST = 4  # templates of one provider: text and reasoning, with and without a field that some events have

Delta = TextDelta | ReasoningDelta
Probe = Callable[[Any, Any], tuple[list[ChatEvent], list[ChatEvent]]]
"""What the first of two values means to a new parser, and then what the second one means to it."""
RunMatcher = Callable[[str, int, list[Any]], int]
"""EventDecoder.match_run, for the template of one certain event."""


class Matched(Enum):
    """The first field of an item that stands for an event that matched a template; other items begin with a `str`."""

    NEXT = "next"
    """`(NEXT, delta, text, at)`: the event behind another of its template. It says `delta`; its data is in `text`, from
    `at` on."""
    FIRST = "first"
    """`(FIRST, delta, text, at, event_type)`: the first of a run, of a template with `only_text`. It says `delta` if
    the parser has said Started; else the dialect decodes the data, which stands in `text` from `at` on."""


NEXT, FIRST = Matched.NEXT, Matched.FIRST


class RawEvent(NamedTuple):
    """An event's type, its lines with its blank one, and where in them its data begins and ends."""

    event_type: str
    lines: str
    start: int
    end: int


_NONE = RawEvent("", "", 0, 0)


class Template:
    """What stands before and behind the text of events that differ in their texts and meaningless fields alone."""

    __slots__ = ("_choice", "_delta_type", "_match_head", "_match_tail", "only_text")

    def __init__(self, head: str, tail: str, like: Delta, only_text: bool) -> None:
        """`head` and `tail` are regular expressions; their groups are the values of `_PLACES`."""
        self._match_head = re.compile(head).match
        self._match_tail = re.compile(tail).match
        self._delta_type, self._choice = type(like), like.choice
        self.only_text = only_text  # the first event of a stream, too, says no more than its text and Started

    def match(self, event: RawEvent) -> tuple[Delta, RunMatcher] | None:
        """What `event` says, and what matches the events behind it; None if it is not of this template."""
        _, lines, start, _ = event
        match_head, match_tail = self._match_head, self._match_tail
        delta_type, choice, form = self._delta_type, self._choice, NEXT
        begun = match_head(lines)
        if begun is None:
            return None
        first, end = decode_at(lines, begun.end() - 1)
        ended = match_tail(lines, end)
        if ended is None or not first:  # dialects take an empty text for none
            return None
        head, tail, head_places, tail_places = begun[0], ended[0], begun.groups(), ended.groups()
        to_quote, tail_length = len(head) - 1, len(tail)

        def match_run(text: str, at: int, items: list[Any]) -> int:
            size = len(text)
            try:
                while at < size:
                    if text.startswith(head, at):  # nearly always; a regular expression takes four times as long
                        quote = at + to_quote
                    elif (found := match_head(text, at)) and found.groups() == head_places:
                        quote = found.end() - 1
                    else:
                        break
                    said, end = string_at(text, quote)
                    if text.startswith(tail, end):
                        end += tail_length
                    elif (found := match_tail(text, end)) and found.groups() == tail_places:
                        end = found.end()
                    else:
                        break
                    if not said:
                        break
                    items.append((form, delta_type(said, choice), text, at + start))
                    at = end
            except ValueError:  # the text is no JSON string
                pass
            return at

        return delta_type(first, choice), match_run


class Templates:
    """The templates that one provider's streams have learnt, the newest first, which hold no text of an answer.

    Any number of threads may share it: the tuple is replaced as a whole, and a template that was lost because two
    threads added theirs at once is learnt again.
    """

    __slots__ = ("_offers", "known", "pair")

    def __init__(self) -> None:
        self.known: tuple[Template, ...] = ()
        self._offers = 0
        self.pair: tuple[RawEvent, RawEvent] | None = None
        """Two text events that followed one another, of which the next stream may learn."""

    def offer(self, before: RawEvent, event: RawEvent) -> None:
        """Keep two events of no known template for the next stream; each 1st, 2nd, 4th, 8th time, as learning costs."""
        self._offers += 1
        if not self._offers & (self._offers - 1) and len(before.lines) + len(event.lines) <= _LONGEST:
            self.pair = before, event

    def add(self, template: Template) -> None:
        self.known = (template, *self.known)[:_MOST]


@cache
def _fields(names: tuple[str, ...]) -> tuple[list[str], re.Pattern[str]]:
    """How these field names stand in JSON, and what finds where the text of one of them begins."""
    quoted = [f'"{name}"' for name in names]
    return quoted, re.compile(rf'[{{,]\s*(?:{"|".join(quoted)})\s*:\s*"')


class TemplateDecoder(EventDecoder):
    """Decodes events as `plain` does, except those that match a template: their items are as `Matched` says.

    A delta's text is the value of one of the fields `names`.
    """

    __slots__ = (
        "_field", "_match_run", "_names", "_plain", "_probe", "_tries", "_unmatched", "_unmatched_before",
        "decode_errors", "templates",
    )  # fmt: skip

    def __init__(self, names: tuple[str, ...], probe: Probe, templates: Templates | None, plain: EventDecoder) -> None:
        self.decode_errors = plain.decode_errors
        self.templates = Templates() if templates is None else templates
        self._plain = plain
        self._names, self._field = _fields(names)
        self._probe = probe
        self._match_run: RunMatcher | None = None  # of the last event's template
        self._unmatched = self._unmatched_before = _NONE  # the last two events, if they are text of no known template
        self._tries = 0
        if self.templates.pair is not None:
            self._learn_from_another()

    def match_run(self, text: str, at: int, items: list[Any]) -> int:
        # Learning waits for the next feed (whose first call has `at` 0), so that no text of this one waits for it.
        if not at and self._unmatched_before is not _NONE:
            self._learn()
        return at if self._match_run is None else self._match_run(text, at, items)

    def decode(self, event_type: str, text: str, at: int, start: int, stop: int) -> Any:
        if not self._has_text(text, start, stop):
            if self._match_run is not None or self._unmatched is not _NONE:
                self.interrupt()
            return self._plain.decode(event_type, text, at, start, stop)
        blank = 4 if text[stop] == "\r" else 2
        event = RawEvent(event_type, text[at : stop + blank], start - at, stop - at)
        if (found := self._known(event)) is not None:
            delta, only_text = found
            if only_text:
                return FIRST, delta, text, start, event_type
            return self._plain.decode(event_type, text, at, start, stop)
        item = self._plain.decode(event_type, text, at, start, stop)
        self._match_run, self._unmatched_before, self._unmatched = None, self._unmatched, event
        return item

    def _known(self, event: RawEvent) -> tuple[Delta, bool] | None:
        """If `event` matches a known template: its delta, and `only_text`. Then a run of that template begins."""
        for template in self.templates.known:
            if found := template.match(event):
                delta, self._match_run = found
                self._unmatched = self._unmatched_before = _NONE
                return delta, template.only_text
        return None

    def _has_text(self, text: str, start: int, stop: int) -> bool:
        for name in self._names:  # noqa: SIM110  # every event passes here, and any() takes twice as long
            if text.find(name, start, stop) >= 0:
                return True
        return False

    def bulk_decoder(self, text: str, at: int) -> EventDecoder | None:
        if self._has_text(text, at, len(text)):
            return None
        self.interrupt()
        return self._plain

    def interrupt(self) -> None:
        if self._unmatched_before is not _NONE:  # both came in one feed, perhaps with all of the answer
            self.templates.offer(self._unmatched_before, self._unmatched)
        self._match_run = None
        self._unmatched = self._unmatched_before = _NONE

    def _learn_from_another(self) -> None:
        """Make a template of the events that another stream left behind; this one has no run of it yet."""
        pair, self.templates.pair = self.templates.pair, None
        if pair is not None:
            self._unmatched_before, self._unmatched = pair
            self._learn()
        self._tries, self._match_run, self._unmatched = 0, None, _NONE

    def _learn(self) -> None:
        """Make a template of the last event, if the one before it matches it."""
        event, before, self._unmatched_before = self._unmatched, self._unmatched_before, _NONE
        if self._known(event) is not None:  # another stream has learnt it since: a thousand may begin together
            return
        begun = self._field.search(before.lines, before.start, before.end)
        # No event matches one with an empty text: OpenAI's first, in every stream. That costs 40 µs less than asking.
        if len(event.lines) > _LONGEST or begun is None or before.lines[begun.end()] == '"':
            return
        self._tries += 1
        # Only tries 1, 2, 4, 8, … decode: else a stream whose events never become a template would pay at each of them.
        if self._tries & (self._tries - 1):
            return
        for varying in (_VARYING, _VARYING_LESS):
            template = self._template(event, varying)
            if template is not None:
                # If the text stands a second time in the event, it differs from that of the event before: no match.
                if template.match(before) and (found := template.match(event)):
                    self.templates.add(template)
                    self._match_run, self._unmatched = found[1], _NONE
                return

    def _template(self, event: RawEvent, varying: re.Pattern[str]) -> Template | None:
        """The template of an event, if the dialect says that an event of it means no more than its text."""
        _, lines, start, end = event
        # What looks like a field is one: inside a JSON string, a quote has a backslash before it, not "{" or ",".
        found = self._field.search(lines, start, end)
        if found is None:
            return None
        begun = found.end()
        said, ended = decode_at(lines, begun - 1)
        head, tail = lines[start:begun], lines[ended:]
        other = varying.sub(_with_another_value, head) + lines[begun : ended - 1] + '-"'
        other += varying.sub(_with_another_value, lines[ended:end])
        first, second = self._probe(decode_at(lines, start)[0], decode_at(other, 0)[0])
        match second:
            case [TextDelta(text=longer) | ReasoningDelta(text=longer) as like] if longer == said + "-":
                body, _, rest = tail.rpartition("}")
                tail_pattern = _pattern(tail, varying)
                if rest == lines[end:]:  # Anthropic pads with spaces before the last brace
                    tail_pattern = _pattern(body.rstrip(" "), varying) + r" *\}" + re.escape(rest)
                only_text = all(type(one) in (Started, type(like)) for one in first)
                return Template(re.escape(lines[:start]) + _pattern(head, varying), tail_pattern, like, only_text)
        return None


def _with_another_value(field: re.Match[str]) -> str:
    """A meaningless field with another value; one of `_PLACES` as it is."""
    if field["place"]:
        return field[0]
    if field["number"]:
        return field.string[field.start() : field.start("number")] + str(int(field["number"]) + 1)
    return field.string[field.start() : field.start("text")] + '-"'


def _pattern(piece: str, varying: re.Pattern[str]) -> str:
    """A regular expression for `piece` of an event, with any value in its meaningless fields."""
    at, pattern = 0, ""
    for field in varying.finditer(piece):
        if field["number"]:
            group, value = "number", "[1-9][0-9]{0,15}" if field["announced"] else "(?:0|[1-9][0-9]{0,15})"
        else:
            group, value = "text", r'[^"\\\x00-\x1f]' + ("+" if field["announced"] else "*")
        pattern += re.escape(piece[at : field.start(group)]) + (f"({value})" if field["place"] else value)
        at = field.end(group)
    return pattern + re.escape(piece[at:])
