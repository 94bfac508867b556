"""The vendors' APIs as the emulator speaks them: their true shapes, refusals, tools and thoughts, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from emulator_apis import APIS, BODIES, SAID, TEXT, TOOLS, ask

from transports.emulator import Emulator

CALLS = [("weather", {"city": "Zürich"}), ("now", {})]
THOUGHT = "Let me think."


@pytest.fixture(scope="module")
def plain() -> Iterator[Emulator]:
    with Emulator(reply=TEXT) as running:
        yield running


@pytest.fixture(scope="module")
def thinker() -> Iterator[Emulator]:
    with Emulator(reply=TEXT, tool_calls=CALLS, reasoning=THOUGHT) as running:
        yield running


# --- what is answered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in APIS if name != "gemini"])
def test_without_stream_it_comes_whole(plain: Emulator, thinker: Emulator, name: str) -> None:
    answer = ask(plain, name, stream=False)
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert (answer.reply.text, answer.reply.complete) == (TEXT, True)
    reply = ask(thinker, name, stream=False, tools=TOOLS[name]).reply
    assert [(call.name, call.parse()) for call in reply.tool_calls] == CALLS
    assert (reply.reasoning, reply.finish_reason) == (THOUGHT, "tool_calls")


def test_openais_chunks(plain: Emulator) -> None:
    answer = ask(plain, "openai", stream_options={"include_usage": True}, n=2)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.endswith(b"\n\ndata: [DONE]\n\n")
    *chunks, last = answer.said
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == 1 + len(TEXT.split())
    assert all(chunk["usage"] is None and len(chunk["choices"]) == 1 for chunk in chunks)
    assert [chunk["choices"][0]["index"] for chunk in chunks[:4]] == [0, 1, 0, 1]
    assert [choice.text for choice in answer.reply.choices] == [TEXT, TEXT]
    assert {chunk["model"] for chunk in chunks} == {"gpt-4.1-mini"}
    assert all("usage" not in chunk for chunk in ask(plain, "openai").said)
    assert ask(plain, "azure_openai").said[0]["prompt_filter_results"]


def test_responses_events_are_numbered_named_and_whole(thinker: Emulator) -> None:
    answer = ask(thinker, "openai_responses", include=["reasoning.encrypted_content"])
    events = answer.said
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [line[7:].decode() for line in answer.body.splitlines() if line[:6] == b"event:"] == [
        event["type"] for event in events
    ]
    kinds = list(dict.fromkeys(event["type"].removeprefix("response.") for event in events))
    assert kinds == [
        "created", "in_progress", "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done", "content_part.added",
        "output_text.delta", "output_text.done", "content_part.done", "completed",
    ]  # fmt: skip
    thought, message = events[-1]["response"]["output"]
    assert thought["summary"] == [{"type": "summary_text", "text": THOUGHT}]
    assert thought["encrypted_content"]
    assert message["content"][0]["text"] == TEXT
    assert [event["item"] for event in events if event["type"] == "response.output_item.done"] == [thought, message]
    deltas = [event for event in events if event["type"].endswith(".delta")]
    assert all(len(event["delta"] + event["obfuscation"]) % 16 == 0 for event in deltas)
    clear = ask(thinker, "openai_responses", stream_options={"include_obfuscation": False})
    assert b"obfuscation" not in clear.body
    assert b"encrypted_content" not in clear.body


def test_anthropics_events_are_named(thinker: Emulator) -> None:
    answer = ask(thinker, "anthropic", tools=TOOLS["anthropic"])
    named = [line[7:].decode() for line in answer.body.splitlines() if line[:6] == b"event:"]
    assert named == [event["type"] for event in answer.said]
    assert (named[0], named[-2:], named.count("ping")) == ("message_start", ["message_delta", "message_stop"], 1)
    blocks = [event["content_block"] for event in answer.said if event["type"] == "content_block_start"]
    assert [block["type"] for block in blocks] == ["thinking", "tool_use", "tool_use"]
    pieces = [event["delta"].get("partial_json") for event in answer.said if event["type"] == "content_block_delta"]
    assert [piece for piece in pieces if piece is not None] == ["", '{"city":', ' "Zürich"}', ""]
    assert answer.said[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}
    quiet = ask(thinker, "anthropic", thinking={"type": "disabled"})
    assert (quiet.reply.reasoning, quiet.reply.text) == ("", TEXT)


def test_geminis_events_end_with_crlf_and_its_array_is_one(thinker: Emulator) -> None:
    answer = ask(thinker, "gemini")
    assert answer.body.count(b"\n") == answer.body.count(b"\r\n") == 2 * len(answer.said)
    last = answer.said[-1]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["candidates"][0]["content"]["parts"][0].keys() == {"text", "thoughtSignature"}
    assert last["usageMetadata"]["thoughtsTokenCount"] == 3
    array = ask(thinker, "gemini", path="/v1beta/models/gemini-2.5-flash:streamGenerateContent")
    assert array.headers["content-type"].startswith("application/json")
    assert array.json == answer.said
    assert (array.reply.text, array.reply.reasoning, array.reply.complete) == (TEXT, THOUGHT, True)
    whole = ask(
        thinker, "gemini", path="/v1beta/models/gemini-2.5-flash:generateContent?key=k", without="x-goog-api-key"
    )
    assert [part["text"] for part in whole.json["candidates"][0]["content"]["parts"]] == [THOUGHT, TEXT]
    models = "/v1beta1/projects/p/locations/eu/publishers/google/models"
    token = {"authorization": "Bearer token"}
    vertex = ask(thinker, "gemini", path=f"{models}/gemini-x:generateContent", headers=token, without="x-goog-api-key")
    assert vertex.json["candidates"] == whole.json["candidates"]
    quiet = ask(thinker, "gemini", generationConfig={"thinkingConfig": {"thinkingBudget": 0}})
    assert (quiet.reply.reasoning, quiet.reply.text) == ("", TEXT)


def test_ollamas_lines(thinker: Emulator) -> None:
    answer = ask(thinker, "ollama", tools=TOOLS["ollama"])
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [line["done"] for line in answer.said] == [False] * (len(answer.said) - 1) + [True]
    assert "".join(line["message"].get("thinking", "") for line in answer.said) == THOUGHT
    calls = [call["function"] for line in answer.said for call in line["message"].get("tool_calls", [])]
    assert [(call["name"], call["arguments"]) for call in calls] == CALLS
    assert answer.said[-1]["done_reason"] == "stop"
    assert ask(thinker, "ollama", think=False).reply.reasoning == ""


# --- what is refused, in the vendor's own shape ----------------------------------------------------------------------


def _openai(message: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def _anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_emulated"}


WRONG_KEYS = [
    ("openai", {"authorization": "Bearer sk-wrong"}, 401, "Incorrect API key provided: sk-wrong."),
    ("openai", {"authorization": ""}, 401, "You didn't provide an API key."),
    ("openai", {"authorization": "Basic dGVzdA=="}, 401, "You didn't provide an API key."),
    ("openai_responses", {"authorization": "Bearer wrong"}, 401, "Incorrect API key provided: wrong."),
    ("azure_openai", {"api-key": "wrong"}, 401, "Access denied due to invalid subscription key"),
    ("anthropic", {"x-api-key": "wrong"}, 401, "invalid x-api-key"),
    ("anthropic", {"x-api-key": ""}, 401, "x-api-key header is required"),
    ("anthropic", {"anthropic-version": ""}, 400, "anthropic-version: header is required"),
    ("anthropic", {"anthropic-version": "2"}, 400, '"2" is not a valid version'),
    ("gemini", {"x-goog-api-key": "wrong"}, 400, "API key not valid."),
    ("gemini", {"x-goog-api-key": ""}, 403, "Method doesn't allow unregistered callers."),
    ("ollama", {"authorization": "Bearer wrong"}, 401, "unauthorized"),
]


@pytest.mark.parametrize(("name", "headers", "status", "words"), WRONG_KEYS)
def test_keys_are_checked(plain: Emulator, name: str, headers: dict[str, str], status: int, words: str) -> None:
    answer = ask(plain, name, headers=headers)
    said = answer.json["error"]
    assert (answer.status, words in (said if name == "ollama" else said["message"])) == (status, True)


def test_the_shapes_of_refusals(plain: Emulator) -> None:
    wrong = {"authorization": "Bearer wrong", "x-api-key": "wrong", "x-goog-api-key": "wrong"}
    shapes = {name: ask(plain, name, headers=wrong).json for name in ("openai", "anthropic", "ollama", "gemini")}
    assert shapes == {
        "openai": _openai("Incorrect API key provided: wrong.", "invalid_api_key"),
        "anthropic": _anthropic("authentication_error", "invalid x-api-key"),
        "ollama": {"error": "unauthorized"},
        "gemini": {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
            }
        },
    }


USER = {"role": "user", "content": "Hi"}
FINE = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [FINE]}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "c", "content": "7"}
ANSWER = {"role": "assistant", "content": "Ho"}
AMID = {"role": "system", "content": "Be brief."}
IMAGES = [{"type": "image", "source": {"type": "url", "url": "https://x.example/a.png"}}]
MARKED = [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}] * 5
CALL_ITEM = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "7"}
MODEL_CALLS = {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]}
ASKED = {"role": "user", "parts": [{"text": "Hi"}]}
ANSWERED = {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"t": 7}}}]}
SIGNED = {"text": "x", "thoughtSignature": "AAAA"}
NEWER = "/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse"

REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    *((name, {"method": "PUT"}, 404, "") for name in APIS),
    *((name, {"path": "/elsewhere"}, 404, "") for name in APIS),
    *((name, {"without": "model"}, 400, "'model' is missing") for name in APIS if "model" in BODIES[name]),
    *((name, {"without": "messages"}, 400, "messages") for name in APIS if "messages" in BODIES[name]),
    ("openai", {"headers": {"content-type": "text/plain"}}, 400, "content-type"),
    ("openai", {"model": "no-such-model"}, 404, "does not exist"),
    ("openai", {"stream": False, "stream_options": {}}, 400, "only allowed when"),
    ("openai", {"messages": [{"role": "me", "content": ""}]}, 400, "'me'"),
    ("openai", {"messages": [USER, CALLED]}, 400, "no response: c"),
    ("openai", {"messages": [USER, CALLED, USER]}, 400, "no response: c"),
    ("openai", {"messages": [USER, {"role": "tool", "tool_call_id": "c", "content": "7"}]}, 400, "must be a response"),
    ("azure_openai", {"path": "/openai/deployments/gpt/chat/completions"}, 404, "not found"),
    ("azure_openai", {"path": "/openai/deployments/no-such-model/chat/completions?api-version=1"}, 404, "deployment"),
    ("azure_openai", {"path": "/openai/v1/chat/completions"}, 400, "'model' is missing"),
    ("openai_responses", {"without": "input"}, 400, "'input' is missing"),
    ("openai_responses", {"input": 1}, 400, "'input'"),
    ("openai_responses", {"model": "no-such-model"}, 400, "does not exist"),
    ("openai_responses", {"previous_response_id": "resp_1"}, 400, "not found"),
    ("openai_responses", {"input": [{"role": "me", "content": ""}]}, 400, "'me'"),
    ("openai_responses", {"input": [USER, CALL_ITEM]}, 400, "No tool output found for function call c"),
    ("openai_responses", {"input": [USER, OUTPUT]}, 400, "No tool call found"),
    ("openai_responses", {"input": [USER, {"type": "reasoning", "id": "rs", "summary": []}]}, 400, "following item"),
    ("openai_responses", {"input": [USER, {"type": "reasoning", "id": "rs"}], "store": False}, 404, "not persisted"),
    ("anthropic", {"without": "max_tokens"}, 400, "'max_tokens' is missing"),
    ("anthropic", {"model": "no-such-model"}, 404, "no-such-model"),
    ("anthropic", {"messages": [{"role": "system", "content": "Hi"}]}, 400, "messages.0: use the top-level 'system'"),
    ("anthropic", {"messages": [{"role": "user", "content": ""}]}, 400, "messages.0.content"),
    ("anthropic", {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, 400, "non-empty"),
    ("anthropic", {"messages": [USER, USE]}, 400, "without `tool_result`"),
    ("anthropic", {"messages": [{"role": "boss", "content": "Hi"}]}, 400, "messages.0.role"),
    ("anthropic", {"messages": [USER, ANSWER, AMID, USER]}, 400, "messages.2: role 'system' must immediately follow"),
    ("anthropic", {"messages": [USER, AMID, USER]}, 400, "messages.1: role 'system' must immediately follow"),
    ("anthropic", {"messages": [USER, {**AMID, "content": IMAGES}]}, 400, "messages.1.content: Input should be text"),
    ("anthropic", {"messages": [USER, USE, {"role": "user", "content": [{**RESULT, "is_error": True,
                                                                         "content": IMAGES}]}]}, 400, "type `text` if"),
    ("anthropic", {"messages": [{"role": "user", "content": MARKED}]}, 400, "Found 5"),
    ("anthropic", {"messages": [USER, USE, USER]}, 400, "messages.1: `tool_use` ids were found without"),
    ("anthropic", {"messages": [{"role": "user", "content": [RESULT]}]}, 400, "unexpected `tool_use_id`"),
    ("gemini", {"without": "contents"}, 400, "'contents' is missing"),
    ("gemini", {"path": NEWER.replace("gemini-3-pro-preview", "no-such-model")}, 404, "not found"),
    ("gemini", {"contents": [{"role": "user", "parts": []}]}, 400, "must not be empty"),
    ("gemini", {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, 400, "valid role"),
    ("gemini", {"contents": [ASKED, MODEL_CALLS]}, 400, "function call turn"),
    ("gemini", {"contents": [ASKED, ANSWERED]}, 400, "number of function response parts"),
    ("gemini", {"contents": [ASKED, MODEL_CALLS, ANSWERED], "path": NEWER}, 400, "missing a thought_signature"),
    ("gemini", {"contents": [{"role": "model", "parts": [SIGNED]}, ASKED]}, 400, "signature is not valid"),
    ("ollama", {"model": "no-such-model"}, 404, "not found"),
    ("ollama", {"messages": [{"role": "user", "content": [{"type": "text"}]}]}, 400, "string"),
]


@pytest.mark.parametrize(("name", "changes", "status", "words"), REFUSED)
def test_a_wrong_request_is_refused_in_words(
    plain: Emulator, name: str, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = ask(plain, name, **changes)
    said = answer.json["error"]
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (status, "application/json")
    assert words in (said if name == "ollama" else said["message"])


def test_hosts_that_differ(plain: Emulator) -> None:
    path = "/chat/completions"
    assert ask(plain, "mistral", path=path, stream_options={"include_usage": True}).status == 422
    assert ask(plain, "mistral", path=path).said[-1]["usage"]["total_tokens"] == 1 + len(TEXT.split())
    with Emulator(reasoning=THOUGHT) as emulator:
        message = ask(emulator, "openrouter", path=path, stream=False).json["choices"][0]["message"]
        assert message["reasoning"] == message["reasoning_details"][0]["text"] == THOUGHT
        assert message["reasoning_details"][0].keys() == {"type", "text", "index", "signature"}
        assert "reasoning_content" not in message


# --- tools -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", APIS)
def test_tools_that_are_offered_are_called_in_pieces(thinker: Emulator, name: str) -> None:
    tools: Any = {"tools": TOOLS[name]}
    reply = ask(thinker, name, **tools).reply
    assert [(call.name, call.parse()) for call in reply.tool_calls] == CALLS
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("", THOUGHT, "tool_calls")
    refused: Any = {
        "anthropic": {"tool_choice": {"type": "none"}},
        "gemini": {"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}},
    }.get(name, {"tool_choice": "none"})
    if name != "ollama":
        assert ask(thinker, name, **tools, **refused).reply.text == TEXT
    assert ask(thinker, name).reply.text == TEXT


def test_calls_may_depend_on_the_users_last_words() -> None:
    def calls(prompt: str) -> list[tuple[str, dict[str, Any]]] | None:
        return [("weather", {"city": prompt})] if prompt.istitle() else None

    with Emulator(reply=str.upper, tool_calls=calls) as emulator:
        said = [{"role": "system", "content": "Be"}, {"role": "user", "content": "Bern"}]
        reply = ask(emulator, "openai", tools=TOOLS["openai"], messages=said).reply
        assert [call.parse() for call in reply.tool_calls] == [{"city": "Bern"}]
        result = {"role": "tool", "tool_call_id": reply.tool_calls[0].id, "content": "7 °C"}
        answer = ask(emulator, "openai", tools=TOOLS["openai"], messages=[*said, reply.message, result])
        assert answer.reply.text == "SYSTEM: BE\nUSER: BERN\nTOOL: 7 °C\nASSISTANT:"
        assert (
            ask(emulator, "openai", tools=TOOLS["openai"], messages=[{"role": "user", "content": "no"}]).reply.text
            == "NO"
        )


def test_gemini_takes_its_own_back_in_the_forms_that_clients_give_it(thinker: Emulator) -> None:
    tools: Any = {"tools": TOOLS["gemini"], "path": NEWER}
    said = [
        part for chunk in ask(thinker, "gemini", **tools).said for part in chunk["candidates"][0]["content"]["parts"]
    ]
    signed = next(part for part in said if "thoughtSignature" in part)
    signed["thoughtSignature"] = signed["thoughtSignature"].replace("+", "-").replace("/", "_")  # as protobuf allows
    apart = [{"role": "model", "parts": [part]} for part in said]  # each chunk as a turn of its own
    answers = {"role": "user", "parts": [ANSWERED["parts"][0], ANSWERED["parts"][0]]}
    assert ask(thinker, "gemini", contents=[ASKED, *apart, answers], **tools).reply.text == TEXT
    signed["thoughtSignature"] = "Ä"
    assert ask(thinker, "gemini", contents=[ASKED, *apart, answers], **tools).status == 400
    assert (
        ask(
            thinker, "gemini", contents=[ASKED, {"role": "model", "parts": [SIGNED | {"thoughtSignature": "A"}]}]
        ).status
        == 400
    )


def test_the_older_systems_take_tools_where_their_wire_does(thinker: Emulator) -> None:
    from emulator_caller import Caller, question

    with Caller(thinker) as caller:
        caller.send(*question(thinker, "free_netfly", fields={"tools": TOOLS["openai"]}))
        assert b'"tool_calls":[{"index":0,"id":"call_emulated_' in caller.receive().body


def test_the_prompt_is_all_that_was_said(plain: Emulator) -> None:
    with Emulator(reply=lambda prompt: json.dumps(prompt)) as emulator:
        called = [USER, USE, {"role": "user", "content": [RESULT]}]
        assert ask(emulator, "anthropic", system="Be", messages=called).reply.parse() == (
            "System: Be\nUser: Hi\nTool: 7\nAssistant:"
        )
        items = [*SAID, CALL_ITEM, OUTPUT]
        told = ask(emulator, "openai_responses", instructions="Be", input=items).reply.parse()
        assert told == "Developer: Be\nUser: Hi\nTool: 7\nAssistant:"
        contents = [ASKED, MODEL_CALLS, ANSWERED]
        told = ask(emulator, "gemini", systemInstruction={"parts": [{"text": "Be"}]}, contents=contents).reply.parse()
        assert told == 'System: Be\nUser: Hi\nTool: {"t": 7}\nAssistant:'


ODD: list[Any] = [None, 1, "x", True, [], {}, [1], [{}], {"x": 1}, [[]]]
MORE = {
    "openai": ["tools", "stream_options", "n"],
    "azure_openai": [],
    "openai_responses": ["instructions", "tools", "include", "stream_options", "reasoning", "metadata"],
    "anthropic": ["system", "tools", "tool_choice", "thinking"],
    "gemini": ["systemInstruction", "tools", "toolConfig", "generationConfig"],
    "ollama": ["tools", "think", "stream", "options"],
}
TURNS: dict[str, dict[str, Any]] = {
    "openai": CALLED,
    "openai_responses": CALL_ITEM,
    "anthropic": USE,
    "gemini": MODEL_CALLS,
    "ollama": CALLED,
}
WHERE = {"openai_responses": "input", "gemini": "contents"}


@pytest.mark.parametrize("name", APIS)
def test_no_body_is_too_odd_to_be_answered(plain: Emulator, name: str) -> None:
    for odd in ODD:
        for field in [*BODIES[name], *MORE[name]]:
            changes: Any = {field: odd}
            assert ask(plain, name, **changes).status in (200, 400, 404)
        for field in TURNS.get(name, {}):
            changes = {WHERE.get(name, "messages"): [{**TURNS[name], field: odd}]}
            assert ask(plain, name, **changes).status in (200, 400, 404)
    assert ask(plain, name).status == 200
