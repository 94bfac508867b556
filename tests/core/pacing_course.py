"""A run in virtual time: clients with a `Pacing` each against a server, and the best possible client there.

The best possible client knows the limit: it sends a row as soon as the server would take it, and has none refused.
A client's share is the best one's time over its own, for the same rows with the same latencies.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from pacing_servers import Limit

from sansio_core.pacing import Pacing

Draw = Callable[[Random], float]
NETWORK = (0.001, 0.02)
TIMER = (0.0, 0.003)  # seconds by which an event loop's timer is late, drawn for each
STUCK = 25.0  # a run is cut off at so many times the best one's time


@dataclass(frozen=True)
class Case:
    """A server, the clients at it, and what is expected of them."""

    name: str
    source: str  # the page that says the rule
    server: Callable[[Random], Limit]
    rows: int
    concurrency: int
    latency: Draw
    share: float = 0.6
    refused: float | None = 0.05  # the most that may be refused; None: not judged (below 0.5 a second)
    retry_after: Callable[[float, Random], float | None] = lambda wait, random: wait  # of the wait that is true
    refusal: tuple[float, float] = (0.005, 0.05)  # seconds until a refusal is there, from, to
    tokens: Draw = lambda random: 1.0
    faults: float = 0.0  # the part of the answers that end as a 500
    stray: float = 0.0  # the part of the requests that are refused for no reason of ours
    late: tuple[float, ...] = (0.0,)  # when each client begins
    fair: float = 3.0  # what one client may get more than another
    own: float | None = None  # the user's own bound, requests a second
    way: tuple[float, float] = NETWORK  # seconds on the way there, from, to, drawn for each request
    told: str = ""  # what a good response's quota fields say once nothing remains: the "wait", or until it is "full"


@dataclass
class Course:
    """What came of a run."""

    share: float = 0.0
    sent: int = 0
    answered: int = 0
    refused: int = 0
    seconds: float = 0.0
    best: float = 0.0
    fair: float = 1.0  # the busiest client's answers over the least busy one's, in the second half
    broken: str = ""  # what of the contract did not hold
    trace: list[tuple[float, str, int, int, float]] = field(default_factory=list)  # time, what, in flight, window, hold

    @property
    def refused_share(self) -> float:
        return self.refused / max(1, self.sent)


class Rows:
    """Each row's tokens, latency and way to the server, drawn from the seed: the same for every client."""

    def __init__(self, case: Case, seed: int) -> None:
        random = Random(f"rows {case.name} {seed}")
        self.tokens = [case.tokens(random) for _ in range(case.rows)]
        self.seconds = [case.latency(random) for _ in range(case.rows)]
        self.way = [random.uniform(*case.way) for _ in range(case.rows)]


def best_time(case: Case, rows: Rows, seed: int) -> float:
    """Seconds that the best possible client needs for the rows."""
    server = case.server(Random(f"server {case.name} {seed}"))
    ends: list[tuple[float, int]] = []  # of the server's answers
    now = last = 0.0
    room = case.concurrency * len(case.late)
    row = 0
    while row < case.rows:
        while ends and ends[0][0] <= now:
            end, number = heapq.heappop(ends)
            server.end(end, rows.tokens[number])
        wait = server.wait(now, rows.tokens[row]) if len(ends) < room else math.inf
        if wait <= 0.0:
            end = server.take(now, rows.tokens[row], rows.seconds[row]) + rows.way[row]
            last = max(last, end)
            heapq.heappush(ends, (end, row))
            row += 1
        else:
            now = max(min(now + wait, ends[0][0] if ends else math.inf), now + 1e-6)
    return last


