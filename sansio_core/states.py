"""The actions of an exchange, its states, what it may be told in each of them, and which states may follow.

    READY           next_action                 → SENT, KEYLESS, FAILED
                    receive_failure(Cancelled)  → FAILED
    KEYLESS         receive_key                 → READY, FAILED
                    receive_failure             → FAILED
                    receive_failure(Cancelled)  → FAILED
    WAITING         next_action                 → READY, FAILED
                    receive_failure(Cancelled)  → FAILED
    SENT            receive_head                → STREAM, SETUP, ERROR_RESPONSE, READY, FAILED
                    receive_failure             → READY, WAITING, FAILED
                    receive_failure(Cancelled)  → FAILED
    SETUP           receive_data                → FAILED
                    receive_data(b"")           → READY, WAITING, FAILED
                    receive_failure             → WAITING, FAILED
                    receive_failure(Cancelled)  → FAILED
    ERROR_RESPONSE  receive_data                → READY, WAITING, FAILED
                    receive_data(b"")           → READY, WAITING, FAILED
                    receive_failure             → READY, WAITING, FAILED
                    receive_failure(Cancelled)  → FAILED
    STREAM          receive_data                → DRAIN, DONE, READY, WAITING, FAILED
                    receive_data(b"")           → DONE, READY, WAITING, FAILED
                    receive_failure             → DONE, READY, WAITING, FAILED
                    receive_failure(Cancelled)  → DONE, FAILED
    DRAIN           receive_data                → DONE
                    receive_data(b"")           → DONE
                    receive_failure             → DONE
                    receive_failure(Cancelled)  → DONE

In SENT, receive_place and receive_connection are taken as well, and lead nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from .errors import ChatError
from .events import ChatEvent
from .http_request import HttpRequest


@dataclass(frozen=True, slots=True)
class Send:
    """Send `request` and give its response's head to receive_head.

    `connect_deadline` bounds the connecting alone, for transports that can tell (they report TimedOut("connect"); the
    seconds for which one of them waited for a free connection, see receive_place, are added);
    `fresh` asks for a new connection, as a kept-alive one just failed.
    """

    request: HttpRequest
    connect_deadline: float | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class NeedKey:
    """Give receive_key the key for the next request: ask the provider's `api_key`, which is a function of the user's.

    No other provider gives this action.
    """


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for `seconds`, then ask again."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer is complete."""


Action = Send | NeedKey | Wait | Finish


class State(Enum):
    """Where an exchange is."""

    # Enum's own hash is written in Python, and each call looks a state up in a table: 0.1 µs each time.
    __hash__ = object.__hash__

    READY = "ready to send"
    KEYLESS = "waiting for the key"
    WAITING = "waiting to send again"
    SENT = "waiting for a response's head"
    SETUP = "reading the answer to the setup request"
    ERROR_RESPONSE = "reading an error response's body"
    STREAM = "reading the answer"
    DRAIN = "reading the end of the body after the answer"
    DONE = "done"
    FAILED = "failed"


class Input(Enum):
    """What an exchange can be given: a call of one of its methods, told apart by what the call says."""

    __hash__ = object.__hash__

    ACTION = "next_action"
    KEY = "receive_key"
    PLACE = "receive_place"
    CONNECTION = "receive_connection"
    HEAD = "receive_head"
    DATA = "receive_data"
    END = 'receive_data(b"")'
    FAILURE = "receive_failure"  # and receive_timeout
    CANCEL = "receive_failure(Cancelled)"


# An error may be tried again at once (the connection had been kept alive for too long, what the setup request gave is
# stale), or after a delay; or it ends the exchange.
_AFTER_ERROR = (State.READY, State.WAITING, State.FAILED)

