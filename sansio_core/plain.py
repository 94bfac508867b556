"""Plain JSON values: what events, replies and errors have in common as such, and their text.

    an event    {"type": its class's name, and its fields}; a UsageReport has `input`, `output` and `total`, too
    an error    {"class": its class's name, "bases": those of its bases, "message": its str, and its attributes}
    a reply     its parts by their names: "text", "tool_calls", "usage", "complete", … ; "other_choices" if `n` asked
                for them

The command prints the same: a line for each event with --events, and with --json a reply, with its "error" or null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEEPEST = 200  # levels that a text keeps of a value which json.dumps cannot write


class Plain:
    """What has a form of plain JSON values, to be stored, logged or sent on; `from_dict` reads it back.

    The form is stable: keys may be added, and whoever reads it passes over those that he does not know.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """The dict of plain JSON values; a new one, but for what is nested in a `raw` of the wire."""
        raise NotImplementedError

    def to_json(self) -> str:
        """`to_dict` as JSON text on one line; characters beyond ASCII stay as they are."""
        return json_text(self.to_dict())


def json_text(value: Any, *, ascii: bool = False) -> str:
    """`value` as JSON text on one line, always: for what JSON lacks there is null (NaN, infinity) or a type's name."""
    import json  # imported here: whoever wants an error's class alone needs none

    try:
        text = json.dumps(value, ensure_ascii=ascii, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        text = json.dumps(_written(value, _DEEPEST), ensure_ascii=ascii)
    # Half a surrogate pair has no UTF-8 form. As an escape, which backslashreplace writes as JSON does, it has one.
    return text.encode("utf-8", "backslashreplace").decode()


def _written(value: Any, levels: int) -> Any:
    match value:
        case str() | int() | None:
            return value
        case float():
            return value if abs(value) < float("inf") else None
        case Mapping() if levels:
            return {str(name): _written(inner, levels - 1) for name, inner in value.items()}
        case list() | tuple() if levels:
            return [_written(inner, levels - 1) for inner in value]
    return f"({type(value).__name__})"
