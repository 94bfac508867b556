"""Server-Sent Events whose data is JSON: what nearly every chat stream is. This is the project's one fast path.

Reason: by the plain rules an event costs half of what its JSON does; one decode and split for a whole feed, next to
nothing. Measured: 0.6 of split and json.loads, 0.32 with msgspec; SSEParser and json.loads take 1.5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from itertools import repeat
from typing import Any

from ..errors import LimitExceeded
from .lines import CR, MAX_FRAME_SIZE, Data
from .sse import Comment, Frame, ServerSentEvent, SSEParser, StrayLine

Item = tuple[str, Any] | ServerSentEvent | Comment | StrayLine
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]


class _JSON:
    """Decoding by the C scanner of `json`, in place: no event is cut out of the text that it came in."""

    refusals: tuple[type[Exception], ...] = (ValueError, StopIteration, RecursionError)

    def one(self, event: str) -> Any:
        """The value of an event that is one `data: ` line and a blank one; any refusal if it is something else."""
        value, end = _scan(event, 6)
        if event.find("\n") != end or end + 2 != len(event):
            raise ValueError(event)
        return value

    def many(self, names: Iterable[str], texts: list[str], items: list[Item]) -> None:
        """Append the values of `texts` with their names, up to the first that is refused."""
        try:
            for name, text in zip(names, texts, strict=False):
                value, end = _scan(text, 0)
                if end != len(text):
                    return
                items.append((name, value))
        except self.refusals:
            return


class _Msgspec(_JSON):
    """Decoding by msgspec, from the extra `fast`: as json.loads has it, or refused (NaN, 1e400, a lone surrogate).

    Why not orjson: it is no faster here, and makes floats of large whole numbers. Imported when first needed, as that
    takes longer than all of this package.
    """

    def __init__(self) -> None:
        from msgspec import DecodeError
        from msgspec.json import Decoder

        self.refusals = (*_JSON.refusals, DecodeError)
        self.decode = Decoder().decode

    def one(self, event: str) -> Any:
        if event.count("\n") != 2:
            raise ValueError(event)
        return self.decode(event[6:])

    def many(self, names: Iterable[str], texts: list[str], items: list[Item]) -> None:
        try:
            items.extend(zip(names, map(self.decode, texts), strict=False))
        except self.refusals:
            return


@cache
def _json(fast: bool) -> _JSON:
    if fast:
        with suppress(ImportError):
            return _Msgspec()
    return _JSON()


class SSEJSONParser:
    """Bytes of an event stream in; out of it one item for each event, comment and stray line, in order.

    An item is `(event type, value)` for an event whose data is JSON, the ServerSentEvent for one whose data is not
    (`[DONE]`, garbage), or the Comment or StrayLine. Always the same as `SSEParser(lenient=True)` with `json.loads` on
    each event's data (nesting too deep for it counts as not JSON), and with the same LimitExceeded. `fast=False` leaves
    msgspec aside where it is installed: the same items, slower. While `line` is shorter than `room`, any byte above CR
    may be added to it in place of feeding it: nothing would come of it.
    """

    __slots__ = ("_between", "_json", "_plain", "line", "max_frame_size", "room")

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE, fast: bool = True) -> None:
        self.max_frame_size = max_frame_size
        self._plain = SSEParser(lenient=True, max_frame_size=max_frame_size)
        self._json = _json(fast)
        self._between = False  # the plain parser is between two events, but for what its line has got since
        self.line = self._plain.line
        self.room = 0

    def feed(self, data: Data) -> list[Item]:
        """The items that `data` completes. Raises LimitExceeded, and RuntimeError after close()."""
        items: list[Item] = []
        if len(data) == 1 and (byte := data[0]) > CR and len(self.line) < self.room:
            self.line.append(byte)
            return items
        try:
            if len(data) == 1:
                self._take(self._plain.feed(data), items)
            elif self._between and not self.line and data[-2:] == b"\n\n":
                self._events(data, items)
            else:
                self._cut(bytes(data), items)
        except LimitExceeded:
            self._between, self.room = False, 0  # from here on the plain parser has the word: it stays failed
            if not items:
                raise
        return items

    def close(self) -> list[Item]:
        """The stream ended: what stood unterminated at its end."""
        items: list[Item] = []
        self._take(self._plain.close(), items)
        return items

    def _cut(self, data: bytes, items: list[Item]) -> None:
        """`data` that does not begin and end between events: its ends go by the plain rules."""
        if data and not self._between and not self.line:
            self._between = self._plain.begin(data[0])
        blank = b"\n\r\n" if CR in data else b"\n\n"  # from the end of the line before it
        if not self._between or self.line:
            start = data.find(blank)
            start = len(data) if start < 0 else start + len(blank)
            self._take(self._plain.feed(data[:start]), items)
            data = data[start:]
        end = data.rfind(blank)
        end = end + len(blank) if end >= 0 and self._between else 0
        if end:
            self._events(data[:end], items)
        if end < len(data):
            self._take(self._plain.feed(data[end:]), items)

    def _take(self, frames: list[Frame], items: list[Item]) -> None:
        """Frames of the plain parser as items."""
        for frame in frames:
            if type(frame) is ServerSentEvent and frame.data:
                try:
                    items.append((frame.event, json.loads(frame.data)))
                    continue
                except (ValueError, RecursionError):
                    pass
            items.append(frame)
        self._between, self.room = self._plain.idle, self._plain.room

    def _events(self, data: Data, items: list[Item]) -> None:
        """Whole events, one after the other, or whatever else stands between blank lines."""
        try:
            text = str(data, "utf-8")
        except UnicodeDecodeError:
            text = "\r"
        before = len(items)
        if "\r" in text:
            if len(data) <= self.max_frame_size and self._alike(text, items, "\r\n"):
                return
            text = text.replace("\r\n", "\n")
        if "\r" in text or len(data) > self.max_frame_size:  # only the plain rules know what to make of it
            self._take(self._plain.feed(data), items)
        elif text.find("\n\n") == len(text) - 2:
            self._one(text, items)
        else:
            if len(items) == before and self._alike(text, items, "\n"):
                return
            if len(items) == before and "data: " not in text:  # comments, empty events: nothing that has a fast path
                self._take(self._plain.feed(data), items)
                return
            for event in text[:-2].split("\n\n")[len(items) - before :]:
                self._one(f"{event}\n\n", items)

    def _one(self, text: str, items: list[Item]) -> None:
        """One event with its blank line."""
        name, event = "message", text
        if text.startswith("event: "):
            name, _, event = text[7:].partition("\n")
        if name and event.startswith("data: "):
            try:
                items.append((name, self._json.one(event)))
                return
            except self._json.refusals:
                pass
        self._take(self._plain.feed(text.encode()), items)

    def _alike(self, text: str, items: list[Item], end: str) -> bool:
        """Events that are all of one usual shape, their lines ended by `end`, by one split.

        False if they are not, or from the first refused on.
        """
        names: Iterable[str]
        blank = end + end
        if not text.endswith(blank):
            return False
        if text.startswith("data:"):
            names, lines, field = repeat("message"), 2, "data: " if text.startswith("data: ") else "data:"
            texts = text[len(field) : -len(blank)].split(blank + field)
        elif text.startswith("event: "):
            fields = [event.partition(f"{end}data: ") for event in text[7 : -len(blank)].split(f"{blank}event: ")]
            names, lines, texts = [field[0] for field in fields], 3, [field[2] for field in fields]
            if "" in names or not all(field[1] for field in fields):
                return False
        else:
            return False
        if any(text.count(one) != lines * len(texts) for one in end):  # there are other lines than these
            return False
        before = len(items)
        self._json.many(names, texts, items)
        return len(items) - before == len(texts)
