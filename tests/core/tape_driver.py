"""A live run without a network: a peer and a client with a schedule, recorded, to be played afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from exchange_driver import SSE

from sansio_core import Cancelled, ChatError, ChatEvent, Exchange, Finish, NeedKey, Send, TimedOut, Wait
from sansio_core.tape import Deck, Recording, Take, Tape, play


@dataclass(frozen=True)
class H:
    """The head of a response."""

    status: int = 200
    headers: Sequence[tuple[str, str]] = SSE


@dataclass(frozen=True)
class Busy:
    """The client is busy elsewhere."""


CLOSE = object()
"""The client closes the stream."""
Step = tuple[float, Any]
"""The seconds since the step before, and what comes: a word of a Mark, H, bytes, an error, Busy, CLOSE."""


class Live:
    """Drives `exchange` over `responses`, one for each request, by a clock of its own, and records it."""

    # `sent`: how many of them were asked for; they begin anew at their end.

    def __init__(self, exchange: Exchange, responses: Sequence[Sequence[Step]], start: float = 1000.0) -> None:
        self.exchange = exchange
        self.events: list[ChatEvent] = []
        self.takes: list[Take] = []
        self.recording = Recording(exchange)
        self.now = start
        self.error: ChatError | None = None
        self.sent = 0
        try:
            while not isinstance(action := exchange.next_action(self.now), Finish):
                match action:
                    case Send():
                        self.respond(action, responses[self.sent % len(responses)])
                    case Wait(seconds):
                        self.now += seconds
                    case NeedKey():
                        exchange.receive_key(exchange.provider.api_key(), self.now)  # type: ignore[operator]
        except ChatError as error:
            self.error = error
        self.end()

    @property
    def tape(self) -> Tape:
        tape = Tape.of(self.takes)
        assert Tape.loads(tape.dumps()) == tape
        return tape

    def end(self) -> None:
        take = self.recording.take(self.now)
        if take is not None:
            self.takes.append(take)

    def respond(self, action: Send, steps: Sequence[Step]) -> None:
        self.end()
        self.sent += 1
        self.recording.sent(action.request, self.now)
        comes, waits_since, connect = self.now, 0.0, action.connect_deadline
        for gap, what in steps:
            comes += gap
            if not self.exchange.under_way:
                break
            if isinstance(what, Busy):
                self.now = comes
            elif isinstance(what, TimedOut):  # of a clock that the wire itself looks after
                self.now = comes
                self.fail(what)
            elif not self.wait(comes, None if waits_since or self.exchange.reading else connect):
                break
            elif what == "waiting":
                waits_since = self.now
                self.exchange.receive_place(False, self.now)
            elif what == "place":
                connect = None if connect is None else connect + self.now - waits_since
                waits_since = 0.0
                self.exchange.receive_place(True, self.now)
            elif what in ("connected", "reused"):
                connect = None
                self.exchange.receive_connection(what == "reused", self.now)
            else:
                self.receive(what)

    def wait(self, comes: float, connect: float | None) -> bool:
        """As a socket does: what is there is given, however late it is. Returns whether it came."""
        deadline = self.exchange.deadline
        first = min(comes, *(when for when in (deadline, connect) if when is not None), comes)
        if comes <= max(first, self.now):
            self.now = max(comes, self.now)
            return True
        self.now = max(first, self.now)
        if connect is not None and first == connect:  # the clients' wires look after this clock themselves
            self.fail(TimedOut("connect", self.exchange.timeouts.connect))
            return False
        self.recording.failed(TimeoutError(), self.now)
        self.events += self.exchange.receive_timeout(self.now)
        return False

    def receive(self, what: Any) -> None:
        exchange, recording, now = self.exchange, self.recording, self.now
        if isinstance(what, H):
            recording.head(what.status, tuple(what.headers), now)
            exchange.receive_head(what.status, what.headers, now)
        elif isinstance(what, bytes):
            recording.data(what, now)
            self.events += exchange.receive_data(what, now)
        elif what is CLOSE:
            recording.failed(GeneratorExit(), now)
            self.events += exchange.receive_failure(Cancelled("the stream was closed before its end"), now)
        else:
            self.fail(what)

    def fail(self, error: ChatError) -> None:
        self.recording.failed(error, self.now)
        self.events += self.exchange.receive_failure(error, self.now)


def played(tape: Tape | Deck, exchange: Exchange) -> tuple[list[ChatEvent], ChatError | None]:
    """The events and the error that playing gives."""
    events: list[ChatEvent] = []
    try:
        events.extend(play(tape, exchange))
    except ChatError as error:
        return events, error
    return events, None


def seen(exchange: Exchange, events: list[ChatEvent], error: ChatError | None) -> dict[str, Any]:
    """All that a user can see of an exchange but the seconds."""
    reply = exchange.reply.to_dict()
    reply.pop("elapsed")
    return {
        "events": [event.to_dict() for event in events],
        "error": None if error is None else (type(error), str(error), error.to_dict(), error.attempts),
        "reply": reply,
        "state": exchange.state,
        "attempts": exchange.attempts,
    }


def same(make: Callable[[], Exchange], *responses: Sequence[Step], all_asked: bool = True) -> Live:
    """Record one exchange, play another: what is seen of both is the same. Returns the live one."""
    live = Live(make(), responses)
    assert live.sent == len(responses) or not all_asked
    deck, exchange = Deck(live.tape), make()
    events, error = played(deck, exchange)
    assert seen(exchange, events, error) == seen(live.exchange, live.events, live.error)
    assert deck.unused == ()
    ours, theirs = exchange.reply.elapsed, live.exchange.reply.elapsed
    assert (ours is None) is (theirs is None)
    if ours is not None and theirs is not None:
        assert abs(ours - theirs) < 0.0011 * len(live.takes), "but for what rounding takes away"
    return live
