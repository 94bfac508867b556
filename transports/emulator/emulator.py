"""Emulator: the loopback server, as programs and tests use it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import chain
from typing import Any, Self, TypeAlias, get_args

from sansio_core.errors import suggestion

from . import effects
from .faults import Aim, Fault
from .request import Request
from .response import Framing, Response, Step
from .served import Served, told
from .server import Connection, stop_listening
from .systems import SYSTEMS, Answer, Call, ErrorResponse, Question, System

DEFAULT_TEXT = (
    "Green leaves whisper in the wind,\n"
    "a brook hums over stones — café-brown and cool;\n"
    "the mountain (山) keeps its silence,\n"
    "and the sun 🌞 paints the day with gentle light.\n"
)
"""The text of an emulator's answers by default; with characters of two, three and four bytes in UTF-8."""

ToolCalls: TypeAlias = Sequence[tuple[str, Mapping[str, Any]]]
"""The tool calls of one answer: names and arguments."""

Order: TypeAlias = Fault | tuple[Fault, ...] | None
"""The faults for one request: one, several together, or None for a good answer."""


class Emulator:
    """A loopback HTTP/1.1 server that speaks every provider's wire format, checks each request, and fails to order.

        with Emulator(reply="Hello") as emulator:
            client = Client("yqcloud", base_url=emulator.base_url("yqcloud"))

    `reply`: the text of every answer, or a function from the prompt to it. `tool_calls`: the answer to a question that
    offers tools (`reply` then answers the tools' results), or a function from the user's last message to that or None.
    `reasoning`: the text of the model's reasoning, in formats that have it. `pace`: seconds between two pieces.
    `chunk_size`: characters in a piece (None: a piece is a word). `framing`: how bodies end: "chunked",
    "content-length" or "close". `gzip`: whether clients that accept gzip get it. `host`, `port` (0: any free one) and
    `ssl_context`: where and how it listens. `faults`: the first faults (see `order`). `on_request`: called, in the
    server's thread, with a Served after each response.

    Every API key is accepted but "wrong" and "sk-wrong", and every model but "no-such-model": with these the emulator
    shows the vendor's error response.

    `with`, or `start` and `stop`, run it in a thread of its own; `async with`, or `await serve()`, in the running loop.
    Every method may be called from any thread.
    """

    def __init__(
        self,
        *,
        reply: str | Callable[[str], str] = DEFAULT_TEXT,
        tool_calls: ToolCalls | Callable[[str], ToolCalls | None] | None = None,
        reasoning: str = "",
        pace: float = 0.0,
        chunk_size: int | None = None,
        framing: Framing = "chunked",
        gzip: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        faults: Iterable[Order] = (),
        on_request: Callable[[Served], None] | None = None,
    ) -> None:
        if framing not in get_args(Framing):
            raise ValueError(f"framing must be one of {get_args(Framing)}, not {framing!r}")
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1 character, not {chunk_size!r}")
        self.ssl_context = ssl_context
        self._reply = reply
        self._tool_calls = tool_calls
        self._reasoning, self._pace = reasoning, pace
        self._pieces = re.compile(r"\s*\S+|\s+" if chunk_size is None else rf"[\s\S]{{1,{chunk_size}}}")
        self._framing: Framing = framing
        self._gzip = gzip
        self._on_request = on_request
        self._host, self._wanted_port = host, port
        self._systems: dict[str, System] = {name: make() for name, make in SYSTEMS.items()}

        self._changed = threading.Condition()  # guards what follows; notified at every change, for wait_for
        self._queues: dict[Aim, deque[tuple[Fault, ...]]] = {aim: deque() for aim in get_args(Aim)}
        self._standing: dict[Aim, tuple[Fault, ...]] = {}
        self._requests: list[Request] = []
        self._connections = 0
        self._open: set[Connection] = set()
        self._held = 0
        self._error: BaseException | None = None

        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._port = 0
        self.order(*faults)

    # --- where it listens, and what it has received ---

    @property
    def port(self) -> int:
        """The port that it listens on. Raises RuntimeError if it was never started."""
        if not self._port:
            raise RuntimeError("the emulator was not started: use it in a `with` statement, or call start()")
        return self._port

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._loop is not None

    def __repr__(self) -> str:
        return f"<Emulator on port {self._port}>" if self.running else "<Emulator, not running>"

    def base_url(self, provider: str) -> str:
        """The `base_url` for a client of that provider, with the path that its public base URL has.

        Raises ValueError for a provider that the emulator does not have.
        """
        system = self._systems.get(provider)
        if system is None:
            near, known = suggestion(provider, self._systems), ", ".join(self._systems)
            raise ValueError(f"the emulator does not speak {provider!r}{near}; it speaks: {known}")
        scheme = "http" if self.ssl_context is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}/{provider}{system.base}"

    @property
    def providers(self) -> list[str]:
        """The providers that `base_url` accepts."""
        return list(self._systems)

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in order; also those for pages, and those that got an error response."""
        with self._changed:
            return list(self._requests)

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
        """How many requests a Stall or Hang keeps without an answer at the moment."""
        with self._changed:
            return self._held

    def wait_for(self, predicate: Callable[[Emulator], bool], timeout: float = 5.0) -> None:
        """Block until `predicate(emulator)` is true, e.g. `lambda e: e.held == 1`; it is called after every change.

        Raises TimeoutError after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: predicate(self), timeout):
                raise TimeoutError(f"the emulator did not come to that within {timeout:g} s")

    # --- faults ---

    def order(self, *faults: Order, always: bool = False) -> None:
        """Queue faults: each is applied to one coming request (of its `on`) that passes the checks.

        A tuple is several for one request, applied in that order; None is a good answer. With `always` the faults of
        this call are applied together to every request that finds the queue empty (no faults: to none any more).
        """
        groups = [fault if isinstance(fault, tuple) else (fault,) if fault else () for fault in faults]
        with self._changed:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._released.clear)
            if always:
                together = list(chain(*groups))
                self._standing = {aim: tuple(fault for fault in together if fault.on == aim) for aim in self._queues}
                return
            for group in groups:
                self._queues[_aim(group)].append(group)

    def release(self) -> None:
        """End the silence of every Stall, also of those ordered but not yet reached; a later `order` stalls again."""
        with self._changed:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._released.set)

    def _take(self, aim: Aim) -> tuple[Fault, ...]:
        with self._changed:
            queue = self._queues[aim]
            return queue.popleft() if queue else self._standing.get(aim, ())

    # --- running ---

    def start(self) -> None:
        """Run the server in a daemon thread; returns once it listens. Raises OSError if it cannot listen."""
        if self._loop is not None:
            raise RuntimeError("the emulator is already running")
        started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(started)), name="emulator", daemon=True)
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
        """End the server and every connection; idempotent. Raises the first exception of the emulator's own code."""
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
            raise RuntimeError("the emulator is already running")
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
        """The event that `release` sets; one more in `held` until the `async with` is left."""
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
        """The steps of the faults that are aimed at this connection, before anything is read from it."""
        return effects.on_connect(self._take("connect"))

    def respond(self, request: Request) -> Generator[Step, None, None]:
        """Record the request, check it, and answer it, with the faults that were ordered for it."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
        system = self._systems.get(request.system, next(iter(self._systems.values())))
        try:
            if request.system not in self._systems:
                raise ErrorResponse(404, f"no provider {request.system!r} here; there are: {', '.join(self._systems)}")
            response = self._answer(system, request)
        except ErrorResponse as cause:
            response = system.error_response(cause)
        response.keep_alive = request.keep_alive and response.keep_alive
        if request.version == "1.0" and response.framing == "chunked":  # HTTP/1.0 has no chunks (RFC 9112 7.1)
            response.framing = "close"
        response.bodiless = request.method == "HEAD"
        return told(request, response, self._on_request)

    def _answer(self, system: System, request: Request) -> Response:
        answer = Answer()
        aim: Aim = "page"
        response = system.page(request)
        if response is None:
            aim = "chat"
            with _wrong_kinds():
                question = system.check(request)
            answer = self._say(question)
        faults = self._take(aim)
        if response is None:
            answer = effects.banned(faults, answer)
            with _wrong_kinds():
                response = system.render(request, answer)
        response.framing = self._framing
        response.pace = self._pace
        if self._gzip and "gzip" in request.headers.get("accept-encoding", ""):
            response.gzip = "whole"
        for fault in faults:
            effects.apply(fault, response, system, request, answer)
        return response

    def _say(self, question: Question) -> Answer:
        reasoning = self._pieces.findall(self._reasoning)
        wanted = self._tool_calls if question.tools else None
        if callable(wanted):
            wanted = wanted(question.last)
        if wanted:
            texts = ((name, json.dumps(arguments, ensure_ascii=False)) for name, arguments in wanted)
            calls = [Call(name, tuple(self._pieces.findall(text))) for name, text in texts]
            return Answer(reasoning=reasoning, calls=calls, question=question)
        text = self._reply if isinstance(self._reply, str) else self._reply(question.prompt)
        return Answer(self._pieces.findall(text), reasoning, question=question)


def _aim(group: tuple[Fault, ...]) -> Aim:
    """Which requests the faults are for. Raises ValueError if they differ."""
    aims: set[Aim] = {fault.on for fault in group} or {"chat"}
    if len(aims) > 1:
        raise ValueError(f"faults for one request must be aimed alike, not at {sorted(aims)}")
    return aims.pop()


@contextlib.contextmanager
def _wrong_kinds() -> Iterator[None]:
    """Make an error response of the exception that a value of the wrong kind raises where no check looks at it."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ErrorResponse(400, f"the body has a value of the wrong kind: {error}") from error
