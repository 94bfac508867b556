"""The fast path of text: an event that differs from an earlier one in its text alone is not decoded again.

Reason: nearly all of a stream are such events, and what is the same in them costs more to decode than their text.
Measured, an OpenAI stream, standard library: 3.3 µs an event without it, 1.0 with it (1.4 with padding in the events);
splitting and json.loads take 2.5.
"""

from __future__ import annotations

import json.decoder
import re
from collections.abc import Callable, Iterable
from typing import Any

from ..events import ChatEvent, TextDelta
from ..parsers import SSEJSONParser
from ..parsers.sse_json import _JSON, Item

# Fields that differ from event to event and mean nothing: a running number, and padding of random length (it hides how
# long the text is, which the length of encrypted packets would tell).
_VALUE = r'(?:"[^"\\\x00-\x1f]*"|(?P<number>(?:0|[1-9][0-9]{0,15})(?![0-9.eE])))'
_VARYING = re.compile(rf'(?P<field>"(?:obfuscation|p|sequence_number)"\s*:\s*){_VALUE}')
# And with those of hosts that give each event an id and a time of its own: a template that lets them vary costs more.
_VARYING_MORE = re.compile(rf'(?P<field>"(?:obfuscation|p|sequence_number|id|created)"\s*:\s*){_VALUE}')
# json's own reader of a string literal, from after its opening quote: the text, and where the literal ended.
_scan_string: Callable[[str, int], tuple[str, int]] = vars(json.decoder)["scanstring"]

Probe = Callable[[Any, Any], list[ChatEvent]]
"""What the second of two values means, when the first came before it."""


class TextFrames(SSEJSONParser):
    """As SSEJSONParser, but the value of an event that fits the template is a ready TextDelta.

    The template is an earlier event's data, cut around its text, the field `key`. What stands before and after the text
    is compared, and the text is read by json's own scanner, so that an event that fits would have decoded to the same
    but for its text. Only an event that means one TextDelta, whatever its varying fields say, becomes the template.
    """

    __slots__ = ("template",)

    def __init__(self, key: str, probe: Probe, *, max_frame_size: int, fast: bool = True) -> None:
        super().__init__(max_frame_size=max_frame_size, fast=fast)
        self._json = self.template = Template(key, probe, self._json)


class Template(_JSON):
    """Decodes as `plain` does, but what fits is a TextDelta."""

    def __init__(self, key: str, probe: Probe, plain: _JSON) -> None:
        self.refusals = plain.refusals
        self._plain = plain
        self._field = re.compile(rf'[{{,]\s*"{key}"\s*:\s*"')  # in JSON without a backslash, only a field looks so
        self._probe = probe
        self._fits: Callable[[str], str] | None = None
        self._choice = 0
        self._missed = ""  # the last event that did not fit
        self._tries = 0

    def one(self, event: str) -> Any:
        if self._fits is not None and event.count("\n") == 2 and (said := self._fits(event[6:-2])):
            return TextDelta(said, self._choice)
        value = self._plain.one(event)
        self._missed = event[6:-2]
        return value

    def many(self, names: Iterable[str], texts: list[str], items: list[Item]) -> None:
        fits, choice, before = self._fits, self._choice, len(items)
        if fits is None:
            self._plain.many(names, texts, items)
            if len(items) > before:
                self._missed = texts[len(items) - before - 1]
            return
        try:
            for name, text in zip(names, texts, strict=False):
                if said := fits(text):
                    items.append((name, TextDelta(said, choice)))
                    continue
                before = len(items)
                self._plain.many((name,), [text], items)
                if len(items) == before:
                    return
                self._missed = text
        except ValueError:  # its text is no JSON string
            return

    def learn(self) -> None:
        """Between two feeds: make the last event that did not fit the template, if it can be one."""
        if not self._missed:
            self._tries = 0
            return
        self._tries += 1
        if not self._tries & (self._tries - 1):  # in vain again and again: try more and more rarely
            self._learn(self._missed)
        self._missed = ""

    def _learn(self, text: str) -> None:
        found = self._field.search(text)
        if found is None or self._field.search(text, found.end()):
            return
        said, end = _scan_string(text, found.end())
        head, tail = text[: found.end()], text[end:]
        if "\\" in head or "\\" in tail:
            return
        varying = _VARYING if self._fits is None else _VARYING_MORE
        other = varying.sub(_otherwise, head) + text[found.end() : end] + varying.sub(_otherwise, tail)
        values: list[Any] = []
        self._plain.many(("", ""), [text, other], values)
        events = self._probe(*(value for _, value in values))
        if len(events) == 1 and type(event := events[0]) is TextDelta and event.text == said:
            self._fits = _fitting(head, tail) if other == text else _fitting_varying(head, tail, varying)
            self._choice = event.choice


def _fitting(head: str, tail: str) -> Callable[[str], str]:
    """Gives the text of an event with this head and tail, "" for any other. Raises ValueError if it is no JSON."""
    at = len(head)

    def fits(text: str) -> str:
        if text.startswith(head):
            said, end = _scan_string(text, at)
            if text[end:] == tail:
                return said
        return ""

    return fits


def _fitting_varying(head: str, tail: str, varying: re.Pattern[str]) -> Callable[[str], str]:
    """The same where fields of head or tail vary."""
    starts, ends = re.compile(_pattern(head, varying)).match, re.compile(_pattern(tail, varying)).fullmatch

    def fits(text: str) -> str:
        if found := starts(text):
            said, end = _scan_string(text, found.end())
            if ends(text, end):
                return said
        return ""

    return fits


def _otherwise(field: re.Match[str]) -> str:
    return field["field"] + (str(int(field["number"]) + 1) if field["number"] else '"-"')


def _pattern(piece: str, varying: re.Pattern[str]) -> str:
    at, pattern = 0, ""
    for field in varying.finditer(piece):
        kind = "(?:0|[1-9][0-9]{0,15})" if field["number"] else r'"[^"\\\x00-\x1f]*"'
        pattern += re.escape(piece[at : field.start()] + field["field"]) + kind
        at = field.end()
    return pattern + re.escape(piece[at:])
