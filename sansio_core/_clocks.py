"""The clocks of one exchange: which run, and which fires next. The time is given to it; it never asks for it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from .timing import Timeouts

if TYPE_CHECKING:
    from .typed import Clock

DRAIN = 0.25
"""Seconds that the end of the body may take after the answer's end marker: the price of reusing the connection."""
GRACE = 5.0
"""Seconds that usage and the end marker may take after the last finish reason proved the answer's end."""
ERROR_BODY = 10.0
"""Seconds that the body of an error response may take; the error is made of as much as is there by then."""
UNREAD = 8 * 1024 * 1024
"""Bytes: more than a connection holds that nobody reads (Linux: 6 MiB, the maximum of net.ipv4.tcp_rmem)."""


class Clocks:
    """When each of the five clocks of Timeouts fires, in the seconds of `now`; `inf` while one does not run.

    A sixth, grace, is no error when it fires: it bounds the waiting for what may follow a proven end.
    """

    __slots__ = (
        "_event", "_event_allowed", "_event_began", "_overdue_bytes", "_overdue_until", "_progress", "_timeouts",
        "_total", "began", "connect", "grace", "idle", "last_byte",
    )  # fmt: skip

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._progress = inf if timeouts.progress is None else timeouts.progress
        self.idle = inf if timeouts.idle is None else timeouts.idle
        self.began = self._total = self._event = inf
        self.last_byte = inf  # when bytes arrived, from which `idle` runs
        self.grace = inf  # until when what may follow a proven end is waited for
        self._event_began = False  # whether the clock of events is `progress`, not `first_event`, by now
        self._event_allowed = inf  # the seconds that this clock allows
        self._overdue_bytes = 0  # how many bytes were read after it had fired
        self._overdue_until = inf  # when it counts however much is still unread
        self.connect: float | None = None

    def start(self, now: float) -> None:
        """The exchange takes its first action: the total runs from here. Later calls change nothing."""
        if self.began == inf:
            self.began = now
            if self._timeouts.total is not None:
                self._total = now + self._timeouts.total

    def elapsed(self, now: float) -> float | None:
        """The seconds since the first action; None where `now` is before it, as a cancelling caller knows no time."""
        return now - self.began if now >= self.began else None

    def left(self, now: float) -> float:
        """The seconds that are left of the total; `inf` where it does not run."""
        return self._total - now

    def request_sent(self, now: float) -> None:
        """A request goes out: the clocks for connecting and for the first event run from here."""
        self._event_began = False
        # The clocks of an earlier attempt stop. `idle` runs from the response's head on: until then `connect` and
        # `first_event` bound the waiting.
        self.last_byte = self.grace = inf
        self._event_allowed = inf if self._timeouts.first_event is None else self._timeouts.first_event
        self._event = now + self._event_allowed
        self.connect = None if self._timeouts.connect is None else now + self._timeouts.connect

    def place(self, free: bool, now: float) -> None:
        """The transport waits for a free connection, which is no fault of the host: the total alone runs until then."""
        if free:
            self.request_sent(now)
        else:
            self._event, self.connect = inf, None

    def connected(self, now: float) -> None:
        """There is a connection: the clock for connecting stops, the one for the first event runs from here."""
        self._event = now + self._event_allowed
        self.connect = None

    def event_arrived(self, now: float, content: bool) -> None:
        """Any first event ends `first_event` and starts `progress`; an event with content starts `progress` anew."""
        # Later events without content leave the clock alone: a server can send reports of usage or frames of an unknown
        # type for ever without getting any further.
        if content or not self._event_began:
            self._event_began = True
            self._event_allowed = self._progress
            self._event = now + self._event_allowed

    def start_grace(self, until: float, anew: bool) -> None:
        """The end is proven: wait at the longest `until` for what may follow; `anew` drops an earlier bound."""
        # Each feed behind a finish reason comes here. Without min(), pings would put off the end for as long as they
        # come.
        self.grace = until if anew else min(self.grace, until)

    def only_grace(self, until: float) -> None:
        """The user waits for nothing of what is still to be read: only `until` and the total bound it."""
        self.last_byte = self._event = inf
        self.grace = until

    def total_fired(self, now: float) -> bool:
        """Whether the total has fired at `now`."""
        return now >= self._total

    def overdue(self, now: float, size: int) -> bool:
        """Whether a clock that arriving bytes do not stop has fired, when `size` bytes were read at `now`.

        The caller may have been busy elsewhere for longer than a clock allows. The connection then holds what arrived
        in the meantime, perhaps text behind many keep-alives, and the peer is not to blame. So the clock of events
        counts only once the caller has read more than a connection can hold, or once its seconds have passed a second
        time. (Where nothing is left to read, waiting until `deadline` fires it at once.)
        """
        if now < self._event:  # nearly always
            # An event among the late bytes has restarted the clock: what was counted against its old time is void.
            if self._overdue_bytes:
                self._overdue_bytes, self._overdue_until = 0, inf
        else:
            self._overdue_bytes += size
            # min(), so that the first late feed alone sets this bound: a peer without a pause would put it off for
            # ever.
            self._overdue_until = min(self._overdue_until, now + self._event_allowed)
        # The idle clock is left out: bytes have just arrived.
        return self._overdue_bytes > UNREAD or now >= min(self._overdue_until, self._total, self.grace)

    @property
    def deadline(self) -> float | None:
        """When the next clock fires; None where none runs."""
        first = min(self._total, self._event, self.grace, self.last_byte + self.idle)
        return None if first == inf else first

    def fired(self, now: float, connecting: bool) -> tuple[Clock, float | None]:
        """The name of the clock that a timeout at `now` is of, and the seconds that it allows.

        `connecting`: no response's head has come. Where no clock runs, a timeout was the transport's own, and
        transports wait for bytes: that is `idle`.
        """
        deadline = inf if self.deadline is None else self.deadline
        # Operating systems' timers may fire a little early, so that the clock that is nearest to `now` is meant. Where
        # another clock has passed already, the right side is negative, and that clock is the one to be named.
        if connecting and self.connect is not None and abs(now - self.connect) < deadline - now:
            return "connect", self._timeouts.connect
        whens: dict[Clock, float] = {
            "total": self._total,
            "progress" if self._event_began else "first_event": self._event,
            # Timeouts has no clock for the grace: it is not the user's to set, and no user sees a TimedOut of it.
            "idle": min(self.last_byte + self.idle, self.grace),
        }
        name = min(whens, key=lambda clock: whens[clock])
        name = name if whens[name] < inf else "idle"
        return name, getattr(self._timeouts, name)
