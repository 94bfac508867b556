"""Every provider against the emulator's own idea of its vendor, on both clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from seats import Seat

from sansio_core import (
    BadRequest,
    InvalidRequest,
    Reply,
    RetryPolicy,
    providers,
)
from transports.emulator import DEFAULT_TEXT, Emulator

ALL = providers.names()
WITH_TOOLS = [name for name in ALL if "tools" in providers.create(name, base_url="http://127.0.0.1").options]
SOME = ("openai", "azure_openai", "groq", "vllm", "openai_responses", "anthropic", "gemini", "ollama")
"""One of each kind."""
CALLS = [("weather", {"city": "Zürich"}), ("now", {})]
THOUGHT = "The user wants the weather.\nLet me look."
TOOLS = [
    {"name": "weather", "description": "the weather", "parameters": {"type": "object", "properties": {"city": {}}}},
    {"name": "now"},
]
ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(tool_calls=CALLS, reasoning=THOUGHT) as running:
        yield running


@contextmanager
def client_of(seat: Seat, emulator: Emulator, name: str, **settings: Any) -> Iterator[Any]:
    defaults = {"api_key": "test", "retry": ONCE, "model": providers.info(name).default_model or "emulated-model"}
    client = seat.client(name, base_url=emulator.base_url(name), **{**defaults, **settings})
    try:
        yield client
    finally:
        seat.close_client(client)


def results(reply: Reply) -> list[dict[str, Any]]:
    """What the tools say, as a user writes it."""
    return [
        {"role": "tool", "tool_call_id": call.id, "name": call.name, "content": f"{call.name}: 7 °C"}
        for call in reply.tool_calls
    ]


def test_every_provider_is_spoken_under_the_path_of_its_own_base(emulator: Emulator) -> None:
    assert set(emulator.providers) == set(ALL)
    for name in ALL:
        url = urlsplit(emulator.base_url(name))
        assert (url.port, url.path) == (emulator.port, f"/{name}{urlsplit(providers.info(name).url).path}")
    assert emulator.base_url("groq").endswith("/groq/openai/v1")


@pytest.mark.parametrize("name", ALL)
def test_an_answer_streams(seat: Seat, emulator: Emulator, name: str) -> None:
    with client_of(seat, emulator, name) as client:
        reply = seat.complete(client)
        assert (reply.text, reply.complete) == (DEFAULT_TEXT, True)
        assert reply.reasoning == ("" if name in ("yqcloud", "acytoo") else THOUGHT)
        if name not in ("free_netfly", "chatgpt_free", "yqcloud", "acytoo"):
            assert reply.usage is not None
            assert reply.usage.input_tokens == 1
            assert reply.usage.output_tokens is not None
            assert reply.usage.output_tokens >= len(DEFAULT_TEXT.split())


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_tools_are_called_answered_and_called_again(seat: Seat, emulator: Emulator, name: str) -> None:
    with client_of(seat, emulator, name) as client:
        history: list[Any] = [{"role": "system", "content": "Be brief."}]
        for _ in range(2):
            history.append({"role": "user", "content": "The weather?"})
            asked = seat.complete(client, history, tools=TOOLS)
            assert [(call.name, call.parse()) for call in asked.tool_calls] == CALLS
            assert (asked.text, asked.reasoning, asked.finish_reason) == ("", THOUGHT, "tool_calls")
            history += [asked.message, *results(asked)]
            told = seat.complete(client, history, tools=TOOLS)
            assert (told.text, told.tool_calls, told.finish_reason) == (DEFAULT_TEXT, [], "stop")
            history.append(told.message)


# --- thoughts must come back as they were ----------------------------------------------------------------------------

Change = Callable[[dict[str, Any]], None]


def _without_native(message: dict[str, Any]) -> None:
    del message["native"]


def _altered(field: str) -> Change:
    """Change that text in whichever item has it."""

    def change(message: dict[str, Any]) -> None:
        items = [dict(item) for item in message["native"]["items"]]
        found = next(item for item in items if field in item)
        found[field] = f"{found[field][:-4]}AAAA"
        message["native"] = {**message["native"], "items": items}

    return change


def _first_dropped(message: dict[str, Any]) -> None:
    message["native"] = {**message["native"], "items": message["native"]["items"][1:]}


def _no_reasoning(message: dict[str, Any]) -> None:
    message["reasoning"] = ""


def _items(message: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = message["native"]["items"]
    return items


NEWER = {"model": "gemini-3-pro-preview"}
STATELESS = {"store": False, "model": "gpt-5-mini"}
CHANGES: list[tuple[str, dict[str, Any], Change, str]] = [
    ("anthropic", {}, _first_dropped, "Expected `thinking`"),
    ("anthropic", {}, _without_native, "Expected `thinking`"),
    ("anthropic", {}, _altered("signature"), "Invalid `signature`"),
    ("anthropic", {}, _altered("thinking"), "Invalid `signature`"),
    ("gemini", {}, _altered("thoughtSignature"), "signature is not valid"),
    ("gemini", NEWER, _altered("thoughtSignature"), "signature is not valid"),
    ("openai_responses", {}, _first_dropped, "required 'reasoning' item"),
    ("openai_responses", STATELESS, _first_dropped, "required 'reasoning' item"),
    ("openai_responses", STATELESS, _altered("encrypted_content"), "could not be verified"),
    ("openrouter", {}, _without_native, "reasoning_details"),
    ("openrouter", {}, _altered("signature"), "reasoning_details"),
    ("openrouter", {}, _altered("text"), "reasoning_details"),
    ("deepseek", {}, _no_reasoning, "reasoning_content"),
]


@pytest.mark.filterwarnings("ignore::sansio_core.OptionIgnored")
@pytest.mark.parametrize(("name", "options", "change", "words"), CHANGES)
def test_thoughts_that_do_not_come_back_as_they_were_are_refused(
    seat: Seat, emulator: Emulator, name: str, options: dict[str, Any], change: Change, words: str
) -> None:
    with client_of(seat, emulator, name) as client:
        asked = seat.complete(client, "The weather?", tools=TOOLS, **options)
        history = [{"role": "user", "content": "The weather?"}, asked.message, *results(asked)]
        assert seat.complete(client, history, tools=TOOLS, **options).text == DEFAULT_TEXT
        message = dict(asked.message)
        change(message)
        with pytest.raises(BadRequest, match=words):
            seat.complete(client, [history[0], message, *results(asked)], tools=TOOLS, **options)


# --- keys, models, errors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOME)
def test_models_are_listed(seat: Seat, emulator: Emulator, name: str) -> None:
    with client_of(seat, emulator, name) as client:
        listed = done(seat, client.models())
        details = done(seat, client.models(details=True))
    assert len(listed) == 2
    assert "embedding" not in "".join(listed)
    assert [info.name for info in details] == listed
    assert all(info.raw for info in details)


def done(seat: Seat, result: Any) -> Any:
    return result if seat.name == "blocking" else seat.run(result)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("anthropic", (200_000, 64_000, ("text", "image", "pdf"), None)),
        ("gemini", (1_048_576, 65_536, (), None)),
        ("openai", (None, None, (), None)),
        ("openai_responses", (None, None, (), "2027-10-23")),
        ("openrouter", (200_000, 64_000, ("text", "image"), "2027-06-30")),
        ("groq", (131_072, 65_536, (), None)),
        ("mistral", (262_144, None, ("text", "image"), None)),
        ("ollama", (None, None, (), None)),
    ],
)
def test_models_are_described(seat: Seat, emulator: Emulator, name: str, said: tuple[Any, ...]) -> None:
    with client_of(seat, emulator, name) as client:
        for info in done(seat, client.models(details=True, timeout=5)):
            assert (info.context, info.output, info.input, info.shut_down) == said


def test_azure_needs_a_deployment_and_takes_the_newer_url(seat: Seat, emulator: Emulator) -> None:
    base = emulator.base_url("azure_openai")
    for address in (
        base,
        f"{base}/openai/v1",
        f"{base}/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
    ):
        client = seat.client("azure_openai", base_url=address, api_key="test", model="gpt")
        assert seat.complete(client).text == DEFAULT_TEXT
        seat.close_client(client)
    with client_of(seat, emulator, "azure_openai", model=None) as client, pytest.raises(InvalidRequest, match="model"):
        seat.complete(client)
