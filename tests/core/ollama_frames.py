"""Chunks of Ollama's own API, as its streams have them."""

from typing import Any


def chat(content: Any = "", **rest: Any) -> dict[str, Any]:
    """A chunk of /api/chat; `thinking` and `tool_calls` go into the message, the rest beside it."""
    message = {"role": "assistant", "content": content}
    message |= {key: rest.pop(key) for key in ("thinking", "tool_calls") if key in rest}
    return {"model": "m", "created_at": "2025", "message": message, "done": False, **rest}


def call(name: Any = "weather", arguments: Any = None, **rest: Any) -> dict[str, Any]:
    return {**rest, "function": {"name": name, "arguments": arguments}}


DONE = chat(done=True, done_reason="stop")
