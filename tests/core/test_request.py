"""What the user asks: checked once, before anything is sent, with an error that says what is wrong."""

from __future__ import annotations

from contextlib import suppress
from math import inf, nan
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    ChatRequest,
    Exchange,
    FilePart,
    ImagePart,
    InvalidRequest,
    Message,
    OptionIgnored,
    Send,
    TextPart,
    ToolCall,
    providers,
)
from sansio_core.dialects.history import unsupported_fields
from sansio_core.parts import RawPart
from sansio_core.request import Native, header_pairs
from sansio_core.strict_json import dump_json

LONE = "a\ud800b"


def test_a_str_is_one_user_message() -> None:
    assert ChatRequest("Hello").messages == (Message("user", (TextPart("Hello"),)),)
    assert ChatRequest("").messages[0].text == ""
    assert ChatRequest("Hello", model="m").model == "m"


def test_messages_in_every_shape() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}
    audio = {"type": "input_audio", "input_audio": {}}
    cached = {"type": "text", "text": "x", "cache_control": {}}
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": {"a": "ä"}}}
    more = {"index": 2, "function": {"name": "h"}, "extra_content": {"s": 1}, "note": None}
    request = ChatRequest(
        (
            MappingProxyType({"role": "developer", "content": "a"}),
            {"role": "user", "content": [{"type": "text", "text": "b"}, "c", image, audio, cached], "name": "Bob"},
            {"role": "user", "content": ({"type": "image_url", "image_url": "https://x/z.png"},)},
            {"role": "assistant", "content": None, "tool_calls": [call, ToolCall(None, "g"), more], "reasoning": "hm"},
            {"role": "tool", "content": "d", "tool_call_id": "c1"},
            {"role": "assistant", "content": None, "native": {"dialect": "x", "items": [{"y": 1}]}},
            Message("user", (TextPart("e"),)),
        ),
        model="",
    )
    assert request.model is None
    with_more = ToolCall(None, "h", extra={"extra_content": {"s": 1}})
    assert request.messages == (
        Message("developer", (TextPart("a"),)),
        Message(
            "user",
            (TextPart("b"), TextPart("c"), ImagePart("https://x/y.png", "low"), RawPart(audio), TextPart("x", {})),
            name="Bob",
        ),
        Message("user", (ImagePart("https://x/z.png"),)),
        Message("assistant", (), (ToolCall("c1", "f", '{"a":"ä"}'), ToolCall(None, "g"), with_more), reasoning="hm"),
        Message("tool", (TextPart("d"),), tool_call_id="c1"),
        Message("assistant", native=Native("x", ({"y": 1},))),
        Message("user", (TextPart("e"),)),
    )
    mixed = Message("user", (ImagePart("https://x"), TextPart("f")))
    assert ChatRequest([mixed]).messages == (mixed,)


def test_a_system_text_goes_before_the_messages_as_a_message() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert ChatRequest("Hi", system="Be brief.") == ChatRequest(messages)
    both = ChatRequest(messages, system="Be kind.")
    assert [message.text for message in both.messages] == ["Be kind.", "Be brief.", "Hi"]
    for none in (None, ""):
        assert ChatRequest("Hi", system=none) == ChatRequest("Hi")


