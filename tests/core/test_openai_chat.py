"""Requests to OpenAI's Chat Completions API, and answers that go back."""

import json
from typing import Any

import pytest
from dialect_harness import AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, sent
from openai_chat_frames import chunk, said

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, Reply, providers


def test_what_is_asked() -> None:
    assert sent("openai", "Hi", temperature=0, max_tokens=5, seed=1, extra={"stream_options": {"x": 1}, "y": 2}) == {
        "model": "gpt-5.4-mini",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True, "x": 1},
        "temperature": 0,
        "max_completion_tokens": 5,
        "seed": 1,
        "y": 2,
    }


def test_messages() -> None:
    conversation = [
        {"role": "developer", "content": "Be brief", "name": "us"},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": PIXEL}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y", "detail": "low"}}]},
        asked(),
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
        asked(None, arguments=""),
        {"role": "tool", "name": "weather", "content": "rain"},
    ]
    oslo = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"place":"Oslo"}'}}
    other = {"id": "call_5_0", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    assert sent("openai", conversation)["messages"] == [
        {"role": "developer", "content": "Be brief", "name": "us"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": PIXEL}}],
        },
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y", "detail": "low"}}]},
        {"role": "assistant", "tool_calls": [oslo]},
        {"role": "tool", "content": "sunny", "tool_call_id": "c1"},
        {"role": "assistant", "tool_calls": [other]},
        {"role": "tool", "content": "rain", "tool_call_id": "call_5_0"},
    ]
    with pytest.warns(OptionIgnored, match="^groq does not take the name of messages: not sent$"):
        call = providers.create("groq", api_key="k").begin(ChatRequest(conversation), lambda: 0.5)
    assert json.loads(call.request().body)["messages"][0] == {"role": "system", "content": "Be brief"}


def test_tools() -> None:
    short = {"name": "f", "parameters": {"type": "object"}}
    assert sent("openai", "Hi", tools=[WEATHER, short])["tools"] == [WEATHER, {"type": "function", "function": short}]
    assert "tools" not in sent("openai", "Hi", tools=[])
    own = {"type": "browser_search"}
    for host in ("groq", "vllm"):  # hosts have kinds of their own
        assert sent(host, "Hi", tools=[short, own])["tools"][1] == own
        assert sent(host, "Hi", tool_choice=own)["tool_choice"] == own
    named = {"type": "function", "function": {"name": "f"}}
    for given_choice, wire in (("auto", "auto"), ("required", "required"), ("f", named), (named, named)):
        assert sent("openai", "Hi", tool_choice=given_choice)["tool_choice"] == wire
    for options in ({"tools": "f"}, {"tools": [1]}, {"tool_choice": 1}, {"tools": [own]}, {"tool_choice": own}):
        with pytest.raises(InvalidRequest):
            sent("openai", "Hi", **options)


def test_response_formats() -> None:
    def wire(response_format: Any) -> Any:
        return sent("openai", "Hi", response_format=response_format)["response_format"]

    assert wire(AS_SCHEMA) == AS_SCHEMA
    assert wire({"type": "json_object"}) == {"type": "json_object"}
    assert wire(SCHEMA) == {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    strict = {"title": "An Answer", "additionalProperties": False, **SCHEMA, "required": ["n"]}
    assert wire(strict)["json_schema"] == {"name": "An_Answer", "schema": strict, "strict": True}
    for bad in ("json", {"a": 1}, 5):
        with pytest.raises(InvalidRequest, match="response_format"):
            wire(bad)


def test_reasoning_details_go_back_whole() -> None:
    pieces = [
        {"type": "reasoning.text", "text": "a", "index": 0, "signature": None},
        {"type": "reasoning.text", "text": "b", "index": 0, "signature": "s", "format": None},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
        {"type": "reasoning.summary", "summary": "x"},
        {"type": "reasoning.summary", "summary": "y"},
    ]
    message = Reply.of(
        said(*(chunk({"reasoning_details": [piece]}) for piece in pieces), chunk({"content": "Hi"}))
    ).message
    messages = [{"role": "user", "content": "?"}, message, {"role": "user", "content": "!"}]
    assert sent("openrouter", messages)["messages"][1] == {
        "role": "assistant",
        "content": "Hi",
        "reasoning_details": [{**pieces[0], "text": "ab", "signature": "s"}, *pieces[2:]],
    }
    for other in ("openai", "groq"):
        with pytest.warns(OptionIgnored, match="reasoning|encrypted parts"):
            providers.create(other, api_key="k").begin(ChatRequest(messages), lambda: 0.5)


def test_reasoning_content_goes_back_with_its_calls() -> None:
    deltas = [{"reasoning_content": "r"}, {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}]
    message = Reply.of(said(*map(chunk, deltas))).message
    messages = [{"role": "user", "content": "?"}, message, {"role": "tool", "tool_call_id": "c", "content": "!"}]
    assert sent("deepseek", messages)["messages"][1]["reasoning_content"] == "r"
    assert "reasoning_content" not in sent("openai", messages)["messages"][1]
