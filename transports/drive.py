"""The two loops between an exchange and a wire, side by side; they are the same but for `async` and `await`.

They decide nothing: whatever would have to be decided here belongs in Exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from sansio_core import ChatError, ChatEvent, Exchange, Finish, NeedKey, Send, Wait

from ._shared.keys import agive_key, give_key

Head = tuple[int, list[tuple[str, str]]]
"""A response's status, and its header fields with their names in lower case."""


class BothWires(Protocol):
    """What a Wire and an AWire have alike."""

    @property
    def abandoned(self) -> bool:
        """Whether this process was forked while the stream was open: then its connection is the parent's."""
        ...

    def now(self) -> float:
        """The clock of all deadlines, in seconds."""
        ...

    def check_place(self) -> None:
        """Raises StreamMisused in a process or event loop other than the one that began this stream."""

    def leave(self) -> None:
        """Drop the current response: its connection is kept if it may serve another request, else closed."""

    def close(self) -> None:
        """Close the connection at once."""

    def cancel(self) -> None:
        """Have the call under way, and all later ones, raise Cancelled. Any thread may call it."""


class Wire(BothWires, Protocol):
    """Moves the bytes of one stream, blocking. A call that passes its deadline raises TimeoutError.

    `call` gives what `function` gives; nothing interrupts that.
    """

    def send(self, action: Send, deadline: float | None) -> Head: ...
    def read(self, deadline: float | None) -> bytes: ...
    def sleep(self, seconds: float) -> None: ...
    def call(self, function: Callable[[], Any], deadline: float | None) -> Any: ...


class AWire(BothWires, Protocol):
    """The same for asyncio. `call` awaits what `function` gives, until the deadline passes."""

    async def send(self, action: Send, deadline: float | None) -> Head: ...
    async def read(self, deadline: float | None) -> bytes: ...
    async def sleep(self, seconds: float) -> None: ...
    async def call(self, function: Callable[[], Any], deadline: float | None) -> Any: ...


def drive(exchange: Exchange, wire: Wire, *, to_head: bool = False) -> list[ChatEvent]:
    """Drive until there are events to deliver; an empty list is the end. Raises the error that ended the exchange.

    With `to_head`, only until the answer's head is in, and not at all where it is.
    """
    while not (to_head and exchange.answering):
        action = None if exchange.reading else exchange.next_action(wire.now())
        if type(action) is NeedKey:  # not within the `try`: what the user's function raises is no failure of the wire
            give_key(exchange, wire)
            continue
        events: list[ChatEvent] = []
        try:
            match action:
                case None:
                    events = exchange.receive_data(wire.read(exchange.deadline), wire.now())
                case Send():
                    wire.leave()  # the response before, of a redirect or a setup request: this may reuse its connection
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
    return []


async def adrive(exchange: Exchange, wire: AWire, *, to_head: bool = False) -> list[ChatEvent]:
    """Drive until there are events to deliver; an empty list is the end. Raises the error that ended the exchange.

    With `to_head`, only until the answer's head is in, and not at all where it is.
    """
    while not (to_head and exchange.answering):
        action = None if exchange.reading else exchange.next_action(wire.now())
        if type(action) is NeedKey:  # not within the `try`: what the user's function raises is no failure of the wire
            await agive_key(exchange, wire)
            continue
        events: list[ChatEvent] = []
        try:
            match action:
                case None:
                    events = exchange.receive_data(await wire.read(exchange.deadline), wire.now())
                case Send():
                    wire.leave()  # the response before, of a redirect or a setup request: this may reuse its connection
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
    return []
