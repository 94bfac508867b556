"""Servers with limits, and a client that asks them as `Pacing` says: all in virtual time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf
from random import Random

from sansio_core.pacing import Pacing, Ticket


class Limit:
    """A server's rule. A request costs 1, or its tokens."""

    def wait(self, now: float, cost: float) -> float:
        """0 where it accepts a request of that cost, else the seconds until it would."""
        raise NotImplementedError

    def take(self, now: float, cost: float) -> None:
        """Such a request is accepted, or counted though it is refused."""

    def leave(self, now: float) -> None:
        """A request that was accepted ended."""

    def allows(self, seconds: float) -> float:
        """The most that it accepts in so long, but for what it saved up before."""
        return inf


class Bucket(Limit):
    """A token bucket; its rate may be a function of the time."""

    def __init__(self, rate: float | Callable[[float], float], burst: float) -> None:
        self.rate = rate if callable(rate) else lambda now: rate
        self.burst = self.tokens = burst
        self.at = 0.0

    def wait(self, now: float, cost: float) -> float:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate(now))
        self.at = now
        return max(0.0, (min(cost, self.burst) - self.tokens - 1e-9) / self.rate(now))  # more than all is all

    def take(self, now: float, cost: float) -> None:
        self.tokens -= cost

    def allows(self, seconds: float) -> float:
        return sum(self.rate(seconds * (n + 0.5) / 200) for n in range(200)) * seconds / 200


