"""Requests to Anthropic's Messages API, and answers that go back."""

import json
from typing import Any

import pytest
from anthropic_frames import STOP, begin, delta, start, stop, why
from dialect_harness import AGENT, AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, events_of, sent, sse

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, Reply, ServerFailed, providers

CLOSED = {**SCHEMA, "additionalProperties": False}


def test_the_request_line_and_headers() -> None:
    for base in ("https://h.example", "https://h.example/", "https://h.example/v1", "https://h.example/v1/"):
        provider = providers.create("anthropic", api_key="secret-key", base_url=base)
        request = provider.begin(ChatRequest("Hello"), lambda: 0.5).request()
        assert (request.method, request.url) == ("POST", "https://h.example/v1/messages")
    assert dict(request.headers) == {
        "anthropic-version": "2023-06-01",
        "user-agent": AGENT,
        "accept": "text/event-stream, application/json",
        "content-type": "application/json",
        "x-api-key": "secret-key",
    }
    assert "secret-key" not in repr(request)
    keyless = providers.create("anthropic", base_url="http://127.0.0.1:1").begin(ChatRequest("Hello"), lambda: 0.5)
    assert "x-api-key" not in dict(keyless.request().headers)
    with pytest.raises(InvalidRequest, match="ANTHROPIC_API_KEY"):
        providers.create("anthropic").begin(ChatRequest("Hello"), lambda: 0.5)


def test_the_plain_payload() -> None:
    assert sent("anthropic", "Hello", model="m") == {
        "model": "m",
        "max_tokens": 8192,
        "stream": True,
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_options_have_their_own_names_here() -> None:
    payload = sent(
        "anthropic",
        "Hello",
        model="m",
        temperature=0.1,
        top_p=0.2,
        top_k=3,
        max_tokens=9,
        stop="END",
        reasoning_effort="minimal",
        response_format=AS_SCHEMA,
        user="u",
        metadata={"user_id": "replaced"},
        service_tier="auto",
        tools=[WEATHER, {"type": "web_search_20250305", "name": "web_search"}],
        tool_choice="required",
        parallel_tool_calls=False,
        extra={"output_config": {"task_budget": 1}, "container": "c"},
    )
    del payload["messages"]
    assert payload == {
        "model": "m",
        "stream": True,
        "temperature": 0.1,
        "top_p": 0.2,
        "top_k": 3,
        "max_tokens": 9,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "tools": [
            {
                "name": "weather",
                "description": "The weather of a place",
                "input_schema": WEATHER["function"]["parameters"],  # type: ignore[index]  # a literal of mixed values
            },
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": CLOSED}, "task_budget": 1},
        "container": "c",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tool_choice": "auto"}, {"tool_choice": {"type": "auto"}}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"tool_choice": {"type": "none"}}),
        ({"parallel_tool_calls": True}, {"tool_choice": {"type": "auto"}}),
        (
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tool_choice": {"type": "tool", "name": "f"}},
        ),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": {"type": "any"}}),
        ({"response_format": {"type": "text"}}, {}),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}),
        *(
            ({"tools": [tool]}, {"tools": [{"name": "f", "input_schema": {"type": "object"}}]})
            for tool in (
                {"function": {"name": "f"}},
                {"type": "function", "name": "f"},
                {"name": "f", "parameters": {}},
                {"name": "f", "input_schema": {"type": "object"}},
            )
        ),
        ({"tool_choice": "f"}, {"tool_choice": {"type": "tool", "name": "f"}}),
        ({"response_format": SCHEMA}, {"output_config": {"format": {"type": "json_schema", "schema": CLOSED}}}),
    ],
)
def test_options_one_by_one(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("anthropic", "Hello", **options) == {**sent("anthropic", "Hello"), **expected}


@pytest.mark.parametrize(
    "options",
    [
        {"tools": 1},
        {"tools": ["f"]},
        {"tool_choice": 1},
        {"response_format": 1},
        {"stop": 1},
        {"extra": 1},
        {"metadata": 1, "user": "u"},
    ],
)
def test_options_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        sent("anthropic", "Hello", **options)


def test_the_system_prompt_and_images() -> None:
    cached = {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral"}}
    payload = sent(
        "anthropic",
        [
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [cached]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}, "What?"]},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": [{"type": "image_url", "image_url": "https://x.example/a.png"}]},
        ],
    )
    assert payload["system"] == [{"type": "text", "text": "Be brief."}, cached]
    assert payload["messages"] == [
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                },
                {"type": "text", "text": "What?"},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}],
        },
    ]
    one = [{"role": "system", "content": "One."}, {"role": "user", "content": "?"}]
    assert sent("anthropic", one)["system"] == "One."


