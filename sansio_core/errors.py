"""Every error that this project raises: one tree under ChatError, ordered by whose fault the error is.

The caller's (InvalidRequest, StreamMisused), the network's (TransportFailure, TimedOut), the provider's
(HTTPStatusError, ProviderRefused), a broken wire (ProtocolViolation, StreamTruncated), or nobody's (Cancelled). Errors
carry plain data, never a transport's objects, so that they can be copied, pickled and sent to another process. `str`
builds the message from the attributes: an attribute that is changed afterwards (redacted, or a hint added) shows in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from .plain import Plain
from .redact import excerpt, redact

if TYPE_CHECKING:  # both modules import this one
    from .events import ChatEvent
    from .reply import Reply
    from .typed import Bound, Clock

_NOT_PLAIN = frozenset({"reply", "events"})  # the attributes of errors that are no plain values


class ChatError(Plain, Exception):
    """The root. `detail` says what happened; `reply` is the partial answer where a stream was under way, else None."""

    # Defaults stand in the class: an error has few of these, and whoever catches it (the exchange) sets what it knows.
    reply: Reply | None = None
    hint: str = ""
    """What the user may do about the error; empty where there is no advice."""
    what: ClassVar[str] = ""  # how the message begins, or all of it where nothing else is known
    attempts: int = 0
    """How often the question was sent until then, set by the exchange; a request for a page is not counted."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return self._text() + (f" (after {self.attempts} attempts)" if self.attempts > 1 else "")

    def _text(self) -> str:
        """The message, without the number of attempts."""
        return self.detail or self.what or type(self).__name__

    def to_dict(self) -> dict[str, Any]:
        """`class`, its `bases`, `message` and the attributes but `reply` and `events`, which have a `to_dict` too."""
        kind = type(self)
        bases = [base.__name__ for base in kind.__mro__[1:] if issubclass(base, ChatError) and base is not ChatError]
        data = {name: value for name, value in vars(self).items() if name not in _NOT_PLAIN and name[0] != "_"}
        return {"class": kind.__name__, "bases": bases, "message": str(self), "hint": self.hint, **data}

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> ChatError:
        """The error whose `to_dict` is `value`; of an unknown class, the nearest base. Raises InvalidRequest."""
        from inspect import signature  # imported here: few programs read errors back

        match value:
            case {"class": str(name), "bases": [*bases], "message": str(message), **data}:
                with suppress(TypeError, ValueError):  # what __init__ or the message needs is missing, or no such value
                    kind = next(filter(None, map(_class_named, (name, *bases))), ChatError)
                    if kind.__name__ != name and not data.get("detail"):
                        data["detail"] = message
                    error = kind(**{each: data[each] for each in signature(kind).parameters if each in data})
                    vars(error).update({each: data[each] for each in data.keys() - _NOT_PLAIN})
                    str(error)
                    return error
        raise InvalidRequest("no error: it must be as ChatError.to_dict() gives it, with class, bases and message")

    def redact(self, secrets: tuple[str, ...]) -> None:
        """Replace each of `secrets` by `[hidden]` in every text of this error, as a peer may have echoed a secret."""
        # After `raise … from None` the error that was being handled is no longer printed, but logging and crash
        # reporters can still read it from __context__, and its text may quote the peer as well.
        if self.__suppress_context__:
            self.__context__ = None
        for name, value in vars(self).items():
            if isinstance(value, str):
                vars(self)[name] = redact(value, secrets)
        # repr and pickle read `args`, where the texts stand a second time
        self.args = tuple(redact(value, secrets) if isinstance(value, str) else value for value in self.args)


def _class_named(name: str) -> type[ChatError] | None:
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, ChatError) else None


def suggestion(word: object, known: Iterable[str]) -> str:
    """` (did you mean …?)` with the word of `known` that is spelled most like `word`; "" where none is close."""
    from difflib import get_close_matches  # imported here, as only a mistake needs it: `import sansio_core` stays quick

    # 0.76: "opnai" suggests "openai" (0.91), but names of three letters that differ in one (0.67) suggest nothing
    found = get_close_matches(word.lower(), known, cutoff=0.76) if isinstance(word, str) else []
    return f" (did you mean {found[0]!r}?)" if found else ""


def safe_repr(value: object) -> str:
    """`value` as an error message quotes a wrong argument: at most 50 characters, and without raising.

    A foreign object is named by its type alone: its repr may raise, be endless, or show a secret.
    """
    try:
        if isinstance(value, (str, int, float, bytes)):
            return f"{value!r:.50}"
        return f"a value of type {type(value).__name__}"
    except ValueError:  # an int of more than 4300 digits, which Python does not print (sys.set_int_max_str_digits)
        return "a huge number"


