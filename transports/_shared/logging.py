"""What both clients log, through the standard `logging`, to three loggers; each stream's wire goes through `logged`.

    transports.calls    INFO   each attempt, response, wait and end: provider, status, request id, seconds
    transports.wire     DEBUG  header fields (secret ones redacted), and how many bytes were sent and received
    transports.bodies   DEBUG  the bodies; its level must be set on this logger itself

Each record has the attributes `call` (the number of the question in this process: it tells the lines of one stream
from those of others), `provider`, `attempt`, `status` and `request_id`. No line holds a key, a cookie, a nonce, or an
error's text, which may quote a peer. No line is logged for a single event. A stream that began while no logger was
enabled logs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from time import monotonic
from typing import Any

from sansio_core import Exchange, HTTPStatusError, Send, State, TimedOut
from sansio_core.errors import ChatError
from sansio_core.redact import redact, redact_field, redact_url

from ..drive import AWire, BothWires, Head, Wire

CALLS = logging.getLogger("transports.calls")
WIRE = logging.getLogger("transports.wire")
BODIES = logging.getLogger("transports.bodies")

logging.getLogger("transports").addHandler(logging.NullHandler())
BODIES.setLevel(logging.CRITICAL + 1)  # off even where the root logger has DEBUG: questions and answers are private

_numbers = count(1)


def logged(exchange: Exchange, wire: Wire) -> Wire:
    """`wire`, in a wrapper that logs its bytes if a logger for them is enabled; also logs the exchange's states."""
    log = _log(exchange)
    return wire if log is None else _LoggedWire(wire, log)


def alogged(exchange: Exchange, wire: AWire) -> AWire:
    """The same for asyncio."""
    log = _log(exchange)
    return wire if log is None else _ALoggedWire(wire, log)


def _log(exchange: Exchange) -> _Log | None:
    """Has the exchange's states logged if a logger is enabled; returns the log if one for bytes is enabled."""
    about_bytes = WIRE.isEnabledFor(logging.DEBUG) or BODIES.isEnabledFor(logging.DEBUG)
    if not about_bytes and not CALLS.isEnabledFor(logging.INFO):
        return None
    log = _Log(exchange)
    exchange.on_state_change = log.changed
    return log if about_bytes else None


class _Log:
    """The lines of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._number = next(_numbers)
        self._began = self._sent = monotonic()

    def changed(self) -> None:
        """Log the state that the exchange has just entered."""
        exchange = self._exchange
        now = monotonic()
        match exchange.state:
            case State.SENT if exchange.request is not None:
                self._sent = now
                request = exchange.request
                self._say("attempt %d: %s %s", exchange.attempts, request.method, redact_url(request.url))
            case State.STREAM | State.SETUP | State.ERROR_RESPONSE:
                self._say("status %s after %.3f s", exchange.status, now - self._sent)
            case State.WAITING:
                self._say("attempt %d failed (%s): again in %.3f s", exchange.attempts, self._error(), exchange.delay)
            case State.DONE:
                self._say("complete after %.3f s, %d characters", now - self._began, len(exchange.reply.text))
            case State.FAILED:
                self._say("failed after %.3f s (%s)", now - self._began, self._error())

    def _error(self) -> str:
        """The error's class and figures, without its text, which may quote the peer."""
        match self._exchange.error:
            case HTTPStatusError(status=status) as error if status is not None:
                return f"{type(error).__name__}, status {status}"
            case TimedOut(clock=clock):
                return f"TimedOut, the {clock} clock"
            case error:
                return type(error).__name__

    def _say(self, message: str, *values: Any) -> None:
        exchange = self._exchange
        request_id = exchange.reply.request_id
        extra = {
            "call": self._number, "provider": exchange.provider.info.name, "attempt": exchange.attempts,
            "status": exchange.status, "request_id": request_id,
        }  # fmt: skip
        begin, end = "call %d (%s): ", " [request id %s]" if request_id else ""
        about = (request_id,) if request_id else ()
        CALLS.info(begin + message + end, self._number, exchange.provider.info.name, *values, *about, extra=extra)

    # --- bytes; called by the wrappers

    def sends(self, action: Send) -> None:
        request = action.request
        fields = ", ".join(f"{name}: {value}" for name, value in request.redacted_headers)
        WIRE.debug("call %d: sends %d bytes; %s", self._number, len(request.body), fields)
        self._body("sends", request.body)

    def heads(self, head: Head) -> None:
        fields = ", ".join(f"{name}: {_redacted_field(name, value)}" for name, value in head[1])
        WIRE.debug("call %d: gets status %d; %s", self._number, head[0], self._redacted(fields))

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
            BODIES.debug("call %d: %s %s", self._number, what, self._redacted(data.decode("utf-8", "backslashreplace")))

    def _redacted(self, text: str) -> str:
        return redact(text, self._exchange.secrets)


def _redacted_field(name: str, value: str) -> str:
    """The value of a response's header field without secrets."""
    if name not in ("location", "content-location", "link", "refresh"):  # those hold URLs, which may have keys in them
        return redact_field(name, value)
    try:
        return redact_url(value) if name.endswith("location") else "[hidden]"
    except ValueError:
        return "[hidden]"


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
