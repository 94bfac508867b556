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

from sansio_core import ChatError, HTTPStatusError, RateLimited, Reply, RetryPolicy, ServerFailed, TextDelta, TimedOut
from sansio_core.pacing import Pacing, Ticket
from sansio_core.quota import wait_of

from ..aio import headers_of, next_events, read_on
from .answer import Answer
from .rules import Suspects, refused, unreached

if TYPE_CHECKING:
    from ..aio import AsyncClient, AsyncStream
    from .rows import Row

_ONCE = RetryPolicy(attempts=1)  # the engine itself asks again, so that other rows can go first meanwhile
_WAITING = 256
"""Rows that wait to be asked again: with more of them, no new one is taken."""
_AWAY = (1.0, 20.0)
"""Seconds for which everybody waits where the host is away: at first, and at most."""
_YIELDS = 2
"""Refusals of a row from which it lets others go first: perhaps it alone is refused."""
_FAILS = 6
"""Refusals of a row from which it has failed, if another that was sent later was accepted meanwhile: gateways send 503
for a server that this row has crashed, too."""


class _Job:
    """A row that is being asked: its attempts, and what are none: how often it did not reach the server, and was
    refused, `at` the last time.

    `alone`: whether it was refused again after another row, sent later than its last refusal, had been accepted.
    """

    __slots__ = ("alone", "at", "refused", "row", "tries", "unreached")

    def __init__(self, row: Row) -> None:
        self.row, self.tries, self.unreached, self.refused = row, 0, 0, 0
        self.at, self.alone = inf, False


class _Request:
    """A request for a row: when it `began`, the seconds until its `first` text, and its stream.

    `refusing`: `Asking._refusing` as it was before the head of the answer came.
    """

    __slots__ = ("began", "first", "refusing", "stream")

    def __init__(self, began: float) -> None:
        self.began, self.refusing = began, inf
        self.first: float | None = None
        self.stream: AsyncStream | None = None


