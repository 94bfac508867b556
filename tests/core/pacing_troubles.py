"""Servers with troubles of their own: refusals that tell of no limit, waits that are far too long, limits that move.

Where a share is below 0.6, the pacing has a limitation: it is what is reached, so that it does not get worse.
"""

from __future__ import annotations

from random import Random

from pacing_course import Case, Draw
from pacing_pages import (
    ANTHROPIC_ERRORS,
    AWS_GATEWAY,
    CLOUDFLARE,
    DEEPSEEK,
    FIREWORKS,
    GROQ,
    LITELLM,
    REDIS_CELL,
    VLLM,
    about,
    absent,
    always,
    bucket,
    humps,
    log,
    lognormal,
    whole,
)
from pacing_servers import All, Around, Bucket, Changing, Limit, Neighbour, Outages, Parallel, Penalty, Window

ENDPOINTS = "https://huggingface.co/docs/inference-endpoints/autoscaling"  # 503 until a replica is up
NEVER = 1e9  # seconds


class Prolonged(Penalty):
    """Each request that is refused begins the penalty anew."""

    def refuse(self, now: float, tokens: float) -> None:
        super().refuse(now, tokens)
        self.until = now + self.seconds


class Cold(Around):
    """What is asked before the server is up is answered then."""

    def __init__(self, limit: Limit, up: float) -> None:
        super().__init__(limit)
        self.up = up

    def take(self, now: float, tokens: float, seconds: float) -> float:
        return super().take(max(now, self.up), tokens, seconds)


class Nearing(Bucket):
    """A bucket whose server is the slower the less is left in it, down to a third of its speed."""

    def take(self, now: float, tokens: float, seconds: float) -> float:
        super().take(now, tokens, seconds)
        return now + seconds * (3.0 - 2.0 * max(0.0, self.level) / self.burst)


def outage(limit: Limit, start: float, seconds: float) -> Limit:
    """Everything is refused once, for so long."""
    return Outages(limit, NEVER, seconds, NEVER - start if start else 0.0)


def tail(least: float, most: float = 60.0) -> Draw:
    """Pareto's: one answer in a hundred takes some thirty times as long as the quickest."""
    return lambda random: min(most, least * random.paretovariate(1.35))


def at_times(random: Random) -> Limit:
    """A neighbour who takes four fifths for 30 of each 90 seconds."""
    limit: Limit = Bucket(50, 50)
    for start in range(40, 1000, 90):
        limit = Neighbour(limit, 40, start, start + 30, random)
    return limit


