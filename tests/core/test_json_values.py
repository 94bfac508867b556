"""JSONValueScanner at every cut."""

from __future__ import annotations

import json
from itertools import chain, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import feed, keeps_nothing, same_for_every_cut

from sansio_core.errors import LimitExceeded
from sansio_core.parsers import JSONValueScanner

PRETTY = '{\n  "a": [\n    1,\n    {}\n  ]\n}'
SAMPLES: dict[str, tuple[str, list[str]]] = {
    "object": ('{"a":1}', ['{"a":1}', ""]),
    "pretty-printed": (f"\n{PRETTY}\r\n", [PRETTY, ""]),
    "brackets and quotes in strings": (r'{"a":"}]\"{[","\\":"\\"}x', [r'{"a":"}]\"{[","\\":"\\"}', ""]),
    "amid other text": ('It\'s "x: {"a":1} and [2] {}', ['{"a":1}', "2", "{}", ""]),
    "array": ('[{"a":[1,{}]},\n{"b":"],"}\r\n, {}]', ['{"a":[1,{}]}', '{"b":"],"}', "{}", ""]),
    "arrays in an array": ('[[1,2],[],[[]]]', ["[1,2]", "[]", "[[]]", ""]),
    "scalars in an array": ('[1, "a,]\\"", null ,true]', ["1", '"a,]\\""', "null", "true", ""]),
    "empty array": ("[ ]{}", ["{}", ""]),
    "two arrays": ("[{}][{}]", ["{}", "{}", ""]),
    "unfinished object": ('{}  {"a": {"b":"}', ["{}", '{"a": {"b":"}']),
    "unfinished string escape": ('{"a\\', ['{"a\\']),
    "unfinished array": ('[{"a":1}, ', ['{"a":1}', "["]),
    "unfinished element": ('[{"a":1}, {"b":', ['{"a":1}', '[{"b":']),
    "unfinished scalar": ("[12", ["[12"]),
    "too many closing brackets": ("}]{}}]", ["{}", ""]),
    "nothing": ("", [""]),
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_at_every_cut(name: str) -> None:
    same_for_every_cut(JSONValueScanner, *SAMPLES[name])


def test_a_value_is_out_with_its_last_bracket() -> None:
    scanner = JSONValueScanner()
    assert not scanner.open
    assert scanner.feed('[{"a":1') == []
    assert scanner.open
    assert scanner.feed("}") == ['{"a":1}']
    assert scanner.open
    assert scanner.feed("]") == []
    assert not scanner.open


def test_closed() -> None:
    scanner = JSONValueScanner()
    assert feed(scanner, ["{"]) == ["{"]
    assert scanner.close() == ""
    with pytest.raises(RuntimeError, match="JSONValueScanner is closed"):
        scanner.feed("{}")


@pytest.mark.parametrize("text", ["{}[{},{'a'}", "{}{}{   ", "{}{}[[[[[", "{}[{},12345"])
def test_the_limit(text: str) -> None:
    scanner = JSONValueScanner(max_frame_size=3)
    assert scanner.feed(text + "}]]]]{}") == ["{}", "{}"]
    for _ in range(2):
        with pytest.raises(LimitExceeded):
            scanner.feed("{}")
        with pytest.raises(LimitExceeded):
            scanner.close()


def test_the_limit_is_flat_memory() -> None:
    keeps_nothing(JSONValueScanner(max_frame_size=100_000), chain("{", (f"{n:1000}" for n in range(1000))), 800_000)


def test_a_value_of_just_the_limit() -> None:
    for size in (1, 3, 9):
        text = '{"a":1}[1, 1234567]'
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        assert feed(JSONValueScanner(max_frame_size=7), pieces) == ['{"a":1}', "1", "1234567", ""]


def test_nothing_of_a_value_that_is_too_long() -> None:
    scanner = JSONValueScanner(max_frame_size=3)
    assert scanner.feed("[1, 12") == ["1"]
    with pytest.raises(LimitExceeded):
        scanner.feed("34]")


def test_the_limit_in_pieces() -> None:
    with pytest.raises(LimitExceeded):
        feed(JSONValueScanner(max_frame_size=1000), ["{", *repeat("x", 1000)])
    assert feed(JSONValueScanner(max_frame_size=1000), repeat("x", 2000)) == [""]  # outside there is nothing to hold
    assert feed(JSONValueScanner(max_frame_size=1000), ["[", *repeat(" ", 2000)]) == ["["]


JSON = st.recursive(
    st.none() | st.integers() | st.text(alphabet='ab"\\[]{},: \u2028😀', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(max_size=3), JSON, max_size=3)


@settings(max_examples=200)
@given(
    st.lists(OBJECTS | st.lists(JSON, max_size=3), max_size=4),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.integers(1, 9),
)
def test_values_come_back(values: list[Any], indent: int | None, ascii: bool, size: int) -> None:
    text = "\n".join(json.dumps(value, indent=indent, ensure_ascii=ascii) for value in values)
    expected = [element for value in values for element in (value if isinstance(value, list) else [value])]
    *found, rest = feed(JSONValueScanner(), [text[at : at + size] for at in range(0, len(text), size)])
    assert [json.loads(value) for value in found] == expected
    assert rest == ""


def by_the_character(text: str) -> list[str]:
    """The rules on the whole text, written down as plainly as they go."""
    values, start, depth, in_array, at = list[str](), 0, 0, False, 0
    while at < len(text):
        character, inside = text[at], in_array or depth > 0
        if character == '"' and inside:
            at += 1
            while at < len(text) and text[at] != '"':
                at += 2 if text[at] == "\\" else 1
        elif character == "[" and not inside:
            in_array, start = True, at + 1
        elif character in "[{":
            start = start if inside else at
            depth += 1
        elif character in "]}" and depth:
            depth -= 1
            if not depth:
                values.append(text[start : at + 1])
                start = at + 1
        elif character in ",]}" and in_array and not depth:
            values.append(text[start:at])
            start, in_array = at + 1, character != "]"
        at += 1
    rest = text[start:].lstrip() if in_array or depth else ""
    return [*[value.strip() for value in values if value.strip()], "[" * in_array + rest]


@settings(max_examples=400)
@given(st.text(alphabet='ab"\\[]{},: \n', max_size=30), st.integers(1, 30))
def test_any_text_at_any_cut(text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert feed(JSONValueScanner(), pieces) == by_the_character(text)
