"""What is worked out once for all calls of a client, and what an open stream has let go of."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from exchange_driver import JSON, PAGE, SSE, Answer, Run, chunk, exchange, sse, stream
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import ChatError, ChatRequest, HttpRequest, InvalidRequest, Reply, State, TextDelta, providers
from sansio_core.http_request import Fields, cookie_header

URL = "https://chat.example/v1"
KEY = "sk-0123456789abcdef"
LONG = "a-long-conversation"

names = st.sampled_from(["authorization", "X-Api-Key", "cookie", "x-route", "User-Agent", "content-type", "a b", ""])
values = st.sampled_from(
    [f"Bearer {KEY}", KEY, f"a={KEY}; b=short", "abc", "", "application/x-www-form-urlencoded", "line\nend", "\u00e4"]
)


def said(make: Callable[[], Any]) -> Any:
    """What is made, or why it is not."""
    try:
        return make()
    except InvalidRequest as error:
        return str(error)


@given(
    st.lists(st.tuples(names, values), max_size=4).map(tuple),
    st.lists(names, max_size=2, unique=True).map(tuple),
    st.sampled_from([URL, f"{URL}?key=s3cret&alt=sse", f"{URL}?a#?key=no"]),
    st.sampled_from([b"", b"_wpnonce=a%26bcd&message=x"]),
)
def test_fields_that_are_shared_are_as_any_others(headers: Any, given: Any, url: str, body: bytes) -> None:
    plain, fields = said(lambda: HttpRequest("POST", url, headers, body, given)), said(lambda: Fields(headers))
    if isinstance(plain, str) or isinstance(fields, str):
        assert plain == fields
        return
    for _ in range(2):
        shared = HttpRequest("POST", url, fields, body, given)
        assert shared == plain
        assert (repr(shared), shared.redacted_headers) == (repr(plain), plain.redacted_headers)
        assert sorted(shared.secrets) == sorted(plain.secrets)
        assert [*map(len, shared.secrets)] == sorted(map(len, plain.secrets), reverse=True)
        other = [HttpRequest("POST", URL, some, b"", ("x-route",)) for some in (fields, headers)]
        assert sorted(other[0].secrets) == sorted(other[1].secrets)


calls = st.fixed_dictionaries(
    {},
    optional={
        "headers": st.just({"x-route": "of-this-call"}) | st.just({"Accept": "text/plain"}),
        "cookies": st.just({"one": "of-this-call"}),
        "temperature": st.just(0.5),
    },
)


@given(
    st.sampled_from(["openai", "free_netfly", "anthropic", "ollama", "yqcloud"]),
    st.fixed_dictionaries(
        {}, optional={"headers": st.just({"X-Mine": "of-the-client"}), "cookies": st.just({"two": "of-the-client"})}
    ),
    st.lists(calls, min_size=1, max_size=4),
)
@pytest.mark.filterwarnings("ignore::sansio_core.OptionIgnored")
def test_a_call_is_sent_as_if_it_were_the_first(name: str, config: dict[str, Any], each: list[dict[str, Any]]) -> None:
    used = providers.create(name, api_key=KEY, **config)
    for own in each:
        fresh = providers.create(name, api_key=KEY, **config)
        asked = [provider.begin(ChatRequest("Hi", **own), lambda: 0.5).request() for provider in (used, fresh)]
        assert asked[0] == asked[1]
        assert asked[0].secrets == asked[1].secrets
        assert "of-this-call" not in repr(vars(used)), "what goes with one call is not kept"


def test_what_a_provider_is_given_later_is_sent() -> None:
    provider = providers.create("openai", api_key=KEY)
    provider.begin(ChatRequest("Hi"), lambda: 0.5)
    provider.api_key, provider.cookies = "sk-another", {"a": "b"}
    headers = provider.begin(ChatRequest("Hi"), lambda: 0.5).request().headers
    assert {("authorization", "Bearer sk-another"), *cookie_header({"a": "b"})} <= set(headers)


# --- what an open stream holds ---------------------------------------------------------------------------------------


def held(thing: Any) -> Iterator[Any]:
    """All that `thing` holds, but classes, modules, functions and its provider."""
    seen: dict[int, Any] = {}
    todo = [thing]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, (type, type(gc), type(held), providers.Provider)):
            continue
        seen[id(one)] = one
        todo += gc.get_referents(one)
    yield from seen.values()


OPEN = {
    "openai": [Answer([sse(chunk("Hello"))], end=None)],
    "chatgpt_free": [Answer(PAGE), Answer([sse(chunk("Hello"))], end=None)],
    "yqcloud": [Answer([b"Hello"], headers=(("content-type", "text/plain"),), end=None)],
}


def begun(name: str) -> Run:
    """An answer of which the first text came."""
    run = Run(exchange(name, LONG, config={"api_key": KEY}, retry=3))
    for answer in OPEN[name]:
        run.sent.append(run.exchange.next_action(0.0))  # type: ignore[arg-type]
        run.exchange.receive_head(answer.status, answer.headers, 0.0)
        assert any(LONG in str(one) for one in held(run.exchange) if isinstance(one, (bytes, str)))
        for piece in answer.pieces:
            run.events += run.exchange.receive_data(piece, 0.0)
        if run.exchange.state is State.SETUP:
            run.exchange.receive_data(b"", 0.0)
    return run


@pytest.mark.parametrize("name", OPEN)
def test_the_question_is_let_go_when_text_came(name: str) -> None:
    run = begun(name)
    assert run.exchange.request is None
    run.sent.clear()
    for one in held(run.exchange):
        assert not (isinstance(one, (bytes, str)) and LONG in str(one))


def test_it_is_kept_as_long_as_it_may_be_sent_again() -> None:
    run = Run(exchange("openai", LONG, config={"api_key": KEY}))
    run.exchange.next_action(0.0)
    run.exchange.receive_head(200, SSE, 0.0)
    assert run.exchange.receive_data(sse(chunk("", id="x")), 0.0)
    assert run.exchange.request is not None
    run.exchange.receive_data(b"", 0.0)
    run.now = 100.0
    run.over(Answer(stream("Hi")))
    assert run.sent[0].request.body == run.sent[-1].request.body


@pytest.mark.parametrize("name", ["openai", "chatgpt_free"])
def test_what_was_secret_of_it_is_blotted_out_to_the_end(name: str) -> None:
    run = begun(name)
    secret = "a1b2c3d4e5" if name == "chatgpt_free" else KEY
    assert secret in run.exchange.secrets
    run.exchange.receive_data(sse({"error": {"message": f"you sent {secret}, why?"}}), 0.0)
    with pytest.raises(ChatError, match=r"you sent \[hidden\], why") as caught:
        run.exchange.next_action(0.0)
    assert caught.value.reply is run.exchange.reply


def test_secrets_of_all_requests_are_known() -> None:
    run = Run(exchange("openai", config={"api_key": KEY}))
    moved = [Answer(status=307, headers=(("location", where), *JSON)) for where in ("/?key=s3cret-of-theirs", "/v1")]
    run.over(*moved, Answer(stream("Hi")))
    assert {KEY, "s3cret-of-theirs"} <= set(run.exchange.secrets)
    assert KEY not in repr(run.exchange)


def test_a_reply_is_in_no_circle() -> None:
    """So that it goes at once, however much it holds, when nobody wants it any more."""
    gc.collect()
    gc.disable()
    try:
        replies = [Reply.of([TextDelta("Hi"), TextDelta("Ho", 1)]) for _ in range(10)]
        assert [choice.text for choice in replies[0].choices] == ["Hi", "Ho"]
        del replies
        assert not [one for one in gc.get_objects() if type(one) is Reply]
    finally:
        gc.enable()
