"""HTTP/1.1 without I/O: a request as bytes, and a response's head and body out of bytes.

h11 writes the request and judges the head of the response, but for those that are as usual as they come: one pattern
proves these, for a quarter of the time. The body's framing is ours: chat servers send a chunk per event, h11 takes
several microseconds for a chunk, and the reader here a fraction of one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import h11

from sansio_core.errors import ChatError, InvalidRequest, LimitExceeded, ProtocolViolation, StreamTruncated
from sansio_core.wire import Headers, HttpRequest

from ..http1.routes import authority
from ..http1.words import (
    BAD_CHUNK,
    BAD_CODING,
    BAD_HEAD,
    BAD_LENGTH,
    BAD_TRAILER,
    CUT_CHUNKED,
    CUT_TLS,
    NOT_HTTP,
    SWITCHED,
    cut_short,
)

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")  # as h11 takes it; RFC 9112 2.2 lets a lone LF end a line of the head
_QUOTED: Final = re.compile(r""":? b(?:['"]|ytearray)""")
_START: Final = b"HTTP/1."
_LENGTH: Final = re.compile("[0-9]{1,18}")


@lru_cache(64)  # a client asks the same few URLs over and over
def _place(url: str) -> tuple[str, str]:
    """Of `url`: its beginning up to the path, and the value of the Host field."""
    parts = urlsplit(url)
    host = authority(parts.hostname or "", parts.port or 0)
    if parts.port in (None, 443 if parts.scheme == "https" else 80):
        host = host.rpartition(":")[0]
    return f"{parts.scheme}://{parts.netloc}", host


def start(request: HttpRequest, *, absolute: bool = False, extra: Headers = ()) -> tuple[h11.Connection | None, bytes]:
    """The bytes of `request`, and the h11 state that will judge its answer (None: HeadReader makes one if it has to).

    `absolute` writes the whole URL as the target, as a forwarding proxy wants it (RFC 9112 3.2.2); `extra` fields are
    added for that proxy. What the request does not bring of Host, Content-Length and Accept-Encoding is added. Raises
    InvalidRequest for what HTTP/1.1 cannot carry.
    """
    place, host = _place(request.url)
    given = {name.lower() for name, _ in request.headers}
    fields = list(request.headers)
    if "host" not in given:
        fields.insert(0, ("Host", host))
    if (request.body or request.method == "POST") and given.isdisjoint(("content-length", "transfer-encoding")):
        fields.append(("Content-Length", str(len(request.body))))
    if "accept-encoding" not in given:
        fields.append(("Accept-Encoding", "gzip, deflate"))
    fields += extra
    target = place + request.target if absolute else request.target
    if data := _usual_request(request, target, fields):
        return None, data
    return write(request.method, target, fields, request.body)


def write(method: str, target: str, fields: list[tuple[str, str]], body: bytes = b"") -> tuple[h11.Connection, bytes]:
    """One request in h11's hands, and its bytes. Raises InvalidRequest."""
    connection = h11.Connection(h11.CLIENT)
    try:
        data = connection.send(h11.Request(method=method, target=target, headers=fields)) or b""
        if body:
            data += connection.send(h11.Data(data=body)) or b""
        data += connection.send(h11.EndOfMessage()) or b""
    except h11.LocalProtocolError as error:
        raise InvalidRequest(f"HTTP/1.1 cannot carry that request: {_plain(error)}") from None
    return connection, data


class Head:
    """The head of a response: status, header fields (names in lower case), and the body that follows.

    `first` is what came of the body together with the head; `coded` whether the body has a content coding; `reusable`
    whether the connection may serve another request once the body is at its end.
    """

    __slots__ = ("body", "coded", "first", "headers", "reusable", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: Body, *, coded: bool, reusable: bool) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.coded = coded
        self.reusable = reusable
        self.first = b""


# --- the fast path of heads: what these two take is what h11 would have made of it. Measured, on the way from asking to
# the first text on a warm connection: 20 µs in place of 65, of some 180 in all.

# Fields that say something of the framing or the connection: h11 keeps an eye on how they agree.
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade"})
_FIELD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [!-~](?:[ -~]*[!-~])?\r\n"
_USUAL_REQUEST: Final = re.compile(rf"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:{_FIELD})+")
_USUAL_HEAD: Final = re.compile(rf"HTTP/1\.1 ([2-5][0-9][0-9])(?: [ -~]*)?\r\n((?:{_FIELD})*)\r\n")


def _usual_request(request: HttpRequest, target: str, fields: list[tuple[str, str]]) -> bytes:
    """What `write` gives for a request without anything odd in it; b"" for any other."""
    if any(name.lower() in _FRAMING for name, _ in request.headers):
        return b""
    head = f"{request.method} {target} HTTP/1.1\r\n" + "".join([f"{name}: {value}\r\n" for name, value in fields])
    return b"%b\r\n%b" % (head.encode("ascii"), request.body) if _USUAL_REQUEST.fullmatch(head) else b""


def _usual_head(head: bytes) -> tuple[int, list[tuple[str, str]]] | None:
    """Status and header fields of the head of a final response without anything odd in it; None for any other."""
    found = _USUAL_HEAD.fullmatch(head.decode("latin-1"))
    if found is None:
        return None
    headers = [
        (name.lower(), value) for name, _, value in [line.partition(": ") for line in found[2].split("\r\n")[:-1]]
    ]
    framing = [field for field in headers if field[0] in ("content-length", "transfer-encoding")]
    if framing and (len(framing) > 1 or not _is_usual_framing(*framing[0])):
        return None
    return int(found[1]), headers


def _is_usual_framing(name: str, value: str) -> bool:
    if name == "transfer-encoding":
        return value == "chunked"
    return bool(_LENGTH.fullmatch(value))


class HeadReader:
    """Bytes in, the head of the final response out; interim (1xx) responses are skipped.

    All heads together may have `limit` bytes. Bytes after the head go into its body.
    """

    def __init__(self, connection: h11.Connection | None, method: str, close: bool, limit: int) -> None:
        self._connection = connection
        self._method = method
        self._close = close
        self._limit = limit
        self._used = 0
        self._held = bytearray()

    @property
    def empty(self) -> bool:
        """Whether no byte has come."""
        return not self._held and not self._used

    def feed(self, data: bytes) -> Head | None:
        """The head once its blank line is in.

        Raises ProtocolViolation for what is no HTTP/1.x response, and LimitExceeded("head").
        """
        found: Head | None = None
        searched = max(0, len(self._held) - 2)
        self._held += data
        while self._held:
            if not self._held.startswith(_START[: len(self._held)]):
                raise ProtocolViolation(NOT_HTTP)
            blank = _BLANK_LINE.search(self._held, searched)
            end = blank.end() if blank else len(self._held)
            if self._used + end > self._limit:
                raise LimitExceeded("head", self._limit)
            if not blank:
                return None
            head, self._held = bytes(self._held[:end]), self._held[end:]
            self._used += end
            searched = 0
            if judged := _usual_head(head):
                found = self._head(*judged)
            elif event := self._judge(head):
                headers = [(name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers]
                found = self._head(event.status_code, headers, event.http_version == b"1.1")
            if found is not None:
                if self._held:
                    found.first = found.body.feed(bytes(self._held))
                return found
        return None

    def _judge(self, head: bytes) -> h11.Response | None:
        if self._connection is None:
            self._connection = h11.Connection(h11.CLIENT)  # of the request, it need know no more than the method
            self._connection.send(h11.Request(method=self._method, target="/", headers=[("Host", "any")]))
        try:
            self._connection.receive_data(head)
            event = self._connection.next_event()
        except h11.RemoteProtocolError as error:
            raise ProtocolViolation(_words(_plain(error))) from None
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
            raise ProtocolViolation(SWITCHED)
        return None

    def _head(self, status: int, headers: list[tuple[str, str]], keeps_alive: bool = True) -> Head:
        fields = dict(headers)
        chunked, length = "transfer-encoding" in fields, fields.get("content-length")  # both judged by h11
        # RFC 9112 6.3: what ends the body, in this order
        body: Body
        if self._method == "HEAD" or status in (204, 304) or self._method == "CONNECT":
            body = Sized(0)
        elif chunked:
            body = Chunked(self._limit)
        else:
            body = UntilClose() if length is None else Sized(int(length))
        # RFC 9112 9.3; one with both framings may be an attack, and its connection is not used again (6.3)
        reusable = (
            keeps_alive
            and not self._close
            and not asks_close(headers)
            and not (chunked and length is not None)
            and not isinstance(body, UntilClose)
        )
        coded = "content-encoding" in fields and not body.ended
        return Head(status, headers, body, coded=coded, reusable=reusable)


def asks_close(headers: Headers | list[tuple[str, str]]) -> bool:
    """Whether a Connection field has the option `close` (RFC 9112 9.6)."""
    return any(
        name.lower() == "connection" and "close" in (option.strip().lower() for option in value.split(","))
        for name, value in headers
    )


class Body:
    """One framing of a body: bytes in, the body's bytes out.

    `ended` once the end was in, `excess` when bytes came after it. What is wrong is kept in `fault`, so that the good
    bytes before it are handed out first.
    """

    __slots__ = ("ended", "excess", "fault")

    def __init__(self) -> None:
        self.ended = False
        self.excess = False
        self.fault: ChatError | None = None

    def feed(self, data: bytes) -> bytes:
        """The body's bytes in `data`; b"" when there are none yet."""
        raise NotImplementedError

    def finish(self, *, ragged: bool = False) -> None:
        """The peer ended the connection: the body's end, or its truncation. `ragged`: TLS, without close_notify."""
        raise NotImplementedError


class UntilClose(Body):
    """A body that the end of the connection ends (RFC 9112 6.3, rule 8)."""

    __slots__ = ()

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self, *, ragged: bool = False) -> None:
        if ragged:
            self.fault = StreamTruncated(CUT_TLS)
        else:
            self.ended = True


class Sized(Body):
    """A body of a known length."""

    __slots__ = ("_remaining",)

    def __init__(self, length: int) -> None:
        super().__init__()
        self._remaining = length
        self.ended = not length

    def feed(self, data: bytes) -> bytes:
        self.excess = len(data) > self._remaining
        piece = data[: self._remaining]
        self._remaining -= len(piece)
        self.ended = not self._remaining
        return piece

    def finish(self, *, ragged: bool = False) -> None:
        self.fault = StreamTruncated(cut_short(self._remaining))


_MAX_LINE: Final = 1024  # of one chunk-size line with its extensions
_CHUNK_LINE: Final = re.compile(rb"\r\n([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\Z")
_CHUNK_LINE_BEGUN: Final = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,16}[ \t]*(?:;[^\r\n]*)?\r?)?)?)?\Z")
_TRAILERS: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\0]*\r\n)*\r\n\Z")


