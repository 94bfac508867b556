"""Playing a tape: Reel, one take while it is played, and `play`, which plays a tape to an exchange."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ChatError
from ..events import ChatEvent
from ..exchange import Exchange
from ..states import Finish, NeedKey, Send, State, Wait
from .match import Deck
from .model import End, Head, Mark, Piece, Take, Tape

KEY = "from-a-tape"
"""The key where a function would give one: no tape asks for it."""


class Reel:
    """One take while it is played in answer to a Send: what comes next, and when.

    Wait until `due`, then call `step`. In the tape's own time nobody waits: `now` is then `due`.
    """

    __slots__ = ("_at", "_connect", "_exchange", "_next", "_steps")

    def __init__(self, take: Take, exchange: Exchange, action: Send, now: float) -> None:
        self._steps = take.steps
        self._next = 0
        self._exchange = exchange
        self._connect = action.connect_deadline
        self._at = now  # when the last step was due, however late its reader came for it

    @property
    def due(self) -> float:
        """When the next step comes, or a clock of the exchange fires before it."""
        deadline = self._deadline()
        comes = self._at + self._steps[self._next].after
        return comes if deadline is None else min(comes, deadline)

    def step(self) -> Head | bytes | None:
        """What comes next: a head, a piece of the body, b"" for its end; None where only the connection changed.

        Raises TimeoutError if a clock of the exchange fires before it, and the error that the take ended with.
        """
        step = self._steps[self._next]
        comes, deadline = self._at + step.after, self._deadline()
        if deadline is not None and deadline < comes:
            raise TimeoutError
        if isinstance(step, End):
            error = step.error  # it stays the next one: whoever reads on gets it again
            if error is not None:
                raise error
            return b""
        self._at = comes
        self._next += 1
        match step:
            case Mark():
                self._tell(step.what)
                return None
            case Piece():
                return step.data
        return step

    def _deadline(self) -> float | None:
        deadline = self._exchange.deadline
        if self._connect is None or self._exchange.state is not State.SENT:
            return deadline
        return self._connect if deadline is None else min(self._connect, deadline)

    def _tell(self, what: str) -> None:
        exchange = self._exchange
        match what:
            case "waiting":
                exchange.receive_place(False, self._at)
                self._connect = None
            case "place":
                exchange.receive_place(True, self._at)
            case _:
                exchange.receive_connection(what == "reused", self._at)
                self._connect = None

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


def play(tape: Tape | Deck, exchange: Exchange) -> Iterator[ChatEvent]:
    """Play `tape` to `exchange` in the tape's own time, which is not waited for; gives the events as they come.

    Raises the error that ends the exchange, with the partial reply, and UnmatchedRequest for a request that no take
    answers. A Deck may be played to several exchanges, one after another.
    """
    deck = Deck(tape) if isinstance(tape, Tape) else tape
    now = 0.0
    while True:
        match action := exchange.next_action(now):
            case NeedKey():
                exchange.receive_key(KEY, now)
            case Wait(seconds):
                now += seconds
            case Finish():
                return
            case Send(request):
                reel = Reel(deck.take(request, exchange.provider), exchange, action, now)
                while exchange.under_way:
                    now = max(now, reel.due)
                    yield from reel.feed(now)
