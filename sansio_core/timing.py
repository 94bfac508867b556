"""What the five clocks and the size limits allow, as immutable values that the exchange applies."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from .errors import InvalidRequest, safe_repr

MAX_SECONDS = 1e9
"""Some thirty years. A longer time is a mistake: None says "for ever", and systems' timers overflow somewhere above."""


def within(value: object, most: float) -> bool:
    """Whether `value` is a number from 0 to `most`. NaN is not; nor are True and False, which are ints to Python."""
    # The type comes first: comparing a str with 0 raises a TypeError, which would not name the setting.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step may take, in seconds; None means for ever.

    connect      name look-up, TCP and TLS, of one attempt
    first_event  from sending a request until the first event that is not a keep-alive, of one attempt
    idle         between two arrivals of bytes, once the response has begun
    progress     between two events with content, once one came; keep-alives and pings do not count
    total        everything: all attempts, and the waits between them
    """

    connect: float | None = 10.0  # a host that is there answers in one; three lost packets take seven
    # Models that reason, or read a long question, are silent for minutes: the vendors' own SDKs wait ten of them.
    first_event: float | None = 600.0
    idle: float | None = 600.0
    progress: float | None = 600.0
    total: float | None = None  # a good answer may be as long as it wants

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            seconds = getattr(self, name)
            if seconds is None:
                continue
            if not within(seconds, MAX_SECONDS) or seconds == 0:  # a clock of 0 s would fire before any answer
                raise InvalidRequest(
                    f"the {name} timeout must be a positive number of seconds, or None, not {safe_repr(seconds)}"
                )

    @classmethod
    def of(cls, timeout: Timeouts | float | None, default: Timeouts) -> Timeouts:
        """The Timeouts that a user's `timeout=` means: a number is the total, over `default`; None is `default`."""
        if isinstance(timeout, Timeouts):
            return timeout
        # replace() runs __post_init__ again, which checks the number.
        return default if timeout is None else replace(default, total=timeout)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes a server can make the client hold; more of them raises LimitExceeded.

    frame         one line or event of a stream
    head          one response's status line and header fields
    error_body    the body of an error response (what is longer is cut, without an error)
    page          a page that a provider reads before it can ask its question
    decompressed  the body of one answer, without its content coding, if it has one
    """

    # Far above what any answer needs and far below what a machine has: they stop a peer that sends without an end.

    # A frame may be a whole answer: some hosts ignore `stream`.
    frame: int = 16 * 1024 * 1024
    head: int = 64 * 1024
    # Cut and no error of its own: the status has said that the request failed, and a long body must not hide that.
    error_body: int = 64 * 1024
    page: int = 8 * 1024 * 1024
    # Counted behind the decompression, as one byte on the wire can stand for a thousand.
    decompressed: int = 256 * 1024 * 1024

    @classmethod
    def of(cls, limits: Limits | None, default: Limits | None = None) -> Limits:
        """The Limits that a user's `limits=` means: None is `default`. Raises InvalidRequest for another type."""
        if limits is None:
            return default or cls()
        if not isinstance(limits, Limits):
            raise InvalidRequest(f"limits must be a Limits, not {type(limits).__name__}")
        return limits

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:  # True is an int to Python
                raise InvalidRequest(f"the limit {name!r} must be a positive number of bytes, not {safe_repr(size)}")
