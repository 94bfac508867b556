"""JSON Schemas made fit for vendors that take only a part of the language; the user's own schema stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import NoneType
from typing import Any

from ..errors import InvalidRequest, safe_repr

_NOTES = ("$defs", "definitions", "title", "description")
_Fit = Callable[[Any, str], Any]  # of a schema, and of its place in the whole one
# "Some type-specific keywords are not yet supported" by OpenAI's strict mode, and compositions but anyOf
_NEVER_STRICT = (
    "allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
    "unevaluatedProperties", "propertyNames", "minProperties", "maxProperties", "unevaluatedItems", "contains",
    "minContains", "maxContains", "uniqueItems",
)  # fmt: skip
# platform.claude.com/docs/en/build-with-claude/structured-outputs, JSON Schema limitations
_FORMATS = (
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
)  # fmt: skip
_ENUMS = {str: "string", int: "integer", float: "number"}  # of values of other types, Gemini takes no enum


def strict_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` for OpenAI's strict mode, as OpenAI's own SDK makes it: objects are closed, all properties required.

    developers.openai.com/api/docs/guides/structured-outputs, supported schemas. Raises InvalidRequest for what strict
    mode does not take, for a `$ref` that leads nowhere, and for endless nesting.
    """
    fit = _guarded(lambda: _strict(schema, schema, "#"))
    if fit.get("type") != "object" or "anyOf" in fit:
        raise InvalidRequest("strict mode takes a JSON Schema of the type 'object' that is no choice (anyOf) itself")
    return fit


