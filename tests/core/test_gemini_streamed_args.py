"""Function calls of Gemini whose arguments are streamed: parts with values at JSON paths, folded into one call."""

import json
from typing import Any

import pytest
from dialect_harness import error_of, events_of, every_cut, native_items, sent, sse, unknown
from gemini_call_frames import END, STOP, begin, number, parts, piece, streamed, text

from sansio_core import (
    Failed,
    Finished,
    InvalidRequest,
    NativeItem,
    Reply,
    ServerFailed,
    StreamTruncated,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)

# --- calls -----------------------------------------------------------------------------------------------------------


def test_two_calls_as_they_were_recorded() -> None:
    body = sse(
        parts(begin("getWeather", signature="sig")),
        parts(piece(text("$.location", "Bos", more=True))),
        parts(piece(text("$.location", "ton", more=True))),
        parts(piece(text("$.location", ""))),
        parts(END),
        parts(begin("getWeather")),
        parts(piece(text("$.location", "San Francisco", more=True))),
        parts(piece(text("$.location", ""))),
        parts(END, finish="STOP"),
    )
    boston, francisco = {"location": "Boston"}, {"location": "San Francisco"}
    first = {"functionCall": {"name": "getWeather", "args": boston}, "thoughtSignature": "sig"}
    second = {"functionCall": {"name": "getWeather", "args": francisco}}
    events = every_cut("gemini", body)
    assert events == [
        ToolCallDelta(0, None, "getWeather", "{"),
        ToolCallDelta(0, None, None, '"location":"Bos'),
        ToolCallDelta(0, None, None, "ton"),
        ToolCallDelta(0, None, None, '"}'),
        NativeItem("gemini", first),
        ToolCallDelta(1, None, "getWeather", "{"),
        ToolCallDelta(1, None, None, '"location":"San Francisco'),
        ToolCallDelta(1, None, None, '"}'),
        NativeItem("gemini", second),
        Finished("tool_calls", "STOP"),
    ]
    reply = Reply.of(events)
    assert [call.parse() for call in reply.tool_calls] == [boston, francisco]
    message = json.loads(json.dumps(reply.message))
    answers = [call.answer({"sky": "grey"}) for call in reply.tool_calls]
    contents = sent("gemini", [{"role": "user", "content": "?"}, message, *answers])["contents"]
    assert contents[1] == {"role": "model", "parts": [first, second]}
    assert len(contents[2]["parts"]) == 2


def test_an_array_of_objects_as_it_was_recorded() -> None:
    events = streamed(
        piece(text("$.operations[0].action", "add", more=True)),
        piece(text("$.operations[0].action", "")),
        piece(number("$.operations[0].price", 0.5)),
        {"functionCall": {"willContinue": True}},  # nothing but a sign of life
        piece(text("$.operations[1].action", "add", more=True)),
        piece(text("$.operations[1].action", "")),
        piece(number("$.operations[1].price", 3), last=True),  # the last part has arguments, and none is empty
    )
    (call,) = Reply.of(events).tool_calls
    assert call.arguments == '{"operations":[{"action":"add","price":0.5},{"action":"add","price":3}]}'
    assert native_items(Reply.of(events)) == [{"functionCall": {"name": "f", "args": call.parse()}}]


def test_values_of_all_kinds_in_one_part() -> None:
    args = [
        text("$.s", 'ü"\\\n'),
        number("$.n", -1.5),
        {"jsonPath": "$.yes", "boolValue": True},
        {"jsonPath": "$.no", "boolValue": False},
        {"jsonPath": "$.null", "nullValue": "NULL_VALUE"},
        {"jsonPath": "$.null2", "nullValue": None},
    ]
    events = streamed(piece(*args), END)
    (call,) = Reply.of(events).tool_calls
    assert call.arguments == '{"s":"ü\\"\\\\\\n","n":-1.5,"yes":true,"no":false,"null":null,"null2":null}'
    assert not unknown(events)
    whole = every_cut("gemini", sse(parts({"functionCall": {"name": "f", "partialArgs": args}}, finish="STOP")))
    assert Reply.of(whole).tool_calls == [call]


