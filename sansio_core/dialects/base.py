"""What every dialect's parser shares: feeding, ending, failing; and reading an event stream of JSON."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from ..errors import ChatError, ProtocolViolation, ProviderRefused, StreamTruncated
from ..events import ChatEvent, Failed, Finished, FinishReason, KeepAlive, UnknownFrame
from ..parsers import MAX_FRAME_SIZE, Comment, JSONValueScanner, ServerSentEvent, SSEJSONParser, StrayLine
from ..parsers.json_values import decode_at
from ..parsers.sse_json import plain_decoder
from .error_mapping import in_band, is_html, of_event, page_in_place_of_an_answer
from .surrogates import Halves
from .text_template import FIRST, NEXT, TemplateDecoder, Templates

MAX_FRAME = MAX_FRAME_SIZE
_CUT = "the answer stopped before its end marker"
_EMPTY = "the answer is empty: its body has not a single byte"
_BACKSLASH = ord("\\")
_Take = Callable[[Any, list[ChatEvent]], None]


class ChatParser(ABC):
    """Bytes of one response body in, events out. Feed it in any pieces; the events are the same for every cut.

    `complete`: the answer's end is proven. `ended`: the parser gives no more events, and ignores what else is fed.
    Neither `feed` nor `end` raises for what the peer did: a fault becomes the last event, Failed.

    A wire that no subclass here reads is a subclass with `read` and `read_end`; its events go into `out`, by `finish`,
    `fail` and `unknown` too. A subclass with an `__init__` of its own takes `**settings` and passes them on.
    """

    of_json: ClassVar[bool] = True
    """Whether texts are JSON strings, whose escapes can be halves of surrogate pairs."""
    ends_with_body: ClassVar[bool] = False
    """Whether the proper end of the body proves the answer's end: of wires without an end marker."""

    def __init__(
        self, *, max_frame_size: int = MAX_FRAME, content_type: str = "", templates: Templates | None = None
    ) -> None:
        """`content_type` is the response's; `templates` are the provider's (see text_template)."""
        self.max_frame_size = max_frame_size
        self.complete = False
        self.ended = False
        self._failed = False
        self._fed = False  # the body has a byte
        self._halves = Halves()
        self._escapes = False  # the body has a backslash: without one, it has no escapes, and so no halves

    def __repr__(self) -> str:
        state = "failed" if self._failed else "complete" if self.complete else "ended" if self.ended else "incomplete"
        return f"<{type(self).__name__} {state}>"

    def feed(self, data: bytes | bytearray | memoryview) -> list[ChatEvent]:
        """The events that `data` completes."""
        out: list[ChatEvent] = []
        if not self.ended:
            if not self._fed:
                self._fed = len(data) > 0
            # Looking for halves in each text would cost more than looking for one byte in each feed.
            if not self._escapes and self.of_json:
                self._escapes = _BACKSLASH in data  # an int is found in an eighth of the time that b"\\" takes
            try:
                self.read(data, out)
            # Not raised, as the events before the fault would be lost with it.
            except (ChatError, RecursionError) as error:
                self.fail(_fault(error), out)
            if self._failed:
                self._failure_last(out)
            # Last, as a half that still waits is given before a Failed: that one must be in its place.
            if out and self._escapes:
                self._halves.mend(out)
        return out

    def end(self, *, proper: bool = True) -> list[ChatEvent]:
        """The body ended. Gives the last events, and Failed with StreamTruncated if the answer's end is not proven.

        `proper` tells that the HTTP framing ended as it should (RFC 9112, 8), the only proof that a plain text has.
        """
        out: list[ChatEvent] = []
        if not self.ended:
            try:
                self.read_end(proper, out)
            except (ChatError, RecursionError) as error:
                self.fail(_fault(error), out)
            # Where read_end has reported a fault, the missing end marker is only its consequence.
            if not (self.complete or self.ended):
                if proper and self.ends_with_body and not _ends_within(out):
                    self.finish(None, out)
                else:
                    # An empty body is often another fault than a cut one: a proxy that gave up, a wrong path.
                    self.fail(StreamTruncated(_CUT if self._fed else _EMPTY), out)
            if self._failed:
                self._failure_last(out)
            self._halves.mend(out)
            self._halves.flush(out)  # for a dialect that ends without Finished
            self.ended = True
        return out

    def close(self) -> list[ChatEvent]:
        """As `end`, but raises StreamTruncated in place of giving it; the error's `events` are the last events."""
        events = self.end()
        if events and isinstance(events[-1], Failed) and isinstance(events[-1].error, StreamTruncated):
            error = events[-1].error
            error.events = tuple(events[:-1])
            raise error
        return events

    # --- what a dialect defines --------------------------------------------------------------------------------------

    @abstractmethod
    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        """Append to `out` the events that `data`, a piece of the body that was cut anywhere, completes."""

    @abstractmethod
    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        """The body ended, properly or not: append the events that were waiting for more of it."""

    # --- what a dialect uses -----------------------------------------------------------------------------------------

    def finish(self, reason: FinishReason | None, out: list[ChatEvent], provider_reason: str | None = None) -> None:
        """The answer's end is proven. What follows it, such as the usage, is still read."""
        out.append(Finished(reason, provider_reason))
        self.complete = True

    def fail(self, error: ChatError, out: list[ChatEvent]) -> None:
        """`error` ends the answer, and nothing behind it is read."""
        if not self._failed:  # the first fault is the cause, later ones may be its consequence
            out.append(Failed(error))
        self._failed = self.ended = True

    def unknown(self, value: Any, out: list[ChatEvent], event: str = "message") -> None:
        """A JSON value that no rule covers: an error in one of the usual shapes fails the answer, as does any value of
        an event of the type "error"; anything else becomes an UnknownFrame."""
        error = of_event(event, value)
        if error is None:
            out.append(UnknownFrame(as_text(value), f"a value that {type(self).__name__} does not know"))
        else:
            self.fail(error, out)

    def _scan(self, scanner: JSONValueScanner, line: str, take: _Take, out: list[ChatEvent]) -> None:
        """Give `take` each value over several lines that `line` completes."""
        for text in scanner.feed(line + "\n"):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                out.append(UnknownFrame(text, "not JSON"))
            else:
                take(value, out)
            if self.ended:
                return

    def _failure_last(self, out: list[ChatEvent]) -> None:
        """Put Failed behind the other events of the failing frame; a failed answer is not complete."""
        self.complete = False
        out.sort(key=lambda event: type(event) is Failed)  # sort() is stable: the others keep their order