@pytest.mark.parametrize(
    ("system", "said"),
    [(0, "must be a str, not int"), ([], "must be a str, not list"), (LONE, "has a lone surrogate at 1")],
)
def test_what_is_no_system_text(system: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^system {said}"):
        ChatRequest("Hi", system=system)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([], "messages is empty: give at least one"), ((), "empty"), (None, "NoneType"), (5, "int"), (b"x", "bytes"),
        ({"role": "user"}, "dict"), (LONE, "messages[0] has a lone surrogate at 1"),
    ],
)  # fmt: skip
def test_what_is_no_conversation(messages: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ChatRequest(messages)
    assert str(caught.value).startswith("messages")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        (["x"], "a mapping with 'role' and 'content', not str"), ([None], "not NoneType"),
        ([{}], "has no role; known are system, developer, user, assistant, tool"),
        ([{"role": "User"}], "has the role 'User' (did you mean 'user'?)"),
        ([{"role": "bot", "content": "x"}], "has the role 'bot'; known"),
        ([{"role": ["user"], "content": "x"}], "role"), ([{"role": "user"}], "no content"),
        ([{"role": "user", "content": 5}], "int"), ([{"role": "user", "content": {}}], "dict"),
        ([{"role": "user", "content": b"x"}], "bytes"), ([{"role": "user", "content": [5]}], "'type'"),
        ([{"role": "user", "content": [{"type": "text"}]}], "text that is no str but NoneType"),
        ([{"role": "user", "content": [{"words": "x"}]}], "'type'"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "image without its URL"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": 5}}]}], "image without its URL"),
        ([{"role": "user", "content": LONE}], "lone surrogate at 1"),
        ([{"role": "user", "content": [{"type": "text", "text": LONE}]}], "lone surrogate"),
        ([Message("user", (TextPart("b"), TextPart(LONE)))], "has a lone surrogate"),
        ([{"role": "user", "content": [LONE]}], "has a lone surrogate at 1"),
        ([{"role": "assistant", "tool_calls": 5}], "['tool_calls'] must be a list, not int"),
        *[([{"role": "assistant", "tool_calls": [call]}], "has a tool call without {'function'") for call in ({}, 5)],
        ([{"role": "assistant", "tool_calls": [{"function": {"name": 5}}]}], "tool call"),
        ([{"role": "assistant", "tool_calls": [{"id": 5, "function": {"name": "f"}}]}], "has text that is no str"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": nan}}}]}], "JSON"),
        ([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {1, 2}}}]}], "JSON"),
        ([{"role": "user", "content": "x", "name": 5}], "has text that is no str but int"),
        ([{"role": "tool", "content": "x", "tool_call_id": 5}], "has text that is no str but int"),
        ([{"role": "assistant", "content": "x", "reasoning": ["x"]}], "has text that is no str but list"),
        ([{"role": "assistant", "native": {"items": []}}], "['native'] must be what Reply.message gave, unchanged"),
        ([{"role": "assistant", "native": "x"}], "native"),
        ([{"role": "assistant", "native": {"dialect": "x", "items": [5]}}], "native"),
    ],
)  # fmt: skip
def test_what_is_no_message(messages: Any, said: str) -> None:
    for before in range(2):
        with pytest.raises(InvalidRequest) as caught:
            ChatRequest([{"role": "user", "content": "Hello"}] * before + messages)
        assert said in str(caught.value)
        assert str(caught.value).startswith(f"messages[{before}]") or said == "JSON"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"model": 5}, "model must be a str, not int"),
        *[({"headers": wrong}, "headers must be a mapping of names to values, or pairs of them")
          for wrong in (5, "abc", [("a",)])],
        ({"cookies": "a=b"}, "cookies must be a mapping, not str"),
        ({"cookies": [("a", "b")]}, "cookies must be a mapping, not list"),
        ({"extra": "x"}, "extra must be a mapping, not 'x'"),
        ({"extra": [1]}, "extra must be a mapping, not a value of type list"),
    ],
)  # fmt: skip
def test_what_is_no_request(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ChatRequest("Hello", **settings)
    assert str(caught.value) == said


@pytest.mark.parametrize("name", ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"])
@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"x": 5}},
        {"headers": {5: "x"}},
        {"headers": {"a b": "x"}},
        {"cookies": {"a": 5}},
        {"cookies": {5: "a"}},
    ],
)
def test_what_a_wire_cannot_carry_is_refused_at_once(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        Exchange(providers.create(name), ChatRequest("Hello", **settings))


@pytest.mark.parametrize("value", [nan, inf, -inf, {1, 2}, object(), LONE, b"x"])
def test_options_must_be_json(value: Any) -> None:
    for name, option in (("free_netfly", "temperature"), ("acytoo", "temperature"), ("yqcloud", "extra")):
        given = {"x": value} if option == "extra" else value
        with pytest.raises(InvalidRequest, match=r"JSON|temperature must be a number"):
            Exchange(providers.create(name), ChatRequest("Hello", **{option: given}))


def test_endless_nesting_is_refused() -> None:
    deep: list[Any] = []
    deep.append(deep)
    with pytest.raises(InvalidRequest, match="JSON"):
        dump_json(deep)
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidRequest, match="JSON"):
        dump_json(deep)
    with pytest.raises(InvalidRequest, match="deep"):
        ToolCall("c", "f", "[" * 100_000).parse()


def test_an_image_in_a_data_url() -> None:
    assert ImagePart("https://x/y").data is None
    assert ImagePart("data:image/png;base64,AAAA").data == ("image/png", "AAAA")
    assert ImagePart("data:;base64,AAAA").data == ("application/octet-stream", "AAAA")
    for url in ("data:image/png,AAAA", "data:image/png;base64,", "data:"):
        with pytest.raises(InvalidRequest, match="data URL"):
            _ = ImagePart(url).data