_NONE = _Request(0.0)


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
        self._later: list[tuple[float, int, _Job]] = []  # a heap: when each of these rows is asked, at the earliest
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._answers: deque[Answer] = deque()
        self._suspects = Suspects()
        self._used_up: RateLimited | None = None  # where it is longer than `max_wait` until there is quota again
        self._refusing = inf  # since when the server refuses every request, or is away
        self._accepted = -inf  # when the last request was sent that it did not refuse
        self._failure: BaseException | None = None
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Take rows again, after they had none at present."""
        if self._loop is not None:
            self._fill(self._loop)

    def settle(self) -> None:
        """Hand out the answers that are held back, if none is in flight: who gives the rows may wait for them.

        Where no row was answered at all, this stops the asking, as the end of the rows does.
        """
        if not (self._tasks or self._later):
            for answer in self._rest():
                self._hand_out(answer)
            if self.stopped is not None:
                self.drain()

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

        A None among `rows` stands for no row at present: after it `wake` must be called. Raises what `rows` raises, and
        what a function of the user's raises, such as one that gives the key.
        """
        self._loop = loop = asyncio.get_running_loop()
        self._rows, self._left = rows, True
        try:
            self._fill(loop)
            while self._answers or self._goes_on:
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
    def _goes_on(self) -> bool:
        """Whether there may be more answers than those that wait to be taken."""
        return bool(self._tasks) or (not self._draining and (self._left or bool(self._later)))

    @property
    def _full(self) -> bool:
        """Whether as many answers wait to be taken as rows are asked at once: then no more rows are asked."""
        return len(self._answers) >= self.pacing.window

    def _fill(self, loop: asyncio.AbstractEventLoop) -> None:
        """Send what may be sent now; sets the timer for when more may be, unless something ends before."""
        when = inf
        while not (self._draining or self._full):
            now = loop.time()
            # The row first: where there is none, nothing is waited for.
            when = max(self._due(now), self.pacing.ready(now))
            if when > now:
                break
            job = heappop(self._later)[2]
            job.tries += 1
            task = loop.create_task(self._ask(job, self.pacing.sent(now), loop))
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        if self._used_up is not None and self._later:
            self._stop(self._used_up)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(when, self._fill, loop) if when < inf else None

    def _due(self, now: float) -> float:
        """When the first of the rows that wait is to be asked, a new one at once; inf: there is none at present."""
        while self._left and not (self._full or len(self._later) >= _WAITING or self._first <= now):
            if not self._take(now):
                break
        return self._first

    @property
    def _first(self) -> float:
        return self._later[0][0] if self._later else inf

    def _take(self, now: float) -> bool:
        """Take a row, to be asked at once; returns whether there was one."""
        try:
            row = next(self._rows)
            if row is None:
                return False
            if row.error is None:
                heappush(self._later, (now, next(self._numbers), _Job(row)))
            else:
                self._hand_out(self._answer(_Job(row), row.error))
        except StopIteration:
            self._left = False
            self._changed.set()
        except BaseException as error:  # noqa: BLE001  # the user's: `answers` raises it
            self._failure, self._left = error, False
            self.cancel()
        return self._left

    def _ended(self, task: asyncio.Task[None]) -> None:
        # A task that takes the place of this one begins after the reader of `answers`, whom `_hand_out` woke before:
        # Batch has written the row by then, so that a kill repeats no more rows than may be in flight at once.
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
        request, error = _Request(loop.time()), None
        try:
            async with self._client.stream(retry=_ONCE, **job.row.question) as stream:
                request.stream = stream
                await stream.start()
                request.refusing = self._refusing
                self._begins(stream, ticket, loop.time())
                while events := await next_events(stream):
                    if any(type(event) is TextDelta for event in events):
                        request.first = loop.time() - request.began
                        await read_on(stream)
        except ChatError as failed:
            error = failed
        except BaseException:
            self.pacing.done(ticket, loop.time())
            raise
        if error is not None and refused(error):
            self._refused(job, ticket, error, loop.time(), request.refusing)
        else:
            self._not_refused(job, request, ticket, error, loop.time())

    def _not_refused(self, job: _Job, request: _Request, ticket: Ticket, error: ChatError | None, now: float) -> None:
        """The request ended, and was not refused: the row is answered, is asked again, or has failed."""
        if error is None or isinstance(error, HTTPStatusError):
            self.away = None
            # A 4xx is as good as an answer here. A server that fails is asked no faster for failing at once.
            if not isinstance(error, ServerFailed):
                self._refusing, self._accepted = inf, max(self._accepted, request.began)
                self.pacing.head(ticket, now)
        self.pacing.done(ticket, now)
        if error is not None and unreached(error) and self._suspects.answered:
            self._unreached(job, error, now)
        elif error is not None and (wait := self._wait(error, job.tries)) is not None:
            heappush(self._later, (now + wait, next(self._numbers), job))
        else:
            self._finish(self._answer(job, error, request, now))

    def _wait(self, error: ChatError, tries: int) -> float | None:
        """The seconds until a row is asked again; None where it has failed."""
        if isinstance(error, TimedOut) and tries < self._retry.attempts:  # the total as well: it is each attempt's own
            return self._retry.wait(tries, random)
        return self._retry.after(error, tries, random, inf)

    def _answer(self, job: _Job, error: ChatError | None, request: _Request = _NONE, now: float = 0.0) -> Answer:
        row = job.row
        return Answer(
            row=row.number, id=row.id, key=row.key, keep=row.keep, again=row.again, error=error,
            reply=Reply() if request.stream is None else request.stream.reply, tries=job.tries, refused=job.refused,
            window=self.pacing.window, at=time(), first_text=request.first, seconds=now - request.began,
        )  # fmt: skip

    # --- what follows ------------------------------------------------------------------------------------------------

    def _begins(self, stream: AsyncStream, ticket: Ticket, now: float) -> None:
        """A good response began; its header fields may say that no more requests are worth sending for a while.

        That is a reason to stop once there is another row to send.
        """
        self._refusing, self.away = inf, None
        wait = wait_of(headers_of(stream))
        self.pacing.head(ticket, now, wait)
        if wait is not None and wait > self._max_wait:
            said = "by the header fields of an answer, its quota is used up for now"
            self._used_up = RateLimited(stream.status, said, retry_after=wait)

    def _refused(self, job: _Job, ticket: Ticket, error: ChatError, now: float, refusing: float) -> None:
        """Everybody waits, and the row goes back without losing an attempt.

        `refusing`: that of the request; the refusal may stand in the stream of an answer that had begun well.
        """
        self.refused += 1
        job.refused += 1
        job.at, job.alone = now, job.alone or self._accepted > job.at
        asked = error.retry_after if isinstance(error, HTTPStatusError) else None
        self.pacing.refused(ticket, now, asked)
        self._refusing = min(self._refusing, refusing, now)
        if max(asked or 0.0, now - self._refusing) > self._max_wait:  # what is asked is bounded, not its jitter
            self._stop(error)
        if job.alone and job.refused >= _FAILS:
            self._finish(self._answer(job, error))
            return
        job.tries -= 1
        due = now if job.refused < _YIELDS else max(now, self.pacing.hold) + 0.1 * 2 ** min(job.refused - _YIELDS, 9)
        heappush(self._later, (due, -next(self._numbers), job))

    def _unreached(self, job: _Job, error: ChatError, now: float) -> None:
        """The host, which has answered before, was not reached: the row goes back, and loses no attempt.

        Once a row has met that as often as it may be tried, everybody waits, as long again as the host is away already.
        """
        job.tries -= 1
        job.unreached += 1
        if (wait := self._wait(error, job.unreached)) is not None:
            heappush(self._later, (now + wait, next(self._numbers), job))
            return
        self.away, self._refusing = error, min(self._refusing, now)
        least, most = _AWAY
        self.pacing.hold = max(self.pacing.hold, now + min(max(now - self._refusing, least), most))
        if now - self._refusing > self._max_wait:
            self._stop(error)
        heappush(self._later, (now, -next(self._numbers), job))

    def _finish(self, answer: Answer) -> None:
        """The row was answered, or has failed for good."""
        for ready in self._suspects.after(answer):
            self._hand_out(ready)
        if self._suspects.error is not None and self.stopped is None:
            self._stop(self._suspects.error)

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
        """At the end: the answers that were held back, unless no row was answered: then their error stops the run."""
        rest = [] if self._draining or self.stopped else self._suspects.rest()
        self.stopped = self.stopped or self._suspects.error
        return rest
