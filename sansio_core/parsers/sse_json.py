"""Server-Sent Events whose data is JSON: what nearly every chat stream is. This is the project's one fast path.

Reason: by the plain rules an event costs half of what its JSON does; one decode and split for a whole feed, next to
nothing. Measured: 0.73 of split and json.loads, 0.42 with msgspec; SSEParser and json.loads take 1.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from itertools import repeat
from operator import itemgetter
from typing import Any

from ..errors import LimitExceeded
from .lines import CR, LF, MAX_FRAME_SIZE, Data
from .sse import Comment, Frame, ServerSentEvent, SSEParser, StrayLine

Item = tuple[str, Any] | ServerSentEvent | Comment | StrayLine
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]
_BOM = 0xEF  # how a byte order mark begins
# How much is worked on at once: in a large feed, events are learnt from as in many small ones (measured: 0.35 of
# split and json.loads for 6 MB in place of 2.8), and what stands between the steps stays in the processor's cache.
_SLICE = 65536
_LINES = re.compile(rb"(?:(?:data|event):[^\r\n]*\r?\n){0,2}[^\r\n]*").fullmatch


def _silent(data: bytes) -> bool:
    """Whether the plain parser gives nothing yet for an event's beginning, `data` (a lone CR would end a line)."""
    return (LF not in data and CR not in data) or _LINES(data) is not None


class Values:
    """Decoding by the C scanner of `json`, in place: as json.loads has it, or refused; then the plain rules decide."""

    __slots__ = ()
    refusals: tuple[type[Exception], ...] = (ValueError, StopIteration, RecursionError)

    def one(self, name: str, text: str, at: int, start: int, stop: int) -> Any:
        """The item of the event at `at`, whose data is from `start` to `stop`; any refusal if that is no JSON."""
        value, stopped = _scan(text, start)
        if stopped != stop:
            raise ValueError(f"JSON from {start} to {stopped}, not {stop}")
        return name, value

    def many(self, names: Iterable[str], texts: list[str], items: list[Any]) -> None:
        """Append the items of events with these names and data, up to the first that is refused."""
        try:
            for name, text in zip(names, texts, strict=False):
                value, stopped = _scan(text, 0)
                if stopped != len(text):
                    return
                items.append((name, value))
        except self.refusals:
            return

    def in_bulk(self, text: str, at: int) -> Values | None:
        """Whose `many` may take all events from `at` on, if there is one."""
        return self

    def follow(self, text: str, at: int, items: list[Any]) -> int:
        """Append the items of those events from `at` on that need no decoding. Gives where the next one begins.

        Called with 0 before anything else of a feed.
        """
        return at

    def interrupt(self) -> None:
        """Something came that was not decoded here."""


class _Msgspec(Values):
    """Decoding by msgspec, from the extra `fast`: as json.loads has it, or refused (NaN, 1e400, a lone surrogate).

    Why not orjson: it is no faster here, and makes floats of large whole numbers. Imported when first needed, as that
    takes longer than all of this package.
    """

    def __init__(self) -> None:
        from msgspec import DecodeError
        from msgspec.json import Decoder

        self.refusals = (*Values.refusals, DecodeError)
        self.decode = Decoder().decode

    def one(self, name: str, text: str, at: int, start: int, stop: int) -> Any:
        return name, self.decode(text[start:stop])

    def many(self, names: Iterable[str], texts: list[str], items: list[Any]) -> None:
        try:
            items.extend(zip(names, map(self.decode, texts), strict=False))
        except self.refusals:
            return


@cache
def decoder(fast: bool = True) -> Values:
    """What decodes plainly: by msgspec where that is installed."""
    if fast:
        with suppress(ImportError):
            return _Msgspec()
    return Values()


