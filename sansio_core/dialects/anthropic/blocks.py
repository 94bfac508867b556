"""A content block of Anthropic's wire while its deltas come, until it is what the API takes back."""

from __future__ import annotations

import json
from collections import defaultdict
from types import NoneType
from typing import Any

from ...partial_json import parse_partial
from ..forms import object_of, objects


class Block:
    """One content block: what its start has, and what its deltas add to it."""

    __slots__ = ("call", "citations", "content", "done", "pieces")

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.pieces: defaultdict[str, list[str]] = defaultdict(list)  # by the field that they go on
        self.citations: list[dict[str, Any]] = []
        self.call: int | None = None  # the index of the tool call that the block is
        self.done = False

    def compact(self, delta: dict[str, Any]) -> bool:
        """Add a summary of earlier turns, which the model alone reads. Returns whether the delta has one.

        platform.claude.com/docs/en/build-with-claude/compaction: all of it in one delta; null where compaction failed.
        """
        known = [name for name in ("content", "encrypted_content") if isinstance(delta.get(name, ...), (str, NoneType))]
        for name in known:
            # the API does not take "" back here
            self.content[name] = f"{self.content.get(name) or ''}{delta[name] or ''}" or None
        return bool(known)

    def item(self) -> dict[str, Any]:
        """The block as the API gives it in an answer that is not streamed."""
        item = dict(self.content)
        for field, pieces in self.pieces.items():
            text = "".join(pieces)
            if field == "input":
                item["input"] = _arguments(text) if text else item.get("input") or {}
            elif text:  # the block's start may have the first of it
                item[field] = f"{item.get(field) or ''}{text}"
        if self.citations:
            item["citations"] = [*objects(item.get("citations")), *self.citations]
        if item.get("type") == "tool_use":
            item.setdefault("input", {})  # the API requires it
        return item


def _arguments(text: str) -> Any:
    """A tool's arguments as an object, which alone the API takes; of arguments that were cut, what they have so far."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = parse_partial(text)
    return object_of(value)
