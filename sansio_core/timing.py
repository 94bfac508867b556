"""The five clocks and the bounds, as immutable values: they answer, they never sleep."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from .errors import InvalidRequest, safe_repr

MAX_SECONDS = 1e9
"""Some thirty years: what still fits every kind of timer."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each thing may take, in seconds; None means for ever.

    connect      name look-up, TCP and TLS, of one attempt
    first_event  from sending a request until the first event that is not a keep-alive, of one attempt
    idle         between two arrivals of bytes, once the response has begun
    progress     between two events with content, once one came; keep-alives and pings do not count
    total        everything: all attempts, and the waits between them
    """

    connect: float | None = 10.0
    first_event: float | None = 600.0
    idle: float | None = 600.0
    progress: float | None = 600.0
    total: float | None = None

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            seconds = getattr(self, name)
            if seconds is None:
                continue
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= MAX_SECONDS:
                raise InvalidRequest(
                    f"the {name} timeout must be a positive number of seconds, or None, not {safe_repr(seconds)}"
                )

    @classmethod
    def of(cls, timeout: Timeouts | float | None, default: Timeouts) -> Timeouts:
        """What a `timeout=` means: Timeouts as they are, a number as the total over `default`, None as `default`."""
        if isinstance(timeout, Timeouts):
            return timeout
        return default if timeout is None else replace(default, total=timeout)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a peer may make us hold, in bytes; passing one is LimitExceeded.

    frame         one line or event of a stream
    head          one response's status line and header fields
    error_body    how much of a refusal's body is read (the rest is dropped, without an error)
    page          a page that must be read before the question can be asked
    decompressed  one body after its content coding was removed
    """

    frame: int = 16 * 1024 * 1024
    head: int = 64 * 1024
    error_body: int = 64 * 1024
    page: int = 8 * 1024 * 1024
    decompressed: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            size = getattr(self, name)
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                raise InvalidRequest(f"the limit {name!r} must be a positive number of bytes, not {safe_repr(size)}")
