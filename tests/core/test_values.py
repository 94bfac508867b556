"""Immutable values: whatever can be done with them gives what it gives for a frozen dataclass with slots."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from sansio_core._values import field, immutable, names, replace


@immutable
class Ours:
    """One."""

    text: str
    choice: int = 0
    secret: str = field(default="s", repr=False)
    raw: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.choice < 0:
            raise ValueError(self.choice)

    @property
    def loud(self) -> str:
        """Its text in capitals."""
        return self.text.upper()


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """One."""

    text: str
    choice: int = 0
    secret: str = dataclasses.field(default="s", repr=False)
    raw: dict[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.choice < 0:
            raise ValueError(self.choice)

    @property
    def loud(self) -> str:
        return self.text.upper()


@immutable
class Empty:
    """None."""


@immutable
class Single:
    """A field alone."""

    value: Any


def outcome(work: Callable[[Any], Any], kind: type) -> str:
    try:
        return repr(work(kind)).replace("Theirs", "Ours")
    except (TypeError, ValueError, AttributeError) as error:
        return f"{type(error).__name__}: {error}".replace("Theirs", "Ours")


def change(one: Any) -> None:
    one.text = "b"


def remove(one: Any) -> None:
    del one.choice


@pytest.mark.parametrize(
    "work",
    [
        lambda kind: kind("a"),
        lambda kind: kind("a", 2, raw={"x": 1}),
        lambda kind: kind(),
        lambda kind: kind("a", other=1),
        lambda kind: kind("a", -1),
        lambda kind: kind("a") == kind("a"),
        lambda kind: kind("a") == kind("b"),
        lambda kind: kind("a") != kind("a"),
        lambda kind: kind("a") == ("a", 0, "s", {}),
        lambda kind: kind("a").raw is kind("a").raw,
        lambda kind: hash(kind("a")),
        lambda kind: hash(kind("a", raw=())) == hash(kind("a", raw=())),
        lambda kind: change(kind("a")),
        lambda kind: remove(kind("a")),
        lambda kind: kind("a").loud,
        lambda kind: kind.__match_args__,
        lambda kind: kind.__slots__,
        lambda kind: kind.__doc__,
        lambda kind: kind.__qualname__,
        lambda kind: copy.copy(kind("a", 1)),
        lambda kind: copy.deepcopy(kind("a", 1, raw={"x": 1})),
        lambda kind: pickle.loads(pickle.dumps(kind("a", 1))),
        lambda kind: dataclasses.replace(kind("a"), text="b"),
        lambda kind: dataclasses.asdict(kind("a")),
        lambda kind: [(one.name, one.repr) for one in dataclasses.fields(kind)],
        lambda kind: dataclasses.is_dataclass(kind),
        lambda kind: kind.__dataclass_params__.frozen,
    ],
)
def test_as_a_dataclass(work: Callable[[Any], Any]) -> None:
    assert outcome(work, Ours) == outcome(work, Theirs)


def test_by_name_and_by_pattern() -> None:
    assert names(Ours("a")) == ("text", "choice", "secret", "raw")
    assert replace(Ours("a", 1), text="b") == Ours("b", 1)
    with pytest.raises(ValueError, match="-1"):
        replace(Ours("a"), choice=-1)
    match Ours("a", 3):
        case Ours(text, choice):
            assert (text, choice) == ("a", 3)


def test_of_no_field_and_of_one() -> None:
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())
    assert repr(Empty()) == "Empty()"
    nothing = float("nan")
    assert Single(nothing) == Single(nothing)  # as a tuple of it
    assert hash(Single(1)) == hash(Single(1))
    assert Single(1) != Single(2)
