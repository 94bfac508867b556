"""The blocking wire: one answer's bytes over requests. Only `blocking.py` imports this, when a Client is first made."""

from __future__ import annotations

import ssl
import threading
import weakref
from collections.abc import Mapping
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy
from urllib3 import HTTPResponse

from sansio_core import Cancelled, ChatError, ClientClosed, InvalidRequest, Limits, Send, StreamMisused
from sansio_core.coding import ContentDecoder
from sansio_core.wire import HttpRequest, header

from .._shared.forks import ELSEWHERE, watch_forks
from ..http1.routes import ProxySetting, environment_proxy, parse_proxy
from ..http1.tls import TLSSettings, Verify
from .adapter import Adapter
from .connection import Answer, Call
from .foreign import foreign
from .guard import Expired, Guard
from .old_http1 import Pairs

_READ = 65536


class Connections:
    """What one client keeps: a requests.Session, its kept-alive connections, its TLS and proxy settings.

    Safe to share between threads. Of a `session` of the user's the adapters that are mounted, `proxies`, `verify`,
    `cert` and `trust_env` are used, as they are at this moment; its headers, cookies, auth and hooks are not (the
    request is the core's, to the letter), and it stays open. A plain HTTPAdapter has nothing of its own but numbers,
    and one of ours takes its place, so that deadlines and cancel() hold at every point. An adapter of any other class
    is used as it is: there, until the head of the answer is in, a deadline bounds each receive and not their sum, and
    cancel() takes effect when that is over.

    `verify`: True, False, a CA file or directory, or an SSLContext. `pool_size`: how many idle connections to one
    origin are kept. Raises InvalidRequest for a CA path that does not exist, and for what is no session.
    """

    def __init__(
        self,
        *,
        session: requests.Session | None = None,
        verify: Verify = True,
        limits: Limits | None = None,
        pool_size: int = 100,
    ) -> None:
        self.limits = limits or Limits()
        if session is not None and not isinstance(session, requests.Session):
            raise InvalidRequest(f"session must be a requests.Session, not {type(session).__name__}")
        self._own = session is None
        self._session = requests.Session() if session is None else session
        self._tls = self._tls_settings(verify)
        self._adapter = Adapter(self._tls, pool_size)
        if self._own:
            self._session.mount("https://", self._adapter)
            self._session.mount("http://", self._adapter)
        self._proxies: dict[str, str | None] = {}
        self._wires: weakref.WeakSet[RequestsWire] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._closed = False
        watch_forks(self)

    def close(self) -> None:
        """Close every connection; what is still being read ends with ClientClosed."""
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
        self._tls._forked()
        self._adapter.abandon()
        wires, self._wires = list(self._wires), weakref.WeakSet()
        for wire in wires:
            wire.abandon()

    def register(self, wire: RequestsWire) -> None:
        """Have close() end this wire too. Raises ClientClosed once that was called."""
        with self._lock:
            if self._closed:
                raise ClientClosed
            self._wires.add(wire)

    def adapter(self, url: str) -> BaseAdapter:
        """What sends to `url`."""
        found = self._session.get_adapter(url)
        if type(found) is HTTPAdapter:
            return self._adapter
        if found is not self._adapter and isinstance(self._tls.verify, ssl.SSLContext):
            raise InvalidRequest("verify= cannot be an SSLContext with a session's own adapter: give it to the adapter")
        return found

    def options(self, url: str, proxy: ProxySetting) -> dict[str, Any]:
        """The arguments of HTTPAdapter.send that are the same for every request to the origin of `url`."""
        if proxy is None:
            proxy = self._proxy(url)
        proxies = {"all": proxy} if proxy else {}
        return {"stream": True, "verify": self._tls.verify, "cert": self._tls.cert, "proxies": proxies}

    def _proxy(self, url: str) -> str | None:
        """The session's or the environment's proxy, looked up once for each origin."""
        scheme, netloc, *_ = urlsplit(url)
        origin = f"{scheme}://{netloc}"
        if origin not in self._proxies:
            proxy = select_proxy(url, self._session.proxies)
            if proxy is None and self._session.trust_env:
                proxy = environment_proxy(url)
            self._proxies[origin] = proxy
        return self._proxies[origin]

    def _tls_settings(self, verify: Verify) -> TLSSettings:
        """`verify` and `cert` as requests would merge them from here, the session and the environment."""
        session = self._session
        if verify is True:
            verify = True if session.verify is None else session.verify
        return TLSSettings(verify, session.trust_env, session.cert)


