"""What the two servers of tapes share: a client's request as ours, and a provider's response in steps.

The one gives a response that was recorded, the other one that is just arriving; the client sees the same cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urljoin, urlsplit

from sansio_core import Cancelled, ChatError, HttpRequest, ProtocolViolation, StreamTruncated, TimedOut, providers
from sansio_core.http_request import Headers, header
from sansio_core.providers import Provider

from .._shared import installed as installed  # so that the names of other packages' providers are known
from ..http1.request import options
from .request import Request
from .response import Control, Response, Step, head
from .systems import SYSTEMS, ErrorResponse

# RFC 9110 7.6.1: the fields of one connection; besides them, those that say how a body is framed or coded.
_OF_CONNECTION = frozenset(
    {"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_OF_REQUEST = _OF_CONNECTION | {"accept-encoding", "expect", "host", "proxy-authorization"}
_OF_RESPONSE = _OF_CONNECTION | {"content-encoding"}
_VERSION = re.compile(r"/v[0-9]+[a-z0-9]*(?=/)")  # v1, v1beta
_LAST_VERSION = re.compile(r"/v[0-9]+[a-z0-9]*/*\Z")
_NO_HTTP = b"here the answer broke the rules of HTTP\r\n\r\n"
"""Neither a status line nor the size of a chunk."""


def base_url(root: str, name: str) -> str:
    """Where the server at `root` speaks for the provider `name`, with the path that its public base URL has.

    Raises InvalidRequest for a name that no provider has.
    """
    return f"{root}/{name}{urlsplit(providers.info(name).url).path}"


def provider_of(request: Request, url: str) -> Provider:
    """The provider, at the base URL `url`, whose `request` it is, in the version of its API that the path names.

    The vendor's own client may ask for another version than ours does. Raises InvalidRequest for an unknown name.
    """
    name = request.system
    path = request.path.removeprefix(urlsplit(providers.info(name).url).path)
    version = _VERSION.match(path)
    return providers.create(name, base_url=_LAST_VERSION.sub("", url) + version[0] if version else url)


def passed_on(request: Request, url: str) -> HttpRequest:
    """`request` as one to `url`, without the fields of the client's connection. Raises InvalidRequest."""
    fields = _without(_OF_REQUEST, request.raw_headers)
    # Nobody here knows which of a foreign client's own fields hold a key: all count as given by its user.
    return HttpRequest(request.method, url, fields, request.body, tuple(name for name, _ in fields))


def refusal(request: Request, status: int, message: str) -> Response:
    """An error response in the provider's form; in OpenAI's, which most hosts have, where that is not known."""
    response = SYSTEMS.get(request.system, SYSTEMS["openai"])().error_response(ErrorResponse(status, message))
    response.fit(request)
    return response


class Outgoing:
    """One response to `request` as steps: `head`, then each `piece` of the body in a chunk of its own, then `end`.

    It stands for a response of `there`, the provider asked, whose client knows it as `here`.
    """

    def __init__(self, request: Request, there: str, here: Provider) -> None:
        self._request = request
        self._there, self._here = there, here.base_url
        self.begun = False
        """Whether the head was given."""
        self._bodiless = False
        self._chunked = request.version == "1.1"  # RFC 9112 7.1: HTTP/1.0 has no chunks, the connection's end is theirs

    def head(self, status: int, headers: Headers, url: str) -> bytes:
        """The head of the response to a request to `url`, without hidden fields and those of that connection."""
        self.begun = True
        # RFC 9112 6.3, rule 1
        self._bodiless = self._request.method == "HEAD" or status in (204, 304)
        fields = [field for field in _without(_OF_RESPONSE, headers) if field[1] != "[hidden]"]
        fields = [field for field in fields if field[0].lower() != "location"] + self._location(headers, url)
        if self._chunked and not self._bodiless:
            fields.append(("transfer-encoding", "chunked"))
        if not self._kept:
            fields.append(("connection", "close"))
        return head(status, fields)

    def piece(self, data: bytes) -> bytes:
        """A piece of the body."""
        if self._bodiless:
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def end(self, error: ChatError | None) -> list[Step]:
        """The response's proper end, or what gives the client such an `error` as its reader had."""
        if error is None:
            last: list[Step] = [b"0\r\n\r\n"] if self._chunked and not self._bodiless else []
            return last if self._kept else [*last, Control.CLOSE]
        if isinstance(error, TimedOut):
            return [Control.HANG]
        if self._chunked or not self.begun:  # otherwise a clean end would be a proper one, and any bytes would be text
            if isinstance(error, (Cancelled, StreamTruncated)):
                return [Control.CLOSE]
            if isinstance(error, ProtocolViolation):
                return [_NO_HTTP, Control.CLOSE]
        return [Control.RESET]

    @property
    def _kept(self) -> bool:
        return self._request.keep_alive and self._chunked

    def _location(self, headers: Headers, url: str) -> list[tuple[str, str]]:
        """Where a redirect of `url` leads, at this server; nothing for one that leads past it, to an unknown host."""
        location = header(headers, "location")
        with suppress(ValueError):  # urljoin's, for brackets that are no IPv6 address
            path = path_under(self._there, urljoin(url, location))
            if location and path is not None:
                return [("location", self._here + path)]
        return []


def path_under(base: str, url: str) -> str | None:
    """What follows the base URL `base` in `url`; None where `url` is not under it."""
    rest = url.removeprefix(base)
    return rest if url.startswith(base) and rest[:1] in ("", "/", "?") else None


def _without(names: frozenset[str], headers: Iterable[tuple[str, str]]) -> Headers:
    headers = tuple(headers)
    dropped = names | options(headers)
    return tuple(field for field in headers if field[0].lower() not in dropped)
