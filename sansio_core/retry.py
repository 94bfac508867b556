"""RetryPolicy: which failures are tried again, and after how many seconds. The exchange applies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from .errors import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    HTTPStatusError,
    InvalidRequest,
    ProxyFailed,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    TimedOut,
    safe_repr,
)
from .timing import MAX_SECONDS, within

# Statuses that pass with time: RFC 9110 15, RFC 8470 5.2 (425), RFC 6585 4 (429). 501 and 505 would be the same again.
# A provider adds its own, as Anthropic 529.
RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When and after how many seconds a failed request is sent again.

    `attempts` counts the first one, so 1 means never again. The wait before attempt n+1 is `first_wait` · `factor`ⁿ⁻¹
    seconds, at most `max_wait`, of which the share `jitter` (0 to 1) is drawn at random. A `Retry-After` of the server
    takes its place; where it is above `max_retry_after` seconds, no other attempt is made. `statuses` are the HTTP
    statuses tried again; connection failures, timeouts (except the total) and answers cut short before any text are
    tried again as well, a used-up quota (QuotaExhausted) never. Once text was delivered, no request is sent again: that
    rule is the exchange's.
    """

    attempts: int = 3
    first_wait: float = 0.5
    factor: float = 2.0
    max_wait: float = 30.0
    jitter: float = 0.25
    max_retry_after: float = 60.0  # some servers ask for an hour: whoever waits for an answer gives up long before
    statuses: frozenset[int] = RETRIED_STATUSES

    def __post_init__(self) -> None:
        # here, not when a wait is computed: a wrong number shows at once, and not only after the first failure
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int) or self.attempts < 1:
            raise InvalidRequest(f"attempts must be a whole number from 1, not {safe_repr(self.attempts)}")
        for name in ("first_wait", "factor", "max_wait", "max_retry_after"):
            if not within(getattr(self, name), MAX_SECONDS):
                raise InvalidRequest(f"{name} must be a number from 0, not {safe_repr(getattr(self, name))}")
        if not within(self.jitter, 1):
            raise InvalidRequest(f"jitter must be a number from 0 to 1, not {safe_repr(self.jitter)}")

    @classmethod
    def of(cls, retry: RetryPolicy | int | None, default: RetryPolicy) -> RetryPolicy:
        """The policy that a user's `retry=` means: a number is that many attempts by `default`; None is `default`."""
        if isinstance(retry, RetryPolicy):
            return retry
        return default if retry is None else replace(default, attempts=retry)

    def retries(self, error: ChatError) -> bool:
        """Whether a request that failed with `error` may succeed when it is sent again."""
        match error:
            case ConnectFailed() | ConnectionLost() | StreamTruncated() | ProxyFailed(status=None):
                return True  # with None, the proxy itself could not be reached
            case ProxyFailed(status=status):
                return status in self.statuses
            case TimedOut(clock=clock):  # the total bounds all attempts, so that no time is left for another
                return clock != "total"
            case QuotaExhausted():  # often a 429, but no attempt adds credit
                return False
            case HTTPStatusError(status=None):  # an error inside a stream has no status, but the class of one
                return isinstance(error, (RateLimited, ServerFailed))
            case HTTPStatusError(status=status):  # a rate limit may come with another status: OpenRouter's with 402
                return status in self.statuses or (isinstance(error, RateLimited) and 429 in self.statuses)
            case _:  # a bad certificate, a wrong key, another protocol, the user's cancel: no attempt changes these
                return False

    def after(self, error: ChatError, attempts: int, random: Callable[[], float], left: float) -> float | None:
        """The seconds to wait after the attempt number `attempts` failed with `error`; None if it was the last.

        `left` is what is left of the total. An error that asks for a longer wait than is allowed says so.
        """
        if attempts >= self.attempts or not self.retries(error):
            return None
        asked = error.retry_after if isinstance(error, HTTPStatusError) else None
        wait, bound = self.wait(attempts, random, asked), ""
        if asked is not None and asked > self.max_retry_after:
            bound = f"max_retry_after is {self.max_retry_after:g} s"
        elif wait >= left:  # waiting would only put off the same error
            bound = f"{round(max(left, 0), 1):g} s are left of the total"
        if isinstance(error, HTTPStatusError):
            error.bound = bound
        return None if bound else wait

    def wait(self, failures: int, random: Callable[[], float], retry_after: float | None = None) -> float:
        """The seconds to wait after that many failed attempts; `random` gives a number in [0, 1).

        A server's `retry_after` is returned as it is, whatever `max_retry_after` says: see `after`.
        """
        # without jitter, as a server that spreads its clients does so by different values of Retry-After
        if retry_after is not None:
            return retry_after
        try:
            wait = min(self.first_wait * self.factor ** (failures - 1), self.max_wait)
        except OverflowError:  # a power of floats beyond 1e308
            wait = self.max_wait
        # Clients that failed together would all come back together: the random share spreads them.
        return wait * (1 - self.jitter + self.jitter * random())

    def draw(self, failures: int, wait: float | None) -> float:
        """The number of `random` that makes this `wait`, or the nearest; None: the longest one."""
        longest = self.wait(failures, lambda: 1.0)
        if wait is None or not longest or not self.jitter:
            return 1.0
        return min(max(1 - (1 - wait / longest) / self.jitter, 0.0), 1.0)


def middle() -> float:
    """The number that stands for a random one where an exchange has no `random`: the core itself draws none."""
    return 0.5
