"""The actions of an exchange, its states, and which may follow which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .http_request import HttpRequest


@dataclass(frozen=True, slots=True)
class Send:
    """Send `request` and give its response's head to receive_head.

    `connect_deadline` bounds the connecting alone, for transports that can tell (they report TimedOut("connect"));
    `fresh` asks for a new connection, as a kept-alive one just failed.
    """

    request: HttpRequest
    connect_deadline: float | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for `seconds`, then ask again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer is complete."""


Action = Send | Wait | Finish


class State(Enum):
    """Where an exchange is."""

    __hash__ = object.__hash__  # enum's own is written in Python, and each change of state asks for it thrice: 0.2 µs

    READY = "ready to send"
    WAITING = "waiting to send again"
    SENT = "waiting for a response's head"
    SETUP = "reading the setup request's answer"
    ERROR_RESPONSE = "reading an error response's body"
    STREAM = "reading the answer"
    DRAIN = "reading the end of the body after the answer"
    DONE = "done"
    FAILED = "failed"


NEXT: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.SENT, State.FAILED}),
    State.WAITING: frozenset({State.READY, State.FAILED}),
    State.SENT: frozenset(
        {State.SETUP, State.ERROR_RESPONSE, State.STREAM, State.READY, State.WAITING, State.FAILED}
    ),
    State.SETUP: frozenset({State.READY, State.WAITING, State.FAILED}),
    State.ERROR_RESPONSE: frozenset({State.READY, State.WAITING, State.FAILED}),
    State.STREAM: frozenset({State.DRAIN, State.DONE, State.READY, State.WAITING, State.FAILED}),
    State.DRAIN: frozenset({State.DONE, State.FAILED}),
    State.DONE: frozenset(),
    State.FAILED: frozenset(),
}  # fmt: skip
READING = frozenset({State.SETUP, State.ERROR_RESPONSE, State.STREAM, State.DRAIN})
