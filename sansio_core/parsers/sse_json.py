"""Server-sent events whose data is JSON: what nearly every chat stream is. This is the project's one fast path.

`SSEJSONParser` gives what `SSEParser(lenient=True)` and `json.loads` on each event's data would give. It is faster
because it does not look at usual events line by line. Measured, as a part of what splitting the stream and `json.loads`
take: 0.73, or 0.42 with msgspec; SSEParser and `json.loads` take 1.2.

The way of a feed through `SSEJSONParser._feed`, in this order:

1. `_join`: the beginning of an event, kept in `_tail` from the feeds before, is put before the new bytes.
   `_to_blank_line`: where nothing is kept and the SSEParser is in the middle of an event, it goes on to its end.
2. `_whole_events`: everything up to the last blank line, by the first of these ways that fits:
   a. `EventDecoder.match_run`: events that match a template and need no decoding (dialects/text_template.py);
   b. `_in_bulk`: many events of one usual form, by one split and one loop over their data;
   c. `_one`: one event of a usual form (a `data` line, with or without an `event` line before it);
   d. `_by_rules`: anything else, by the SSEParser, which knows all rules of the standard.
   `_decoded` chooses among b, c and d.
3. `_unfinished`: what stands behind the last blank line is kept in `_tail`, or given to the SSEParser if that gives a
   frame for it at once (a comment, a line that is no field).

Two facts keep this equal to the SSEParser. Between two events, the only state that the standard has is the last event
id, and every `id` line goes to the SSEParser. And `_between` is true only while the SSEParser is between two events, so
that whole events may pass it by.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from itertools import repeat
from typing import Any

from ..errors import LimitExceeded
from .json_values import decode_at
from .lines import CR, LF, MAX_FRAME_SIZE, Data
from .sse import Comment, Frame, ServerSentEvent, SSEParser, StrayLine

Item = tuple[str, Any] | ServerSentEvent | Comment | StrayLine
_BOM = 0xEF  # the first byte of UTF-8's byte order mark
# How much of a large feed is worked on at once. Templates are learnt between two slices, and what stands between the
# steps stays in the processor's cache (measured for 6 MB in one feed: 0.35 of split and json.loads, 2.8 without).
_SLICE = 65536
# The beginning of an event for which the SSEParser gives nothing yet. A CR that is no part of CRLF ends a line, so that
# it may complete a frame.
_SILENT_BEGINNING = re.compile(rb"(?:(?:data|event):[^\r\n]*\r?\n){0,2}[^\r\n]*").fullmatch


class EventDecoder:
    """Decodes the data of usual events as json.loads does; where it raises `decode_errors`, the SSEParser decides."""

    __slots__ = ()
    decode_errors: tuple[type[Exception], ...] = (ValueError, RecursionError)

    def decode(self, event_type: str, text: str, at: int, start: int, stop: int) -> Any:
        """The item of the event at `at` of `text`, whose data is from `start` to `stop`."""
        value, stopped = decode_at(text, start)
        # raw_decode() stops behind the first value: what stands behind that makes the data no JSON, as for json.loads.
        if stopped != stop:
            raise ValueError(f"JSON from {start} to {stopped}, not {stop}")
        return event_type, value

    def decode_all(self, event_types: Iterable[str], texts: Sequence[str], items: list[Any]) -> None:
        """Append the items of events with these types and data, up to the first whose data is not JSON."""
        try:
            for event_type, text in zip(event_types, texts, strict=False):
                value, stopped = decode_at(text)
                if stopped != len(text):
                    return
                items.append((event_type, value))
        except self.decode_errors:
            return

    def bulk_decoder(self, text: str, at: int) -> EventDecoder | None:
        """Whose `decode_all` may take all events from `at` on, if there is one."""
        return self

    def match_run(self, text: str, at: int, items: list[Any]) -> int:
        """Append the items of those events from `at` on that need no decoding. Gives where the next event begins.

        Called with `at` 0 for the first whole events of a feed, before they are decoded.
        """
        return at

    def interrupt(self) -> None:
        """The stream goes on with something that `decode` is not called for."""


class _Msgspec(EventDecoder):
    """Decoding by msgspec, from the extra `fast`. It rejects some of what json.loads takes (NaN, 1e400, half a pair).

    Why not orjson: it is no faster here, and makes floats of large whole numbers. msgspec is imported when it is first
    needed, as that takes longer than importing all of this package.
    """

    def __init__(self) -> None:
        from msgspec import DecodeError
        from msgspec.json import Decoder

        self.decode_errors = (*EventDecoder.decode_errors, DecodeError)
        self._decode = Decoder().decode

    def decode(self, event_type: str, text: str, at: int, start: int, stop: int) -> Any:
        return event_type, self._decode(text[start:stop])

    def decode_all(self, event_types: Iterable[str], texts: Sequence[str], items: list[Any]) -> None:
        with suppress(*self.decode_errors):
            # extend() appends one by one: when one raises, those before it are in `items`.
            items.extend(zip(event_types, map(self._decode, texts), strict=False))


@cache
def plain_decoder(fast: bool = True) -> EventDecoder:
    """The decoder without templates: by msgspec where that is installed."""
    if fast:
        with suppress(ImportError):
            return _Msgspec()
    return EventDecoder()


class SSEJSONParser:
    """Bytes of an event stream in; out of it one item for each event, comment and stray line, in order.

    An item is `(event type, value)` for an event whose data is JSON, the ServerSentEvent for one whose data is not
    (`[DONE]`, garbage), or the Comment or StrayLine. Always the same as `SSEParser(lenient=True)` with `json.loads` on
    each event's data (JSON that is nested too deeply for it counts as not JSON), and with the same LimitExceeded.
    `fast=False` leaves msgspec aside where it is installed: the same items, slower. `decoder` takes the place
    of both.
    """

    __slots__ = ("_between", "_decoder", "_plain", "_tail", "max_frame_size")

    def __init__(
        self, *, max_frame_size: int = MAX_FRAME_SIZE, fast: bool = True, decoder: EventDecoder | None = None
    ) -> None:
        self.max_frame_size = max_frame_size
        self._plain: SSEParser | None = None  # made for the first bytes that go by the standard's rules
        self._decoder = decoder or plain_decoder(fast)
        self._between = False  # the plain parser is between two events; what came since stands in `_tail`
        self._tail = bytearray()

    def __repr__(self) -> str:
        held = f"{len(self._tail)} bytes" if self._between or self._plain is None else self._plain._held()
        return f"<SSEJSONParser, {held} of an unfinished frame>"

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
            self._between = False  # from here on everything goes to the plain parser, which stays failed
            if not items:
                raise
        return items

    def close(self) -> list[Item]:
        """The stream ended: the event or line that is unterminated at its end."""
        items: list[Item] = []
        if self._tail:
            self._by_rules(bytes(self._tail), items)
            self._tail.clear()
        # Made even where it has nothing to do: once closed, it raises RuntimeError for whatever is fed later.
        plain = self._plain_parser()
        self._take(plain, plain.close(), items)
        return items

    def _feed(self, data: bytes, items: list[Item]) -> None:
        """One slice of a feed; the module's docstring is the map of it."""
        if self._tail:
            data = self._join(data)
        elif not self._between:
            data = self._to_blank_line(data, items)
        if data and self._between:
            data = self._whole_events(data, items)
        if data:
            self._unfinished(data, items)

    def _join(self, data: bytes) -> bytes:
        """What is kept of an unfinished event, and `data` behind it; nothing while its line goes on."""
        self._tail += data
        if LF not in data and CR not in data and len(self._tail) <= self.max_frame_size:
            return b""  # a long line is not looked at again and again: this stays linear for any cut
        data = bytes(self._tail)
        self._tail.clear()
        return data

    def _to_blank_line(self, data: bytes, items: list[Item]) -> bytes:
        """Give the plain parser all up to the first blank line. Gives what stands behind it."""
        if self._plain is None and data and data[0] != _BOM:  # the stream's start is as good as behind a blank line
            self._between = True
            return data
        blank = b"\n\r\n" if CR in data else b"\n\n"
        start = data.find(blank)
        start = len(data) if start < 0 else start + len(blank)
        self._by_rules(data[:start], items)
        return data[start:]

    def _whole_events(self, data: bytes, items: list[Item]) -> bytes:
        """Everything up to the last blank line. Gives what stands behind it."""
        end = data.rfind(b"\n\n") + 2
        if end < 2:
            end = data.rfind(b"\n\r\n") + 3 if CR in data else 0  # from the end of the line before the blank one
            if end < 3:
                return data
        # A feed for each event is usual, and costs nothing to cut.
        whole, rest = (data, b"") if end == len(data) else (data[:end], data[end:])
        try:
            # Of more bytes than the limit, one event may be too long: the plain parser measures each.
            # Strictly: that an invalid byte becomes U+FFFD is left to the plain parser, and so to one place.
            text = whole.decode() if end <= self.max_frame_size else ""
        except UnicodeDecodeError:
            text = ""
        if text:
            at = self._decoder.match_run(text, 0, items)
            if at < len(text):
                self._decoded(text, at, items)
        else:
            self._by_rules(whole, items)
        return rest

    def _unfinished(self, data: bytes, items: list[Item]) -> None:
        """The beginning of an event: kept, so that an event that two feeds bring goes the fast way too.

        Measured with 300 bytes a feed: 0.7 of split and json.loads; 3.3 if the plain parser takes it.
        """
        silent = (LF not in data and CR not in data) or _SILENT_BEGINNING(data) is not None
        if self._between and silent and len(data) <= self.max_frame_size:
            self._tail += data
        else:
            self._by_rules(data, items)

    def _by_rules(self, data: bytes, items: list[Item]) -> None:
        """`data` by the standard's rules, line by line."""
        plain = self._plain_parser()
        self._take(plain, plain.feed(data), items)

    def _plain_parser(self) -> SSEParser:
        """The parser that knows all the rules, in the state in which this one is."""
        plain = self._plain
        if plain is None:
            plain = self._plain = SSEParser(lenient=True, max_frame_size=self.max_frame_size)
            if self._between:
                plain.feed(b"\n")  # a blank line means nothing here; but no byte order mark can come behind it
        return plain

    def _take(self, plain: SSEParser, frames: list[Frame], items: list[Item]) -> None:
        """Frames of the plain parser as items."""
        # The next event does not stand directly behind the last one: a run of a template ends
        # (dialects/text_template.py).
        if frames:
            self._decoder.interrupt()
        for frame in frames:
            if type(frame) is ServerSentEvent and frame.data:
                try:
                    items.append((frame.event, json.loads(frame.data)))
                    continue
                except (ValueError, RecursionError):
                    pass
            items.append(frame)
        self._between = plain.idle

    def _decoded(self, text: str, at: int, items: list[Item]) -> None:
        """Whole events, or whatever else stands between blank lines, from `at` on."""
        end = "\r\n" if "\r" in text else "\n"
        if end == "\r\n" and not text.count("\r") == text.count("\n") == text.count(end):  # line ends of several kinds
            self._by_rules(text[at:].encode(), items)
            return
        if text.find(end + end, at) + 2 * len(end) < len(text):  # there are several events
            if (bulk := self._decoder.bulk_decoder(text, at)) is not None:
                at = _in_bulk(bulk, text, at, end, items)
            if "data: " not in text and "data:{" not in text:  # comments or ids: one call is faster than one for each
                self._by_rules(text[at:].encode(), items)
                return
        while at < len(text):
            at = self._one(text, at, end, items)
            at = self._decoder.match_run(text, at, items)

    def _one(self, text: str, at: int, end: str, items: list[Item]) -> int:
        """The event that begins at `at`, whose lines end with `end`. Gives where the next one begins."""
        event_type, start, stop = "message", at, text.find(end + end, at)
        after = len(text) if stop < 0 else stop + 2 * len(end)
        if text.startswith("event: ", at):
            start = text.find(end, at)
            event_type, start = text[at + 7 : start], start + len(end)
        # an empty event type is "message", which the plain parser knows
        # The data's line ends where the blank line begins: there is no further field.
        if event_type and text.startswith("data:", start) and text.find(end, start) == stop:
            start += 6 if text.startswith(" ", start + 5) else 5
            if stop == start + 6 and text.startswith("[DONE]", start):  # nearly every stream ends so
                self._decoder.interrupt()
                last_event_id = self._plain.last_event_id if self._plain else ""
                items.append(ServerSentEvent(event_type, "[DONE]", last_event_id))
                return after
            try:
                items.append(self._decoder.decode(event_type, text, at, start, stop))
                return after
            except self._decoder.decode_errors:
                pass
        self._by_rules(text[at:after].encode(), items)
        return after


