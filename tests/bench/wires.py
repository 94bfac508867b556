"""The bytes that are measured with: one answer in each wire format, as the real services write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

WIRES = ("openai", "openai-padded", "openai-new-id", "anthropic", "openai_responses", "gemini", "ollama", "raw")
"""Provider names, but for `raw`, and for two harder kinds of OpenAI's: fields that differ in every event."""


def provider(wire: str) -> str:
    """Which provider of ours reads it."""
    return "yqcloud" if wire == "raw" else wire.partition("-")[0]


def words(count: int) -> list[str]:
    """What the model says, event by event; of the length of usual tokens, with what JSON must escape here and there."""
    return [f" word{n}" if n % 20 else f' "É{n}"\n' for n in range(count)]


def events(wire: str, texts: list[str]) -> list[bytes]:
    """The whole answer, one element for each event of the wire."""
    return _MAKERS[wire](texts)


def _sse(value: dict[str, Any], *, end: str = "\n\n", named: bool = False) -> bytes:
    data = f"data: {json.dumps(value, separators=(',', ':'), ensure_ascii=False)}{end}"
    return (f"event: {value['type']}\n{data}" if named else data).encode()


def _openai(texts: list[str], padded: bool = False, new_id: bool = False) -> list[bytes]:
    def chunk(n: int, delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        value: dict[str, Any] = {"id": "chatcmpl-9x8y7z6w5v4u" + f"{n:06}" * new_id, "object": "chat.completion.chunk"}
        value |= {"created": 1_700_000_000, "model": "gpt-4o-mini", "system_fingerprint": "fp_1", "choices": [choice]}
        return _sse(value | ({"obfuscation": "xYz9Qw"[: n % 7]} if padded else {}))

    said = [chunk(n, {"content": text}) for n, text in enumerate(texts)]
    return [chunk(0, {"role": "assistant", "content": ""}), *said, chunk(0, {}, "stop"), b"data: [DONE]\n\n"]


def _anthropic(texts: list[str]) -> list[bytes]:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude",
        "stop_reason": None,
    }
    usage = {"input_tokens": 9, "output_tokens": 1}
    values: list[dict[str, Any]] = [{"type": "message_start", "message": message | {"usage": usage}}]
    values += [{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}]
    values += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts
    ]
    values += [{"type": "content_block_stop", "index": 0}]
    values += [{"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}]
    return [_sse(value, named=True) for value in (*values, {"type": "message_stop"})]


def _responses(texts: list[str]) -> list[bytes]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    response = {"id": "resp_1", "object": "response", "model": "gpt-4o-mini", "output": []}
    values: list[dict[str, Any]] = [{"type": "response.created", "response": response | {"status": "in_progress"}}]
    values += [{"type": "response.output_text.delta", **place, "delta": text, "logprobs": []} for text in texts]
    values += [{"type": "response.completed", "response": response | {"status": "completed"}}]
    return [_sse(value | {"sequence_number": n}, named=True) for n, value in enumerate(values)]


def _gemini(texts: list[str]) -> list[bytes]:
    def chunk(n: int, text: str, **more: str) -> bytes:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, **more, "index": 0}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": n, "totalTokenCount": n + 9}
        value = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini", "responseId": "r1"}
        return _sse(value, end="\r\n\r\n")

    return [*(chunk(n, text) for n, text in enumerate(texts)), chunk(len(texts), "", finishReason="STOP")]


def _ollama(texts: list[str]) -> list[bytes]:
    def chunk(n: int, text: str, **more: Any) -> bytes:
        at = {"model": "llama3.2", "created_at": f"2025-01-01T00:00:{n % 60:02}.{n:06}Z"}
        value = at | {"message": {"role": "assistant", "content": text}, "done": False} | more
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    return [
        *(chunk(n, text) for n, text in enumerate(texts)),
        chunk(0, "", done=True, done_reason="stop", eval_count=9),
    ]


_MAKERS: dict[str, Callable[[list[str]], list[bytes]]] = {
    "openai": _openai,
    "openai-padded": lambda texts: _openai(texts, padded=True),
    "openai-new-id": lambda texts: _openai(texts, new_id=True),
    "anthropic": _anthropic,
    "openai_responses": _responses,
    "gemini": _gemini,
    "ollama": _ollama,
    "raw": lambda texts: [text.encode() for text in texts],
}
