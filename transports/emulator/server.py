"""The HTTP/1.1 server: reads requests with h11, and carries out the steps of responses. It decides nothing.

h11 does not write the responses, as it raises for malformed ones, which the faults ask for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Generator, Iterable
from time import monotonic
from typing import Protocol

import h11

from .request import Request
from .response import Control, Pause, Response, Step, Until

MAX_HEAD = 64 * 1024  # bytes of a request's head
_LINGER_0 = struct.pack("ii", 1, 0)  # struct linger: on, for 0 seconds


class Service(Protocol):
    """The methods of a LoopbackServer that a connection calls."""

    ssl_context: ssl.SSLContext | None

    def connected(self, connection: Connection) -> int:
        """A connection was accepted; returns its number, from 1."""
        ...

    def disconnected(self, connection: Connection) -> None:
        """A connection is closed."""

    def greet(self) -> Iterable[Step]:
        """The steps to carry out before anything is read."""
        ...

    def respond(self, request: Request) -> Generator[Step, None, None] | AsyncGenerator[Step, None]:
        """The steps that answer a request; asynchronous where the service awaits something before it knows them."""
        ...

    def hold(self) -> contextlib.AbstractAsyncContextManager[asyncio.Event]:
        """An event that ends a HOLD; leave the `async with` when no longer waiting for it."""
        ...

    def failed(self, error: BaseException) -> None:
        """An exception of the service's own code, or of a `reply` function that was given to it."""


class Connection(asyncio.Protocol):
    """One accepted connection, and the task that serves it. It ends when the client closes it, or its sending half."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.gone = asyncio.Event()

    # --- called by the loop ---

    # asyncio declares a BaseTransport here; a TCP server's transports are always asyncio.Transport
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._raw = self._transport = transport
        self._number = self._service.connected(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())
        self._task.add_done_callback(self._served)

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._arrived.set()

    def eof_received(self) -> bool:
        self._task.cancel()
        return False

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._task.cancel()
        self._drop()

    # --- called by the service ---

    def end(self) -> None:
        """Close the connection at once; `gone` is set when that is done."""
        self._task.cancel()
        self._raw.abort()

    # --- the task ---

    async def _serve(self) -> None:
        try:
            if not await self._carry_out(self._service.greet(), reading=False):
                return
            if self._service.ssl_context is not None and not await self._start_tls(self._service.ssl_context):
                return
            self._prepare(self._transport)
            while await self._serve_one():
                pass
        finally:
            self._transport.close()

    async def _start_tls(self, context: ssl.SSLContext) -> bool:
        transport: asyncio.Transport | None = None
        try:
            with contextlib.suppress(OSError):  # also an ssl.SSLError: the client does not trust us, or speaks no TLS
                transport = await asyncio.get_running_loop().start_tls(self._raw, self, context, server_side=True)
        finally:
            if transport is None:
                self._raw.abort()
                self._drop()  # asyncio does not call connection_lost after a failed handshake
            else:
                self._transport = transport
        return transport is not None

    async def _serve_one(self) -> bool:
        """Serve one request; returns whether another may follow."""
        try:
            head, body = await self._read()
        except h11.RemoteProtocolError as error:
            response = Response("text/plain", [f"{error}\n".encode()], status=400, keep_alive=False)
            return await self._carry_out(response.wire())
        pairs = [(name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers]
        scheme = "http" if self._service.ssl_context is None else "https"
        request = Request.received(
            head.method.decode("ascii"),
            head.target.decode("ascii"),
            pairs,
            body,
            version=head.http_version.decode("ascii"),
            scheme=dict(pairs).get("x-forwarded-proto", scheme),  # set by a TLS proxy before us
            connection=self._number,
        )
        steps = self._service.respond(request)
        if isinstance(steps, Generator):
            with contextlib.closing(steps):
                return await self._carry_out(steps)
        async with contextlib.aclosing(steps):
            async for step in steps:
                if not await self._carry_out((step,)):
                    return False
        return True

    async def _read(self) -> tuple[h11.Request, bytes]:
        """The next request, whole."""
        body = bytearray()
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
                    await self._write(self._http.send(go_on) or b"")
                self._arrived.clear()
                await self._arrived.wait()
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                rest, _ = self._http.trailing_data
                self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
                if rest:  # pipelined
                    self._http.receive_data(rest)
                return head, bytes(body)

    async def _carry_out(self, steps: Iterable[Step], *, reading: bool = True) -> bool:
        """Carry out the steps; returns whether the connection may serve another request."""
        for step in steps:
            if isinstance(step, bytes):
                await self._write(step)
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Until):
                await asyncio.sleep(step.when - monotonic())
            elif step is Control.RESET:
                self._reset()
                return False
            elif step is Control.CLOSE:
                return False
            else:
                await self._silence(step, reading)
        return True

    async def _silence(self, step: Step, reading: bool) -> None:
        if not reading:
            self._raw.pause_reading()
        async with self._service.hold() as released:
            await released.wait() if step is Control.HOLD else await asyncio.Event().wait()
        if not reading:
            self._raw.resume_reading()

    async def _write(self, data: bytes) -> None:
        """Hand `data` to the kernel, and let other tasks run, so that the client may read it before more is written."""
        self._transport.write(data)
        await self._writable.wait()
        await asyncio.sleep(0)

    def _reset(self) -> None:
        """Close with a TCP reset: that is what SO_LINGER of 0 seconds does (socket(7))."""
        _socket(self._raw).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self._raw.abort()

    @staticmethod
    def _prepare(transport: asyncio.Transport) -> None:
        """Have each write sent at once (no Nagle), and handed to the kernel before the next (no buffer)."""
        _socket(transport).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(high=1, low=0)  # with a high of 0, asyncio's TLS holds the buffer always full

    def _served(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._raw.abort()
            self._service.failed(error)

    def _drop(self) -> None:
        if not self.gone.is_set():
            self.gone.set()
            self._service.disconnected(self)


async def stop_listening(server: asyncio.Server) -> None:
    """Have `server` accept no more connections; those that it has accepted are set up when this returns."""
    # asyncio forgets to close a connection that it accepted, but has not set up when its server is closed; so it
    # accepts no more, and sets up in the next two steps of the loop what it has.
    with contextlib.suppress(NotImplementedError):  # Windows' loop has no readers
        for listener in server.sockets:
            asyncio.get_running_loop().remove_reader(listener)
    for _ in range(2):
        await asyncio.sleep(0)
    server.close()


def _socket(transport: asyncio.BaseTransport) -> socket.socket:
    found: socket.socket = transport.get_extra_info("socket")
    return found
