"""The pacing at a few of the servers that it was not tuned on; `python -m tests.load.pacing` has all of them."""

from __future__ import annotations

import math
from bisect import bisect_left
from random import Random

import pytest
from pacing_cases import CASES
from pacing_course import Case, Course, Rows, Run, best_time, missed
from pacing_pages import REDIS_CELL, about
from pacing_servers import Bucket, Delaying, Limit, Log, Steps, Weighted, Window

from sansio_core.pacing import Pacing

SOME = [
    "bucket 37/s burst 5",
    "bucket 0.5/s burst 1",
    "bucket 3/s burst 60",
    "bucket 17/s burst 2, counts refused",
    "window 10/min, RetryInfo",
    "10 s windows of 1,000/min",
    "nginx 25/s burst 12 delay",
    "1 at once",
    "8 at once",
    "500/min and 30,000 tokens/min",
    "rate falls to a tenth",
    "two share a bucket",
    "no limit, 4 at once, two humps",
    "bucket 11/s burst 1, quota fields",
    "bucket 100/s burst 20, on this machine",
    "2,000 a day, 20/s",
    "8 at once, a long tail",
]


@pytest.mark.parametrize(("name", "seed"), [*((name, 11) for name in SOME), ("outages of 20 s", 1)])
def test_the_pacing_reaches_its_figures(name: str, seed: int) -> None:
    case = next(case for case in CASES if case.name == name)
    course = Run(case, seed).go()
    assert missed(case, course) == []
    assert course.answered == case.rows


def test_each_server_has_a_name_of_its_own_and_a_page_that_says_its_rule() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
    assert all(case.source.startswith("https://") for case in CASES)


def accepted(limit: Limit, times: list[float]) -> list[float]:
    kept = []
    for now in times:
        if limit.wait(now, 1.0) <= 0.0:
            limit.take(now, 1.0, 0.1)
            kept.append(now)
    return kept


@pytest.mark.parametrize(
    ("limit", "period", "most"),
    [
        (Bucket(7, 3), 1.0, 10),
        (Steps(20, 0.25, 40), 0.25, 60),
        (Window(30, 2, 0.7), 2.0, 60),
        (Log(30, 2), 2.0, 30),
        (Weighted(30, 2, 0.7), 2.0, 60),
        (Delaying(7, 2), 1.0, 10),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Limit) else None,
)
def test_a_server_accepts_no_more_than_its_rule_and_all_of_it_when_it_is_asked_always(
    limit: Limit, period: float, most: int
) -> None:
    random = Random(5)
    times, now = [], 0.0
    while now < 40.0:
        now += random.expovariate(300.0)
        times.append(now)
    kept = accepted(limit, times)
    assert max(bisect_left(kept, start + period) - number for number, start in enumerate(kept)) <= most
    rate = {Steps: 80.0, Bucket: 7.0, Delaying: 7.0}.get(type(limit), 15.0)
    assert len(kept) >= 0.9 * 40.0 * rate


def test_the_best_possible_client_takes_the_time_that_the_limit_leaves_it() -> None:
    case = Case("best", REDIS_CELL, lambda random: Bucket(10, 5), 105, 50, about(0.2))
    assert best_time(case, Rows(case, 1), 1) == pytest.approx(10.2, abs=0.05)


def test_a_client_that_does_not_pace_itself_is_found_out() -> None:
    course = Course(share=0.4, sent=100, answered=80, refused=20, fair=5.0, broken="in_flight is wrong")
    assert missed(CASES[0], course) == [
        "in_flight is wrong",
        "share 40% < 60%",
        "refused 20.0% > 5%",
        "5.0 times the other's answers",
    ]


def test_a_days_quota_that_is_used_up_is_a_hold_for_whoever_may_stop_the_run() -> None:
    pacing = Pacing(16)
    tickets = [pacing.sent(1.0) for _ in range(1 if pacing.window < 2 else 2)]
    pacing.refused(tickets[0], 2.0, 86_400.0)
    assert 86_402.0 <= pacing.hold < math.inf
    assert pacing.ready(3.0) >= pacing.hold
