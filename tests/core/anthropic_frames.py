"""Events of Anthropic's Messages API, as its streams have them."""

from typing import Any


def begin(name: str = "msg_1", **usage: Any) -> dict[str, Any]:
    return {"type": "message_start", "message": {"id": name, "model": "claude", "content": [], "usage": usage}}


def start(index: Any, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: Any, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stop(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def why(reason: str | None, usage: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **rest}, "usage": usage or {}}


STOP = {"type": "message_stop"}
TEXT = [
    start(0, type="text", text=""),
    delta(0, "text_delta", text="Hi"),
    delta(0, "text_delta", text=""),
    stop(0),
]
