"""Rules by which the engine (`asking`) goes: which errors ask to slow down, and which end a run. No clock, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from .answer import Answer

_AT_FIRST = 3
"""So many rows that fail for a reason which all rows may share end a run in which none was answered yet."""
_RUNNING = 20
"""So many, one after another, end any run."""
_OVERLOADED = (503, 529)
"""Statuses that ask all clients to slow down, as 429 does: RFC 9110 15.6.4, and Anthropic's 529
(platform.claude.com/docs/en/api/errors)."""


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
    """Finds out that all rows fail for one reason, as a wrong key: then the run stops, and they stay open.

    Rows that fail so are suspects: their answers are held back until another row shows that the fault is their own.
    `answered`: whether a row was answered. `error`: what all rows share; None while there is no such thing.
    """

    def __init__(self) -> None:
        self.answered = False
        self.error: ChatError | None = None
        self._running = 0  # rows that have failed so, one after another
        self._held: list[Answer] = []

    def after(self, answer: Answer) -> list[Answer]:
        """The answers that may be handed out now that this one is there; none once there is an `error`."""
        match answer.error:
            # An exchange that has begun took the row: what cannot be used then is the key that a function gave.
            case QuotaExhausted() | InvalidRequest(reply=Reply()):
                self.error = answer.error
                return []
            # 401, 402, 403, a blocked address; 404; a host, or the proxy on the way to it, that cannot be reached; and
            # the page of a network that wants a login first, or the redirect to it
            case (
                AuthenticationFailed() | IPBlocked() | NotFound() | ConnectFailed() | ProxyFailed() | TLSFailed()
                | TimedOut(clock="connect") | UnexpectedContent() | UnexpectedRedirect()
            ):  # fmt: skip
                self._running += 1
                if self._running >= (_RUNNING if self.answered else _AT_FIRST):
                    self.error = answer.error
                else:
                    self._held.append(answer)
                return []
            case None | HTTPStatusError() | ProviderRefused():  # the host takes the key, and has the model
                self._running = 0
                self.answered = self.answered or answer.error is None
                ready, self._held = [*self._held, answer], []
                return ready
            case _:  # it was not sent, or shows nothing of the others: a timeout, a cut stream
                return [answer]

    def rest(self) -> list[Answer]:
        """The answers that are held back as there are no more rows: none if no row was answered, but an `error`."""
        rest, self._held = self._held, []
        if rest and self._running and not self.answered:
            self.error = rest[-1].error
            return []
        return rest
