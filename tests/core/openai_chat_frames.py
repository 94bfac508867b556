"""Chunks of OpenAI's Chat Completions API, as its streams have them."""

from typing import Any

from dialect_harness import said_by

from sansio_core import ChatEvent, Reply, ToolCall

DONE = b"data: [DONE]\n\n"


def chunk(delta: Any = None, reason: Any = None, index: Any = 0, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {} if delta is None else delta, "finish_reason": reason}], **more}


def said(*values: Any) -> list[ChatEvent]:
    return said_by("openai", *values)


def calls(*values: Any) -> list[ToolCall]:
    return Reply.of(said(*(chunk({"tool_calls": [value]}) for value in values))).tool_calls
