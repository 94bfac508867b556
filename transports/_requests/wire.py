"""The blocking wire: the bytes of one stream over requests. Each Client has one Connections, each stream one wire."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from time import monotonic
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy

from sansio_core import Cancelled, ChatError, ClientClosed, Exchange, InvalidRequest, Limits, Send, StreamMisused
from sansio_core.http_request import origin

from .._shared.forks import ELSEWHERE, watch_forks
from .._shared.ways import MAX_CONNECTIONS, USUAL, Way, checked_count
from ..http1.failures import no_place
from ..http1.request import Pairs
from ..http1.routes import ProxySetting, Route, environment_proxy, parse_proxy
from ..http1.tls import TLSSettings, Verify
from .adapter import UNBOUNDED, Adapter
from .call import Call
from .connection import Answer
from .foreign import ForeignAnswer, foreign
from .guard import Expired, Guard
from .places import Place, Places

T = TypeVar("T")
_parsed = lru_cache(64)(parse_proxy)


class Connections:
    """What one client keeps: a requests.Session, its kept-alive connections, its TLS and proxy settings.

    Safe to share between threads. Of the user's own `session` its mounted adapters, `proxies`, `verify`, `cert` and
    `trust_env` are used, as they are now, and it is not closed (for its other settings see `session.py`). A plain
    HTTPAdapter in it has no settings but numbers, so ours takes its place, and deadlines and cancel() hold everywhere.
    An adapter of any other class is used as it is: with it, until the head of the answer is in, a deadline bounds each
    receive and not their sum, and cancel() takes effect only then.

    `verify`: True, False, a CA file or directory, or an SSLContext. `pool_size`: how many idle connections to one
    origin are kept. `way`: how connections are made; where it is not the usual one, they are not shared by way of the
    session. `max_connections`: how many of the client's streams may have a connection to one origin (and proxy) at a
    time, whichever adapter sends them. Raises InvalidRequest for a CA path that does not exist.
    """

    def __init__(
        self,
        *,
        session: requests.Session | None = None,
        verify: Verify = True,
        pool_size: int = 100,
        way: Way = USUAL,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.way = way
        self.places = Places(checked_count(max_connections))
        if session is not None and any(session.proxies.values()):
            way.check_proxy(next(filter(None, session.proxies.values())))
        self._own = session is None
        self._session = requests.Session() if session is None else session
        self.tls = self._tls_settings(verify)
        self._adapter = Adapter(pool_maxsize=pool_size)
        if self._own:
            self._session.mount("https://", self._adapter)
            self._session.mount("http://", self._adapter)
        self._proxies: dict[str, str | None] = {}
        self._wires: weakref.WeakSet[RequestsWire] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._closed = False
        watch_forks(self)

    def close(self) -> None:
        """Close every connection; streams that are still being read end with ClientClosed."""
        with self._lock:
            self._closed = True
            wires = list(self._wires)
        for wire in wires:
            wire.cancel(ClientClosed)
            wire.close()
        self._adapter.close()
        if self._own:
            self._session.close()

    def _forked(self) -> None:
        """In a forked process: the connections are the parent's, and its threads may hold the locks."""
        self._lock = threading.RLock()
        self.places._forked()
        self.tls._forked()
        wires, self._wires = list(self._wires), weakref.WeakSet()
        for wire in wires:
            wire.abandon()

    def register(self, wire: RequestsWire) -> None:
        """Have close() end this wire too. Raises ClientClosed if it was called already."""
        with self._lock:
            if self._closed:
                raise ClientClosed
            self._wires.add(wire)

    def adapter(self, url: str) -> BaseAdapter:
        """The requests adapter that sends to `url`."""
        if self._own:
            return self._adapter
        found = self._session.get_adapter(url)
        if type(found) is HTTPAdapter or (self.way.own and isinstance(found, Adapter)):
            return self._adapter
        if self.way.own:
            raise InvalidRequest("connect=, uds= and resolver= have no say in a session's own adapter: set it up there")
        if not isinstance(found, Adapter) and isinstance(self.tls.verify, ssl.SSLContext):
            raise InvalidRequest("verify= cannot be an SSLContext with a session's own adapter: give it to the adapter")
        return found

    def proxy(self, url: str) -> str | None:
        """The session's or the environment's proxy, looked up once for each origin."""
        if self.way.uds:
            return None
        scheme, netloc, *_ = urlsplit(url)
        origin = f"{scheme}://{netloc}"
        if origin not in self._proxies:
            proxy = select_proxy(url, self._session.proxies)
            if proxy is None and self._session.trust_env:
                proxy = environment_proxy(url)
            self._proxies[origin] = proxy
        return self._proxies[origin]

    def _tls_settings(self, verify: Verify) -> TLSSettings:
        """`verify` and `cert`, merged as requests merges the call's, the session's and the environment's."""
        session = self._session
        if verify is True:
            verify = True if session.verify is None else session.verify
        return TLSSettings(verify, session.trust_env, session.cert)