# A limitation: refusals that have nothing to do with the load lower the rate, and the share falls far below 0.6.
STRAYS = [
    Case("1 in 100 overloaded", ANTHROPIC_ERRORS, lambda random: Limit(), 10000, 100, lognormal(0.5, 0.5),
         share=0.2, stray=0.01, retry_after=absent),
    Case("1 in 200 overloaded, Retry-After 1", ANTHROPIC_ERRORS, lambda random: Limit(), 10000, 100,
         lognormal(0.5, 0.5), share=0.05, stray=0.005, retry_after=always(1)),
    Case("1 in 50 overloaded", ANTHROPIC_ERRORS, lambda random: Limit(), 6000, 64, lognormal(1, 0.4),
         share=0.02, stray=0.02, retry_after=absent),
    Case("bucket 50/s, 1 in 100 overloaded", ANTHROPIC_ERRORS, bucket(50, 20), 6000, 100, lognormal(0.5, 0.5),
         share=0.08, stray=0.01, retry_after=whole),
    Case("40 at once, 1 in 200 overloaded", ANTHROPIC_ERRORS, lambda random: Parallel(40), 6000, 128,
         lognormal(1, 0.4), stray=0.005, retry_after=absent),
]  # fmt: skip
STARTS = [
    Case("up after 90 s, as it says", ENDPOINTS, lambda random: outage(Limit(), 0, 90), 10000, 64, lognormal(0.5, 0.5)),
    Case("up after 40 s", ENDPOINTS, lambda random: outage(Limit(), 0, 40), 10000, 64, lognormal(0.5, 0.5),
         retry_after=absent),
    Case("the first answers take 60 s", ENDPOINTS, lambda random: Cold(Limit(), 60), 10000, 100, lognormal(0.5, 0.5)),
    Case("outage of 120 s", ANTHROPIC_ERRORS, lambda random: outage(Bucket(50, 20), 40, 120), 12000, 64,
         lognormal(0.8, 0.5), retry_after=absent),
    Case("2,000 a day, 20/s", GROQ, lambda random: All(Window(2000, 86400, 80000), Bucket(20, 20)), 3000, 64,
         lognormal(0.7, 0.5), retry_after=whole),
]  # fmt: skip
EVEN = [
    Case("bucket 25/s burst 1, whole", REDIS_CELL, bucket(25, 1), 3000, 64, about(0.3), share=0.5, retry_after=whole),
    Case("bucket 0.5/s burst 5, 150 rows", LITELLM, bucket(0.5, 5), 150, 64, lognormal(1, 0.4), refused=0.08,
         retry_after=whole),
    Case("bucket 2/s burst 5, 150 rows", LITELLM, bucket(2, 5), 150, 64, lognormal(1, 0.4), refused=0.08,
         retry_after=whole),
    Case("bucket 100/s burst 20, quick", AWS_GATEWAY, bucket(100, 20), 4000, 64, about(0.005), retry_after=whole),
    Case("bucket 100/s burst 20, on this machine", AWS_GATEWAY, bucket(100, 20), 2000, 64, about(0.001),
         retry_after=whole, refusal=(0.0005, 0.001), way=(0.0002, 0.0005)),
    Case("log 500/min, 500 at once", LITELLM, log(500, 60), 4000, 500, lognormal(2, 0.5), retry_after=absent),
    Case("60/s and answers of 10 s", FIREWORKS, bucket(60, 20), 9000, 1000, lognormal(10, 0.3), retry_after=absent),
]  # fmt: skip
WAITS = [
    Case("bucket 17/s burst 20, Retry-After 60", LITELLM, bucket(17, 20), 12000, 64, lognormal(0.7, 0.5),
         share=0.5, retry_after=always(60)),  # its holds alone are half of the time
    Case("bucket 33/s burst 5, refused after 1 to 3 s", LITELLM, bucket(33, 5), 4000, 256, humps(0.4, 8, 0.1),
         refusal=(1.0, 3.0), retry_after=whole),
    Case("bucket 20/s, then blocked 10 s, prolonged", CLOUDFLARE, lambda random: Prolonged(Bucket(20, 10), 10), 6000,
         64, lognormal(0.7, 0.5)),
    Case("8 at once, a long tail", VLLM, lambda random: Parallel(8), 2000, 128, tail(0.5), retry_after=always(1)),
    Case("no limit, a long tail", DEEPSEEK, lambda random: Limit(), 8000, 200, tail(0.3)),
]  # fmt: skip
MOVES = [
    Case("50/s and 12/s in turn", FIREWORKS,
         lambda random: Changing(50, 10, [(45 * n, 0.24 if n % 2 else 1.0) for n in range(1, 60)]), 10000, 128,
         lognormal(0.8, 0.5), share=0.4, retry_after=whole),
    Case("200/s, then a tenth", FIREWORKS, lambda random: Changing(200, 20, [(40, 0.1)]), 12000, 256,
         lognormal(0.7, 0.5), retry_after=whole),
    Case("a neighbour comes and goes", LITELLM, at_times, 12000, 64, lognormal(0.8, 0.5), share=0.45,
         retry_after=absent),
    Case("slower near its limit", VLLM, lambda random: Nearing(50, 20), 5000, 128, lognormal(0.4, 0.1),
         retry_after=whole),
]  # fmt: skip
TROUBLES = [*STRAYS, *STARTS, *EVEN, *WAITS, *MOVES]
