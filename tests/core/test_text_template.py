"""Templates of text events: against the slow path (json.loads of every event) and against events written out.

At any cut, and whatever the provider's other streams said before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from dialect_harness import comparable
from hypothesis import given, settings
from hypothesis import strategies as st
from parsers_cuts import SlowPath
from text_streams import DIALECTS, events, of_one_that_knows, openai_event, slow, usual

from sansio_core import (
    ChatEvent,
    Finished,
    Metadata,
    NativeItem,
    Started,
    TextDelta,
    UnknownFrame,
    UsageReport,
    providers,
)
from sansio_core.dialects.base import EventStreamParser
from sansio_core.dialects.text_template import Templates

IDS = st.sampled_from(["", "a", "a", "b", 0, 7])
SAID = st.one_of(st.text(max_size=5), st.sampled_from(["a", "\n", '"', '{"text":"x"}', "\ud83d", "\ude00"]))
NUMBERS = st.one_of(st.integers(0, 20), st.sampled_from([10**17, 1.5, -1, "1"]))


def openai(said: str, draw: Callable[..., Any]) -> dict[str, Any]:
    usual = [{"content": said}] * 6 + [{"reasoning": said}] * 2
    delta = draw(st.sampled_from([*usual, {"role": "assistant", "content": said}, {}]))
    more = st.sampled_from([{}] * 5 + [{"x": 1}, {"x": 2}, {"citations": ["u"]}, {"p": ""}, {"obfuscation": "ab"}])
    choice = {"index": draw(st.sampled_from([0, 0, 0, 1])), "delta": delta, "finish_reason": None}
    if draw(st.integers(0, 9)) == 0:
        choice["finish_reason"] = "stop"
    return {"id": draw(IDS), "created": draw(NUMBERS), "model": draw(IDS), "choices": [choice], **draw(more)}


def openai_responses(said: str, draw: Callable[..., Any]) -> dict[str, Any]:
    kinds = ["response.output_text.delta"] * 6 + ["response.reasoning_text.delta", "response.refusal.delta"]
    place = {"item_id": draw(IDS), "output_index": draw(st.sampled_from([0, 0, 1])), "content_index": 0}
    if draw(st.integers(0, 5)) == 0:
        place = {}
    if draw(st.integers(0, 5)) == 0:  # what of it was told before depends on where the pieces before it belong
        item = {"id": place.get("item_id"), "type": "message", "content": [{"type": "output_text", "text": "whole"}]}
        return {"type": "response.output_item.done", **place, "item": item}
    return {"type": draw(st.sampled_from(kinds)), "sequence_number": draw(NUMBERS), **place, "delta": said}


def anthropic(said: str, draw: Callable[..., Any]) -> dict[str, Any]:
    index = {"index": draw(st.sampled_from([0, 0, 0, 1]))}
    delta = {"type": "content_block_delta", **index, "delta": {"type": "text_delta", "text": said}}
    thought = {**delta, "delta": {"type": "thinking_delta", "thinking": said}}
    start = {"type": "content_block_start", **index, "content_block": {"type": "text", "text": ""}}
    stop = {"type": "content_block_stop", **index}
    made: dict[str, Any] = draw(st.sampled_from([delta] * 6 + [thought, thought, start, stop, {"type": "ping"}]))
    return made


def gemini(said: str, draw: Callable[..., Any]) -> dict[str, Any]:
    part = draw(st.sampled_from([{"text": said}] * 6 + [{"text": said, "thought": True}, {"functionCall": {}}]))
    candidate = {"content": {"parts": [part], "role": "model"}, "index": draw(st.sampled_from([0, 0, 0, 1]))}
    if draw(st.integers(0, 9)) == 0:
        candidate["finishReason"] = "STOP"
    usage = draw(st.sampled_from([{"usageMetadata": {"candidatesTokenCount": draw(NUMBERS)}}] * 4 + [{}]))
    return {"candidates": [candidate], **usage, "responseId": draw(IDS)}


MAKERS = {"openai": openai, "openai_responses": openai_responses, "anthropic": anthropic, "gemini": gemini}


@st.composite
def bodies(draw: st.DrawFn, name: str) -> bytes:
    """An event stream: mostly runs of text events, with all that may come between."""
    made, value = [], None
    for _ in range(draw(st.integers(1, 10))):
        if value is None or draw(st.integers(0, 2)) == 0:
            value = MAKERS[name](draw(SAID), draw)
        texts = [json.dumps(value, separators=(",", ":"))]
        if draw(st.booleans()):  # the same once more with another text
            texts.append(texts[0].replace(json.dumps("a"), json.dumps(draw(SAID))))
        head = draw(st.sampled_from(["", "", f"event: {value.get('type', 'e')}\n"]))
        made += [f"{head}data: {text}\n\n" for text in texts]
        others = [": c\n\n", "data: [DONE]\n\n", "id: 3\n", "{}\n", "data: {\n\n"]
        made.append(draw(st.sampled_from([""] * 8 + others)))
    body = "".join(made)
    return (body.replace("\n", "\r\n") if draw(st.integers(0, 3)) == 0 else body).encode()


@DIALECTS
@settings(max_examples=50)  # cases of each kind stand written out below
@given(st.data())
def test_no_stream_is_changed_by_what_others_of_its_provider_said(name: str, data: st.DataObject) -> None:
    provider = providers.create(name, api_key="k")
    for body in data.draw(st.lists(bodies(name), min_size=1, max_size=4)):
        wanted = slow(name, body)
        for _ in range(2):  # once more with what it taught itself
            cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=12))
            assert events(provider.parser(), body, cuts) == wanted
        assert events(provider.parser(), body, list(range(0, len(body), 40))) == wanted


# Each row is an event with two places for text, of which the dialect reads one.
DOUBTFUL = {
    "a second field before": ('{"content":"%s","choices":[{"delta":{"content":"%s"}}]}', "ba"),
    "a second field behind": ('{"choices":[{"delta":{"content":"%s"}}],"content":"%s"}', "ab"),
    "the same field twice": ('{"choices":[{"delta":{"content":"%s","content":"%s"}}]}', "ba"),
    "an escaped name behind": ('{"choices":[{"delta":{"content":"%s","\\u0063ontent":"%s"}}]}', "ba"),
    "an escaped parent behind": (
        '{"choices":[{"delta":{"content":"%s"}}],"\\u0063hoices":[{"delta":{"\\u0063ontent":"%s"}}]}', "ba",
    ),
    "text that is not in a field": (
        '{"x":{"content":"%s"},"choices":[{"delta":{"content":[{"type":"text","text":"%s"}]}}]}', "ba",
    ),
    "three fields": ('{"content":"b","choices":[{"delta":{"content":"%s"}}],"x":{"content":"%s"}}', "ab"),
}  # fmt: skip


@pytest.mark.parametrize("name", DOUBTFUL)
def test_the_text_is_read_where_the_dialect_reads_it(name: str) -> None:
    pattern, order = DOUBTFUL[name]

    def event(counted: str, other: str) -> bytes:
        places = (counted, other) if order == "ab" else (other, counted)
        return f"data: {pattern % places}\n\n".encode()

    provider = providers.create("openai", api_key="k")
    same = [event("a", "a")] * 3  # the two texts do not tell which of them is meant
    for first, second in (("c", "a"), ("a", "c"), ("c", "d")):
        feeds = [*same, event(first, second), event(first, second)]
        parser = provider.parser()
        found = comparable([event for data in feeds for event in parser.feed(data)] + parser.end())
        assert found == slow("openai", b"".join(feeds))
        assert [event.text for event in found if type(event) is TextDelta] == ["a", "a", "a", first, first]


def test_a_name_that_is_escaped_before_the_text_changes_nothing() -> None:
    events = [b'data: {"choices":[{"delta":{"\\u0063ontent":"x","content":"%d"}}]}\n\n' % n for n in range(6)]
    found = of_one_that_knows("openai", events[:4], events)
    assert [event.text for event in found if type(event) is TextDelta] == list("012345")


SILENT = openai_event(None, x=2)


@pytest.mark.parametrize(
    "between", [SILENT, SILENT * 2, openai_event("b", x=2), b'{"x": 2, "choices": []}\n\n'], ids=range(4)
)
def test_an_event_in_between_may_change_what_is_new(between: bytes) -> None:
    feeds = [openai_event("a", x=1)] * 4
    found = of_one_that_knows("openai", feeds, [*feeds, between, *feeds])
    assert sum("fields of another kind" in repr(event) for event in found) == 3


@pytest.mark.parametrize("between", [SILENT, b": c\n\n", b"data: [DONE]\n\n"], ids=range(3))
def test_nothing_is_learnt_over_an_event_in_between(between: bytes) -> None:
    text = openai_event("a", x=1)
    feeds = [text, text + between, text, text]
    provider = providers.create("openai", api_key="k")
    parser = provider.parser()
    found = [event for data in feeds for event in parser.feed(data)]
    assert comparable(found + parser.end()) == slow("openai", b"".join(feeds))


def test_what_only_the_first_event_of_a_template_says_is_said() -> None:
    text = openai_event("a", id="c", x=1)
    found = of_one_that_knows("openai", [text] * 4, [openai_event("b", id="c"), text, text])
    assert ["fields of another kind" in repr(event) for event in found[:5]] == [False, False, False, True, False]


def test_a_number_is_a_whole_one() -> None:
    """Else `07`, which is not JSON, would match where 17 digits are cut in 16 and one."""
    feeds = [b'data: {"p":%b,"choices":[{"delta":{"content":"a"}}]}\n\n' % p for p in [b"12345678901234567"] * 4]
    provider = providers.create("openai", api_key="k")
    parser = provider.parser()
    feeds.append(feeds[0].replace(b"1234567890123456", b"0"))
    found = comparable([event for data in feeds for event in parser.feed(data)] + parser.end())
    assert provider.templates.known
    assert found == slow("openai", b"".join(feeds))


@pytest.mark.parametrize("bad", [b'"a\x01"', b'"a', b"5", b"null", b'"\\x"', b'"a" '], ids=range(6))
def test_a_text_that_is_no_json_string_is_decoded(bad: bytes) -> None:
    text = openai_event("a", id="c")
    of_one_that_knows("openai", [text] * 4, [text, text + text.replace(b'"a"', bad) + text, text])


class Changes(EventStreamParser):
    """A dialect that tells of every field whose value is another one than in the event before."""

    text_fields = ("say",)

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.fields: dict[str, Any] = {}

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        changed = {name: field for name, field in value.items() if name != "say" and self.fields.get(name) != field}
        self.fields = value
        out += [TextDelta(value["say"])] + [UnknownFrame(repr(changed), "changed")] * bool(changed)

    def done(self, out: list[ChatEvent]) -> None:
        self.fields = {}


class Joins(Changes):
    """A dialect whose text is that of two fields."""

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        out.append(TextDelta(value["x"] + value["say"]))


def events_of_values(kind: type[Changes], feeds: list[list[dict[str, Any]]], templates: Templates) -> list[Any]:
    """The events of each feed, the same as those of the slow path."""
    parser, decoding = kind(templates=templates), kind()
    decoding._frames = SlowPath()  # type: ignore[assignment]  # the same face
    made = ["".join(f"data: {json.dumps(value)}\n\n" for value in values).encode() for values in feeds]
    told = [parser.feed(data) for data in made]
    assert told == [decoding.feed(data) for data in made]
    return told


def test_a_text_of_two_fields_is_decoded() -> None:
    templates = Templates()
    events_of_values(Joins, [[{"x": "b", "say": f"{n}"}] for n in range(6)], templates)
    assert templates.known == ()


def test_what_is_learnt_late_begins_no_run() -> None:
    known, new = {"say": "a", "k": 1}, {"say": "a", "n": 1}
    templates = Templates()
    events_of_values(Changes, [[known]] * 5, templates)
    assert templates.known
    told = events_of_values(Changes, [[new, new, known], [new], [new]], templates)
    assert [len(events) for events in told] == [5, 2, 1]


@pytest.mark.parametrize("field", ["x", "created", "id", "item_id", "p", "sequence_number"])
@pytest.mark.parametrize("values", [[1] * 9, list(range(1, 10)), ["a"] * 9, list("abcdefghi"), list("aaaaabbbb")])
def test_a_field_that_means_something_is_no_meaningless_one(field: str, values: list[Any]) -> None:
    said = [{"say": f"{n}", field: value} for n, value in enumerate(values)]
    feeds = [f"data: {json.dumps(value)}\n\n".encode() for value in said]
    feeds.insert(7, b"data: [DONE]\n\n")
    templates = Templates()
    parser, decoding = Changes(templates=templates), Changes()
    decoding._frames = SlowPath()  # type: ignore[assignment]  # the same face
    wanted = [decoding.feed(data) for data in feeds]
    assert [parser.feed(data) for data in feeds] == wanted
    usual = {"item_id": True, "p": False, "sequence_number": False}
    assert bool(templates.known) is usual.get(field, values[0] == values[1])
    assert [Changes(templates=templates).feed(b"".join(feeds))] == [[event for told in wanted for event in told]]


def test_a_late_id_is_told() -> None:
    known = [openai_event("a", id=f"c{n}") for n in range(4)]
    assert Started("c1") in of_one_that_knows("openai", known, [openai_event("a", id=""), *known[1:]])
    assert Started("c0") in of_one_that_knows("openai", known, known)


def test_the_first_text_of_another_choice_opens_it() -> None:
    known = [openai_event("a", id="c").replace(b'"index": 0', b'"index": 1')] * 4
    found = of_one_that_knows("openai", known, [openai_event("a", id="c"), *known, b"data: [DONE]\n\n"])
    assert found[-2:] == [Finished(choice=0), Finished(choice=1)]


def test_a_text_that_is_empty_is_none() -> None:
    item = {"type": "message", "content": [{"type": "output_text", "text": "whole"}]}

    def feeds(*texts: str) -> list[bytes]:
        deltas = [{"type": "response.output_text.delta", "delta": text, "content_index": 0} for text in texts]
        values = [*deltas, {"type": "response.output_item.done", "item": item}]
        return [f"data: {json.dumps(value)}\n\n".encode() for value in values]

    known = feeds("a", "b", "c")[:3]
    assert TextDelta("whole") in of_one_that_knows("openai_responses", known, feeds("", ""))
    assert TextDelta("whole") not in of_one_that_knows("openai_responses", known, feeds("", "a"))
    assert TextDelta("whole") not in of_one_that_knows("openai_responses", known, feeds("a", "", "b"))


@pytest.mark.parametrize("kind", ["text", "thinking"])
def test_blocks_keep_their_text(kind: str) -> None:
    def block(index: int, *texts: str) -> list[dict[str, Any]]:
        begun = {"type": "content_block_start", "index": index, "content_block": {"type": kind, kind: ""}}
        deltas = [{"type": f"{kind}_delta", kind: text} for text in texts]
        grown = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        return [begun, *grown, {"type": "content_block_stop", "index": index}]

    values = [*block(0, "a", "b", "c", "d"), *block(0, "e", "f", "g"), *block(1, "h", "i", "j", "k")]
    feeds = [f"data: {json.dumps(value)}\n\n".encode() for value in values]
    found = of_one_that_knows("anthropic", feeds, feeds)
    assert [event.item[kind] for event in found if type(event) is NativeItem] == ["abcd", "efg", "hijk"]


@pytest.mark.parametrize("first", [True, False])
def test_text_of_another_item_is_decoded(first: bool) -> None:
    def delta(item: str) -> str:
        said = {"type": "response.output_text.delta", "delta": "a"}
        return json.dumps({"item_id": item, **said} if first else {**said, "item_id": item})

    item = {"id": "b", "type": "message", "content": [{"type": "output_text", "text": "whole"}]}
    done = json.dumps({"type": "response.output_item.done", "item": item})
    values = [delta("a"), delta("a"), delta("a"), delta("a"), delta("b"), done]
    body = "".join(f"data: {value}\n\n" for value in values).encode()
    provider = providers.create("openai_responses", api_key="k")
    for step in (len(values[0]) + 8, len(body)):
        found = events(provider.parser(), body, list(range(0, len(body), step)))
        assert found == slow("openai_responses", body)
        assert TextDelta("whole") not in found


TEXTS = ["Hel", "lo, ", '"é"\\n', "😀", "."]
DELTAS: list[Any] = [TextDelta(text) for text in TEXTS]
# What stands before and behind the text events of a whole answer, and what all of it means.
WHOLE: dict[str, tuple[bytes, bytes, list[Any]]] = {
    "openai": (
        b"",
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
        [Started("chatcmpl-1", "m"), *DELTAS, Finished("stop", "stop")],
    ),
    "openai_responses": (
        b'data: {"type":"response.created","response":{"id":"r","model":"m"}}\n\n',
        b'data: {"type":"response.completed","response":{"id":"r","status":"completed","output":[]}}\n\n',
        [Started("r", "m"), *DELTAS, Metadata({"sequence_number": len(TEXTS) - 1}), Finished("stop", "completed")],
    ),
    "anthropic": (
        b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
        b'data: {"type":"content_block_stop","index":0}\n\n'
        b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\ndata: {"type":"message_stop"}\n\n',
        [*DELTAS, NativeItem("anthropic", {"type": "text", "text": "".join(TEXTS)}), Finished("stop", "end_turn")],
    ),
    "gemini": (
        b"",
        b'data: {"candidates": [{"index": 0, "finishReason": "STOP"}]}\r\n\r\n',
        [
            Started("r1", None), *DELTAS, NativeItem("gemini", {"text": "".join(TEXTS)}), Finished("stop", "STOP"),
            UsageReport(
                1, 4, raw={"promptTokenCount": 1, "candidatesTokenCount": 4, "totalTokenCount": 5}, total_tokens=5
            ),
        ],
    ),
}  # fmt: skip


@DIALECTS
def test_a_whole_answer_at_every_cut(name: str) -> None:
    """With a new provider and with one that knows the template, in two pieces and in many."""
    begun, ended, expected = WHOLE[name]
    body = begun + b"".join(usual(name, 1, TEXTS)) + ended
    assert slow(name, body) == expected
    knows = providers.create(name, api_key="k")
    for step in (1, 7, 64, 300, len(body)):
        cuts = list(range(0, len(body), step))
        assert events(providers.create(name, api_key="k").parser(), body, cuts) == expected
        assert events(knows.parser(), body, cuts) == expected
    for at in range(len(body)):
        assert events(knows.parser(), body, [at]) == expected
