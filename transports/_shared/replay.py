"""Replay: a tape that answers in place of the network, and the two wires that play it.

At speed 0 each wire has the tape's own time: its `now` goes on by the taped gaps and by the waits for a retry, and
nothing sleeps. At another speed `now` runs that many times as fast as the client's clock, so that all clocks and waits
keep their proportion.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sansio_core import Cancelled, Exchange, InvalidRequest, Send, State
from sansio_core.errors import safe_repr
from sansio_core.tape import BrokenTape, Deck, Reel, Take, Tape, UnmatchedRequest
from sansio_core.tape.model import Head as TapedHead
from sansio_core.tape.play import KEY
from sansio_core.timing import within

from ..drive import AWire, BothWires, Head, Wire
from .taping import active
from .ways import PathLike

_FASTEST = 1e6
_LOOK = 0.001
"""Seconds, real ones, between two looks at whether another call is done: the tape does not say how long that takes."""
_YIELD = 32
"""After so many pieces that were due at once, other tasks have their turn."""


def load(path: PathLike) -> Tape:
    """The tape in a file. Raises OSError, BrokenTape with the file's name, and InvalidRequest for what is no path."""
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidRequest(f"tape must be the path of a file, a Tape or a Deck, not {safe_repr(path)}")
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        how = "no such tape: record one, with tapes.record(…) or stream(…, record=…)"
        raise FileNotFoundError(errno.ENOENT, how, str(path)) from None
    try:
        return Tape.loads(data)
    except BrokenTape as error:
        error.path = str(path)
        raise


def deck_of(tape: PathLike | Tape | Deck, ignore: Iterable[str] = ()) -> Deck:
    """The deck of a file or a tape; a Deck as it is, which has its own `ignore`. Raises OSError, BrokenTape."""
    if isinstance(tape, Deck):
        if ignore:
            raise InvalidRequest("ignore= has no say in a Deck that is made already: Deck(tape, ignore=…)")
        return tape
    return Deck(tape if isinstance(tape, Tape) else load(tape), ignore=ignore)


def checked_speed(speed: float) -> float:
    """`speed`. Raises InvalidRequest."""
    if not within(speed, _FASTEST):
        raise InvalidRequest(
            f"speed must be a number from 0 to {_FASTEST:g}, not {safe_repr(speed)}: 0 waits for nothing, "
            "1 is as recorded, 2 twice as fast"
        )
    return speed


class Replay:
    """Answers the requests of every client of this process from a tape, while the `with` lasts; nothing is sent.

    `deck`: the takes. `unused`: those that answered no request so far. `unmatched`: the UnmatchedRequest of each
    request that no take answers. The streams that begin within the `with` go on when it is left.
    """

    plays = True

    def __init__(self, tape: PathLike | Tape | Deck, *, speed: float = 0, ignore: Iterable[str] = ()) -> None:
        self.speed = checked_speed(speed)
        self.deck = deck_of(tape, ignore)

    def __repr__(self) -> str:
        return f"<Replay at speed {self.speed:g}: {len(self.unused)} unused, {len(self.unmatched)} unmatched>"

    @property
    def unused(self) -> tuple[Take, ...]:
        """The takes that answered no request so far."""
        return self.deck.unused

    @property
    def unmatched(self) -> list[UnmatchedRequest]:
        """The errors of the requests that no take answers, also where the code under test has caught them."""
        return self.deck.unmatched

    def wire(self, exchange: Exchange, wire: Wire) -> Wire:
        """A wire that plays the tape in place of `wire`."""
        return _ReplayingWire(self, exchange, wire)

    def awire(self, exchange: Exchange, wire: AWire) -> AWire:
        """The same for asyncio."""
        return _AReplayingWire(self, exchange, wire)

    def __enter__(self) -> Self:
        active.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(ValueError):  # it was left already
            active.remove(self)


class _OwnTime:
    """The tape's own time: it goes on by what is waited for, at once."""

    def __init__(self, real: Callable[[], float]) -> None:
        self._real = real
        self._now: float | None = None  # asyncio's clock is the running loop's: there may be none yet

    def now(self) -> float:
        if self._now is None:
            self._now = self._real()
        return self._now

    def until(self, when: float) -> float:
        """The real seconds to wait until `when`."""
        self._now = max(self.now(), when)
        return 0.0


class _Paced:
    """A clock that runs `speed` times as fast as the real one."""

    def __init__(self, real: Callable[[], float], speed: float) -> None:
        self._real, self._speed = real, speed
        self._began: float | None = None

    def now(self) -> float:
        real = self._real()
        if self._began is None:
            self._began = real
        return self._began + (real - self._began) * self._speed

    def until(self, when: float) -> float:
        """The real seconds to wait until `when`."""
        return (when - self.now()) / self._speed


