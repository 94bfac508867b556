"""Requests to OpenAI's Responses API, and answers that go back."""

import json

import pytest
from dialect_harness import AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, sent
from openai_responses_frames import CALL, NAME, completed, done, message, said, warned

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, Reply, providers


def test_what_is_asked() -> None:
    request = providers.create(NAME, api_key="key-1").begin(ChatRequest("Hi"), lambda: 0.5).request()
    assert request.url == "https://api.openai.com/v1/responses"
    assert ("authorization", "Bearer key-1") in request.headers
    assert json.loads(request.body) == {
        "model": "gpt-5.4-mini",
        "input": [{"role": "user", "content": "Hi"}],
        "stream": True,
    }
    keyless = providers.create(NAME, base_url="http://h").begin(ChatRequest("Hi"), lambda: 0.5).request()
    assert "authorization" not in dict(keyless.headers)
    listing = providers.create(NAME).models_request()
    assert listing is not None
    assert listing.url == "https://api.openai.com/v1/models"


def test_options() -> None:
    plain = sent(NAME, "Hi", model="m")
    short = {"name": "f", "parameters": {"type": "object"}}
    options = {
        "temperature": 1,
        "max_tokens": 50,
        "reasoning_effort": "low",
        "verbosity": "low",
        "response_format": SCHEMA,
        "tools": [WEATHER, short, {"type": "web_search"}],
        "tool_choice": "f",
        "top_logprobs": 2,
        "user": "u",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "extra": {"reasoning": {"context": "all_turns"}, "previous_response_id": "r"},
    }
    assert sent(NAME, "Hi", model="m", **options) == {
        **plain,
        "temperature": 1,
        "max_output_tokens": 50,
        "reasoning": {"effort": "low", "summary": "auto", "context": "all_turns"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "answer", "schema": SCHEMA}},
        "tools": [
            {"type": "function", "strict": False, **WEATHER["function"]},
            {"type": "function", "strict": False, **short},
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "top_logprobs": 2,
        "include": ["message.output_text.logprobs"],
        "user": "u",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "previous_response_id": "r",
    }
    for response_format, form in (
        ({"type": "json_object"}, {"type": "json_object"}),
        ({"type": "text"}, {"type": "text"}),
    ):
        assert sent(NAME, "Hi", response_format=response_format)["text"] == {"format": form}
    assert sent(NAME, "Hi", response_format=AS_SCHEMA)["text"]["format"]["schema"] == SCHEMA
    with pytest.warns(OptionIgnored, match="openai_responses does not take seed, stop"):
        providers.create(NAME, api_key="k").begin(ChatRequest("Hi", seed=1, stop="x"), lambda: 0.5)


def test_encrypted_reasoning_is_asked_for_where_nothing_is_stored() -> None:
    for options, asked_for in (
        ({"model": "gpt-5-mini", "store": False}, True),
        ({"model": "openai/o3", "store": False}, True),
        ({"model": "a-new-model", "store": False, "reasoning_effort": "low"}, True),
        ({"model": "gpt-4.1", "store": False}, False),
        ({"model": "gpt-5-mini"}, False),
        ({"model": "gpt-5-mini", "store": True}, False),
    ):
        assert ("include" in sent(NAME, "Hi", **options)) == asked_for


def test_a_conversation() -> None:
    conversation = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": PIXEL}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "c"},
        asked(),
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"},
    ]
    assert sent(NAME, conversation)["input"] == [
        {"role": "system", "content": "Be brief"},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What?"},
                {"type": "input_image", "image_url": PIXEL, "detail": "auto"},
            ],
        },
        {"role": "user", "content": [{"type": "input_file", "file_id": "f"}]},
        {"role": "assistant", "content": "ab"},
        {"role": "assistant", "content": "c"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"place":"Oslo"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "sunny"},
    ]


def test_the_answer_goes_back_as_it_came() -> None:
    reasoning = {"type": "reasoning", "id": "rs1", "summary": [], "encrypted_content": "E"}
    plain = {"type": "reasoning", "id": "rs2", "summary": []}
    search = {"type": "web_search_call", "id": "ws1", "status": "completed"}
    custom = {"type": "custom_tool_call", "id": "x", "call_id": "call2", "name": "g", "input": "text"}
    output = [reasoning, plain, search, CALL, custom, message("Hi", id="m1")]
    reply = Reply.of(said(*(done(i, **item) for i, item in enumerate(output)), completed(*output)))
    turn = [
        {"role": "user", "content": "?"},
        json.loads(json.dumps(reply.message)),
        {"role": "tool", "tool_call_id": "call1", "content": "1"},
        {"role": "tool", "tool_call_id": "call2", "content": "2"},
    ]
    answers = [
        {"type": "function_call_output", "call_id": "call1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "call2", "output": "2"},
    ]
    assert sent(NAME, turn)["input"][1:] == [*output, *answers]
    lost = "reasoning that is not encrypted, of which store=False keeps nothing"
    wire = warned(turn, f"openai_responses does not take {lost}: not sent", store=False)["input"]
    assert wire[1:] == [item for item in [*output, *answers] if item is not plain]
    with pytest.warns(OptionIgnored, match="openai_responses answers"):
        providers.create("openai", api_key="k").begin(ChatRequest(turn), lambda: 0.5)
    other = {"role": "assistant", "content": "Hi", "native": {"dialect": "gemini", "items": [{"inlineData": {}}]}}
    with pytest.warns(OptionIgnored, match="openai_responses does not take .* gemini answers"):
        providers.create(NAME, api_key="k").begin(ChatRequest([other]), lambda: 0.5)
    with pytest.raises(InvalidRequest):
        sent(NAME, "Hi", response_format=5)
