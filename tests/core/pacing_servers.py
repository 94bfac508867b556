"""Servers that limit their clients, in virtual time: what each accepts, when, and how long an answer takes there.

A limit is asked `wait(now, tokens)`: 0 where it accepts a request at once, else the seconds until it would (inf: only
after another has ended). `take` accepts one and returns when its answer ends. Only the best possible client of
`pacing_course` asks first; a real one sends, and what comes too early is refused.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from random import Random

TINY = 1e-9  # what rounding may make of a whole token


class Limit:
    """A server without a limit, which the others narrow."""

    def wait(self, now: float, tokens: float) -> float:
        return 0.0

    def take(self, now: float, tokens: float, seconds: float) -> float:
        return now + seconds

    def refuse(self, now: float, tokens: float) -> None:
        """A request was refused at `now`: most servers forget it."""

    def end(self, now: float, tokens: float) -> None:
        """An accepted request ended."""

    def full(self, now: float) -> float:
        """Seconds until nothing of the limit is used."""
        return self.wait(now, 1.0)


class Bucket(Limit):
    """A token bucket, full at first, which is the same rule as the generic cell rate algorithm (ITU-T I.371)."""

    def __init__(self, rate: float, burst: float, *, by: str = "requests", counts_refused: bool = False) -> None:
        self.rate, self.burst, self.by, self.counts_refused = rate, burst, by, counts_refused
        self.level, self.at = float(burst), 0.0

    def cost(self, tokens: float) -> float:
        return 1.0 if self.by == "requests" else min(tokens, self.burst)

    def speed(self, now: float) -> float:
        return self.rate

    def fill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.burst, self.level + (now - self.at) * self.speed(now))
            self.at = now

    def wait(self, now: float, tokens: float) -> float:
        self.fill(now)
        return max(0.0, self.cost(tokens) - TINY - self.level) / self.speed(now)

    def full(self, now: float) -> float:
        self.fill(now)
        return (self.burst - self.level) / self.rate

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.fill(now)
        self.level -= self.cost(tokens)
        return now + seconds

    def refuse(self, now: float, tokens: float) -> None:
        if self.counts_refused:
            self.fill(now)
            self.level = max(-self.burst, self.level - 1.0)


class Changing(Bucket):
    """A token bucket whose rate is multiplied by a factor from some second on."""

    def __init__(self, rate: float, burst: float, factors: Sequence[tuple[float, float]]) -> None:
        super().__init__(rate, burst)
        self.times = [at for at, _ in factors]
        self.factors = [1.0, *(factor for _, factor in factors)]

    def speed(self, now: float) -> float:
        return self.rate * self.factors[bisect_right(self.times, now)]


class Steps(Bucket):
    """A bucket that is filled in steps, as Envoy's: so many tokens each interval."""

    def __init__(self, fill: float, interval: float, burst: float, phase: float = 0.0) -> None:
        super().__init__(fill / interval, burst)
        self.step, self.interval, self.at = fill, interval, -phase

    def fill(self, now: float) -> None:
        steps = math.floor((now - self.at) / self.interval + TINY)
        if steps > 0:
            self.level = min(self.burst, self.level + steps * self.step)
            self.at += steps * self.interval

    def wait(self, now: float, tokens: float) -> float:
        self.fill(now)
        lacking = math.ceil((1.0 - TINY - self.level) / self.step)
        return max(0.0, self.at + lacking * self.interval - now) if lacking > 0 else 0.0


class Afterwards(Bucket):
    """A bucket of output tokens, taken when an answer has ended: nothing is accepted while it is overdrawn."""

    def wait(self, now: float, tokens: float) -> float:
        self.fill(now)
        return max(0.0, 0.0 - self.level) / self.rate

    def take(self, now: float, tokens: float, seconds: float) -> float:
        return now + seconds

    def end(self, now: float, tokens: float) -> None:
        self.fill(now)
        self.level -= tokens


