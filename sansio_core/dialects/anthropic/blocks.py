"""A content block of Anthropic's wire while its deltas come, until it is what the API takes back."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from ...partial_json import parse_partial
from ..forms import object_of, objects


class Block:
    """One content block: `pieces` of its fields, `call`: the index of the tool call that it is."""

    __slots__ = ("call", "citations", "content", "done", "pieces")

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content  # as the block's start has it
        self.pieces: defaultdict[str, list[str]] = defaultdict(list)  # by the field that they go on
        self.citations: list[dict[str, Any]] = []
        self.call: int | None = None  # the index of the tool call that the block is
        self.done = False

    def compact(self, delta: dict[str, Any]) -> bool:
        """Add a summary of earlier turns, which the model alone reads. Returns whether the delta has one.

        platform.claude.com/docs/en/build-with-claude/compaction: all of it in one delta; null where compaction failed.
        """
        known = False
        for field in ("content", "encrypted_content"):
            text = delta.get(field)
            if type(text) is str:
                self.pieces[field].append(text)
            elif text is None and field in delta:
                self.content[field] = self.content.get(field) or None  # the API does not take "" back here
            else:
                continue
            known = True
        return known

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
