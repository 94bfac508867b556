"""One response, from its first byte to its last: bytes in, head and body out. Both wires read every response with it.

It knows the status line, 1xx responses, framing, limits, trailers, content coding and truncation, and raises the errors
for all of them. A wire only moves bytes, and knows when to stop waiting for them.
"""

from __future__ import annotations

from sansio_core import Limits
from sansio_core.content_coding import ContentDecoder
from sansio_core.errors import ConnectionLost
from sansio_core.http_request import HttpRequest, header

from .failures import BEFORE_HEAD, IN_BODY, closed_early, lost, proxy_error_status
from .framing import Body, Chunked, Sized, UntilClose
from .head import Head, HeadReader
from .request import Pairs, asks_close, options
from .routes import Route


class Response:
    """The response to `request` along `route`; `reused`: the connection has served another request before.

    Give what the connection receives to `feed_head` until that returns True: then `status` and `headers` (names in
    lower case) are set. For the body, call `pending`, and whenever it returns None give `feed` what the connection
    receives next. The end of the connection is b"" for both.
    """

    __slots__ = (
        "_body", "_close", "_coding", "_decoder", "_first", "_keep", "_limits", "_method", "_reader", "_reused",
        "_route", "headers", "status",
    )  # fmt: skip

    def __init__(self, request: HttpRequest, route: Route, limits: Limits, reused: bool = False) -> None:
        self.status = 0
        self.headers: Pairs = []
        self._method = request.method
        self._close = asks_close(request.headers)
        self._route = route
        self._limits = limits
        self._reused = reused
        self._reader: HeadReader | None = HeadReader(request.method, limits.head)
        self._body: Body = Sized(0)
        self._keep = False
        self._coding = ""
        self._decoder: ContentDecoder | None = None
        self._first = b""

    @classmethod
    def unframed(cls, status: int, headers: Pairs, route: Route, limits: Limits) -> Response:
        """A response whose head and framing another library has parsed; its content coding is still to be decoded."""
        response = cls(HttpRequest("GET", f"{route.scheme}://{route.peer}/"), route, limits)
        response._reader = None
        response.status, response.headers = status, headers
        response._body = UntilClose()
        response._coding = header(headers, "content-encoding")
        return response

    # --- the head

    def feed_head(self, data: bytes) -> bool:
        """Whether the head is in.

        Raises ConnectionLost when the connection ended before it was, ProtocolViolation for bytes that are no HTTP/1.x
        response or whose framing is ambiguous, LimitExceeded("head"), and ProxyFailed for a proxy's own error response.
        """
        reader = self._reader
        assert reader is not None, "the head is in already"
        if not data:
            raise closed_early(self._route.peer, reader.began, self._reused)
        head = reader.feed(data)
        if head is None:
            return False
        self._reader = None
        self.status, self.headers = head.status, head.headers
        self._check_proxy(head.status)
        fields = dict(head.headers)  # the reader lets a framing field stand there once only
        if "date" not in fields and not fields.get("retry-after", "0").isdigit():
            self.headers.append(("date", _now()))
        self._body = self._framing(head.status, fields)
        self._keep = self._persists(head, fields)
        if "content-encoding" in fields and not self._body.ended:  # an empty body has no coding to decode
            self._coding = header(head.headers, "content-encoding")
        if reader.rest:
            self._first = self._body.feed(reader.rest)
        return True

    def _check_proxy(self, status: int) -> None:
        proxy = self._route.proxy
        if proxy is not None and self._route.forwarded and status == 407:
            raise proxy_error_status(proxy, status, "the request")  # only a proxy sends a 407 (RFC 9110 15.5.8)

    def _framing(self, status: int, fields: dict[str, str]) -> Body:
        """The framing of the body, by the rules of RFC 9112 6.3 in their order."""
        if self._method == "HEAD" or status in (204, 304):
            return Sized(0)
        if "transfer-encoding" in fields:
            return Chunked(self._limits.head)
        length = fields.get("content-length")
        return UntilClose() if length is None else Sized(int(length))

    def _persists(self, head: Head, fields: dict[str, str]) -> bool:
        """Whether both sides let the connection serve another request (RFC 9112 9.3)."""
        if self._close or isinstance(self._body, UntilClose):
            return False
        asked = options(head.headers) if "connection" in fields else ()
        chunked = "transfer-encoding" in fields
        # A response with both framings, or chunked in HTTP/1.0, may be an attempt at response splitting: the
        # connection is closed after it (RFC 9112 6.1, 6.3).
        if "close" in asked or (chunked and "content-length" in fields):
            return False
        return head.is_1_1 or ("keep-alive" in asked and not chunked)

    # --- the body

    def pending(self) -> bytes | None:
        """The body's next bytes, from what is here already; b"" at its proper end; None if more must be received.

        Raises the body's error once all bytes before it were delivered: StreamTruncated, ProtocolViolation,
        UnexpectedContent, LimitExceeded.
        """
        piece, self._first = self._first, b""
        if self._coding:
            return self._decoded(piece)
        body = self._body
        if piece:
            return piece
        if body.fault is not None:
            raise body.fault
        return b"" if body.ended else None

    def feed(self, data: bytes, ragged: bool = False) -> bytes | None:
        """As `pending`, after the connection received `data`; b"": it ended, `ragged` if without TLS's close_notify."""
        body = self._body
        if not data:
            body.finish(ragged=ragged)
            return self.pending()
        piece = body.feed(data)
        if self._coding:
            return self._decoded(piece)
        return piece or self.pending()

    def _decoded(self, piece: bytes) -> bytes | None:
        decoder = self._decoder
        if decoder is None:  # made here, as an unknown coding raises: the status of an error response comes first
            decoder = self._decoder = ContentDecoder(self._coding, self._limits.decompressed)
        while True:
            if piece or decoder.pending:
                if data := decoder.decode(piece):
                    return data
                piece = b""
            elif self._body.fault is not None:
                raise self._body.fault
            elif self._body.ended:
                decoder.finish()
                return b""
            else:
                return None

    def skip(self, data: bytes) -> None:
        """Drop more of the body that nobody reads: with the body's end in `data`, the connection may be `reusable`."""
        if self._reader is None and not self._body.ended and self._body.fault is None:
            self._body.feed(data)

    @property
    def reusable(self) -> bool:
        """Whether the connection may serve another request: the body is complete, and no byte came after it."""
        body = self._body
        return self._keep and body.ended and not body.excess and body.fault is None

    def lost(self, error: OSError) -> ConnectionLost:
        """The error to raise where the connection failed with `error` while this response was awaited or read."""
        if self._reader is None:
            return lost(error, IN_BODY)
        return lost(error, BEFORE_HEAD, self._reused and not self._reader.began)


def _now() -> str:
    """The time at which a response without Date was received: its Date (RFC 9110 6.6.1). A Retry-After may need it."""
    from email.utils import formatdate  # imported here, as few responses need it

    return formatdate(usegmt=True)
