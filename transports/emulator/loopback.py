"""LoopbackServer: starting, listening and stopping, for the emulator and for the servers of tapes."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable
from concurrent.futures import Future
from typing import ClassVar, Self

from .request import Request
from .response import Step
from .server import Connection, stop_listening


class LoopbackServer(ABC):
    """An HTTP/1.1 server whose subclass answers its requests; it is a `server.Service`.

    `host`, `port` (0: any free one) and `ssl_context`: where and how it listens. `keep`: how many requests `requests`
    holds (None: all).

    `with`, or `start` and `stop`, run it in a thread of its own; `async with`, or `await serve()`, in the running loop.
    Every method may be called from any thread.
    """

    what: ClassVar[str] = "server"
    """What error messages call it."""

    def __init__(
        self, host: str, port: int, ssl_context: ssl.SSLContext | None = None, keep: int | None = 1000
    ) -> None:
        if keep is not None and keep < 0:
            raise ValueError(f"keep must be a number of requests, or None for all, not {keep!r}")
        self.ssl_context = ssl_context
        self._host, self._wanted_port = host, port

        self._changed = threading.Condition()  # guards what follows; notified at every change, for wait_for
        self._requests: deque[Request] = deque(maxlen=keep)
        self._received = 0
        self._connections = 0
        self._open: set[Connection] = set()
        self._held = 0
        self._error: BaseException | None = None

        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._port = 0

    # --- where it listens, and what it has received ---

    @property
    def port(self) -> int:
        """The port that it listens on. Raises RuntimeError if it was never started."""
        if not self._port:
            raise RuntimeError(f"the {self.what} was not started: use it in a `with` statement, or call start()")
        return self._port

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._loop is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__}{f' on port {self._port}' if self.running else ', not running'}>"

    @property
    def _root(self) -> str:
        scheme = "http" if self.ssl_context is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """The last `keep` requests, in order; also those for pages, and those that got an error response."""
        with self._changed:
            return list(self._requests)

    @property
    def received(self) -> int:
        """How many requests came so far, kept in `requests` or not."""
        with self._changed:
            return self._received

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        with self._changed:
            return self._connections

    @property
    def open_connections(self) -> int:
        """How many connections are open."""
        with self._changed:
            return len(self._open)

    @property
    def held(self) -> int:
        """How many requests are kept in silence at the moment."""
        with self._changed:
            return self._held

    def wait_for(self, predicate: Callable[[Self], bool], timeout: float = 5.0) -> None:
        """Block until `predicate(self)` is true, e.g. `lambda e: e.held == 1`; it is called after every change.

        Raises TimeoutError after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: predicate(self), timeout):
                raise TimeoutError(f"the {self.what} did not come to that within {timeout:g} s")

    def _note(self, request: Request) -> None:
        """Count a request, and keep it in `requests`."""
        with self._changed:
            self._received += 1
            self._requests.append(request)
            self._changed.notify_all()

    # --- running ---

    def start(self) -> None:
        """Run the server in a daemon thread; returns once it listens. Raises OSError if it cannot listen."""
        if self._loop is not None:
            raise RuntimeError(f"the {self.what} is already running")
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), name=self.what, daemon=True)
        self._thread.start()
        try:
            started.result()
        except BaseException:
            self._thread.join()
            self._thread = None
            raise

    async def _run(self, started: Future[None]) -> None:
        try:
            await self._listen()
        except (OSError, OverflowError) as error:
            started.set_exception(error)
            return
        started.set_result(None)
        try:
            await self._stopping.wait()
        finally:
            await self._shut()

    def stop(self) -> None:
        """End the server and every connection; idempotent. Raises the first exception of the server's own code."""
        with self._changed:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            self._raise()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def serve(self) -> None:
        """Run the server in this loop until `stop` is called, or the task is cancelled."""
        async with self:
            await self._stopping.wait()

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise RuntimeError(f"the {self.what} is already running")
        await self._listen()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._shut()
        self._raise()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._released, self._stopping = asyncio.Event(), asyncio.Event()
        self._server = await loop.create_server(lambda: Connection(self), self._host, self._wanted_port, backlog=1024)
        with self._changed:
            self._port = self._server.sockets[0].getsockname()[1]
            self._loop = loop
            self._changed.notify_all()

    async def _shut(self) -> None:
        assert self._server is not None
        with self._changed:
            self._loop = None
        await stop_listening(self._server)
        while links := list(self._open):
            for link in links:
                link.end()
            await asyncio.gather(*(link.gone.wait() for link in links))
        await asyncio.sleep(0)  # the transports close their sockets in the next step
        await self._server.wait_closed()

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    # --- called by a connection (server.Service) ---

    def connected(self, connection: Connection) -> int:
        """Count a new connection; returns its number, from 1."""
        with self._changed:
            self._open.add(connection)
            self._connections += 1
            self._changed.notify_all()
            return self._connections

    def disconnected(self, connection: Connection) -> None:
        """Forget a closed connection."""
        with self._changed:
            self._open.discard(connection)
            self._changed.notify_all()

    @contextlib.asynccontextmanager
    async def hold(self) -> AsyncIterator[asyncio.Event]:
        """The event that ends a HOLD; one more in `held` until the `async with` is left."""
        self._count_held(1)
        try:
            yield self._released
        finally:
            self._count_held(-1)

    def _count_held(self, change: int) -> None:
        with self._changed:
            self._held += change
            self._changed.notify_all()

    def failed(self, error: BaseException) -> None:
        """Keep the first error for `stop` to raise."""
        self._error = self._error or error

    def greet(self) -> Iterable[Step]:
        """The steps before anything is read from a new connection: none."""
        return ()

    @abstractmethod
    def respond(self, request: Request) -> Generator[Step, None, None] | AsyncGenerator[Step, None]:
        """The steps that answer a request."""
