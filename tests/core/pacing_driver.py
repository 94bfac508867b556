"""Servers with limits, and a client that asks them at the pace of `Pacing`: all in virtual time."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf

from sansio_core.pacing import Pacing

Rate = float | Callable[[float], float]


class Limit:
    """A server's rule. `wait` is 0 where it accepts a request, else the seconds until it would."""

    def wait(self, now: float, cost: float) -> float:
        raise NotImplementedError

    def take(self, now: float, cost: float) -> None:
        """The request is accepted."""

    def leave(self, now: float) -> None:
        """An accepted request ended."""

    def allows(self, seconds: float) -> float:
        """The requests (or tokens) that it can accept in so long."""
        return inf


class Bucket(Limit):
    """A token bucket; a rate may be a function of the time."""

    def __init__(self, rate: Rate, burst: float) -> None:
        self.rate = rate if callable(rate) else lambda now: rate
        self.burst = self.tokens = burst
        self.at = 0.0

    def wait(self, now: float, cost: float) -> float:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate(now))
        self.at = now
        # the least request of a bucket smaller than it is accepted when it is full
        return max(0.0, (min(cost, self.burst) - self.tokens - 1e-9) / self.rate(now))

    def take(self, now: float, cost: float) -> None:
        self.tokens -= cost

    def allows(self, seconds: float) -> float:
        return sum(self.rate(seconds * (n + 0.5) / 200) for n in range(200)) * seconds / 200


