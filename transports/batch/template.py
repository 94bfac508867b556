"""Template: a prompt with places for the fields of a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sansio_core import InvalidRequest
from sansio_core.errors import suggestion
from sansio_core.plain import json_text
from sansio_core.redact import excerpt

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
# str.format reads these as an attribute, an index, a conversion and a format spec: none of it is a row's business.
_FORMATTING = re.compile(r"[.\[\]!:]")


class Template:
    """A prompt with `{field}` for the fields of a row; `{{` and `}}` are braces. Nothing else of str.format is read.

    Raises InvalidRequest for any other brace, and for a template without a field: every row would ask the same.
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidRequest(f"a template is a str, not {type(text).__name__}")
        self._pieces: list[tuple[str, str]] = []  # a text, and the field that follows it
        self._end = ""
        at = 0
        for found in _BRACES.finditer(text):
            self._end += text[at : found.start()]
            at = found.end()
            if found[0] in ("{{", "}}"):
                self._end += found[0][0]
            else:
                self._pieces.append((self._end, _field(found, text)))
                self._end = ""
        self._end += text[at:]
        self.fields = frozenset(field for _, field in self._pieces)
        """The names of the fields that it takes."""
        if not self.fields:
            raise InvalidRequest("the template names no field of a row, as {text} does: every row would ask the same")

    def fill(self, fields: Mapping[str, Any]) -> str:
        """The prompt for a row with these `fields`; a value that is no text goes as JSON.

        Raises InvalidRequest for a field that is missing, or has no value: null, or what a table's empty cell gives.
        """
        filled = []
        for before, name in self._pieces:
            value = fields.get(name)
            if _is_missing(value):
                raise InvalidRequest(_missing(name, fields))
            filled += [before, _text(value)]
        return "".join([*filled, self._end])


def _field(found: re.Match[str], text: str) -> str:
    name, where = found[1], f"in the template, at character {found.start() + 1}, "
    if name is None:
        near = excerpt(text[found.start() :][:30])
        raise InvalidRequest(f"{where}a single {found[0]!r} near {near!r}: for a brace as such write {found[0] * 2!r}")
    if not name.strip():
        raise InvalidRequest(f"{where}{{}} names no field: write {{text}}, for the field `text`")
    if _FORMATTING.search(name):
        raise InvalidRequest(
            f"{where}{{{excerpt(name)}}} is more than the name of a field, which is all that stands in braces; "
            "for braces as such write {{ and }}"
        )
    return name


def _is_missing(value: object) -> bool:
    if isinstance(value, float):
        return value != value
    return value is None or type(value).__name__ in ("NAType", "NaTType")  # pandas' own


def _text(value: object) -> str:
    """What stands for `value` in a prompt."""
    match value:
        case str():
            return value
        case bool() | int() | float() | list() | tuple() | Mapping():
            return json_text(value)
    return str(value)  # JSON has no form of it, as of a date


def _missing(name: str, fields: Mapping[str, Any]) -> str:
    if name in fields:
        return f"its field {name!r}, which the template names, has no value"
    names = list(map(str, fields))
    there = excerpt(", ".join(names) or "none")
    return f"it has no field {name!r}, which the template names{suggestion(name, names)}; its fields: {there}"
