"""Every error that this project raises: one tree under ChatError, by whose fault it is.

The caller's (InvalidRequest), the network's (TransportFailure, TimedOut), the provider's (HTTPStatusError,
ProviderRefused), a broken wire (ProtocolViolation, StreamTruncated), or nobody's (Cancelled). Errors carry plain data,
never a transport's objects; the message is built from the attributes, so a changed attribute shows in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from .redact import redact

if TYPE_CHECKING:
    from .events import ChatEvent
    from .reply import Reply

EXCERPT = 500
"""How many characters of a peer's text an error message quotes."""


class ChatError(Exception):
    """The root. `detail` says what happened; `reply` is the partial answer where a stream was under way, else None."""

    reply: Reply | None = None
    hint: str = ""
    """What the user may do about it, where there is something to say."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self.detail or type(self).__name__

    def redact(self, secrets: tuple[str, ...]) -> None:
        """Blot out each of `secrets` wherever this error quotes a peer that echoed it.

        A foreign error that it was raised in place of is forgotten: that one may quote the peer as well.
        """
        if self.__suppress_context__:
            self.__context__ = None
        for name, value in vars(self).items():
            if isinstance(value, str):
                setattr(self, name, redact(value, secrets))
        self.args = tuple(redact(value, secrets) if isinstance(value, str) else value for value in self.args)


_EXCERPT = re.compile(rf".{{{EXCERPT}}}… \([0-9]+ characters\)")


def excerpt(text: str) -> str:
    """`text` on one line, cut to EXCERPT characters: what a message may quote of a peer."""
    line = " ".join(text.split())
    if len(line) <= EXCERPT or _EXCERPT.fullmatch(line):
        return line
    return f"{line[:EXCERPT]}… ({len(line)} characters)"


def suggestion(word: object, known: Iterable[str]) -> str:
    """` (did you mean …?)` with the one of `known` that is spelled most like `word`; "" where none is."""
    from difflib import get_close_matches  # only a mistake needs it: loading the package stays quick

    found = get_close_matches(word.lower(), known, n=1, cutoff=0.76) if isinstance(word, str) else []
    return f" (did you mean {found[0]!r}?)" if found else ""


def safe_repr(value: object) -> str:
    """`value` as a message about a wrong one quotes it: short, and never failing (as repr may, of anything at all)."""
    try:
        if isinstance(value, (str, int, float, bytes)):
            return f"{value!r:.50}"
        return f"a value of type {type(value).__name__}"
    except ValueError:  # an int of more digits than Python prints
        return "a huge number"


class InvalidRequest(ChatError, ValueError):
    """The caller's: an option, message, model, URL or header that cannot be sent. Nothing was sent."""


class StreamMisused(ChatError, RuntimeError):
    """The caller's: a stream read by two at once, or elsewhere than where it was begun: the event loop, the process.

    The stream itself is as it was: who reads it rightly goes on.
    """


class OptionIgnored(UserWarning):
    """The category of the one warning that names what a provider's wire cannot carry."""


# --- the network -----------------------------------------------------------------------------------------------------


class TransportFailure(ChatError):
    """The network's: no answer, or no more of it."""

    def __str__(self) -> str:
        return f"{super().__str__()} ({self.hint})" if self.hint else super().__str__()


class ConnectFailed(TransportFailure):
    """No connection: the name did not resolve, or the host refused or could not be reached."""


class ProxyFailed(TransportFailure):
    """The proxy could not be reached, or refused; `status` is its answer's, where it gave one."""

    def __init__(self, detail: str = "", status: int | None = None) -> None:
        super().__init__(detail)
        self.args = (detail, status)
        self.status = status


class TLSFailed(TransportFailure):
    """The TLS handshake failed, most often because the certificate was not accepted."""


class ConnectionLost(TransportFailure):
    """The connection broke before the answer's end.

    `reused` tells that it was a kept-alive connection of which no byte of this answer had come back (RFC 9112 9.3.1:
    such a request may be sent again on a new one).
    """

    def __init__(self, detail: str = "", reused: bool = False) -> None:
        super().__init__(detail)
        self.args = (detail, reused)
        self.reused = reused


class TimedOut(ChatError):
    """A clock fired: `clock` is "connect", "first_event", "idle", "progress" or "total"; `seconds` what it allowed."""

    MEANING: ClassVar[dict[str, str]] = {
        "connect": "no connection was made",
        "first_event": "no event of the answer came",
        "idle": "no byte came",
        "progress": "no new content came (keep-alives do not count)",
        "total": "the whole answer was not in",
    }

    def __init__(self, clock: str, seconds: float | None = None) -> None:
        super().__init__()
        self.args = (clock, seconds)
        self.clock = clock
        self.seconds = seconds

    def __str__(self) -> str:
        after = "" if self.seconds is None else f" within {self.seconds:g} s"
        text = f"{self.MEANING.get(self.clock, 'timed out')}{after} (the {self.clock!r} clock; see Timeouts)"
        return f"{text} ({self.hint})" if self.hint else text


class Cancelled(ChatError):
    """The stream was cancelled by its owner, from this or another thread or task."""

    def __str__(self) -> str:
        return self.detail or "the stream was cancelled"


