"""LoopThread: an event loop in a thread of its own, for callers that are not async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any


class LoopThread:
    """A thread that runs the coroutine `main`, with the context variables of the thread that makes this object.

    `ended` is called in the thread at its very end, with the error that `main` raised, or None: CancelledError where
    `close` has ended it.
    """

    def __init__(
        self, main: Coroutine[Any, Any, None], name: str, ended: Callable[[BaseException | None], object]
    ) -> None:
        self._loop = asyncio.new_event_loop()
        self._main, self._ended = self._loop.create_task(main), ended
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, function: Callable[[], object]) -> None:
        """Call `function` in the event loop, if that still runs. Any thread may call this."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function)

    def close(self) -> None:
        """Cancel `main`, and wait until the thread has ended."""
        self.call(self._main.cancel)
        if threading.current_thread() is not self._thread:  # which may be the one that collects garbage
            self._thread.join()

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.get_loop().run_until_complete(self._main)
        except BaseException as error:  # noqa: BLE001  # `ended` gets it
            failure = error
        self._ended(failure)
