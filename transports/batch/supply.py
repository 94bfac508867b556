"""Supply: what an iterator gives, taken in another thread or task, so that waiting for it holds up nothing."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any

NONE_YET = object()


class Supply(Iterator[Any]):
    """A bounded queue between a taker and one reader, which gets NONE_YET where it is empty at present.

    `wake` tells the reader, who has got NONE_YET, to look again. The reader raises what the iterator raises.
    """

    def __init__(self, most: int, wake: Callable[[], object]) -> None:
        self._most, self._wake = most, wake
        self._items: deque[Any] = deque()
        self._room: threading.Event | asyncio.Event = threading.Event()  # set when the half of it is free
        self._wanted = self._ended = self._closed = False
        self._failure: BaseException | None = None

    def __next__(self) -> Any:
        ended = self._ended  # looked at first: nothing is added after it is set
        self._wanted = True  # and this before the queue: `_put` adds first, and looks at this then
        if self._items:
            self._wanted = False
            item = self._items.popleft()
            if len(self._items) <= self._most // 2:
                self._room.set()
            return item
        if not ended:
            return NONE_YET
        if self._failure is not None:
            raise self._failure
        raise StopIteration

    def take_in_thread(self, items: Iterable[Any], name: str) -> threading.Thread:
        """Take `items`, as there is room, in a thread of this name, which no end of the interpreter waits for."""
        thread = threading.Thread(target=copy_context().run, args=(self._take, items), name=name, daemon=True)
        thread.start()
        return thread

    def _take(self, items: Iterable[Any]) -> None:
        room = self._room = threading.Event()
        try:
            for item in items:
                self._put(item)
                while self._full:
                    room.wait()
                    room.clear()
                if self._closed:
                    return
        except BaseException as error:  # noqa: BLE001  # the reader raises it
            self._failure = error
        self._end()

    async def atake(self, items: AsyncIterable[Any]) -> None:
        """Take `items`, as there is room, in a task of the reader's event loop."""
        room = self._room = asyncio.Event()
        try:
            async for item in items:
                self._put(item)
                while self._full:
                    await room.wait()
                    room.clear()
        except BaseException as error:  # noqa: BLE001  # the reader raises it
            self._failure = error
        self._end()

    def close(self) -> None:
        """Take no more."""
        self._closed = True
        self._room.set()

    @property
    def _full(self) -> bool:
        return len(self._items) >= self._most and not self._closed

    def _put(self, item: Any) -> None:
        self._items.append(item)
        if self._wanted:
            self._wanted = False
            self._wake()

    def _end(self) -> None:
        self._ended = True
        self._wake()
