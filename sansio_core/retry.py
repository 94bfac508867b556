"""RetryPolicy: what is tried again, and after how long. An immutable value: it answers, it never sleeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .errors import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    HTTPStatusError,
    InvalidRequest,
    ProxyFailed,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    TimedOut,
    safe_repr,
)
from .timing import MAX_SECONDS

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and after how long a failed request is sent again.

    `attempts` counts the first one, so 1 means never again. The wait before attempt n+1 is `first_wait` · `factor`ⁿ⁻¹
    seconds, at most `max_wait`, of which the share `jitter` (0 to 1) is drawn at random. A `Retry-After` of the server
    takes its place, at most `max_retry_after` seconds. `statuses` are the HTTP statuses tried again; connection
    failures, timeouts (but the total) and answers cut short before any text are tried again as well. Nothing is once
    text was handed out: that rule is the exchange's.
    """

    attempts: int = 3
    first_wait: float = 0.5
    factor: float = 2.0
    max_wait: float = 30.0
    jitter: float = 0.25
    max_retry_after: float = 60.0
    statuses: frozenset[int] = RETRIED_STATUSES

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise InvalidRequest(f"attempts must be a whole number from 1, not {safe_repr(self.attempts)}")
        for name in ("first_wait", "factor", "max_wait", "max_retry_after"):
            if not _within(getattr(self, name), MAX_SECONDS):
                raise InvalidRequest(f"{name} must be a number from 0, not {safe_repr(getattr(self, name))}")
        if not _within(self.jitter, 1):
            raise InvalidRequest(f"jitter must be a number from 0 to 1, not {safe_repr(self.jitter)}")

    @classmethod
    def of(cls, retry: RetryPolicy | int | None, default: RetryPolicy) -> RetryPolicy:
        """What a `retry=` means: a policy as it is, a number as that many attempts of `default`, None as `default`."""
        if isinstance(retry, RetryPolicy):
            return retry
        if retry is None:
            return default
        return cls(
            retry, default.first_wait, default.factor, default.max_wait, default.jitter,
            default.max_retry_after, default.statuses,
        )  # fmt: skip

    def retries(self, error: ChatError) -> bool:
        """Whether a request that failed with `error` may do better when it is sent again."""
        match error:
            case ConnectFailed() | ConnectionLost() | StreamTruncated():
                return True
            case ProxyFailed(status=status):
                return status is None or status in self.statuses
            case TimedOut(clock=clock):
                return clock != "total"
            case HTTPStatusError(status=None):  # said inside a stream: by its class, as its status would have been
                return isinstance(error, (RateLimited, ServerFailed))
            case HTTPStatusError(status=status):
                return status in self.statuses
            case _:
                return False

    def wait(self, failures: int, random: Callable[[], float], retry_after: float | None = None) -> float:
        """Seconds to wait after that many failed attempts; `random` gives a number in [0, 1)."""
        if retry_after is not None:
            return min(retry_after, self.max_retry_after)
        try:
            wait = min(self.first_wait * self.factor ** (failures - 1), self.max_wait)
        except OverflowError:
            wait = self.max_wait
        return wait * (1 - self.jitter + self.jitter * random())


def middle() -> float:
    """What is taken where nobody gave random numbers."""
    return 0.5


def _within(value: object, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most
