"""Both clients against @copilotkit/aimock from npm, which speaks all five wires, with its own faults and pace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from seats import Asyncio, Outcome, Seat
from server_process import ServerProcess

from sansio_core import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ConnectionLost,
    NotFound,
    RateLimited,
    ServerFailed,
    StreamTruncated,
)

pytestmark = pytest.mark.interop
VERSION = "1.43.0"
KEY = "interop-key"
TEXT = "Grüne Blätter, 日本語 🙂🙂 und noch ein paar Wörter.\n"
LONG = "word " * 400
COUNTS = {
    "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18, "input_tokens": 11, "output_tokens": 7,
    "promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18,
}  # fmt: skip
CALLS = [{"name": "weather", "arguments": '{"city":"Oslo","deep":{"é":[1]}}'}, {"name": "weather", "arguments": "{}"}]
BUSY = {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded"}
FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "poem"}, "response": {"content": TEXT, "usage": COUNTS}, "chunkSize": 1},
    {"match": {"userMessage": "think"}, "response": {"content": "So.", "reasoning": "Hm, naïve."}, "chunkSize": 3},
    {"match": {"userMessage": "weather", "hasToolResult": True}, "response": {"content": "It is warm."}},
    {"match": {"userMessage": "weather"}, "response": {"toolCalls": CALLS}, "chunkSize": 3},
    {"match": {"userMessage": "end"}, "response": {"content": "one two", "finishReason": "length"}},
    {"match": {"userMessage": "slow"}, "response": {"content": "abcdef"}, "chunkSize": 1, "latency": 60},
    {"match": {"userMessage": "long"}, "response": {"content": LONG}, "chunkSize": 5, "latency": 10},
    {"match": {"userMessage": "busy"}, "response": {"error": BUSY, "status": 429, "retryAfter": 7}},
    {
        "match": {"userMessage": "cut"},
        "response": {"content": LONG},
        "chunkSize": 5,
        "truncateAfterChunks": 9,
        "latency": 5,
    },
    {"match": {"userMessage": "drop"}, "response": {"content": "x"}, "chaos": {"dropRate": 1}},
    {"match": {"userMessage": "gone"}, "response": {"content": "x"}, "chaos": {"disconnectRate": 1}},
    {"match": {"userMessage": "garbled"}, "response": {"content": "x"}, "chaos": {"malformedRate": 1}},
    {"match": {"userMessage": "limited"}, "response": {"content": "x"}, "chaos": {"rateLimitRate": 1}},
]
TOOL = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


@dataclass(frozen=True)
class Wire:
    """What aimock says on a wire where the vendors differ; `lacks`: what it does not do there as the vendor does."""

    provider: str
    stop: str
    length: tuple[str, str]
    lacks: frozenset[str] = field(default=frozenset())


WIRES = [
    Wire("openai", "stop", ("length", "length")),
    # it leaves out incomplete_details, without which the reason is not said
    Wire("openai_responses", "completed", ("other", "incomplete")),
    Wire("anthropic", "end_turn", ("length", "max_tokens")),
    Wire("gemini", "STOP", ("length", "MAX_TOKENS"), lacks=frozenset({"models"})),
    # it says done_reason "stop", and counts nothing, whatever the fixture says
    Wire("ollama", "stop", ("stop", "stop"), lacks=frozenset({"usage"})),
]
wires = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.provider)


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest) -> Path:
    """The package's folder: AIMOCK names it, else it is in pytest's cache, where `-m interop` has npm install it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("aimock: needs node")
    if "AIMOCK" in os.environ:
        return Path(os.environ["AIMOCK"])
    config = request.config
    place = Path(config.cache.mkdir("aimock")) if config.cache is not None else None
    if place is None:
        pytest.skip("aimock: AIMOCK names no folder, and pytest has no cache")
    package = place / "node_modules" / "@copilotkit" / "aimock"
    if not package.exists():
        if npm is None or config.option.markexpr != "interop":
            pytest.skip("aimock: not installed; `pytest -m interop` installs it, with npm")
        wanted = f"@copilotkit/aimock@{VERSION}"
        command = [npm, "install", "--prefix", str(place), "--no-fund", "--no-audit", "--ignore-scripts", wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50)
        if done.returncode != 0:
            pytest.skip(f"aimock: npm could not install it: {done.stderr[-300:]}")
    return package


def start(package: Path, folder: Path) -> ServerProcess:
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps(FIXTURES))
    script = Path(__file__).with_name("aimock_server.mjs")
    command = [str(shutil.which("node")), str(script), str(package), str(fixtures), KEY]
    return ServerProcess(command, folder / "aimock.log", health="/health")