class _Prepared(requests.PreparedRequest):
    """A request as requests' adapters and what patches them see it; nothing of it was merged or normalised."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self.method = request.method
        self.url = request.url
        fields: dict[str, str] = {}
        for name, value in request.headers:
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        self.headers = CaseInsensitiveDict(fields)
        self.headers.setdefault("accept-encoding", "gzip, deflate")
        if request.body or request.method == "POST":
            self.headers.setdefault("content-length", str(len(request.body)))
            self.body = request.body


class RequestsWire:
    """One stream's bytes, for the driver; all methods but cancel() and close() belong to one thread at a time."""

    def __init__(self, connections: Connections, *, proxy: ProxySetting = None) -> None:
        """Raises InvalidRequest for a `proxy` URL that is none."""
        if proxy:
            parse_proxy(proxy)
        self._connections = connections
        self._proxy = proxy
        self._guard = Guard()
        self._answer: Answer | ForeignAnswer | None = None
        self._decoder: ContentDecoder | None = None
        self._dropping = threading.RLock()
        self._coding = ""
        self._ended = False
        self.abandoned = False

    def now(self) -> float:
        """The clock that deadlines are in: seconds."""
        return monotonic()

    def check_place(self) -> None:
        """Raises StreamMisused in a process that was forked while this stream was under way."""
        if self.abandoned:
            raise StreamMisused(ELSEWHERE.format("process"))

    def send(self, action: Send, deadline: float | None) -> tuple[int, Pairs]:
        """Connect or reuse, send, and give the answer's status and header fields (names in lower case).

        Raises TimeoutError, TimedOut("connect"), and the ChatErrors of a failed connection or a broken answer.
        """
        self.leave()
        self._connections.register(self)
        try:
            self._guard.enter(deadline)
            self._answer = answer = self._send(action)
            self._coding = header(answer.headers, "content-encoding")
            self._ended = False
            return answer.status, answer.headers
        except Expired:
            self._drop()
            raise TimeoutError("the deadline passed") from None
        except BaseException:
            self._drop()
            raise
        finally:
            self._guard.leave()

    def _send(self, action: Send) -> Answer | ForeignAnswer:
        started = monotonic()
        request, guard, connections = action.request, self._guard, self._connections
        call = Call(action, guard, connections.limits.head, started)
        try:
            adapter = connections.adapter(request.url)
            options = connections.options(request.url, self._proxy)
            is_known = isinstance(adapter, HTTPAdapter)
            options["timeout"] = call if is_known else (call.connect_timeout, call.read_timeout)
            response = adapter.send(_Prepared(request), **options)
        except (ChatError, Expired):
            raise
        except Exception as error:
            guard.left()
            known = foreign(error, urlsplit(request.url).netloc)
            if known is None:
                raise
            raise known from None
        if call.answer is not None:
            return call.answer
        return ForeignAnswer(response, guard)

    def read(self, deadline: float | None) -> bytes:
        """What is there of the body, as soon as anything is, without its content coding; b"" at its proper end."""
        answer = self._answer
        if self._ended:
            return b""
        if answer is None:
            self._guard.check()
            raise Cancelled("the connection was closed")
        try:
            self._guard.enter(deadline)
            return self._decoded(answer) if self._coding else answer.read()
        except Expired:
            raise TimeoutError("the deadline passed") from None
        except BaseException:
            if self._answer is not answer:
                self._guard.check()
                raise Cancelled("the connection was closed") from None
            self._drop()
            raise
        finally:
            self._guard.leave()

    def _decoded(self, answer: Answer | ForeignAnswer) -> bytes:
        decoder = self._decoder
        if decoder is None:
            decoder = self._decoder = ContentDecoder(self._coding, self._connections.limits.decompressed)
        while True:
            if decoder.pending:
                data = decoder.decode(b"")
            elif raw := answer.read():
                data = decoder.decode(raw)
            else:
                decoder.finish()
                self._ended = True
                return b""
            if data:
                return data

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Cancelled when cancelled meanwhile."""
        guard = self._guard
        guard.enter(monotonic() + seconds)
        try:
            guard.wait(lambda: False)
        except Expired:
            return
        finally:
            guard.leave()

    def leave(self) -> None:
        """No more of this answer is wanted: its connection is closed, if it was not given back at the body's end."""
        self._drop()

    def close(self) -> None:
        """Drop the connection at once; from another thread, that ends a blocked send or read with Cancelled."""
        if not self._guard.interrupt():
            self._drop()

    def cancel(self, kind: type[Cancelled] = Cancelled) -> None:
        """From any thread: whatever is blocked ends at once, and that and all that follows raises `kind`."""
        self._guard.cancel(kind)

    def abandon(self) -> None:
        """In a forked process: this stream is the parent's, whose threads may hold the locks."""
        self.abandoned = True
        self._guard, self._dropping = Guard(), threading.RLock()
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.abandon()

    def _drop(self) -> None:
        with self._dropping:  # a connection that two threads gave back would be there twice
            answer, self._answer = self._answer, None
        self._decoder = None
        if answer is not None:
            answer.close()


class ForeignAnswer:
    """A response of an adapter that is not ours, or of a library that stands in for the network in tests."""

    def __init__(self, response: requests.Response, guard: Guard) -> None:
        self.status = response.status_code
        self._response = response
        self._raw = response.raw
        fields: Mapping[str, str] = getattr(self._raw, "headers", None) or response.headers
        self.headers: Pairs = [(name.lower(), value) for name, value in fields.items()]
        self._guard = guard
        self._peer = urlsplit(str(response.url)).netloc
        # The socket of a urllib3 response; http.client's own connection may have let go of it by now.
        reader = getattr(getattr(getattr(self._raw, "_fp", None), "fp", None), "raw", None)
        self._sock: Any = getattr(reader, "_sock", None)
        if self._sock is not None:
            guard.hold(self._sock)

    def read(self) -> bytes:
        """As Answer.read. (urllib3's iterators and `read` hold back what came of a body that is not chunked.)"""
        raw = self._raw
        try:
            if self._sock is not None:
                self._guard.arm(self._sock, exact=True)
            if isinstance(raw, HTTPResponse):
                return raw.read1(_READ, decode_content=False)
            return bytes(raw.read(_READ))
        except (ChatError, Expired):
            raise
        except Exception as error:
            self._guard.left()
            known = foreign(error, self._peer)
            if known is None:
                raise
            raise known from None

    def abandon(self) -> None:
        """In a forked process: close this process's descriptor."""
        self._response.close()

    def close(self) -> None:
        """Let the connection go; urllib3 has taken it back already if the body was read to its end."""
        self._guard.let_go()
        self._response.close()