class SSEJSONParser:
    """Bytes of an event stream in; out of it one item for each event, comment and stray line, in order.

    An item is `(event type, value)` for an event whose data is JSON, the ServerSentEvent for one whose data is not
    (`[DONE]`, garbage), or the Comment or StrayLine. Always the same as `SSEParser(lenient=True)` with `json.loads` on
    each event's data (nesting too deep for it counts as not JSON), and with the same LimitExceeded. `fast=False` leaves
    msgspec aside where it is installed: the same items, slower.
    """

    __slots__ = ("_between", "_plain", "_tail", "_values", "max_frame_size")

    def __init__(
        self, *, max_frame_size: int = MAX_FRAME_SIZE, fast: bool = True, values: Values | None = None
    ) -> None:
        self.max_frame_size = max_frame_size
        self._plain: SSEParser | None = None  # what goes by the plain rules, once something does
        self._values = values or decoder(fast)
        self._between = False  # the plain parser is between two events, and `_tail` is what came since
        self._tail = bytearray()

    def feed(self, data: Data) -> list[Item]:
        """The items that `data` completes. Raises LimitExceeded, and RuntimeError after close()."""
        items: list[Item] = []
        if type(data) is not bytes:
            data = bytes(data)
        try:
            if len(data) <= _SLICE:
                self._feed(data, items)
            else:
                for at in range(0, len(data), _SLICE):
                    self._feed(data[at : at + _SLICE], items)
        except LimitExceeded:
            self._between = False  # from here on the plain parser has the word: it stays failed
            if not items:
                raise
        return items

    def close(self) -> list[Item]:
        """The stream ended: what stood unterminated at its end."""
        items: list[Item] = []
        if self._tail:
            self._plainly(bytes(self._tail), items)
            self._tail.clear()
        plain = self._by_rules()
        self._take(plain, plain.close(), items)
        return items

    def _feed(self, data: bytes, items: list[Item]) -> None:
        if self._tail:
            self._tail += data
            if LF not in data and CR not in data and len(self._tail) <= self.max_frame_size:
                return  # a line that goes on is not looked at again: this stays linear for any cut
            data = bytes(self._tail)
            self._tail.clear()
        elif not self._between:
            data = self._resume(data, items)
        if self._between:
            end = data.rfind(b"\n\n") + 2
            if end == 1 and CR in data:
                end = data.rfind(b"\n\r\n") + 3  # from the end of the line before it
            if end > 2:
                whole, data = data[:end], data[end:]
                try:
                    text = str(whole, "utf-8") if end <= self.max_frame_size else ""
                except UnicodeDecodeError:
                    text = ""
                at = self._values.follow(text, 0, items)
                if at < len(text) or not text:
                    self._others(whole, text, at, items)
        if not data:
            return
        if self._between and len(data) <= self.max_frame_size and _silent(data):
            # so that an event that a feed cuts goes the fast way too (measured, 300 bytes a feed: 0.7 of split and
            # json.loads in place of 3.3)
            self._tail += data
        else:
            self._plainly(data, items)

    def _resume(self, data: bytes, items: list[Item]) -> bytes:
        """Feed the plain parser until it is between two events. Gives what is left."""
        if self._plain is None and data and data[0] != _BOM:
            self._between = True
            return data
        blank = b"\n\r\n" if CR in data else b"\n\n"
        start = data.find(blank)
        start = len(data) if start < 0 else start + len(blank)
        self._plainly(data[:start], items)
        return data[start:]

    def _plainly(self, data: bytes, items: list[Item]) -> None:
        """`data` by the plain rules."""
        plain = self._by_rules()
        self._take(plain, plain.feed(data), items)

    def _by_rules(self) -> SSEParser:
        """The parser that knows every rule, in the state in which this one is."""
        plain = self._plain
        if plain is None:
            plain = self._plain = SSEParser(lenient=True, max_frame_size=self.max_frame_size)
            if self._between:
                plain.feed(b"\n")  # means nothing, but that no byte order mark can come any more
        return plain

    def _take(self, plain: SSEParser, frames: list[Frame], items: list[Item]) -> None:
        """Frames of the plain parser as items."""
        if frames:
            self._values.interrupt()
        for frame in frames:
            if type(frame) is ServerSentEvent and frame.data:
                try:
                    items.append((frame.event, json.loads(frame.data)))
                    continue
                except (ValueError, RecursionError):
                    pass
            items.append(frame)
        self._between = plain.idle

    def _others(self, data: bytes, text: str, at: int, items: list[Item]) -> None:
        """Whole events, or whatever else stands between blank lines, from `at` on.

        `text` is `data`, or "" where only the plain rules know what to make of it.
        """
        end = "\r\n" if "\r" in text else "\n"
        several = text.find(end + end, at) + 2 * len(end) < len(text)
        mixed = end == "\r\n" and not text.count("\r") == text.count("\n") == text.count(end)
        if several and not mixed and (bulk := self._values.in_bulk(text, at)) is not None:
            at = self._alike(bulk, text, at, end, items)
        if not text or mixed or (several and "data: " not in text and "data:{" not in text):
            self._plainly(text[at:].encode() if text else data, items)
            return
        while at < len(text):
            at = self._one(text, at, end, items)
            at = self._values.follow(text, at, items)

    def _alike(self, values: Values, text: str, at: int, end: str, items: list[Item]) -> int:
        """The events from `at` on, as long as they are all of one usual shape. Gives where the first other one begins.

        By one split, as that is half of what events cost one by one beside their JSON (0.73 for 0.96 of split and
        json.loads).
        """
        blank = end + end
        rest = text[at : -len(blank)]
        names: Iterable[str]
        if rest.startswith("event: "):
            fields = [event.partition(f"{end}data: ") for event in rest[7:].split(f"{blank}event: ")]
            names, lines, texts = [field[0] for field in fields], 3, [field[2] for field in fields]
            if "" in names or not all(map(itemgetter(1), fields)):
                return at
        else:
            field = "data: " if rest.startswith("data: ") else "data:"
            names, lines, texts = repeat("message"), 2, rest[len(field) :].split(blank + field)
            if not rest.startswith(field):
                return at
        if rest.count("\n") != lines * len(texts) - 2:  # there are other lines than these
            return at
        before = len(items)
        values.many(names, texts, items)
        done = len(items) - before
        if done == len(texts):
            return len(text)
        for _ in range(done):
            at = text.find(blank, at) + len(blank)
        return at

    def _one(self, text: str, at: int, end: str, items: list[Item]) -> int:
        """The event that begins at `at`, whose lines end with `end`. Gives where the next one begins."""
        name, start, stop = "message", at, text.find(end + end, at)
        after = len(text) if stop < 0 else stop + 2 * len(end)
        if text.startswith("event: ", at):
            start = text.find(end, at)
            name, start = text[at + 7 : start], start + len(end)
        if name and text.startswith("data:", start) and text.find(end, start) == stop:
            start += 6 if text.startswith(" ", start + 5) else 5
            try:
                items.append(self._values.one(name, text, at, start, stop))
                return after
            except self._values.refusals:
                if text[start:stop] == "[DONE]":  # how nearly every stream ends
                    self._values.interrupt()
                    last_event_id = self._plain.last_event_id if self._plain else ""
                    items.append(ServerSentEvent(name, "[DONE]", last_event_id))
                    return after
        self._plainly(text[at:after].encode(), items)
        return after
