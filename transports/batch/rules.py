"""What follows the outcome of one attempt at a row. It knows no clock and no I/O: the engine (`asking`) applies it."""

from __future__ import annotations

from sansio_core import (
    AuthenticationFailed,
    ChatError,
    ConnectFailed,
    HTTPStatusError,
    NotFound,
    ProxyFailed,
    RateLimited,
    ServerFailed,
    TLSFailed,
)
from sansio_core.errors import QuotaExhausted

_AT_FIRST = 3
"""So many rows that fail for a reason which all rows share end a run in which none was answered yet."""
_RUNNING = 20
"""So many, one after another, end any run."""
_OVERLOADED = (503, 529)
"""Statuses that ask all clients to slow down, as 429 does: RFC 9110 15.6.4, and Anthropic's 529
(platform.claude.com/docs/en/api/errors)."""


def refused(error: ChatError) -> bool:
    """Whether `error` asks to slow down: then everybody waits, and the row loses no attempt."""
    match error:
        case RateLimited():
            return not isinstance(error, QuotaExhausted)
        case ServerFailed(status=None):  # inside a stream there is the code alone
            return "overloaded" in f"{error.kind} {error.code}"
        case HTTPStatusError(status=status):
            return status in _OVERLOADED
        case _:
            return False


def shared(error: ChatError) -> bool:
    """Whether the reason of `error` may lie in what all rows share: the key, the host, the model."""
    return isinstance(error, (AuthenticationFailed, NotFound))


class Suspects:
    """Looks for the run whose rows all fail for one reason: there is no sense in going on, and the rows stay open."""

    def __init__(self) -> None:
        self._running = 0
        self._answered = False

    def after(self, error: ChatError | None) -> bool:
        """Take the outcome of one more row (None: it was answered). Returns whether the run must stop."""
        if isinstance(error, QuotaExhausted):
            return True
        # A host that nobody has reached in this run is a wrong address; one that was reached may come back.
        unreached = isinstance(error, (ConnectFailed, ProxyFailed, TLSFailed)) and not self._answered
        if error is None or not (shared(error) or unreached):
            self._answered = self._answered or error is None
            self._running = 0
            return False
        self._running += 1
        return self._running >= (_RUNNING if self._answered else _AT_FIRST)

    @property
    def running(self) -> int:
        """How many rows have failed for a shared reason one after another, up to the last one."""
        return self._running

    def ends(self) -> bool:
        """Whether a run that has no more rows ends in a stop: none was answered, and the last ones are suspects."""
        return bool(self._running) and not self._answered