class Fixed(Limit):
    """N in each window of the clock."""

    def __init__(self, number: float, seconds: float, phase: float = 0.0) -> None:
        self.number, self.seconds, self.phase = number, seconds, phase
        self.window, self.used = -1, 0.0

    def wait(self, now: float, cost: float) -> float:
        window = int((now + self.phase) // self.seconds)
        if window != self.window:
            self.window, self.used = window, 0.0
        if self.used + cost <= self.number:
            return 0.0
        return (window + 1) * self.seconds - now - self.phase

    def take(self, now: float, cost: float) -> None:
        self.used += cost

    def allows(self, seconds: float) -> float:
        return self.number / self.seconds * seconds


class Sliding(Limit):
    """N in any window of so many seconds."""

    def __init__(self, number: float, seconds: float) -> None:
        self.number, self.seconds = number, seconds
        self.taken: deque[tuple[float, float]] = deque()
        self.used = 0.0

    def wait(self, now: float, cost: float) -> float:
        while self.taken and self.taken[0][0] <= now - self.seconds:
            self.used -= self.taken.popleft()[1]
        if self.used + cost <= self.number:
            return 0.0
        return self.taken[0][0] + self.seconds - now

    def take(self, now: float, cost: float) -> None:
        self.taken.append((now, cost))
        self.used += cost

    def allows(self, seconds: float) -> float:
        return self.number / self.seconds * seconds


class AtOnce(Limit):
    """N in flight."""

    def __init__(self, number: int, latency: float) -> None:
        self.number, self.latency, self.there = number, latency, 0

    def wait(self, now: float, cost: float) -> float:
        return 0.0 if self.there < self.number else self.latency / self.number

    def take(self, now: float, cost: float) -> None:
        self.there += 1

    def leave(self, now: float) -> None:
        self.there -= 1

    def allows(self, seconds: float) -> float:
        return self.number * seconds / self.latency  # of requests: mean_cost is 1 with it


class Rising(Limit):
    """A rate that may only rise by a factor a period over what was used in the one before."""

    def __init__(self, start: float, factor: float, period: float) -> None:
        self.start, self.factor, self.period = start, factor, period
        self.now, self.used, self.allowed, self.top = 0, 0.0, start, inf

    def wait(self, now: float, cost: float) -> float:
        number = int(now // self.period)
        if number != self.now:
            self.allowed = max(self.start, self.used * self.factor)
            self.now, self.used = number, 0.0
        # within a period, evenly
        room = self.allowed * max(0.1, (now / self.period) % 1.0)
        return 0.0 if self.used + cost <= room else self.period * (self.used + cost - room) / self.allowed + 1e-3

    def take(self, now: float, cost: float) -> None:
        self.used += cost


@dataclass
class Server:
    limits: list[Limit]
    latency: float = 0.2
    sigma: float = 0.0  # of a lognormal
    jitter: float = 0.0  # of the way there, seconds
    quick: float | None = 0.005  # a refusal's delay; None: as late as an answer
    asks: str = "exact"  # exact, up, absent, zero, long
    counts_refused: bool = False
    cost: Callable[[random.Random], float] | None = None
    mean_cost: float = 1.0
    workers: int = 0  # of a queue before it: 0 for none
    queue: int = 0
    first: float = 0.2  # the part of the latency after which the head comes
    long: float = 30.0
    free: list[float] = field(default_factory=list)

    def retry_after(self, wait: float) -> float | None:
        if self.asks == "exact":
            return wait
        if self.asks == "up":
            return float(ceil(wait))
        if self.asks == "long":
            return max(self.long, wait)
        return 0.0 if self.asks == "zero" else None


    def allows(self, seconds: float) -> float:
        """The answers that it can give in so long."""
        of_queue = self.workers / self.latency * seconds if self.workers else inf
        return min([of_queue, *(limit.allows(seconds) / self.mean_cost for limit in self.limits)])


@dataclass
class Outcome:
    accepted: float = 0.0  # by cost
    answers: int = 0
    sent: int = 0
    refused: int = 0
    seconds: float = 0.0
    most: int = 0
    series: list[tuple[float, float, int]] = field(default_factory=list)
    limit: float = inf

    @property
    def share(self) -> float:
        return self.accepted / self.limit

    @property
    def refused_share(self) -> float:
        return self.refused / max(self.sent, 1)


class World:
    """A client with one Pacing, before one server, in virtual time."""

    def __init__(self, server: Server, concurrency: int, seed: int = 0, rate: float | None = None) -> None:
        self.server, self.random = server, random.Random(seed)
        self.pacing = Pacing(concurrency, rate=rate, random=self.random.random)
        self.events: list[tuple[float, int, str, object]] = []
        self.number = count()
        self.out = Outcome()
        self.inside = 0

    def at(self, when: float, what: str, thing: object = None) -> None:
        heappush(self.events, (when, next(self.number), what, thing))

    def run(
        self, seconds: float = inf, answers: float = inf, watch: Callable[[float, World], None] | None = None
    ) -> Outcome:  # fmt: skip
        pacing, out, now, woken = self.pacing, self.out, 0.0, -1.0
        while now < seconds and out.answers < answers:
            while (ready := pacing.ready(now)) <= now and out.answers + pacing.in_flight < answers:
                self.send(now)
            if ready < inf and woken != ready and out.answers + pacing.in_flight < answers:
                woken = ready
                self.at(ready, "wake")
            assert self.events, "nothing is in flight and nothing is to be sent"
            now, _, what, thing = heappop(self.events)
            if what != "wake":
                getattr(self, what)(now, *thing)  # type: ignore[misc]
            if watch:
                watch(now, self)
        out.seconds = now
        out.limit = min(
            self.server.allows(now),
            pacing._most * now / self.server.latency,
        )
        return out

    def send(self, now: float) -> None:
        self.out.sent += 1
        ticket = self.pacing.sent(now)
        self.out.most = max(self.out.most, self.pacing.in_flight)
        self.at(now + self.way(), "arrive", (ticket,))

    def way(self) -> float:
        return self.random.random() * self.server.jitter

    def lasts(self) -> float:
        server = self.server
        if not server.sigma:
            return server.latency
        return server.latency * self.random.lognormvariate(-server.sigma**2 / 2, server.sigma)

    def arrive(self, now: float, ticket: object) -> None:
        server = self.server
        cost = server.cost(self.random) if server.cost else 1.0
        wait = max([limit.wait(now, cost) for limit in server.limits] or [0.0])
        lasts = self.lasts()
        if server.workers and not wait:
            while server.free and server.free[0] <= now:
                heappop(server.free)
            if len(server.free) >= server.workers + server.queue:
                wait = server.latency
        if wait and not server.counts_refused:
            pass
        elif not wait or server.counts_refused:
            for limit in server.limits:
                if not wait or not isinstance(limit, AtOnce):
                    limit.take(now, cost)
        if wait:
            late = lasts if server.quick is None else server.quick
            self.at(now + late + self.way(), "refuse", (ticket, server.retry_after(wait)))
            return
        if server.workers:  # it begins when a worker is free
            busy = sorted(server.free)
            begins = busy[len(busy) - server.workers] if len(busy) >= server.workers else now
            heappush(server.free, begins + lasts)
            lasts += begins - now
        self.at(now + lasts * server.first + self.way(), "head", (ticket,))
        self.at(now + lasts, "leave", (ticket, cost))

    def head(self, now: float, ticket: object) -> None:
        self.pacing.head(ticket, now)  # type: ignore[arg-type]

    def leave(self, now: float, ticket: object, cost: float) -> None:
        for limit in self.server.limits:
            limit.leave(now)
        self.at(now + self.server.jitter, "end", (ticket, cost))

    def end(self, now: float, ticket: object, cost: float) -> None:
        self.out.accepted += cost / self.server.mean_cost
        self.out.answers += 1
        self.pacing.done(ticket, now)  # type: ignore[arg-type]

    def refuse(self, now: float, ticket: object, wait: float | None) -> None:
        self.out.refused += 1
        self.pacing.refused(ticket, now, wait)  # type: ignore[arg-type]
