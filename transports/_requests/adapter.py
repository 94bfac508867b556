"""The requests adapter of the blocking transport: HTTPAdapter, with urllib3's pools, TLS and proxies as they are.

It has the pools make the connections of `connection.py`, and keeps from a call of ours what requests works out anew for
each request, though the call knows it. May be mounted in anybody's Session: requests that are no call of ours go as
they would through an HTTPAdapter.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager, ProxyManager, Retry
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util import Timeout

from .._shared.forks import watch_forks
from ..http1.routes import Proxy, Route
from ..http1.tls import TLSSettings
from .call import begin, current
from .connection import Answer, PlainConnection, TLSConnection


class IdleQueue:
    """What urllib3 uses of queue.LifoQueue, without its locks.

    Those are Python code: an exception out of a signal handler, raised inside one, would leave it taken for ever (see
    `guard.py`). Each operation on a deque is atomic.
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
        """Keep a connection; close it where no more are kept (urllib3 would, with a warning in the log)."""
        if len(self._items) < self._room:
            self._items.append(item)
        elif item is not None:
            item.close()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = PlainConnection
    QueueCls: Any = IdleQueue


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = TLSConnection
    QueueCls: Any = IdleQueue


class _WaitingPlainPool(_PlainPool):
    QueueCls: Any = queue.LifoQueue


class _WaitingTLSPool(_TLSPool):
    QueueCls: Any = queue.LifoQueue


_POOLS: dict[str, Any] = {"http": _PlainPool, "https": _TLSPool}
_WAITING_POOLS: dict[str, Any] = {"http": _WaitingPlainPool, "https": _WaitingTLSPool}
_NO_RETRIES = Retry(0, read=False)


class Adapter(HTTPAdapter):
    """An HTTPAdapter whose connections obey deadlines and cancel() of a Client's calls. Takes what HTTPAdapter takes.

    Mount one in a Session, and give that to several Clients: they share its connections, and those without TLS with
    the Session's own requests. With `pool_block`, waiting for a free connection is urllib3's, and no clock ends it.
    """

    def __init__(self, pool_connections: int = 64, pool_maxsize: int = 100, **options: Any) -> None:
        self._found: dict[tuple[Route, TLSSettings], Any] = {}
        self._managers: dict[Proxy, PoolManager] = {}
        self._lock = threading.RLock()
        super().__init__(pool_connections, pool_maxsize, **options)
        watch_forks(self)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        """As HTTPAdapter's, with our connections in the pools."""
        self._sizes: dict[str, Any] = {"connections": connections, "maxsize": maxsize, "block": block, **options}
        self._pools = _WAITING_POOLS if block else _POOLS
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    @property
    def max_retries(self) -> Retry:
        """As HTTPAdapter's; a call of ours is tried again by its exchange, and by nobody else."""
        return self._max_retries if current() is None else _NO_RETRIES

    @max_retries.setter
    def max_retries(self, retries: Retry) -> None:
        self._max_retries = retries

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """As HTTPAdapter's, with our connections in the pools; in a call of ours, they pass the proxy themselves."""
        call = current()
        if call is not None and call.route.proxy is not None:
            return self._manager(call.route.proxy)
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def _manager(self, proxy: Proxy) -> PoolManager:
        """The pools behind `proxy`: other credentials are another proxy, whose tunnels are not shared."""
        manager = self._managers.get(proxy)
        if manager is None:
            sizes = {"num_pools": self._sizes["connections"], "maxsize": self._sizes["maxsize"]}
            sizes["block"] = self._sizes["block"]
            manager = PoolManager(**sizes) if proxy.socks else ProxyManager(str(proxy), **sizes)
            manager.pool_classes_by_scheme = self._pools
            if len(self._managers) >= self._sizes["connections"]:
                self._managers.pop(next(iter(self._managers))).clear()
            self._managers[proxy] = manager
        return manager

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """As HTTPAdapter's; while it runs, the call that the request brings is what this thread sends."""
        before = begin(getattr(request, "call", None))
        try:
            return super().send(request, *args, **options)
        finally:
            begin(before)

    def get_connection_with_tls_context(self, request: PreparedRequest, *args: Any, **options: Any) -> Any:
        """The pool for the request. For a call's route it is looked for once, as that takes a while."""
        call = current()
        if call is None:
            return super().get_connection_with_tls_context(request, *args, **options)
        key = call.route, call.tls
        pool = self._found.get(key)
        if pool is None or pool.pool is None:  # closed, as too many others were used since
            with self._lock:
                pool = super().get_connection_with_tls_context(request, *args, **options)
                if len(self._found) >= self._sizes["connections"]:
                    self._found.clear()
                self._found[key] = pool
        return pool

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        """A call brings its TLS settings, made once: requests has urllib3 read the authorities for each connection."""
        call = current()
        if call is None:
            return super().build_connection_pool_key_attributes(request, verify, cert)
        route = call.route
        if not route.tls and (route.proxy is None or route.proxy.scheme != "https"):
            return super().build_connection_pool_key_attributes(request, True)  # as for all others: one pool
        return {"scheme": route.scheme, "host": route.host, "port": route.port}, {"ssl_context": call.tls.context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """For a call, its TLS settings have all of it."""
        if current() is None:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # requests' stubs

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """A call writes its request itself: this tells urllib3 only whether the proxy is to forward it."""
        call = current()
        if call is None:
            return super().request_url(request, proxies)
        return f"http://{call.route.peer}/" if call.route.forwarded else "/"

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """A call needs no requests.Response: its cookie jar costs more than reading a head."""
        return _NO_RESPONSE if isinstance(resp, Answer) else super().build_response(req, resp)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As HTTPAdapter's: a Session can be pickled, its connections are not."""
        self._found, self._managers = {}, {}
        self._lock = threading.RLock()
        super().__setstate__(state)  # type: ignore[misc]  # requests' stubs lack it
        watch_forks(self)

    def close(self) -> None:
        """Close the idle connections; those in use are closed when their answers end."""
        self._found = {}
        managers, self._managers = self._managers, {}
        for manager in managers.values():
            manager.clear()
        super().close()

    def _forked(self) -> None:
        """In a forked process: drop the other's connections, of which nothing goes over the wire, and its locks."""
        self._lock = threading.RLock()
        self._found, self._managers, self.proxy_manager = {}, {}, {}
        self.init_poolmanager(**self._sizes)


class Unbounded(Timeout):
    """The timeout of a call, whose guard bounds every step: urllib3 need not copy it, nor measure."""

    def clone(self) -> Timeout:
        """Itself: nothing in it changes."""
        return self

    def start_connect(self) -> float:
        """Nothing is measured."""
        return 0.0


UNBOUNDED = Unbounded()
_NO_RESPONSE = Response()