def _strict(schema: Any, root: Mapping[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise InvalidRequest(f"strict mode takes a JSON Schema that is an object at {place}, not {safe_repr(schema)}")
    # A `$ref` stands alone in strict mode: beside other keywords, what it names takes its place.
    if len(schema) > 1 and (whole := _in_place(schema, root)) is not schema:
        return _strict(whole, root, place)
    match schema:
        case {"allOf": [Mapping() as only], **rest} if not only.keys() & rest.keys() - {"title", "description"}:
            return _strict({**rest, **only}, root, place)
        case {"oneOf": choices, **rest} if "anyOf" not in rest:
            schema = {**rest, "anyOf": choices}
    out = _mapped(schema, lambda inner, at: _strict(inner, root, at), place)
    if "object" in _kinds(out, place):
        _close(out, place)
    if out.get("default", "") is None:
        del out["default"]
    return out


def _kinds(out: dict[str, Any], place: str) -> list[Any]:
    """The types of a strict schema. Raises InvalidRequest for what strict mode does not take."""
    if wrong := [key for key in _NEVER_STRICT if key in out]:
        raise InvalidRequest(f"strict mode takes no {wrong[0]} in a JSON Schema, as at {place}: leave it or strict out")
    if not out.keys() & {"type", "properties", "enum", "const", "anyOf", "$ref"}:
        raise InvalidRequest(f"strict mode needs a type, an enum or an anyOf in the JSON Schema at {place}")
    kind = out.setdefault("type", "object") if "properties" in out else out.get("type")
    kinds = list(kind) if isinstance(kind, (list, tuple)) else [kind]
    if "array" in kinds and not isinstance(out.get("items"), Mapping):
        raise InvalidRequest(f"strict mode needs the items of the array in the JSON Schema at {place}")
    return kinds


def _close(out: dict[str, Any], place: str) -> None:
    if out.setdefault("additionalProperties", "properties" not in out) is not False:
        raise _any_keys("strict mode", place)
    if isinstance(out.get("properties"), dict):
        out["required"] = list(out["properties"])


def _any_keys(whose: str, place: str) -> InvalidRequest:
    return InvalidRequest(
        f"{whose} takes no object of any keys (additionalProperties), as at {place} in the JSON Schema: "
        "name the properties, or ask for a list of objects with a key and a value"
    )


def _in_place(schema: Any, root: Mapping[str, Any]) -> Any:
    """`schema` with what its `$ref` names in the place of the `$ref`."""
    match schema:
        case {"$ref": str(ref), **rest}:
            found: Any = root
            for step in ref.removeprefix("#").strip("/").split("/"):
                name = step.replace("~1", "/").replace("~0", "~")  # RFC 6901 4
                found = found.get(name) if isinstance(found, Mapping) and ref.startswith("#/") else None
            if not isinstance(found, Mapping):
                raise InvalidRequest(f"the schema's $ref {ref!r} leads nowhere in it: use '#/$defs/…'")
            return {**found, **rest}
    return schema


def claude_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` for Claude's structured outputs and strict tools, nearly as Anthropic's own SDK makes it.

    Objects are closed; keywords that the API rejects (`minimum`, `maxLength`, …) go into the description, where the
    model still reads them. What stands beside a `$ref` is kept with what the `$ref` names in its place; several types
    are alternatives. Raises InvalidRequest for endless nesting, for a schema that names itself, and for what would
    leave the model no answer: a schema without a type, and an object of any keys.
    """
    fit = _guarded(lambda: _claude(schema, schema, "#"))
    _check_ends(fit, fit, (), set())
    return fit


def _check_ends(schema: Any, root: Mapping[str, Any], path: tuple[str, ...], ended: set[str]) -> None:
    """Raises InvalidRequest for a `$ref` that leads to itself: the API takes no recursive schemas."""
    for ref in _refs(schema):
        if ref in path or ref == "#":
            raise InvalidRequest(
                f"for Claude, no JSON Schema names itself, as {ref!r} does: write it out to the depth that is needed"
            )
        if ref not in ended:
            _check_ends(_in_place({"$ref": ref}, root), root, (*path, ref), ended)
            ended.add(ref)


def _refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(ref := schema.get("$ref"), str):
            yield ref
        schema = list(schema.values())
    for inner in schema if isinstance(schema, (list, tuple)) else ():
        yield from _refs(inner)


def _claude(schema: Any, root: Mapping[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(schema, Mapping):
        raise InvalidRequest(
            f"for Claude, a JSON Schema is an object at every place, not {safe_repr(schema)} at {place}"
        )
    if (plainer := _plainer(schema, root)) is not schema:
        return _claude(plainer, root, place)
    rest = _mapped(schema, lambda inner, at: _claude(inner, root, at), place)
    rest.pop("$schema", None)
    out: dict[str, Any] = {key: rest.pop(key) for key in _NOTES if key in rest}
    if "$ref" in rest:
        return {**out, "$ref": rest["$ref"]}
    kind = rest.pop("type", "object" if "properties" in rest else None)
    which = _which(kind, rest)
    if not which:
        raise InvalidRequest(f"for Claude, the JSON Schema at {place} needs a type, an enum or an anyOf")
    out |= which | _kept(kind, rest, place)
    if rest:
        said = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False, default=str)}" for key, value in rest.items())
        out["description"] = f"{out.get('description', '')}\n\n{{{said}}}".strip()
    return out


def _plainer(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """`schema` in a form nearer to the API's: one type at a place, nothing beside a `$ref`, and none in an allOf."""
    match schema:
        case {"$ref": str(), **rest} if rest.keys() - {"$defs", "definitions"}:
            return _in_place(schema, root)
        case {"allOf": [Mapping() as only], **rest} if not only.keys() & rest.keys() - {"title", "description"}:
            return {**only, **rest}
        case {"allOf": [*parts]} if any(isinstance(part, Mapping) and "$ref" in part for part in parts):
            return {**schema, "allOf": [_in_place(part, root) for part in parts]}
        case {"type": [*kinds], **rest} if not _literals(rest):
            return _one_type_each(kinds, rest)
    return schema


def _one_type_each(kinds: list[Any], rest: dict[str, Any]) -> dict[str, Any]:
    notes = {key: rest.pop(key) for key in _NOTES if key in rest}
    return {**notes, "anyOf": [{"type": one} if one == "null" else {**rest, "type": one} for one in kinds]}


def _which(kind: Any, rest: dict[str, Any]) -> dict[str, Any]:
    """What says which values there are: the values, else a choice of schemas, else a type. It is taken from `rest`."""
    if keys := _literals(rest) or [key for key in ("anyOf", "oneOf", "allOf") if key in rest][:1]:
        return {"anyOf" if key == "oneOf" else key: rest.pop(key) for key in keys}
    return {"type": kind} if isinstance(kind, str) else {}


def _literals(schema: Mapping[str, Any]) -> list[str]:
    """Those of the keywords enum and const whose values the API takes: texts, numbers, booleans and null."""
    found = []
    for key, values in (("enum", schema.get("enum")), ("const", [schema["const"]] if "const" in schema else [])):
        match values:
            case [_, *_] if all(isinstance(value, (str, int, float, NoneType)) for value in values):
                found.append(key)
    return found


def _kept(kind: Any, rest: dict[str, Any], place: str) -> dict[str, Any]:
    """Those of the keywords for a type that the API takes. They are taken from `rest`."""
    if kind == "object":
        return _object(rest, place)
    takes: list[str] = []
    if kind == "array":
        takes = ["items", "minItems"] if rest.get("minItems") in (0, 1) else ["items"]
    elif kind == "string" and rest.get("format") in _FORMATS:
        takes = ["format"]
    return {key: rest.pop(key) for key in takes if key in rest}


def _object(rest: dict[str, Any], place: str) -> dict[str, Any]:
    others = rest.pop("additionalProperties", "properties" not in rest)
    if others and not rest.get("properties"):
        raise _any_keys("Claude", place)
    if isinstance(others, Mapping):
        rest["additionalProperties"] = others
    required = {"required": rest.pop("required")} if "required" in rest else {}
    return {"properties": rest.pop("properties", {}), "additionalProperties": False, **required}


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` for Gemini, where `const` is an `enum` of one value, and a `$ref` has no other keyword beside it.

    ai.google.dev/api/generate-content#generationconfig, responseJsonSchema. Raises InvalidRequest for endless nesting.
    """
    return _guarded(lambda: _gemini(schema))


def _gemini(schema: Any, place: str = "") -> Any:
    if not isinstance(schema, Mapping):
        return schema
    out = _mapped(schema, _gemini, place)
    if isinstance(out.get("additionalProperties"), Mapping):
        out["additionalProperties"] = _gemini(out["additionalProperties"])
    if (kind := _ENUMS.get(type(out.get("const")))) is not None:
        out["enum"] = [out.pop("const")]
        out.setdefault("type", kind)
    if "$ref" in out and "anyOf" not in out and any(not key.startswith("$") for key in out):
        out["anyOf"] = [{"$ref": out.pop("$ref")}]
    return out


def _mapped(schema: Mapping[str, Any], fit: _Fit, place: str) -> dict[str, Any]:
    """A copy of `schema` with `fit` of each schema that stands within it."""
    out = dict(schema)
    for key in ("properties", "$defs", "definitions"):
        if isinstance(out.get(key), Mapping):
            out[key] = {name: fit(inner, f"{place}/{key}/{name}") for name, inner in out[key].items()}
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if isinstance(out.get(key), (list, tuple)):
            out[key] = [fit(inner, f"{place}/{key}/{n}") for n, inner in enumerate(out[key])]
    if isinstance(out.get("items"), Mapping):
        out["items"] = fit(out["items"], f"{place}/items")
    return out


def _guarded(make: Callable[[], Any]) -> dict[str, Any]:
    try:
        return dict(make())
    except RecursionError:
        raise InvalidRequest("the JSON Schema is nested endlessly, or a $ref in it names itself") from None
