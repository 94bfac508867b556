"""A key that is not a constant: when an exchange asks for it, where it goes, and what is no key."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_driver import JSON, Answer, Run, chunk, exchange, sse, stream

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    ChatError,
    ChatRequest,
    ConnectionLost,
    Exchange,
    InvalidRequest,
    ModelList,
    NeedKey,
    PermissionDenied,
    RetryPolicy,
    Send,
    State,
    TimedOut,
    Timeouts,
    providers,
)

GOOD = Answer(stream("Hello"))
REFUSED = Answer(b'{"error": {"message": "expired"}}', 401, JSON)
JWT = "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJo.c2lnbmF0dXJl"
VERTEX = "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/l"


def counting(*keys: Any) -> Any:
    """A function that gives `keys` one after another."""
    left = iter(keys)
    return lambda: next(left)


def run_of(*keys: Any, name: str = "openai", config: Any = None, **settings: Any) -> Run:
    return Run(exchange(name, config={"api_key": counting(*keys), **(config or {})}, **settings))


def keys_sent(run: Run) -> list[str | None]:
    return [dict(request.headers).get("authorization") for request in run.requests]


def test_a_request_is_sent_with_the_key_that_was_given_for_it() -> None:
    ours = exchange("openai", config={"api_key": lambda: "unused: the embedder has a source of its own"})
    assert ours.next_action(0) == NeedKey()
    assert (ours.state, ours.reading, ours.under_way, ours.attempts) == (State.KEYLESS, False, False, 0)
    ours.receive_key("sk-first", 0)
    send = ours.next_action(0)
    assert isinstance(send, Send)
    constant = exchange("openai", config={"api_key": "sk-first"}).next_action(0)
    assert isinstance(constant, Send)
    assert dict(send.request.headers) == dict(constant.request.headers)
    assert send.request.body == constant.request.body
    assert "sk-first" in ours.secrets


@pytest.mark.parametrize(("name", "key"), [("openai", "sk"), ("openai", None), ("free_netfly", lambda: "sk")])
def test_no_other_provider_asks(name: str, key: Any) -> None:
    ours = exchange(name, config={"api_key": key, "base_url": "http://h"})
    assert isinstance(ours.next_action(0), Send)


def test_each_attempt_asks_anew_and_a_redirect_does_not() -> None:
    moved = Answer(b"", 307, [("location", "/v2/chat/completions")])
    run = run_of("key-1", "key-2", retry=2).over(Answer(b"", 503), moved, GOOD)
    assert keys_sent(run) == ["Bearer key-1", "Bearer key-2", "Bearer key-2"]


def test_a_refused_key_is_asked_for_once_more_whatever_the_policy_says() -> None:
    run = run_of("stale", "fresh", retry=1).over(REFUSED, GOOD)
    assert keys_sent(run) == ["Bearer stale", "Bearer fresh"]
    assert (run.text, run.waits, run.exchange.attempts) == ("Hello", [], 1)
    in_band = Answer(sse({"error": {"message": "no", "code": "invalid_api_key"}}))
    assert keys_sent(run_of("stale", "fresh", retry=1).over(in_band, GOOD)) == ["Bearer stale", "Bearer fresh"]


def test_once_only() -> None:
    run = run_of("key-1", "key-2", "key-3", retry=RetryPolicy(attempts=3, first_wait=0, jitter=0))
    with pytest.raises(AuthenticationFailed, match="expired") as caught:
        run.over(REFUSED, Answer(b"", 503), REFUSED)
    assert len(run.sent) == 3
    assert caught.value.key_sent
    assert run.exchange.attempts == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(b"", 403), PermissionDenied),
        (Answer(b"", 400), BadRequest),
        (Answer(sse(chunk("a"), {"error": {"message": "no", "code": "invalid_api_key"}})), AuthenticationFailed),
    ],
)
def test_what_a_fresh_key_would_not_mend(answer: Answer, kind: type[ChatError]) -> None:
    run = run_of("key-1", retry=1)
    with pytest.raises(kind):
        run.over(answer)


def test_a_constant_key_is_not_sent_again() -> None:
    with pytest.raises(AuthenticationFailed):
        Run(exchange("openai", config={"api_key": "sk"})).over(REFUSED)


@pytest.mark.parametrize(
    ("name", "config", "key", "field"),
    [
        ("openai", {}, "sk-1", ("authorization", "Bearer sk-1")),
        ("openai", {"headers": {"Authorization": "Basic Z2F0"}}, "sk-1", ("Authorization", "Basic Z2F0")),
        ("anthropic", {}, "sk-1", ("x-api-key", "sk-1")),
        ("openai_responses", {}, "sk-1", ("authorization", "Bearer sk-1")),
        ("ollama", {}, "sk-1", ("authorization", "Bearer sk-1")),
        ("gemini", {}, "AIzaKey", ("x-goog-api-key", "AIzaKey")),
        ("gemini", {"base_url": VERTEX}, "ya29.token", ("authorization", "Bearer ya29.token")),
        ("gemini", {"base_url": VERTEX}, "AQ.service", ("x-goog-api-key", "AQ.service")),
        ("azure_openai", {"base_url": "https://r.openai.azure.com"}, "0a1b2c", ("api-key", "0a1b2c")),
        ("azure_openai", {"base_url": "https://r.openai.azure.com"}, JWT, ("authorization", f"Bearer {JWT}")),
    ],
)  # fmt: skip
def test_where_a_key_goes(name: str, config: dict[str, Any], key: str, field: tuple[str, str]) -> None:
    """Where a constant one of the same kind goes."""
    requests = []
    for api_key in (key, counting(key)):
        ours = Exchange(providers.create(name, api_key=api_key, **config), ChatRequest("Hello", model="m"))
        action = ours.next_action(0)
        if isinstance(action, NeedKey):
            ours.receive_key(key, 0)
            action = ours.next_action(0)
        assert isinstance(action, Send)
        assert field in action.request.headers
        requests.append(sorted(action.request.headers))
    assert requests[0] == requests[1]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "the key function gave no key"),
        ("", "the key function gave no key"),
        (" \t", "the key is white space and nothing else: check the function"),
        ("sk-secret\n", "check the function that is given as api_key="),
        (b"sk-secret", "the key function must give a str, not bytes"),
    ],
)
def test_what_is_no_key(key: Any, said: str) -> None:
    run = run_of(key, retry=3)
    with pytest.raises(InvalidRequest, match=said) as caught:
        run.over()
    assert "sk-secret" not in str(caught.value)
    assert caught.value.reply is run.exchange.reply


def test_an_async_function_wants_whoever_can_await_it() -> None:
    async def key() -> str:
        return "sk"

    with pytest.raises(InvalidRequest, match="AsyncClient awaits it"):
        Run(exchange("openai", config={"api_key": key})).over()


def test_neither_an_old_nor_a_new_key_is_shown_where_the_host_quotes_them() -> None:
    quoting = Answer(b"sk-stale-1 is expired, sk-fresh-2 is unknown", 401)
    run = run_of("sk-stale-1", "sk-fresh-2")
    with pytest.raises(AuthenticationFailed, match=r"\[hidden\] is expired, \[hidden\] is unknown"):
        run.over(quoting, quoting)
    assert "sk-" not in repr(run.requests)


def test_the_total_alone_bounds_the_asking() -> None:
    policy, clocks = RetryPolicy(attempts=2, first_wait=0, jitter=0), Timeouts(first_event=5, idle=3, total=60)
    ours = exchange("openai", config={"api_key": lambda: "sk"}, retry=policy, timeouts=clocks)
    ours.next_action(0)
    assert ours.deadline == 60
    ours.receive_key("sk", 0)
    ours.next_action(1)
    assert ours.deadline == 6
    ours.receive_failure(ConnectionLost("reset"), 2)
    assert ours.next_action(2) == NeedKey()
    assert ours.deadline == 60
    ours.receive_timeout(60)
    with pytest.raises(TimedOut, match="'total'"):
        ours.next_action(60)


def test_a_function_that_took_too_long_sends_nothing() -> None:
    ours = exchange("openai", config={"api_key": lambda: "sk"}, timeouts=5)
    ours.next_action(0)
    ours.receive_key("sk", 0)
    with pytest.raises(TimedOut, match="'total'"):
        ours.next_action(9)


def test_a_failure_to_get_a_key_ends_it_unchanged() -> None:
    ours = exchange("openai", config={"api_key": lambda: "sk"}, retry=5)
    failure = ConnectionLost("the vault is down")
    ours.next_action(0)
    ours.receive_failure(failure, 0)
    with pytest.raises(ConnectionLost) as caught:
        ours.next_action(0)
    assert caught.value is failure


def test_a_list_of_models_asks_too() -> None:
    listing = ModelList(providers.create("openai", api_key=lambda: "sk-1"))
    run = Run(listing).over(REFUSED, Answer(b'{"data": [{"id": "gpt-4o"}]}', headers=JSON))
    assert listing.models == ["gpt-4o"]
    assert keys_sent(run) == ["Bearer sk-1"] * 2


def test_a_function_is_a_key_where_one_is_needed() -> None:
    for no_key in (None, ""):  # "" as of a variable that is set, and empty
        with pytest.raises(InvalidRequest, match="openai needs a key"):
            exchange("openai", config={"api_key": no_key})
    exchange("openai", config={"api_key": lambda: "sk"})
