"""What a thread of the blocking transport is sending at this moment. Our adapter sets it, our connections look for it.

urllib3 stands between the two, and hands nothing of ours through. Where a thread sends nothing of ours, our connections
and our adapter do what urllib3's and requests' own do.
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
    """One request on its way: `data` are its bytes. `answer` is there once the head of its response is in.

    Raises InvalidRequest for what HTTP/1.1 cannot carry.
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
        """As our adapter takes them: the credentials are the tunnel's and the request's, and nobody else's."""
        self.answer: Answer | None = None

    @property
    def timeout(self) -> tuple[float | None, float | None]:
        """As an adapter that is not ours takes it: what remains for connecting, and for each receive."""
        left = self.guard.left()
        if self.connect_deadline is None:
            return left, left
        connect = max(self.connect_deadline - self.started, 0.001)
        return (connect if left is None else min(connect, left)), left


class _Threads(threading.local):
    call: Call | None = None


_here = _Threads()


def current() -> Call | None:
    """The call that this thread is sending, if it is one of ours."""
    return _here.call


def begin(call: Call | None) -> Call | None:
    """From now on `call` is what this thread sends; gives what it was, to be set again at the end.

    (A signal handler, or a log's, may send something else in the midst of it.)
    """
    before, _here.call = _here.call, call
    return before
