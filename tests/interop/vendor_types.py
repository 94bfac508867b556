"""A vendor's own types, read from its SDK, as a judge of JSON: what a value has that the type has not, and lacks.

The types are TypedDicts and pydantic models. pydantic itself is too kind a judge: it takes an Iterable without looking
into it, lets unknown fields pass, and of a union it names the faults under every member.
"""

from __future__ import annotations

import base64
import binascii
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import typing_extensions

LISTS = (list, Iterable, Sequence, tuple, set)
OPEN = (object, Any)
"""Types that take any value."""


class Fault(NamedTuple):
    """Where a value breaks its type, and how: `said` goes on after the path, or after the value."""

    path: str
    said: str
    value: str = ""


class Field(NamedTuple):
    """A field of an object on the wire."""

    kind: Any
    required: bool


def origin_of(kind: Any) -> Any:
    """`kind` without its arguments, as list for list[int]; None for a type that has none."""
    return typing_extensions.get_origin(kind)


def bare(kind: Any) -> Any:
    """`kind` without what only describes it: Annotated, Required, NotRequired, ReadOnly."""
    described = (
        typing.Annotated,
        typing_extensions.Required,
        typing_extensions.NotRequired,
        typing_extensions.ReadOnly,
    )
    while origin_of(kind) in described:
        kind = typing_extensions.get_args(kind)[0]
    return getattr(kind, "__value__", kind)


def is_model(kind: Any) -> bool:
    """Whether `kind` is a model of pydantic, which is only there if an SDK is."""
    return isinstance(kind, type) and hasattr(kind, "model_fields")


def is_object(kind: Any) -> bool:
    """Whether `kind` has named fields."""
    return is_model(kind) or bool(typing_extensions.is_typeddict(kind))


@cache
def fields_of(kind: Any) -> Mapping[str, Field]:
    """The fields of a TypedDict or a model by their names on the wire."""
    if is_model(kind):
        return {f.alias or name: Field(bare(f.annotation), f.is_required()) for name, f in kind.model_fields.items()}
    found = {}
    for name, hint in typing_extensions.get_type_hints(kind, include_extras=True).items():
        # not by __required_keys__ alone, which does not see a Required in an annotation that is a string
        word = origin_of(hint)
        required = word is typing_extensions.Required or (
            word is not typing_extensions.NotRequired and name in kind.__required_keys__
        )
        found[name] = Field(bare(hint), required)
    return found