class ClientClosed(Cancelled):
    """The client was closed by its owner: its streams that were under way end, and nothing more is sent through it."""

    def __str__(self) -> str:
        return self.detail or "the client is closed: make a new one"


# --- the provider ----------------------------------------------------------------------------------------------------


class HTTPStatusError(ChatError):
    """The provider refused, with a status or with the same words inside a stream.

    `status` is the HTTP status, or None when the refusal came inside an answer (`in_band`); `request_id` the provider's
    own name for the request; `retry_after` the seconds it asked to wait; `body` a bounded excerpt; `code` and `kind`
    the provider's own words for it; `url` what was asked, without its secrets, where an exchange asked it.
    """

    what = "the provider refused the request"
    url: str | None = None

    def __init__(
        self,
        status: int | None,
        detail: str = "",
        *,
        body: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        code: str | None = None,
        kind: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.args = (status, detail)
        self.status = status
        self.body = body
        self.request_id = request_id
        self.retry_after = retry_after
        self.code = code
        self.kind = kind

    @property
    def in_band(self) -> bool:
        """True when the refusal came inside an answer that had begun well."""
        return self.status is None

    def __str__(self) -> str:
        said = excerpt(self.detail or self.body)
        text = f"{self._what()} ({self._where()})" + (f": {said}" if said else "")
        if self.hint:
            text += f" [{self.hint}]"
        if self.retry_after is not None:
            text += f" [it asks to wait {self.retry_after:g} s]"
        return text + (f" [request id {self.request_id}]" if self.request_id else "")

    def _what(self) -> str:
        return self.what

    def _where(self) -> str:
        return "in its stream" if self.status is None else f"status {self.status}"


class BadRequest(HTTPStatusError):
    """400, 405, 409, 413, 415, 422 and the like: the provider could not use what was sent."""

    what = "the provider could not use the request"


class ContextTooLong(BadRequest):
    """The conversation does not fit the model's context."""

    what = "the conversation is too long for the model"


class ContentFiltered(BadRequest):
    """The provider's content rules blocked the question or the answer."""

    what = "the provider's content filter stopped it"


class AuthenticationFailed(HTTPStatusError):
    """401: the key is missing, wrong or expired; `key_sent` tells which, where an exchange asked."""

    what = "the provider did not accept the key"
    key_sent = True

    def _what(self) -> str:
        return self.what if self.key_sent else "the provider wants a key, and none was sent"


class PermissionDenied(AuthenticationFailed):
    """403 (and 402): the key, account or address may not do this."""

    what = "the provider denied permission"


class NotFound(HTTPStatusError):
    """404 and 410: no such endpoint or model."""

    what = "the provider does not know this address or model"

    def _where(self) -> str:
        return super()._where() + (f", {self.url}" if self.url else "")


class RateLimited(HTTPStatusError):
    """429: too many requests, or the quota is used up; `retry_after` is in seconds."""

    what = "the provider's rate limit was reached"


class ServerFailed(HTTPStatusError):
    """5xx (529 too): the provider failed or is overloaded."""

    what = "the provider failed"


class UnexpectedRedirect(HTTPStatusError):
    """A redirect that is not followed: to another origin, of a POST by other than 307 or 308, or one too many."""

    what = "the provider redirected, and that is not followed"


class ProviderRefused(ChatError):
    """The provider said inside a good answer that it will not answer, in words that fit no HTTP status."""

    def __str__(self) -> str:
        return f"the provider refused in its answer: {excerpt(self.detail)}"


class IPBlocked(ProviderRefused):
    """The provider has blocked this network address."""

    def __str__(self) -> str:
        return f"the provider has blocked this network address: {excerpt(self.detail)}"


# --- a broken wire ---------------------------------------------------------------------------------------------------


class ProtocolViolation(ChatError):
    """The peer sent what its protocol does not allow."""


class LimitExceeded(ProtocolViolation):
    """A bound was passed: `limit` names it (as in Limits), `size` is what it allows."""

    def __init__(self, limit: str, size: int) -> None:
        super().__init__()
        self.args = (limit, size)
        self.limit = limit
        self.size = size

    def __str__(self) -> str:
        return f"the answer passed the limit {self.limit!r} of {self.size} bytes (see Limits)"


class UnexpectedContent(ProtocolViolation):
    """The answer is something else than this provider sends: an HTML page, no content, another format."""


class StreamTruncated(ChatError):
    """The answer stopped before its end was proven; `reply` holds what came.

    From a parser used alone, `events` are those that its end still gave.
    """

    events: tuple[ChatEvent, ...] = ()

    def __str__(self) -> str:
        return self.detail or "the answer stopped before its end"


_BY_STATUS: dict[int, type[HTTPStatusError]] = {
    401: AuthenticationFailed,
    402: PermissionDenied,
    403: PermissionDenied,
    404: NotFound,
    410: NotFound,
    429: RateLimited,
}


def status_class(status: int) -> type[HTTPStatusError]:
    """The error class that an HTTP status stands for."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:
        return UnexpectedRedirect
    return ServerFailed if status >= 500 else BadRequest
