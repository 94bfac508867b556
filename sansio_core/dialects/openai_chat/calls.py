"""Which of an answer's tool calls a delta belongs to, on hosts that number them in different ways."""

from __future__ import annotations

from typing import Any

from ...events import ToolCallDelta
from ...request import extra_fields
from ..forms import json_text, nonempty, object_of


class ToolCalls:
    """One choice's tool calls: which of them a delta belongs to, and what in the delta is new.

    OpenAI numbers calls by `index` and sends id and name once. Other hosts repeat id and name, leave `index` out or
    always send 0, give every delta a new id, send `id: ""`, `arguments: null`, or the arguments as an object. A field
    of the call's own (ai.google.dev/gemini-api/docs/thought-signatures: `extra_content`) may come in a delta without
    the rest.
    """

    def __init__(self) -> None:
        self._calls: list[list[str | None]] = []  # the id and the name of each
        self._by_index: dict[int, int] = {}
        self._by_id: dict[str | None, int] = {}

    def delta(self, call: dict[str, Any], choice: int) -> ToolCallDelta:
        # developers.openai.com/api/docs/guides/function-calling#custom-tools: a custom tool takes text, as its `input`.
        # Some hosts have the name and the arguments beside the id, without an object for the function.
        function = object_of(call.get("function") or call.get("custom") or call)
        call_id, name = id_of(call.get("id")), nonempty(function.get("name"))
        at = self._find(call.get("index"), call_id, name)
        known = self._calls[at]
        # an event has the id and the name once, so that whoever joins them gets each whole
        new_id = call_id if known[0] is None else None
        new_name = name if known[1] is None else None
        if new_id:
            known[0] = new_id
            self._by_id[new_id] = at
        known[1] = known[1] or name
        arguments = json_text(function.get("arguments", function.get("input")))
        custom = call.get("type") == "custom" or "custom" in call
        return ToolCallDelta(at, new_id, new_name, arguments, choice, extra_fields(call), custom)

    def _find(self, index: Any, call_id: str | None, name: str | None) -> int:
        """The place of a delta's call: found by its id, else by its index; a new place for a new call."""
        at = self._by_id.get(call_id)
        if at is not None:
            return at
        if type(index) is not int:  # what has no index, no id and no name can only go on with the last call
            goes_on = call_id is None and name is None and self._calls
            return len(self._calls) - 1 if goes_on else self._add()
        at = self._by_index.get(index)
        # another id with a name is another call, on hosts that number every call 0; another id alone is none
        if at is None or (call_id and name and self._calls[at][0]):
            at = self._by_index[index] = self._add()
        return at

    def _add(self) -> int:
        self._calls.append([None, None])
        return len(self._calls) - 1


def deprecated_call(function: Any) -> list[Any]:
    """The one call of `function_call`, the field before `tool_calls`, as a delta of `tool_calls` would have it."""
    return [{"index": 0, "function": function}] if isinstance(function, dict) else []


def id_of(value: Any) -> str | None:
    """An id or a model's name; hosts send "" for none, and some send numbers."""
    return str(value) if isinstance(value, (str, int)) and value and value is not True else None