def test_a_call_without_arguments_and_plain_calls_beside_streamed_ones() -> None:
    plain = {"functionCall": {"name": "g", "args": {"x": 1}, "id": "i"}, "thoughtSignature": "s"}
    events = every_cut("gemini", sse(parts(plain, begin(), END, plain, begin("h"), plain), STOP))
    reply = Reply.of(events)
    g = ToolCall("i", "g", '{"x": 1}')
    assert reply.tool_calls == [g, ToolCall(None, "f", "{}"), g, ToolCall(None, "h", "{}"), g]
    empty = [{"functionCall": {"name": name, "args": {}}} for name in "fh"]
    assert native_items(reply) == [plain, empty[0], plain, empty[1], plain]
    assert reply.finish_reason == "tool_calls"


def test_ids_other_fields_and_whole_arguments() -> None:
    body = sse(
        parts(begin(id="c1", args={"a": "x", "b": {"c": [1]}})),
        parts({"functionCall": {"id": "c1", "name": "f", "willContinue": True, "new": 1}, "thoughtSignature": "s"}),
        parts(piece(text("$.a", "y"), text("$.d", "z"), text("$.b.c[1]", "none"))),
        parts({"functionCall": {"args": {"d": "z", "e": None}}}),
        parts(begin(id="c2"), {"functionCall": {"name": "f", "id": "c3", "willContinue": True}}, END, finish="STOP"),
    )
    events = every_cut("gemini", body)
    reply = Reply.of(events)
    first = {"a": "xy", "b": {"c": [1]}, "d": "z", "e": None}
    assert [(call.id, call.name, call.parse()) for call in reply.tool_calls] == [
        ("c1", "f", first),
        ("c2", "f", {}),
        ("c3", "f", {}),
    ]
    assert native_items(reply)[0] == {
        "functionCall": {"id": "c1", "name": "f", "new": 1, "args": first},
        "thoughtSignature": "s",
    }
    assert unknown(events) == [text("$.b.c[1]", "none")]  # within a value that came whole
    assert [event.id for event in events if isinstance(event, ToolCallDelta) and event.id] == ["c1", "c2", "c3"]
    late = every_cut("gemini", sse(parts(begin()), parts({"functionCall": {"id": "c9"}}, finish="STOP")))
    assert Reply.of(late).tool_calls == [ToolCall("c9", "f", "{}")]


def test_parts_of_no_call_are_told_and_are_no_calls() -> None:
    odd = [END, {"functionCall": {"willContinue": True}}, piece(text("$.a", "x"))]
    events = every_cut("gemini", sse(*map(parts, odd), parts({"text": "a"}, finish="STOP")))
    assert unknown(events) == odd
    reply = Reply.of(events)
    assert (reply.tool_calls, reply.finish_reason, native_items(reply)) == ([], "stop", [{"text": "a"}])


def test_text_amid_a_call() -> None:
    events = streamed(piece(text("$.a", "x", more=True)), {"text": "Hm"}, piece(text("$.a", "y")), END)
    assert TextDelta("Hm") in events
    assert [call.arguments for call in Reply.of(events).tool_calls] == ['{"a":"xy"}']
    assert native_items(Reply.of(events)) == [{"text": "Hm"}, {"functionCall": {"name": "f", "args": {"a": "xy"}}}]


def test_calls_of_several_candidates() -> None:
    body = sse(
        *[parts(begin(), index=index) for index in (0, 1)],
        *[parts(piece(number("$.n", index)), index=index) for index in (1, 0)],
        *[parts(END, index=index, finish="STOP") for index in (0, 1)],
    )
    reply = Reply.of(every_cut("gemini", body))
    assert [[call.arguments for call in choice.tool_calls] for choice in reply.choices] == [['{"n":0}'], ['{"n":1}']]


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_call_ends_with_the_answer_where_its_last_part_is_missing() -> None:
    for end in (STOP, parts(finish="FUNCTION_CALL"), parts(piece(text("$.a", "")), finish="STOP")):
        events = streamed(piece(text("$.a", "x")), end=end)
        reply = Reply.of(events)
        assert (reply.tool_calls, reply.complete) == ([ToolCall(None, "f", '{"a":"x"}')], True)
        assert (reply.finish_reason, native_items(reply)) == (
            "tool_calls",
            [{"functionCall": {"name": "f", "args": {"a": "x"}}}],
        )


def test_a_call_ends_with_the_next_one_where_its_last_part_is_missing() -> None:
    events = every_cut("gemini", sse(parts(begin("a"), begin("b"), END, finish="STOP")))
    assert Reply.of(events).tool_calls == [ToolCall(None, "a", "{}"), ToolCall(None, "b", "{}")]


