"""The two loops between an exchange and a wire, side by side; they are the same but for `async` and `await`.

They decide nothing: what wants to grow here belongs in Exchange. A wire's `check_place` raises StreamMisused where its
stream cannot be read, as it was begun elsewhere; `abandoned` tells that this is a forked process, and the stream the
parent's.
"""

from __future__ import annotations

from typing import Protocol

from sansio_core import ChatError, ChatEvent, Exchange, Finish, Send, Wait

Head = tuple[int, list[tuple[str, str]]]


class Wire(Protocol):
    """What moves one stream's bytes, blocking. Deadlines are in the time of `now`; passing one is TimeoutError."""

    @property
    def abandoned(self) -> bool: ...

    def now(self) -> float: ...
    def check_place(self) -> None: ...
    def send(self, action: Send, deadline: float | None) -> Head: ...
    def read(self, deadline: float | None) -> bytes: ...
    def sleep(self, seconds: float) -> None: ...
    def leave(self) -> None: ...
    def close(self) -> None: ...
    def cancel(self) -> None: ...


class AWire(Protocol):
    """The same for asyncio."""

    @property
    def abandoned(self) -> bool: ...

    def now(self) -> float: ...
    def check_place(self) -> None: ...
    async def send(self, action: Send, deadline: float | None) -> Head: ...
    async def read(self, deadline: float | None) -> bytes: ...
    async def sleep(self, seconds: float) -> None: ...
    def leave(self) -> None: ...
    def close(self) -> None: ...
    def cancel(self) -> None: ...


def drive(exchange: Exchange, wire: Wire) -> list[ChatEvent]:
    """Go on until there are events to hand out; none are the end. Raises what ended the exchange."""
    while True:
        action = None if exchange.reading else exchange.next_action(wire.now())
        events: list[ChatEvent] = []
        try:
            match action:
                case None:
                    events = exchange.receive_data(wire.read(exchange.deadline), wire.now())
                case Send():
                    wire.leave()
                    status, headers = wire.send(action, exchange.deadline)
                    exchange.receive_head(status, headers, wire.now())
                case Wait(seconds):
                    wire.leave()
                    wire.sleep(seconds)
                case Finish():
                    wire.leave()
                    return events
        except TimeoutError:
            events = exchange.receive_timeout(wire.now())
        except ChatError as error:
            events = exchange.receive_failure(error, wire.now())
        if events:
            return events


async def adrive(exchange: Exchange, wire: AWire) -> list[ChatEvent]:
    """Go on until there are events to hand out; none are the end. Raises what ended the exchange."""
    while True:
        action = None if exchange.reading else exchange.next_action(wire.now())
        events: list[ChatEvent] = []
        try:
            match action:
                case None:
                    events = exchange.receive_data(await wire.read(exchange.deadline), wire.now())
                case Send():
                    wire.leave()
                    status, headers = await wire.send(action, exchange.deadline)
                    exchange.receive_head(status, headers, wire.now())
                case Wait(seconds):
                    wire.leave()
                    await wire.sleep(seconds)
                case Finish():
                    wire.leave()
                    return events
        except TimeoutError:
            events = exchange.receive_timeout(wire.now())
        except ChatError as error:
            events = exchange.receive_failure(error, wire.now())
        if events:
            return events
