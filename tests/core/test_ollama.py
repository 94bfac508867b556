"""Requests to Ollama's own API, and answers that go back."""

import json
import warnings
from typing import Any

import pytest
from dialect_harness import AGENT, AS_SCHEMA, PIXEL, SCHEMA, WEATHER, asked, events_of, ndjson, sent
from ollama_frames import DONE, call, chat

from sansio_core import ChatRequest, FilePart, ImagePart, InvalidRequest, ModelInfo, OptionIgnored, Reply, providers

NAMED_F = {"type": "function", "function": {"name": "f"}}
MARK = {"type": "ephemeral"}


def warned(messages: Any, **options: Any) -> list[str]:
    """The warnings of a request."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        providers.create("ollama").begin(ChatRequest(messages, **options), lambda: 0.5)
    return [str(warning.message) for warning in caught]


def test_the_request_line_and_headers() -> None:
    request = providers.create("ollama").begin(ChatRequest("Hello"), lambda: 0.5).request()
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:11434/api/chat")
    assert dict(request.headers) == {"user-agent": AGENT, "content-type": "application/json"}
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
        tools=[WEATHER, {"name": "now"}],
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
        "tools": [WEATHER, {"type": "function", "function": {"name": "now"}}],
        "keep_alive": "5m",
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, {"format": "json"}),
        # what keeps a strict schema loosely elsewhere is kept by this server anyway
        ({"response_format": {"type": "json_schema", "schema": SCHEMA, "strict": True}}, {"format": SCHEMA}),
        ({"stop": ("a", "b")}, {"options": {"stop": ["a", "b"]}}),
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"tools": [{"functionDeclarations": [{"name": "f"}]}]}, {"tools": [NAMED_F]}),
        ({"extra": {"tools": [{"type": "web_search"}]}}, {"tools": [{"type": "web_search"}]}),
    ],
)
def test_options_one_by_one(options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("ollama", "Hello", **options) == {**sent("ollama", "Hello"), **expected}


@pytest.mark.parametrize(
    ("effort", "unknown", "gpt_oss"),
    [
        (True, True, "medium"),
        (False, False, None),
        ("none", False, None),
        (0, False, None),
        ("minimal", "low", "low"),
        ("low", "low", "low"),
        ("medium", "medium", "medium"),
        ("high", "high", "high"),
        ("xhigh", "high", "high"),
        ("max", "max", "high"),
        (8192, "medium", "medium"),
    ],
)
def test_reasoning_effort(effort: Any, unknown: Any, gpt_oss: str | None) -> None:
    """A model of which nothing is known takes any word of the wire; gpt-oss has levels, and always reasons."""
    assert sent("ollama", "Hello", model="qwen3", reasoning_effort=effort)["think"] == unknown
    for model in ("gpt-oss", "gpt-oss:20b", "hf.co/unsloth/gpt-oss-20b-GGUF:Q4_K_M"):
        if gpt_oss is None:
            with pytest.raises(InvalidRequest, match=r"gpt-oss.* always reasons: .* one of low, medium, high"):
                sent("ollama", "Hello", model=model, reasoning_effort=effort)
        else:
            assert sent("ollama", "Hello", model=model, reasoning_effort=effort)["think"] == gpt_oss


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"reasoning_effort": "hihg"}, "llama3.2 has no reasoning_effort 'hihg'.*known are none, low"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "the kind 'web_search_20250305'.*extra"),
        ({"tools": [{"googleSearch": {}}]}, "the kind 'googleSearch'"),
        ({"tools": [{}]}, "the kind "),
        ({"stop": ["a", 5]}, "stop must be a str or a list of them; one is 5"),
        ({"response_format": {"type": "grammar"}}, "response_format must be"),
        ({"logprobs": 5}, "logprobs must be True or False"),
    ],
)
def test_what_cannot_be_sent(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        sent("ollama", "Hello", **options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": [{"name": "f", "strict": True, "version": 2}]}, "strict of tools and version of tools"),
        ({"tools": [{"name": "f", "strict": False, "cache_control": True}]}, "cache_control of tools"),
        ({"response_format": {**AS_SCHEMA, "description": "d"}}, None),
        (
            {"response_format": {"type": "json_schema", "schema": SCHEMA, "description": "The answer."}},
            "the description of response_format",
        ),
    ],
)
def test_what_is_left_out_of_options_is_told(options: dict[str, Any], told: str | None) -> None:
    assert warned("Hello", **options) == ([f"ollama does not take {told}: not sent"] if told else [])


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"role": "user", "content": "Hi", "name": "bob"}, "the name of messages"),
        (
            {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]},
            "cache_control of parts",
        ),
        ({"role": "assistant", "content": "Hi", "audio": {"id": "a"}}, "the field audio of messages"),
        ({"role": "user", "content": [ImagePart(PIXEL, "low")]}, "detail of images"),
        (
            asked(arguments='{"place":"Os'),
            "the open end of a tool call's arguments, which were cut",
        ),
    ],
)
def test_what_is_left_out_of_messages_is_told(message: dict[str, Any], told: str) -> None:
    assert warned([message]) == [f"ollama does not take {told}: not sent"]


def test_an_image_that_asks_for_no_detail_loses_none() -> None:
    assert warned([{"role": "user", "content": [ImagePart(PIXEL, "auto")]}]) == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, "data: URL or its bytes, not a link"),
        (FilePart("https://x.example/a.png"), "data: URL or its bytes, not a link"),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}}, "no base64"),
        ({"type": "input_audio"}, "ollama takes no part of type 'input_audio' in a message; it takes texts"),
        (FilePart(b"%PDF-1.7"), r"ollama takes no file \(application/pdf\) in a message"),
        (FilePart("https://x.example/a.txt"), r"ollama takes no file \(text/plain\)"),
        (FilePart("notes.txt"), "the core reads no files: give the bytes of 'notes.txt'"),
        (FilePart(b"?"), "the media type of .* is not known: give media_type="),
        (FilePart(b"\xff", "text/plain"), "is no text in UTF-8"),
    ],
)
def test_parts_that_the_wire_has_no_form_for(part: Any, said: str) -> None:
    for role in ("user", "tool", "assistant", "system"):
        with pytest.raises(InvalidRequest, match=said):
            sent("ollama", [{"role": role, "content": [part]}])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            ["Read this:", FilePart(b"a,b\n", name="t.csv"), "Well?"],
            {"content": "Read this:\n\nt.csv:\na,b\n\n\nWell?"},
        ),
        (
            [FilePart(b"a", "text/plain"), FilePart(b"{}", "application/json", "b.json")],
            {"content": "a\n\nb.json:\n{}"},
        ),
        ([{"type": "refusal", "refusal": "No."}], {"content": "No."}),
        ([FilePart(b"\x89PNG\r\n\x1a\n")], {"content": "", "images": ["iVBORw0KGgo="]}),
        ([ImagePart("data:image/png;base64,iVBO\r\nRw0KGgo=\n")], {"content": "", "images": ["iVBORw0KGgo="]}),
    ],
)
def test_parts(parts: list[Any], message: dict[str, Any]) -> None:
    for role in ("user", "tool", "assistant"):
        assert sent("ollama", [{"role": role, "content": parts}])["messages"] == [{"role": role, **message}]


def test_a_message_in_ollamas_own_form() -> None:
    history = [
        {"role": "user", "content": "?", "images": ["iVBORw0KGgo="]},
        {**asked(None), "thinking": "Hm."},
        {"role": "tool", "tool_name": "weather", "content": "rain"},
    ]
    history[1]["tool_calls"] = [{"function": {"name": "weather", "arguments": {"place": "Oslo"}}}]
    assert sent("ollama", history)["messages"] == [
        history[0],
        {"role": "assistant", "content": "", "thinking": "Hm.", "tool_calls": history[1]["tool_calls"]},
        history[2],
    ]
    for wrong in ({"images": "iVBO"}, {"images": [b"x"]}, {"thinking": 5}, {"tool_name": 5}, {"images": ["!"]}):
        with pytest.raises(InvalidRequest, match=r"images|thinking|tool_name|base64"):
            sent("ollama", [{"role": "user", "content": "?", **wrong}])


def test_calls_of_another_wire_have_objects_as_arguments() -> None:
    custom = {"id": "c1", "type": "custom", "custom": {"name": "run", "input": "ls"}}
    (message,) = sent("ollama", [{"role": "assistant", "content": "", "tool_calls": [custom]}])["messages"]
    assert message["tool_calls"] == [{"id": "c1", "function": {"name": "run", "arguments": {"input": "ls"}}}]
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        sent("ollama", [asked(arguments="[1]")])


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
    made = Reply.of(events_of("ollama", ndjson(chat("See", message={"content": "", "images": ["iVBORw0KGgo="]}), DONE)))
    (image,) = sent("ollama", [json.loads(json.dumps(made.message))])["messages"]
    assert image == {"role": "assistant", "content": "", "images": ["iVBORw0KGgo="]}
    native = {
        "role": "assistant",
        "content": "a",
        "native": {"dialect": "gemini", "items": [{"thoughtSignature": "S"}]},
    }
    with pytest.warns(OptionIgnored, match="the signatures of gemini answers") as told:
        providers.create("ollama").begin(ChatRequest([native, *history]), lambda: 0.5)
    assert len(told) == 1


def test_models() -> None:
    provider = providers.create("ollama")
    request = provider.models_request()
    assert request is not None
    assert (request.method, request.url) == ("GET", "http://127.0.0.1:11434/api/tags")
    item = {"name": "llama3.2:latest", "size": 1, "details": {"family": "llama"}, "capabilities": ["vision", "tools"]}
    assert provider.parse_models({"models": [item]}) == [
        ModelInfo("llama3.2:latest", input=("text", "image"), raw=item)
    ]