class Window(Limit):
    """A counter that starts again at each boundary of a period (a minute of the server's clock)."""

    def __init__(
        self, count: float, period: float, phase: float, *, by: str = "requests", counts_refused: bool = False
    ) -> None:
        self.count, self.period, self.phase = count, period, phase
        self.by, self.counts_refused = by, counts_refused
        self.number, self.used = -1, 0.0

    def turn(self, now: float) -> None:
        number = math.floor((now + self.phase) / self.period + TINY)
        if number != self.number:
            self.number, self.used = number, 0.0

    def cost(self, tokens: float) -> float:
        return 1.0 if self.by == "requests" else min(tokens, self.count)

    def wait(self, now: float, tokens: float) -> float:
        self.turn(now)
        if self.used + self.cost(tokens) <= self.count + TINY:
            return 0.0
        return (self.number + 1) * self.period - self.phase - now

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.turn(now)
        self.used += self.cost(tokens)
        return now + seconds

    def refuse(self, now: float, tokens: float) -> None:
        if self.counts_refused:
            self.turn(now)
            self.used += 1.0


class Log(Limit):
    """A sliding log: at most so many in any stretch of a period."""

    def __init__(self, count: int, period: float, *, counts_refused: bool = False) -> None:
        self.count, self.period, self.counts_refused = count, period, counts_refused
        self.times: deque[float] = deque()

    def wait(self, now: float, tokens: float) -> float:
        while self.times and self.times[0] <= now - self.period + TINY:
            self.times.popleft()
        return 0.0 if len(self.times) < self.count else self.times[-self.count] + self.period - now

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.times.append(now)
        return now + seconds

    def refuse(self, now: float, tokens: float) -> None:
        if self.counts_refused:
            self.times.append(now)


class Weighted(Limit):
    """Two fixed windows, of which the one before counts by the part of it that still lies within the period."""

    def __init__(self, count: int, period: float, phase: float) -> None:
        self.count, self.period, self.phase = count, period, phase
        self.number, self.used, self.before = 0, 0.0, 0.0

    def wait(self, now: float, tokens: float) -> float:
        place = (now + self.phase) / self.period
        number = math.floor(place + TINY)
        if number != self.number:
            self.before = self.used if number == self.number + 1 else 0.0
            self.number, self.used = number, 0.0
        part = max(0.0, 1.0 - (place - number))
        room = self.count - self.used - 1.0
        if self.before * part <= room + TINY:
            return 0.0
        if room < 0:
            return part * self.period
        return (part - room / self.before) * self.period

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.used += 1.0
        return now + seconds


class Delaying(Limit):
    """nginx's limit_req: what comes too early is delayed (but for the first `free`), above `burst` refused."""

    def __init__(self, rate: float, burst: float, free: float = 0.0) -> None:
        self.rate, self.burst, self.free = rate, burst, free
        self.excess, self.at = 0.0, 0.0

    def next(self, now: float) -> float:
        return max(0.0, self.excess - (now - self.at) * self.rate)

    def wait(self, now: float, tokens: float) -> float:
        return max(0.0, self.next(now) - TINY - self.burst) / self.rate

    def take(self, now: float, tokens: float, seconds: float) -> float:
        excess = self.next(now)
        self.excess, self.at = excess + 1.0, now
        return now + seconds + max(0.0, excess - self.free) / self.rate


class Parallel(Limit):
    """At most so many at once."""

    def __init__(self, count: int) -> None:
        self.count, self.running = count, 0

    def wait(self, now: float, tokens: float) -> float:
        return 0.0 if self.running < self.count else math.inf

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.running += 1
        return now + seconds

    def end(self, now: float, tokens: float) -> None:
        self.running -= 1


class Queue(Limit):
    """So many are answered at once, so many wait, the rest is refused."""

    def __init__(self, parallel: int, queue: int) -> None:
        self.free = [0.0] * parallel
        self.room = parallel + queue
        self.running = 0

    def wait(self, now: float, tokens: float) -> float:
        return 0.0 if self.running < self.room else math.inf

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.running += 1
        end = max(now, self.free[0]) + seconds
        heapq.heapreplace(self.free, end)
        return end

    def end(self, now: float, tokens: float) -> None:
        self.running -= 1


class Crowded(Limit):
    """Answers are the slower the more there are at once (continuous batching): twice as slow at `half` at once."""

    def __init__(self, half: int, most: float = math.inf) -> None:
        self.half, self.most, self.running = half, most, 0

    def wait(self, now: float, tokens: float) -> float:
        return 0.0 if self.running < self.most else math.inf

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.running += 1
        return now + seconds * (1.0 + self.running / self.half)

    def end(self, now: float, tokens: float) -> None:
        self.running -= 1


