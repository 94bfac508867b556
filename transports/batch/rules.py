"""What follows the outcome of one attempt at a row. It knows no clock and no I/O: the engine (`asking`) applies it."""

from __future__ import annotations

from typing import Literal

from sansio_core import (
    AuthenticationFailed,
    ChatError,
    ConnectFailed,
    HTTPStatusError,
    InvalidRequest,
    IPBlocked,
    NotFound,
    ProviderRefused,
    ProxyFailed,
    QuotaExhausted,
    RateLimited,
    Reply,
    ServerFailed,
    TimedOut,
    TLSFailed,
    UnexpectedContent,
    UnexpectedRedirect,
)

_AT_FIRST = 3
"""So many rows that fail for a reason which all rows may share end a run in which none was answered yet."""
_RUNNING = 20
"""So many, one after another, end any run."""
_OVERLOADED = (503, 529)
"""Statuses that ask all clients to slow down, as 429 does: RFC 9110 15.6.4, and Anthropic's 529
(platform.claude.com/docs/en/api/errors)."""

Verdict = Literal["hand out", "hand out all", "hold back", "stop"]


def refused(error: ChatError) -> bool:
    """Whether `error` asks to slow down: then everybody waits, and the row loses no attempt."""
    match error:
        case QuotaExhausted():
            return False
        case RateLimited():
            # OpenAI's 429 for a request that is above the limit of tokens by itself: no wait helps it ("Request too
            # large for … on tokens per min (TPM): Limit …, Requested …", code rate_limit_exceeded).
            return not error.detail.lower().startswith("request too large")
        case ServerFailed(status=None):  # inside a stream there is the code alone
            return "overloaded" in f"{error.kind} {error.code}"
        case HTTPStatusError(status=status):
            return status in _OVERLOADED
        case _:
            return False


def unreached(error: ChatError) -> bool:
    """Whether `error` says that the host, or the proxy on the way to it, cannot be reached."""
    match error:
        case ConnectFailed() | TimedOut(clock="connect"):
            return True
        case ProxyFailed(status=status):  # None: the proxy itself; 5xx: it could not reach the host
            return status is None or status >= 500
        case _:
            return False


class Suspects:
    """Looks for the run whose rows all fail for one reason, as a wrong key: it stops, and its rows stay open.

    Rows that fail so are suspects: they are held back until another row shows that it is their own fault.
    """

    def __init__(self) -> None:
        self._running = 0
        self.answered = False
        """Whether a row was answered."""

    def after(self, error: ChatError | None) -> Verdict:
        """What to do with the row that has just failed with `error`, or was answered (None)."""
        match error:
            # An exchange that has begun took the row: what cannot be used then is the key that a function gave.
            case QuotaExhausted() | InvalidRequest(reply=Reply()):
                return "stop"
            # 401, 402, 403, a blocked address; 404; a host, or the proxy on the way to it, that cannot be reached; and
            # the page of a network that wants a login first, or the redirect to it
            case (
                AuthenticationFailed() | IPBlocked() | NotFound() | ConnectFailed() | ProxyFailed() | TLSFailed()
                | TimedOut(clock="connect") | UnexpectedContent() | UnexpectedRedirect()
            ):  # fmt: skip
                self._running += 1
                return "stop" if self._running >= (_RUNNING if self.answered else _AT_FIRST) else "hold back"
            case None | HTTPStatusError() | ProviderRefused():  # the host takes the key, and has the model
                self._running = 0
                self.answered = self.answered or error is None
                return "hand out all"
            case _:  # it was not sent, or has told nothing
                return "hand out"

    def ends(self) -> bool:
        """Whether a run that has no more rows ends in a stop: none was answered, and there are suspects."""
        return bool(self._running) and not self.answered
