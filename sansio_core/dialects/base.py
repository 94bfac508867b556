"""What every dialect's parser shares: feeding, ending, failing; and how an event stream of JSON is read."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from ..errors import ChatError, LimitExceeded, ProtocolViolation, ProviderRefused, StreamTruncated
from ..events import ChatEvent, Failed, KeepAlive, UnknownFrame
from ..parsers import MAX_FRAME_SIZE, Comment, JSONValueScanner, ServerSentEvent, SSEJSONParser, StrayLine
from ..parsers.sse_json import decoder
from .error_mapping import in_band, is_html, page_in_place_of_an_answer
from .surrogates import Halves
from .text_template import Shapes, TextFrames

_JSON = json.JSONDecoder()
MAX_FRAME = MAX_FRAME_SIZE
_TOO_DEEP = "the answer has JSON that is nested too deeply"


_BACKSLASH = ord("\\")


class ChatParser(ABC):
    """Bytes of one response body in, events out. Feed it in any pieces; the events are the same for every cut.

    `complete`: the answer's end is proven. `ended`: nothing more can come; what is fed further is ignored.
    Neither `feed` nor `end` raises for what the peer did: a fault is a last event, Failed.
    """

    of_json: ClassVar[bool] = True
    """Whether texts come out of JSON, whose escapes can make halves of characters."""

    def __init__(self) -> None:
        self.complete = False
        self.ended = False
        self._failed = False
        self._fed = False  # whether a byte came
        self._halves = Halves()
        self._escapes = False  # whether a backslash was seen: without one, there are no halves

    def feed(self, data: bytes | bytearray | memoryview) -> list[ChatEvent]:
        """The events that `data` completes."""
        out: list[ChatEvent] = []
        if not self.ended:
            if not self._fed:
                self._fed = len(data) > 0
            if not self._escapes and self.of_json:
                self._escapes = _BACKSLASH in data  # a byte is found in an eighth of the time that a string takes
            try:
                self._feed(data, out)
            except LimitExceeded as error:
                self._fail(error, out)
            except RecursionError:
                self._fail(ProtocolViolation(_TOO_DEEP), out)
            if self._failed:
                self._failure_last(out)
            if out and self._escapes:
                self._halves.mend(out)
        return out

    def end(self, *, proper: bool = True) -> list[ChatEvent]:
        """The body is over: the last events; the last of them is Failed with StreamTruncated if no end was proven.

        `proper` tells that the HTTP framing ended as it should, which is all the proof that a plain text has.
        """
        out: list[ChatEvent] = []
        if not self.ended:
            try:
                self._end(out, proper)
            except LimitExceeded as error:
                self._fail(error, out)
            except RecursionError:
                self._fail(ProtocolViolation(_TOO_DEEP), out)
            if not self.complete and not self.ended:
                stopped = "stopped before its end marker" if self._fed else "is empty: its body has not a single byte"
                self._fail(StreamTruncated(f"the answer {stopped}"), out)
            if self._failed:
                self._failure_last(out)
            self._halves.mend(out)
            self._halves.flush(out)
            self.ended = True
        return out

    def close(self) -> list[ChatEvent]:
        """As `end`, but raises StreamTruncated where no end was proven; its `events` are what came last."""
        events = self.end()
        if events and isinstance(events[-1], Failed) and isinstance(events[-1].error, StreamTruncated):
            error = events[-1].error
            error.events = tuple(events[:-1])
            raise error
        return events

    @abstractmethod
    def _feed(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None: ...

    @abstractmethod
    def _end(self, out: list[ChatEvent], proper: bool) -> None: ...

    def _fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        if not self._failed:  # the first one counts
            out.append(Failed(error))
        self._failed = self.ended = True

    def _failure_last(self, out: list[ChatEvent]) -> None:
        """Whatever else the failing frame said comes before it; nothing of it can prove the end any more."""
        self.complete = False
        out.sort(key=lambda event: type(event) is Failed)  # stable


class EventStreamParser(ChatParser):
    """An event stream (WHATWG server-sent events) of JSON objects, and what real servers send in its place.

    A dialect says in `_decode` what an object means, in `_done` what `[DONE]` does. Lines that are no event-stream
    lines may be bare JSON (an error in mid-stream, or the whole answer of a server that ignored `stream`): each value
    goes to `_decode_bare`. An HTML page in place of a stream is a fault.
    """

    text_fields: ClassVar[tuple[str, ...]] = ()
    """The JSON fields that hold text, of an answer or of reasoning: events of it take the fast path."""
    keeps_text: ClassVar[bool] = False
    """Whether `_goes_on` has to be called."""

    def __init__(self, max_frame_size: int = MAX_FRAME, shapes: Shapes | None = None) -> None:
        super().__init__()
        values = TextFrames(self.text_fields, self._probe, shapes, decoder()) if self.text_fields else None
        self._frames = SSEJSONParser(max_frame_size=max_frame_size, values=values)
        self._max_frame_size = max_frame_size
        self._bare: JSONValueScanner | None = None  # once there is bare JSON

    def _feed(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        self._take(self._frames.feed(data), out)

    @classmethod
    def _probe(cls, first: Any, second: Any) -> tuple[list[ChatEvent], list[ChatEvent]]:
        """What `first` means to a new parser, and then `second`."""
        parser = cls()
        one, two = list[ChatEvent](), list[ChatEvent]()
        parser._decode("message", first, one)
        parser._decode("message", second, two)
        return one, two

    def _end(self, out: list[ChatEvent], proper: bool) -> None:
        self._take(self._frames.close(), out)
        if not self.ended and self._bare and (rest := self._bare.close().strip(" \t\r\n,]")):
            out.append(UnknownFrame(rest, "unfinished JSON"))

    def _take(self, frames: list[Any], out: list[ChatEvent]) -> None:
        for frame in frames:
            if type(frame) is tuple:
                size = len(frame)
                if size == 4 or (size == 5 and self._ready(frame[1].choice)):
                    out.append(frame[1])  # it took the fast path
                    if self.keeps_text:
                        self._goes_on(frame, out)
                    continue
                value = frame[1] if size == 2 else _JSON.raw_decode(*frame[2:4])[0]
                self._decode(frame[0], value, out)
            else:
                self._odd(frame, out)
            if self.ended:
                return

    def _ready(self, choice: int) -> bool:
        """Whether an event that says no more than text but at the beginning does so now."""
        return False

    def _goes_on(self, frame: Any, out: list[ChatEvent]) -> None:
        """What else `_decode` does with an event that differs from the last one in its text; see TextFrames."""

    def _odd(self, frame: ServerSentEvent | Comment | StrayLine, out: list[ChatEvent]) -> None:
        match frame:
            case Comment(text):
                out.append(KeepAlive(text))
            case ServerSentEvent(data="[DONE]"):
                self._done(out)
            case ServerSentEvent(data=data) if not data.strip():
                out.append(KeepAlive(data))
            case ServerSentEvent(event="error", data=data):
                self._fail(in_band(data) or ProviderRefused(data), out)
            case ServerSentEvent(data=data):
                out.append(UnknownFrame(data, "data that is not JSON"))
            case _:
                self._stray(frame.text, out)

    def _stray(self, line: str, out: list[ChatEvent]) -> None:
        if self._bare is None:
            first = line.lstrip()[:1]
            if first == "<" and is_html(line):
                self._fail(page_in_place_of_an_answer(line), out)
                return
            if not first or first not in "{[":
                out.append(UnknownFrame(line, "no event-stream field"))
                return
            self._bare = JSONValueScanner(max_frame_size=self._max_frame_size)
        for text in self._bare.feed(line + "\n"):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                out.append(UnknownFrame(text, "not JSON"))
            else:
                self._decode_bare(value, out)
            if self.ended:
                return

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        error = in_band(value)
        if error is None:
            self._decode("message", value, out)
        else:
            self._fail(error, out)

    @abstractmethod
    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        """One JSON value of the stream; `event` is its event-stream type ("message" where none was given)."""

    @abstractmethod
    def _done(self, out: list[ChatEvent]) -> None:
        """The stream said `[DONE]`."""


def as_text(value: Any) -> str:
    """`value` as the JSON text that an UnknownFrame carries."""
    return json.dumps(value, ensure_ascii=False)
