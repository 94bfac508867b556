"""What dialects of newline-delimited JSON share: reading a body line by line, and what servers send in its place."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ..errors import UnexpectedContent
from ..events import ChatEvent, UnknownFrame
from ..parsers import JSONValueScanner, NDJSONParser
from ..parsers.json_values import decode_at
from ..redact import excerpt
from .base import ChatParser
from .error_mapping import is_html, page_in_place_of_an_answer


class NDJSONChatParser(ChatParser):
    """Lines of JSON objects; a dialect says in `decode` what a value means.

    A body that begins with a value over several lines (indented JSON) is read as well. A line that is not JSON becomes
    an UnknownFrame; where the stream ends with such a line and without its end marker, the line is the error's text. An
    HTML page in place of a stream is a fault.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._lines = NDJSONParser(max_frame_size=self.max_frame_size)
        self._bare = JSONValueScanner(max_frame_size=self.max_frame_size)
        self._begun = False  # a value was decoded
        self._said = ""  # the last line, if it is text: proxies write what went wrong

    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        self._take(self._lines.feed(data), out)

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        self._take(self._lines.close(), out)
        if not self.ended and (rest := self._bare.close().strip()):
            out.append(UnknownFrame(rest, "unfinished JSON"))
        # Before ChatParser.end reports StreamTruncated: a proxy's words name the cause, and the first fault counts.
        if not self.complete and self._said:
            self.fail(UnexpectedContent(f"text came in place of an answer: {excerpt(self._said)}"), out)

    def _take(self, lines: list[str], out: list[ChatEvent]) -> None:
        for line in lines:
            # A good line makes text before it no last words, so that `_said` is empty again.
            if self._usual(line, out):
                self._said = ""
                continue
            try:
                value, end = decode_at(line)
            except (ValueError, RecursionError):
                end = -1
            # Inside a value over several lines, a line such as `1` or `"a"` is a part of it. A whole object is a value
            # of the stream: of an array with one object a line, or behind a value that was broken off.
            if end == len(line) and (line[0] == "{" or not self._bare.open):
                self._value(value, out)
            else:
                self._stray(line, out)
            if self.ended:
                return

    def _value(self, value: Any, out: list[ChatEvent]) -> None:
        self._begun, self._said = True, ""
        self.decode(value, out)

    def _stray(self, line: str, out: list[ChatEvent]) -> None:
        """A line that is no JSON value by itself."""
        # JSON's blank space only: the NDJSONParser gives no line of it, but it gives lines of U+001F, which str.strip()
        # would make empty.
        text = line.strip(" \t\r\n")
        if text != line and not self._bare.open:
            self._take([text], out)
        elif not self._begun and is_html(text):
            self.fail(page_in_place_of_an_answer(text), out)
        elif self._bare.open or (not self._begun and text[0] in "{["):
            self._scan(self._bare, line, self._value, out)
        else:
            self._said = "" if text[0] in "{[" else text
            out.append(UnknownFrame(line, "a line that is not JSON"))

    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        """Append what `line` says, if that can be told without decoding all of it; else give False, to decode it.

        The events must be the same as those of `decode`.
        """
        return False

    @abstractmethod
    def decode(self, value: Any, out: list[ChatEvent]) -> None:
        """Append to `out` what a JSON value of the stream says, which may be of any type.

        A ChatError that this raises ends the answer, as by `fail`; any other exception is a mistake of the dialect, and
        comes out of `feed`.
        """
