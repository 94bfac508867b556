"""Supply: a queue that an iterator fills from another thread or task, so that waiting for it holds up nothing."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextvars import copy_context
from typing import Any

NONE_YET = object()


class Supply(Iterator[Any]):
    """A bounded queue of an iterator's items for one reader, which gets NONE_YET while the queue is empty.

    `most`: the queue's bound. `wake` is called when there is an item after a NONE_YET, and at the end. An error of the
    iterator is raised to the reader, after the items before it.
    """

    def __init__(self, most: int, wake: Callable[[], object]) -> None:
        self._most, self._wake = most, wake
        self._items: deque[Any] = deque()
        self._room: threading.Event | asyncio.Event = threading.Event()  # set when the half of it is free
        self._wanted = self._ended = self._closed = False
        self._failure: BaseException | None = None

    def __next__(self) -> Any:
        # Both before the queue is read: the taker sets `_ended` after its last item, and reads `_wanted` after it has
        # added one. Else an item that comes in between would be lost, or the reader never be woken.
        ended = self._ended
        self._wanted = True
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
