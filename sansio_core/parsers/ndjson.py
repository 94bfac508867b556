"""Newline-delimited JSON (https://github.com/ndjson/ndjson-spec): one JSON text a line, in UTF-8."""

from __future__ import annotations

from .lines import MAX_FRAME_SIZE, BoundedParser, Data, LineSplitter


class NDJSONParser(BoundedParser):
    """Bytes in, lines out as `str` without their ends.

    LF and CRLF end a line and nothing else does (a lone CR, U+2028 and the like do not). Lines of white space only are
    skipped, a byte order mark at the very start is dropped, invalid UTF-8 becomes U+FFFD. `max_frame_size` bounds the
    bytes of one line; when it is passed, the lines before it are returned and the next call raises LimitExceeded; where
    there are none, this one does.
    """

    __slots__ = ("_lines",)

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        super().__init__(max_frame_size=max_frame_size)
        self._lines = LineSplitter(cr=False)

    def feed(self, data: Data) -> list[str]:
        """The lines that `data` completes. Raises LimitExceeded, and RuntimeError after close()."""
        self._check()
        frames: list[str] = []
        for line in self._lines.feed(bytes(data)):
            if len(line) > self.max_frame_size:
                return self._drop(frames)
            if line and not line.isspace():
                frames.append(_decode(line))
        return frames if len(self._lines.rest) <= self.max_frame_size else self._drop(frames)

    def close(self) -> list[str]:
        """The stream ended: its last line, where that has no end."""
        if self._closed and not self._failed:
            return []
        self._check()
        self._closed = True
        rest = self._lines.close()
        return [_decode(rest)] if rest and not rest.isspace() else []

    def _drop(self, frames: list[str]) -> list[str]:
        self._lines.drop()
        self._fail(frames)
        return frames


def _decode(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "replace")