@lru_cache(1024)  # a stream's chunks have few different sizes: a look-up costs a fifth of the match
def _chunk_size(line: bytes) -> int:
    """The size in a chunk's line, which begins with the CRLF that ends the chunk before; -1 if malformed.

    Extensions are ignored, and white space before the line's end tolerated, as some servers pad the size.
    """
    found = _CHUNK_LINE.match(line)
    return int(found[1], 16) if found else -1


class Chunked(Body):
    """The chunked coding (RFC 9112 7.1). Trailer fields are checked, bounded by `limit`, and dropped."""

    __slots__ = ("_held", "_limit", "_remaining", "_trailers")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._held = b"\r\n"  # the first chunk's line is read like all others, after a chunk's closing CRLF
        self._limit = limit
        self._remaining = 0
        self._trailers: bytearray | None = None

    def feed(self, data: bytes) -> bytes:
        if self._trailers is not None:
            self._feed_trailers(data)
            return b""
        at = self._remaining
        if at > len(data):
            self._remaining = at - len(data)
            return data
        if self._held:
            data = self._held + data
        pieces = [data[:at]] if at else []
        while (end := data.find(b"\r\n", at + 2)) >= 0 and end - at <= _MAX_LINE:
            # one look at `CRLF size` proves the end of the chunk before and the line of the next
            size = _chunk_size(data[at:end])
            if size <= 0:
                self._held = b""
                self._remaining = 0
                if size:
                    self.fault = ProtocolViolation(BAD_CHUNK)
                else:
                    self._trailers = bytearray()
                    self._feed_trailers(data[end + 2 :])
                return b"".join(pieces)
            at = end + 2 + size
            pieces.append(data[end + 2 : at])
        self._remaining = max(0, at - len(data))
        self._held = data[at:]
        if self._held and (len(self._held) > _MAX_LINE + 1 or not _CHUNK_LINE_BEGUN.match(self._held)):
            self.fault = ProtocolViolation(BAD_CHUNK)
        return b"".join(pieces)

    def _feed_trailers(self, data: bytes) -> None:
        trailers = self._trailers
        assert trailers is not None
        searched = max(0, len(trailers) - 3)
        trailers += data
        end = 2 if trailers.startswith(b"\r\n") else trailers.find(b"\r\n\r\n", searched) + 4
        if (end if end != 3 else len(trailers)) > self._limit:
            self.fault = LimitExceeded("head", self._limit)
        elif end != 3:
            if _TRAILERS.match(trailers[:end]):
                self.ended = True
                self.excess = len(trailers) > end
            else:
                self.fault = ProtocolViolation(BAD_TRAILER)

    def finish(self, *, ragged: bool = False) -> None:
        self.fault = StreamTruncated(CUT_CHUNKED)


def _words(said: str) -> str:
    """What h11's words for a malformed head are in ours."""
    if "status line" in said:
        return NOT_HTTP
    if "_SWITCH" in said:
        return SWITCHED
    return BAD_LENGTH if "Content-Length" in said else BAD_CODING if "Transfer-Encoding" in said else BAD_HEAD


def _plain(error: h11.ProtocolError) -> str:
    """h11's words without the bytes that they quote: those may hold a secret."""
    return _QUOTED.split(str(error))[0]
