"""Plain values: `to_dict`, `to_json` and `from_dict` of events, replies and errors; and reprs worth reading."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any, get_args

import pytest
from every_error import ERRORS, made
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import (
    ChatError,
    ChatEvent,
    Event,
    Failed,
    Finished,
    FinishReason,
    InvalidRequest,
    NativeItem,
    RateLimited,
    Reply,
    ServerFailed,
    TextDelta,
    TimedOut,
    ToolCallDelta,
    UnknownFrame,
    UsageReport,
    providers,
)
from sansio_core.parsers import JSONValueScanner, NDJSONParser, SSEJSONParser, SSEParser, TextParser
from sansio_core.plain import json_text

EVENTS = get_args(ChatEvent)

TEXTS = st.text(st.characters(), max_size=8)  # half surrogate pairs too, as JSON has them
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
RAWS = st.dictionaries(TEXTS, VALUES, max_size=3)
COUNTS = st.none() | st.integers(0, 10**9)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "Mapping[str, Any]": RAWS, "Mapping[str, Any] | None": st.none() | RAWS, "str": TEXTS,
    "str | None": st.none() | TEXTS, "int": st.integers(0, 5), "int | None": COUNTS, "bool": st.booleans(),
    "FinishReason | None": st.none() | st.sampled_from(get_args(FinishReason)),
    "tuple[int, ...]": st.lists(st.integers(0, 5)).map(tuple), "ChatError": st.just(ServerFailed(None, "sick")),
}  # fmt: skip


def same(one: ChatError, other: ChatError) -> bool:
    return type(one) is type(other) and vars(one) == vars(other) and str(one) == str(other) and one.args == other.args


@settings(max_examples=150)
@given(st.data())
def test_every_event_comes_back(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from([kind for kind in EVENTS if kind is not Failed]))
    event: Event = kind(**{name: data.draw(FIELDS[kind.__annotations__[name]]) for name in kind.__slots__})
    value = event.to_dict()
    assert next(iter(value.items())) == ("type", kind.__name__)
    assert Event.from_dict(value) == event
    assert Event.from_dict(json.loads(event.to_json())) == event
    assert "\n" not in event.to_json()
    assert event.to_json().encode()


def test_the_form_is_stable() -> None:
    assert TextDelta("Hé").to_json() == '{"type": "TextDelta", "text": "Hé", "choice": 0}'
    usage = UsageReport(5, 3, more_input=2).to_dict()
    assert (usage["input_tokens"], usage["input"], usage["output"], usage["total"]) == (5, 7, 3, 10)
    assert Failed(TimedOut("idle", 5), (1,)).to_dict() == {
        "type": "Failed",
        "error": {
            "class": "TimedOut", "bases": [], "message": str(TimedOut("idle", 5)), "hint": "", "detail": "",
            "clock": "idle", "seconds": 5,
        },
        "unfinished": [1],
    }  # fmt: skip
    assert Event.from_dict({"type": "TextDelta", "text": "a", "of a later version": 1}) == TextDelta("a")


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_comes_back(kind: type[ChatError]) -> None:
    error = made(kind)
    value = json.loads(error.to_json())
    assert value["bases"] == [base.__name__ for base in kind.__mro__[1:] if base in ERRORS and base is not ChatError]
    back = ChatError.from_dict(value)
    assert same(back, error)
    for twin in (copy.copy(back), pickle.loads(pickle.dumps(back))):
        assert same(twin, error)
    failed = Event.from_dict(Failed(error, (0, 2)).to_dict())
    assert isinstance(failed, Failed)
    assert same(failed.error, error)
    assert failed.unfinished == (0, 2)


def test_of_an_error_only_what_is_data() -> None:
    error = RateLimited(429)
    error.reply = Reply.of([TextDelta("secret")])
    error.add_note("of Python's")
    assert error.to_dict().keys() == {
        "class", "bases", "message", "hint", "detail", "status", "body", "request_id", "retry_after", "code", "kind",
        "param",
    }  # fmt: skip


def test_an_error_of_an_unknown_class_is_the_nearest_that_is_known() -> None:
    class QuotaGone(RateLimited):
        pass

    class Own(ChatError):
        def __str__(self) -> str:
            return "own words"

    back = ChatError.from_dict(QuotaGone(429, "no more", retry_after=3).to_dict())
    assert type(back) is RateLimited
    assert (back.detail, back.retry_after) == ("no more", 3)
    assert (type(other := ChatError.from_dict(Own().to_dict())), str(other)) == (ChatError, "own words")


@pytest.mark.parametrize(
    "value",
    [
        None, [], {}, {"class": "TimedOut"}, {"class": "TimedOut", "bases": [], "message": ""},
        {**TimedOut("idle", 5).to_dict(), "seconds": "x"}, {"class": "A", "bases": [[]], "message": ""},
    ],
)  # fmt: skip
def test_what_is_no_error(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="no error: it must be as"):
        ChatError.from_dict(value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "no event: it must be a mapping with a 'type', not a value of type NoneType"),
        ({}, "no event has the type a value of type NoneType; there are TextDelta, "),
        ({"type": []}, "no event has the type a value of type list"),
        ({"type": "ChatError"}, "no event has the type 'ChatError'"),
        ({"type": "TextDelta"}, "the dict of an event does not fit TextDelta: it lacks 'text'"),
        ({"type": "TextDelta", "text": 5}, "does not fit TextDelta: text must be a str, not 5"),
        ({"type": "Finished", "reason": "bored"}, "does not fit Finished: reason must be one of 'stop'"),
        ({"type": "Failed", "error": {}}, "no error: "),
        ({"type": "Failed", "error": ChatError().to_dict(), "unfinished": ["a"]}, r"\[0\] must be an int"),
    ],
)
def test_what_is_no_event(value: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        Event.from_dict(value)


CHOICES = st.integers(0, 3)
PARTS = st.one_of(
    [
        st.builds(kind, **{name: FIELDS[kind.__annotations__[name]] for name in kind.__slots__})
        for kind in EVENTS
        if kind not in (Failed, UnknownFrame, NativeItem, ToolCallDelta)
    ]
    + [
        st.builds(NativeItem, st.just("wire"), RAWS, CHOICES),
        st.builds(ToolCallDelta, CHOICES, st.just("c"), TEXTS, TEXTS, CHOICES, st.none() | RAWS, st.booleans()),
        st.just(Failed(ServerFailed(None))),
    ]
)


def everything(reply: Reply) -> list[Any]:
    choices = [
        (
            choice.text, choice.reasoning, choice.refusal, choice.tool_calls, choice.metadata, choice.annotations,
            choice.finished, choice.finish_reason, choice.provider_reason, choice.message,
        )
        for choice in reply.choices
    ]
    return [
        choices, reply.id, reply.model, reply.usage, reply.failed, reply.complete, reply.request_id, reply.headers,
    ]  # fmt: skip


@settings(max_examples=60)
@given(st.lists(PARTS, max_size=8), st.none() | TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_every_reply_comes_back(events: list[ChatEvent], request_id: str | None, headers: dict[str, str]) -> None:
    reply = Reply.of(events)
    reply.request_id, reply.headers = request_id, headers
    back = Reply.from_dict(json.loads(reply.to_json()))
    assert back.to_dict() == reply.to_dict()
    assert everything(back) == everything(reply)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "it must be an object"), ([], "it must be an object"), ({}, "it lacks 'text'"),
        ({"text": 5}, "text must be a str"), ({"text": "", "id": 5}, "id must be a str"),
        ({"text": "", "tool_calls": "x"}, "tool_calls must be a list"),
        ({"text": "", "tool_calls": [{}]}, r"tool_calls\[0\] lacks 'id'"),
        ({"text": "", "native": {"items": [{}]}}, "native lacks 'dialect'"),
        ({"text": "", "native": 5}, "native must be an object"),
        ({"text": "", "headers": [1]}, "headers must be an object"),
        ({"text": "", "attempts": "x"}, "attempts must be an int"),
        ({"text": "", "elapsed": "x"}, "elapsed must be a number"),
        ({"text": "", "usage": {"input_tokens": "x"}}, "usage.input_tokens must be an int"),
        ({"text": "", "finish_reason": "bored"}, "finish_reason must be one of"),
        ({"text": "", "other_choices": [{"text": ""}]}, r"other_choices\[0\] lacks 'index'"),
    ],
)  # fmt: skip
def test_what_is_no_reply(value: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"the dict of a reply does not fit StoredReply: {said}"):
        Reply.from_dict(value)


def test_a_reply_of_another_version_comes_back() -> None:
    assert Reply.from_dict({"text": "Hi", "of a later version": 1}).text == "Hi"


def test_the_text_is_json_whatever_it_is_of() -> None:
    deep: Any = []
    for _ in range(20_000):
        deep = [deep]
    odd = {"a": float("nan"), "b": [-float("inf"), b"bytes"], 3: {1, 2}, "c": 1.5, "d": (None, True, 10**30)}
    assert json.loads(json_text(odd)) == {
        "a": None, "b": [None, "(bytes)"], "3": "(set)", "c": 1.5, "d": [None, True, 10**30],
    }  # fmt: skip
    assert json_text(deep).startswith("[[[")
    assert "(list)" in json_text(deep)
    assert json_text(float("nan")) == "null"
    assert json_text("\ud800a") == '"\\ud800a"'
    assert json_text("é", ascii=True) == '"\\u00e9"'


def test_the_str_and_the_repr() -> None:
    reply = Reply.of([TextDelta("Hello"), TextDelta("other", 1), Finished("stop", None, 1)])
    assert (str(reply), f"{reply.choices[1]}") == ("Hello", "other")
    assert repr(reply.choices[1]) == "<Choice finished, 5 characters, finish_reason='stop'>"
    parsers: list[Any] = [SSEParser(), NDJSONParser(), SSEJSONParser(), TextParser()]
    for parser in parsers:
        parser.feed(b"secret")
        assert "secret" not in repr(parser)
    assert [repr(parser) for parser in parsers] == [
        "<SSEParser open, 6 bytes of an unfinished frame>",
        "<NDJSONParser open, 6 bytes of an unfinished frame>",
        "<SSEJSONParser, 6 bytes of an unfinished frame>",
        "<TextParser open>",
    ]
    scanner = JSONValueScanner()
    scanner.feed('{"a"')
    assert repr(scanner) == "<JSONValueScanner open, 4 characters of an unfinished frame>"
    scanner.close()
    assert repr(scanner).startswith("<JSONValueScanner closed")
    answer = providers.create("openai", api_key="k").parser()
    assert repr(answer) == "<OpenAIChatParser incomplete>"
    answer.end()
    assert repr(answer) == "<OpenAIChatParser failed>"
