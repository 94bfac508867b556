"""What dialects of newline-delimited JSON share: how a body of lines is read, and what servers send in its place."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Any

from ..errors import UnexpectedContent, excerpt
from ..events import ChatEvent, UnknownFrame
from ..parsers import JSONValueScanner, NDJSONParser
from .base import MAX_FRAME, ChatParser
from .error_mapping import is_html, page_in_place_of_an_answer

_decode_first = json.JSONDecoder().raw_decode  # json.loads would look at each line four times more, for 1.6 of its cost


class NDJSONChatParser(ChatParser):
    """Lines of JSON objects; a dialect says in `_decode` what a value means.

    A body that begins with a value over several lines (one that was printed for people) is read as well. A line that
    is no JSON is told as an UnknownFrame; where the stream ends with such a text and without its end marker, that text
    is the error. An HTML page in place of a stream is a fault.
    """

    def __init__(self, max_frame_size: int = MAX_FRAME) -> None:
        super().__init__()
        self._lines = NDJSONParser(max_frame_size=max_frame_size)
        self._bare = JSONValueScanner(max_frame_size=max_frame_size)
        self._begun = False
        self._said = ""  # the last line, if it is text

    def _feed(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        self._take(self._lines.feed(data), out)

    def _end(self, out: list[ChatEvent], proper: bool) -> None:
        self._take(self._lines.close(), out)
        if not self.ended and (rest := self._bare.close().strip()):
            out.append(UnknownFrame(rest, "unfinished JSON"))
        if not self.ended and not self.complete and self._said:
            self._fail(UnexpectedContent(f"text came in place of an answer: {excerpt(self._said)}"), out)

    def _take(self, lines: list[str], out: list[ChatEvent]) -> None:
        for line in lines:
            if self._usual(line, out):
                self._said = ""
                continue
            try:
                value, end = _decode_first(line)
            except (ValueError, RecursionError):
                end = -1
            if end == len(line) and (line[0] == "{" or not self._bare.open):
                self._value(value, out)
            else:
                self._stray(line, out)
            if self.ended:
                return

    def _value(self, value: Any, out: list[ChatEvent]) -> None:
        self._begun, self._said = True, ""
        self._decode(value, out)

    def _stray(self, line: str, out: list[ChatEvent]) -> None:
        text = line.strip(" \t\r\n")  # no more: such a line is never empty, others may be, as of U+001F alone
        if text != line and not self._bare.open:
            self._take([text], out)
        elif not self._begun and is_html(text):
            self._fail(page_in_place_of_an_answer(text), out)
        elif self._bare.open or (not self._begun and text[0] in "{["):
            for piece in self._bare.feed(line + "\n"):
                try:
                    value = json.loads(piece)
                except (ValueError, RecursionError):
                    out.append(UnknownFrame(piece, "not JSON"))
                else:
                    self._value(value, out)
                if self.ended:
                    return
        else:
            self._said = "" if text[0] in "{[" else text
            out.append(UnknownFrame(line, "a line that is not JSON"))

    @abstractmethod
    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        """Whether `line` is a JSON object that was understood without decoding all of it: the same comes of it."""

    @abstractmethod
    def _decode(self, value: Any, out: list[ChatEvent]) -> None:
        """One JSON value of the stream."""
