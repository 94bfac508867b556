"""Server-Sent Events whose data is JSON: what nearly every chat stream is. The one fast path of this project.

Reason: the plain rules cost more per event than the C scanner of `json` does for its value. Measured: see the bench.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import repeat
from typing import Any

from ..errors import LimitExceeded
from .lines import MAX_FRAME_SIZE, Data
from .sse import Comment, Frame, ServerSentEvent, SSEParser, StrayLine

Item = tuple[str, Any] | ServerSentEvent | Comment | StrayLine

_scan = json.JSONDecoder().scan_once
_REFUSALS: tuple[type[Exception], ...] = (ValueError, StopIteration, RecursionError)


def _scan_whole(text: str) -> Any:
    """The value of `text`, by the C scanner and nothing else; some texts that are JSON are refused (blank at an end)."""
    value, end = _scan(text, 0)
    if end != len(text):
        raise ValueError(text)
    return value


_decode: Callable[[str], Any] = _scan_whole
try:  # the extra `fast`: gives what json gives, or refuses (NaN, 1e400, a lone surrogate, great depth)
    import msgspec
except ImportError:  # pragma: no cover (the suite installs it)
    pass
else:
    _decode = msgspec.json.Decoder().decode
    _REFUSALS += (msgspec.DecodeError,)


class SSEJSONParser:
    """Bytes of an event stream in; out of it one item for each event, comment and stray line, in order.

    An item is `(event type, value)` for an event whose data is JSON, the ServerSentEvent for one whose data is not
    (`[DONE]`, garbage), or the Comment or StrayLine. Always the same as `SSEParser(lenient=True)` with `json.loads` on
    each event's data (nesting too deep for it counts as not JSON), and with the same LimitExceeded.
    """

    __slots__ = ("_idle", "_plain", "max_frame_size")

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        self.max_frame_size = max_frame_size
        self._plain = SSEParser(lenient=True, max_frame_size=max_frame_size)
        self._idle = False  # between two events: only here the fast path may begin

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds that the stream asked for, or None."""
        return self._plain.retry

    @property
    def last_event_id(self) -> str:
        """The last event id that a blank line made valid."""
        return self._plain.last_event_id

    def feed(self, data: Data) -> list[Item]:
        """The items that `data` completes. Raises LimitExceeded, and RuntimeError after close()."""
        if type(data) is not bytes:
            data = bytes(data)
        items: list[Item] = []
        try:
            if not self._idle:  # an event is under way: its end by the plain rules
                start = _event_end(data.find(b"\n\n"), data.find(b"\n\r\n")) or len(data)
                self._take(self._plain.feed(data[:start]), items)
                data = data[start:]
            if data.endswith(b"\n\n"):
                self._events(data, items)
            elif data:
                end = _event_end(data.rfind(b"\n\n"), data.rfind(b"\n\r\n"))
                if end:
                    self._events(data[:end], items)
                self._take(self._plain.feed(data[end:]), items)
        except LimitExceeded:
            if not items:
                raise
        return items

    def close(self) -> list[Item]:
        """The stream ended: what stood unterminated at its end."""
        items: list[Item] = []
        self._take(self._plain.close(), items)
        return items

    def _take(self, frames: list[Frame], items: list[Item]) -> None:
        """Frames of the plain parser as items."""
        for frame in frames:
            if type(frame) is ServerSentEvent:
                try:
                    items.append((frame.event, json.loads(frame.data)))
                    continue
                except (ValueError, RecursionError):
                    pass
            items.append(frame)
        self._idle = self._plain.idle

    def _events(self, data: bytes, items: list[Item]) -> None:
        """Whole events, from the beginning of one to the end of one."""
        if not self._idle or len(data) > self.max_frame_size:
            return self._take(self._plain.feed(data), items)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return self._take(self._plain.feed(data), items)
        if "\r" in text:
            text = text.replace("\r\n", "\n")
            if "\r" in text:
                return self._take(self._plain.feed(data), items)
        done = len(items)
        if text.startswith("data: "):
            payloads = text[6:-2].split("\n\ndata: ")
            if text.count("\n") == 2 * len(payloads):  # so there is no other line than these
                try:
                    items.extend(zip(repeat("message"), map(_decode, payloads)))
                except _REFUSALS:
                    pass
                done = len(items) - done
                for payload in payloads[done:]: 
                    self._one(f"data: {payload}", items)
                return None
        for record in text[:-2].split("\n\n"):
            self._one(record, items)
        return None

    def _one(self, event: str, items: list[Item]) -> None:
        """One whole event, or whatever else stands between two blank lines."""
        name, line = "message", event
        if event.startswith("event: "):
            name, _, line = event[7:].partition("\n")
        if name and line.startswith("data: ") and "\n" not in line:
            try:
                items.append((name, _decode(line[6:])))
                return
            except _REFUSALS:
                pass
        self._take(self._plain.feed(f"{event}\n\n".encode()), items)


def _event_end(lf: int, crlf: int) -> int:
    """Where an event ends: after the blank line found at one of these, the later one; 0 if there is none."""
    return max(lf + 2 if lf >= 0 else 0, crlf + 3 if crlf >= 0 else 0)