class _Prepared(requests.PreparedRequest):
    """A Call as requests' adapters, and libraries that patch them, expect it; requests has merged nothing into it."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        request = call.request
        self.call = call
        self.method = request.method
        self.url = request.url
        fields: dict[str, tuple[str, str]] = {"accept-encoding": ("accept-encoding", "gzip, deflate")}
        if request.body or request.method == "POST":
            fields["content-length"] = "content-length", str(len(request.body))
            self.body = request.body
        given = set[str]()
        for name, value in request.headers:
            key = name.lower()
            fields[key] = (name, f"{fields[key][1]}, {value}") if key in given else (name, value)
            given.add(key)
        self.headers = _Fields(fields.values())


class _Fields(CaseInsensitiveDict[str]):
    """Header fields that urllib3 need not copy: it copies them to add a proxy's, and gets none (see Call.proxies)."""

    def copy(self) -> CaseInsensitiveDict[str]:
        return self


class RequestsWire:
    """Moves the bytes of one stream, for `drive`. Used by one thread at a time; any may call cancel() and close()."""

    __slots__ = (
        "__weakref__", "_answer", "_connections", "_dropping", "_exchange", "_guard", "_limits", "_place", "_proxy",
        "abandoned",
    )  # fmt: skip

    def __init__(
        self, connections: Connections, *, proxy: ProxySetting = None, limits: Limits | None = None,
        exchange: Exchange | None = None,
    ) -> None:  # fmt: skip
        """`exchange` is told when a connection is waited for, and when there is one; its deadline counts from then on.

        Raises InvalidRequest for a malformed `proxy`.
        """
        if proxy:
            parse_proxy(proxy)
        self._connections = connections
        self._exchange = exchange
        self._place: Place | None = None
        self._proxy: ProxySetting = proxy
        self._limits = limits or Limits()
        self._guard = Guard()
        self._answer: Answer | ForeignAnswer | None = None
        self._dropping = threading.RLock()
        self.abandoned = False

    def now(self) -> float:
        """The clock of all deadlines, in seconds."""
        return monotonic()

    def check_place(self) -> None:
        """Raises StreamMisused in a process that was forked while this stream was open."""
        if self.abandoned:
            raise StreamMisused(ELSEWHERE.format("process"))

    def secrets(self, url: str) -> tuple[str, ...]:
        """The credentials of the proxy on the way to `url`, to be redacted in every error and log."""
        with suppress(InvalidRequest):  # of a bad proxy URL in the environment: `send` raises it
            proxy = self._proxy_of(url)
            return _parsed(proxy).secrets if proxy else ()
        return ()

    def _proxy_of(self, url: str) -> str | Literal[False] | None:
        return self._connections.proxy(url) if self._proxy is None else self._proxy

    def send(self, action: Send, deadline: float | None) -> tuple[int, Pairs]:
        """Send a request, over a new or a kept connection; returns the answer's status and header fields.

        Raises TimeoutError, TimedOut("connect"), and the ChatErrors of a failed connection or a broken answer.
        """
        self.leave()
        self._connections.register(self)
        try:
            self._guard.enter(deadline)
            self._answer = answer = self._send(action)
            return answer.response.status, answer.response.headers
        except Expired:
            self._drop()
            raise TimeoutError("the deadline passed") from None
        except BaseException:
            self._drop()
            raise
        finally:
            self._guard.leave()

    def _send(self, action: Send) -> Answer | ForeignAnswer:
        guard, connections = self._guard, self._connections
        url, tls = action.request.url, connections.tls
        proxy = self._proxy_of(url)
        route = Route(*origin(url), _parsed(proxy) if proxy else None)
        waited = self._take_place(route)
        call = Call(action, route, guard, tls, self._limits, connections.way, self._connected, waited)
        try:
            adapter = connections.adapter(url)
            options: dict[str, Any] = {"timeout": UNBOUNDED, "proxies": call.proxies}
            if not isinstance(adapter, Adapter):
                options = {"timeout": call.timeout, "proxies": {"all": proxy} if proxy else {}}
            options |= {"stream": True, "verify": tls.verify, "cert": tls.cert}
            response = adapter.send(_Prepared(call), **options)
        except (ChatError, Expired):
            raise
        except Exception as error:
            guard.left()
            known = foreign(error, urlsplit(url).netloc)
            if known is None:
                raise
            raise known from None
        return call.answer or ForeignAnswer(response, call)

    def _take_place(self, route: Route) -> float:
        """Wait for one of the client's places; returns the seconds that took. Raises TimedOut("total"), Cancelled."""
        places, guard, exchange = self._connections.places, self._guard, self._exchange
        self._place = place = Place(route, guard)
        if places.ask(place):
            return 0.0
        began = monotonic()
        if exchange is None:
            guard.wait(lambda: places.has(place))
            return monotonic() - began
        exchange.receive_place(False, began)
        guard.deadline = exchange.deadline
        try:
            guard.wait(lambda: places.has(place))
        except Expired:
            raise no_place(exchange.timeouts.total) from None
        now = monotonic()
        exchange.receive_place(True, now)
        guard.deadline = exchange.deadline
        return now - began

    def _connected(self, reused: bool) -> None:
        if self._exchange is not None:
            self._exchange.receive_connection(reused, monotonic())
            self._guard.deadline = self._exchange.deadline

    def read(self, deadline: float | None) -> bytes:
        """The body's next bytes, as soon as there are any, without their content coding; b"" at its proper end."""
        answer, guard = self._answer, self._guard
        if answer is None:
            guard.check()
            raise Cancelled("the connection was closed")
        response, connection = answer.response, answer.connection
        try:
            guard.enter(deadline)
            data = response.pending()
            while data is None:
                data = response.feed(connection.receive(guard), connection.ragged)
            return data
        except Expired:
            raise TimeoutError("the deadline passed") from None
        except BaseException as error:
            if self._answer is not answer:
                guard.check()
                raise Cancelled("the connection was closed") from None
            self._drop()
            if isinstance(error, OSError):
                raise response.lost(error) from None
            raise
        finally:
            guard.leave()

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Cancelled as soon as `cancel` is called, and ClientClosed."""
        self._connections.register(self)  # a stream may wait before it has sent anything
        guard = self._guard
        guard.enter(monotonic() + seconds)
        try:
            guard.wait(lambda: False)
        except Expired:
            return
        finally:
            guard.leave()

    def call(self, function: Callable[[], T], deadline: float | None) -> T:
        """What `function` gives, whenever that is. Raises Cancelled if `cancel` was called by then."""
        self._guard.check()
        result = function()
        self._guard.check()
        return result

    def leave(self) -> None:
        """Drop this answer: its connection is kept if the body was read to its end, else closed."""
        self._drop()

    def close(self) -> None:
        """Close the connection at once; a send or read that is blocked in another thread raises Cancelled."""
        if not self._guard.interrupt():
            self._drop()

    def cancel(self, kind: type[Cancelled] = Cancelled) -> None:
        """Have the call under way, at once, and all later ones raise `kind`. Any thread may call it."""
        self._guard.cancel(kind)

    def abandon(self) -> None:
        """In a forked process: this stream is the parent's, whose threads may hold the locks."""
        self.abandoned = True
        self._guard, self._dropping, self._place = Guard(), threading.RLock(), None
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.connection.abandon()

    def _drop(self) -> None:
        with self._dropping:  # two threads must not give the same connection back: the pool would have it twice
            answer, self._answer = self._answer, None
        try:
            if answer is not None:
                answer.release(self._guard)
        finally:
            place = self._place
            if not (place is None or place.over):
                self._connections.places.free(place)
