"""The requests adapter of the blocking transport: an HTTPAdapter whose pools make the connections of `connection.py`.

For a Call it also skips what requests would compute anew for each request, though the Call has it already. It may be
mounted in any Session: a request that is no Call is sent as by an HTTPAdapter.
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
    """The methods of queue.LifoQueue that urllib3 uses, without its locks.

    Those locks are Python code: an exception from a signal handler, raised inside one, would leave it taken for ever
    (see `guard.py`). Each operation on a deque is atomic.
    """

    def __init__(self, maxsize: int) -> None:
        self._items: deque[Any] = deque()
        self._room = maxsize

    def get(self, block: bool = False, timeout: float | None = None) -> Any:
        """The connection put back last. Raises queue.Empty; never waits, as only pools that do not block use this."""
        try:
            return self._items.pop()
        except IndexError:
            raise queue.Empty from None

    def put(self, item: Any, block: bool = False) -> None:
        """Keep a connection; close it if the queue is full (urllib3 would close it too, but log a warning)."""
        if len(self._items) < self._room:
            self._items.append(item)
        elif item is not None:
            item.close()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: Any = PlainConnection
    QueueCls: Any = IdleQueue


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls: Any = TLSConnection
    QueueCls: Any = IdleQueue


class _WaitingPlainPool(_PlainPool):
    QueueCls: Any = queue.LifoQueue


class _WaitingTLSPool(_TLSPool):
    QueueCls: Any = queue.LifoQueue


_POOLS: dict[str, Any] = {"http": _PlainPool, "https": _TLSPool}
_WAITING_POOLS: dict[str, Any] = {"http": _WaitingPlainPool, "https": _WaitingTLSPool}
_NO_RETRIES = Retry(0, read=False)


class Adapter(HTTPAdapter):
    """An HTTPAdapter whose connections obey the deadlines and cancel() of a Client. Its arguments are HTTPAdapter's.

    Mount one in a Session and give that to several Clients: they share its connections. With the Session's own requests
    they share those without TLS. With `pool_block`, urllib3 waits for a free connection, and no deadline ends that.
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
        """As HTTPAdapter's; none for a Call, as only its exchange decides on another attempt."""
        return self._max_retries if current() is None else _NO_RETRIES

    @max_retries.setter
    def max_retries(self, retries: Retry) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]  both are set
        self._max_retries = retries

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """As HTTPAdapter's, with our connections in the pools; for a Call these open the proxy's tunnel themselves."""
        call = current()
        if call is not None and call.route.proxy is not None:
            return self._manager(call.route.proxy)
        manager = super().proxy_manager_for(proxy, **options)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def _manager(self, proxy: Proxy) -> PoolManager:
        """The pools behind `proxy`. A Proxy with other credentials is another key, so that tunnels are not shared."""
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
        """As HTTPAdapter's; while it runs, the request's Call, if it has one, is the one that this thread sends."""
        before = begin(getattr(request, "call", None))
        try:
            return super().send(request, *args, **options)
        finally:
            begin(before)

    def get_connection_with_tls_context(self, request: PreparedRequest, *args: Any, **options: Any) -> Any:
        """The pool for the request. For a Call it is remembered by its route, as requests' own search is slow."""
        call = current()
        if call is None:
            return super().get_connection_with_tls_context(request, *args, **options)
        key = call.route, call.tls
        pool = self._found.get(key)
        if pool is None or pool.pool is None:  # unknown, or closed by urllib3 in favour of others used since
            with self._lock:
                pool = super().get_connection_with_tls_context(request, *args, **options)
                if len(self._found) >= self._sizes["connections"]:
                    self._found.clear()
                self._found[key] = pool
        return pool

    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        """A Call has an SSLContext, made once: requests would have urllib3 read the CA file for each connection."""
        call = current()
        if call is None:
            return super().build_connection_pool_key_attributes(request, verify, cert)
        route = call.route
        if not route.tls and (route.proxy is None or route.proxy.scheme != "https"):
            # without TLS the same key as for the Session's own requests, so that they share one pool
            return super().build_connection_pool_key_attributes(request, True)
        return {"scheme": route.scheme, "host": route.host, "port": route.port}, {"ssl_context": call.tls.context}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Does nothing for a Call: its SSLContext has `verify` and `cert` already."""
        if current() is None:
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]  # requests' stubs

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """For a Call, which has its bytes already, only a mark for urllib3: a whole URL if the proxy forwards it."""
        call = current()
        if call is None:
            return super().request_url(request, proxies)
        return f"http://{call.route.peer}/" if call.route.forwarded else "/"

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """A Call needs no requests.Response, whose cookie jar costs more than parsing a head."""
        return _NO_RESPONSE if isinstance(resp, Answer) else super().build_response(req, resp)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As HTTPAdapter's: an adapter can be pickled with its Session, without its connections."""
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
        """In a forked process: forget the parent's connections, without a byte to any peer, and its locks."""
        self._lock = threading.RLock()
        self._found, self._managers, self.proxy_manager = {}, {}, {}
        self.init_poolmanager(**self._sizes)


class Unbounded(Timeout):
    """The urllib3 timeout of a Call: none, and never copied or started, as the Call's guard bounds every step."""

    def clone(self) -> Timeout:
        """Itself: it never changes."""
        return self

    def start_connect(self) -> float:
        """Measures nothing."""
        return 0.0


UNBOUNDED = Unbounded()
_NO_RESPONSE = Response()
