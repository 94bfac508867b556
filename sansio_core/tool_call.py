"""ToolCall: a call of a tool that a model made; it is read, carried out and answered here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .partial_json import parse_partial
from .parts import Part
from .strict_json import dump_json, parse_json

CALL_FIELDS = frozenset({"index", "id", "type", "function", "custom", "name", "arguments", "input"})
"""The fields of a call on OpenAI's chat wire that ToolCall covers; the last three if a host leaves out `function`."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that a model made; `arguments` is the text that the model wrote, which need not be good JSON.

    `extra` has the fields of a call on OpenAI's chat wire that are not among CALL_FIELDS, as Gemini's signature in
    `extra_content`. They go back on that wire, in the same place, unless the host is known to reject them. `custom`:
    the call is of one of OpenAI's custom tools, whose `arguments` are any text.
    """

    id: str | None
    name: str
    arguments: str = ""
    extra: Mapping[str, Any] | None = None
    custom: bool = False

    def parse(self) -> Any:
        """The arguments as a value; {} where there are none; of a custom tool the text. Raises InvalidRequest, with the
        place, if they are not JSON."""
        if self.custom:
            return self.arguments
        return parse_json(self.arguments or "{}", f"the arguments of the tool call {self.name!r} are")

    def partial(self) -> Any:
        """The value of the arguments so far, while they arrive: open strings and brackets are closed. None at first."""
        return parse_partial(self.arguments)

    def invoke(self, functions: Callable[..., Any] | Iterable[Any]) -> Any:
        """Call the function that this call names, one of `functions` or the only one, and return its result.

        The arguments are made what its annotations say; of an async function the result is the coroutine. Raises
        InvalidRequest, in words for the model, if none has the name or the arguments do not fit: nothing was called.
        """
        from .functions import invoke  # imported here: many requests have no tools

        return invoke(self.name, self.parse(), functions)

    def answer(self, result: Any, *, is_error: bool = False) -> dict[str, Any]:
        """The message that answers this call with the tool's `result`: a text, a part, a list of parts, or a value.

        A value goes as JSON; it may have in it what tools' parameters may be (dataclasses, pydantic models, dates, …).
        `is_error`: the tool failed, and `result` says how. Raises InvalidRequest for a value that JSON cannot carry.
        """
        results = result if isinstance(result, (list, tuple)) and result else [result]
        content: Any
        if all(isinstance(part, Part) for part in results):
            content = list(results)
        else:  # a str goes as it is: as JSON, the model would read it in quotes and with escapes
            content = result if isinstance(result, str) else self._written(result)
        message = {"role": "tool", "name": self.name, "content": content}
        if is_error:
            message["is_error"] = True
        # Gemini's and Ollama's calls may have no id: there the tool's name says which call is answered.
        return message if self.id is None else {**message, "tool_call_id": self.id}

    def _written(self, result: Any) -> str:
        from .annotations import plain_of  # imported here, as for `invoke`

        return dump_json(result, f"the result of the tool {self.name!r}", plain_of).decode()


def extra_fields(call: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fields of a call of OpenAI's chat wire that are not among CALL_FIELDS; None for no such fields."""
    if call.keys() <= CALL_FIELDS:  # nearly always
        return None
    return {name: value for name, value in call.items() if name not in CALL_FIELDS and value is not None} or None
