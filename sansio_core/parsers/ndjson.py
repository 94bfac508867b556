"""Newline-delimited JSON (https://github.com/ndjson/ndjson-spec): one JSON text a line, in UTF-8."""

from __future__ import annotations

from .lines import CR, MAX_FRAME_SIZE, BoundedParser, Data, LineSplitter


class NDJSONParser(BoundedParser):
    """Bytes in, lines out as `str` without their ends.

    LF and CRLF end a line and nothing else does (a lone CR, U+2028 and the like do not). Lines of white space only are
    skipped, a byte order mark at the very start is dropped, invalid UTF-8 becomes U+FFFD. `max_frame_size` bounds the
    bytes of one line. When a line is longer, `feed` returns the lines before it, and every later call raises
    LimitExceeded; if there are no lines before it, this call raises it already.
    """

    __slots__ = ("_lines",)

    def __init__(self, *, max_frame_size: int = MAX_FRAME_SIZE) -> None:
        super().__init__(max_frame_size=max_frame_size)
        self._lines = LineSplitter(cr=False)

    def feed(self, data: Data) -> list[str]:
        """The lines that `data` completes. Raises LimitExceeded, and RuntimeError after close()."""
        if self._failed or self._closed:
            self._check()
        # A memoryview has neither find() nor split().
        if type(data) is not bytes:
            data = bytes(data)
        lines = self._lines
        rest = lines.rest
        if len(rest) + len(data) > self.max_frame_size:  # else no line can be too long, and none has to be measured
            return self._by_line(data)
        # From the first bytes on, the splitter stays steady: where CR ends no line, no LF can belong to one.
        if not lines.steady:
            return self._first_line(data)
        end = data.rfind(b"\n")
        if end < 0:
            rest += data
            return []
        # All whole lines are decoded and split at once: see `_frames`.
        whole = data[:end]
        if rest:
            whole = bytes(rest) + whole
            rest.clear()
        if end + 1 < len(data):
            rest += data[end + 1 :]
        return _frames(whole)

    def _first_line(self, data: bytes) -> list[str]:
        """The stream's first line goes by the LineSplitter, which drops a byte order mark; all others as usual."""
        start = data.find(b"\n") + 1 or len(data)
        frames = self._by_line(data[:start])
        return frames + self.feed(data[start:]) if start < len(data) else frames

    def _by_line(self, data: bytes) -> list[str]:
        """As `feed`, but each line is measured: one of them may pass the limit."""
        frames: list[str] = []
        for line in self._lines.feed(data):
            if len(line) > self.max_frame_size:
                return self._drop(frames)
            frames += _frames(line)
        # The unfinished line counts as well: a peer may never send a line end.
        return frames if len(self._lines.rest) <= self.max_frame_size else self._drop(frames)

    def close(self) -> list[str]:
        """The stream ended: its last line, if that has no line end."""
        if self._closed:
            return []
        self._check()
        self._closed = True
        return _frames(self._lines.close())

    def _held(self) -> str:
        return f"{len(self._lines.rest)} bytes"

    def _drop(self, frames: list[str]) -> list[str]:
        self._lines.drop()
        self._fail(frames)
        return frames


def _frames(whole: bytes) -> list[str]:
    """The lines of `whole`, which has a line end between each two of them, without the blank ones.

    All are decoded at once, as no character of UTF-8 has a line end in it. Measured: 0.14 µs a line; 0.21 if each is
    decoded by itself.
    """
    text = whole.decode("utf-8", "replace")
    if CR in whole:  # of CRLF; the last line's LF is not in `whole`, so that its CR stands alone at the end
        text = text.replace("\r\n", "\n").removesuffix("\r")
    if "\n" not in text and text and not text.isspace():  # one line: a feed for each event is usual
        return [text]
    frames = text.split("\n")
    for line in frames:
        if not line or line.isspace():
            # isspace() is quick, but true for U+001F, U+0085 and U+2028, too, which are text: strip() decides.
            return [line for line in frames if line.strip(" \t\r\v\f")]
    return frames