def test_tool_answers_go_together_in_one_turn_of_the_user() -> None:
    calls = asked("c1")["tool_calls"] + asked("c2", "time", "")["tool_calls"]
    messages = sent(
        "anthropic",
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "Let me see.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
            {"role": "tool", "tool_call_id": "c2", "content": ["12", "00"]},
            {"role": "user", "content": "So?"},
        ],
    )["messages"]
    assert messages[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "weather", "input": {"place": "Oslo"}},
                {"type": "tool_use", "id": "c2", "name": "time", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "rain"},
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [{"type": "text", "text": "12"}, {"type": "text", "text": "00"}],
                },
            ],
        },
        {"role": "user", "content": "So?"},
    ]


def test_calls_without_ids_get_some_and_their_answers_find_them() -> None:
    calls = [asked(None, name)["tool_calls"][0] for name in ("a", "b", "a")]
    messages = sent(
        "anthropic",
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "name": "b", "content": "B"},
            {"role": "tool", "content": "A1"},
            {"role": "tool", "name": "a", "content": "A2"},
            {"role": "tool", "tool_call_id": "call_1_1", "content": "B again"},
        ],
    )["messages"]
    assert [block["id"] for block in messages[1]["content"]] == ["call_1_0", "call_1_1", "call_1_2"]
    answered = [(block["tool_use_id"], block["content"]) for block in messages[2]["content"]]
    assert answered == [
        ("call_1_1", "B"),
        ("call_1_0", "A1"),
        ("call_1_2", "A2"),
        ("call_1_1", "B again"),
    ]
    with pytest.raises(InvalidRequest, match="tool_call_id"):
        sent("anthropic", [{"role": "tool", "content": "an answer to nothing"}])


@pytest.mark.parametrize("arguments", ["[1]", "oops"])
def test_arguments_that_this_wire_cannot_carry(arguments: str) -> None:
    with pytest.raises(InvalidRequest, match="weather"):
        sent("anthropic", [{"role": "user", "content": "?"}, asked(arguments=arguments)])


def test_an_answer_goes_back_with_nothing_lost() -> None:
    body = sse(
        begin(),
        start(0, type="thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="sig"),
        stop(0),
        start(1, type="tool_use", id="t", name="weather", input={}),
        delta(1, "input_json_delta", partial_json='{"place":"Oslo"}'),
        stop(1),
        why("tool_use"),
        STOP,
    )
    message = json.loads(json.dumps(Reply.of(events_of("anthropic", body)).message))
    history = [{"role": "user", "content": "?"}, message, {"role": "tool", "tool_call_id": "t", "content": "rain"}]
    assert sent("anthropic", history)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "tool_use", "id": "t", "name": "weather", "input": {"place": "Oslo"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "rain"}]},
    ]
    with pytest.warns(OptionIgnored, match="reasoning and signatures of anthropic answers") as told:
        call = providers.create("gemini", api_key="k").begin(ChatRequest(history), lambda: 0.5)
    assert len(told) == 1
    assert b'"sig"' not in call.request().body


def test_one_warning_tells_all_that_is_not_sent() -> None:
    provider = providers.create("anthropic", api_key="k")
    history = [{"role": "assistant", "content": "a", "reasoning": "hm"}, {"role": "user", "content": "?"}]
    with pytest.warns(OptionIgnored) as told:
        provider.begin(ChatRequest(history, response_format={"type": "json_object"}), lambda: 0.5)
    assert [str(warning.message) for warning in told] == [
        "anthropic does not take the reasoning of earlier answers and response_format json_object "
        "(give a JSON Schema): not sent"
    ]
    with pytest.warns(OptionIgnored, match="seed"):
        provider.begin(ChatRequest("?", seed=1), lambda: 0.5)


def test_models() -> None:
    provider = providers.create("anthropic", api_key="k")
    request = provider.models_request()
    assert request is not None
    assert (request.method, request.url) == ("GET", "https://api.anthropic.com/v1/models?limit=1000")
    assert dict(request.headers)["x-api-key"] == "k"
    listed = provider.parse_models({"data": [{"id": "a"}, {"id": "b"}], "has_more": False})
    assert [model.name for model in listed] == ["a", "b"]


def test_an_overloaded_provider_is_asked_again() -> None:
    provider = providers.create("anthropic", api_key="k")
    error = provider.error_response(
        529, (), b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    )
    assert isinstance(error, ServerFailed)
    assert provider.retry.retries(error)
