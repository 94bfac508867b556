"""What the parsers share: the limit of a frame, failing for good, and cutting bytes into lines in linear time."""

from __future__ import annotations

from collections.abc import Sized

from ..errors import LimitExceeded

MAX_FRAME_SIZE = 16 * 1024 * 1024
"""How many bytes one frame may have, unless the caller says otherwise."""

Data = bytes | bytearray | memoryview
_BOM = b"\xef\xbb\xbf"  # the byte order mark U+FEFF in UTF-8
# As ints, which `in` finds in bytes several times as fast as a bytes of length one (see ChatParser.feed).
LF, CR = b"\n\r"


class BoundedParser:
    """A parser that is closed once, and that fails for good when a frame is larger than `max_frame_size`."""

    __slots__ = ("_closed", "_failed", "max_frame_size")

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        if max_frame_size < 1:
            raise ValueError(f"max_frame_size must be positive, not {max_frame_size!r}")
        self.max_frame_size = max_frame_size
        self._closed = False
        self._failed = False

    def __repr__(self) -> str:
        state = "failed" if self._failed else "closed" if self._closed else "open"
        return f"<{type(self).__name__} {state}, {self._held()} of an unfinished frame>"

    def _held(self) -> str:
        """How much of an unfinished frame it holds, in words."""
        return "nothing"

    def _check(self) -> None:
        if self._failed:
            raise LimitExceeded("frame", self.max_frame_size)
        if self._closed:
            raise RuntimeError(f"this {type(self).__name__} is closed: a new stream needs a new one")

    def _fail(self, frames: Sized) -> None:
        """Fail for good: at once if `frames`, those before the fault, are none; else the next call raises.

        A call that raised could not return them, and where a stream is cut must not decide which frames are lost.
        """
        self._failed = True
        if not frames:
            self._check()  # raises


class LineSplitter:
    """Bytes in, whole lines out, without their ends; a byte order mark at the very start is dropped.

    LF ends a line; where `cr` is set, CRLF and a lone CR do, too. The unfinished last line waits in `rest`, a buffer
    that grows in place and is never searched again.

    `steady` is false at the stream's start, where a byte order mark may come, and behind a CR, where an LF would belong
    to it. While it is true, a caller may append bytes without a line end to `rest` and cut lines at LF by itself.
    """

    __slots__ = ("_after_cr", "_cr", "_mark", "_started", "rest", "steady")

    def __init__(self, *, cr: bool) -> None:
        self.rest = bytearray()
        self._cr = cr
        self._after_cr = False
        self._started = self.steady = False
        self._mark = b""  # the stream's first bytes, while they may be the beginning of a byte order mark

    @property
    def idle(self) -> bool:
        """True when no line is unfinished, and the next byte begins one."""
        return self.steady and not self.rest

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes."""
        if not self._started:
            data = self._without_mark(data)
        if not data:
            return []  # or `steady` would be set by no byte
        if self._after_cr:
            self._after_cr = False
            data = data.removeprefix(b"\n")  # of a CRLF: its CR ended the line in the feed before
        self.steady = True
        has_cr = self._cr and CR in data
        # A piece of a long line: `rest` is not searched again, so that any cut stays linear.
        if LF not in data and not has_cr:
            self.rest += data
            return []
        if has_cr:
            # The line ends at its CR. To wait for an LF would hold back an event for as long as the server is silent.
            self._after_cr = data[-1] == CR
            self.steady = not self._after_cr
            # In this order: the other way round, each CRLF would become two line ends, and so a blank line.
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return self._split(data)

    def _split(self, data: bytes) -> list[bytes]:
        lines = data.split(b"\n")
        last = lines.pop()  # behind the last line end: the beginning of the next line, or nothing
        if lines and self.rest:
            # Only the first line can have begun in an earlier feed.
            self.rest += lines[0]
            lines[0] = bytes(self.rest)
            self.rest.clear()
        self.rest += last
        return lines

    def close(self) -> bytes:
        """The unfinished last line."""
        rest = bytes(self.rest) or self._mark  # a part of a byte order mark is a broken character, like any other
        self.drop()
        return rest

    def drop(self) -> None:
        """Forget the unfinished line: the splitter is not used again, and its memory is not needed."""
        self.rest.clear()

    def _without_mark(self, data: bytes) -> bytes:
        """The stream's first bytes without a byte order mark; nothing as long as they may be a part of one."""
        # At most two bytes wait, and only in a stream that begins with 0xEF.
        data = self._mark + data
        self._started = len(data) >= len(_BOM) or not _BOM.startswith(data)
        self._mark = b"" if self._started else data
        return data.removeprefix(_BOM) if self._started else b""
