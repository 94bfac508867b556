"""Call: the request that a thread is sending at the moment. `adapter.py` sets it, `connection.py` looks for it.

It is kept for each thread, as urllib3 stands between adapter and connection and passes no object of ours on. In a
thread that sends no Call, our adapter and our connections do what those of requests and urllib3 do.
"""

from __future__ import annotations

import threading
from time import monotonic
from typing import TYPE_CHECKING

from sansio_core import Limits, Send

from ..http1.request import write
from ..http1.routes import Route
from ..http1.tls import TLSSettings
from .guard import Guard

if TYPE_CHECKING:
    from .connection import Answer


class Call:
    """One request on its way. `data`: its bytes. `answer`: set once the head of its response is in.

    Raises InvalidRequest for a request that HTTP/1.1 cannot carry.
    """

    def __init__(self, action: Send, route: Route, guard: Guard, tls: TLSSettings, limits: Limits) -> None:
        self.started = monotonic()
        self.request = action.request
        self.connect_deadline = action.connect_deadline
        self.fresh = action.fresh
        self.route = route
        self.data = write(action.request, route)
        self.guard = guard
        self.tls = tls
        self.limits = limits
        self.proxies = {"all": str(route.proxy)} if route.proxy else {}
        """For our adapter, without credentials: only the tunnel, or a request that the proxy forwards, has those."""
        self.answer: Answer | None = None

    @property
    def timeout(self) -> tuple[float | None, float | None]:
        """For an adapter that is not ours: the seconds that remain for connecting, and for each receive."""
        left = self.guard.left()
        if self.connect_deadline is None:
            return left, left
        connect = max(self.connect_deadline - self.started, 0.001)
        return (connect if left is None else min(connect, left)), left


class _Threads(threading.local):
    call: Call | None = None


_here = _Threads()


def current() -> Call | None:
    """The call that this thread is sending, or None."""
    return _here.call


def begin(call: Call | None) -> Call | None:
    """Make `call` the one that this thread sends; returns the one before, which must be set again at the end.

    There is one before where a signal handler, or a logging handler, sends a request in the middle of another.
    """
    before, _here.call = _here.call, call
    return before