@pytest.fixture(scope="module")
def aimock(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with start(package, tmp_path_factory.mktemp("aimock")) as server:
        yield server


def client(seat: Seat, wire: Wire, server: ServerProcess, **settings: Any) -> Any:
    return seat.client(wire.provider, **{"base_url": server.url, "api_key": KEY, "model": "m-1", **settings})


@wires
def test_text(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    """One UTF-16 unit a chunk: characters beyond the first plane come in halves."""
    there = client(seat, wire, aimock)
    outcome = Outcome(seat, there, "A poem")
    reply = outcome.reply
    assert outcome.error is None
    assert outcome.text == reply.text == TEXT
    assert len(outcome.pieces) > 30
    assert (reply.complete, reply.finish_reason, reply.provider_reason) == (True, "stop", wire.stop)
    assert reply.usage is not None
    counted = (0, 0) if "usage" in wire.lacks else (11, 7)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == counted
    assert reply.request_id
    assert reply.request_id.startswith("req-")
    seat.close_client(there)


@wires
def test_reasoning(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock)
    reply = seat.complete(there, "Please think")
    assert (reply.reasoning, reply.text) == ("Hm, naïve.", "So.")
    seat.close_client(there)


@wires
def test_tools_round_trip(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock)
    history: list[Any] = [{"role": "user", "content": "The weather?"}]
    reply = seat.complete(there, history, tools=[TOOL])
    assert reply.finish_reason == "tool_calls"
    first, second = reply.tool_calls
    assert (first.name, first.parse()) == ("weather", {"city": "Oslo", "deep": {"é": [1]}})
    assert (second.name, second.parse()) == ("weather", {})
    history += [reply.message, first.answer("17 degrees"), second.answer({"sky": "blue"})]
    assert seat.complete(there, history, tools=[TOOL]).text == "It is warm."
    seat.close_client(there)


@wires
def test_an_answer_cut_by_its_length(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock)
    reply = seat.complete(there, "the end")
    assert (reply.text, reply.finish_reason, reply.provider_reason) == ("one two", *wire.length)
    seat.close_client(there)


@wires
def test_models(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock)

    def models() -> Any:
        return seat.run(there.models()) if isinstance(seat, Asyncio) else there.models()

    if "models" in wire.lacks:
        with pytest.raises(NotFound):
            models()
    else:
        assert "gpt-4o" in models()
    seat.close_client(there)


@wires
@pytest.mark.parametrize(
    ("question", "error", "words", "said"),
    [
        ("busy", RateLimited, "slow down", ""),
        ("limited", RateLimited, "Chaos", ""),
        ("drop", ServerFailed, "Chaos", ""),
        ("gone", ConnectionLost, "", ""),
        ("garbled", ChatError, "", ""),
        ("cut", StreamTruncated, "", "word "),
        ("who knows", NotFound, "No fixture", ""),
    ],
)
def test_errors(
    wire: Wire, question: str, error: type[ChatError], words: str, said: str, seat: Seat, aimock: ServerProcess
) -> None:
    there = client(seat, wire, aimock, retry=1)
    outcome = Outcome(seat, there, question)
    assert isinstance(outcome.error, error)
    assert words in str(outcome.error)
    assert "status 200" not in str(outcome.error)
    assert outcome.error.reply is outcome.reply
    assert outcome.text == outcome.reply.text
    assert outcome.text.startswith(said)
    assert not outcome.reply.complete
    if question == "busy":
        assert isinstance(outcome.error, RateLimited)
        assert outcome.error.retry_after == 7
    assert seat.complete(there, "think").complete  # the client is as good as before
    seat.close_client(there)


@wires
def test_a_wrong_key(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock, api_key="not-the-key")
    with pytest.raises(AuthenticationFailed) as caught:
        seat.complete(there)
    assert caught.value.status == 401
    assert "not-the-key" not in str(caught.value)
    seat.close_client(there)


@wires
def test_each_piece_comes_when_it_is_sent(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock)
    stream = seat.stream(there, "slow")
    came = []
    while stream.next():
        came.append(time.monotonic())
    assert len(came) == 6
    assert all(later - earlier > 0.03 for earlier, later in pairwise(came)), "pieces were held back"
    stream.close()
    seat.close_client(there)


@wires
def test_leaving_and_cancelling(wire: Wire, seat: Seat, aimock: ServerProcess) -> None:
    there = client(seat, wire, aimock)
    began = time.monotonic()
    left = seat.stream(there, "long")
    assert left.next()
    left.close()
    stream = seat.stream(there, "long")
    assert stream.next()
    wait = stream.in_background()
    stream.raw.cancel()
    assert isinstance(wait(), Cancelled)
    assert LONG.startswith(stream.raw.reply.text)
    assert seat.complete(there, "think").complete
    assert time.monotonic() - began < 3  # either would have lasted for four seconds
    seat.close_client(there)


@wires
def test_the_server_is_killed_in_mid_stream(wire: Wire, seat: Seat, package: Path, tmp_path: Path) -> None:
    with start(package, tmp_path) as server:
        there = client(seat, wire, server, retry=3)
        stream = seat.stream(there, "long")
        said = [stream.next() for _ in range(3)]
        server.kill()
        with pytest.raises((ConnectionLost, StreamTruncated)) as caught:
            said.extend(iter(stream.next, None))
        assert caught.value.reply is not None
        assert caught.value.reply.text == "".join(map(str, said))
        assert not caught.value.reply.complete
        stream.close()
        seat.close_client(there)
