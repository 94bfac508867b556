"""Server-Sent Events, to the letter of the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream".

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from dataclasses import dataclass

from .lines import CR, LF, MAX_FRAME_SIZE, BoundedParser, Data, LineSplitter


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: its type, its data, and the last event id of the stream when its blank line dispatched it."""

    event: str
    data: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment line without its colon (and without one space behind that); servers send them as keep-alives."""

    text: str


@dataclass(frozen=True, slots=True)
class StrayLine:
    """A line with no field name that the standard knows: bare JSON, HTML, anything. Only in lenient mode."""

    text: str


Frame = ServerSentEvent | Comment | StrayLine


class SSEParser(BoundedParser):
    """Bytes of an event stream in, frames out, each as soon as the first byte of the line end that completes it is in.

    `lenient` changes two things: `close()` also gives the event or line that is unterminated at the end of the stream
    (the standard drops it), and a line with an unknown field name is given as a StrayLine (the standard ignores it).

    `max_frame_size` bounds, in bytes, all lines of one event without their ends, and each comment. When a frame is
    larger, `feed` returns the frames before it, and every later call raises LimitExceeded; if there are no frames
    before it, this call raises it already.

    `retry` is the reconnection time in milliseconds that the stream asked for, or None; `last_event_id` the last id
    that a blank line made valid.
    """

    __slots__ = ("_data", "_event", "_id", "_lenient", "_lines", "_size", "last_event_id", "retry")

    def __init__(self, *, lenient: bool = False, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        super().__init__(max_frame_size=max_frame_size)
        self.retry: int | None = None
        self.last_event_id = ""
        self._lenient = lenient
        self._lines = LineSplitter(cr=True)
        self._data: list[bytes] = []
        self._event = self._id = b""
        self._size = 0  # bytes in the finished lines of the unfinished event

    def _held(self) -> str:
        return f"{self._size + len(self._lines.rest)} bytes"

    @property
    def idle(self) -> bool:
        """True between events: nothing is unfinished, and the next byte begins a line."""
        return self._lines.idle and not (self._size or self._failed or self._closed)

    def feed(self, data: Data) -> list[Frame]:
        """The frames that `data` completes. Raises LimitExceeded, and RuntimeError after close()."""
        if self._failed or self._closed:
            self._check()
        if type(data) is not bytes:
            data = bytes(data)
        frames: list[Frame] = []
        if LF in data:
            data = self._events(data, frames)
        return self._by_line(data, frames) if data else frames

    def _events(self, data: bytes, frames: list[Frame]) -> bytes:
        """Append the frames of `data` up to its last blank line; gives what stands behind that line.

        Usual events are split off as a whole; all others go line by line.
        """
        blank = b"\n\r\n" if CR in data else b"\n\n"  # from the end of the line before it
        end = data.rfind(blank)
        if end < 0:
            return data
        end += len(blank)
        start = 0
        # Inside an event that an earlier feed began, and where a byte order mark or the LF of a CRLF may come next, the
        # text up to the first blank line is no whole event.
        if self._size or not self._lines.steady:
            start = data.find(blank) + len(blank)
            self._by_line(data[:start], frames)
        if start < end and not self._failed and not self._usual(data[start:end], frames):
            self._by_line(data[start:end], frames)
        return b"" if self._failed else data[end:]

    def _usual(self, data: bytes, frames: list[Frame]) -> bool:
        """Append whole events, if each is one `data` line, or each an `event` line and one; else change nothing.

        Nearly all events of chat streams are such, and going line by line costs more than all the rest. Measured:
        0.5 µs an event in place of 1.1.
        """
        rest = self._lines.rest
        before = len(rest)
        if before + len(data) > self.max_frame_size:
            return False
        if not before:  # else a line has begun in an earlier feed
            found = _usual_events(data, self.last_event_id)
        else:  # that line may be long: `rest` grows in place, and is not copied for each feed
            rest += data
            found = _usual_events(rest, self.last_event_id)
            del rest[0 if found else before :]
        frames += found
        return bool(found)

    def _by_line(self, data: bytes, frames: list[Frame]) -> list[Frame]:
        """Append the frames of `data` by the rules of the standard, line by line; right for any stream at any cut."""
        for line in self._lines.feed(data):
            if not self._fits(line):
                return self._drop(frames)
            if line:
                self._line(line, frames)
            else:
                self._dispatch(frames)  # "If the line is empty (a blank line): dispatch the event"
        rest = self._lines.rest
        # An unfinished line counts as well: a peer may never end it. `_fits` decides, as a comment counts by itself.
        if self._size + len(rest) > self.max_frame_size and not self._fits(rest):
            return self._drop(frames)
        return frames

    def close(self) -> list[Frame]:
        """The stream ended. An unfinished event is dropped, as the standard says, unless `lenient`."""
        if self._closed:
            return []
        self._check()
        self._closed = True
        frames: list[Frame] = []
        rest = self._lines.close()
        # The last words of a chat are kept, although no blank line ends their event.
        if self._lenient:
            if rest:
                self._line(rest, frames)
            self._dispatch(frames)
        return frames

    def _fits(self, line: bytes | bytearray) -> bool:
        # A comment is a frame of its own, even between two lines of an event.
        before = 0 if line.startswith(b":") else self._size
        return before + len(line) <= self.max_frame_size

    def _drop(self, frames: list[Frame]) -> list[Frame]:
        self._lines.drop()
        self._data.clear()
        self._fail(frames)
        return frames

    def _line(self, line: bytes, frames: list[Frame]) -> None:
        if line.startswith(b"data: "):  # data may be long: this copies it once, the rules below twice
            self._data.append(line[6:])
            self._size += len(line)
            return
        name, _, value = line.partition(b":")
        # "If value starts with a U+0020 SPACE character, remove it from value": one, and no tab.
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._event = value
        elif name == b"id":
            if b"\0" not in value:  # "Otherwise, ignore the field"
                # It counts from the next blank line on, which _dispatch takes in.
                self._id = value
        elif name == b"retry":
            self._set_retry(value)
        elif not name:
            # The standard ignores a line that begins with a colon; here it is a sign of life, of which dialects
            # make a KeepAlive.
            frames.append(Comment(_decode(value)))
            return
        elif self._lenient:
            frames.append(StrayLine(_decode(line)))
            return
        self._size += len(line)

    def _set_retry(self, value: bytes) -> None:
        """ASCII digits only; int() alone would take "+5", "1_0" and other alphabets' digits.

        Numbers of more than 18 digits are ignored: int() raises for some thousands of them, and 10^18 ms are longer
        than the universe is old.
        """
        if value.isdigit() and len(value := value.lstrip(b"0") or b"0") <= 18:
            self.retry = int(value)

    def _dispatch(self, frames: list[Frame]) -> None:
        self._size = 0
        self.last_event_id = _decode(self._id)  # the standard sets it even where no data makes an event of it
        # The list is asked, and not its text: one line "data:" makes an event with empty data; no such line makes none.
        if self._data:
            # No character of UTF-8 has a line end in it: decoding by event gives what decoding the whole stream would.
            event, data = _decode(self._event) or "message", _decode(b"\n".join(self._data))
            frames.append(ServerSentEvent(event, data, self.last_event_id))
            self._data = []
        # The type and the data are the event's own. The id stays for all events behind it, as the standard has it.
        self._event = b""


def _usual_events(whole: bytes | bytearray, last_id: str) -> list[Frame]:
    """The events of `whole`, each of one `data` line, or each of an `event` line and one; nothing if one is not so."""
    if CR in whole:
        whole = whole.replace(b"\r\n", b"\n")
        if CR in whole:  # it ends a line by itself
            return []
    if whole.startswith(b"data: "):
        return _events_of_data(_without_ends(whole, 6), last_id)
    if whole.startswith(b"event: "):
        return _events_of_type_and_data(_without_ends(whole, 7), last_id)
    return []


def _events_of_data(text: str, last_id: str) -> list[Frame]:
    """The events of `text`, which begins with the first one's data."""
    if "\n" not in text:
        return [ServerSentEvent("message", text, last_id)]
    texts = text.split("\n\ndata: ")
    frames: list[Frame] = [ServerSentEvent("message", data, last_id) for data in texts if "\n" not in data]
    return frames if len(frames) == len(texts) else []


def _events_of_type_and_data(text: str, last_id: str) -> list[Frame]:
    """The events of `text`, which begins with the first one's type."""
    frames: list[Frame] = []
    for event in text.split("\n\nevent: "):
        event_type, field, data = event.partition("\ndata: ")
        if not field or "\n" in event_type or "\n" in data:
            return []
        frames.append(ServerSentEvent(event_type or "message", data, last_id))
    return frames


def _without_ends(whole: bytes | bytearray, start: int) -> str:
    """The text from `start` on, without the end of the last line and the blank line behind it."""
    if type(whole) is bytes:
        return whole[start:-2].decode("utf-8", "replace")
    with memoryview(whole) as view:  # one copy less of what may be long
        return str(view[start:-2], "utf-8", "replace")


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "replace")
