"""parse_partial: every beginning of a JSON text has a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core.partial_json import parse_partial


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{", {}),
        ('{"', {}),
        ('{"a', {}),
        ('{"a"', {}),
        ('{"a":', {}),
        ('{"a": "', {"a": ""}),
        ('{"a": "b', {"a": "b"}),
        ('{"a": "b"', {"a": "b"}),
        ('{"a": "b",', {"a": "b"}),
        ('{"a": "b", "c', {"a": "b"}),
        ('["a", "b', ["a", "b"]),
        ('{"a": ["b", "c', {"a": ["b", "c"]}),
        ('{"a": {}, "c', {"a": {}}),
        ('{"a": "b"} \n', {"a": "b"}),
        ("[", []),
        ("[1", [1]),
        ("[1,", [1]),
        ("[1, 2", [1, 2]),
        ("[[1, {", [[1, {}]]),
        ('[{"a": [', [{"a": []}]),
        ("[[]", [[]]),
        ('["a', ["a"]),
        ('"a', "a"),
        ("12", 12),
        (" [ ", []),
        # numbers: what of them is a number already
        ("[-", []),
        ("[-0", [0]),
        ("[1.", [1]),
        ("[1.5", [1.5]),
        ("[1.5e", [1.5]),
        ("[1.5e+", [1.5]),
        ("[1.5e+2", [150.0]),
        # literals: nothing until they are whole
        ("[t", []),
        ("[tru", []),
        ("[true", [True]),
        ("[nul", []),
        ("[fals", []),
        ("[null", [None]),
        ('{"a": f', {}),
        ("[1, n", [1]),
        ("tru", None),
        ("[-Inf", []),
        ("[-Infinity", [float("-inf")]),
        ("[Infin", []),
        # escapes and surrogate pairs: whole or not at all
        ('"a\\', "a"),
        ('"a\\n', "a\n"),
        ('"a\\"', 'a"'),
        ('"a\\\\', "a\\"),
        ('"a\\u', "a"),
        ('"a\\u00e', "a"),
        ('"a\\u00e9', "aé"),
        ('"a\\ud83d', "a"),
        ('"a\\ud83d\\', "a"),
        ('"a\\ud83d\\ude0', "a"),
        ('"a\\ud83d\\ude00', "a😀"),
        ('"\\\\ud83d', "\\ud83d"),
        ('"\\ud83dx', "\ud83dx"),
        ('"\\ud83d"', "\ud83d"),
        ('"\\udc00', "\udc00"),
        ('{"a\\', {}),
        ('{"a": "\\u1', {"a": ""}),
        # separators and brackets in strings
        ('["a,]}[{:', ["a,]}[{:"]),
        ('{"a:{": "b,\\"}', {"a:{": 'b,"}'}),
        # nothing has begun
        ("", None),
        (" \n", None),
        ("null", None),
        ("-", None),
        # it cannot become JSON
        ("]", None),
        ("[}", None),
        ('{"a": 1]', None),
        ("[1 2", None),
        ('{"a" "b', {}),
        ('{"a": {} "b', None),
        ("[x", None),
        ("[1] 2", None),
        ("[1],", None),
        ('"a" "b', None),
        ('"\\q', None),
        ('"\\uzz', None),
        ('"\\q" ', None),
        ('{"\\x', None),
        ("{1: 2,", None),
        ("[01,", None),
        ("[\u00a01", None),
        ('["a\nb', None),
        ("<html>", None),
        ("[--1", None),
        ("]" * 10, None),
        # too deep for json
        ("[" * 100_000, None),
        ('{"a":' * 100_000, None),
    ],
    ids=lambda value: str(value)[:24],
)
def test_values(text: str, value: Any) -> None:
    assert parse_partial(text) == value


def grows(old: Any, new: Any) -> bool:
    """Whether `new` is `old` with something added at its end."""
    match old, new:
        case str(), str():
            return new.startswith(old)
        case list(), list():
            heads = zip(old[:-1], new, strict=False)
            return (
                len(old) <= len(new)
                and all(a == b for a, b in heads)
                and all(map(grows, old[-1:], new[len(old) - 1 :]))
            )
        case dict(), dict():
            return [*old] == [*new][: len(old)] and all(grows(old[key], new[key]) for key in old)
        case int() | float(), int() | float():
            return not isinstance(old, bool) or old is new
        case _:
            return old == new


TEXT = st.text(alphabet='ab"\\/[]{},:\n\x00é\u2028😀', max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150)
@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_the_value_only_grows_and_ends_as_the_whole(value: Any, ascii: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii, indent=indent)
    before = None
    for end in range(len(text) + 1):
        now = parse_partial(text[:end])
        assert before is None or grows(before, now), text[:end]
        before = now
    assert before == value


@settings(max_examples=300)
@given(st.text(alphabet='{}[]",:\\u0d8tfn1-.eE \n', max_size=20) | st.text(max_size=10))
def test_it_never_raises_and_takes_all_that_is_json(text: str) -> None:
    value = parse_partial(text)
    try:
        whole = json.loads(text)
    except ValueError:
        return
    assert json.dumps(value) == json.dumps(whole)  # NaN is not equal to itself, but written alike
