"""Events of OpenAI's Responses API, as its streams have them; and its requests of which not all can be sent."""

import json
import re
from typing import Any

import pytest
from dialect_harness import said_by

from sansio_core import ChatEvent, ChatRequest, NativeItem, OptionIgnored, providers

NAME = "openai_responses"


def ev(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def text(piece: str, **fields: Any) -> dict[str, Any]:
    return ev("output_text.delta", delta=piece, **fields)


def added(index: int | None, **item: Any) -> dict[str, Any]:
    return ev("output_item.added", item=item, **({} if index is None else {"output_index": index}))


def done(index: int | None, **item: Any) -> dict[str, Any]:
    return ev("output_item.done", item=item, **({} if index is None else {"output_index": index}))


def completed(*output: Any, status: str = "completed", **fields: Any) -> dict[str, Any]:
    return ev(status, response={"object": "response", "status": status, "output": list(output), **fields})


def message(*texts: str, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": t} for t in texts], **fields}


CALL = {"type": "function_call", "id": "fc1", "call_id": "call1", "name": "f", "arguments": "{}"}


def said(*values: Any) -> list[ChatEvent]:
    return said_by(NAME, *values)


def native(item: Any) -> NativeItem:
    return NativeItem(NAME, item)


def warned(messages: Any, warning: str, **options: Any) -> dict[str, Any]:
    """The body for a request of which not all can be sent; the warning says so in these words."""
    config = {key: options.pop(key) for key in ("base_url",) if key in options}
    provider = providers.create(NAME, api_key="k", **config)
    with pytest.warns(OptionIgnored, match=f"^{re.escape(warning)}$"):
        call = provider.begin(ChatRequest(messages, **options), lambda: 0.5)
    body: dict[str, Any] = json.loads(call.request().body)
    return body
