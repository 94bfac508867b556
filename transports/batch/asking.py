"""The engine: rows in, answers out, over one AsyncClient and one Pacing. `run` and `maps` use it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from heapq import heappop, heappush
from itertools import count
from math import inf
from random import random
from time import time
from typing import TYPE_CHECKING

from sansio_core import ChatError, HTTPStatusError, RateLimited, RetryPolicy, TextDelta, TimedOut
from sansio_core.pacing import Pacing, Ticket
from sansio_core.quota import wait_of

from .answer import Answer
from .rules import Suspects, refused, unreached

if TYPE_CHECKING:
    from ..aio import AsyncClient, AsyncStream
    from .rows import Row

_ONCE = RetryPolicy(attempts=1)  # the engine itself asks again, so that other rows can go first meanwhile
_WAITING = 256  # rows that wait to be asked again: with more of them, no new one is taken
_OUTAGE = (1.0, 20.0)  # s: everybody waits so long for a host that is away, at first and at most


class _Job:
    """A row, how often it was tried, and how often it was refused besides."""

    __slots__ = ("refused", "row", "tries")

    def __init__(self, row: Row) -> None:
        self.row, self.tries, self.refused = row, 0, 0


class Asking:
    """Asks rows, as many at once and as fast as `pacing` allows.

    `max_wait`: the seconds for which a server may have everybody wait, refuse every request, or be away; then the
    asking stops. `stopped` is the error that stopped it: rows without an Answer were not asked then, or are to be asked
    again. `refused` counts the requests that the server refused as there were too many. `away` is why it cannot be
    reached at present, though it has answered before: everybody waits for it.
    """

    def __init__(self, client: AsyncClient, pacing: Pacing, *, max_wait: float = inf) -> None:
        self.pacing = pacing
        self.refused = 0
        self.stopped: ChatError | None = None
        self.away: ChatError | None = None
        self._client, self._retry, self._max_wait = client, client.retry, max_wait
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rows: Iterator[Row | None] = iter(())
        self._left = self._draining = False  # whether there may be more rows; whether no more are asked
        self._numbers = count()
        self._later: list[tuple[float, int, _Job]] = []  # a heap of the rows that are asked again, and when
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._answers: deque[Answer] = deque()
        self._suspects = Suspects()
        self._held_back: list[Answer] = []  # of suspects: handed out once another row shows that not all will fail
        self._starving: float | None = None  # since when no request was taken
        self._failure: BaseException | None = None
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look again: the rows may have one where they had None."""
        if self._loop is not None:
            self._fill(self._loop)

    def settle(self) -> None:
        """There are no rows for now, and may be none for long: if none is in flight, what was held back is handed out.

        Or it stops the asking, as at the end of all rows.
        """
        if self._held_back and not (self._tasks or self._later):
            rest, self._held_back = self._rest(), []
            if self.stopped is not None:
                self.drain()
            for answer in rest:
                self._hand_out(answer)

    def drain(self) -> None:
        """Ask nothing more; what is in flight may end."""
        self._draining = True
        self._changed.set()

    def cancel(self) -> None:
        """Ask nothing more, and cancel what is in flight."""
        self.drain()
        for task in self._tasks:
            task.cancel()

    async def answers(self, rows: Iterator[Row | None]) -> AsyncGenerator[Answer, None]:
        """The answers, in order of completion. The rows are taken one by one, while few answers wait.

        A None among `rows`: there is no row at present; `wake` tells when to look again. Raises what `rows` raises, and
        what a function of the user's does, such as one that gives the key.
        """
        self._loop = loop = asyncio.get_running_loop()
        self._rows, self._left = rows, True
        try:
            self._fill(loop)
            while self._answers or self._tasks or (not self._draining and (self._left or self._later)):
                if self._answers:
                    full = self._full
                    yield self._answers.popleft()
                    if full and not self._full:
                        self._fill(loop)
                else:
                    self._changed.clear()
                    await self._changed.wait()
            for answer in self._rest():
                yield answer
        finally:
            self.cancel()
            if self._timer is not None:
                self._timer.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    @property
    def _full(self) -> bool:
        """Whether so many answers wait to be taken, as many as rows are asked at once, that no more rows are."""
        return len(self._answers) >= self.pacing.window

    def _fill(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send what may be sent now; sets the timer for when more may be, unless something ends before."""
        when = inf
        while not (self._draining or self._full):
            now = loop.time()
            if (ready := self.pacing.ready(now)) > now:
                when = ready
                break
            job = self._next(now)
            if job is None:
                when = self._later[0][0] if self._later else inf
                break
            job.tries += 1
            task = loop.create_task(self._ask(job, self.pacing.sent(now), loop))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._fill, loop) if when < inf else None

    def _next(self, now: float) -> _Job | None:
        """The next row to send, None where there is none at present."""
        if self._later and self._later[0][0] <= now:
            return heappop(self._later)[2]
        while self._left and not self._full and len(self._later) < _WAITING:
            try:
                row = next(self._rows)
                if row is None:
                    break
                if row.error is None:
                    return _Job(row)
            except StopIteration:
                self._left = False
                self._changed.set()
                break
            except BaseException as error:  # noqa: BLE001  # the user's: `answers` raises it
                self._failure, self._left = error, False
                self.cancel()
                break
            self._hand_out(self._answer(_Job(row), row.error))
        return None

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failure = self._failure or failure
            self.drain()
        elif not self._draining:
            self._fill(task.get_loop())
        if not self._tasks:
            self._changed.set()

    # --- one attempt at a row ----------------------------------------------------------------------------------------

    async def _ask(self, job: _Job, ticket: Ticket, loop: asyncio.AbstractEventLoop) -> None:
        began, first, error = loop.time(), None, None
        stream: AsyncStream | None = None
        try:
            async with self._client.stream(retry=_ONCE, **job.row.question) as stream:
                await stream.start()
                self._begins(stream, ticket, loop.time())
                while events := await stream._read():
                    if first is None and any(type(event) is TextDelta for event in events):
                        first = loop.time() - began
        except ChatError as failed:
            error = failed
        except BaseException:
            self.pacing.done(ticket, loop.time())
            raise
        now = loop.time()
        if error is not None and refused(error):
            self._refused(job, ticket, error, now)
            return
        if isinstance(error, HTTPStatusError) and error.status is not None:  # the server took the request all the same
            self._starving = self.away = None
            self.pacing.head(ticket, now)
        self.pacing.done(ticket, now)
        wait = None if error is None else self._wait(error, job.tries)
        if wait is not None:
            heappush(self._later, (now + wait, next(self._numbers), job))
        elif error is not None and unreached(error) and self._suspects.answered:
            self._unreached(job, error, now)
        else:
            self._finish(self._answer(job, error, stream, first, now - began))

    def _wait(self, error: ChatError, tries: int) -> float | None:
        """The seconds until a row is asked again; None where it has failed."""
        if isinstance(error, TimedOut) and tries < self._retry.attempts:  # the total as well: it is each attempt's own
            return self._retry.wait(tries, random)
        return self._retry.after(error, tries, random, inf)

    def _answer(
        self, job: _Job, error: ChatError | None, stream: AsyncStream | None = None, first: float | None = None,
        seconds: float = 0.0,
    ) -> Answer:  # fmt: skip
        row = job.row
        return Answer(
            row=row.number, id=row.id, key=row.key, keep=row.keep, again=row.again, error=error,
            reply=None if stream is None else stream.reply, tries=job.tries, refused=job.refused,
            window=self.pacing.window, at=time(), first_text=first, seconds=seconds,
        )  # fmt: skip

    # --- what follows ------------------------------------------------------------------------------------------------

    def _begins(self, stream: AsyncStream, ticket: Ticket, now: float) -> None:
        """A good response began; its header fields may say that no more requests are worth sending for a while."""
        self._starving = self.away = None
        wait = wait_of(stream._exchange.headers)
        self.pacing.head(ticket, now, wait)
        if wait is not None and wait > self._max_wait:
            said = "by the header fields of an answer, its quota is used up for now"
            self._stop(RateLimited(stream.status, said, retry_after=wait))

    def _refused(self, job: _Job, ticket: Ticket, error: ChatError, now: float) -> None:
        """There were too many requests: everybody waits."""
        self.refused += 1
        job.refused += 1
        self.pacing.refused(ticket, now, error.retry_after if isinstance(error, HTTPStatusError) else None)
        self._put_back(job, error, now)

    def _unreached(self, job: _Job, error: ChatError, now: float) -> None:
        """The host, which has answered before, is away: everybody waits, as long again as it is away already."""
        self.away = error
        least, most = _OUTAGE
        wait = least if self._starving is None else min(max(now - self._starving, least), most)
        self.pacing.hold = max(self.pacing.hold, now + wait)
        self._put_back(job, error, now)

    def _put_back(self, job: _Job, error: ChatError, now: float) -> None:
        """The row is asked again without losing an attempt, unless all have waited for too long."""
        job.tries -= 1
        heappush(self._later, (now, -next(self._numbers), job))
        self._starving = now if self._starving is None else self._starving
        if max(self.pacing.hold - now, now - self._starving) > self._max_wait:
            self._stop(error)

    def _finish(self, answer: Answer) -> None:
        """The row was answered, or has failed for good."""
        match self._suspects.after(answer.error):
            case "stop":
                assert answer.error is not None
                self._held_back.clear()
                self._stop(answer.error)
            case "hold back":
                self._held_back.append(answer)
            case "hand out all":
                self._answers += self._held_back
                self._held_back.clear()
                self._hand_out(answer)
            case "hand out":
                self._hand_out(answer)

    def _hand_out(self, answer: Answer) -> None:
        self._answers.append(answer)
        self._changed.set()

    def _stop(self, error: ChatError) -> None:
        if isinstance(error, HTTPStatusError) and refused(error):
            bound = f"max_wait is {self._max_wait:g} s"
            if (error.retry_after or 0) > self._max_wait:
                error.bound = bound
            else:
                error.hint = f"every request was refused, and {bound}"
        elif self.away is not None:
            error.hint = f"max_wait is {self._max_wait:g} s"
        self.stopped = self.stopped or error
        self.drain()

    def _rest(self) -> list[Answer]:
        """At the end: what was held back, unless it tells why no row was answered at all."""
        if self._held_back and not self._draining and self._suspects.ends():
            self.stopped = self._held_back[-1].error
        return [] if self._draining or self.stopped else self._held_back
