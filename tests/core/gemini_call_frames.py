"""Parts of function calls of the Gemini API whose arguments are streamed."""

from typing import Any

from dialect_harness import every_cut, sse

from sansio_core import ChatEvent


def parts(*given: Any, finish: str | None = None, index: int = 0) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(given)}, "index": index}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})]}


def begin(name: str = "f", *, signature: str = "", **rest: Any) -> dict[str, Any]:
    call = {"functionCall": {"name": name, "willContinue": True, **rest}}
    return {**call, "thoughtSignature": signature} if signature else call


def piece(*args: dict[str, Any], last: bool = False) -> dict[str, Any]:
    return {"functionCall": {"partialArgs": list(args)} | ({} if last else {"willContinue": True})}


def text(path: Any, value: str, *, more: bool = False) -> dict[str, Any]:
    return {"jsonPath": path, "stringValue": value} | ({"willContinue": True} if more else {})


def number(path: Any, value: Any) -> dict[str, Any]:
    return {"jsonPath": path, "numberValue": value}


END: dict[str, Any] = {"functionCall": {}}
STOP = parts({"text": ""}, finish="STOP")


def streamed(*given: dict[str, Any], end: dict[str, Any] = STOP) -> list[ChatEvent]:
    """The events of a call `f` of these parts."""
    return every_cut("gemini", sse(parts(begin()), *map(parts, given), end))
