"""The blocking client, on requests: Client, and the Stream that it returns. `aio.py` has the same for asyncio."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, overload

import requests

from sansio_core import ChatEvent, Exchange, Limits, Messages, ModelInfo, Reply, RetryPolicy, TextDelta, Timeouts
from sansio_core.providers import Provider

from ._requests.adapter import Adapter
from ._requests.session import settings
from ._requests.wire import Connections, RequestsWire
from ._shared.client import BaseClient, BaseStream, HeaderFields
from ._shared.logging import logged
from ._shared.taping import taped
from ._shared.ways import MAX_CONNECTIONS, PathLike, way_of
from .drive import Wire, drive
from .http1.routes import ProxySetting, checked
from .http1.tls import Verify, merged

if TYPE_CHECKING:
    from typing import Unpack

    from sansio_core import Observer, Options, ProviderName

    from ._requests.sockets import AnySocket
    from ._shared.recorder import Recorder

    Connect = Callable[[str, int, float | None], AnySocket]
    Resolver = Callable[[str, int], Iterable[str]]


__all__ = ["Adapter", "Client", "Stream"]


class Client(BaseClient):
    """A blocking client of one provider; safe to share between threads.

    `provider`: a name (see `sansio_core.providers.names()`) or a provider object. `api_key`: if None, the value of the
    provider's environment variable; or a function that gives the key for each request (see Provider), which nothing
    interrupts, whatever the clocks say. `base_url`: another host that speaks the same wire format; if None, the value
    of the variable that the vendor's own clients read, such as OPENAI_BASE_URL, if it is set. `model`: in place of the
    provider's default. `proxy`: a URL (http, https, socks5, socks5h); False for none; None for the environment's.
    `timeout`: total seconds, or Timeouts. `retry`: a number of attempts, or a RetryPolicy. `headers`, `cookies`: sent
    with every request. `verify`: True, False, a CA file or directory, or an ssl.SSLContext; `ssl_context` is another
    name for the last. `session`: a requests.Session of your own, which stays yours to close: its adapters, proxies,
    verify, cert, headers, cookies and auth (user name and password) are used, and a warning names its other settings.
    Clients share the connections of an Adapter that is mounted in it. `limits`: Limits on the bytes that a peer may
    make us hold. `max_connections`: how many streams of this client may have a connection to one origin at a time;
    more of them wait, first come, first served, and only the total clock, cancel() and close() end that.

    How connections are made, by one of these (TLS and a proxy's tunnel come on top of it):

    `connect`: a function of host, port (the origin's, or the proxy's) and the seconds that it may take (None: any),
    which returns a connected socket. An OSError of it becomes ConnectFailed; cancel() does not end it, only its own
    timeout does. A socket that is not the system's needs recv, send, settimeout and close, as paramiko's channels
    have; there cancel() ends a read within 0.2 s.
    `uds`: the path of a Unix socket, whatever the URL's host is; no proxy is used.
    `resolver`: a function of host and port that returns a list of IP addresses as text.

        Client("ollama", uds="/run/ollama.sock")
        Client("openai", resolver=lambda host, port: ["192.0.2.7"])
        Client("openai", connect=lambda host, port, timeout: ssh.get_transport().open_channel(
            "direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=timeout))

    `observer`: called with each exchange and each of its notices, see `sansio_core.observer`. `options`: the defaults
    of the calls' options, see `sansio_core.Options`; a call without one of them is made by another client:
    `Client(client.provider)`.

    Raises InvalidRequest for settings that cannot be used.
    """

    def __init__(
        self,
        provider: ProviderName | str | Provider,
        *,
        api_key: str | Callable[[], str] | None = None,
        base_url: str | None = None,
        model: str | None = None,
        proxy: ProxySetting = None,
        timeout: Timeouts | float | None = None,
        retry: RetryPolicy | int | None = None,
        headers: HeaderFields | None = None,
        cookies: Mapping[str, str] | None = None,
        verify: Verify = True,
        ssl_context: ssl.SSLContext | None = None,
        session: requests.Session | None = None,
        limits: Limits | None = None,
        connect: Connect | None = None,
        uds: PathLike | None = None,
        resolver: Resolver | None = None,
        max_connections: int = MAX_CONNECTIONS,
        observer: Observer | None = None,
        **options: Unpack[Options],
    ) -> None:
        verify = merged(verify, ssl_context)
        if session is not None:
            own = settings(session, provider, api_key, base_url, headers, cookies, verify)
            headers, cookies = own["headers"], own["cookies"]
        super().__init__(
            provider, api_key=api_key, base_url=base_url, model=model, timeout=timeout, retry=retry,
            headers=headers, cookies=cookies, limits=limits, observer=observer, options=options,
        )  # fmt: skip
        self._proxy: ProxySetting = checked(proxy)
        self._way = way_of(connect, uds, resolver, proxy, blocking=True)
        self._connections = Connections(
            session=session, verify=verify, way=self._way, max_connections=max_connections
        )

    def stream(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        system: str | None = None,
        timeout: Timeouts | float | None = None,
        retry: RetryPolicy | int | None = None,
        limits: Limits | None = None,
        proxy: ProxySetting = None,
        headers: HeaderFields | None = None,
        cookies: Mapping[str, str] | None = None,
        observer: Observer | None = None,
        record: PathLike | Recorder | None = None,
        **options: Unpack[Options],
    ) -> Stream:
        """Ask; the request is sent when the stream is first read. Raises InvalidRequest at once if it cannot be sent.

        `messages`: a str, or a list of {"role": …, "content": …}; the paths of FileParts are read now. `options`:
        temperature, max_tokens, tools and others, see `sansio_core.Options`; one that is None is the client's.
        `system`: a text that goes before the messages as a system message. `model`, `timeout`, `retry`, `limits` and
        `proxy` replace the client's for this call; `headers` and `cookies` are merged into the client's. `observer` is
        called besides the client's. `record`: the path of a tape that this call is recorded to, or a Recorder (see
        `tapes`).
        """
        exchange = self._exchange(
            messages, model=model, system=system, timeout=timeout, retry=retry, limits=limits,
            headers=headers, cookies=cookies, observer=observer, options=options,
        )  # fmt: skip
        return self._open(exchange, proxy, record)

    def complete(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        system: str | None = None,
        timeout: Timeouts | float | None = None,
        retry: RetryPolicy | int | None = None,
        limits: Limits | None = None,
        proxy: ProxySetting = None,
        headers: HeaderFields | None = None,
        cookies: Mapping[str, str] | None = None,
        observer: Observer | None = None,
        record: PathLike | Recorder | None = None,
        **options: Unpack[Options],
    ) -> Reply:
        """As `stream`, but waits for the whole answer. Raises ChatError, with the partial reply, if it fails."""
        with self.stream(
            messages, model=model, system=system, timeout=timeout, retry=retry, limits=limits, proxy=proxy,
            headers=headers, cookies=cookies, observer=observer, record=record, **options,
        ) as stream:  # fmt: skip
            for _ in stream.events():
                pass
            return stream.reply

    @overload
    def models(
        self, *, details: Literal[False] = False, timeout: Timeouts | float | None = None, proxy: ProxySetting = None,
        observer: Observer | None = None,
    ) -> list[str]: ...  # fmt: skip

    @overload
    def models(
        self, *, details: Literal[True], timeout: Timeouts | float | None = None, proxy: ProxySetting = None,
        observer: Observer | None = None,
    ) -> list[ModelInfo]: ...  # fmt: skip

    def models(
        self, *, details: bool = False, timeout: Timeouts | float | None = None, proxy: ProxySetting = None,
        observer: Observer | None = None,
    ) -> list[str] | list[ModelInfo]:  # fmt: skip
        """The names of the host's models; with `details`, what its list says of each.

        Raises InvalidRequest where the provider's API has no list of models.
        """
        listing = self._listing(timeout, observer)
        with self._open(listing, proxy) as stream:
            for _ in stream.events():
                pass
        return listing.infos if details else listing.models

    def _open(self, exchange: Exchange, proxy: ProxySetting, record: PathLike | Recorder | None = None) -> Stream:
        self._way.check_proxy(proxy)
        proxy = self._proxy if proxy is None else proxy
        wire = RequestsWire(self._connections, proxy=proxy, limits=exchange.limits, exchange=exchange)
        exchange.secrets += wire.secrets(self.provider.base_url)
        return Stream(exchange, logged(exchange, taped(exchange, wire, record)))

    def close(self) -> None:
        """Close every connection; streams that are still open end with ClientClosed."""
        self.closed = True
        self._connections.close()

    def __enter__(self) -> Client:
        self._check_open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Stream(BaseStream[Wire]):
    """One answer while it comes. Iterate it for text, or `events()` for everything; `with` closes it.

    Iterating raises ChatError when the answer fails or stops before its proven end.
    """

    __slots__ = ()

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        while True:
            for event in self._pending:
                if type(event) is TextDelta and not event.choice:
                    return event.text
            self._refill()

    def start(self) -> Stream:
        """Ask, and wait for the head of the answer alone; returns this stream, to be read as ever.

        Raises ChatError where the provider refuses, once no retry is left. A stream that was begun is left as it is.
        """
        if self._enter():
            events = None
            try:
                drive(self._exchange, self._wire, to_head=True)
                events = self._pending  # what was not delivered yet still is to be
            finally:
                self._leave(events)
        return self

    def events(self) -> StreamEvents:
        """The events from here on, as an iterator; an event is delivered once, there or as text here."""
        return StreamEvents(self)

    def _refill(self) -> None:
        if not self._enter():
            raise StopIteration
        events = None
        try:
            events = drive(self._exchange, self._wire)
        finally:
            self._leave(events)
        if not events:
            raise StopIteration

    def close(self) -> None:
        """Close the connection, finished or not; a read that is blocked in another thread ends at once."""
        self._shut()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class StreamEvents:
    """The events of a Stream, one after another."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def __iter__(self) -> StreamEvents:
        return self

    def __next__(self) -> ChatEvent:
        while True:
            for event in self._stream._pending:
                return event
            self._stream._refill()
