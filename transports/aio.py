"""The asyncio client, on asyncio and h11: AsyncClient, and the AsyncStream that it returns."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, overload

from sansio_core import ChatEvent, Exchange, Limits, Messages, ModelInfo, Reply, RetryPolicy, TextDelta, Timeouts
from sansio_core.providers import KeySource, Provider

from ._asyncio.pool import Pool
from ._asyncio.wire import AsyncWire
from ._shared.client import BaseClient, BaseStream, HeaderFields
from ._shared.logging import alogged
from ._shared.taping import ataped
from ._shared.ways import MAX_CONNECTIONS, PathLike, way_of
from .drive import AWire, adrive
from .http1.routes import ProxySetting, checked
from .http1.tls import Verify, merged

if TYPE_CHECKING:
    from typing import Unpack

    from sansio_core import Observer, Options, ProviderName
    from sansio_core.http_request import Headers

    from ._asyncio.foreign import AnyReader, AnyWriter
    from ._shared.recorder import Recorder

    Connect = Callable[[str, int], Awaitable[tuple[AnyReader, AnyWriter]]]
    Resolver = Callable[[str, int], Iterable[str] | Awaitable[Iterable[str]]]


class AsyncClient(BaseClient):
    """An asyncio client of one provider; safe to share between tasks, and not tied to one event loop.

    The settings are those of Client without `session`; `connect` and `resolver` may be other functions, and each event
    loop has `max_connections` of its own.

    `connect`: an async function of host and port that returns a StreamReader and a StreamWriter, or their like (see
    `_asyncio/foreign.py` for what is needed of them). `resolver`: an async function, or a plain one, which runs in a
    thread.

        async with asyncssh.connect("bastion.example") as ssh:
            client = AsyncClient("openai", connect=ssh.open_connection)

    A function as `api_key` may be async: it is then cancelled when the total clock fires. (A plain one holds up the
    event loop.)
    """

    def __init__(
        self,
        provider: ProviderName | str | Provider,
        *,
        api_key: str | KeySource | None = None,
        base_url: str | None = None,
        model: str | None = None,
        proxy: ProxySetting = None,
        timeout: Timeouts | float | None = None,
        retry: RetryPolicy | int | None = None,
        headers: HeaderFields | None = None,
        cookies: Mapping[str, str] | None = None,
        verify: Verify = True,
        ssl_context: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        connect: Connect | None = None,
        uds: PathLike | None = None,
        resolver: Resolver | None = None,
        max_connections: int = MAX_CONNECTIONS,
        observer: Observer | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            provider, api_key=api_key, base_url=base_url, model=model, timeout=timeout, retry=retry,
            headers=headers, cookies=cookies, limits=limits, observer=observer, options=options,
        )  # fmt: skip
        self._proxy: ProxySetting = checked(proxy)
        self._way = way_of(connect, uds, resolver, proxy, blocking=False)
        self._pool = Pool(verify=merged(verify, ssl_context), way=self._way, max_connections=max_connections)

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
    ) -> AsyncStream:
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

    async def complete(
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
        async with self.stream(
            messages, model=model, system=system, timeout=timeout, retry=retry, limits=limits, proxy=proxy,
            headers=headers, cookies=cookies, observer=observer, record=record, **options,
        ) as stream:  # fmt: skip
            await stream._read_on()
            return stream.reply

    @overload
    async def models(
        self, *, details: Literal[False] = False, timeout: Timeouts | float | None = None, proxy: ProxySetting = None,
        observer: Observer | None = None,
    ) -> list[str]: ...  # fmt: skip

    @overload
    async def models(
        self, *, details: Literal[True], timeout: Timeouts | float | None = None, proxy: ProxySetting = None,
        observer: Observer | None = None,
    ) -> list[ModelInfo]: ...  # fmt: skip

    async def models(
        self, *, details: bool = False, timeout: Timeouts | float | None = None, proxy: ProxySetting = None,
        observer: Observer | None = None,
    ) -> list[str] | list[ModelInfo]:  # fmt: skip
        """The names of the host's models; with `details`, what its list says of each.

        Raises InvalidRequest where the provider's API has no list of models.
        """
        listing = self._listing(timeout, observer)
        async with self._open(listing, proxy) as stream:
            await stream._read_on()
        return listing.infos if details else listing.models

    def _open(self, exchange: Exchange, proxy: ProxySetting, record: PathLike | Recorder | None = None) -> AsyncStream:
        self._way.check_proxy(proxy)
        proxy = self._proxy if proxy is None else proxy
        wire = AsyncWire(self._pool, proxy=proxy, limits=exchange.limits, exchange=exchange)
        exchange.secrets += wire.secrets(self.provider.base_url)
        return AsyncStream(exchange, alogged(exchange, ataped(exchange, wire, record)))

    def close(self) -> Done:
        """Close every connection at once; streams that are still open end with ClientClosed. May be awaited."""
        self.closed = True
        self._pool.close()
        return Done()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    async def __aenter__(self) -> AsyncClient:
        self._check_open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()


class AsyncStream(BaseStream[AWire]):
    """One answer while it comes. Iterate it for text, or `events()` for everything; `async with` closes it.

    Iterating raises ChatError when the answer fails or stops before its proven end.
    """

    __slots__ = ()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> str:
        while True:
            for event in self._pending:
                if type(event) is TextDelta and not event.choice:
                    return event.text
            await self._refill()

    async def start(self) -> AsyncStream:
        """Ask, and wait for the head of the answer alone; returns this stream, to be read as ever.

        Raises ChatError where the provider refuses, once no retry is left. A stream that was begun is left as it is.
        """
        if self._enter():
            events = None
            try:
                await adrive(self._exchange, self._wire, to_head=True)
                events = self._pending  # what was not delivered yet still is to be
            finally:
                self._leave(events)
        return self

    def events(self) -> AsyncStreamEvents:
        """The events from here on, as an iterator; an event is delivered once, there or as text here."""
        return AsyncStreamEvents(self)

    async def _refill(self) -> None:
        if not await self._read():
            raise StopAsyncIteration

    async def _read(self) -> list[ChatEvent]:
        """The next events, as many as arrived together, which are then `_pending` too; none at the stream's end."""
        if not self._enter():
            return []
        events = None
        try:
            events = await adrive(self._exchange, self._wire)
            return events
        finally:
            self._leave(events)

    async def _read_on(self) -> None:
        """Read to the stream's end; of the events from here on, the reply alone tells."""
        if self._enter():
            end: list[ChatEvent] | None = None
            try:
                while await adrive(self._exchange, self._wire):
                    pass
                end = []
            finally:
                self._leave(end)

    def close(self) -> Done:
        """Close the connection at once, finished or not. May be awaited."""
        self._shut()
        return Done()

    async def aclose(self) -> None:
        """As `close`."""
        self._shut()

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._shut()


class AsyncStreamEvents:
    """The events of an AsyncStream, one after another."""

    def __init__(self, stream: AsyncStream) -> None:
        self._stream = stream

    def __aiter__(self) -> AsyncStreamEvents:
        return self

    async def __anext__(self) -> ChatEvent:
        while True:
            for event in self._stream._pending:
                return event
            await self._stream._refill()


class Done:
    """What close() returns: awaiting it is allowed, and waits for nothing, as all is closed already."""

    def __await__(self) -> Generator[None, None, None]:
        return
        yield


# --- for `batch`, which asks many rows over one client ---------------------------------------------------------------

next_events, read_on = AsyncStream._read, AsyncStream._read_on


def headers_of(stream: AsyncStream) -> Headers:
    """The header fields of the last response, as they came."""
    return stream._exchange.headers


def keep_idle(client: AsyncClient, connections: int) -> None:
    """Let the client keep so many idle connections at least, where the usual bound is 100."""
    client._pool.max_idle = max(client._pool.max_idle, connections)
