"""JSON Schemas made fit for vendors that take only a part of the language; the user's own schema stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InvalidRequest

_Fit = Callable[[Any], Any]
# platform.claude.com/docs/en/build-with-claude/structured-outputs, JSON Schema limitations
_CLAUDE_FORMATS = (
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
)  # fmt: skip
_ENUMS = {str: "string", int: "integer", float: "number"}  # of values of other types, Gemini takes no enum
_CLAUDE_KEEPS = ("title", "description", "enum", "const", "$ref", "required")


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` for OpenAI's strict mode, as OpenAI's own SDK makes it: objects are closed, all properties required.

    developers.openai.com/api/docs/guides/structured-outputs, supported schemas. Raises InvalidRequest for a `$ref` that
    leads nowhere, and for endless nesting.
    """
    return _guarded(lambda: _strict(schema, schema))


def _strict(schema: Any, root: Mapping[str, Any]) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    # A `$ref` stands alone in strict mode: beside other keywords, what it names takes its place.
    if len(schema) > 1 and isinstance(schema.get("$ref"), str):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _strict({**_resolved(schema["$ref"], root), **rest}, root)
    out = _mapped(schema, lambda inner: _strict(inner, root))
    match out.get("allOf"):
        case [Mapping() as only]:
            del out["allOf"]
            out |= only
    if out.get("type") == "object":
        out.setdefault("additionalProperties", False)
    if isinstance(out.get("properties"), dict):
        out["required"] = list(out["properties"])
    if "default" in out and out["default"] is None:
        del out["default"]
    return out


def _resolved(ref: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = root
    for step in ref.removeprefix("#").strip("/").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")  # RFC 6901 4
        found = found.get(name) if isinstance(found, Mapping) and ref.startswith("#/") else None
    if not isinstance(found, Mapping):
        raise InvalidRequest(f"the schema's $ref {ref!r} leads nowhere in it: use '#/$defs/…'")
    return found


def claude_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` for Claude's structured outputs and strict tools, as Anthropic's own SDK makes it.

    Objects are closed; keywords that the API rejects (`minimum`, `maxLength`, …) go into the description, where the
    model still reads them. Raises InvalidRequest for endless nesting.
    """
    return _guarded(lambda: _claude(schema))


def _claude(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    inner = _mapped(schema, _claude)
    if isinstance(inner.get("type"), (list, tuple)):  # the API takes one type: several are alternatives
        kinds = inner.pop("type")
        inner["anyOf"] = [_claude({**inner, "type": kind}) for kind in kinds] + list(inner.pop("anyOf", ()))
        return {key: inner[key] for key in ("$defs", "definitions", "title", "description", "anyOf") if key in inner}
    out = {key: inner.pop(key) for key in (*_CLAUDE_KEEPS, "$defs", "definitions", "type") if key in inner}
    if alternatives := [*inner.pop("anyOf", ()), *inner.pop("oneOf", ())]:
        out["anyOf"] = alternatives
    if "allOf" in inner:
        out["allOf"] = inner.pop("allOf")
    if out.get("type") == "object" or "properties" in inner:
        out |= {"type": "object", "properties": inner.pop("properties", {}), "additionalProperties": False}
        inner.pop("additionalProperties", None)
    if "items" in inner:
        out["items"] = inner.pop("items")
    if inner.get("minItems") in (0, 1):
        out["minItems"] = inner.pop("minItems")
    if inner.get("format") in _CLAUDE_FORMATS:
        out["format"] = inner.pop("format")
    inner.pop("$schema", None)
    if inner:
        said = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in inner.items())
        out["description"] = f"{out.get('description', '')}\n\n{{{said}}}".strip()
    return out


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` for Gemini, where `const` is an `enum` of one value, and a `$ref` has no other keyword beside it.

    ai.google.dev/api/generate-content#generationconfig, responseJsonSchema. Raises InvalidRequest for endless nesting.
    """
    return _guarded(lambda: _gemini(schema))


def _gemini(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    out = _mapped(schema, _gemini)
    if isinstance(out.get("additionalProperties"), Mapping):
        out["additionalProperties"] = _gemini(out["additionalProperties"])
    if (kind := _ENUMS.get(type(out.get("const")))) is not None:
        out["enum"] = [out.pop("const")]
        out.setdefault("type", kind)
    if "$ref" in out and "anyOf" not in out and any(not key.startswith("$") for key in out):
        out["anyOf"] = [{"$ref": out.pop("$ref")}]
    return out


def _mapped(schema: Mapping[str, Any], fit: _Fit) -> dict[str, Any]:
    """A copy of `schema` with `fit` of each schema that stands within it."""
    out = dict(schema)
    for key in ("properties", "$defs", "definitions"):
        if isinstance(out.get(key), Mapping):
            out[key] = {name: fit(inner) for name, inner in out[key].items()}
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(out.get(key), (list, tuple)):
            out[key] = [fit(inner) for inner in out[key]]
    if isinstance(out.get("items"), Mapping):
        out["items"] = fit(out["items"])
    return out


def _guarded(make: Callable[[], Any]) -> dict[str, Any]:
    try:
        return dict(make())
    except RecursionError:
        raise InvalidRequest("the JSON Schema is nested endlessly, or a $ref in it names itself") from None