class All(Limit):
    """Several limits at once; what one refuses is not taken from the others. The longest answer counts."""

    def __init__(self, *limits: Limit) -> None:
        self.limits = limits

    def wait(self, now: float, tokens: float) -> float:
        return max(limit.wait(now, tokens) for limit in self.limits)

    def take(self, now: float, tokens: float, seconds: float) -> float:
        return max(limit.take(now, tokens, seconds) for limit in self.limits)

    def refuse(self, now: float, tokens: float) -> None:
        for limit in self.limits:
            limit.refuse(now, tokens)

    def end(self, now: float, tokens: float) -> None:
        for limit in self.limits:
            limit.end(now, tokens)


class Around(Limit):
    """A limit with something more."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit

    def wait(self, now: float, tokens: float) -> float:
        return self.limit.wait(now, tokens)

    def take(self, now: float, tokens: float, seconds: float) -> float:
        return self.limit.take(now, tokens, seconds)

    def refuse(self, now: float, tokens: float) -> None:
        self.limit.refuse(now, tokens)

    def end(self, now: float, tokens: float) -> None:
        self.limit.end(now, tokens)


class Penalty(Around):
    """After a refusal everything is refused for some seconds."""

    def __init__(self, limit: Limit, seconds: float) -> None:
        super().__init__(limit)
        self.seconds, self.until = seconds, 0.0

    def wait(self, now: float, tokens: float) -> float:
        return max(0.0, self.until - now) or self.limit.wait(now, tokens)

    def refuse(self, now: float, tokens: float) -> None:
        super().refuse(now, tokens)
        if now >= self.until:
            self.until = now + self.seconds


class Acceleration(Around):
    """In each stretch of a period at most `growth` times what was accepted in the one before, and `floor` always."""

    def __init__(self, limit: Limit, period: float, growth: float, floor: int) -> None:
        super().__init__(limit)
        self.period, self.growth, self.floor = period, growth, floor
        self.number, self.used, self.before = 0, 0, 0

    def wait(self, now: float, tokens: float) -> float:
        number = math.floor(now / self.period + TINY)
        if number != self.number:
            self.before = self.used if number == self.number + 1 else 0
            self.number, self.used = number, 0
        if self.used < max(self.floor, self.growth * self.before):
            return self.limit.wait(now, tokens)
        return max((number + 1) * self.period - now, self.limit.wait(now, tokens))

    def take(self, now: float, tokens: float, seconds: float) -> float:
        self.used += 1
        return super().take(now, tokens, seconds)


class Neighbour(Around):
    """Another client takes its part first, at random moments of a mean rate, in some stretch of time."""

    def __init__(self, limit: Limit, rate: float, start: float, end: float, random: Random) -> None:
        super().__init__(limit)
        self.rate, self.last, self.random = rate, end, random
        self.next = start

    def wait(self, now: float, tokens: float) -> float:
        while self.next <= min(now, self.last):
            self.limit.take(self.next, 1.0, 0.0)
            self.next += self.random.expovariate(self.rate)
        return super().wait(now, tokens)


class Replicas(Limit):
    """Gateways in turn, each with a limit of its own (Envoy's and Kong's local policies)."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits, self.turn = limits, 0

    def wait(self, now: float, tokens: float) -> float:
        return self.limits[self.turn].wait(now, tokens)

    def take(self, now: float, tokens: float, seconds: float) -> float:
        end = self.limits[self.turn].take(now, tokens, seconds)
        self.turn = (self.turn + 1) % len(self.limits)
        return end

    def refuse(self, now: float, tokens: float) -> None:
        self.limits[self.turn].refuse(now, tokens)
        self.turn = (self.turn + 1) % len(self.limits)


class Outages(Around):
    """Now and then everything is refused for some seconds, whoever asks (529, "overloaded")."""

    def __init__(self, limit: Limit, every: float, seconds: float, phase: float) -> None:
        super().__init__(limit)
        self.every, self.seconds, self.phase = every, seconds, phase

    def wait(self, now: float, tokens: float) -> float:
        left = self.seconds - (now + self.phase) % self.every
        return left if left > TINY else self.limit.wait(now, tokens)
