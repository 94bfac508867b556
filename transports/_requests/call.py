"""Call: the request that a thread is sending at the moment. `adapter.py` sets it, `connection.py` looks for it.

It is kept for each thread, as urllib3 stands between adapter and connection and passes no object of ours on. In a
thread that sends no Call, our adapter and our connections do what those of requests and urllib3 do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from sansio_core import Limits, Send

from .._shared.ways import USUAL, Way
from ..http1.request import write
from ..http1.routes import Route
from ..http1.tls import TLSSettings
from .guard import Guard

if TYPE_CHECKING:
    from .connection import Answer


class Call:
    """One request on its way. `data`: its bytes. `answer`: set once the head of its response is in.

    `way`: how a connection is made. `on_connection` is called once there is one, with whether it served before.
    `waited`: the seconds that the request has waited for a place.

    Raises InvalidRequest for a request that HTTP/1.1 cannot carry.
    """

    def __init__(
        self,
        action: Send,
        route: Route,
        guard: Guard,
        tls: TLSSettings,
        limits: Limits,
        way: Way = USUAL,
        on_connection: Callable[[bool], None] | None = None,
        waited: float = 0.0,
    ) -> None:
        self.started = monotonic()
        self.request = action.request
        # The clock for connecting did not run while a place was waited for.
        self.connect_deadline = None if action.connect_deadline is None else action.connect_deadline + waited
        self.fresh = action.fresh
        self.route = route
        self.data = write(action.request, route)
        self.guard = guard
        self.tls = tls
        self.limits = limits
        self.way = way
        self.on_connection = on_connection
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
