"""Examples of a vendor's type, read from its SDK: every field filled, every member of every union once.

Each text and number is another one, so that it can be found again in what a parser made of the example.
"""

from __future__ import annotations

import base64
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

import typing_extensions
from vendor_types import LISTS, OPEN, bare, fields_of, is_object, members_of, name_of, origin_of

Site = tuple[str, tuple[str, ...]]
"""Where an example has a choice, and the names of what can be chosen there."""


class Leaf(NamedTuple):
    """A value in an example. `unique`: no other is alike; else it is a word of the vendor's, or true."""

    path: str
    name: str
    value: Any
    unique: bool


@dataclass(frozen=True)
class Rules:
    """What an SDK's types do not say of the wire, by the names of a type and of its field.

    `absent`: fields that are not there; `fixed`: fields that have this value; `one_of`: fields of which there is one at
    a time; `closed`: fields within which the first member of each union is enough; `instead`: the types that stand on
    the wire for an SDK's own.
    """

    absent: frozenset[tuple[str, str]] = frozenset()
    fixed: Mapping[tuple[str, str], Any] = field(default_factory=dict)
    one_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    instead: Mapping[Any, Any] = field(default_factory=dict)


class Example:
    """One value of a type: `value`, the `leaves` in it, and the `sites` where another choice gives another value."""

    def __init__(self, kind: Any, picks: Mapping[Site, int], rules: Rules) -> None:
        self.rules = rules
        self.picks = picks
        self.leaves: list[Leaf] = []
        self.sites: list[Site] = []
        self._within: list[Any] = []  # the types around the one that is made: none of them is made in itself again
        self.value = self._make(kind, "", "value")

    @property
    def label(self) -> str:
        """What was chosen in it."""
        chosen = [site for site in self.sites if site in self.picks] or self.sites[:1]
        # with no sign that pytest's -k cannot read
        told = "+".join(f"{path[1:]}:{names[self.picks.get((path, names), 0)]}" for path, names in chosen)
        return told.replace("[]", "").replace(".*", "")

    def _make(self, kind: Any, path: str, name: str) -> Any:
        members = [self.rules.instead.get(m, m) for m in members_of(kind) if m is not type(None)]
        # Of several scalars, as a word of the vendor's or any text, one is enough: nothing reads them differently.
        shaped = [member for member in members if is_object(member) or _is_list(member)]
        chosen = self._pick(path, [name_of(m) for m in shaped]) if len(shaped) > 1 else 0
        kind = shaped[chosen] if shaped else str if str in members else members[0]
        if is_object(kind):
            return self._object(kind, path)
        if _is_list(kind):
            return [self._make(typing_extensions.get_args(kind)[0], f"{path}[]", name)]
        if (origin_of(kind) or kind) in (dict, Mapping):
            args = typing_extensions.get_args(kind)
            return {"key": self._make(args[1] if args else str, f"{path}.key", "key")}
        return self._leaf(kind, path, name)

    def _pick(self, path: str, names: list[str]) -> int:
        """Which of the members with these names stands at `path`."""
        if self.rules.closed & set(path.replace("[]", "").split(".")):
            return 0
        site = path, tuple(names)
        self.sites.append(site)
        return self.picks.get(site, 0)

    def _object(self, kind: Any, path: str) -> Any:
        owner, made = name_of(kind), {}
        left_out = set(self.rules.one_of.get(owner, ()))
        if left_out:
            choices = sorted(left_out)
            left_out.discard(choices[self._pick(f"{path}.*", choices)])
        self._within.append(kind)
        for name, row in fields_of(kind).items():
            if name in left_out or (owner, name) in self.rules.absent or self._returns(row.kind):
                continue
            here = f"{path}.{name}"
            if (owner, name) in self.rules.fixed:
                made[name] = self.rules.fixed[owner, name]
                self.leaves.append(Leaf(here, name, made[name], False))
            else:
                made[name] = self._make(row.kind, here, name)
        self._within.pop()
        return made

    def _returns(self, kind: Any) -> bool:
        """Whether a field's type is one of those around it, as a schema's items are schemas."""
        kind = bare(kind)
        inside = typing_extensions.get_args(kind)
        return any(kind is outer for outer in self._within) or any(self._returns(arg) for arg in inside)

    def _leaf(self, kind: Any, path: str, name: str) -> Any:
        number = 1000 + len(self.leaves)
        value: Any
        if origin_of(kind) is typing.Literal:
            words = typing_extensions.get_args(kind)
            value = "completed" if "completed" in words else words[0]
            if len(words) > 1:  # a single word, as most `type`s are, is no news: the kind of the example says it
                self.leaves.append(Leaf(path, name, value, False))
            return value
        if isinstance(kind, type) and issubclass(kind, Enum):
            words = [word.value for word in kind if not str(word.value).endswith("UNSPECIFIED")]
            value = words[0]
        elif kind is bool:
            value = True
        elif kind is int:
            value = number
        elif kind is float:
            value = number + 0.25
        elif kind is bytes:
            value = base64.b64encode(f"{name}{number}".encode()).decode()
        else:
            assert kind in (str, datetime, *OPEN), kind
            value = f"{name}{number}"
        self.leaves.append(Leaf(path, name, value, value is not True and not isinstance(kind, type(Enum))))
        return value


def _is_list(kind: Any) -> bool:
    return (origin_of(kind) or kind) in LISTS


def examples(kind: Any, rules: Rules) -> Iterator[Example]:
    """Examples of a type with each choice once; in a choice's members, with each of their choices once."""
    waiting: list[dict[Site, int]] = [{}]
    seen: set[Site] = set()
    while waiting:
        picks = waiting.pop(0)
        example = Example(kind, picks, rules)
        yield example
        for site in example.sites:
            if site not in seen:
                seen.add(site)
                waiting += [{**picks, site: i} for i in range(1, len(site[1]))]
