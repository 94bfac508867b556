"""What both clients log, through the standard `logging`, to three loggers.

    transports.calls    INFO   each attempt, response, wait and end: an observer of the exchange writes it, course.py
    transports.wire     DEBUG  header fields (secret ones redacted), and how many bytes were sent and received
    transports.bodies   DEBUG  the bodies; its level must be set on this logger itself

Each record of `transports.calls` has these attributes, for a formatter or a handler that writes JSON:

    call         int           the number of the question in this process: it tells the lines of one stream from others'
    provider     str           the provider's name
    attempt      int           the number of the attempt, from 1; 0 where the question ended before any
    status       int | None    the status of the attempt's last response; None before there is one
    request_id   str | None    the provider's id of that response
    seconds      float | None  since the request was sent (a response), since the question (an end); of a wait, to come
                               (a retry's) or over (for a free connection)

No line holds a key, a cookie, a nonce, or an error's text, which may quote a peer. No line is logged for a single
event. A stream that began while no logger was enabled logs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from sansio_core import ChatError, Exchange, Send, State
from sansio_core.redact import redact, redact_response

from ..drive import AWire, BothWires, Head, Wire

CALLS = logging.getLogger("transports.calls")
WIRE = logging.getLogger("transports.wire")
BODIES = logging.getLogger("transports.bodies")

logging.getLogger("transports").addHandler(logging.NullHandler())
BODIES.setLevel(logging.CRITICAL + 1)  # off even where the root logger has DEBUG: questions and answers are private

_numbers = count(1)


def logged(exchange: Exchange, wire: Wire) -> Wire:
    """`wire`, in a wrapper that logs its bytes if a logger for them is enabled; the exchange's course is logged too."""
    log = _log(exchange)
    return wire if log is None else _LoggedWire(wire, log)


def alogged(exchange: Exchange, wire: AWire) -> AWire:
    """The same for asyncio."""
    log = _log(exchange)
    return wire if log is None else _ALoggedWire(wire, log)


def _log(exchange: Exchange) -> _Log | None:
    """Has the exchange's course logged if a logger is enabled; returns the log if one for bytes is enabled."""
    about_bytes = WIRE.isEnabledFor(logging.DEBUG) or BODIES.isEnabledFor(logging.DEBUG)
    if not about_bytes and not CALLS.isEnabledFor(logging.INFO):
        return None
    from .course import Course  # imported here: it loads the notices, which few processes need

    number = next(_numbers)
    exchange.observe(Course(number, CALLS))
    return _Log(exchange, number) if about_bytes else None


class _Log:
    """The lines about the bytes of one exchange."""

    def __init__(self, exchange: Exchange, number: int) -> None:
        self._exchange = exchange
        self._number = number

    def sends(self, action: Send) -> None:
        request = action.request
        fields = ", ".join(f"{name}: {value}" for name, value in request.redacted_headers)
        WIRE.debug("call %d: sends %d bytes; %s", self._number, len(request.body), fields)
        self._body("sends", request.body)

    def heads(self, head: Head) -> None:
        fields = ", ".join(f"{name}: {value}" for name, value in redact_response(head[1], self._exchange.secrets))
        WIRE.debug("call %d: gets status %d; %s", self._number, head[0], fields)

    def reads(self, data: bytes) -> None:
        WIRE.debug("call %d: gets %d bytes%s", self._number, len(data), "" if data else " (the body's end)")
        if self._exchange.state is not State.SETUP:  # the response to a setup request holds a nonce
            self._body("gets", data)

    @contextmanager
    def failures(self) -> Iterator[None]:
        try:
            yield
        except (ChatError, TimeoutError) as error:
            WIRE.debug("call %d: %s", self._number, type(error).__name__)
            raise

    def _body(self, what: str, data: bytes) -> None:
        if data and BODIES.isEnabledFor(logging.DEBUG):
            text = redact(data.decode("utf-8", "backslashreplace"), self._exchange.secrets)
            BODIES.debug("call %d: %s %s", self._number, what, text)


class _Wrapper:
    """The methods of a wire that are not logged, passed through."""

    def __init__(self, wire: BothWires, log: _Log) -> None:
        self._wire, self._log = wire, log
        self.now, self.check_place, self.leave = wire.now, wire.check_place, wire.leave
        self.close, self.cancel = wire.close, wire.cancel

    @property
    def abandoned(self) -> bool:
        return self._wire.abandoned


class _LoggedWire(_Wrapper):
    """A blocking wire whose bytes are logged."""

    _wire: Wire

    def __init__(self, wire: Wire, log: _Log) -> None:
        super().__init__(wire, log)
        self.sleep, self.call = wire.sleep, wire.call

    def send(self, action: Send, deadline: float | None) -> Head:
        self._log.sends(action)
        with self._log.failures():
            head = self._wire.send(action, deadline)
        self._log.heads(head)
        return head

    def read(self, deadline: float | None) -> bytes:
        with self._log.failures():
            data = self._wire.read(deadline)
        self._log.reads(data)
        return data


class _ALoggedWire(_Wrapper):
    """The same for asyncio."""

    _wire: AWire

    def __init__(self, wire: AWire, log: _Log) -> None:
        super().__init__(wire, log)
        self.sleep, self.call = wire.sleep, wire.call

    async def send(self, action: Send, deadline: float | None) -> Head:
        self._log.sends(action)
        with self._log.failures():
            head = await self._wire.send(action, deadline)
        self._log.heads(head)
        return head

    async def read(self, deadline: float | None) -> bytes:
        with self._log.failures():
            data = await self._wire.read(deadline)
        self._log.reads(data)
        return data