def _in_bulk(decoder: EventDecoder, text: str, at: int, end: str, items: list[Item]) -> int:
    """The events from `at` on, as long as they are all of one usual form. Gives where the first other one begins.

    By one split, as that is half of what events cost one by one beside their JSON (0.73 for 0.96 of split and
    json.loads).
    """
    blank = end + end
    fields = _fields_alike(text[at : -len(blank)], end)
    if fields is None:
        return at
    event_types, texts = fields
    before = len(items)
    decoder.decode_all(event_types, texts, items)
    done = len(items) - before
    if done == len(texts):
        return len(text)
    for _ in range(done):  # the next one's data is not JSON
        at = text.find(blank, at) + len(blank)
    return at


def _fields_alike(events: str, end: str) -> tuple[Iterable[str], Sequence[str]] | None:
    """The types and the data of events, if each is one `data` line, or each an `event` line and one; else None."""
    event_types: Iterable[str]
    texts: Sequence[str]
    if events.startswith("event: "):
        fields = [event.partition(f"{end}data: ") for event in events[7:].split(f"{end}{end}event: ")]
        event_types, found, texts = zip(*fields, strict=True)
        if "" in event_types or "" in found:  # an empty type, which is "message", or an event without data
            return None
        lines = 3
    elif events.startswith("data:"):
        field = "data: " if events.startswith("data: ") else "data:"
        event_types, lines, texts = repeat("message"), 2, events[len(field) :].split(f"{end}{end}{field}")
    else:
        return None
    # An event has `lines` lines with its blank one; the last event's last two line ends are cut off.
    return (event_types, texts) if events.count("\n") == lines * len(texts) - 2 else None
