"""Limit: how many requests an emulator answers, and what its responses say of that."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, isfinite
from time import gmtime, strftime, time
from typing import Literal, TypeAlias, get_args

QuotaForm: TypeAlias = Literal["none", "openai", "anthropic"]


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `rate` requests a second, and at most `burst` at once.

    `burst` None: as many as a second allows, at least one. `headers`: the vendor in whose form each response to a valid
    question says what is left; "none": none does.
    """

    rate: float
    burst: int | None = None
    headers: QuotaForm = "none"

    def __post_init__(self) -> None:
        if not (isfinite(self.rate) and self.rate > 0):
            raise ValueError(f"rate must be a positive number of requests a second, not {self.rate!r}")
        if self.burst is not None and self.burst < 1:
            raise ValueError(f"burst must be at least 1 request, not {self.burst!r}")
        if self.headers not in get_args(QuotaForm):
            raise ValueError(f"headers must be one of {get_args(QuotaForm)}, not {self.headers!r}")


class Bucket:
    """A Limit at work: the generic cell rate algorithm (ITU-T I.371), as a bucket that leaks."""

    def __init__(self, limit: Limit) -> None:
        self._rate, self._form = limit.rate, limit.headers
        self._burst = max(1, int(limit.rate)) if limit.burst is None else limit.burst
        self._used = 0.0
        self._at = -inf

    def take(self, now: float) -> float:
        """Let a request through and return 0.0, or the seconds to wait: a request that is refused takes nothing."""
        self._used = max(0.0, self._used - (now - self._at) * self._rate)
        self._at = now
        excess = self._used + 1 - self._burst
        if excess > 1e-6:  # less is the error of the sums
            return excess / self._rate
        self._used += 1
        return 0.0

    def fields(self, wait: float) -> list[tuple[str, str]]:
        """The header fields of the response to the request last taken, which was refused if it has to `wait`.

        The limit is what the full bucket holds, and its reset is when it will be full, as both vendors define them.
        """
        left, full = str(int(self._burst - self._used + 1e-6)), self._used / self._rate
        match self._form:
            case "openai":  # https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers"
                name, reset = "x-ratelimit-{}-requests", duration(full)
            case "anthropic":  # https://platform.claude.com/docs/en/api/rate-limits, "Response headers"
                name, reset = "anthropic-ratelimit-requests-{}", _timestamp(full)
            case "none":
                return []
        values = {"limit": str(self._burst), "remaining": left, "reset": reset}
        fields = [(name.format(what), value) for what, value in values.items()]
        if wait and self._form == "openai":
            fields.append(("retry-after-ms", str(_milliseconds(wait))))
        return fields


def duration(seconds: float) -> str:
    """Seconds as Go prints them, rounded up to a millisecond: `12ms`, `8.64s`, `7m12s`, `1h0m0s`."""
    milliseconds = _milliseconds(seconds)
    if 0 < milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}" if minutes else text


def _milliseconds(seconds: float) -> int:
    return ceil(seconds * 1000 - 1e-6)  # without what a sum's error would round up


def _timestamp(seconds: float) -> str:
    """The time after so many seconds, rounded up to a whole one, in RFC 3339's form."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(ceil(time() + seconds)))
