"""A tool's answer, made from the call that it answers, is found by every wire."""

import json
from dataclasses import dataclass
from datetime import date
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import pydantic
import pytest

from sansio_core import ChatRequest, ImagePart, InvalidRequest, ToolCall, providers


@pytest.mark.parametrize(
    ("result", "content"),
    [("sunny", "sunny"), ({"c": 21, "sky": "bläu"}, '{"c":21,"sky":"bläu"}'), (None, "null"), ([1], "[1]")],
)
def test_answer(result: Any, content: str) -> None:
    message = {"role": "tool", "name": "weather", "content": content}
    assert ToolCall(None, "weather").answer(result) == message
    assert ToolCall("c1", "weather").answer(result) == {**message, "tool_call_id": "c1"}


class Sky(Enum):
    CLEAR = "clear"


@dataclass
class Weather:
    sky: Sky
    day: date


class Report(pydantic.BaseModel):
    weather: Weather
    seen: set[str]


class Place(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("result", "content"),
    [
        (Weather(Sky.CLEAR, date(2026, 11, 22)), '{"sky":"clear","day":"2026-11-22"}'),
        ([Report(weather=Weather(Sky.CLEAR, date(2026, 11, 22)), seen={"Oslo"}), Place("Oslo")],
         '[{"weather":{"sky":"clear","day":"2026-11-22"},"seen":["Oslo"]},{"name":"Oslo"}]'),
        ({"ids": frozenset({UUID(int=1)}), "more": MappingProxyType({"a": Sky.CLEAR})},
         '{"ids":["00000000-0000-0000-0000-000000000001"],"more":{"a":"clear"}}'),
    ],
)  # fmt: skip
def test_an_answer_may_be_of_the_types_that_parameters_have(result: Any, content: str) -> None:
    assert ToolCall("c1", "weather").answer(result)["content"] == content


async def later() -> None: ...


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (float("nan"), "Out of range float"), (object(), "a value of type object"), ({"a": b"x"}, "of type bytes"),
        (Weather, "a value of type type"), ({1: later}, "of type function"),
    ],
)  # fmt: skip
def test_an_answer_that_is_no_json(result: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=f"the result of the tool 'weather' cannot be written as JSON: .*{said}"):
        ToolCall("c1", "weather").answer(result)


def test_the_result_of_an_async_tool_wants_to_be_awaited() -> None:
    coroutine = later()
    with pytest.raises(InvalidRequest, match=r"a value of type coroutine \(await it\)"):
        ToolCall("c1", "weather").answer(coroutine)
    coroutine.close()


@pytest.mark.parametrize("name", ["openai", "openai_responses", "anthropic", "gemini", "ollama"])
@pytest.mark.parametrize("ids", [("c1", "c2"), (None, None)])
def test_every_wire_knows_which_call_is_answered(name: str, ids: tuple[str | None, str | None]) -> None:
    calls = [ToolCall(ids[0], "weather", '{"city":"Oslo"}'), ToolCall(ids[1], "weather", '{"city":"Rome"}')]
    asked = {"role": "assistant", "content": "", "tool_calls": calls}
    answers = [call.answer(f"answer {number}") for number, call in enumerate(calls)]
    request = ChatRequest([{"role": "user", "content": "Weather?"}, asked, *answers])
    body = json.loads(providers.create(name, api_key="k").begin(request, lambda: 0.5).request().body)
    text = json.dumps(body)
    assert text.index("Oslo") < text.index("Rome") < text.index("answer 0") < text.index("answer 1")
    for call_id in filter(None, ids):
        assert text.count(f'"{call_id}"') == 2  # in the call, and in its answer


def told(name: str, answer: dict[str, Any]) -> Any:
    """The message, or item, that is sent of a tool's answer."""
    asked = {"role": "assistant", "content": "", "tool_calls": [ToolCall("c1", "weather")]}
    request = ChatRequest([{"role": "user", "content": "Weather?"}, asked, answer])
    body = json.loads(providers.create(name, api_key="k", model="m").begin(request, lambda: 0.5).request().body)
    return (body.get("messages") or body.get("input") or body["contents"])[-1]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("openai", {"role": "tool", "tool_call_id": "c1", "content": "Error: no such place"}),
        ("groq", {"role": "tool", "tool_call_id": "c1", "content": "Error: no such place"}),
        ("openai_responses", {"type": "function_call_output", "call_id": "c1", "output": "Error: no such place"}),
        ("ollama", {"role": "tool", "tool_name": "weather", "tool_call_id": "c1", "content": "Error: no such place"}),
        (
            "anthropic",
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "no such place", "is_error": True}
                ],
            },
        ),
        (
            "gemini",
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "weather", "response": {"error": "no such place"}}}
                ],
            },
        ),
    ],
)
def test_a_model_learns_that_a_tool_failed(name: str, said: dict[str, Any]) -> None:
    """By the wire's field, or in the text: nothing is lost, and so nothing is warned of."""
    assert told(name, ToolCall("c1", "weather").answer("no such place", is_error=True)) == said


def test_a_failed_tool_that_answers_no_text() -> None:
    image = ImagePart("data:image/png;base64,aGk=")
    texts = [{"type": "text", "text": "Error:"}, {"type": "image_url", "image_url": {"url": image.url}}]
    assert told("openrouter", ToolCall("c1", "weather").answer(image, is_error=True))["content"] == texts
