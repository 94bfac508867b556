"""Emulator: the loopback server, as programs and tests use it."""

from __future__ import annotations

import contextlib
import json
import re
import ssl
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import inf
from random import Random
from time import monotonic
from typing import Any, TypeAlias, get_args

from sansio_core.errors import suggestion

from . import effects
from .faults import Aim, Fault
from .limit import Bucket, Limit
from .loopback import LoopbackServer
from .request import Request
from .response import Framing, Pause, Response, Step
from .served import Served, told
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


class Emulator(LoopbackServer):
    """A loopback HTTP/1.1 server that speaks every provider's wire format, checks each request, and fails to order.

        with Emulator(reply="Hello") as emulator:
            client = Client("yqcloud", base_url=emulator.base_url("yqcloud"))

    `reply`: the text of every answer, or a function from the prompt to it. `tool_calls`: the answer to a question that
    offers tools (`reply` then answers the tools' results), or a function from the user's last message to that or None.
    `reasoning`: the text of the model's reasoning, in formats that have it. `pace`: seconds between two pieces.
    `delay`: seconds before the first byte of an answer. `limit`: how many questions are answered; those above get the
    vendor's own 429 at once, and take no fault. `chunk_size`: characters in a piece (None: a piece is a word).
    `framing`: how bodies end: "chunked", "content-length" or "close". `gzip`: whether clients that accept gzip get it.
    `host`, `port` (0: any free one) and `ssl_context`: where and how it listens. `keep`: how many requests `requests`
    holds (None: all). `faults`: the first faults (see `order`). `on_request`: called, in the server's thread, with a
    Served after each response.

    Every API key is accepted but "wrong" and "sk-wrong", and every model but "no-such-model": with these the emulator
    shows the vendor's error response.

    `with`, or `start` and `stop`, run it in a thread of its own; `async with`, or `await serve()`, in the running loop.
    Every method may be called from any thread.
    """

    what = "emulator"

    def __init__(
        self,
        *,
        reply: str | Callable[[str], str] = DEFAULT_TEXT,
        tool_calls: ToolCalls | Callable[[str], ToolCalls | None] | None = None,
        reasoning: str = "",
        pace: float = 0.0,
        delay: float = 0.0,
        limit: Limit | None = None,
        chunk_size: int | None = None,
        framing: Framing = "chunked",
        gzip: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        ssl_context: ssl.SSLContext | None = None,
        keep: int | None = 1000,
        faults: Iterable[Order] = (),
        on_request: Callable[[Served], None] | None = None,
    ) -> None:
        if framing not in get_args(Framing):
            raise ValueError(f"framing must be one of {get_args(Framing)}, not {framing!r}")
        if chunk_size is not None and chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1 character, not {chunk_size!r}")
        if not 0 <= delay < inf:
            raise ValueError(f"delay must be a number of seconds, not {delay!r}")
        super().__init__(host, port, ssl_context, keep)
        self._reply = reply
        self._tool_calls = tool_calls
        self._reasoning, self._pace, self._delay = reasoning, pace, delay
        self._bucket = Bucket(limit) if limit else None
        self._pieces = re.compile(r"\s*\S+|\s+" if chunk_size is None else rf"[\s\S]{{1,{chunk_size}}}")
        self._framing: Framing = framing
        self._gzip = gzip
        self._on_request = on_request
        self._systems: dict[str, System] = {name: make() for name, make in SYSTEMS.items()}

        self._queues: dict[Aim, deque[tuple[Fault, ...]]] = {aim: deque() for aim in get_args(Aim)}
        self._standing: dict[Aim, tuple[Fault, ...]] = {}
        self._lots = Random(0)
        self.order(*faults)

    def base_url(self, provider: str) -> str:
        """The `base_url` for a client of that provider, with the path that its public base URL has.

        Raises ValueError for a provider that the emulator does not have.
        """
        system = self._systems.get(provider)
        if system is None:
            near, known = suggestion(provider, self._systems), ", ".join(self._systems)
            raise ValueError(f"the emulator does not speak {provider!r}{near}; it speaks: {known}")
        return f"{self._root}/{provider}{system.base}"

    @property
    def providers(self) -> list[str]:
        """The providers that `base_url` accepts."""
        return list(self._systems)

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
            faults = queue.popleft() if queue else self._standing.get(aim, ())
            return tuple(fault for fault in faults if self._lots.random() < fault.share)

    # --- called by a connection (server.Service) ---

    def greet(self) -> Iterable[Step]:
        """The steps of the faults that are aimed at this connection, before anything is read from it."""
        return effects.on_connect(self._take("connect"))

    def respond(self, request: Request) -> Generator[Step, None, None]:
        """Record the request, check it, and answer it, with the faults that were ordered for it."""
        self._note(request)
        system = self._systems.get(request.system, next(iter(self._systems.values())))
        try:
            if request.system not in self._systems:
                raise ErrorResponse(404, f"no provider {request.system!r} here; there are: {', '.join(self._systems)}")
            response = self._answer(system, request)
        except ErrorResponse as cause:
            response = system.error_response(cause)
        response.fit(request)
        return told(request, response.wire(), None if response.raw else response.status, self._on_request)

    def _answer(self, system: System, request: Request) -> Response:
        page = system.page(request)
        if page is not None:
            return self._finish(page, system, request, Answer(), self._take("page"))
        with _wrong_kinds():
            question = system.check(request)
        wait = self._bucket.take(monotonic()) if self._bucket else 0.0
        if wait:
            response = system.rate_limited(wait)
        else:
            answer = self._say(question)
            faults = self._take("chat")
            answer = effects.banned(faults, answer)
            with _wrong_kinds():
                response = system.render(request, answer)
            if self._delay:
                response.before_head.append(Pause(self._delay))
            self._finish(response, system, request, answer, faults)
        if self._bucket:
            response.headers += self._bucket.fields(wait)
        return response

    def _finish(
        self, response: Response, system: System, request: Request, answer: Answer, faults: Iterable[Fault]
    ) -> Response:
        """`response`, which gives `answer`, sent as the emulator's settings say, and with these faults."""
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
