"""map_prompts and amap_prompts: many prompts asked at once, from Python values, without files."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator, Mapping
from contextlib import aclosing
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from sansio_core import InvalidRequest, Messages, StreamMisused
from sansio_core.errors import safe_repr

from .._shared.forks import ELSEWHERE
from .answer import Answer
from .loop_thread import LoopThread
from .settings import Setup
from .supply import NONE_YET, Supply

if TYPE_CHECKING:
    from typing import Unpack

    from sansio_core import ProviderName
    from sansio_core.providers import Provider

    from ..aio import AsyncClient
    from .rows import Row
    from .typed import ClientSettings

Prompt = Messages | Mapping[str, Any]

_AHEAD, _TIMES = 1000, 16
"""With `order`, so many prompts, or so many times `concurrency`, are asked beyond one that is not answered yet."""
_MOMENT = 0.1
"""Seconds in which a thread that has nothing to wait for ends."""


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
    """The answers to `prompts`, each as soon as it is complete.

        for answer in map_prompts(["One?", {"id": 7, "prompt": "Two?"}], "openai", model="MODEL", temperature=0):
            print(answer.row, answer.id, answer.text, answer.error)

    `prompts`: an iterable, perhaps an endless one, of texts, of lists of messages, and of mappings: `{"prompt": …}` or
    `{"messages": […]}`, with `id`, `system`, `model` and any option, which replace those of all. `Answer.row` counts
    them from 1, `Answer.id` is their own.

    concurrency  how many are asked at once, at most; the pace is found by how the server takes it
    rate         a bound of your own, in requests a second
    order        whether the answers come in the order of the prompts; then at most 1000 prompts, or 16 times
                 `concurrency`, are asked beyond one that is not answered yet
    max_wait     seconds for which the server may have everybody wait
    system       a text before the messages of every prompt that has no system message of its own
    template     as "Summarise: {text}": makes the prompts of the fields of mappings, which are data then, but for `id`
                 and `model`
    settings     those of AsyncClient, as `api_key`, `base_url`, `timeout`, `retry`; and options, as `temperature`

    An Answer has an `error` where its prompt was refused or cannot be used, and where all attempts of `retry` failed.
    What makes asking senseless (a wrong key, a used-up quota, no such host) is raised instead, after the answers that
    there were, and so is what `prompts` raises. Raises InvalidRequest at once for parameters of no use.

    Threads of their own take the prompts and send the requests while this iterator is open: it works in a running event
    loop (a notebook) too, and may be left at any time (`break`, `close()`), which cancels what is in flight. A slow
    reader slows the asking: at most some three times `concurrency` prompts are ahead of the answers that were taken.
    """
    _check(prompts, order)
    if isinstance(prompts, AsyncIterable):
        raise InvalidRequest("prompts must be an iterable, and this is an async one: amap_prompts takes it")
    setup = Setup(map_prompts, provider, settings, concurrency, rate, max_wait, system, template)
    return _in_thread(Mapper(setup, setup.client(), order=order), prompts)


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
    """The answers to `prompts`, as of map_prompts, for `async for`; `prompts` may be an async iterable.

    One that waits should be async: a plain one holds up the event loop. Whoever leaves the loop early closes it, as by
    `contextlib.aclosing`, and so cancels what is in flight; else that is done some time later.
    """
    _check(prompts, order)
    setup = Setup(amap_prompts, provider, settings, concurrency, rate, max_wait, system, template)
    mapper = Mapper(setup, setup.client(), order=order)
    return mapper.answers_to(prompts) if isinstance(prompts, AsyncIterable) else mapper.answers(prompts)


class Mapper:
    """Makes rows of prompts, and asks them over `client`, which it closes at the end.

    `order`: as for map_prompts. `patience`: the seconds without a prompt after which answers that are held back are
    handed out, as whoever gives the prompts may be waiting for them.
    """

    def __init__(self, setup: Setup, client: AsyncClient, *, order: bool = False, patience: float = 1.0) -> None:
        self.concurrency, self._client = setup.concurrency, client
        self.asking, self._reader = setup.asking(client), setup.reader(client)
        self._order, self._patience = order, patience
        self._ahead = max(_AHEAD, _TIMES * self.concurrency)
        self._settling: asyncio.TimerHandle | None = None
        self._next = 1  # with `order`, the number of the row whose answer is handed out next

    async def answers(self, prompts: Iterable[Any]) -> AsyncGenerator[Answer, None]:
        """The answers; a NONE_YET among `prompts`: `asking.wake` tells when there are more."""
        asking, early = self.asking, dict[int, Answer]()
        async with self._client, aclosing(asking.answers(self._rows(prompts))) as answers:
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
        """As `answers`, for an async iterable."""
        supply = Supply(self.concurrency, self.asking.wake)
        taking = asyncio.create_task(supply.atake(prompts))
        try:
            async with aclosing(self.answers(supply)) as answers:
                async for answer in answers:
                    yield answer
        finally:
            taking.cancel()
            await asyncio.wait([taking])

    def _rows(self, prompts: Iterable[Any]) -> Iterator[Row | None]:
        """The rows of the prompts; None where there is none at present, and while too many are ahead."""
        number = 0
        for prompt in prompts:
            if self._settling is not None:
                self._settling.cancel()
                self._settling = None
            if prompt is NONE_YET:
                self._settle(later=2)
                yield None
                continue
            number += 1
            while self._order and number - self._next > self._ahead:
                yield None
            yield self._reader.row(prompt, number)

    def _settle(self, later: int) -> None:
        """Once no prompt has come for so many waits: during one of them the whole process may have stood still."""
        if later:
            self._settling = asyncio.get_running_loop().call_later(self._patience / 2, self._settle, later - 1)
        else:
            self.asking.settle()


def _check(prompts: object, order: object) -> None:
    """Raises InvalidRequest for an `order` that is no bool, and for `prompts` that are one prompt, or none."""
    if not isinstance(order, bool):
        raise InvalidRequest(f"order must be True or False, not {safe_repr(order)}")
    if isinstance(prompts, (str, bytes, Mapping)):
        raise InvalidRequest("prompts must be an iterable of prompts, and this is one: put it in a list")
    if hasattr(prompts, "columns"):  # to iterate a DataFrame gives their names
        raise InvalidRequest("prompts is a table: give a column, as df['text'], or the rows, as df.to_dict('records')")
    if not isinstance(prompts, (Iterable, AsyncIterable)):
        raise InvalidRequest(
            "prompts must be an iterable of texts, lists of messages and mappings, "
            f"not {safe_repr(prompts)}"
        )


def _in_thread(mapper: Mapper, prompts: Iterable[Prompt]) -> Generator[Answer, None, None]:
    """The answers, while a thread asks and another takes the prompts, as an iterator that waits holds up no answers."""
    process, most = os.getpid(), mapper.concurrency
    answers, taken = SimpleQueue[Answer | BaseException | None](), asyncio.Event()
    supply = Supply(most, lambda: thread.call(mapper.asking.wake))

    async def ask() -> None:
        async with aclosing(mapper.answers(supply)) as found:
            async for answer in found:
                answers.put(answer)
                while answers.qsize() > most:
                    taken.clear()
                    await taken.wait()

    thread = LoopThread(ask(), "map_prompts", answers.put)
    taking = supply.take_in_thread(prompts, "map_prompts-prompts")
    try:
        while (answer := answers.get()) is not None:
            if isinstance(answer, BaseException):
                raise answer
            if answers.qsize() == most // 2:
                thread.call(taken.set)
            yield answer
            if os.getpid() != process:
                raise StreamMisused(ELSEWHERE.format("process"))
    finally:
        # At the interpreter's end the threads have stopped where they were, and nothing is to be waited for.
        if os.getpid() == process and not sys.is_finalizing():
            supply.close()
            thread.close()
            taking.join(_MOMENT)  # an iterator that waits is left to its thread
