"""Both clients against llama.cpp's own HTTP server, on each of the three wires that it speaks.

Its model is random and never ends an answer unless a request makes the end likely: what it says is nonsense, but how
it is said on the wire is llama.cpp's own.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from seats import Asyncio, Outcome, Seat
from server_process import ServerProcess
from tiny_model import END, THOUGHT, make

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    Cancelled,
    ConnectionLost,
    ContextTooLong,
    Failed,
    InvalidRequest,
    NotFound,
    ReasoningDelta,
    StreamTruncated,
    TextDelta,
    TimedOut,
    Timeouts,
    UnknownFrame,
)

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="llama.cpp: needs the wheel xllamacpp"),
]
KEY = "interop-key"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"enum": ["Rome", "Oslo"]}, "now": {"type": "boolean"}},
    "required": ["city", "now"],
    "additionalProperties": False,
}
WEATHER = {"name": "weather", "description": "How the weather is.", "parameters": SCHEMA}


@dataclass(frozen=True)
class Wire:
    """What llama.cpp does on a wire. `cut`: its words for max_tokens; `biased`: it takes `logit_bias` there."""

    provider: str
    path: str
    cut: tuple[str, str]
    biased: bool = True


WIRES = [
    Wire("llama_cpp", "/v1/chat/completions", ("length", "length")),
    # it says "completed" of a response that max_output_tokens cut, where OpenAI says "incomplete"
    Wire("openai_responses", "/v1/responses", ("stop", "completed")),
    Wire("anthropic", "/v1/messages", ("length", "max_tokens"), biased=False),
]
wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.provider)


def start(folder: Path) -> ServerProcess:
    command = [sys.executable, str(Path(__file__).with_name("llama_server.py")), str(make(folder / "tiny.gguf")), KEY]
    return ServerProcess(command, folder / "llama.log", health="/health")


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with start(tmp_path_factory.mktemp("llama")) as server:
        yield server


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ServerProcess]:
    with start(tmp_path) as server:
        yield server


def client(seat: Seat, wire: Wire, server: ServerProcess, **settings: Any) -> Any:
    return seat.client(wire.provider, **{"base_url": server.url, "api_key": KEY, "model": "tiny", **settings})


@wires
def test_text_cut_by_max_tokens(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    outcome = Outcome(seat, there, max_tokens=200)
    reply = outcome.reply
    assert outcome.error is None
    assert len(outcome.pieces) > 10
    assert outcome.text == reply.text
    assert any(ord(letter) > 127 for letter in reply.text)
    assert (reply.complete, reply.finish_reason, reply.provider_reason) == (True, *wire.cut)
    assert reply.model == "tiny"
    assert reply.usage is not None
    assert reply.usage.output_tokens == 200
    assert (reply.usage.input_tokens or 0) + (reply.usage.cached_tokens or 0) > 10
    seat.close_client(there)


@wires
def test_the_same_words_as_without_a_stream(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    extra = {"seed": 7, "cache_prompt": False, "temperature": 0.0}
    said = seat.complete(there, max_tokens=60, extra=extra).text
    whole = seat.complete(there, max_tokens=60, extra={**extra, "stream": False, "stream_options": None})
    assert whole.text == said
    assert whole.complete
    seat.close_client(there)


@wires
def test_a_real_end(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    likely = {"extra": {"logit_bias": {str(END): 34}}}
    options: dict[str, Any] = likely if wire.biased else {"stop": [" the", " of", " to", " a", " in"]}
    reply = seat.complete(there, max_tokens=2000, **options)
    assert reply.complete
    assert reply.finish_reason == "stop"
    seat.close_client(there)


@wires
def test_reasoning(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    extra: dict[str, Any] = {
        "chat_template_kwargs": {"enable_thinking": True},
        "logit_bias": {str(THOUGHT): 33},
        "seed": 2,
    }
    stream = seat.stream(there, max_tokens=300, extra=extra)
    kinds = [type(event) for event in iter(stream.next_event, None)]
    reply = stream.raw.reply
    assert reply.reasoning.strip()
    assert not {UnknownFrame, Failed} & {*kinds}
    assert not re.search("</?think>", reply.reasoning)
    assert ReasoningDelta in kinds
    assert bool(reply.text) == wire.biased  # without a bias it thinks for ever
    if reply.text:
        assert kinds.index(TextDelta) > max(at for at, kind in enumerate(kinds) if kind is ReasoningDelta)
    again = [{"role": "user", "content": "Hello"}, reply.message, {"role": "user", "content": "And?"}]
    assert seat.complete(there, again, max_tokens=5).complete
    stream.close()
    seat.close_client(there)


@wires
def test_tools_round_trip(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    history: list[Any] = [{"role": "user", "content": "How is the weather?"}]
    # not all wires of it take parallel_tool_calls: the first call is whole, whatever max_tokens makes of the last
    reply = seat.complete(there, history, tools=[WEATHER], tool_choice="required", max_tokens=400)
    first = reply.tool_calls[0]
    assert first.id
    assert (first.name, first.parse().keys()) == ("weather", {"city", "now"})
    assert first.parse()["city"] in ("Rome", "Oslo")
    history += [{"role": "assistant", "content": reply.text, "tool_calls": [first]}, first.answer({"sky": "grau"})]
    again = seat.complete(there, history, tools=[WEATHER], max_tokens=5, tool_choice="none")
    assert again.complete
    assert again.usage is not None
    seat.close_client(there)


@wires
def test_a_native_message_goes_back(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    reply = seat.complete(there, max_tokens=5)
    history = [{"role": "user", "content": "Hello"}, reply.message, {"role": "user", "content": "And?"}]
    second = seat.complete(there, history, max_tokens=5)
    assert second.complete
    seat.close_client(there)


def test_a_structured_answer(seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, WIRES[0], llama)  # its two other wires do not take a schema
    reply = seat.complete(there, response_format=SCHEMA, max_tokens=1500, temperature=0, seed=1)
    assert reply.finish_reason == "stop"
    assert reply.parse().keys() == {"city", "now"}
    seat.close_client(there)


@wires
def test_models(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    models = there.models()
    assert (seat.run(models) if isinstance(seat, Asyncio) else models) == ["tiny"]
    seat.close_client(there)


@wires
def test_refusals(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    with pytest.raises(ContextTooLong, match="exceeds the available context size") as caught:
        seat.complete(there, "word " * 3000)
    assert caught.value.status == 400
    with pytest.raises(BadRequest) as refused:
        seat.complete(there, extra={"max_tokens": "many", "max_output_tokens": "many"})
    assert not isinstance(refused.value, ContextTooLong)
    assert seat.complete(there, max_tokens=2).complete  # on a connection that is still good
    seat.close_client(there)
    stranger = client(seat, wire, llama, api_key="wrong-key")
    with pytest.raises(AuthenticationFailed, match="Invalid API Key") as denied:
        seat.complete(stranger)
    assert (denied.value.status, "wrong-key" in str(denied.value)) == (401, False)
    seat.close_client(stranger)
    lost = client(seat, wire, llama, base_url=f"{llama.url}/nowhere/v1")
    with pytest.raises(NotFound, match="File Not Found"):
        seat.complete(lost)
    seat.close_client(lost)


def test_what_it_refuses_on_the_chat_wire_alone(seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, WIRES[0], llama)
    with pytest.raises(BadRequest, match="'n'"):
        seat.complete(there, n=2)
    with pytest.raises(InvalidRequest):
        seat.complete(there, [])
    seat.close_client(there)


@wires
def test_leaving_an_endless_answer_frees_the_server(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    """The server makes one answer at a time: the next one begins only because the last was given up."""
    there = client(seat, wire, llama)
    for _ in range(3):
        stream = seat.stream(there, max_tokens=100_000)
        for _ in range(20):
            assert stream.next()
        stream.close()
    assert seat.complete(there, max_tokens=3).complete
    assert not busy(llama)
    seat.close_client(there)


@wires
def test_cancel_from_another_thread(wire: Wire, seat: Seat, llama: ServerProcess) -> None:
    there = client(seat, wire, llama)
    stream = seat.stream(there, max_tokens=100_000)
    assert stream.next()
    wait = stream.in_background()
    stream.raw.cancel()
    assert isinstance(wait(), Cancelled)
    assert stream.raw.reply.text
    assert not stream.raw.reply.complete
    assert seat.complete(there, max_tokens=3).complete
    seat.close_client(there)


@wires
def test_the_server_is_killed_in_mid_stream(wire: Wire, seat: Seat, mortal: ServerProcess) -> None:
    there = client(seat, wire, mortal, retry=3)
    stream = seat.stream(there, max_tokens=100_000)
    said = [stream.next() for _ in range(20)]
    mortal.kill()
    with pytest.raises((ConnectionLost, StreamTruncated)) as caught:
        said.extend(iter(stream.next, None))
    reply = caught.value.reply
    assert reply is not None
    assert reply.text == "".join(map(str, said))  # nothing lost, and nothing asked again
    assert (reply.complete, reply.finish_reason) == (False, None)
    stream.close()
    seat.close_client(there)


@wires
def test_the_server_hangs_in_mid_stream(wire: Wire, seat: Seat, mortal: ServerProcess) -> None:
    there = client(seat, wire, mortal, timeout=Timeouts(idle=0.3))
    stream = seat.stream(there, max_tokens=100_000)
    assert stream.next()
    mortal.pause()
    with pytest.raises(TimedOut) as caught:
        list(iter(stream.next, None))
    assert caught.value.clock == "idle"
    mortal.resume()
    assert seat.complete(there, max_tokens=3).complete
    stream.close()
    seat.close_client(there)


def busy(server: ServerProcess) -> bool:
    request = urllib.request.Request(f"{server.url}/slots", headers={"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request, timeout=10) as response:
        return any(slot["is_processing"] for slot in json.load(response))