@cache
def members_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union, of unions in it too; of any other type, that alone."""
    kind = bare(kind)
    if origin_of(kind) not in (typing.Union, types.UnionType):
        return (kind,)
    found = [member for arg in typing_extensions.get_args(kind) for member in members_of(arg)]
    # Beside a model, an SDK takes a mapping from users who do not want to build the model: it means the same fields.
    if any(is_object(member) for member in found):
        found = [member for member in found if not _is_open_mapping(member)]
    return tuple(dict.fromkeys(found))


def _is_open_mapping(kind: Any) -> bool:
    return origin_of(kind) is Mapping and typing_extensions.get_args(kind)[1] in OPEN


@cache
def literals_of(kind: Any) -> Mapping[str, frozenset[Any]]:
    """The fields of an object that can have certain words alone: they tell the members of a union apart."""
    found = {}
    for name, field in fields_of(kind).items():
        members = [member for member in members_of(field.kind) if member is not type(None)]
        if all(origin_of(member) is typing.Literal for member in members):
            found[name] = frozenset(word for member in members for word in typing_extensions.get_args(member))
    return found


def name_of(kind: Any) -> str:
    """A type in a message."""
    if origin_of(kind) is typing.Literal:
        return " | ".join(map(repr, typing_extensions.get_args(kind)))
    return getattr(kind, "__name__", None) or str(kind)


class Judge:
    """Says what is wrong with JSON by a vendor's types.

    `instead` has the types that stand on the wire for an SDK's own; `wider` fields that the wire has, by their object's
    name and their own, where the SDK has none or a narrower one; `used` those of them that were needed.
    """

    def __init__(
        self, instead: Mapping[Any, Any] | None = None, wider: Mapping[tuple[str, str], Any] | None = None
    ) -> None:
        self.instead = instead or {}
        self.wider = wider or {}
        self.used: set[tuple[str, str]] = set()

    def faults(self, value: Any, kind: Any, path: str = "") -> list[Fault]:
        """What of `value` is not as `kind` says; none where it is."""
        members = members_of(kind)
        if len(members) > 1:
            return self._of_union(value, members, path)
        kind = self.instead.get(members[0], members[0])
        if kind in OPEN:
            return []
        if is_object(kind):
            return self._of_object(value, kind, path)
        origin = origin_of(kind) or kind
        if origin in LISTS:
            return self._of_list(value, kind, path)
        if origin in (dict, Mapping):
            return self._of_mapping(value, kind, path)
        return [] if _is_scalar(value, kind) else [Fault(path, f"is no {name_of(kind)}", _short(value))]

    def _of_union(self, value: Any, members: Sequence[Any], path: str) -> list[Fault]:
        """None if a member takes the value; else the faults under the member that was most likely meant."""
        near = [(distance, member) for member in members if (distance := _distance(value, member)) < FAR]
        nearest: tuple[int, list[Fault]] | None = None
        for distance, member in sorted(near, key=lambda row: row[0]):
            found = self.faults(value, member, path)
            if not found:
                return []
            if nearest is None or (distance, len(found)) < (nearest[0], len(nearest[1])):
                nearest = distance, found
        names = ", ".join(sorted(map(name_of, members))) if len(members) < 6 else f"{len(members)} types"
        return nearest[1] if nearest else [Fault(path, f"is none of {names}", _short(value))]

    def _of_object(self, value: Any, kind: Any, path: str) -> list[Fault]:
        if not isinstance(value, dict):
            return [Fault(path, f"is no {name_of(kind)}", _short(value))]
        fields = self._fields(kind, value)
        if (word := fields.get("type")) and "type" in value and (wrong := self.faults(value["type"], word.kind)):
            return [
                Fault(f"{path}.type", wrong[0].said, wrong[0].value)
            ]  # it is another object: its other fields prove nothing
        found = [Fault(f"{path}.{name}", f"is no field of {name_of(kind)}") for name in value if name not in fields]
        for name, field in fields.items():
            if name in value:
                found += self.faults(value[name], field.kind, f"{path}.{name}")
            elif field.required:
                found.append(Fault(f"{path}.{name}", f"is missing in {name_of(kind)}"))
        return found

    def _fields(self, kind: Any, value: dict[str, Any]) -> Mapping[str, Field]:
        rows = {key: self.wider[key] for name in value if (key := (name_of(kind), name)) in self.wider}
        self.used |= rows.keys()
        return (
            {**fields_of(kind), **{name: Field(wide, False) for (_, name), wide in rows.items()}}
            if rows
            else fields_of(kind)
        )

    def _of_list(self, value: Any, kind: Any, path: str) -> list[Fault]:
        if not isinstance(value, list):
            return [Fault(path, "is no list", _short(value))]
        args = typing_extensions.get_args(kind)
        return [
            fault
            for i, item in enumerate(value)
            for fault in self.faults(item, args[0] if args else Any, f"{path}[{i}]")
        ]

    def _of_mapping(self, value: Any, kind: Any, path: str) -> list[Fault]:
        if not isinstance(value, dict):
            return [Fault(path, "is no object", _short(value))]
        args = typing_extensions.get_args(kind)
        inside = args[1] if args else Any
        return [fault for name, item in value.items() for fault in self.faults(item, inside, f"{path}.{name}")]


FAR = 100
"""The distance of a member that cannot have been meant."""


def _distance(value: Any, member: Any) -> int:
    """How far a value is from a member of a union by its JSON type and by the words that tell the members apart."""
    if member in OPEN:
        return 0
    if isinstance(value, dict):
        if not is_object(member):
            return 1 if (origin_of(member) or member) in (dict, Mapping) else FAR
        literals = literals_of(member)
        wrong = [name for name in literals if name in value and not _is_one_of(value[name], literals[name])]
        missing = [name for name in literals if name not in value and fields_of(member)[name].required]
        # a word of `type` or `role` says what was meant, more surely than any other
        return (FAR if {"type", "role"} & {*wrong, *missing} else 0) + 10 * len(wrong) + len(missing)
    if isinstance(value, list):
        return 0 if (origin_of(member) or member) in LISTS else FAR
    return FAR if is_object(member) or (origin_of(member) or member) in (*LISTS, dict, Mapping) else 1


def _is_one_of(value: Any, words: Iterable[Any]) -> bool:
    return any(type(value) is type(word) and value == word for word in words)


def _is_scalar(value: Any, kind: Any) -> bool:
    """Whether a value is of a type that is no object and no list. Strictly: no "1" for 1, no True for 1."""
    if origin_of(kind) is typing.Literal:
        return _is_one_of(value, typing_extensions.get_args(kind))
    if kind in (None, type(None)):
        return value is None
    if kind is float:
        return type(value) in (int, float)
    if kind is bytes:
        return isinstance(value, str) and is_base64(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        # The SDK of Google, which alone has enumerations, takes their words in either case, as does its API.
        return isinstance(value, str) and value.upper() in {word.value.upper() for word in kind}
    if kind is datetime:
        return isinstance(value, str)
    return kind in (str, int, bool) and type(value) is kind


def is_base64(text: str) -> bool:
    try:
        base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return False
    return True


def _short(value: Any) -> str:
    """A value in a message: an object by the words that tell what it is."""
    if isinstance(value, dict):
        said = {name: value[name] for name in ("type", "role") if name in value}
        return f"an object of {said or sorted(value)}"
    return repr(value) if len(repr(value)) < 60 else f"{type(value).__name__} of {len(value)}"
