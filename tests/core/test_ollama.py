"""Requests to Ollama's own API, and answers that go back."""

import json
from typing import Any

import pytest
from dialect_harness import AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, events_of, ndjson, sent
from ollama_frames import DONE, call, chat

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, Reply, providers


def test_the_request_line_and_headers() -> None:
    request = providers.create("ollama").begin(ChatRequest("Hello"), lambda: 0.5).request()
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:11434/api/chat")
    assert dict(request.headers) == {"content-type": "application/json"}
    for base in ("https://ollama.com", "https://ollama.com/api/"):
        provider = providers.create("ollama", api_key="secret-key", base_url=base)
        request = provider.begin(ChatRequest("Hello"), lambda: 0.5).request()
        assert request.url == "https://ollama.com/api/chat"
        assert dict(request.headers)["authorization"] == "Bearer secret-key"
        assert "secret-key" not in repr(request)


def test_the_plain_payload() -> None:
    assert sent("ollama", "Hello", model="qwen3") == {
        "model": "qwen3",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
    }


def test_options_have_their_own_names_here() -> None:
    payload = sent(
        "ollama",
        "Hello",
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        min_p=0.05,
        max_tokens=9,
        stop="END",
        seed=7,
        presence_penalty=0.3,
        frequency_penalty=0.4,
        repetition_penalty=1.1,
        logprobs=True,
        top_logprobs=2,
        reasoning_effort="high",
        response_format=AS_SCHEMA,
        tools=[WEATHER, {"name": "now"}, {"type": "other"}],
        extra={"keep_alive": "5m", "options": {"num_ctx": 8192}},
    )
    del payload["messages"]
    assert payload == {
        "model": "llama3.2",
        "stream": True,
        "options": {
            "temperature": 0.1,
            "top_p": 0.2,
            "top_k": 3,
            "min_p": 0.05,
            "num_predict": 9,
            "stop": ["END"],
            "seed": 7,
            "presence_penalty": 0.3,
            "frequency_penalty": 0.4,
            "repeat_penalty": 1.1,
            "num_ctx": 8192,
        },
        "logprobs": True,
        "top_logprobs": 2,
        "think": "high",
        "format": SCHEMA,
        "tools": [WEATHER, {"type": "function", "function": {"name": "now"}}, {"type": "other"}],
        "keep_alive": "5m",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"reasoning_effort": "minimal"}, {"think": "low"}),
        ({"reasoning_effort": True}, {"think": True}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"response_format": {"type": "text"}}, {}),
    ],
)
def test_options_one_by_one(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("ollama", "Hello", **options) == {**sent("ollama", "Hello"), **expected}


def test_what_cannot_be_sent() -> None:
    with pytest.raises(InvalidRequest, match="reasoning_effort"):
        sent("ollama", "Hello", reasoning_effort=1024)
    link = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
    with pytest.raises(InvalidRequest, match="data: URL"):
        sent("ollama", [{"role": "user", "content": [link]}])
    with pytest.raises(InvalidRequest, match="input_audio"):
        sent("ollama", [{"role": "user", "content": [{"type": "input_audio"}]}])
    with pytest.warns(OptionIgnored, match="tool_choice"):
        providers.create("ollama").begin(ChatRequest("Hello", tool_choice="auto"), lambda: 0.5)


def test_messages() -> None:
    calls = asked("c1")["tool_calls"] + asked(None, "time", "")["tool_calls"]
    messages = sent(
        "ollama",
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": ["What ", {"type": "image_url", "image_url": {"url": PIXEL}}, "is it?"]},
            {"role": "assistant", "content": "See:", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "content": "12"},
            {"role": "tool", "tool_call_id": "nobody's", "content": "?"},
            {"role": "tool", "content": "??"},
        ],
    )["messages"]
    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is it?", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "content": "See:",
            "tool_calls": [
                {"id": "c1", "function": {"name": "weather", "arguments": {"place": "Oslo"}}},
                {"function": {"name": "time", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "c1"},
        {"role": "tool", "content": "12", "tool_name": "time"},
        {"role": "tool", "content": "?", "tool_call_id": "nobody's"},
        {"role": "tool", "content": "??"},
    ]


def test_an_answer_goes_back_with_nothing_lost() -> None:
    body = ndjson(chat(thinking="hm"), chat("See:", tool_calls=[call("weather", {"place": "Oslo"})]), DONE)
    message = json.loads(json.dumps(Reply.of(events_of("ollama", body)).message))
    history = [{"role": "user", "content": "?"}, message, {"role": "tool", "content": "rain"}]
    assert sent("ollama", history)["messages"][1:] == [
        {
            "role": "assistant",
            "content": "See:",
            "thinking": "hm",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"place": "Oslo"}}}],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]
    native = {"role": "assistant", "content": "a", "native": {"dialect": "gemini", "items": [{"text": "a"}]}}
    with pytest.warns(OptionIgnored, match="signatures and encrypted parts of gemini answers") as told:
        providers.create("ollama").begin(ChatRequest([native, *history]), lambda: 0.5)
    assert len(told) == 1


def test_models() -> None:
    provider = providers.create("ollama")
    request = provider.models_request()
    assert request is not None
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:11434/api/tags")
    assert provider.parse_models({"models": [{"name": "llama3.2:latest", "size": 1}]}) == ["llama3.2:latest"]
