"""Whatever a caller passes: a clear InvalidRequest before anything is sent, or it works; never an error of Python's."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hostile_server import Server
from matrix import TEXT, chunked, sized, sse
from seats import Outcome, Seat

from sansio_core import (
    ChatError,
    ChatRequest,
    InvalidRequest,
    Limits,
    RetryPolicy,
    Timeouts,
    ToolCall,
    TransportFailure,
    providers,
)

ODD: list[Any] = [
    5, -1, 0, 1.5, float("nan"), float("inf"), 10**400, True, False, "", "x", "é\ud800", "a\r\nb", "a\0b",
    b"x", (), (1,), [],
    [1], [None], {}, {1: 2}, {"x": 1}, {"x": None}, {"a\r\nb": "c"}, {"x": "c\r\nd"}, {"x": "é"}, object(), len, int,
]  # fmt: skip
NAMES = [
    "free_netfly",
    "chatgpt_free",
    "yqcloud",
    "openai",
    "azure_openai",
    "anthropic",
    "gemini",
    "ollama",
    "openai_responses",
]
DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]


def attempt(build: Any) -> str:
    """What came of it; anything but success and InvalidRequest is a failure of the test."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            build()
        except InvalidRequest as refusal:
            said = str(refusal)
        else:
            return "taken"
    assert 10 < len(said) < 2000, "an error must say what is wrong"
    return "refused"


# --- wrong types and values, everywhere -------------------------------------------------------------------------------

SETTINGS = [
    "provider", "api_key", "base_url", "model", "proxy", "timeout", "retry", "headers", "cookies", "verify", "limits",
]  # fmt: skip


@pytest.mark.parametrize("setting", SETTINGS)
def test_any_value_for_any_setting_of_a_client(seat: Seat, setting: str) -> None:
    for value in ODD:
        given = {"provider": "acytoo", "base_url": "http://127.0.0.1:1", setting: value}

        def build(given: dict[str, Any] = given) -> None:
            client = seat.client(given.pop("provider"), **given)
            client.stream("Hello")
            seat.close_client(client)

        attempt(build)