class EventStreamParser(ChatParser):
    """An event stream (WHATWG server-sent events) of JSON objects, and what real servers send in its place.

    A dialect says in `decode` what an object means, and may say in `done` what `[DONE]` does. Lines that are no field
    of an event stream may be bare JSON (an error in mid-stream, or the whole answer of a server that ignored `stream`):
    each value that is no error goes to `decode` as well. An HTML page in place of a stream is a fault.
    """

    text_fields: ClassVar[tuple[str, ...]] = ()
    """The JSON fields that hold text, of an answer or of reasoning: their events are compared with templates. Faster,
    for a dialect that keeps to the duties in text_template.py; without them, every event is decoded."""
    keeps_text: ClassVar[bool] = False
    """Whether `_goes_on` has to be called."""

    # Without **settings, which would cost a quarter of a microsecond more.
    def __init__(
        self, *, max_frame_size: int = MAX_FRAME, content_type: str = "", templates: Templates | None = None
    ) -> None:
        super().__init__(max_frame_size=max_frame_size)
        with_templates = None
        if self.text_fields:
            with_templates = TemplateDecoder(self.text_fields, self._probe, templates, plain_decoder())
        self._frames = SSEJSONParser(max_frame_size=self.max_frame_size, decoder=with_templates)
        self._bare: JSONValueScanner | None = None  # made for the first line that begins as JSON does

    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        self._take(self._frames.feed(data), out)

    @classmethod
    def _probe(cls, first: Any, second: Any) -> tuple[list[ChatEvent], list[ChatEvent]]:
        """The events of `first` from a new parser, and then those of `second` from the same one."""
        # A new parser, as one that has said things once would not tell what the first event says besides its text.
        parser = cls()
        one, two = list[ChatEvent](), list[ChatEvent]()
        parser.decode("message", first, one)
        parser.decode("message", second, two)
        return one, two

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        self._take(self._frames.close(), out)
        if not self.ended and self._bare and (rest := self._bare.close().strip()):
            out.append(UnknownFrame(rest, "unfinished JSON"))

    def _take(self, items: list[Any], out: list[ChatEvent]) -> None:
        """Items of the SSEJSONParser; tuples are `(event type, value)`, or one of the forms in `Matched`."""
        for item in items:
            if type(item) is not tuple:
                self._odd(item, out)
            else:
                form = item[0]
                if form is NEXT or (form is FIRST and self._ready(item[1].choice)):
                    out.append(item[1])
                    if self.keeps_text:
                        self._goes_on(item, out)
                    continue
                if form is FIRST:  # the parser still has something to say besides the text: see `_ready`
                    _, _, text, at, event_type = item
                    self.decode(event_type, decode_at(text, at)[0], out)
                else:
                    self.decode(form, item[1], out)
            # What stands behind the end is ignored in this feed, as it is in later ones: else the cut would decide.
            if self.ended:
                return

    def _ready(self, choice: int) -> bool:
        """Whether the parser has said all that it says once for an answer and for this choice (see `Matched.FIRST`).

        A dialect that `keeps_text` leaves it at False: `_goes_on` takes the form `Matched.NEXT` only.
        """
        return False

    def _goes_on(self, item: Any, out: list[ChatEvent]) -> None:
        """What `decode` would do besides giving the text, for an item of the form `Matched.NEXT`."""

    def _odd(self, frame: ServerSentEvent | Comment | StrayLine, out: list[ChatEvent]) -> None:
        match frame:
            case Comment(text):
                out.append(KeepAlive(text))
            case ServerSentEvent(data="[DONE]"):  # OpenAI's end marker, which many others send, too
                self.done(out)
            case ServerSentEvent(data=data) if not data.strip():  # some servers keep alive so, not by a comment
                out.append(KeepAlive(data))
            case ServerSentEvent(event="error", data=data):  # its data is words: JSON goes to `decode`
                self.fail(ProviderRefused(data), out)
            case ServerSentEvent(data=data):
                out.append(UnknownFrame(data, "data that is not JSON"))
            case _:
                self._stray(frame.text, out)

    def _stray(self, line: str, out: list[ChatEvent]) -> None:
        if self._bare is None:
            if is_html(line):
                self.fail(page_in_place_of_an_answer(line), out)
                return
            if not line.lstrip().startswith(("{", "[")):
                out.append(UnknownFrame(line, "no event-stream field"))
                return
            self._bare = JSONValueScanner(max_frame_size=self.max_frame_size)
        # Once JSON has begun, every line that is no field belongs to it: an indented value has lines such as `},`.
        self._scan(self._bare, line, self._decode_bare, out)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        # First, as a bare object may be a gateway's error, in a shape that is not the dialect's.
        error = in_band(value)
        if error is None:
            self.decode("message", value, out)
        else:
            self.fail(error, out)

    @abstractmethod
    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        """Append to `out` what a JSON value of the stream says, which may be of any type.

        `event` is the type of its event ("message" if the stream gives none). A ChatError that this raises ends the
        answer, as by `fail`; any other exception is a mistake of the dialect, and comes out of `feed`.
        """

    def done(self, out: list[ChatEvent]) -> None:
        """The stream said `[DONE]`: the answer is complete, and nothing behind it is read."""
        if not self.complete:
            self.finish(None, out)
        self.ended = True


def _ends_within(out: list[ChatEvent]) -> bool:
    """Whether a piece that only the body's end has completed is no JSON value, and so was cut."""
    if not out or type(out[-1]) is not UnknownFrame:
        return False
    try:
        json.loads(out[-1].raw)
    except (ValueError, RecursionError):
        return True
    return False


def _fault(error: ChatError | RecursionError) -> ChatError:
    # A dialect may go through a value that json.loads could still build.
    return error if isinstance(error, ChatError) else ProtocolViolation("the answer has JSON that is nested too deeply")


def as_text(value: Any) -> str:
    """`value` as the JSON text that an UnknownFrame carries."""
    return json.dumps(value, ensure_ascii=False)
