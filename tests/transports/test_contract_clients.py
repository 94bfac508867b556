"""The public names of the transports as they are promised, and what the clients do with all that streams say."""

from __future__ import annotations

import inspect
import json
import ssl
import warnings
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from seats import Asyncio, Outcome, Seat

from sansio_core import (
    ClientClosed,
    InvalidRequest,
    OptionIgnored,
    RetryPolicy,
    TextDelta,
    ToolCallDelta,
    providers,
)
from transports import AsyncClient, AsyncStream, Client, Stream
from transports.emulator import DEFAULT_TEXT, Emulator, faults

SETTINGS = {
    "api_key", "base_url", "model", "proxy", "timeout", "retry", "headers", "cookies", "verify", "ssl_context",
    "limits", "connect", "uds", "resolver", "max_connections", "observer",
}  # fmt: skip
PER_CALL = {"model", "system", "timeout", "retry", "limits", "proxy", "headers", "cookies", "observer", "record"}


def keywords(called: Any) -> set[str]:
    found = inspect.signature(called).parameters.values()
    return {parameter.name for parameter in found if parameter.kind is parameter.KEYWORD_ONLY}


# --- what is called how ----------------------------------------------------------------------------------------------


def test_both_clients_take_the_same_settings() -> None:
    assert keywords(Client) == SETTINGS | {"session"}
    assert keywords(AsyncClient) == SETTINGS
    for client in (Client, AsyncClient):
        assert keywords(client.stream) == PER_CALL
        ways = [[*inspect.signature(way).parameters.values()] for way in (client.stream, client.complete)]
        assert ways[0] == ways[1]
        assert next(iter(inspect.signature(client).parameters)) == "provider"
        assert list(inspect.signature(client.stream).parameters)[1] == "messages"
        assert list(inspect.signature(client.stream).parameters)[-1] == "options"


def test_both_clients_have_the_same_names() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    assert public(AsyncClient) - public(Client) == {"aclose"}
    assert public(Client) <= public(AsyncClient)
    assert public(AsyncStream) - public(Stream) == {"aclose"}
    assert public(Stream) == {
        "start", "events", "reply", "partial", "status", "headers", "attempts", "close", "cancel",
    }  # fmt: skip
    assert public(Client) == {"stream", "complete", "models", "close"}


def test_a_stream_is_an_object_and_no_generator(seat: Seat, emulator: Emulator) -> None:
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"))
    stream = client.stream("Hello")
    events = stream.events()
    for public in (stream, events):
        assert not isinstance(public, (Generator, AsyncGenerator))
    assert isinstance(stream, Stream if seat.name == "blocking" else AsyncStream)
    assert stream.reply.text == ""