EDGES: dict[tuple[State, Input], tuple[State, ...]] = {
    (State.READY, Input.ACTION): (State.SENT, State.KEYLESS, State.FAILED),
    (State.READY, Input.CANCEL): (State.FAILED,),
    (State.KEYLESS, Input.KEY): (State.READY, State.FAILED),
    # No attempt was made yet that could be made again.
    (State.KEYLESS, Input.FAILURE): (State.FAILED,),
    (State.KEYLESS, Input.CANCEL): (State.FAILED,),
    (State.WAITING, Input.ACTION): (State.READY, State.FAILED),
    (State.WAITING, Input.CANCEL): (State.FAILED,),
    (State.SENT, Input.PLACE): (),  # these two change the clocks alone
    (State.SENT, Input.CONNECTION): (),
    # Not WAITING: a head alone fails by its status (below 200, or one that has no content), and no RetryPolicy retries
    # that. READY, as Call.renew may find the setup request's answer stale.
    (State.SENT, Input.HEAD): (State.STREAM, State.SETUP, State.ERROR_RESPONSE, State.READY, State.FAILED),
    (State.SENT, Input.FAILURE): _AFTER_ERROR,
    (State.SENT, Input.CANCEL): (State.FAILED,),
    # The bytes of a page can fail by their number alone, and no RetryPolicy retries a LimitExceeded.
    (State.SETUP, Input.DATA): (State.FAILED,),
    (State.SETUP, Input.END): _AFTER_ERROR,  # READY without an error, too: the question is next
    # Not READY: a connection that failed behind the response's head was not stale (RFC 9112 9.3.1), and no other setup
    # request comes before this one, whose answer could be renewed.
    (State.SETUP, Input.FAILURE): (State.WAITING, State.FAILED),
    (State.SETUP, Input.CANCEL): (State.FAILED,),
    (State.ERROR_RESPONSE, Input.DATA): _AFTER_ERROR,
    (State.ERROR_RESPONSE, Input.END): _AFTER_ERROR,
    (State.ERROR_RESPONSE, Input.FAILURE): _AFTER_ERROR,  # the status said enough
    (State.ERROR_RESPONSE, Input.CANCEL): (State.FAILED,),
    # DONE without DRAIN: a clock has fired behind the proven end, while the peer sends without a pause.
    (State.STREAM, Input.DATA): (State.DRAIN, State.DONE, *_AFTER_ERROR),
    (State.STREAM, Input.END): (State.DONE, *_AFTER_ERROR),
    (State.STREAM, Input.FAILURE): (State.DONE, *_AFTER_ERROR),  # DONE where the answer's end was proven before
    # DONE: a user who cancels behind the proven end has the whole answer.
    (State.STREAM, Input.CANCEL): (State.DONE, State.FAILED),
    # Whatever happens in DRAIN, the answer is whole: a failure costs no more than the connection.
    (State.DRAIN, Input.DATA): (State.DONE,),
    (State.DRAIN, Input.END): (State.DONE,),
    (State.DRAIN, Input.FAILURE): (State.DONE,),
    (State.DRAIN, Input.CANCEL): (State.DONE,),
    (State.DONE, Input.ACTION): (),
    (State.DONE, Input.FAILURE): (),  # it comes too late and changes nothing
    (State.DONE, Input.CANCEL): (),
    (State.FAILED, Input.ACTION): (),
    (State.FAILED, Input.FAILURE): (),
    (State.FAILED, Input.CANCEL): (),
}
"""The states that may follow a state on an input. A pair that is not here is the caller's mistake."""

# By the state alone, as Exchange._to, which checks each step, does not know the input.
NEXT: dict[State, frozenset[State]] = {
    state: frozenset(to for (at, _), following in EDGES.items() if at is state for to in following) for state in State
}
ANSWERING = frozenset((State.STREAM, State.DRAIN, State.DONE))
READING = frozenset(state for state in State if (state, Input.DATA) in EDGES)


class Handlers(NamedTuple):
    """The methods of Exchange that handle each input in one state; None where giving it is the caller's mistake."""

    action: Callable[[Any, float], Action] | None = None
    head: Callable[[Any, int, float], None] | None = None
    data: Callable[[Any, Any, float], list[ChatEvent]] | None = None
    end: Callable[[Any, ChatError | None, float], list[ChatEvent]] | None = None
    """The body's end; a failure is the other way that a body ends, and comes with its error."""
    failure: Callable[[Any, ChatError, float], list[ChatEvent]] | None = None
    """Where no body is read."""
    cancel: Callable[[Any, ChatError, float], list[ChatEvent]] | None = None
