"""map_prompts and amap_prompts: many prompts asked at once, from Python values, without files."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from contextvars import copy_context
from functools import partial
from inspect import signature
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from sansio_core import InvalidRequest, StreamMisused
from sansio_core.errors import safe_repr
from sansio_core.pacing import Pacing

from .._shared.forks import ELSEWHERE
from .answer import Answer
from .asking import Asking
from .rows import Row, RowReader
from .settings import check_pace, client_for, with_system

if TYPE_CHECKING:
    from typing import Unpack

    from sansio_core import ProviderName
    from sansio_core.providers import Provider

    from ..aio import AsyncClient
    from .typed import ClientSettings

Prompt = str | Mapping[str, Any]

_AHEAD, _TIMES = 1000, 16
"""With `order`, so many prompts, or so many times `concurrency`, are asked beyond one that is not answered yet."""
_MOMENT = 0.1
"""Seconds in which a thread that has nothing to wait for ends."""
NONE_YET = object()
_END = object()


def map_prompts(
    prompts: Iterable[Prompt],
    provider: ProviderName | str | Provider,
    *,
    concurrency: int = 64,
    rate: float | None = None,
    order: bool = False,
    max_wait: float = 3600.0,
    system: str | None = None,
    template: str | None = None,
    **settings: Unpack[ClientSettings],
) -> Generator[Answer, None, None]:
    """The answers to `prompts`, each as soon as it is complete; the parameters are those of amap_prompts.

    Threads of their own take the prompts and send the requests while this iterator is open: it works in a running event
    loop (a notebook) too, and may be left at any time (`break`, `close()`), which cancels what is in flight. A slow
    reader slows the asking: at most some three times `concurrency` prompts are ahead of the answers that were taken.
    """
    if not isinstance(prompts, Iterable) or isinstance(prompts, (str, bytes, Mapping)):
        wanted = "amap_prompts takes this" if isinstance(prompts, AsyncIterable) else _not_many(prompts)
        raise InvalidRequest(f"prompts must be an iterable of texts and mappings: {wanted}")
    course = _Course(provider, concurrency, rate, order, max_wait, system, template, settings)
    return _in_thread(course, prompts)


def amap_prompts(
    prompts: Iterable[Prompt] | AsyncIterable[Prompt],
    provider: ProviderName | str | Provider,
    *,
    concurrency: int = 64,
    rate: float | None = None,
    order: bool = False,
    max_wait: float = 3600.0,
    system: str | None = None,
    template: str | None = None,
    **settings: Unpack[ClientSettings],
) -> AsyncGenerator[Answer, None]:
    """The answers to `prompts`, each as soon as it is complete.

    `prompts`: an iterable, or an async one, of texts and of mappings: `{"prompt": …}` or `{"messages": […]}`, with `id`
    (which the Answer has), `system`, `model` and any option, which replace those of all. It may be endless: it is read
    as far as rows can be asked. (One that waits should be async: a plain one holds up the event loop.)

    `concurrency`: how many are asked at once, at most; the pace is found by how the server takes it. `rate`: a bound of
    your own, in requests a second. `order`: the answers come in the order of the prompts; then at most 1000 prompts, or
    16 times `concurrency`, are asked beyond one that is not answered yet. `max_wait`: for so many seconds the server
    may have everybody wait. `system`: a text before the messages of every prompt that has no system message of its own.
    `template`: as "Summarise: {text}", filled with the fields of mappings. `settings`: those of AsyncClient, and
    options.

    An Answer has an `error` where its prompt was refused or cannot be used, and where all attempts of `retry` failed;
    what makes asking senseless (a wrong key, a used-up quota, no such host) is raised instead, after the answers that
    there were. Raises InvalidRequest at once for parameters of no use, and what `prompts` raises.
    """
    if isinstance(prompts, (str, bytes, Mapping)) or not isinstance(prompts, (Iterable, AsyncIterable)):
        raise InvalidRequest(f"prompts must be an iterable of texts and mappings: {_not_many(prompts)}")
    course = _Course(provider, concurrency, rate, order, max_wait, system, template, settings)
    if isinstance(prompts, AsyncIterable):
        return course.answers_to(prompts)
    return course.answers(course.rows(prompts))


def _not_many(prompts: object) -> str:
    return f"put {'it' if isinstance(prompts, (str, Mapping)) else safe_repr(prompts)} in a list"


_OWN = [name for name in signature(amap_prompts).parameters if name != "settings"]


class _Course:
    """One mapping: its parameters, checked, and what they make of prompts."""

    def __init__(
        self, provider: Any, concurrency: int, rate: float | None, order: bool, max_wait: float, system: str | None,
        template: str | None, settings: Mapping[str, Any],
    ) -> None:  # fmt: skip
        check_pace(concurrency, rate, max_wait)
        if not isinstance(order, bool):
            raise InvalidRequest(f"order must be True or False, not {safe_repr(order)}")
        self.client: AsyncClient = client_for(provider, concurrency, system, settings, _OWN, set())
        self.concurrency = concurrency
        self.asking = Asking(self.client, Pacing(concurrency, rate=rate), max_wait=max_wait)
        self._reader = RowReader(template=template, own_options=self.client.provider.own_options)
        self._system, self._order = system, order
        self._ahead = max(_AHEAD, _TIMES * concurrency)
        self._next = 1  # with `order`, the number of the row whose answer is handed out next

    def rows(self, prompts: Iterable[Any]) -> Iterator[Row | None]:
        """The rows of the prompts; None where there is none at present, and while too many are ahead."""
        number = 0
        for prompt in prompts:
            if prompt is NONE_YET:
                self.asking.settle()  # who gives the prompts may wait for the answers
                yield None
                continue
            number += 1
            while self._order and number - self._next > self._ahead:
                yield None
            yield with_system(self._reader.row(prompt, number), self._system)

    async def answers(self, rows: Iterator[Row | None]) -> AsyncGenerator[Answer, None]:
        asking, early = self.asking, dict[int, Answer]()
        async with self.client, aclosing(asking.answers(rows)) as answers:
            async for answer in answers:
                if not self._order:
                    yield answer
                    continue
                early[answer.row] = answer
                while ready := early.pop(self._next, None):
                    self._next += 1
                    yield ready
                asking.wake()
            for number in sorted(early):  # those beyond a row that a stop leaves open
                yield early[number]
        if asking.stopped is not None:
            raise asking.stopped

    async def answers_to(self, prompts: AsyncIterable[Prompt]) -> AsyncGenerator[Answer, None]:
        room = asyncio.Event()
        supply = Supply(self.concurrency, room)

        async def take() -> None:
            try:
                async for prompt in prompts:
                    if supply.put(prompt):
                        self.asking.wake()
                    while supply.full:
                        room.clear()
                        await room.wait()
            except Exception as error:  # noqa: BLE001  # the user's: `answers` raises it
                supply.failure = error
            supply.ended = True
            self.asking.wake()

        taking = asyncio.create_task(take())
        try:
            async with aclosing(self.answers(self.rows(supply))) as answers:
                async for answer in answers:
                    yield answer
        finally:
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)


class Supply(Iterator[Any]):
    """Prompts from another task or thread: a bounded queue that gives NONE_YET where it is empty at present.

    `room` is an Event, asyncio's or threading's: it is set when the supply is half empty.
    """

    def __init__(self, most: int, room: asyncio.Event | threading.Event) -> None:
        self._most, self._room = most, room
        self._prompts: deque[Prompt] = deque()
        self._wanted = self._closed = False
        self.ended = False
        self.failure: BaseException | None = None

    @property
    def full(self) -> bool:
        return len(self._prompts) >= self._most

    def put(self, prompt: Prompt) -> bool:
        """Add a prompt. Returns whether it is waited for."""
        self._prompts.append(prompt)
        wanted, self._wanted = self._wanted, False
        return wanted

    def __next__(self) -> Any:
        ended = self.ended  # looked at first: the other thread adds nothing after it has set this
        self._wanted = True  # and this before the queue: `put` adds first, and looks at this then
        if self._prompts:
            self._wanted = False
            prompt = self._prompts.popleft()
            if len(self._prompts) <= self._most // 2:
                self._room.set()
            return prompt
        if self.failure is not None:
            raise self.failure
        if ended:
            raise StopIteration
        return NONE_YET

    def take(self, prompts: Iterable[Any], wake: Callable[[], object]) -> None:
        """In a thread: put the `prompts`, as there is room. `wake` tells the reader of what it waits for."""
        room = self._room
        assert isinstance(room, threading.Event)
        try:
            for prompt in prompts:
                if self.put(prompt):
                    wake()
                while self.full and not self._closed:
                    room.clear()
                    if self.full and not self._closed:
                        room.wait()
                if self._closed:
                    return
        except BaseException as error:  # noqa: BLE001  # the reader raises it
            self.failure = error
        self.ended = True
        wake()

    def close(self) -> None:
        """Take no more."""
        self._closed = True
        self._room.set()


def _in_thread(course: _Course, prompts: Iterable[Prompt]) -> Generator[Answer, None, None]:
    """The answers, while a thread asks and another takes the prompts."""
    bridge, process = _Bridge(course), os.getpid()
    bridge.start(prompts)
    try:
        while True:
            item = bridge.get()
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
            if os.getpid() != process:
                raise StreamMisused(ELSEWHERE.format("process"))
    finally:
        # At the interpreter's end the threads have stopped where they were, and nothing is to be waited for.
        if os.getpid() == process and not sys.is_finalizing():
            bridge.close()


class _Bridge:
    """From the thread of a for loop to that of an event loop and back."""

    def __init__(self, course: _Course) -> None:
        self._course = course
        self._most = course.concurrency
        self._answers: SimpleQueue[Any] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._taken = asyncio.Event()
        self._supply = Supply(self._most, threading.Event())
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="map_prompts", daemon=True)

    def start(self, prompts: Iterable[Prompt]) -> None:
        # A thread of its own: an iterator that waits, as for a queue, must not hold up the answers.
        wake = partial(self._tell, self._course.asking.wake)
        work = partial(copy_context().run, self._supply.take, prompts, wake)
        self._taking = threading.Thread(target=work, name="map_prompts-prompts", daemon=True)
        self._thread.start()
        self._taking.start()

    def get(self) -> Any:
        item = self._answers.get()
        if self._answers.qsize() == self._most // 2:
            self._tell(self._taken.set)
        return item

    def close(self) -> None:
        """Cancel what is in flight; returns when the loop has ended. An iterator that waits is left to its thread."""
        self._closed = True
        self._supply.close()
        self._tell(self._cancel)
        self._thread.join()
        self._taking.join(_MOMENT)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _tell(self, function: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: all is over
            self._loop.call_soon_threadsafe(function)

    def _run(self) -> None:
        """In the loop's thread."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._ask())
                self._answers.put(_END)
            except BaseException as error:  # noqa: BLE001  # `_in_thread` raises it
                self._answers.put(error)

    async def _ask(self) -> None:
        self._task = asyncio.current_task()
        if self._closed:  # before there was a task to be cancelled
            return
        async with aclosing(self._course.answers(self._course.rows(self._supply))) as answers:
            async for answer in answers:
                self._answers.put(answer)
                while self._answers.qsize() > self._most:
                    self._taken.clear()
                    await self._taken.wait()