@pytest.mark.parametrize("name", ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"])
def test_every_setting_and_every_keyword_of_a_call(seat: Seat, emulator: Emulator, name: str) -> None:
    client = seat.client(
        name, api_key=None, base_url=emulator.base_url(name), model=providers.info(name).default_model, proxy=False,
        timeout=20, retry=RetryPolicy(attempts=2), headers={"x-client": "1"}, cookies={"a": "b"}, verify=True,
    )  # fmt: skip
    call: dict[str, Any] = {
        "model": providers.info(name).default_model, "timeout": 10, "proxy": False, "headers": [("x-call", "2")],
        "cookies": {"c": "d"},
    }  # fmt: skip
    assert seat.complete(client, [{"role": "user", "content": "Hello"}], **call).text == DEFAULT_TEXT
    sent = emulator.requests[-1].headers
    assert (sent["x-client"], sent["x-call"]) == ("1", "2")
    assert {"a=b", "c=d"} <= set(sent["cookie"].split("; "))


# --- as the first page shows it --------------------------------------------------------------------------------------


# --- a user's own session, and `responses` ---------------------------------------------------------------------------


# --- all that streams say, to the user -------------------------------------------------------------------------------

TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
WITH_TOOLS = ("openai", "openai_responses", "anthropic", "gemini", "ollama")


def client_of(seat: Seat, emulator: Emulator, name: str) -> Any:
    return seat.client(name, base_url=emulator.base_url(name), api_key="test", retry=1)


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_a_tool_call_is_looked_at_while_it_grows(seat: Seat, name: str) -> None:
    calls = [("weather", {"city": "Zürich", "days": [1, 2, 3]})]
    with Emulator(tool_calls=calls) as emulator:
        client = client_of(seat, emulator, name)
        stream, seen = seat.stream(client, "The weather?", tools=[TOOL]), list[Any]()
        while (event := stream.next_event()) is not None:
            if isinstance(event, ToolCallDelta):
                seen.append(stream.raw.reply.tool_calls[0].partial())
        (call,) = stream.raw.reply.tool_calls
        assert (call.name, json.loads(call.arguments)) == ("weather", calls[0][1])
        assert call.parse() == seen[-1] == calls[0][1]
        assert all(value is None or set(value) <= {"city", "days"} for value in seen)


def test_a_call_without_arguments_means_none_and_a_broken_one_is_told(seat: Seat, emulator: Emulator) -> None:
    def answer(arguments: str) -> faults.RawResponse:
        call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": arguments}}
        chunk = {"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        return faults.RawResponse(head + f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

    emulator.order(answer(""), answer('{"a": '))
    client = client_of(seat, emulator, "openai")
    assert seat.complete(client).tool_calls[0].parse() == {}
    (broken,) = seat.complete(client).tool_calls
    assert broken.partial() == {}
    with pytest.raises(InvalidRequest, match="the tool call 'f' are not JSON"):
        broken.parse()


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "inhabitants": {"type": "integer"}},
    "required": ["city", "inhabitants"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_a_structured_answer_is_looked_at_while_it_grows(seat: Seat, name: str) -> None:
    value = {"city": "Ljubljana", "inhabitants": 297000}
    with Emulator(reply=json.dumps(value)) as emulator:
        client = client_of(seat, emulator, name)
        stream, seen = seat.stream(client, "The capital?", response_format=SCHEMA), list[Any]()
        while stream.next() is not None:
            seen.append(stream.raw.reply.partial())
        assert stream.raw.reply.parse() == seen[-1] == value
        assert '"inhabitants"' in emulator.requests[-1].body.decode(), "the schema was sent"


def test_an_answer_that_is_no_json_is_told(seat: Seat, emulator: Emulator) -> None:
    client = client_of(seat, emulator, "openai")
    reply = seat.complete(client)
    with pytest.raises(InvalidRequest, match="the answer is not JSON"):
        reply.parse()


def test_several_choices(seat: Seat, emulator: Emulator) -> None:
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": i, "delta": {"content": text}, "finish_reason": None}]} for i, text in enumerate("ab")
    ]
    chunks += [{"choices": [{"index": i, "delta": {}, "finish_reason": "stop"}]} for i in (1, 0)]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    emulator.order(faults.RawResponse(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + body.encode()))
    client = client_of(seat, emulator, "openai")
    outcome = Outcome(seat, client, n=2)
    assert outcome.text == outcome.reply.text == "a", "the text that is iterated is the first choice's"
    assert [choice.text for choice in outcome.reply.choices] == ["a", "b"]
    assert outcome.reply.complete
    assert json.loads(emulator.requests[-1].body)["n"] == 2


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_images_and_extra_fields_are_sent(seat: Seat, emulator: Emulator, name: str) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    client = client_of(seat, emulator, name)
    question = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]
    extra: dict[str, Any] = {"generationConfig": {"topK": 7}} if name == "gemini" else {"metadata": {"x": "topK"}}
    assert seat.complete(client, question, extra=extra).complete
    body = emulator.requests[-1].body.decode()
    assert PIXEL in body
    assert "topK" in body


