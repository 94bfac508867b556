"""Servers drawn at random: nobody can have tuned anything to them."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from pacing_course import Case
from pacing_pages import about, absent, always, exact, humps, jittered, lognormal, whole
from pacing_servers import (
    All,
    Bucket,
    Delaying,
    Limit,
    Log,
    Neighbour,
    Parallel,
    Queue,
    Replicas,
    Steps,
    Weighted,
    Window,
)

PAGE = "https://www.rfc-editor.org/rfc/rfc6585#section-4"  # how requests are counted is the server's affair
ROWS = 20_000
KINDS = ["bucket", "window", "log", "weighted", "steps", "nginx", "replicas", "neighbour", "bucket", *["at once"] * 2]


def logarithmic(random: Random, low: float, high: float) -> float:
    return math.exp(random.uniform(math.log(low), math.log(high)))


def limit(kind: str, rate: float, random: Random) -> Callable[[Random], Limit]:
    """A server of that kind that accepts `rate` requests a second in the long run."""
    burst = max(1, round(rate * logarithmic(random, 0.02, 10)))
    period = random.choice([1.0, 10.0, 60.0]) if rate >= 3 else 60.0
    counts = random.random() < 0.3
    if kind == "bucket":
        return lambda seeded: Bucket(rate, burst, counts_refused=counts)
    if kind == "window":
        return lambda seeded: Window(round(rate * period), period, seeded.uniform(0, period), counts_refused=counts)
    if kind == "log":
        return lambda seeded: Log(round(rate * period), period, counts_refused=counts)
    if kind == "weighted":
        return lambda seeded: Weighted(round(rate * period), period, seeded.uniform(0, period))
    if kind == "steps":
        fill = max(1, burst // 4)
        return lambda seeded: Steps(fill, fill / rate, max(burst, fill), seeded.uniform(0, fill / rate))
    if kind == "nginx":
        return lambda seeded: Delaying(rate, min(burst, 50))
    if kind == "replicas":
        return lambda seeded: Replicas([Bucket(rate / 4, max(1, burst // 4)) for _ in range(4)])
    start = random.uniform(30, 120)
    burst = max(burst, 10, round(2 * rate))  # else the neighbour's chance alone refuses more than is allowed
    return lambda seeded: Neighbour(Bucket(rate, burst), rate / 2, start, 3 * start, seeded)


def at_once(room: int, queue: int | None) -> Callable[[Random], Limit]:
    return lambda seeded: Parallel(room) if queue is None else Queue(room, queue)


def narrowed(server: Callable[[Random], Limit], room: int) -> Callable[[Random], Limit]:
    return lambda seeded: All(server(seeded), Parallel(room))


def random_case(number: int) -> Case:
    """A server, a client and a run of at least a minute and of some twenty answers' time; mostly of many more."""
    random = Random(f"random case {number}")
    middle = logarithmic(random, 0.05, 15)
    draws = [about(middle), lognormal(middle, 0.4), lognormal(middle, 0.8), humps(middle / 3, middle * 2, 0.3)]
    latency = random.choice(draws)
    concurrency = random.choice([4, 8, 16, 32, 64, 128, 250, 500])
    kind = random.choice(KINDS)
    rate = min(logarithmic(random, 0.5, 300), ROWS / (60 + 20 * middle))
    run = 300 + 20 * middle + 300 / rate
    if kind == "at once":
        room = random.randint(1, max(1, concurrency // 2))
        rate = room / middle
        server = at_once(room, random.choice([None, 0, 2 * room]))
    else:
        server = limit(kind, rate, random)
        if random.random() < 0.15:
            server = narrowed(server, max(2, concurrency // 3))
    rate = min(rate, concurrency / middle)
    rows = round(min(ROWS, max(200.0, run * rate)))
    share, refused = 0.6 if rows / rate > 60 else 0.5, 0.05 if rate >= 0.5 else None
    asked = random.choice([exact, exact, whole, whole, absent, absent, jittered, always(1), always(0), always(5)])
    late = random.choice([0.005, 0.02, 0.2])
    name = f"{number} {kind} {rate:.3g}/s, {concurrency} of {middle:.2g} s, {asked.__name__}"
    return Case(name, PAGE, server, rows, concurrency, latency, share, refused, asked, (late / 2, 2 * late))