class _Replaying:
    """What both replaying wires do: the time, and the reel of the take that is played.

    The client's own wire opens no connection: it waits, and knows of cancel(), close(), forks and event loops.
    """

    def __init__(self, replay: Replay, exchange: Exchange, wire: BothWires) -> None:
        self._replay, self._exchange, self._base = replay, exchange, wire
        self._clock = _Paced(wire.now, replay.speed) if replay.speed else _OwnTime(wire.now)
        self._reel: Reel | None = None
        self.now, self.check_place, self.cancel = self._clock.now, wire.check_place, wire.cancel

    @property
    def abandoned(self) -> bool:
        return self._base.abandoned

    def leave(self) -> None:
        self._reel = None

    def close(self) -> None:
        self._reel = None
        self._base.close()

    def _begin(self, action: Send, now: float) -> Reel:
        take = self._replay.deck.take(action.request, self._exchange.provider)
        self._reel = reel = Reel(take, self._exchange, action, now)
        return reel

    def _playing(self) -> Reel:
        if self._reel is None:
            raise Cancelled("the stream was closed")
        return self._reel

    def _pause(self, seconds: float) -> float:
        """The real seconds that a wait of the exchange takes."""
        # READY: it is no retry's wait, but for what another call fetches, perhaps in another thread, which must get on.
        if not self._replay.speed and self._exchange.state is State.READY:
            return self._clock.until(self.now() + _LOOK) + _LOOK
        return self._clock.until(self.now() + seconds)


class _ReplayingWire(_Replaying):
    """A blocking wire that plays a tape."""

    def __init__(self, replay: Replay, exchange: Exchange, wire: Wire) -> None:
        super().__init__(replay, exchange, wire)
        self._wire = wire

    def send(self, action: Send, deadline: float | None) -> Head:
        now = self.now()  # the tape runs from here on, however long it takes to find the take
        self._wire.sleep(0)  # from here on the client's close() ends this stream
        reel = self._begin(action, now)
        while (step := self._step(reel)) is None:
            pass
        return _head(step)

    def read(self, deadline: float | None) -> bytes:
        reel = self._playing()
        while not isinstance(step := self._step(reel), bytes):
            pass
        return step

    def _step(self, reel: Reel) -> TapedHead | bytes | None:
        since = self.now()
        seconds = self._clock.until(reel.due)
        if seconds > 0:
            self._wire.sleep(seconds)
        else:
            self._wire.call(_key, None)  # raises Cancelled
        return reel.step(since)

    def sleep(self, seconds: float) -> None:
        self._wire.sleep(max(self._pause(seconds), 0))

    def call(self, function: Callable[[], Any], deadline: float | None) -> Any:
        return self._wire.call(_key, None)


class _AReplayingWire(_Replaying):
    """The same for asyncio."""

    def __init__(self, replay: Replay, exchange: Exchange, wire: AWire) -> None:
        super().__init__(replay, exchange, wire)
        self._wire = wire
        self._at_once = 0

    async def send(self, action: Send, deadline: float | None) -> Head:
        now = self.now()  # the tape runs from here on, however long it takes to find the take
        await self._wire.sleep(0)  # from here on the client's close() ends this stream
        reel = self._begin(action, now)
        while (step := await self._step(reel)) is None:
            pass
        return _head(step)

    async def read(self, deadline: float | None) -> bytes:
        reel = self._playing()
        while not isinstance(step := await self._step(reel), bytes):
            pass
        return step

    async def _step(self, reel: Reel) -> TapedHead | bytes | None:
        since = self.now()
        seconds = self._clock.until(reel.due)
        self._at_once = 0 if seconds > 0 else self._at_once + 1
        if seconds > 0 or self._at_once % _YIELD == 0:
            await self._wire.sleep(max(seconds, 0))
        else:
            await self._wire.call(_akey, None)  # raises Cancelled
        return reel.step(since)

    async def sleep(self, seconds: float) -> None:
        await self._wire.sleep(max(self._pause(seconds), 0))

    async def call(self, function: Callable[[], Any], deadline: float | None) -> Any:
        return await self._wire.call(_akey, None)


def _head(step: TapedHead | bytes) -> Head:
    assert isinstance(step, TapedHead), "a take has a head before its body"
    return step.status, list(step.headers)


def _key() -> str:
    return KEY


async def _akey() -> str:
    return KEY
