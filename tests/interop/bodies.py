"""Answers as they come from real hosts, in small: each shape once, by dialect and name."""

from __future__ import annotations

import json
from typing import Any

USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def sse(*values: Any, named: bool = False, end: str = "\n", done: bool = False) -> bytes:
    """An event stream of JSON; `named`: with `event:` lines from each value's type."""
    events = []
    for value in values:
        name = f"event: {value['type']}{end}" if named else ""
        events.append(f"{name}data: {json.dumps(value, ensure_ascii=False)}{end}{end}")
    return ("".join(events) + (f"data: [DONE]{end}{end}" if done else "")).encode()


def chat(delta: Any = None, finish: Any = None, **rest: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": choices, **rest}


def call(index: Any, arguments: Any, **rest: Any) -> dict[str, Any]:
    name = {"name": rest.pop("name")} if "name" in rest else {}
    return {"tool_calls": [{"index": index, **rest, "function": {**name, "arguments": arguments}}]}


def begun(index: int, name: str, call_id: str = "") -> dict[str, Any]:
    return call(index, "", id=call_id or f"call_{index}", type="function", name=name)


END = (chat({}, "stop"), chat(usage=USAGE))
CALLED = (chat({}, "tool_calls"), chat(usage=USAGE))
OPENAI = {
    "text": sse(chat({"role": "assistant", "content": ""}), chat({"content": "Grüß"}), chat({"content": " 🙂"}), *END),
    "crlf": sse(chat({"content": "a"}), *END, end="\r\n", done=True),
    "cr": sse(chat({"content": "a"}), *END, end="\r", done=True),
    "comments": b": hello\n\n" + sse(chat({"content": "a"})) + b": OPENROUTER PROCESSING\n\n" + sse(*END, done=True),
    "line-separators": sse(chat({"content": "a\u2028b\u2029c\x85d\x0be"}), *END, done=True),
    "empty-choices-first": sse(chat(prompt_filter_results=[]), chat({"content": "a"}), *END, done=True),
    "null-content": sse(chat({"role": "assistant", "content": None}), chat({"content": "a"}), *END, done=True),
    "usage-with-the-last-chunk": sse(chat({"content": "a"}), chat({}, "stop", usage=USAGE), done=True),
    "usage-in-every-chunk": sse(chat({"content": "a"}, usage=USAGE), chat({}, "stop", usage=USAGE), done=True),
    "a-new-id-in-every-chunk": sse(chat({"content": "a"}, id="x"), chat({"content": "b"}, id="y"), *END, done=True),
    "finish-null-after-stop": sse(chat({"content": "a"}), chat({}, "stop"), chat({}), chat(usage=USAGE), done=True),
    "reasoning-content": sse(chat({"reasoning_content": "Hm"}), chat({"content": "a"}), *END, done=True),
    "reasoning": sse(chat({"reasoning": "Hm"}), chat({"content": "a"}), *END, done=True),
    "length": sse(chat({"content": "a"}), chat({}, "length"), done=True),
    "filtered": sse(chat({"content": "a"}), chat({}, "content_filter"), done=True),
    "one-call": sse(chat(begun(0, "f")), chat(call(0, '{"a":')), chat(call(0, '"é"}')), *CALLED, done=True),
    "parallel-calls": sse(
        chat(begun(0, "f")), chat(begun(1, "g")), chat(call(1, '{"b":1}')), chat(call(0, "{}")), *CALLED, done=True
    ),
    "call-without-arguments": sse(chat(begun(0, "f")), *CALLED, done=True),
    "call-after-text": sse(chat({"content": "So:"}), chat(begun(0, "f")), chat(call(0, "{}")), *CALLED, done=True),
    "name-repeated": sse(
        chat(call(0, "{", id="i", name="f", type="function")), chat(call(0, "}", id="i", name="f")), *CALLED, done=True
    ),
    "empty-id-repeated": sse(chat(begun(0, "f")), chat(call(0, "{}", id="")), *CALLED, done=True),
    "arguments-null": sse(chat(call(0, None, id="i", name="f", type="function")), *CALLED, done=True),
    "index-missing": sse(
        chat({"tool_calls": [{"id": "i", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
        *CALLED,
        done=True,
    ),
    "two-calls-under-one-index": sse(
        chat(begun(0, "f", "a")), chat(call(0, "{}")), chat(begun(0, "g", "b")), chat(call(0, "{}")), *CALLED, done=True
    ),
    "no-done": sse(chat({"content": "a"}), *END),
    "no-end-at-all": sse(chat({"content": "a"})),
    "error-in-the-stream": sse(chat({"content": "a"}), {"error": {"message": "overloaded", "type": "server_error"}}),
    "error-as-text": sse(chat({"content": "a"}), {"error": "overloaded"}),
    "content-as-a-list": sse(chat({"content": [{"type": "text", "text": "a"}]}), *END, done=True),
    "bad-json-amid": sse(chat({"content": "a"})) + b"data: {oops\n\n" + sse(*END, done=True),
    "halves-of-a-character": sse(chat({"content": "a"})).replace(b'"a"', b'"\\ud83d"')
    + sse(chat({"content": "b"}), *END, done=True).replace(b'"b"', b'"\\ude42"'),
}

MESSAGE: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
    "stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1},
}  # fmt: skip


def message(*events: Any, stop: str = "end_turn", named: bool = True, **options: Any) -> bytes:
    ended = {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}}
    return sse(
        {"type": "message_start", "message": MESSAGE}, *events, {**ended, "usage": {"output_tokens": 2}},
        {"type": "message_stop"}, named=named, **options,
    )  # fmt: skip


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(value: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": value}


def json_delta(value: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": value}


HI = block(0, {"type": "text", "text": ""}, text("Grüß"), text(" 🙂"))
TOOL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
THOUGHT = block(
    0, {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "Hm"}, {"type": "signature_delta", "signature": "c2ln"},
)  # fmt: skip
ANTHROPIC = {
    "text": message(*HI),
    "no-event-lines": message(*HI, named=False),
    "crlf": message(*HI, end="\r\n"),
    "pings": message({"type": "ping"}, *HI, {"type": "ping"}),
    "text-in-the-start": message(*block(0, {"type": "text", "text": "a"}, text("b"))),
    "thinking": message(*THOUGHT, *block(1, {"type": "text", "text": ""}, text("a"))),
    "redacted": message(
        *block(0, {"type": "redacted_thinking", "data": "eA=="}), *block(1, {"type": "text", "text": ""}, text("a"))
    ),
    "tool": message(*block(0, TOOL, json_delta(""), json_delta('{"a":'), json_delta('"é"}')), stop="tool_use"),
    "tool-without-arguments": message(*block(0, TOOL), stop="tool_use"),
    "tools": message(
        *block(0, TOOL, json_delta("{}")), *block(1, {**TOOL, "id": "t2"}, json_delta('{"b":1}')), stop="tool_use"
    ),
    "max-tokens": message(*HI, stop="max_tokens"),
    "new-event-kind": message({"type": "message_novelty", "x": 1}, *HI),
    "error": message(*HI)[: -len(b'event: message_stop\ndata: {"type": "message_stop"}\n\n')]
    + sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, named=True),
    "no-end": sse({"type": "message_start", "message": MESSAGE}, *HI, named=True),
}

RESPONSE: dict[str, Any] = {
    "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "in_progress", "output": [],
    "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
}  # fmt: skip
COUNTS = {
    "input_tokens": 5, "output_tokens": 2, "total_tokens": 7, "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}  # fmt: skip


def response(*items: tuple[dict[str, Any], list[dict[str, Any]]], status: str = "completed", **rest: Any) -> bytes:
    """Each item whole, and the events that brought it."""
    events: list[dict[str, Any]] = [{"type": "response.created", "response": RESPONSE}]
    for at, (item, pieces) in enumerate(items):
        empty: dict[str, Any] = {"content": []} if "content" in item else {"arguments": ""}
        opened = {**item, "status": "in_progress", **empty}
        events.append({"type": "response.output_item.added", "output_index": at, "item": opened})
        events += [{**piece, "output_index": at, "item_id": item["id"]} for piece in pieces]
        events.append({"type": "response.output_item.done", "output_index": at, "item": item})
    whole = {**RESPONSE, "status": status, "output": [item for item, _ in items], "usage": COUNTS, **rest}
    events.append({"type": f"response.{status}", "response": whole})
    return sse(*({**event, "sequence_number": at} for at, event in enumerate(events)), named=True)


def said(*pieces: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
    whole = {**part, "text": "".join(pieces)}
    events = [
        {"type": "response.content_part.added", "content_index": 0, "part": part},
        *({"type": "response.output_text.delta", "content_index": 0, "delta": p, "logprobs": []} for p in pieces),
        {"type": "response.output_text.done", "content_index": 0, "text": whole["text"], "logprobs": []},
        {"type": "response.content_part.done", "content_index": 0, "part": whole},
    ]
    item: dict[str, Any] = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant"}
    return {**item, "content": [whole]}, events


def called(name: str, *pieces: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    whole = "".join(pieces)
    events: list[dict[str, Any]] = [{"type": "response.function_call_arguments.delta", "delta": p} for p in pieces]
    events.append({"type": "response.function_call_arguments.done", "arguments": whole, "name": name})
    item = {"type": "function_call", "id": f"fc_{name}", "call_id": f"call_{name}", "name": name, "arguments": whole}
    return {**item, "status": "completed"}, events


RESPONSES = {
    "text": response(said("Grüß", " 🙂")),
    "stray-done": response(said("a")) + b"data: [DONE]\n\n",
    "calls": response(called("f", '{"a":', '"é"}'), called("g", "{}")),
    "call-after-text": response(said("So:"), called("f", "{}")),
    "incomplete": response(said("a"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
    "failed": response(status="failed", error={"code": "server_error", "message": "It broke."}),
    "error-event": sse(
        {"type": "response.created", "response": RESPONSE, "sequence_number": 0},
        {"type": "error", "code": "server_error", "message": "It broke.", "param": None, "sequence_number": 1},
        named=True,
    ),
    "no-end": response(said("a")).rpartition(b"event: response.completed")[0],
}


def chunk(*parts: Any, finish: str | None = None, **rest: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], "modelVersion": "m", **rest}


COUNTED = {"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}}
FUNCTION = {"functionCall": {"name": "f", "args": {"a": "é"}}}
GEMINI = {
    "text": sse(chunk({"text": "Grüß"}), chunk({"text": " 🙂"}, finish="STOP", **COUNTED), end="\r\n"),
    "thoughts": sse(chunk({"text": "Hm", "thought": True}), chunk({"text": "a"}, finish="STOP", **COUNTED)),
    "calls": sse(chunk(FUNCTION, {"functionCall": {"name": "g"}}, finish="STOP", **COUNTED)),
    "signature": sse(chunk({**FUNCTION, "thoughtSignature": "c2ln"}), chunk({"text": ""}, finish="STOP", **COUNTED)),
    "length": sse(chunk({"text": "a"}, finish="MAX_TOKENS", **COUNTED)),
    "safety": sse(chunk({"text": "a"}), {"candidates": [{"finishReason": "SAFETY", "index": 0}], **COUNTED}),
    "blocked": sse({"promptFeedback": {"blockReason": "SAFETY"}, **COUNTED}),
    "error-amid": sse(chunk({"text": "a"}))
    + b'{\n  "error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}\n}\n',
    "no-end": sse(chunk({"text": "a"})),
}


def line(**rest: Any) -> dict[str, Any]:
    return {"model": "m", "created_at": "2025-01-01T00:00:00Z", "done": False, **rest}


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


def told(content: str, **rest: Any) -> dict[str, Any]:
    return line(message={"role": "assistant", "content": content, **rest})


LAST = {**told(""), "done": True, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2}
CALL = {"function": {"name": "f", "arguments": {"a": "é"}}}
OLLAMA = {
    "text": lines(told("Grüß"), told(" 🙂"), LAST),
    "line-separators": lines(told("a\u2028b\x85c"), LAST),
    "thinking": lines(told("", thinking="Hm"), told("a"), LAST),
    "calls": lines(told("", tool_calls=[CALL, CALL]), LAST),
    "calls-in-the-last-line": lines(LAST | told("", tool_calls=[CALL]) | {"done": True}),
    "length": lines(told("a"), {**LAST, "done_reason": "length"}),
    "no-newline-at-the-end": lines(told("a"), LAST).rstrip(),
    "done-twice": lines(told("a"), {**told(""), "done": True, "done_reason": "stop"}, LAST),
    "error-amid": lines(told("a"), {"error": "the model runner has stopped"}),
    "no-end": lines(told("a")),
}

BODIES = {
    "openai.chat": OPENAI,
    "anthropic.messages": ANTHROPIC,
    "openai.responses": RESPONSES,
    "google.gemini": GEMINI,
    "ollama.chat": OLLAMA,
}
