"""The vendors' own Python SDKs as a second opinion: the same bytes mean the same to them and to us, or it says why not.

The bytes are those of bodies.py, of recorded answers where their folder is there, and of the emulator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from bodies import BODIES
from replay import Replay
from vendors import VENDORS, Meaning, value_of

from sansio_core import ChatError
from transports import Client
from transports.emulator import Emulator

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore"),  # the SDKs' own are not ours to mend
]
MODULES = {"openai": "openai", "anthropic": "anthropic", "google": "google.genai", "ollama": "ollama"}
FOLDER = Path(__file__).resolve().parents[3] / "shared" / "captures"
INDEX = FOLDER / "index.json"

NO_END = {"error": "it takes an answer that stopped early for a whole one"}
NAMES = {"calls": "it joins a name that comes twice; hosts that send a name twice mean one name"}


def gives_up(why: str, *lost: str) -> dict[str, str]:
    """The SDK fails with an error that is none of its own, and loses what came after (and `lost`)."""
    return dict.fromkeys(("finish", "usage", "error", *lost), f"it gives up: {why}")


SPLICED = "two messages are spliced, and it makes one of them; to us that is a broken stream"
DIFFERENT: dict[str, dict[str, str]] = {
    "openai.chat-name-repeated": NAMES,
    "openai.chat-index-missing": gives_up("a call without an index is a TypeError", "calls"),
    "openai.chat-two-calls-under-one-index": {"calls": "it makes one call of two that a host numbers alike"},
    "openai.chat-no-end-at-all": NO_END,
    "openai.chat-content-as-a-list": {"text": "it hands on a list where its types say text"},
    "openai.chat-bad-json-amid": gives_up("a line that is no JSON is a JSONDecodeError; ours tells it and reads on"),
    "openai.chat-halves-of-a-character": {"text": "it hands out halves of a character, which cannot be printed"},
    "anthropic.messages-no-event-lines": gives_up("it goes by `event:` lines, which some hosts leave out", "text"),
    "anthropic.messages-no-end": NO_END,
    "openai.responses-failed": {"finish": "a failure is an error to us, and no way to finish"},
    "openai.responses-no-end": NO_END,
    "google.gemini-no-end": NO_END,
    "ollama.chat-line-separators": gives_up("it splits lines at U+2028 and U+0085, within a text", "text"),
    "ollama.chat-no-end": NO_END,
    "anthropic-max-tokens-partial-json": {"calls": "it mends arguments that were cut; ours are as they came"},
    "anthropic-spliced-message-start": dict.fromkeys(("reasoning", "calls", "finish", "usage", "error"), SPLICED),
    "openai-chat-truncated-mid-event": NO_END,
    "openrouter-chat-tool-variant-a": NAMES,
    "responses-incomplete": gives_up("the recording begins after response.created, without which it reads nothing"),
}
"""By case and by field of Meaning: why ours is not theirs."""


def cases() -> Iterator[Any]:
    for dialect, bodies in BODIES.items():
        for name, body in bodies.items():
            yield pytest.param(dialect, body, id=f"{dialect}-{name}")
    for capture in json.loads(INDEX.read_text())["captures"] if INDEX.exists() else []:
        name, dialect = capture["name"], capture["dialect"]
        if name.startswith("ollama-generate"):
            dialect = "ollama.generate"
        yield pytest.param(dialect, (FOLDER / capture["file"]).read_bytes(), id=name)


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with Replay() as server:
        yield server


def ours(provider: str, url: str, question: str = "Hello", **options: Any) -> Meaning:
    meaning = Meaning()
    with Client(provider, base_url=url, api_key="key", model="m", retry=1) as client:
        with client.stream(question, **options) as stream:
            try:
                for _ in stream.events():
                    pass
            except ChatError as error:
                meaning.error = type(error).__name__
        reply = stream.reply
    meaning.text, meaning.reasoning, meaning.finish = reply.text, reply.reasoning, reply.provider_reason
    meaning.calls = [(call.name, value_of(call.arguments)) for call in reply.tool_calls]
    meaning.usage = (reply.usage.input_tokens, reply.usage.output_tokens) if reply.usage else None
    return meaning


def differences(one: Meaning, other: Meaning) -> dict[str, tuple[Any, Any]]:
    """The fields that differ; of errors it only matters whether there was one: their classes are each library's own."""
    pairs = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(Meaning)}
    return {name: (a, b) for name, (a, b) in pairs.items() if (bool(a) != bool(b) if name == "error" else a != b)}


@pytest.mark.parametrize(("dialect", "body"), list(cases()))
def test_the_same_bytes(dialect: str, body: bytes, replay: Replay, request: pytest.FixtureRequest) -> None:
    provider, vendor = VENDORS[dialect]
    pytest.importorskip(MODULES[dialect.split(".")[0]], reason=f"needs the vendor's SDK for {dialect}")
    replay.body = body
    replay.content_type = "application/x-ndjson" if dialect.startswith("ollama") else "text/event-stream"
    found = differences(ours(provider, replay.url), vendor(replay.url))
    assert found.keys() == DIFFERENT.get(request.node.callspec.id, {}).keys(), found


def test_every_difference_has_its_case() -> None:
    known = {case.id for case in cases()}
    if INDEX.exists():
        assert DIFFERENT.keys() <= known


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "The weather.", "parameters": SCHEMA}
TOOLS: dict[str, Any] = {
    "openai.chat": [{"type": "function", "function": FUNCTION}],
    "openai.responses": [{"type": "function", "strict": False, **FUNCTION}],
    "anthropic.messages": [{"name": "weather", "description": "The weather.", "input_schema": SCHEMA}],
    "google.gemini": [{"function_declarations": [FUNCTION]}],
    "ollama.chat": [{"type": "function", "function": FUNCTION}],
}


@pytest.mark.parametrize("dialect", TOOLS)
def test_the_emulator_is_understood_alike(dialect: str) -> None:
    provider, vendor = VENDORS[dialect]
    pytest.importorskip(MODULES[dialect.split(".")[0]], reason=f"needs the vendor's SDK for {dialect}")
    calls: list[tuple[str, Any]] = [("weather", {"city": "Graz", "é": [1, {"a": None}]}), ("weather", {"city": "Rome"})]
    with Emulator(reply="Grün ist der Wald 🙂.\n", reasoning="Let me see.", tool_calls=calls) as emulator:
        url = emulator.base_url(provider)
        root = url.removesuffix("/v1").removesuffix("/v1beta").removesuffix("/api")
        for tools in (None, TOOLS[dialect]):
            asked: dict[str, Any] = {"tools": [FUNCTION]} if tools else {}
            we = ours(provider, url, **asked)
            they = vendor(root, **({"tools": tools} if tools else {}))
            assert differences(we, they) == {}
            assert we.error == ""
            assert we.calls == (calls if tools else [])
            assert bool(we.text) == (not tools)