class Run:
    """A run of a case: a heap of events, and a Pacing for each client."""

    def __init__(self, case: Case, seed: int, traced: bool = False) -> None:
        self.case, self.traced = case, traced
        self.random = Random(f"run {case.name} {seed}")
        self.server = case.server(Random(f"server {case.name} {seed}"))
        self.rows = Rows(case, seed)
        self.best = best_time(case, self.rows, seed)
        self.pacings = [Pacing(case.concurrency, rate=case.own, random=self.random.random) for _ in case.late]
        self.flying = [0] * len(case.late)
        self.waiting = list(range(case.rows - 1, -1, -1))  # the next row is the last
        self.done = bytearray(case.rows)
        self.ends: list[tuple[float, int]] = []  # of the answers: time, client
        self.events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.count = 0
        self.course = Course(best=self.best)

    def at(self, time: float, event: Callable[..., None], *rest: object) -> None:
        self.count += 1
        heapq.heappush(self.events, (time, self.count, event, rest))

    def note(self, now: float, what: str, client: int) -> None:
        if self.traced:
            pacing = self.pacings[client]
            self.course.trace.append((now, what, pacing.in_flight, pacing.window, pacing.hold - now))

    def send(self, now: float, client: int) -> None:
        row = self.waiting.pop()
        ticket = self.pacings[client].sent(now)
        self.flying[client] += 1
        self.course.sent += 1
        self.note(now, "sent", client)
        if self.flying[client] > self.case.concurrency:
            self.course.broken = f"{self.flying[client]} in flight"
        self.at(now + self.rows.way[row] * self.random.uniform(0.7, 1.3), self.arrive, client, row, ticket)

    def arrive(self, now: float, client: int, row: int, ticket: object) -> None:
        case, tokens = self.case, self.rows.tokens[row]
        wait = self.server.wait(now, tokens)
        stray = case.stray and self.random.random() < case.stray
        if wait > 0.0 or stray:
            self.server.refuse(now, tokens)
            asked = case.retry_after(wait if math.isfinite(wait) else 1.0, self.random)
            self.at(now + self.random.uniform(*case.refusal), self.refused, client, row, ticket, asked)
            return
        end = self.server.take(now, tokens, self.rows.seconds[row])
        told = None
        if case.told and self.server.wait(now, 1.0) > 0.0:
            told = self.server.full(now) if case.told == "full" else self.server.wait(now, 1.0)
        self.at(now + 0.3 * (end - now), self.head, client, ticket, told)
        fault = case.faults and self.random.random() < case.faults
        self.at(end, self.ended, client, row, ticket, not fault)

    def head(self, now: float, client: int, ticket: object, wait: float | None) -> None:
        self.pacings[client].head(ticket, now, wait)  # type: ignore[arg-type]

    def ended(self, now: float, client: int, row: int, ticket: object, answered: bool) -> None:
        self.server.end(now, self.rows.tokens[row])
        self.pacings[client].done(ticket, now)  # type: ignore[arg-type]
        self.flying[client] -= 1
        self.note(now, "answered" if answered else "failed", client)
        if not answered:
            self.waiting.append(row)
            return
        if self.done[row]:
            self.course.broken = f"row {row} answered twice"
        self.done[row] = 1
        self.ends.append((now, client))

    def refused(self, now: float, client: int, row: int, ticket: object, retry_after: float | None) -> None:
        self.pacings[client].refused(ticket, now, retry_after)  # type: ignore[arg-type]
        self.flying[client] -= 1
        self.course.refused += 1
        self.note(now, "refused", client)
        self.waiting.append(row)

    def pump(self, now: float) -> float:
        """Whatever may be sent now is sent; when the next may be."""
        due = math.inf
        for client, pacing in enumerate(self.pacings):
            start = self.case.late[client]
            while self.waiting:
                ready = max(start, pacing.ready(now))
                if ready > now:
                    due = min(due, ready)
                    break
                self.send(now, client)
        return due

    def go(self) -> Course:
        """The run, to its end or until it is cut off."""
        now, course = 0.0, self.course
        cut = STUCK * self.best + 60.0
        idle = 0
        while len(self.ends) < self.case.rows and not course.broken:
            due = self.pump(now)
            next_event = self.events[0][0] if self.events else math.inf
            if min(due, next_event) == math.inf:
                course.broken = "nothing is in flight and nothing will ever be sent"
            elif min(due, next_event) > cut:
                course.broken = "it took too long"
            elif next_event <= due:
                time, _, event, rest = heapq.heappop(self.events)
                now = max(now, time)
                event(now, *rest)
                idle = 0
            else:
                now, idle = due + self.random.uniform(*TIMER), idle + 1
                if idle > 1000:
                    course.broken = "ready() is never ready"
        course.answered = len(self.ends)
        course.seconds = max((time for time, _ in self.ends), default=cut)
        course.share = self.best / course.seconds * course.answered / self.case.rows
        half = (course.seconds + max(self.case.late)) / 2.0
        each = [sum(time > half and client == one for time, client in self.ends) for one in range(len(self.case.late))]
        course.fair = max(each) / max(1, min(each)) if len(each) > 1 else 1.0
        if any(pacing.in_flight != flying for pacing, flying in zip(self.pacings, self.flying, strict=True)):
            course.broken = course.broken or "in_flight is wrong"
        return course


def missed(case: Case, course: Course) -> list[str]:
    """What is short of the figures."""
    wrong = [course.broken] if course.broken else []
    if course.share < case.share:
        wrong.append(f"share {course.share:.0%} < {case.share:.0%}")
    if case.refused is not None and course.refused_share > case.refused:
        wrong.append(f"refused {course.refused_share:.1%} > {case.refused:.0%}")
    if course.fair > case.fair:
        wrong.append(f"{course.fair:.1f} times the other's answers")
    return wrong