class Fixed(Limit):
    """So many in each window of the clock."""

    def __init__(self, number: float, seconds: float, phase: float = 0.0) -> None:
        self.number, self.seconds, self.phase = number, seconds, phase
        self.window, self.used = -1, 0.0

    def wait(self, now: float, cost: float) -> float:
        window = int((now + self.phase) // self.seconds)
        if window != self.window:
            self.window, self.used = window, 0.0
        return 0.0 if self.used + cost <= self.number else (window + 1) * self.seconds - now - self.phase

    def take(self, now: float, cost: float) -> None:
        self.used += cost

    def allows(self, seconds: float) -> float:
        return self.number / self.seconds * seconds


class Sliding(Fixed):
    """So many in any window of so many seconds."""

    def __init__(self, number: float, seconds: float) -> None:
        super().__init__(number, seconds)
        self.taken: deque[tuple[float, float]] = deque()

    def wait(self, now: float, cost: float) -> float:
        while self.taken and self.taken[0][0] <= now - self.seconds:
            self.used -= self.taken.popleft()[1]
        return 0.0 if self.used + cost <= self.number else self.taken[0][0] + self.seconds - now

    def take(self, now: float, cost: float) -> None:
        self.taken.append((now, cost))
        self.used += cost


class AtOnce(Limit):
    """So many in flight."""

    def __init__(self, number: int, latency: float) -> None:
        self.number, self.latency, self.there = number, latency, 0

    def wait(self, now: float, cost: float) -> float:
        return 0.0 if self.there < self.number else self.latency / self.number

    def take(self, now: float, cost: float) -> None:
        self.there += 1

    def leave(self, now: float) -> None:
        self.there -= 1

    def allows(self, seconds: float) -> float:
        return self.number * seconds / self.latency


class Rising(Limit):
    """A rate that may rise by a factor a period over what was used in the one before, up to `most` a second."""

    def __init__(self, start: float, factor: float, period: float, most: float) -> None:
        self.start, self.factor, self.period, self.most = start, factor, period, most * period
        self.now, self.used, self.allowed = 0, 0.0, start

    def wait(self, now: float, cost: float) -> float:
        number = int(now // self.period)
        if number != self.now:
            self.allowed = min(max(self.start, self.used * self.factor), self.most)
            self.now, self.used = number, 0.0
        room = self.allowed * max(0.1, (now / self.period) % 1.0)  # spread over the period
        return 0.0 if self.used + cost <= room else self.period * (self.used + cost - room) / self.allowed + 1e-3

    def take(self, now: float, cost: float) -> None:
        self.used += cost

    def allows(self, seconds: float) -> float:
        periods = range(int(seconds // self.period))
        return sum(min(self.start * self.factor**n, self.most) for n in periods)


@dataclass
class Server:
    """Limits, and how it answers. Times in seconds."""

    limits: list[Limit]
    latency: float = 0.2
    sigma: float = 0.0  # of the lognormal that the latency is drawn from; 0: always the same
    jitter: float = 0.0  # of each way
    refusal: float | None = 0.005  # after which a refusal comes; None: as late as an answer
    asks: str = "exact"  # Retry-After: exact, up (to whole seconds), long, zero, absent
    long: float = 30.0
    counts: bool = False  # refused requests too
    cost: Callable[[Random], float] = lambda random: 1.0
    mean_cost: float = 1.0
    workers: int = 0  # of a queue; 0: none
    queue: int = 0
    first: float = 0.2  # the part of the latency after which the head comes
    busy: list[float] = field(default_factory=list)  # a heap: when those in the queue or before a worker end

    def retry_after(self, wait: float) -> float | None:
        asked = {"exact": wait, "up": float(ceil(wait)), "long": max(self.long, wait), "zero": 0.0}
        return asked.get(self.asks)

    def allows(self, seconds: float) -> float:
        """The answers that it can give in so long."""
        of_queue = self.workers / self.latency * seconds if self.workers else inf
        return min([of_queue, *(limit.allows(seconds) / self.mean_cost for limit in self.limits)])

    def lasts(self, random: Random) -> float:
        if not self.sigma:
            return self.latency
        return self.latency * random.lognormvariate(-self.sigma**2 / 2, self.sigma)

    def queued(self, now: float, lasts: float) -> float | None:
        """The seconds that an answer takes with its time in the queue; None where that is full."""
        while self.busy and self.busy[0] <= now:
            heappop(self.busy)
        if len(self.busy) >= self.workers + self.queue:
            return None
        begins = sorted(self.busy)[-self.workers] if len(self.busy) >= self.workers else now
        heappush(self.busy, begins + lasts)
        return begins + lasts - now


@dataclass
class Outcome:
    seconds: float = 0.0
    sent: int = 0
    answers: int = 0
    worth: float = 0.0  # of the answers, in requests of the mean cost
    refused: int = 0
    most: int = 0  # in flight
    possible: float = inf  # answers
    sendings: list[float] = field(default_factory=list)
    early: int = 0  # sent in a hold, or before `ready` said

    @property
    def share(self) -> float:
        return self.worth / self.possible

    @property
    def refused_share(self) -> float:
        return self.refused / max(self.sent, 1)


class World:
    """A client with one Pacing and rows without end, before one server."""

    def __init__(self, server: Server, concurrency: int, seed: int = 0, rate: float | None = None) -> None:
        self.server, self.concurrency, self.random = server, concurrency, Random(seed)
        self.pacing = Pacing(concurrency, rate=rate, random=self.random.random)
        self.events: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.numbers = count()
        self.out = Outcome()

    def run(
        self, seconds: float = inf, answers: float = inf, watch: Callable[[float, World], None] | None = None
    ) -> Outcome:  # fmt: skip
        """Ask for so long, or until so many were answered."""
        pacing, out, now, wake = self.pacing, self.out, 0.0, -1.0
        while now < seconds and out.answers < answers:
            while (ready := pacing.ready(now)) <= now and out.answers + pacing.in_flight < answers:
                self.send(now)
            if wake != ready < inf:
                wake = ready
                self.at(ready, self.woken)
            assert self.events, "nothing is in flight, and nothing will be sent"
            now, _, happens, things = heappop(self.events)
            happens(now, *things)
            if watch:
                watch(now, self)
        out.seconds = now
        out.possible = min(self.server.allows(now), self.concurrency * now / self.server.latency)
        return out

    def at(self, when: float, happens: Callable[..., None], *things: object) -> None:
        heappush(self.events, (when, next(self.numbers), happens, things))

    def way(self) -> float:
        return self.random.random() * self.server.jitter if self.server.jitter else 0.0

    def send(self, now: float) -> None:
        out, pacing = self.out, self.pacing
        out.sent += 1
        out.early += now < pacing.hold
        ticket = pacing.sent(now)
        out.most = max(out.most, pacing.in_flight)
        out.sendings.append(now)
        self.at(now + self.way(), self.arrive, ticket)

    def arrive(self, now: float, ticket: Ticket) -> None:
        server = self.server
        cost, lasts = server.cost(self.random), server.lasts(self.random)
        wait = max([limit.wait(now, cost) for limit in server.limits], default=0.0)
        takes: float | None = lasts
        if server.workers and not wait and (takes := server.queued(now, lasts)) is None:
            wait = server.latency
        for limit in server.limits:
            if not wait or (server.counts and not isinstance(limit, AtOnce)):
                limit.take(now, cost)
        if wait or takes is None:
            late = lasts if server.refusal is None else server.refusal
            self.at(now + late + self.way(), self.refused, ticket, server.retry_after(wait))
        else:
            self.at(now + takes * server.first + self.way(), self.head, ticket)
            self.at(now + takes, self.leave, ticket, cost)

    def woken(self, now: float) -> None:
        """It is the time that `ready` said."""

    def head(self, now: float, ticket: Ticket) -> None:
        self.pacing.head(ticket, now)

    def leave(self, now: float, ticket: Ticket, cost: float) -> None:
        for limit in self.server.limits:
            limit.leave(now)
        self.at(now + self.server.jitter, self.end, ticket, cost)

    def end(self, now: float, ticket: Ticket, cost: float) -> None:
        self.out.worth += cost / self.server.mean_cost
        self.out.answers += 1
        self.pacing.done(ticket, now)

    def refused(self, now: float, ticket: Ticket, retry_after: float | None) -> None:
        self.out.refused += 1
        self.pacing.refused(ticket, now, retry_after)