def test_text_only() -> None:
    with pytest.raises(InvalidRequest, match="an image"):
        _ = Message("user", (TextPart("a"), ImagePart("https://x"))).text
    with pytest.raises(InvalidRequest, match="type 'file'"):
        _ = Message("user", (RawPart({"type": "file"}),)).text


def test_a_tool_calls_arguments() -> None:
    assert ToolCall("c", "f", '{"a": 1}').parse() == {"a": 1}
    assert ToolCall("c", "f").parse() == {}
    assert ToolCall("c", "f", '{"a": [1').partial() == {"a": [1]}
    assert ToolCall("c", "f").partial() is None
    text = f'{{"a": "{"b" * 40}", oops{"c" * 40}}}'
    for bad, place in ((text, text[30:70]), ("oops" + "c" * 40, "oops" + "c" * 36), ("1" * 5000, "1" * 40)):
        with pytest.raises(InvalidRequest) as caught:
            ToolCall("c", "f", bad).parse()
        assert str(caught.value).startswith("the arguments of the tool call 'f' are not JSON: ")
        assert str(caught.value).endswith(f", near {place!r}")


def test_repr_shows_no_secret() -> None:
    request = ChatRequest("Hello", headers={"authorization": "s3cret"}, cookies={"a": "s3cret"}, temperature=1)
    assert "s3cret" not in repr(request)
    assert "temperature" in repr(request)


def test_headers_in_either_shape() -> None:
    assert header_pairs({"a": "b"}) == header_pairs([("a", "b")]) == header_pairs(iter([["a", "b"]])) == (("a", "b"),)  # type: ignore[arg-type, list-item]
    assert header_pairs(None) == ()


def test_what_was_given_may_be_changed_afterwards() -> None:
    cookies, options = {"a": "1"}, {"temperature": 1}
    request = ChatRequest("Hello", cookies=cookies, **options)
    cookies["a"] = "2"
    assert request.cookies == {"a": "1"}


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["role", "content", "tool_calls", "name", "native", "reasoning", "tool_call_id"])


@given(ANYTHING | st.lists(st.dictionaries(FIELDS, ANYTHING | st.sampled_from(["user", "system"]))), ANYTHING, ANYTHING)
def test_anything_at_all_is_a_request_or_refused(messages: Any, headers: Any, extra: Any) -> None:
    for name in ("free_netfly", "chatgpt_free", "yqcloud"):
        with suppress(InvalidRequest, OptionIgnored):
            ours = Exchange(providers.create(name), ChatRequest(messages, headers=headers, extra=extra))
            assert isinstance(ours.next_action(0), Send)


@pytest.mark.parametrize(
    "part",
    [
        ImagePart(f"https://x/{LONE}"),
        ImagePart("https://x/a", LONE),
        FilePart(f"https://x/{LONE}"),
        FilePart(b"a", LONE),
        FilePart(b"a", "text/plain", LONE),
    ],
)
def test_a_lone_surrogate_in_any_part_is_found_at_once(part: Any) -> None:
    for messages in ([{"role": "user", "content": [part]}], [Message("user", (part,))]):
        with pytest.raises(InvalidRequest, match=r"messages\[0\] has a lone surrogate"):
            ChatRequest(messages)


NATIVE = {"dialect": "anthropic", "items": [{"type": "text", "text": "a"}]}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": "", "cache_control": True},
        {"role": "user", "content": [TextPart("a"), TextPart("", True)]},
        {"role": "user", "content": [RawPart({"type": "x"})], "cache_control": True},
        {"role": "assistant", "tool_calls": [ToolCall("c", "f")], "cache_control": True},
        {"role": "assistant", "content": "a", "native": NATIVE, "cache_control": True},
    ],
)
def test_a_mark_without_a_place_is_named(message: dict[str, Any]) -> None:
    (checked,) = ChatRequest([message]).messages
    assert unsupported_fields([checked], marks=True) == ["the field cache_control of messages"]
    assert not any(part.cache_control for part in checked.parts if not isinstance(part, RawPart))
    (placed,) = ChatRequest([{"role": "user", "content": "a", "cache_control": True}]).messages
    assert placed.parts == (TextPart("a", True),)
    assert unsupported_fields([placed], marks=True) == []


def test_top_logprobs_are_logprobs() -> None:
    with pytest.raises(InvalidRequest, match="top_logprobs asks for what logprobs=False asks to leave out"):
        ChatRequest("q", logprobs=False, top_logprobs=1)
    assert ChatRequest("q", logprobs=None, top_logprobs=1).options == {"top_logprobs": 1}