CALL = ["messages", "model", "timeout", "proxy", "headers", "cookies"]
OPTIONS = [
    "temperature", "top_p", "max_tokens", "stop", "seed", "n", "tools", "tool_choice", "response_format", "extra",
    "reasoning_effort", "logit_bias", "metadata", "system_message", "user_id", "logprobs",
    "parallel_tool_calls", "user",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_value_for_anything_of_a_call(seat: Seat, name: str) -> None:
    client = seat.client(name, api_key="key", base_url="http://127.0.0.1:1")
    model = {} if providers.info(name).default_model else {"model": "m"}
    for option in CALL + OPTIONS:
        for value in [*ODD, DEEP]:
            given = {"messages": "Hello", **model, option: value}
            attempt(lambda given=given: client.stream(**given))


MESSAGES: list[Any] = [
    None, 5, {}, [], [1], [None], [[]], ["Hello"], [{}], [{"role": "user"}], [{"content": "x"}],
    {"role": "user", "content": "x"},
    [{"role": None, "content": "x"}], [{"role": [], "content": "x"}], [{"role": "user", "content": 5}], b"Hello",
    [{"role": "user", "content": {}}], [{"role": "user", "content": [5]}], [{"role": "user", "content": [{}]}],
    [{"role": "user", "content": [{"type": "image_url"}]}], [{"role": "user", "content": [{"type": 5}]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": 5}}]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}],
    [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:;base64,x", "detail": object()}}]}],
    [{"role": "user", "content": [{"type": "text", "text": None}]}], [{"role": "user",
    "content": [{"type": "odd", "x": object()}]}],
    [{"role": "assistant", "tool_calls": 5}], [{"role": "assistant", "tool_calls": [5]}],
    [{"role": "assistant", "tool_calls": [{"function": {"name": 5}}]}],
    [{"role": "assistant", "tool_calls": [{"id": 5, "function": {"name": "f"}}]}],
    [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": object()}}]}],
    [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "no JSON"}}]}],
    [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[" * 100_000}}]}],
    [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": DEEP}}]}],
    [{"role": "assistant", "content": "", "native": 5}], [{"role": "assistant", "content": "",
    "native": {"dialect": "anthropic", "items": [5]}}],
    [{"role": "assistant", "content": "x", "native": {"dialect": "anthropic", "items": [{"a": DEEP}]}}],
    [{"role": "tool", "content": "x"}], [{"role": "tool", "content": "x", "tool_call_id": 5}],
    [{"role": "user", "content": [{"type": "odd", "x": DEEP}]}], [{"role": "user", "content": "\ud800"}],
    [{"role": "user", "content": "x", "name": 5}], [{"role": "user", "content": "x", "reasoning": 5}],
    ({"role": "user", "content": "x"} for _ in range(2)), object(), int, float("nan"),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_conversation(name: str) -> None:
    provider = providers.create(
        name, api_key="key", base_url="http://127.0.0.1:1", model=None if providers.info(name).models else "m"
    )
    for messages in MESSAGES:
        attempt(lambda messages=messages: provider.begin(ChatRequest(messages), lambda: 0.5).setup_request(0.0))


@pytest.mark.parametrize("kind", [Timeouts, RetryPolicy, Limits])
def test_any_value_for_the_policies(kind: Any) -> None:
    for name in kind.__dataclass_fields__:
        for value in [*ODD, DEEP]:
            attempt(lambda name=name, value=value: kind(**{name: value}))


# --- what must not reach a wire ---------------------------------------------------------------------------------------

_BASES = [
    "ftp://127.0.0.1", "file:///etc/passwd", "javascript:alert(1)", "//127.0.0.1", "127.0.0.1", "",
    "http://", "http:///x",
    "http://user:hunter2@127.0.0.1", "http://:hunter2@127.0.0.1", "http://127.0.0.1:99999",
    "http://127.0.0.1:x", "http://127.0.0.1/a b",
    "http://127.0.0.1/\r\nX: y", "http://127.0.0.1\0", "http://exämple.test",
    "http://127.0.0.1/?key=hunter2", "http://127.0.0.1/#x",
    "http://[::1", "http://127.0.0.1:-1", "http://a\tb", "unix:///run/x",
]  # fmt: skip


@pytest.mark.parametrize("url", _BASES)
def test_a_base_url_that_cannot_be_used(seat: Seat, url: str) -> None:
    if url == "":
        return  # means the provider's own
    with pytest.raises(InvalidRequest) as caught:
        seat.client("openai", api_key="key", base_url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://a b", "http://a\r\nb",
    "http://u:hunter2%0d%0aX@127.0.0.1",
     "http://u:hünter2@127.0.0.1", "socks4://127.0.0.1", "http://127.0.0.1\0", "://", "http://u%3ahunter2:x@127.0.0.1"],
)  # fmt: skip
def test_a_proxy_that_cannot_be_used(seat: Seat, url: str) -> None:
    client = seat.client("acytoo", base_url="http://127.0.0.1:1")
    with pytest.raises(InvalidRequest) as caught:
        Outcome(seat, client, proxy=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "ключ", "a\x7fb", "\ud800", "a\u2028b"])
def test_injection(seat: Seat, server: Server, value: str) -> None:
    url = f"http://127.0.0.1:{server.port}"
    for name in ("openai", "azure_openai", "anthropic", "gemini"):
        with pytest.raises(InvalidRequest) as caught:
            seat.client(name, api_key=value, base_url=url)
        assert value not in str(caught.value)
    client = seat.client("openai", api_key="key", base_url=url, model="m")
    for given in (
        {"headers": {"x": value}},
        {"headers": {value: "x"}},
        {"headers": [("x", value)]},
        {"cookies": {"x": value}},
        {"cookies": {value: "x"}},
    ):
        with pytest.raises(InvalidRequest):
            client.stream("Hello", **given)
    seat.close_client(client)
    assert server.connections == 0


@pytest.mark.parametrize("name", ["gemini", "azure_openai"])
@pytest.mark.parametrize(
    "model", ["../../secret", "m?key=x", "m#x", "m\r\nX: y", "m\0", "модель", "m/../..", "m%2e%2e", "m n", "..", "."]
)
def test_a_models_name_stays_in_its_place_in_the_url(seat: Seat, server: Server, name: str, model: str) -> None:
    client = seat.client(name, api_key="key", base_url=f"http://127.0.0.1:{server.port}/base", retry=1)
    try:
        Outcome(seat, client, model=model)
    except InvalidRequest:
        assert server.connections == 0
    else:
        line = server.requests[0][1].decode().split("\r\n")[0]
        path = line.split(" ")[1].partition("?")[0]
        assert path.startswith("/base/")
        assert not {".", "..", ""} & set(path[1:].split("/")), path
        assert "X: y" not in server.requests[0][1].decode().partition("\r\n\r\n")[0].split("\r\n")


# --- numbers, depth, size ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), -float("inf"), DEEP, {"a": float("nan")}, object(), {1, 2}, b"x"]
)
def test_what_json_cannot_carry(seat: Seat, server: Server, value: Any) -> None:
    client = seat.client("openai", api_key="key", base_url=f"http://127.0.0.1:{server.port}", model="m")
    for given in ({"temperature": value}, {"extra": {"x": value}}, {"tools": [value]}):
        with pytest.raises(InvalidRequest):
            client.stream("Hello", **given)
    seat.close_client(client)
    assert server.connections == 0


def test_a_huge_number_goes_as_it_is(seat: Seat, server: Server) -> None:
    client = seat.client("openai", api_key="key", base_url=f"http://127.0.0.1:{server.port}", model="m")
    assert seat.complete(client, seed=10**300).text == TEXT
    assert json.loads(server.requests[0][1].partition(b"\r\n\r\n")[2])["seed"] == 10**300
    assert attempt(lambda: client.stream("Hello", seed=10**5000)) in ("taken", "refused")


_NESTED = b"[" * 200_000
_DEEP_ANSWERS: dict[str, bytes] = {
    "an event": chunked(b"data: " + _NESTED + b"\n\n" + sse(TEXT)),
    "an event's content": chunked(b'data: {"choices":[{"delta":{"content":' + _NESTED + b"\n\n" + sse(TEXT)),
    "a bare line": chunked(_NESTED + b"\n" + sse(TEXT)),
    "an error": sized(b'{"error":' + _NESTED, 400, "application/json"),
    "a whole error": sized(b'{"error":' + b'{"error":' * 50_000 + b"1" + b"}" * 50_001, 400, "application/json"),
    "an error in a list": sized(b"[" * 50_000 + b"]" * 50_000, 500, "application/json"),
    "one object": sized(b'{"choices":' + b"[" * 50_000 + b"]" * 50_000 + b"}", 200, "application/json"),
}


@pytest.mark.parametrize("answer", _DEEP_ANSWERS)
@pytest.mark.parametrize("name", ["free_netfly", "anthropic", "gemini", "ollama", "openai_responses"])
def test_deep_json_in_an_answer(seat: Seat, name: str, answer: str) -> None:
    with Server(_DEEP_ANSWERS[answer], b"") as server:
        model = None if name == "free_netfly" else "m"
        client = seat.client(name, api_key="k", base_url=f"http://127.0.0.1:{server.port}", model=model, retry=1)
        outcome = Outcome(seat, client)
        assert outcome.reply.complete or isinstance(outcome.error, ChatError)


def test_deep_json_in_a_tool_call() -> None:
    call = ToolCall("1", "f", "[" * 200_000)
    with pytest.raises(InvalidRequest, match=r"nested|not JSON"):
        call.parse()
    assert attempt(call.partial) in ("taken", "refused")
    assert attempt(lambda: call.answer(DEEP)) == "refused"


def test_environment_proxies_that_cannot_be_used(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "ftp://user:hunter2@127.0.0.1")
    client = seat.client("acytoo", base_url="http://127.0.0.1:1", retry=1)
    with pytest.raises((InvalidRequest, TransportFailure)) as caught:
        seat.complete(client)
    assert "hunter2" not in str(caught.value)
