"""map_prompts and amap_prompts: many prompts asked at once, from Python values, without files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import aclosing
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from sansio_core.pacing import Pacing

from .answer import Answer
from .rows import Row, row_of

if TYPE_CHECKING:
    from sansio_core import ProviderName
    from sansio_core.providers import Provider

Prompt = str | Mapping[str, Any]
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
    **settings: Any,
) -> Iterator[Answer]:
    """The answers to `prompts`, each as soon as it is complete; with `order`, in the order of the prompts.

    As amap_prompts; the requests are sent from a thread of their own, while this iterator is open.
    """
    queue: SimpleQueue[Any] = SimpleQueue()
    room: asyncio.Event | None = None
    loop = asyncio.new_event_loop()

    async def ask() -> None:
        nonlocal room
        room = asyncio.Event()
        answers = amap_prompts(
            prompts, provider, concurrency=concurrency, rate=rate, order=order, max_wait=max_wait, system=system,
            template=template, **settings,
        )  # fmt: skip
        async with aclosing(answers):
            async for answer in answers:
                queue.put(answer)
                while queue.qsize() > concurrency:
                    room.clear()
                    await room.wait()

    task: asyncio.Task[None] | None = None

    def run() -> None:
        nonlocal task
        asyncio.set_event_loop(loop)
        task = loop.create_task(ask())
        try:
            loop.run_until_complete(task)
            queue.put(_END)
        except BaseException as error:
            queue.put(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="map_prompts", daemon=True)
    thread.start()
    try:
        while True:
            item = queue.get()
            if item is _END:
                return
            if isinstance(item, BaseException):
                raise item
            if room is not None and queue.qsize() <= concurrency // 2:
                loop.call_soon_threadsafe(room.set)
            yield item
    finally:
        if thread.is_alive() and task is not None:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()


async def amap_prompts(
    prompts: Iterable[Prompt] | AsyncIterable[Prompt],
    provider: ProviderName | str | Provider,
    *,
    concurrency: int = 64,
    rate: float | None = None,
    order: bool = False,
    max_wait: float = 3600.0,
    system: str | None = None,
    template: str | None = None,
    **settings: Any,
) -> AsyncIterator[Answer]:
    """The answers to `prompts`, each as soon as it is complete; with `order`, in the order of the prompts."""
    from ..aio import AsyncClient
    from .asking import Asking

    settings.setdefault("max_connections", concurrency)
    async with AsyncClient(provider, **settings) as client:
        asking = Asking(client, Pacing(concurrency, rate=rate), max_wait=max_wait)
        rows = _rows(prompts, system, template)
        async with aclosing(asking.answers(rows)) as answers:
            async for answer in answers:
                yield answer
        if asking.stopped is not None:
            raise asking.stopped


def _rows(prompts: Any, system: str | None, template: str | None) -> Iterator[Row | None]:
    for number, prompt in enumerate(prompts, 1):
        yield row_of(prompt, number, template=template)
