"""Playing a tape: Reel, one take while it is played, and `play`, which plays a tape to an exchange."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..errors import ChatError, ConnectionLost, TimedOut
from ..events import ChatEvent
from ..exchange import Exchange
from ..redact import MIN_SECRET
from ..states import Finish, NeedKey, Send, Wait
from .match import Deck
from .model import End, Head, Mark, Piece, Take, Tape

KEY = "from-a-tape"
"""The key where a function would give one: no tape asks for it."""

_ROUNDED = 0.0011
"""Seconds: the times on a tape are rounded, so that a clock that fires closer than that before a step did not fire."""
_STARS = re.compile(rf"\*{{{MIN_SECRET},}}")
_BLOT = re.compile(rf"(?<![\w*-]){_STARS.pattern}(?![\w*-])", re.A)  # amid a word a host shows a key so: `sk-12****89`


class Reel:
    """One take while it is played in answer to a Send: what comes next, and when.

    Wait until `due`, then call `step`. In the tape's own time nobody waits: `now` is then `due`. The tape's schedule
    stays, however late a reader comes for a step.
    """

    __slots__ = ("_at", "_connect", "_exchange", "_next", "_steps", "_waits_since")

    def __init__(self, take: Take, exchange: Exchange, action: Send, now: float) -> None:
        self._steps = take.steps
        self._next = 0
        self._exchange = exchange
        exchange.secrets = (*exchange.secrets, *_blots(take))  # an error that quoted one said [hidden]
        self._connect = action.connect_deadline if _shows_connecting(take) else None
        self._at = now  # when the last step was due
        self._waits_since: float | None = None  # when the waiting for a free connection began

    @property
    def due(self) -> float:
        """When the next step comes, or a clock of the exchange fires before it."""
        return self._due(self._at)[0]

    def step(self, since: float = 0.0) -> Head | bytes | None:
        """What comes next: a head, a piece of the body, b"" for its end; None where only the connection changed.

        `since`: when the reader came for it, in case that was later than the last step. What is there by then is
        given, whichever clock fired in the meantime, as a socket does. Raises TimeoutError if a clock of the exchange
        fires first, and the error that the take ended with; reading on behind the end gives the same again.
        """
        if self._due(max(since, self._at))[1]:
            raise TimeoutError
        step = self._steps[self._next]
        if isinstance(step, End):
            error = step.error
            if error is None and not any(isinstance(each, Head) for each in self._steps):
                error = ConnectionLost("the tape has no response to this request")
            if error is not None:
                raise error
            return b""
        self._at, self._next = self._at + step.after, self._next + 1
        match step:
            case Mark(_, what):
                self._tell(what)
                return None
            case Piece(_, data):
                return data
        return step

    def feed(self, now: float) -> list[ChatEvent]:
        """Give the exchange what comes next; returns the events that are complete."""
        exchange = self._exchange
        try:
            step = self.step()
        except TimeoutError:
            return exchange.receive_timeout(now)
        except ChatError as error:
            return exchange.receive_failure(error, now)
        match step:
            case Head():
                exchange.receive_head(step.status, step.headers, now)
            case bytes():
                return exchange.receive_data(step, now)
        return []

    def _due(self, since: float) -> tuple[float, bool]:
        """When there is something for a reader who waits `since`, and whether that is a clock that fires."""
        step, deadline = self._steps[self._next], self._exchange.deadline
        comes = self._at + step.after
        match step:
            case Mark(what="late") | End(what="closed"):  # nobody waited then
                return comes, False
        if self._connect is not None and self._waits_since is None:
            deadline = self._connect if deadline is None else min(self._connect, deadline)
        if deadline is None:
            return comes, False
        if self._ends_so(deadline):
            # Not a little before the clock fires, where the time was rounded: the exchange would see that time is left.
            return (deadline if deadline - _ROUNDED < comes < deadline else comes), False
        fires = comes > max(since, deadline + _ROUNDED)
        return (deadline if fires else comes), fires

    def _ends_so(self, now: float) -> bool:
        """Whether the clock that fires `now` is the one that ended the take: then its error is that on the tape.

        A wire may have more to say of a timeout than the exchange does, and rounds the seconds that it tells to 0.01.
        """
        step = self._steps[self._next]
        taped = step.error if isinstance(step, End) else None
        if not isinstance(taped, TimedOut):
            return False
        ours = self._exchange.timed_out(now)
        return taped.clock == ours.clock and abs((taped.seconds or 0.0) - (ours.seconds or 0.0)) < 0.01

    def _tell(self, what: str) -> None:
        exchange, now = self._exchange, self._at
        match what:
            case "waiting":
                exchange.receive_place(False, now)
                self._waits_since = now
            case "place":
                exchange.receive_place(True, now)
                if self._connect is not None and self._waits_since is not None:
                    self._connect += now - self._waits_since  # see Send
                self._waits_since = None
            case "connected" | "reused":
                exchange.receive_connection(what == "reused", now)
                self._connect = None


def _blots(take: Take) -> set[str]:
    """The stars that stand for secrets in the answer, or in the error that ended it."""
    error = " ".join([value for value in take.end.attributes.values() if isinstance(value, str)])
    return {*_BLOT.findall(take.answer.decode("latin-1")), *_STARS.findall(error)}


def _shows_connecting(take: Take) -> bool:
    """Whether the tape says how long the connecting took: a transport need not tell."""
    if any(isinstance(step, Mark) and step.what in ("connected", "reused") for step in take.steps):
        return True
    return take.head is None and take.end.what in ("ConnectFailed", "ProxyFailed", "TLSFailed", "TimedOut")


def play(
    tape: Tape | Deck, exchange: Exchange, *, wait_until: Callable[[float], None] | None = None
) -> Iterator[ChatEvent]:
    """Play `tape` to `exchange` in the tape's own time, which is not waited for; gives the events as they come.

    `wait_until` is called with the time, in seconds from the beginning, of whatever comes next: whoever plays at a pace
    sleeps there. Raises the error that ends the exchange, with the partial reply, and UnmatchedRequest for a request
    that no take answers. A Deck, which may `ignore` fields, is played to several exchanges, one after another.
    """
    deck = tape if isinstance(tape, Deck) else Deck(tape)
    now = 0.0
    while True:
        match action := exchange.next_action(now):
            case NeedKey():
                exchange.receive_key(KEY, now)
            case Wait(seconds):
                now += seconds
                if wait_until is not None:
                    wait_until(now)
            case Finish():
                return
            case Send(request):
                reel = Reel(deck.take(request, exchange.provider), exchange, action, now)
                while exchange.under_way:
                    now = max(now, reel.due)
                    if wait_until is not None:
                        wait_until(now)
                    yield from reel.feed(now)
