"""The log's lines about a question's course, from the notices of its exchange; logging.py says what a line carries."""

from __future__ import annotations

from logging import Logger
from typing import Any

from sansio_core import Cancelled, ChatError, Exchange, HTTPStatusError, TimedOut
from sansio_core.dialects.error_mapping import request_id
from sansio_core.observer import AttemptBegan, Ended, HeadReceived, Notice, PlaceAwaited, Waiting


class Course:
    """An observer: logs the course of the question `number` to `logger`."""

    def __init__(self, number: int, logger: Logger) -> None:
        self._number = number
        self._info = logger.info
        # Those of the last response of this attempt: the exchange still has those of an earlier attempt's.
        self._status: int | None = None
        self._request_id: str | None = None

    def __call__(self, exchange: Exchange, notice: Notice) -> None:
        match notice:
            case AttemptBegan(attempt, _, request):
                self._status = self._request_id = None
                variable = exchange.provider.base_url_from if attempt == 1 else None
                where = request.url + (f" (base URL from {variable})" if variable else "")
                self._say(exchange, None, "attempt %d: %s %s", attempt, request.method, where)
            case PlaceAwaited(None):
                self._say(exchange, None, "waits for a free connection (see max_connections=)")
            case PlaceAwaited(seconds):
                self._say(exchange, seconds, "has a connection's place after %.3f s", seconds)
            case HeadReceived(status, headers, seconds):
                self._status, self._request_id = status, request_id(headers)
                self._say(exchange, seconds, "status %s after %.3f s", status, seconds)
            case Waiting(seconds, error, attempt, _):
                self._say(exchange, seconds, "attempt %d failed (%s): again in %.3f s", attempt, kind(error), seconds)
            case Ended(seconds, None, reply):
                self._say(exchange, seconds, "complete after %.3f s, %d characters", seconds, len(reply.text))
            case Ended(seconds, error, _):
                self._say(exchange, seconds, "failed after %.3f s (%s)", seconds, kind(error))

    def _say(self, exchange: Exchange, seconds: float | None, message: str, *values: Any) -> None:
        name, about = exchange.provider.info.name, (self._request_id,) if self._request_id else ()
        extra = {
            "call": self._number, "provider": name, "attempt": exchange.attempts, "status": self._status,
            "request_id": self._request_id, "seconds": seconds,
        }  # fmt: skip
        begin, end = "call %d (%s): ", " [request id %s]" if about else ""
        self._info(begin + message + end, self._number, name, *values, *about, extra=extra)


def kind(error: ChatError | None) -> str:
    """The error's class and figures, without its text, which may quote the peer."""
    match error:
        case HTTPStatusError(status=status) if status is not None:
            return f"{type(error).__name__}, status {status}"
        case TimedOut(clock=clock):
            return f"TimedOut, the {clock} clock"
        case Cancelled(__cause__=Exception() as cause):
            return f"Cancelled by {type(cause).__name__}"
        case _:
            return type(error).__name__
