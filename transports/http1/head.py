"""The head of a response (status line and header fields) out of bytes, for `response.py` and a proxy's in `tunnels.py`.

h11 parses a head, unless it matches the pattern of the usual one: that saves most of the time (see `request.py`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

import h11

from sansio_core.errors import LimitExceeded, ProtocolViolation

from .failures import BAD_CODING, BAD_HEAD, BAD_LENGTH, NOT_HTTP, SWITCHED
from .request import FIELD, Pairs, plain

BLANK_LINE: Final = re.compile(rb"\n\r?\n")  # RFC 9112 2.2: a recipient may take a lone LF as a line's end; h11 does
_START: Final = b"HTTP/1."
_LENGTH: Final = re.compile("[0-9]{1,18}")
_USUAL: Final = re.compile(rf"HTTP/1\.1 ([2-5][0-9][0-9])(?: [ -~]*)?\r\n((?:{FIELD})*)\r\n")


class Head(NamedTuple):
    """Status, header fields (names in lower case), and whether the version is HTTP/1.1 (else HTTP/1.0)."""

    status: int
    headers: Pairs
    is_1_1: bool = True


class HeadReader:
    """Bytes in, the head of the final response out; interim (1xx) responses are skipped (RFC 9110 15.2).

    All heads together may have `limit` bytes. `rest`: the bytes after the head, once it was returned.
    """

    __slots__ = ("_h11", "_limit", "_method", "_used", "rest")

    def __init__(self, method: str, limit: int) -> None:
        self.rest = b""
        self._method = method
        self._limit = limit
        self._used = 0
        self._h11: h11.Connection | None = None

    @property
    def began(self) -> bool:
        """Whether the peer has sent a byte."""
        return bool(self.rest or self._used)

    def feed(self, data: bytes) -> Head | None:
        """The head, once its blank line is in; None before.

        Raises ProtocolViolation for bytes that are no HTTP/1.x response, and LimitExceeded("head").
        """
        searched = max(0, len(self.rest) - 2)
        self.rest += data  # not quadratic: at most `limit` bytes, which mostly come in one piece
        while self.rest:
            # At the first wrong byte, with no wait for a blank line: a server of another protocol may send none.
            if not self.rest.startswith(_START[: len(self.rest)]):
                raise ProtocolViolation(NOT_HTTP)
            blank = BLANK_LINE.search(self.rest, searched)
            end = blank.end() if blank else len(self.rest)
            if self._used + end > self._limit:
                raise LimitExceeded("head", self._limit)
            if not blank:
                return None
            block, self.rest = self.rest[:end], self.rest[end:]
            self._used += end
            searched = 0
            if found := usual(block) or self._by_h11(block):
                return found
        return None

    def _by_h11(self, block: bytes) -> Head | None:
        """The head as h11 parses it; None for an interim response."""
        if self._h11 is None:
            self._h11 = h11.Connection(h11.CLIENT)  # the method is all that it must know of the request
            self._h11.send(h11.Request(method=self._method, target="/", headers=[("Host", "any")]))
        try:
            self._h11.receive_data(block)
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise ProtocolViolation(_text(plain(error))) from None
        if isinstance(event, h11.Response):
            headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers]
            return Head(event.status_code, headers, event.http_version == b"1.1")
        if not isinstance(event, h11.InformationalResponse):
            raise ProtocolViolation(SWITCHED)
        return None


@lru_cache(256)  # so that the heads of ten thousand open streams share the strings of their names
def _lower(name: str) -> str:
    return name.lower()


def usual(block: bytes) -> Head | None:
    """The head of a final response that matches the pattern of the usual one; None for any other, which h11 parses."""
    found = _USUAL.fullmatch(block.decode("latin-1"))
    if found is None:
        return None
    headers = [
        (_lower(name), value) for name, _, value in [line.partition(": ") for line in found[2].split("\r\n")[:-1]]
    ]
    framing = [field for field in headers if field[0] in ("content-length", "transfer-encoding")]
    if framing and (len(framing) > 1 or not _is_usual_framing(*framing[0])):
        return None
    return Head(int(found[1]), headers)


def _is_usual_framing(name: str, value: str) -> bool:
    if name == "transfer-encoding":
        return value == "chunked"
    return bool(_LENGTH.fullmatch(value))


def _text(message: str) -> str:
    """Our text for a malformed head, by the `message` of h11's error."""
    if "status line" in message:
        return NOT_HTTP
    if "_SWITCH" in message:
        return SWITCHED
    return BAD_LENGTH if "Content-Length" in message else BAD_CODING if "Transfer-Encoding" in message else BAD_HEAD
