"""One response, from its first byte to its last: bytes in, head and body out. Both wires read every answer with it.

Status line, 1xx, framing, limits, trailers, content coding, truncation and the words for all that goes wrong are here;
a wire moves bytes, and knows when to stop waiting for them.
"""

from __future__ import annotations

from sansio_core import Limits
from sansio_core.content_coding import ContentDecoder
from sansio_core.errors import ConnectionLost
from sansio_core.http_request import HttpRequest, header

from .framing import Body, Chunked, Sized, UntilClose
from .head import Head, HeadReader
from .request import Pairs, asks_close, options
from .routes import Route
from .words import BEFORE_HEAD, IN_BODY, closed_early, lost, refused


class Response:
    """The response to `request` along `route`, on a connection that was `reused` or not.

    Until `feed_head` gives True, each piece that the connection gives goes there; then `status` and `headers` (names in
    lower case) are set, and pieces go to `feed`, each once `pending` gave None. An end of the connection is b"".
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
        """A response whose head and framing another library has taken off: its content coding is still there."""
        response = cls(HttpRequest("GET", f"{route.scheme}://{route.peer}/"), route, limits)
        response._reader = None
        response.status, response.headers = status, headers
        response._body = UntilClose()
        response._coding = header(headers, "content-encoding")
        return response

    # --- the head

    def feed_head(self, data: bytes) -> bool:
        """Whether the head is in.

        Raises ConnectionLost when the connection ended before, ProtocolViolation for what is no HTTP/1.x response or
        has a framing that nobody can follow, LimitExceeded("head"), and ProxyFailed for a proxy's own refusal.
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
        proxy = self._route.proxy
        if proxy is not None and self._route.forwarded and head.status == 407:
            raise refused(proxy, head.status, "the request")  # nobody but the proxy says so (RFC 9110 15.5.8)
        self._begin(head)
        if reader.rest:
            self._first = self._body.feed(reader.rest)
        return True

    def _begin(self, head: Head) -> None:
        fields = dict(head.headers)
        chunked, length = "transfer-encoding" in fields, fields.get("content-length")  # both judged by the reader
        # RFC 9112 6.3: what ends the body, in this order
        if self._method == "HEAD" or head.status in (204, 304):
            self._body = Sized(0)
        elif chunked:
            self._body = Chunked(self._limits.head)
        else:
            self._body = UntilClose() if length is None else Sized(int(length))
        # RFC 9112 9.3; a response with both framings, or chunked in HTTP/1.0, may hide another: not reused (6.1, 6.3)
        asked = options(head.headers) if "connection" in fields else ()
        self._keep = (
            (head.is_1_1 or ("keep-alive" in asked and not chunked))
            and "close" not in asked
            and not (chunked and length is not None)
            and not self._close
            and not isinstance(self._body, UntilClose)
        )
        if "content-encoding" in fields and not self._body.ended:  # where there is no body, nothing is coded
            self._coding = header(head.headers, "content-encoding")

    # --- the body

    def pending(self) -> bytes | None:
        """The body's next bytes where more of the connection is not needed for them; b"" is its proper end; else None.

        Raises what is wrong with the body, once everything before that was given: StreamTruncated, ProtocolViolation,
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
        """As `pending`, with what the connection gave; b"" is its end, `ragged` that of TLS without close_notify."""
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
        if decoder is None:  # not before the body is wanted: a refusal's status says more than its odd coding
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
        """Nobody wants more of the body: look whether its end is in `data`, so that the connection is `reusable`."""
        if self._reader is None and not self._body.ended and self._body.fault is None:
            self._body.feed(data)

    @property
    def reusable(self) -> bool:
        """Whether the connection may serve another request: the body is at its end, and nothing came after it."""
        body = self._body
        return self._keep and body.ended and not body.excess and body.fault is None

    def lost(self, error: OSError) -> ConnectionLost:
        """What it means that the connection failed with `error` while this response was awaited or read."""
        if self._reader is None:
            return lost(error, IN_BODY)
        return lost(error, BEFORE_HEAD, self._reused and not self._reader.began)
