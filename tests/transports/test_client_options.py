"""Options for all calls of a client, and what one call alone replaces; on both clients, against the emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from seats import Seat

from sansio_core import InvalidRequest, LimitExceeded, Limits, RetryPolicy, ServerFailed
from transports.emulator import Emulator, faults


def openai(seat: Seat, emulator: Emulator, **settings: Any) -> Any:
    return seat.client("openai", api_key="sk-abcdef", base_url=emulator.base_url("openai"), **settings)


def sent(emulator: Emulator) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(emulator.requests[-1].body)
    return body


def test_a_clients_options_are_those_of_a_call_that_gives_none_of_its_own(seat: Seat, emulator: Emulator) -> None:
    client = openai(seat, emulator, temperature=0, seed=None, stop=["END"])
    assert client.options == {"temperature": 0, "stop": ["END"]}
    for given, temperature, top_p in (({}, 0, None), ({"temperature": 1, "top_p": 0.5}, 1, 0.5)):
        seat.complete(client, **given)
        body = sent(emulator)
        assert (body["temperature"], body["stop"], body.get("top_p")) == (temperature, ["END"], top_p)
    seat.complete(client, temperature=None)
    assert sent(emulator)["temperature"] == 0
    seat.complete(seat.client(client.provider))
    assert not {"temperature", "stop"} & sent(emulator).keys()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"temprature": 0}, "'temprature' (did you mean 'temperature'?)"),
        ({"temperature": "0"}, "temperature must be a number, not '0'"),
        ({"max_output_tokens": 5}, "'max_output_tokens' (it is called max_tokens here)"),
        ({"timeouts": 5}, "(did you mean 'timeout'?)"),
        ({"system": "Be brief."}, "'system' (give system= to stream() or complete(), or to ChatRequest())"),
        ({"messages": "Hi"}, "'messages' (give messages= to stream() or complete(), or to ChatRequest())"),
        ({"tools": [print]}, "the tool print takes *args"),
        ({"response_format": int}, "response_format takes a class with named fields, not int"),
        ({"logprobs": False, "top_logprobs": 1}, "top_logprobs asks for what logprobs=False asks to leave out"),
    ],
)
def test_a_clients_option_that_cannot_be_is_told_at_once(seat: Seat, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        seat.client("openai", api_key="sk-abcdef", **options)
    assert said in str(caught.value)


def weather(city: str) -> str:
    return city


def test_a_clients_tools_are_for_every_call(seat: Seat, emulator: Emulator) -> None:
    client = openai(seat, emulator, tools=iter([weather]))
    for _ in range(2):
        seat.complete(client)
        assert [tool["function"]["name"] for tool in sent(emulator)["tools"]] == ["weather"]


def test_what_belongs_to_the_client_is_told_by_a_call(seat: Seat) -> None:
    client = seat.client("openai", api_key="sk-abcdef")
    for name in ("api_key", "base_url", "verify", "provider", "session"):
        with pytest.raises(InvalidRequest, match=rf"'{name}' \(give {name}= to Client\(\)") as caught:
            client.stream("Hi", **{name: "sk-secret"})
        assert "sk-secret" not in str(caught.value)


def test_a_system_message_goes_before_the_messages(seat: Seat, emulator: Emulator) -> None:
    client = openai(seat, emulator)
    ours, theirs = {"role": "system", "content": "Be brief."}, {"role": "system", "content": "Be kind."}
    question = {"role": "user", "content": "Hello"}
    for messages, system, wire in (
        ("Hello", "Be brief.", [ours, question]),
        ([theirs, question], "Be brief.", [ours, theirs, question]),
        ("Hello", "", [question]),
        ("Hello", None, [question]),
    ):
        seat.complete(client, messages, system=system)
        assert sent(emulator)["messages"] == wire


def test_retry_of_one_call(seat: Seat) -> None:
    with Emulator(faults=[faults.Status(503)] * 4) as emulator:
        client = openai(seat, emulator, retry=RetryPolicy(attempts=2, first_wait=0.01, jitter=0))
        for retry, attempts in ((1, 1), (None, 2), (RetryPolicy(attempts=1), 1)):
            before = len(emulator.requests)
            with pytest.raises(ServerFailed):
                seat.complete(client, retry=retry)
            assert len(emulator.requests) - before == attempts
        with pytest.raises(InvalidRequest, match="attempts must be a whole number from 1, not 0"):
            client.stream("Hi", retry=0)


def test_limits_of_one_call(seat: Seat, emulator: Emulator) -> None:
    client = openai(seat, emulator, limits=Limits(frame=10_000_000))
    for limits in (Limits(frame=10), Limits(head=10)):  # one is the parser's, one the wire's
        with pytest.raises(LimitExceeded):
            seat.complete(client, limits=limits, retry=1)
    assert seat.complete(client).complete
    with pytest.raises(InvalidRequest, match="limits must be a Limits, not int"):
        client.stream("Hi", limits=5)