def test_stop_in_every_chunk_does_not_end_a_call() -> None:
    begun = parts(begin(), piece(text("$.a", "x")), finish="STOP")  # two parts in a chunk, the last goes on
    events = every_cut("gemini", sse(begun, parts(piece(text("$.a", "y")), finish="STOP"), parts(END, finish="STOP")))
    assert Reply.of(events).tool_calls == [ToolCall(None, "f", '{"a":"xy"}')]
    chunks = [begin(), piece(text("$.a", "x")), piece(text("$.a", "y")), END, begin("g"), piece(number("$.n", 1))]
    events = every_cut("gemini", sse(*[parts(part, finish="STOP") for part in chunks]))
    assert Reply.of(events).tool_calls == [ToolCall(None, "f", '{"a":"xy"}'), ToolCall(None, "g", '{"n":1}')]
    assert not unknown(events)


@pytest.mark.parametrize("together", [True, False])
def test_a_call_that_max_tokens_cut_is_shown_and_what_came_goes_back(together: bool) -> None:
    last = piece(text("$.b.c", "y", more=True))
    end = [parts(last, finish="MAX_TOKENS")] if together else [parts(last), parts(finish="MAX_TOKENS")]
    events = every_cut("gemini", sse(parts(begin()), parts(piece(text("$.a", "x"))), *end))
    reply = Reply.of(events)
    assert (reply.finish_reason, reply.complete) == ("length", True)
    (call,) = reply.tool_calls
    assert call.arguments == '{"a":"x","b":{"c":"y'
    assert call.partial() == {"a": "x", "b": {"c": "y"}}
    assert native_items(reply) == [{"functionCall": {"name": "f", "args": {"a": "x", "b": {"c": "y"}}}}]
    assert isinstance(events[-1], Finished)
    after = every_cut("gemini", sse(parts(finish="MAX_TOKENS"), parts(begin())))
    assert [call.arguments for call in Reply.of(after).tool_calls] == ["{"]
    nothing = Reply.of(every_cut("gemini", sse(parts(begin(), finish="MAX_TOKENS"))))
    with pytest.raises(InvalidRequest):
        nothing.tool_calls[0].parse()  # it is not a call without arguments


@pytest.mark.parametrize(
    ("end", "error"), [(b"", StreamTruncated), (sse({"error": {"code": 503, "message": "gone"}}), ServerFailed)]
)
@pytest.mark.parametrize("cut", [[], [piece(text("$.a", "x"))], [piece(text("$.a", "x")), {"text": "so"}]])
def test_a_stream_that_fails_amid_a_call(end: bytes, error: type[Exception], cut: list[Any]) -> None:
    events = every_cut("gemini", sse(parts(begin("whole"), END), parts(begin("cut")), *map(parts, cut)) + end)
    assert isinstance(error_of(events), error)
    assert isinstance(events[-1], Failed)
    assert events[-1].unfinished == (1,)
    reply = Reply.of(events)
    assert [call.name for call in reply.tool_calls] == ["whole"]
    calls = [item["functionCall"]["name"] for item in native_items(reply) if "functionCall" in item]
    assert calls == ["whole"]


def test_arguments_that_are_nested_too_deeply_are_an_error_of_ours() -> None:
    deep = "$" + ".a" * 100_000
    for args in ([text(deep, "x")], [number("$.a[1]", 1), text("$.a[0]" + ".a" * 100_000, "x")]):
        events = events_of("gemini", sse(parts(begin()), parts(piece(*args)), parts(END, finish="STOP")))
        assert "nested" in str(error_of(events))
        assert Reply.of(events).tool_calls == []


# --- paths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.a", {"a": "x"}),
        ("$.a.b[0].c", {"a": {"b": [{"c": "x"}]}}),
        ("$.a[0][0]", {"a": [["x"]]}),
        ("$['odd key']", {"odd key": "x"}),
        ('$["x.y"]["]"]', {"x.y": {"]": "x"}}),
        (r"""$['it\'s "q" \u00fc \\']""", {'it\'s "q" ü \\': "x"}),
        (r"""$["it's \"q\""]""", {'it\'s "q"': "x"}),
        ("$['']['a\nb']", {"": {"a\nb": "x"}}),
        ("$.odd-key.größe._1", {"odd-key": {"größe": {"_1": "x"}}}),
        ("$.a['b'][0].c", {"a": {"b": [{"c": "x"}]}}),
    ],
)
def test_paths(path: str, expected: dict[str, Any]) -> None:
    events = streamed(piece(text(path, "x", more=True)), piece(text(path, "")), END)
    assert not unknown(events)
    assert Reply.of(events).tool_calls[0].parse() == expected


