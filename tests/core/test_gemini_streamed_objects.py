"""Streamed arguments of Gemini: any object, with its values in any order; and anything else."""

import json
from itertools import pairwise
from typing import Any

from dialect_harness import comparable, events_of, native_items, sse, unknown
from gemini_call_frames import END, begin, parts, piece, text
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    NativeItem,
    Reply,
    ToolCallDelta,
)

# --- any object ------------------------------------------------------------------------------------------------------

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
NAMES = st.text(max_size=6) | st.sampled_from(["a", "b", "a.b", "it's", '"', "\\", "[0]", "\U0001f600", "odd key"])
VALUES = st.recursive(
    SCALARS,
    lambda value: st.lists(value, min_size=1, max_size=4) | st.dictionaries(NAMES, value, min_size=1, max_size=4),
    max_leaves=15,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def leaves(value: Any, path: str) -> list[tuple[str, Any]]:
    """The paths and values of what is no container."""
    if isinstance(value, dict):
        return [leaf for name, child in value.items() for leaf in leaves(child, f"{path}[{json.dumps(name)}]")]
    if isinstance(value, list):
        return [leaf for index, child in enumerate(value) for leaf in leaves(child, f"{path}[{index}]")]
    return [(path, value)]


def partial_args(draw: Any, path: str, value: Any) -> list[dict[str, Any]]:
    """A value as one PartialArg, a string as several: cut anywhere, even between the halves of a character."""
    if not isinstance(value, str):
        kind = {bool: "boolValue", type(None): "nullValue"}.get(type(value), "numberValue")
        return [{"jsonPath": path, kind: value}]
    units = value.encode("utf-16-be")
    cuts = sorted(draw(st.lists(st.integers(0, len(units) // 2), max_size=3)))
    ends = [0, *cuts, len(units) // 2]
    pieces = [units[2 * a : 2 * b].decode("utf-16-be", "surrogatepass") for a, b in pairwise(ends)]
    return [text(path, piece, more=at < len(pieces) - 1) for at, piece in enumerate(pieces)]


def stream_of(draw: Any, args: list[dict[str, Any]]) -> bytes:
    """A stream of a call with `args`, some in one part, some parts in one chunk."""
    given, at = [], 0
    while at < len(args):
        size = draw(st.integers(1, 3))
        given.append(piece(*args[at : at + size]))
        at += size
    return sse(parts(begin()), *[parts(part) for part in given], parts(END, finish="STOP"))


@given(OBJECTS, st.data())
def test_any_object_in_its_own_order(value: dict[str, Any], data: st.DataObject) -> None:
    args = [arg for path, leaf in leaves(value, "$") for arg in partial_args(data.draw, path, leaf)]
    body = stream_of(data.draw, args)
    events = events_of("gemini", body)
    assert comparable(events_of("gemini", body, data.draw(st.integers(1, 60)))) == comparable(events)
    assert not unknown(events)
    (call,) = Reply.of(events).tool_calls
    in_order = json.loads(json.dumps(value), object_pairs_hook=list)
    assert json.loads(call.arguments, object_pairs_hook=list) == in_order  # and nothing is written twice
    assert call.parse() == value
    assert native_items(Reply.of(events)) == [{"functionCall": {"name": "f", "args": value}}]


@given(OBJECTS, st.data())
def test_any_object_in_any_order(value: dict[str, Any], data: st.DataObject) -> None:
    queues = [partial_args(data.draw, path, leaf) for path, leaf in leaves(value, "$")]
    args = []
    while queues := [queue for queue in queues if queue]:
        args.append(data.draw(st.sampled_from(queues)).pop(0))
    body = stream_of(data.draw, args)
    events = events_of("gemini", body)
    assert comparable(events_of("gemini", body, data.draw(st.integers(1, 60)))) == comparable(events)
    assert not unknown(events)
    (call,) = Reply.of(events).tool_calls
    assert call.parse() == value
    assert native_items(Reply.of(events)) == [{"functionCall": {"name": "f", "args": value}}]


PATHS = st.text(alphabet="$.[]'\"\\ab01*-", max_size=10).map(lambda rest: f"${rest}") | st.text(max_size=4)
ARGS = st.fixed_dictionaries(
    {},
    optional={
        "jsonPath": PATHS,
        "stringValue": SCALARS,
        "numberValue": SCALARS,
        "boolValue": SCALARS,
        "nullValue": SCALARS,
        "willContinue": st.booleans(),
    },
)
CALLS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["f", "g", "", 3]),
        "id": st.sampled_from(["c1", "c2", 3]),
        "args": st.sampled_from([{}, {"a": "x"}, {"a": [1]}, [1], None]),
        "partialArgs": st.lists(ARGS | SCALARS, max_size=3) | SCALARS,
        "willContinue": st.sampled_from([True, True, False, None]),
    },
)
CHUNKS = st.builds(
    lambda call, rest, finish: parts({"functionCall": call, **rest}, finish=finish),
    CALLS,
    st.sampled_from([{}, {"thoughtSignature": "s"}, {"text": "t"}]),
    st.sampled_from([None, None, None, "STOP", "MAX_TOKENS"]),
)


@given(st.lists(CHUNKS, max_size=8), st.integers(0, 30), st.integers(1, 60))
def test_anything_gives_events_and_the_same_at_every_cut(chunks: list[Any], lost: int, step: int) -> None:
    body = sse(*chunks)
    body = body[: len(body) - lost]
    events = events_of("gemini", body)
    assert comparable(events_of("gemini", body, step)) == comparable(events)
    deltas = [event for event in events if isinstance(event, ToolCallDelta)]
    assert {event.index for event in deltas} == set(range(len({event.index for event in deltas})))
    for item in (event.item for event in events if isinstance(event, NativeItem)):
        call = item.get("functionCall")
        assert call is None or not (call.get("willContinue") is True or call.get("partialArgs"))