class InvalidRequest(ChatError, ValueError):
    """The caller's mistake: an option, message, model, URL or header that cannot be sent. Nothing was sent.

    It is a ValueError too, which is what Python code expects of a bad argument.
    """


class StreamMisused(ChatError, RuntimeError):
    """The caller's mistake: a stream read by two at once, or in another event loop or process than it was begun in.

    The stream itself is unchanged: its rightful reader goes on.
    """


class OptionIgnored(UserWarning):
    """The category of the warning that names the options which a provider's wire has no field for."""


# --- the network -----------------------------------------------------------------------------------------------------


class TransportFailure(ChatError):
    """The network's fault: no answer came, or it broke off."""

    def _text(self) -> str:
        return f"{super()._text()} ({self.hint})" if self.hint else super()._text()


class ConnectFailed(TransportFailure):
    """No connection was made: the name did not resolve, or the host refused it or could not be reached."""


class ProxyFailed(TransportFailure):
    """The proxy could not be reached or rejected the request; `status` is its HTTP status, None where it sent none."""

    def __init__(self, detail: str = "", status: int | None = None) -> None:
        super().__init__(detail)
        self.args = (detail, status)  # pickle and copy call the class with `args`: they are what __init__ takes
        self.status = status


class TLSFailed(TransportFailure):
    """The TLS handshake failed, most often because the certificate was not accepted."""


class ConnectionLost(TransportFailure):
    """The connection broke before the answer's end.

    `reused` is True for a kept-alive connection on which no byte of this answer had arrived. The server may have closed
    it before it saw the request, so that the request may be sent again on a new connection (RFC 9112 9.3.1).
    """

    def __init__(self, detail: str = "", reused: bool = False) -> None:
        super().__init__(detail)
        self.args = (detail, reused)  # as for ProxyFailed
        self.reused = reused


class TimedOut(ChatError):
    """A clock of Timeouts fired: `clock` is its name, `seconds` what it allows (None where a transport's own fired)."""

    # Each clock in the user's words: "timed out" alone would leave open which setting helps.
    MEANING: ClassVar[dict[Clock, str]] = {
        "connect": "no connection was made",
        "first_event": "no event of the answer came",
        "idle": "no byte came",
        "progress": "no new content came (keep-alives do not count)",
        "total": "the whole answer was not in",
    }

    def __init__(self, clock: Clock, seconds: float | None = None) -> None:
        super().__init__()
        self.args = (clock, seconds)  # as for ProxyFailed
        self.clock: Clock = clock
        self.seconds = seconds

    def _text(self) -> str:
        after = "" if self.seconds is None else f" within {self.seconds:g} s"
        text = f"{self.MEANING.get(self.clock, 'timed out')}{after} (the {self.clock!r} clock; see Timeouts)"
        return f"{text} ({self.hint})" if self.hint else text


class Cancelled(ChatError):
    """The stream was cancelled by its owner, from this or another thread or task."""

    what = "the stream was cancelled"


class ClientClosed(Cancelled):
    """The client was closed by its owner: its unfinished streams end with this, and it sends nothing more."""

    what = "the client is closed: make a new one"


# --- the provider ----------------------------------------------------------------------------------------------------


class HTTPStatusError(ChatError):
    """An error response of the provider (status 400 and above), or the same error inside a stream that began with 200.

    `status` is the HTTP status, None for an error inside a stream (`in_band`). `request_id` is the provider's id of the
    request, for its support; `retry_after` the seconds that it asks to wait; `body` an excerpt of the response's body;
    `code`, `kind` and `param` the fields `code`, `type` and `param` of the provider's error object. `url` is the
    request's URL without secrets, set by the exchange.
    """

    what = "the provider refused the request"
    url: str | None = None
    bound: str = ""  # that `retry_after` passes, in words, where no other attempt is made for this reason alone

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
        param: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.args = (status, detail)  # as for ProxyFailed; copies get the other attributes from __dict__
        self.status = status
        self.body = body
        self.request_id = request_id
        self.retry_after = retry_after
        self.code = code
        self.kind = kind
        self.param = param

    @property
    def in_band(self) -> bool:
        """True for an error inside a stream whose response had the status 200."""
        return self.status is None

    def _text(self) -> str:
        # The sentence of the provider's error object; the raw body only where none was found in it.
        said = excerpt(self.detail or self.body)
        text = f"{self._what()} ({self._where()})" + (f": {said}" if said else "")
        if self.hint:
            text += f" [{self.hint}]"
        if self.retry_after is not None:  # 0 s is an answer too: at once
            text += f" [it asks to wait {self.retry_after:g} s" + (f", and {self.bound}]" if self.bound else "]")
        return text + (f" [request id {self.request_id}]" if self.request_id else "")

    def _what(self) -> str:
        """The message's first words, which a subclass may choose by its attributes."""
        return self.what

    def _where(self) -> str:
        """Where the error stood, for the message."""
        where = "in its stream" if self.status is None else f"status {self.status}"
        return f"{where}, {self.param}" if self.param else where


