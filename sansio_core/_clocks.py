"""The clocks of one exchange: which run, which fires next. It is told the time and never asks for it."""

from __future__ import annotations

from math import inf

from .timing import Timeouts

DRAIN = 0.25
"""Seconds that the end of the body may take after its end marker: the price of reusing the connection."""
SETTLE = 5.0
"""Seconds that usage and the end marker may take after the last finish reason proved the end."""
ERROR_BODY = 10.0
"""Seconds that the body of a refusal may take; what is there by then is used."""
UNREAD = 8 * 1024 * 1024
"""Bytes: more than what systems let a connection hold that nobody reads (Linux: 6 MiB, net.ipv4.tcp_rmem)."""


class Clocks:
    """When each of the five clocks fires; `inf` while one does not run.

    A sixth, `settle`, is not an error: it bounds waiting for what may follow an end that is already proven.
    """

    __slots__ = (
        "_allowed", "_begun", "_byte", "_event", "_late", "_progress", "_settle", "_timeouts", "_total", "_until",
        "connect", "idle",
    )  # fmt: skip

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._progress = inf if timeouts.progress is None else timeouts.progress
        self.idle = inf if timeouts.idle is None else timeouts.idle
        self._total = self._event = self._settle = self._byte = inf
        self._begun = False
        self._allowed = inf  # what the clock of events allows
        self._late = 0  # bytes that were read after it had fired
        self._until = inf  # when it counts whatever is unread
        self.connect: float | None = None

    def start(self, now: float) -> None:
        """The exchange's first action: the total runs from here; later calls change nothing."""
        if self._total == inf and self._timeouts.total is not None:
            self._total = now + self._timeouts.total

    def sent(self, now: float) -> None:
        """A request goes out: its first event is awaited."""
        self._begun = False
        self._byte = self._settle = inf
        self._allowed = inf if self._timeouts.first_event is None else self._timeouts.first_event
        self._event = now + self._allowed
        self.connect = None if self._timeouts.connect is None else now + self._timeouts.connect

    def byte(self, now: float) -> None:
        """Bytes came: the idle clock starts anew."""
        self._byte = now

    def event(self, now: float, content: bool) -> None:
        """An event came: the first one stops that clock; one with content starts the progress clock anew."""
        if content or not self._begun:
            self._begun = True
            self._allowed = self._progress
            self._event = now + self._allowed

    def settle(self, until: float, anew: bool) -> None:
        """The end is proven: wait for what may follow until then at the longest; `anew` drops an earlier bound."""
        self._settle = until if anew else min(self._settle, until)

    def unsettle(self) -> None:
        """The end is not proven any more: another choice has begun."""
        self._settle = inf

    def only_settle(self, until: float) -> None:
        """What is awaited now is of no worth to the user: only `until` and the total bound it."""
        self._byte = self._event = inf
        self._settle = until

    def expired(self, now: float) -> bool:
        """Whether the total has fired at `now`."""
        return now >= self._total

    def due(self, now: float, size: int) -> bool:
        """Whether a clock that bytes alone do not stop has fired at `now`, when `size` bytes were looked at.

        A reader that was busy elsewhere finds what came meanwhile, and may find text behind many keep-alives. So the
        clock of events does not count before what a connection can hold unread was looked at, or its time has passed
        once more. (Where nothing is left to read, waiting until `deadline` tells so at once.)
        """
        if now < self._event:  # nearly always
            if self._late:
                self._late, self._until = 0, inf
        else:
            self._late, self._until = self._late + size, min(self._until, now + self._allowed)
        return self._late > UNREAD or now >= min(self._until, self._total, self._settle)

    def connecting(self, now: float) -> bool:
        """Whether what fires at `now` bounds the connecting: no other clock has fired, nor is one nearer.

        Timers may fire a little early, so that the nearest is meant.
        """
        deadline = inf if self.deadline is None else self.deadline
        return self.connect is not None and now < deadline and abs(now - self.connect) < deadline - now

    @property
    def deadline(self) -> float | None:
        """When the next clock fires."""
        first = min(self._total, self._event, self._settle, self._byte + self.idle)
        return None if first == inf else first

    def next(self) -> tuple[str, float | None]:
        """The clock that fires first, and the seconds that it allows.

        Where none runs, what timed out was a transport's own, and that is of bytes.
        """
        whens = {
            "settle": self._settle,
            "total": self._total,
            "progress" if self._begun else "first_event": self._event,
            "idle": self._byte + self.idle,
        }
        name = min(whens, key=lambda clock: whens[clock])
        name = name if whens[name] < inf else "idle"
        return name, getattr(self._timeouts, name, None)
