"""Pacing: on servers with limits, in virtual time; and what holds after any history."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pacing_driver import AtOnce, Bucket, Fixed, Outcome, Rising, Server, Sliding, World

from sansio_core import InvalidRequest
from sansio_core.pacing import Pacing, Ticket


def tokens(random: Random) -> float:
    return random.lognormvariate(-0.5, 1.0)  # the mean is 1


def halved(now: float) -> float:
    return 20.0 if now < 60 else 10.0


def doubled(now: float) -> float:
    return 10.0 if now < 60 else 20.0


def shared(now: float) -> float:
    """Another client takes a third of it from time to time."""
    return 15.0 if now % 60 < 30 else 10.0


# Name: the server, the requests at once, for how many seconds.
SERVERS: dict[str, tuple[Callable[[], Server], int, float]] = {
    "bucket": (lambda: Server([Bucket(100, 20)], asks="up"), 100, 25),
    "bucket whose Retry-After is longer than it takes to fill": (lambda: Server([Bucket(37, 5)], asks="up"), 100, 60),
    "large bucket, refusals as late as answers": (lambda: Server([Bucket(20, 200)], 1.0, refusal=None), 100, 150),
    "slow bucket of one": (lambda: Server([Bucket(0.5, 1)], 1.0, asks="up"), 64, 1200),
    "fast bucket": (lambda: Server([Bucket(500, 50)], 0.2, refusal=None), 256, 15),
    "so many a minute": (lambda: Server([Fixed(120, 60, 17)], 0.8, 0.5), 64, 900),
    "so many a second, no Retry-After": (lambda: Server([Fixed(20, 1)], 0.3, asks="absent"), 64, 100),
    "so many a minute, no Retry-After": (lambda: Server([Fixed(90, 60)], 0.6, 0.5, asks="absent"), 64, 900),
    "sliding minute": (lambda: Server([Sliding(300, 60)], 0.5, 0.3, asks="up"), 32, 400),
    "refused requests count": (lambda: Server([Sliding(40, 10)], 0.5, asks="up", counts=True), 64, 400),
    "so many at once": (lambda: Server([AtOnce(10, 1.0)], 1.0, 0.5, asks="absent"), 64, 150),
    "one at once": (lambda: Server([AtOnce(1, 1.0)], 1.0, asks="zero"), 16, 800),
    "both": (lambda: Server([Bucket(12, 12), AtOnce(15, 1.0)], 1.0, 0.3), 64, 150),
    "queue": (lambda: Server([], 1.0, 0.3, asks="absent", workers=10, queue=10), 64, 150),
    "tokens, rows of unequal size": (lambda: Server([Bucket(10, 60)], 0.6, asks="up", cost=tokens), 64, 150),
    "half in mid-run": (lambda: Server([Bucket(halved, 10)], 0.5, asks="up"), 64, 120),
    "double in mid-run": (lambda: Server([Bucket(doubled, 10)], 0.5, asks="up"), 64, 120),
    "another client": (lambda: Server([Bucket(shared, 10)], 0.5, 0.3), 64, 180),
    "Retry-After far too long": (lambda: Server([Bucket(10, 10)], 0.5, asks="long", long=20), 64, 400),
    "long latencies": (lambda: Server([Bucket(3, 10)], 12.0, 0.7, asks="up"), 100, 600),
    "network jitter": (lambda: Server([Bucket(30, 10)], 0.3, jitter=0.1, asks="zero"), 64, 60),
}


@pytest.mark.parametrize("name", SERVERS)
def test_most_of_a_limit_is_used_and_little_is_refused(name: str) -> None:
    make, concurrency, seconds = SERVERS[name]
    for seed in range(2):
        outcome = World(make(), concurrency, seed).run(seconds)
        assert outcome.share >= 0.6, seed
        assert outcome.refused_share <= 0.05, seed
        assert outcome.early == 0
        assert outcome.most <= concurrency


@pytest.mark.parametrize("number", [1, 2, 3, 10])
def test_a_limit_of_how_many_at_once_is_found_to_the_unit(number: int) -> None:
    world = World(Server([AtOnce(number, 1.0)], 1.0, 0.5, asks="up"), 64)
    outcome = world.run(600 / number)
    assert outcome.share >= 0.85
    assert outcome.refused_share <= 0.03
    assert number <= world.pacing.window <= number + 1


def test_a_limit_that_may_only_rise_slowly() -> None:
    outcome = World(Server([Rising(300, 1.5, 60, 50)], 0.2), 20).run(480)
    assert outcome.share >= 0.5
    assert outcome.refused_share <= 0.05


@pytest.mark.parametrize("sigma", [0.0, 0.7])
def test_without_a_limit_nearly_all_of_it_is_used(sigma: float) -> None:
    outcome = World(Server([], 0.2, sigma), 100).run(answers=10_000)
    assert outcome.share >= 0.9
    assert outcome.most == 100


def test_few_quick_rows_do_not_wait_for_a_guess() -> None:
    assert World(Server([], 0.05), 64).run(answers=8).seconds < 0.2
    assert World(Server([], 0.05), 64).run(answers=64).seconds < 0.4


def test_two_thousand_rows_against_a_hundred_a_second() -> None:
    outcome = World(Server([Bucket(100, 20)], asks="up"), 100).run(answers=2000)
    assert outcome.share >= 0.75
    assert outcome.refused_share <= 0.02


@pytest.mark.parametrize("rate", [0.5, 8.0, 70.0, 1000.0])
def test_the_users_rate_is_never_exceeded(rate: float) -> None:
    outcome = World(Server([], 0.3, 0.7), 500, rate=rate).run(answers=300)
    sendings = outcome.sendings
    for span in (1, 2, 5, 20, 100, 299):
        shortest = min(later - earlier for earlier, later in zip(sendings, sendings[span:], strict=False))
        assert shortest >= span / rate - 0.011
    assert outcome.seconds <= 300 / rate + 3


def test_the_rate_is_kept_by_a_late_loop() -> None:
    pacing, sendings = Pacing(1000, rate=400.0), []
    for tick in range(0, 4000, 3):  # a loop that looks each 3 ms
        now = tick / 1000
        while pacing.ready(now) <= now:
            ticket = pacing.sent(now)
            pacing.head(ticket, now)
            pacing.done(ticket, now)
            sendings.append(now)
    assert len([now for now in sendings if now >= 3]) == pytest.approx(400, abs=6)


def test_everybody_holds_until_retry_after() -> None:
    pacing = Pacing(8, random=lambda: 0.999)
    first, second, third = pacing.sent(0.0), pacing.sent(0.2), pacing.sent(0.4)
    pacing.refused(second, 1.0, 30.0)
    assert pacing.ready(1.0) == pacing.hold == pytest.approx(31.0, abs=3.01)
    assert pacing.hold >= 31.0
    pacing.refused(third, 2.0, 3600.0)  # a refusal of the same flight prolongs it
    assert pacing.ready(40.0) == pacing.hold == pytest.approx(3602.0, abs=5.0)
    pacing.head(first, 3.0, wait=10_000.0)  # so does a response whose quota is used up
    assert pacing.hold >= 10_003
    pacing.done(first, 4.0)
    assert pacing.in_flight == 0


def test_quota_fields_that_always_ask_for_a_second_do_not_set_the_rate() -> None:
    pacing, now = Pacing(8), 0.0
    for _ in range(200):  # a bucket of one: "nothing remains, whole again in 1 s", rounded up
        now = max(now, pacing.ready(now))
        ticket = pacing.sent(now)
        pacing.head(ticket, now + 0.05, wait=1.0)
        pacing.done(ticket, now + 0.1)
        now += 0.1
    assert now < 60


def test_without_retry_after_the_wait_grows_while_all_is_refused() -> None:
    pacing, now, waits = Pacing(8), 0.0, []
    for _ in range(12):
        now = max(now, pacing.ready(now))
        pacing.refused(pacing.sent(now), now + 0.01)
        waits.append(pacing.hold - now)
        now += 0.01
    assert waits[0] < 1
    assert all(later >= earlier - 1e-6 for earlier, later in pairwise(waits))
    assert 60 <= waits[-1] <= 66
    assert pacing.ready(now) < inf
    pacing.sent(pacing.ready(now))
    assert pacing.ready(1e9) == inf  # one tries alone


def test_the_one_that_tries_alone_may_fail() -> None:
    pacing, now = Pacing(8), 0.0
    for _ in range(3):
        pacing.refused(pacing.sent(now), now, 1.0)
        now = pacing.ready(now)
    pacing.done(pacing.sent(now), now)  # a lost connection: it tells nothing
    assert pacing.ready(now) < inf
    pacing.head(pacing.sent(now), now)
    pacing.sent(pacing.ready(now))
    assert pacing.ready(now) < inf  # one was answered: the others may follow


def refused_once(pacing: Pacing, now: float, retry_after: float | None = None) -> float:
    """A request is refused; when the next may be sent."""
    pacing.refused(pacing.sent(now), now + 0.01, retry_after)
    return pacing.ready(now)


def answered_each(pacing: Pacing, now: float, rows: int, seconds: float) -> float:
    """One row after the other, so many seconds apart; when the next would be sent."""
    for _ in range(rows):
        ticket = pacing.sent(now)
        pacing.head(ticket, now + 0.2)
        pacing.done(ticket, now + 0.5)
        now += seconds
    return now


def run_with(pacing: Pacing, rows: int) -> float:
    """Seconds for so many rows at a server without a limit, with a pacing that has a past, before the time 0."""
    world = World(Server([], 0.5), 64)
    world.pacing = pacing
    return world.run(answers=rows).seconds


def test_time_without_rows_is_no_slowness_of_the_server() -> None:
    pacing, now = Pacing(64), -4000.0
    for _ in range(5):
        now = answered_each(pacing, now, 10, 60.0)
        now = answered_each(pacing, refused_once(pacing, now), 1, 60.0)
    assert now < 0
    assert run_with(pacing, 2000) < 200  # at a row a minute it would take days; without the refusals 20 s


def test_a_refusal_before_any_answer_is_no_limit() -> None:
    pacing = Pacing(64)
    assert refused_once(pacing, -95.0, 90.0) < 0
    assert run_with(pacing, 500) < 12  # the hold is no distance between two requests


def test_a_long_outage_is_forgotten_after_many_good_answers() -> None:
    pacing = Pacing(8)
    now = answered_each(pacing, 0.0, 3, 0.5)
    while now < 120:
        now = refused_once(pacing, now)
    for _ in range(2000):
        now = answered_each(pacing, max(now, pacing.ready(now)), 1, 0.5)
    assert refused_once(pacing, now) - now < 2


def test_two_refusals_of_one_flight_take_the_bounds_back_once() -> None:
    def after(refusals: int) -> list[float]:
        """When the requests are sent that follow so many refusals of one flight."""
        pacing, now, flight = Pacing(64), 0.0, []
        for _ in range(200):
            if pacing.in_flight > 20 or pacing.ready(now) == inf:
                pacing.done(flight.pop(0), now)
            now = max(now, pacing.ready(now))
            ticket = pacing.sent(now)
            pacing.head(ticket, now + 0.01)
            flight.append(ticket)
        late = [pacing.sent(max(now, pacing.ready(now))) for _ in range(5)]
        for ticket in late[:refusals]:
            pacing.refused(ticket, now + 1, 1.0)
        for ticket in (*late[refusals:], *flight):
            pacing.done(ticket, now + 1)
        sendings = []
        for _ in range(30):
            now = max(now, pacing.ready(now))
            pacing.done(pacing.sent(now), now)
            sendings.append(now)
        return [pacing.window, *(later - sendings[0] for later in sendings)]

    assert after(2) == after(1) == after(5)


def test_bad_settings_say_so() -> None:
    for concurrency in (0, -1, True, 2.5, "8", None):
        with pytest.raises(InvalidRequest, match="concurrency must be a whole number from 1"):
            Pacing(concurrency)  # type: ignore[arg-type]
    for rate in (0, -1, float("nan"), inf, "8", True):
        with pytest.raises(InvalidRequest, match="rate must be a positive number of requests a second"):
            Pacing(8, rate=rate)  # type: ignore[arg-type]


happenings = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "send", "head", "done", "refused"]),
        st.integers(0, 100),  # which of those in flight
        st.sampled_from([0.0, 1e-6, 0.001, 0.05, 1.0, 40.0]),  # the seconds that pass
        st.sampled_from([None, None, 0.0, 0.3, 1.0, 60.0]),  # what the response asks for
    ),
    max_size=120,
)


@settings(deadline=None, max_examples=60)
@given(happenings, st.integers(1, 40), st.sampled_from([None, 0.1, 3.0, 500.0]), st.floats(0, 0.999))
def test_after_any_history_it_goes_on(
    history: list[tuple[str, int, float, float | None]], concurrency: int, rate: float | None, chance: float
) -> None:
    pacing, now = Pacing(concurrency, rate=rate, random=lambda: chance), 0.0
    flight: list[Ticket] = []
    sendings: list[float] = []
    for what, which, seconds, asked in history:
        now += seconds
        if what == "send":
            ready = pacing.ready(now)
            assert ready < inf or flight
            if ready <= now:
                assert now >= pacing.hold
                sendings.append(now)
                flight.append(pacing.sent(now))
        elif flight and what == "head":
            pacing.head(flight[which % len(flight)], now, asked)
        elif flight and what == "done":
            pacing.done(flight.pop(which % len(flight)), now)
        elif flight:
            pacing.refused(flight.pop(which % len(flight)), now, asked)
            assert not asked or pacing.hold >= now + asked  # a late refusal need not ask for a wait
        assert len(flight) == pacing.in_flight <= concurrency
        assert 1 <= pacing.window <= concurrency
    if rate:
        for span in range(1, len(sendings)):
            assert min(b - a for a, b in zip(sendings, sendings[span:], strict=False)) >= span / rate - 0.011
    for ticket in flight:
        pacing.done(ticket, now)
    for _ in range(1500):  # all is well from now on
        assert pacing.ready(now) < inf
        now = max(now, pacing.ready(now))
        ticket = pacing.sent(now)
        pacing.head(ticket, now + 0.1)
        pacing.done(ticket, now + 0.2)
    assert pacing.ready(now) - now <= max(1.0, 1.02 / (rate or inf))


def test_a_run_repeats_itself() -> None:
    def run() -> Outcome:
        return World(Server([Bucket(20, 5)], 0.5, 0.5, asks="up"), 32, 7).run(30)

    assert run() == run()
