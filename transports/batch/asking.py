"""The engine: rows in, answers out, over one AsyncClient and one Pacing. `run` and `maps` use it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import random
from time import time
from typing import TYPE_CHECKING

from sansio_core import ChatError, HTTPStatusError, RetryPolicy, TextDelta
from sansio_core.pacing import Pacing, Ticket
from sansio_core.quota import wait_of

from .answer import Answer
from .rules import Suspects, refused, shared

if TYPE_CHECKING:
    from ..aio import AsyncClient, AsyncStream
    from .rows import Row

_ONCE = RetryPolicy(attempts=1)  # the engine itself asks again, so that other rows can go first meanwhile
_AT_ONCE = 100  # answers of lines that cannot be used, before they are handed out


class Job:
    """A row, how often it was tried, and how often it was refused besides."""

    __slots__ = ("refused", "row", "tries")

    def __init__(self, row: Row) -> None:
        self.row, self.tries, self.refused = row, 0, 0


class Asking:
    """Asks rows, as many at once and as fast as `pacing` allows.

    `max_wait`: seconds for which a server may have everybody wait; a longer wait ends the run. `stopped` is the error
    that ended it: rows without an Answer were not asked then, or may be asked again.
    """

    def __init__(self, client: AsyncClient, pacing: Pacing, *, max_wait: float = inf) -> None:
        self.pacing = pacing
        self.refused = 0
        self.stopped: ChatError | None = None
        self._client, self._retry, self._max_wait = client, client.retry, max_wait
        self._suspects = Suspects()
        self._held_back: list[Answer] = []  # of suspects: they are handed out once another row shows a good key
        self._answers: deque[Answer] = deque()
        self._numbers = count()
        self._later: list[tuple[float, int, Job]] = []  # a heap of the rows that are asked again at that time
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._draining, self._left = False, True
        self._starving: float | None = None  # since when every request was refused
        self._failure: BaseException | None = None

    def wake(self) -> None:
        """Look again: `rows` may have a row where it had None."""
        self._changed.set()

    def drain(self) -> None:
        """Ask nothing more; what is in flight may end."""
        self._draining = True
        self._changed.set()

    def cancel(self) -> None:
        """Ask nothing more, and cancel what is in flight."""
        self.drain()
        for task in self._tasks:
            task.cancel()

    async def answers(self, rows: Iterator[Row | None]) -> AsyncIterator[Answer]:
        """The answers, in order of completion.

        A None among `rows`: there is no row at present; `wake` tells when to look again. Raises what a function of the
        user's raised, such as one that gives the key.
        """
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._changed.clear()
                wake = self._launch(rows, loop)
                while self._answers:
                    yield self._answers.popleft()
                if not self._tasks and (self._draining or not (self._left or self._later)):
                    break
                timer = loop.call_at(wake, self._changed.set) if wake < inf else None
                await self._changed.wait()
                if timer is not None:
                    timer.cancel()
            for answer in self._rest():
                yield answer
        finally:
            self.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _launch(self, rows: Iterator[Row | None], loop: asyncio.AbstractEventLoop) -> float:
        """Send what may be sent now. Returns when to look again, if nothing ends before."""
        while not self._draining and len(self._answers) < _AT_ONCE:
            now = loop.time()
            if (ready := self.pacing.ready(now)) > now:
                return ready
            job = self._next(rows, now)
            if job is None:
                return self._later[0][0] if self._later else inf
            job.tries += 1
            task = loop.create_task(self._ask(job, self.pacing.sent(now)))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return inf if self._draining else loop.time()

    def _next(self, rows: Iterator[Row | None], now: float) -> Job | None:
        """The next row to send, None where there is none at present."""
        if self._later and self._later[0][0] <= now:
            return heappop(self._later)[2]
        while self._left and len(self._answers) < _AT_ONCE:
            try:
                row = next(rows)
            except StopIteration:
                self._left = False
                break
            if row is None:
                break
            if row.error is None:
                return Job(row)
            self._answers.append(self._answer(Job(row), row.error))
        return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._changed.set()
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = self._failure or failure
            self.drain()

    # --- one attempt at a row ----------------------------------------------------------------------------------------

    async def _ask(self, job: Job, ticket: Ticket) -> None:
        loop, pacing = asyncio.get_running_loop(), self.pacing
        began, first, error = loop.time(), None, None
        stream: AsyncStream | None = None
        try:
            async with self._client.stream(retry=_ONCE, **job.row.question) as stream:
                await stream.start()
                pacing.head(ticket, loop.time(), wait_of(stream._exchange.headers))
                self._starving = None
                async for event in stream.events():
                    if first is None and type(event) is TextDelta:
                        first = loop.time() - began
        except ChatError as failed:
            error = failed
        except BaseException:
            pacing.done(ticket, loop.time())
            raise
        now = loop.time()
        answer = self._answer(job, error, stream, first, now - began)
        if error is not None and refused(error):
            self._refused(job, ticket, error, now)
            return
        pacing.done(ticket, now)
        wait = None if error is None else self._retry.after(error, job.tries, random, inf)
        if wait is None:
            self._finish(answer)
        else:
            heappush(self._later, (now + wait, next(self._numbers), job))

    def _answer(
        self, job: Job, error: ChatError | None, stream: AsyncStream | None = None, first: float | None = None,
        seconds: float = 0.0,
    ) -> Answer:  # fmt: skip
        row = job.row
        return Answer(
            row=row.number, id=row.id, key=row.key, keep=row.keep, error=error,
            reply=None if stream is None else stream.reply, tries=job.tries, refused=job.refused,
            window=self.pacing.window, at=time(), first_text=first, seconds=seconds,
        )  # fmt: skip

    # --- what follows -------------------------------------------------------------------------------------------------

    def _refused(self, job: Job, ticket: Ticket, error: ChatError, now: float) -> None:
        """Everybody waits, and the row goes back without losing an attempt."""
        self.refused += 1
        job.tries, job.refused = job.tries - 1, job.refused + 1
        self.pacing.refused(ticket, now, error.retry_after if isinstance(error, HTTPStatusError) else None)
        heappush(self._later, (now, -next(self._numbers), job))
        self._starving = now if self._starving is None else self._starving
        if max(self.pacing.hold - now, now - self._starving) > self._max_wait:
            self._stop(error)

    def _finish(self, answer: Answer) -> None:
        error = answer.error
        if self._suspects.after(error):
            assert error is not None
            self._held_back.clear()
            self._stop(error)
        elif self._suspects.running:
            self._held_back.append(answer)
        elif self.stopped is None or error is None or not shared(error):
            self._answers += self._held_back
            self._held_back.clear()
            self._answers.append(answer)

    def _stop(self, error: ChatError) -> None:
        self.stopped = self.stopped or error
        self.drain()

    def _rest(self) -> list[Answer]:
        """At the end: what was held back, unless it tells why nothing was answered at all."""
        if self._held_back and not self._draining and self._suspects.ends():
            self.stopped = self._held_back[-1].error
        return [] if self.stopped or self._draining else self._held_back
