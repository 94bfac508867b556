"""Chunks of Google's Gemini API, as its streams have them."""

from typing import Any


def chunk(*parts: Any, finish: str | None = None, index: int | None = None, **rest: Any) -> dict[str, Any]:
    """A chunk with one candidate; `rest` beside the candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}}
    if finish is not None:
        candidate["finishReason"] = finish
    if index is not None:
        candidate["index"] = index
    return {"candidates": [candidate], **rest}


def text(text: str, **rest: Any) -> dict[str, Any]:
    return {"text": text, **rest}
