"""Connections of the blocking transport: a requests adapter whose pools open, use and keep them under a Guard.

It sits below requests.adapters.HTTPAdapter.send, which stays as it is (what patches that, as `responses` does, patches
ours), and above urllib3's HTTPConnectionPool, which keeps the idle connections. What lies between is replaced: there a
timeout bounds a single receive only, nothing can be cancelled before the head is in, and most of a call's time goes
into merging and parsing header fields.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from ..http1.routes import parse_proxy
from ..http1.tls import TLSSettings
from .connection import Answer, Call, Connection, Route

_ROUTES = 64
"""To how many origins (each with its proxy) idle connections are kept."""
_KEEP = 60.0
"""Seconds that an idle connection is used after: routers forget one without telling its ends."""


class IdleQueue:
    """What urllib3 uses of queue.LifoQueue, without its locks.

    Those are Python code: an exception out of a signal handler, raised inside one, would leave it taken for ever (see
    _requests_guard). Each operation on a deque is atomic.
    """

    def __init__(self, maxsize: int) -> None:
        self._items: deque[Any] = deque()
        self._room = maxsize

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """The connection put back last. Raises queue.Empty; it never waits, as these pools do not block."""
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item: Any, block: bool = False) -> None:
        """Keep a connection. Raises queue.Full."""
        if self.full():
            raise queue.Full
        self._items.append(item)

    def full(self) -> bool:
        """Whether no more are kept."""
        return len(self._items) >= self._room

    def qsize(self) -> int:
        """How many are kept."""
        return len(self._items)


class Pool(HTTPConnectionPool):
    """The kept-alive connections of one route. Safe to share between threads."""

    ConnectionCls = Connection
    QueueCls: Any = IdleQueue

    def __init__(self, route: Route, size: int, tls: TLSSettings) -> None:
        super().__init__(route.host, route.port, maxsize=size)
        self.route = route
        self._tls = tls

    def urlopen(self, *args: Any, timeout: Any = None, **options: Any) -> Any:
        """What HTTPAdapter.send calls; of all that it passes only the Call counts, which is the `timeout`."""
        timeout.answer = self._answer(timeout)
        return timeout.answer

    def _answer(self, call: Call) -> Answer:
        conn = self._get_conn()  # which drops a connection on which something came, or that was ended
        assert isinstance(conn, Connection)
        conn.route = self.route
        guard = call.guard

        def done(keep: bool) -> None:
            pending = getattr(conn.sock, "pending", None)
            if not guard.let_go() or not keep or (pending is not None and pending()):
                conn.close()
            conn.idle_since = monotonic()
            if self.pool is not None and self.pool.full():
                conn.close()  # as urllib3 would, with a warning in the log
            else:
                self._put_conn(conn)

        try:
            if call.fresh or conn.idle_since + _KEEP < monotonic():
                conn.close()
            reused = not conn.is_closed
            if reused:
                guard.hold(conn.sock)
            else:
                conn.open(call, self._tls)
            return conn.ask(call, reused, done)
        except BaseException:
            done(False)
            raise


class Adapter(HTTPAdapter):
    """The adapter of a client's own session."""

    def __init__(self, tls: TLSSettings, pool_size: int) -> None:
        self._tls = tls
        self._size = pool_size
        self._routes: dict[tuple[str, str, str | None], Pool] = {}
        self._lock = threading.RLock()
        super().__init__(pool_connections=1, pool_maxsize=1)

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Mapping[str, str] | None = None, cert: Any = None
    ) -> Pool:
        """The pool for the request's origin, through the one proxy that `proxies` may name."""
        scheme, netloc, *_ = urlsplit(request.url or "")
        proxy = proxies.get("all") if proxies else None
        key = (str(scheme), str(netloc), proxy)
        with self._lock:
            pool = self._routes.get(key)
            if pool is None:
                pool = self._routes[key] = Pool(_route(str(request.url), proxy), self._size, self._tls)
            if len(self._routes) > _ROUTES:
                self._routes.pop(next(iter(self._routes))).close()
        return pool

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing: the context knows it all, and was made once."""

    def request_url(self, request: Any, proxies: Any) -> str:
        """Not used: see Call.request."""
        return ""

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """A full requests.Response only for what is not our Answer: a cookie jar costs more than reading a head."""
        return _NO_RESPONSE if isinstance(resp, Answer) else super().build_response(req, resp)

    def abandon(self) -> None:
        """In a forked process: drop the other's connections, of which nothing goes over the wire, and its locks."""
        self._lock = threading.RLock()
        self._routes = {}

    def forget(self) -> None:
        """Close the idle connections."""
        with self._lock:
            routes, self._routes = self._routes, {}
        for pool in routes.values():
            pool.close()

    def close(self) -> None:
        """Close the idle connections; those in use are closed when their answers end."""
        self.forget()
        super().close()


_NO_RESPONSE = Response()


def _route(url: str, proxy: str | None) -> Route:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    return Route(tls, parts.hostname or "", port, parse_proxy(proxy) if proxy else None)
