"""Structured answers and functions as tools, on both clients and all five wires."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydantic
import pytest
from seats import Seat

from sansio_core import FilePart, InvalidRequest, RetryPolicy, ToolCall
from sansio_core.dialects.schemas import claude_schema, strict_schema
from transports.emulator import Emulator, Status

AGAIN = RetryPolicy(attempts=2, first_wait=0)
WIRES = ["openai", "openai_responses", "anthropic", "gemini", "ollama"]


class City(pydantic.BaseModel):
    """A city of Europe."""

    name: str
    people: int = pydantic.Field(0, ge=0)


@dataclass
class Trip:
    start: City
    days: int
    via: list[City] = field(default_factory=list)


ANSWER = {"start": {"name": "Graz", "people": 300000}, "days": 3, "via": [{"name": "Rome", "people": 1}]}
TRIP = Trip(City(name="Graz", people=300000), 3, [City(name="Rome", people=1)])


def schema_in(name: str, body: dict[str, Any]) -> Any:
    """The JSON Schema in the body, which must be as the vendor takes it."""
    match name:
        case "openai":
            asked = body["response_format"]["json_schema"]
            assert (asked["name"], asked["strict"]) == ("Trip", True)
        case "openai_responses":
            asked = body["text"]["format"]
            assert (asked["name"], asked["strict"]) == ("Trip", True)
        case "anthropic":
            schema = body["output_config"]["format"]["schema"]
            assert claude_schema(schema) == schema
            return schema
        case "gemini":
            return body["generationConfig"]["responseJsonSchema"]
        case _:
            return body["format"]
    assert strict_schema(asked["schema"]) == asked["schema"]
    return asked["schema"]


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_of_a_class(name: str, seat: Seat, tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("by train")
    question = [{"role": "user", "content": [FilePart(tmp_path / "plan.txt"), "Where to?"]}]
    with Emulator(reply=json.dumps(ANSWER), chunk_size=20, faults=[Status(503), None]) as emulator:
        client = seat.client(name, api_key="key", base_url=emulator.base_url(name), retry=AGAIN)
        stream = seat.stream(client, question, response_format=Trip)
        seen = [stream.raw.partial()]
        while stream.next() is not None:
            seen.append(stream.raw.partial())
        reply = stream.raw.reply
        stream.close()
        seat.close_client(client)
    assert all(isinstance(each, Trip) for each in seen[1:])
    assert (seen[0], seen[-1]) == (None, TRIP)
    assert reply.parse() == TRIP
    assert reply.parse(dict[str, Any]) == ANSWER
    assert set(schema_in(name, emulator.requests[-1].json)["properties"]) == {"start", "days", "via"}


def temperature(city: str, unit: str = "celsius") -> float:
    """How warm it is in a city now.

    Args:
        city: Its name.
    """
    return float(len(city))


@pytest.mark.parametrize("name", WIRES)
def test_a_function_is_asked_for_and_called(name: str, seat: Seat) -> None:
    with Emulator(tool_calls=[("temperature", {"city": "Graz"})], reply="4 degrees") as emulator:
        client = seat.client(name, api_key="key", base_url=emulator.base_url(name))
        reply = seat.complete(client, "How warm is it?", tools=[temperature])
        (call,) = reply.tool_calls
        assert isinstance(call, ToolCall)
        answer = call.answer(call.invoke(temperature))
        messages = [{"role": "user", "content": "How warm is it?"}, reply.message, answer]
        assert str(seat.complete(client, messages, tools=[temperature])) == "4 degrees"
        seat.close_client(client)
    sent = json.dumps(emulator.requests[0].json)
    for text in ("How warm it is in a city now.", "Its name.", '["city"]', '"additionalProperties": false'):
        assert text in sent


def test_what_is_no_class_is_refused_at_once(seat: Seat) -> None:
    client = seat.client("openai", api_key="key", base_url="http://127.0.0.1:1")
    with pytest.raises(InvalidRequest, match="response_format takes a class with named fields, not int"):
        client.stream("Hello", response_format=int)


def test_a_closed_client_says_so(seat: Seat) -> None:
    client = seat.client("openai", api_key="key")
    assert repr(client).endswith("at https://api.openai.com/v1>")
    client.closed = True
    assert repr(client).endswith("at https://api.openai.com/v1, closed>")


def test_an_emulator_says_where_it_is() -> None:
    with Emulator() as emulator:
        assert repr(emulator) == f"<Emulator on port {emulator.port}>"
    assert repr(emulator) == "<Emulator, not running>"
