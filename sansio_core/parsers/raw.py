"""Plain text: UTF-8, cut anywhere."""

from __future__ import annotations

import codecs

from .lines import Data

_UTF8 = codecs.getincrementaldecoder("utf-8")


class TextParser:
    """Bytes in, pieces of text out (never an empty one), each character as soon as its last byte is in.

    Invalid bytes become U+FFFD. A byte order mark at the very start is dropped: the "UTF-8 decode" of the WHATWG
    Encoding standard, section 6.
    """

    __slots__ = ("_closed", "_decoder", "_started")

    def __init__(self) -> None:
        self._decoder = _UTF8("replace")
        self._started = False
        self._closed = False

    def feed(self, data: Data) -> list[str]:
        """The text that `data` completes, in one piece, or nothing. Raises RuntimeError after close()."""
        if self._closed:
            raise RuntimeError("this TextParser is closed: a new stream needs a new one")
        return self._pieces(self._decoder.decode(bytes(data)))

    def close(self) -> list[str]:
        """The stream ended: U+FFFD for a character that was cut short, or nothing."""
        if self._closed:
            return []
        self._closed = True
        return self._pieces(self._decoder.decode(b"", True))

    def _pieces(self, text: str) -> list[str]:
        if text and not self._started:
            self._started = True
            text = text.removeprefix("\ufeff")
        return [text] if text else []
