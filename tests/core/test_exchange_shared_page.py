"""One page for all calls of a provider, taken over from whoever gave up."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs

import pytest
from exchange_driver import HTML, PAGE, Answer, Run, exchange, stream

from sansio_core import (
    Cancelled,
    ChatError,
    ChatRequest,
    ConnectFailed,
    Exchange,
    Finish,
    HttpRequest,
    Send,
    State,
    TimedOut,
    Wait,
    providers,
)
from sansio_core.providers.chatgpt_free import _Claim

GOOD = Answer(stream("Hello"))
FETCHED = Answer(PAGE, headers=HTML)


def run(*answers: Any, **settings: Any) -> Run:
    return Run(exchange("chatgpt_free", **settings)).over(*answers)


def field(request: HttpRequest, name: str) -> str:
    return parse_qs(request.body.decode("ascii"), keep_blank_values=True)[name][0]


def cookie(request: HttpRequest) -> str:
    return dict(request.headers).get("cookie", "")


# --- one page for all ------------------------------------------------------------------------------------------------


def calls(count: int) -> list[Run]:
    provider = providers.create("chatgpt_free")
    return [Run(Exchange(provider, ChatRequest(f"Question {i}"))) for i in range(count)]


def test_a_hundred_interleaved_exchanges_fetch_it_once() -> None:
    runs = calls(100)
    sent: list[tuple[Run, HttpRequest]] = []

    def turn() -> None:
        for one in runs:
            action = one.exchange.next_action(0) if one.exchange.state is State.READY else None
            sent.extend([(one, action.request)] if isinstance(action, Send) else [])

    turn()
    turn()
    ((fetcher, page),) = sent
    assert page.method == "GET"
    fetcher.answer(FETCHED)
    turn()
    assert len(sent) == 101
    for one, request in sent[1:]:
        assert request.method == "POST"
        one.answer(GOOD)
        assert one.exchange.next_action(0) == Finish()
    assert sorted(field(request, "message") for _, request in sent[1:]) == sorted(f"Question {i}" for i in range(100))


def test_a_hundred_threads_fetch_it_once() -> None:
    barrier = Barrier(20)

    def go(one: Run) -> Run:
        barrier.wait()
        while isinstance(action := one.exchange.next_action(one.now), (Send, Wait)):
            if isinstance(action, Wait):
                one.now += action.seconds / 100  # as if the clock were slow: many looks in one claim's time
                continue
            one.sent.append(action)
            one.answer(FETCHED if action.request.method == "GET" else GOOD)
        return one

    for _ in range(5):
        with ThreadPoolExecutor(20) as pool:
            done = list(pool.map(go, calls(20)))
        methods = [request.method for one in done for request in one.requests]
        assert methods.count("GET") == 1
        assert methods.count("POST") == 20
        assert {one.text for one in done} == {"Hello"}


def test_a_page_that_came_between_the_look_and_the_claim_is_used() -> None:
    first, second = calls(2)
    first.exchange.next_action(0)
    provider: Any = first.exchange.provider
    claim = provider.pages.claim

    def late(call: Any, now: float) -> bool:
        first.answer(FETCHED)
        return bool(claim(call, now))

    provider.pages.claim = late
    action = second.exchange.next_action(0)
    provider.pages.claim = claim
    assert isinstance(action, Send)
    assert action.request.method == "POST"
    second.answer(GOOD)
    first.over(GOOD)
    provider.pages.forget(provider.pages.page)
    third = Run(Exchange(provider, ChatRequest("Again")))
    assert isinstance(third.exchange.next_action(0), Send), "the claim that was not needed is free"


def test_a_claim_that_a_third_call_made_meanwhile_is_left_alone() -> None:
    provider: Any = providers.create("chatgpt_free")
    second, third = (provider.begin(ChatRequest("Hello"), lambda: 0.5) for _ in range(2))
    claims = provider.pages._claims

    def gone_and_replaced() -> None:
        """The holder is gone; while `second` looks, `third` frees its claim and makes another."""
        claims.clear()
        assert provider.pages.claim(third, 0)

    claims["page"] = _Claim(gone_and_replaced, 100.0)
    assert not provider.pages.claim(second, 0)
    assert claims["page"].holder() is third


def fetching() -> tuple[Run, Run]:
    first, second = calls(2)
    assert isinstance(first.exchange.next_action(0), Send)
    wait = second.exchange.next_action(0)
    assert isinstance(wait, Wait)
    assert 0 < wait.seconds <= 0.1
    return first, second


@pytest.mark.parametrize(
    "end", [Cancelled(), ConnectFailed("refused"), Answer(b"", 500), Answer(b"nothing"), TimedOut("connect", 1)]
)
def test_another_takes_over_when_the_fetcher_fails(end: Any) -> None:
    first, second = fetching()
    first.answer(end)
    with pytest.raises(ChatError):
        first.exchange.next_action(0)
    actions = second.exchange.next_action(0)
    assert isinstance(actions, Send)
    second.answer(FETCHED)
    second.over(GOOD)


def test_another_takes_over_when_the_fetcher_is_gone() -> None:
    first, second = fetching()
    del first
    gc.collect()
    second.exchange.next_action(0.02)
    action = second.exchange.next_action(0.04)
    assert isinstance(action, Send)
    assert action.request.method == "GET"


def test_another_takes_over_when_the_fetcher_is_not_driven_on() -> None:
    first, second = fetching()
    assert isinstance(second.exchange.next_action(29), Wait)
    second.exchange.next_action(30)
    assert isinstance(second.exchange.next_action(30.1), Send)
    first.answer(Cancelled())
    third = Run(Exchange(first.exchange.provider, ChatRequest("x")))
    assert isinstance(third.exchange.next_action(30.1), Wait), "who was slow cannot free another's claim"


def test_waiting_for_the_page_is_bounded_by_the_total() -> None:
    first, second = fetching()
    assert isinstance(second.exchange.next_action(0), Wait)
    with pytest.raises(TimedOut, match="total"):
        second.exchange.next_action(120)
    assert second.exchange.attempts == 0
    first.answer(FETCHED)


def test_whoever_waits_for_the_page_can_be_cancelled() -> None:
    first, second = fetching()
    second.exchange.receive_failure(Cancelled(), 1)
    with pytest.raises(Cancelled):
        second.exchange.next_action(0)
    first.answer(FETCHED)
    first.over(GOOD)


def test_two_providers_share_nothing() -> None:
    first, second = calls(1)[0], calls(1)[0]
    assert isinstance(first.exchange.next_action(0), Send)
    assert isinstance(second.exchange.next_action(0), Send)


def test_the_page_is_kept_for_later_calls() -> None:
    first = run(FETCHED, GOOD)
    later = Run(Exchange(first.exchange.provider, ChatRequest("Again"))).over(GOOD)
    assert [request.method for request in later.requests] == ["POST"]
