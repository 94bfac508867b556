"""RetryPolicy: what is tried again, and after how long. An immutable value: it answers, it never sleeps."""

from __future__ import annotations

import re
from collections.abc import Callable

from ._values import immutable
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
    shown,
)
from .timing import MAX_SECONDS
from .wire import Headers, header

RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@immutable
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
            raise InvalidRequest(f"attempts must be a whole number from 1, not {shown(self.attempts)}")
        for name in ("first_wait", "factor", "max_wait", "max_retry_after"):
            if not _within(getattr(self, name), MAX_SECONDS):
                raise InvalidRequest(f"{name} must be a number from 0, not {shown(getattr(self, name))}")
        if not _within(self.jitter, 1):
            raise InvalidRequest(f"jitter must be a number from 0 to 1, not {shown(self.jitter)}")

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


_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: i for i, name in enumerate(_MONTH_NAMES, 1)}
# RFC 9110 5.6.7: IMF-fixdate, then RFC 850's two-digit year, then asctime
_DATES = (
    re.compile(r"\w{3}, (?P<d>\d\d) (?P<m>\w{3}) (?P<y>\d{4}) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) GMT\Z", re.A),
    re.compile(r"\w+, (?P<d>\d\d)-(?P<m>\w{3})-(?P<y>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) GMT\Z", re.A),
    re.compile(r"\w{3} (?P<m>\w{3}) (?P<d>[ \d]\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) (?P<y>\d{4})\Z", re.A),
)
_SECONDS = re.compile(r"[0-9]{1,18}\Z")
_MILLISECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?\Z")


def retry_after(headers: Headers) -> float | None:
    """The seconds that a response asks to wait, or None.

    `Retry-After` is a whole number of seconds or a date (RFC 9110 10.2.3), which is held against the response's own
    `Date`, as our clock may be wrong. `retry-after-ms` is OpenAI's and Azure's finer form of it.
    """
    value = header(headers, "retry-after-ms").strip()
    if _MILLISECONDS.match(value):
        return float(value) / 1000
    value = header(headers, "retry-after").strip()
    if _SECONDS.match(value):
        return float(value)
    then, now = _timestamp(value), _timestamp(header(headers, "date").strip())
    return None if then is None or now is None else max(0.0, float(then - now))


def _timestamp(text: str) -> int | None:
    """Seconds since 1970 of an HTTP date. (`email.utils` would do it, and pulls in socket and random.)"""
    for pattern in _DATES:
        if found := pattern.match(text):
            month = _MONTHS.get(found["m"])
            if month is None:
                return None
            year = int(found["y"])
            if len(found["y"]) == 2:
                year += 1900 if year >= 70 else 2000
            return (
                _days(year, month, int(found["d"])) * 86400
                + int(found["H"]) * 3600 + int(found["M"]) * 60 + int(found["S"])
            )  # fmt: skip
    return None


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the Gregorian calendar, the year taken to begin in March."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