class BadRequest(HTTPStatusError):
    """400, 405, 409, 413, 415, 422 and every other 4xx without a class: the provider could not use the request."""

    what = "the provider could not use the request"


class ContextTooLong(BadRequest):
    """The conversation is longer than the model's context window."""

    what = "the conversation is too long for the model"


class ContentFiltered(BadRequest):
    """The provider's content filter blocked the question or the answer."""

    what = "the provider's content filter stopped it"


class AuthenticationFailed(HTTPStatusError):
    """401: the key is missing, wrong or expired. `key_sent` is False where the exchange sees that none was sent."""

    what = "the provider did not accept the key"
    key_sent = True  # until the exchange, which knows the request, says otherwise

    def _what(self) -> str:
        return self.what if self.key_sent else "the provider wants a key, and none was sent"


class PermissionDenied(AuthenticationFailed):
    """403, and a 402 that names no used-up quota: the key, account or network address may not do this.

    A kind of AuthenticationFailed, as providers send either status for a bad key: code that asks for a new key catches
    both by one name.
    """

    what = "the provider denied permission"


class NotFound(HTTPStatusError):
    """404 and 410: the host has no such endpoint or model."""

    what = "the provider does not know this address or model"

    def _where(self) -> str:
        # a wrong base_url= is the usual cause, and the URL shows it at once
        return super()._where() + (f", {self.url}" if self.url else "")


class RateLimited(HTTPStatusError):
    """429: too many requests for now. `retry_after` is in seconds."""

    what = "the provider's rate limit was reached"


class QuotaExhausted(RateLimited):
    """The account's quota or credit is used up, whatever the status (400, 402, 403, 429): it is never tried again."""

    what = "the account's quota or credit is used up"
    hint = "add credit or raise the limit at the provider; a quota of a day or month also comes back by itself"


class ServerFailed(HTTPStatusError):
    """5xx, with Anthropic's 529: the provider failed or is overloaded."""

    what = "the provider failed"


class UnexpectedRedirect(HTTPStatusError):
    """A redirect that is not followed: to another origin, of a POST by 301, 302 or 303, or after too many others."""

    what = "the provider redirected, and that is not followed"


class ProviderRefused(ChatError):
    """The provider sent, with the status 200, a sentence or page in place of an answer: it does not serve the request.

    Free endpoints do so, without any field or status that says which error it is. `code`, `kind` and `param` are those
    of an error object in the stream whose code stands for no HTTP status.
    """

    what = "the provider refused in its answer"

    def __init__(
        self, detail: str = "", *, code: str | None = None, kind: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.kind = kind
        self.param = param

    def _text(self) -> str:
        return f"{self.what}: {excerpt(self.detail)}"


class IPBlocked(ProviderRefused):
    """The provider has blocked the client's network address."""

    what = "the provider has blocked this network address"


# --- a broken wire ---------------------------------------------------------------------------------------------------


class ProtocolViolation(ChatError):
    """The server or proxy sent what HTTP, a content coding or the stream's format does not allow."""


class LimitExceeded(ProtocolViolation):
    """A response was larger than a bound of Limits allows: `limit` is its name there, `size` its bytes."""

    def __init__(self, limit: Bound, size: int) -> None:
        super().__init__()
        self.args = (limit, size)  # as for ProxyFailed
        self.limit: Bound = limit
        self.size = size

    def _text(self) -> str:
        return f"the answer passed the limit {self.limit!r} of {self.size} bytes (see Limits)"


class UnexpectedContent(ProtocolViolation):
    """The response is well-formed and no answer of this provider: an HTML page, no content, another format."""


class StreamTruncated(ChatError):
    """The answer stopped before its end was proven; `reply` holds the part that arrived.

    Raised by the `close()` of a parser used alone, it carries the last `events`, as `close()` cannot return them.
    """

    what = "the answer stopped before its end"
    events: tuple[ChatEvent, ...] = ()