@pytest.mark.parametrize(
    "path",
    [
        "", "$", "a", ".a", "$a", "$.", "$..a", "$.*", "$.a[*]", "$.a[-1]", "$.a[01]", "$.a[1:2]", "$.a[0", "$.a[]",
        "$.a[0]b", "$['a", "$['a]", "$['a'x]", r"$['\x']", r'$["\u12"]', "$[0]", "$.a[?@.b]", "$.a[9999999999]",
        "$.a\n[", None, 5, ["$.a"],
    ],
)  # fmt: skip
def test_malformed_paths_are_told(path: Any) -> None:
    odd = text(path, "lost")
    events = streamed(piece(text("$.z", "x", more=True), odd, text("$.z", "y")), END)
    assert unknown(events) == [odd]
    assert Reply.of(events).tool_calls[0].arguments == '{"z":"xy"}'


@pytest.mark.parametrize(
    "odd",
    [
        7,
        {"jsonPath": "$.z"},
        {"jsonPath": "$.z", "stringValue": 1},
        {"jsonPath": "$.z", "numberValue": True},
        {"jsonPath": "$.z", "numberValue": "NaN"},
        {"stringValue": "x"},
        number("$.a", 1),  # where a string is
        text("$.a.b", "x"),
        text("$.o", "x"),  # where an object is
        number("$.o[0]", 1),
        number("$.o.l.k", 1),  # where an array is
        number("$.n", 2),  # a second time
    ],
)
def test_what_is_no_value_at_a_path_of_its_own_is_told(odd: Any) -> None:
    events = streamed(piece(text("$.a", "x"), number("$.o.l[0]", 1), number("$.n", 1)), piece(odd), END)
    assert unknown(events) == [odd]
    assert Reply.of(events).tool_calls[0].arguments == '{"a":"x","o":{"l":[1]},"n":1}'


@pytest.mark.parametrize("args", [None, 5, {}, "x"])
def test_partial_args_that_are_no_list(args: Any) -> None:
    events = streamed({"functionCall": {"partialArgs": args, "willContinue": True}}, END)
    assert Reply.of(events).tool_calls == [ToolCall(None, "f", "{}")]


@pytest.mark.parametrize(
    ("args", "arguments"),
    [
        # back to an object that was closed: its argument is written once more, and others as they come
        (
            [number("$.a.x", 1), number("$.b", 2), number("$.a.y", 3), number("$.c", 4)],
            '{"a":{"x":1},"b":2,"c":4,"a":{"x": 1, "y": 3}}',
        ),
        # a string that goes on later
        ([text("$.a", "x"), number("$.b", 2), text("$.a", "y")], '{"a":"x","b":2,"a":"xy"}'),
        # within the argument that is open
        ([text("$.a.b.c", "x"), text("$.a.d", "y"), text("$.a.b.e", "z")],
         '{"a":{"b":{"c":"x"},"d":"y"},"a":{"b": {"c": "x", "e": "z"}, "d": "y"}}'),
        # before its place in an array
        ([number("$.a[1]", 1), number("$.b", 2), number("$.a[0]", 0)], '{"b":2,"a":[0, 1]}'),
        ([number("$.a[0]", 0), number("$.a[2]", 2), number("$.a[1]", 1)], '{"a":[0],"a":[0, 1, 2]}'),
        # after a value of its argument that was late; and two that are late, after nothing
        ([text("$.a.x", "p"), number("$.a.l[1]", 1), text("$.a.x", "q")],
         '{"a":{"x":"p"},"a":{"x": "pq", "l": [1]}}'),
        ([number("$.a[1]", 1), number("$.b[1]", 2)], '{"a":[1],"b":[2]}'),
        # a place that stays empty
        ([number("$.a[999999999]", 1)], '{"a":[1]}'),
    ],
)  # fmt: skip
def test_what_comes_late_is_written_at_the_end(args: list[dict[str, Any]], arguments: str) -> None:
    events = streamed(*map(piece, args), END)
    assert not unknown(events)
    (call,) = Reply.of(events).tool_calls
    assert call.arguments == arguments
    assert native_items(Reply.of(events))[0]["functionCall"]["args"] == json.loads(arguments)
