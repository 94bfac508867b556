"""What the tests of several dialects share: a body through a parser at every cut, and the request that is sent."""

import json
import warnings
from typing import Any

import pytest

from sansio_core import (
    ChatError,
    ChatEvent,
    ChatRequest,
    Failed,
    InvalidRequest,
    OptionIgnored,
    Reply,
    StreamTruncated,
    UnknownFrame,
    __version__,
    providers,
)
from sansio_core.dialects import ChatParser

AGENT = f"sansio-chat/{__version__}"

def events_of(name: str, data: bytes, step: int = 0) -> list[ChatEvent]:
    """The events of a body fed in pieces of `step` bytes (0: at once)."""
    return fed(providers.create(name, api_key="k").parser(), data, step)


def fed(parser: ChatParser, data: bytes, step: int = 0) -> list[ChatEvent]:
    """As `events_of`, from a parser that is new."""
    step = step or max(1, len(data))
    events: list[ChatEvent] = []
    for at in range(0, len(data), step):
        events += parser.feed(data[at : at + step])
    return events + parser.end()


def comparable(events: list[ChatEvent]) -> list[Any]:
    """Errors have no equality: their class and text stand for them."""
    return [(type(e.error), str(e.error), e.unfinished) if isinstance(e, Failed) else e for e in events]


def every_cut(name: str, data: bytes) -> list[ChatEvent]:
    """The events of a body, which are the same for single bytes, some sizes of pieces, and each cut in two."""
    whole = events_of(name, data)
    for step in (1, 2, 3, 7, 64):
        assert comparable(events_of(name, data, step)) == comparable(whole), step
    for at in range(1, len(data), max(1, len(data) // 200)):
        parser = providers.create(name, api_key="k").parser()
        events = parser.feed(data[:at]) + parser.feed(data[at:]) + parser.end()
        assert comparable(events) == comparable(whole), at
    return whole


def said_by(name: str, *values: Any) -> list[ChatEvent]:
    """The events of an event stream of these values, at every cut; but for the failure of one that only stops."""
    events = every_cut(name, sse(*values))
    last = events[-1]
    return events[:-1] if isinstance(last, Failed) and isinstance(last.error, StreamTruncated) else events


def unknown(events: list[ChatEvent]) -> list[Any]:
    """The JSON values for which no rule was found."""
    return [json.loads(event.raw) for event in events if isinstance(event, UnknownFrame)]


def native_items(reply: Reply) -> list[dict[str, Any]]:
    """The pieces of an answer that go back in the wire's own shape."""
    return list(reply.message["native"]["items"])


def sse(*values: Any, named: bool = False) -> bytes:
    """An event stream of JSON values; `named` puts each one's type before it as its event's."""
    heads = [f"event: {value['type']}\n" if named else "" for value in values]
    return "".join(f"{head}data: {json.dumps(value)}\n\n" for head, value in zip(heads, values, strict=True)).encode()


def ndjson(*values: Any) -> bytes:
    return "".join(json.dumps(value) + "\n" for value in values).encode()


def error_of(events: list[ChatEvent]) -> ChatError:
    """The error that ended a stream; nothing else in it is one."""
    assert [type(event) is Failed for event in events].index(True) == len(events) - 1
    last = events[-1]
    assert isinstance(last, Failed)
    assert not Reply.of(events).complete
    return last.error


def sent(name: str, messages: Any, **options: Any) -> dict[str, Any]:
    """The JSON that is sent for a request; a warning is an error."""
    config = {key: options.pop(key) for key in ("base_url", "api_key") if key in options}
    provider = providers.create(name, **{"api_key": "k", **config})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call = provider.begin(ChatRequest(messages, **options), lambda: 0.5)
    payload: dict[str, Any] = json.loads(call.request().body)
    return payload


def told(name: str, messages: Any, **options: Any) -> str:
    """What of a request is not sent: the one warning's words for it."""
    with pytest.warns(OptionIgnored) as caught:
        providers.create(name, api_key="k").begin(ChatRequest(messages, **options), lambda: 0.5)
    (warning,) = caught
    return str(warning.message).removeprefix(f"{name} does not take ").removesuffix(": not sent")


def refused(name: str, messages: Any, **options: Any) -> str:
    """Why a request is not sent."""
    with pytest.raises(InvalidRequest) as caught:
        sent(name, messages, **options)
    return str(caught.value)


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a place",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}},
    },
}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def asked(call_id: str | None = "c1", name: str = "weather", arguments: str = '{"place":"Oslo"}') -> dict[str, Any]:
    """An assistant's message that calls a tool."""
    call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": "", "tool_calls": [call]}