# --- from one provider to another ------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["openai_responses", "anthropic", "gemini", "openrouter"])
@pytest.mark.parametrize("target", ["openai", "openai_responses", "anthropic", "gemini", "ollama", "free_netfly"])
def test_a_history_moves_to_another_provider_with_one_warning(seat: Seat, source: str, target: str) -> None:
    if source == target:
        return
    with Emulator(tool_calls=[("weather", {"city": "Zürich"})], reasoning="It wants the weather.") as emulator:
        first, second = client_of(seat, emulator, source), client_of(seat, emulator, target)
        asked = seat.complete(
            first, "The weather?", tools=[TOOL], **({"store": False} if "responses" in source else {})
        )
        assert asked.message["native"]["dialect"]
        answers = [call.answer("7 °C") for call in asked.tool_calls]
        history = [{"role": "user", "content": "The weather?"}, asked.message, *answers]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            told = seat.complete(second, history, tools=[TOOL])
        assert (told.text, told.complete) == (DEFAULT_TEXT, True)
        (warning,) = caught
        assert warning.category is OptionIgnored
        assert target in str(warning.message)
        assert "7 °C" in json.dumps(json.loads(emulator.requests[-1].body), ensure_ascii=False)


@pytest.mark.parametrize("name", WITH_TOOLS)
def test_and_back_to_its_own_with_none(seat: Seat, name: str) -> None:
    with Emulator(reasoning="Let me think.") as emulator:
        client = client_of(seat, emulator, name)
        asked = seat.complete(client, "Hello")
        history = [
            {"role": "user", "content": "Hello"},
            json.loads(json.dumps(asked.message)),
            {"role": "user", "content": "More"},
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert seat.complete(client, history).complete


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"proxy": {"http": "http://x"}},
            "proxy must be a URL, False for none, or None for the environment's, not dict",
        ),
        ({"proxy": "ftp://x"}, "a proxy's URL cannot begin with 'ftp'"),
        ({"verify": 5}, "verify must be True, False, a CA file or directory, or an ssl.SSLContext, not int"),
        ({"verify": "/no/such.pem"}, "no CA file or directory '/no/such.pem'"),
        ({"verify": Path("/no/such.pem")}, "no CA file or directory '/no/such.pem'"),
        ({"limits": 5}, "limits must be a Limits, not int"),
        ({"retry": 0}, "attempts must be a whole number from 1, not 0"),
        ({"timeout": "3"}, "the total timeout must be a positive number of seconds"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_setting_that_cannot_be_used_is_told_at_once(seat: Seat, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        seat.client("acytoo", **settings)
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environments_authorities_are_the_same_for_both(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "/no/such.pem")
    with pytest.raises(InvalidRequest, match=name):
        seat.client("acytoo")
    for verify in (False, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)):
        seat.close_client(seat.client("acytoo", verify=verify))


def test_a_call_that_cannot_be_made_is_told_at_once(seat: Seat) -> None:
    client: Any = seat.client("acytoo")
    for proxy in ({"http": "http://x"}, "ftp://x"):
        with pytest.raises(InvalidRequest, match="proxy"):
            client.stream("Hello", proxy=proxy)
    for messages in (None, {"role": "user", "content": "Hello"}, ["Hello"], 5, b"Hello"):
        with pytest.raises(InvalidRequest, match="messages"):
            client.stream(messages)


def test_a_closed_client_cannot_be_entered_again() -> None:
    client = Client("acytoo")
    client.close()
    with pytest.raises(ClientClosed, match="make a new one"):
        client.__enter__()
    seat = Asyncio()
    coloured = AsyncClient("acytoo")
    seat.close_client(coloured)
    with pytest.raises(ClientClosed, match="make a new one"):
        seat.run(coloured.__aenter__())
    seat.end()


def test_iterating_twice_gives_nothing_more_and_the_reply_stays(seat: Seat, emulator: Emulator) -> None:
    client = client_of(seat, emulator, "openai")
    stream = seat.stream(client)
    assert "".join(iter(stream.next, None)) == DEFAULT_TEXT
    assert stream.next() is None
    assert stream.raw.reply.text == DEFAULT_TEXT


def test_text_and_events_may_be_mixed_and_nothing_comes_twice(seat: Seat, emulator: Emulator) -> None:
    client = client_of(seat, emulator, "openai")
    stream, got = seat.stream(client), ""
    while (piece := stream.next()) is not None:
        got += piece
        if isinstance(event := stream.next_event(), TextDelta):
            got += event.text
    assert got == DEFAULT_TEXT
