"""What the parsers share: being closed, failing once for all, and cutting bytes into lines, linear for any cut."""

from __future__ import annotations

from collections.abc import Sized

from ..errors import LimitExceeded

MAX_FRAME_SIZE = 16 * 1024 * 1024
"""How many bytes one frame may have, unless the caller says otherwise."""

Data = bytes | bytearray | memoryview
_BOM = b"\xef\xbb\xbf"
LF, CR = b"\n\r"


class BoundedParser:
    """A parser that is closed once, and stays failed once a frame passed `max_frame_size`."""

    __slots__ = ("_closed", "_failed", "max_frame_size")

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        if max_frame_size < 1:
            raise ValueError(f"max_frame_size must be positive, not {max_frame_size!r}")
        self.max_frame_size = max_frame_size
        self._closed = False
        self._failed = False

    def _check(self) -> None:
        if self._failed:
            raise LimitExceeded("frame", self.max_frame_size)
        if self._closed:
            raise RuntimeError(f"this {type(self).__name__} is closed: a new stream needs a new one")

    def _fail(self, frames: Sized) -> None:
        """Fail for good; at once when there is no frame before the fault to hand out, else at the next call."""
        self._failed = True
        if not frames:
            self._check()


class LineSplitter:
    """Bytes in, whole lines out, without their ends; a byte order mark at the very start is dropped.

    A line ends with LF, and with CRLF or a lone CR where `cr` is set. What is unfinished waits in `rest`, a buffer
    that grows in place and is never searched again. While `steady`, a next byte that ends no line only lengthens it,
    and an LF ends a line.
    """

    __slots__ = ("_after_cr", "_bom", "_cr", "_started", "rest", "steady")

    def __init__(self, *, cr: bool) -> None:
        self.rest = bytearray()
        self._cr = cr
        self._after_cr = False
        self._started = self.steady = False
        self._bom = b""

    @property
    def idle(self) -> bool:
        """True when nothing is unfinished, and the next byte begins a line."""
        return self.steady and not self.rest

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes."""
        if not self._started:
            data = self._start(data)
        if not data:
            return []
        if self._after_cr:  # its CR ended a line already; an LF now belongs to it
            self._after_cr = False
            if data[0] == LF:
                data = data[1:]
        self.steady = True
        if LF not in data and not (self._cr and CR in data):
            self.rest += data
            return []
        if self._cr and CR in data:
            self._after_cr = data[-1] == CR
            self.steady = not self._after_cr
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = data.split(b"\n")
        last = lines.pop()
        if lines and self.rest:
            self.rest += lines[0]
            lines[0] = bytes(self.rest)
            self.rest.clear()
        self.rest += last
        return lines

    def close(self) -> bytes:
        """The unfinished last line."""
        rest = bytes(self.rest) or self._bom
        self.drop()
        return rest

    def drop(self) -> None:
        """Forget what is unfinished."""
        self._bom = b""
        self.rest.clear()

    def _start(self, data: bytes) -> bytes:
        data = self._bom + data
        self._started = len(data) >= len(_BOM) or not _BOM.startswith(data)
        self._bom = b"" if self._started else data
        return data.removeprefix(_BOM) if self._started else b""
