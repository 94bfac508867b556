"""Answers of real servers, as recorded: each means what its expectation says, however the network cuts it."""

import json
from pathlib import Path
from typing import Any

import pytest
from dialect_harness import comparable, events_of

from sansio_core import ChatEvent, Failed, HTTPStatusError, InvalidRequest, Reply, StreamTruncated, providers

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "captures"
PROVIDERS = {
    "openai.chat": "openai",
    "openai.responses": "openai_responses",
    "anthropic.messages": "anthropic",
    "google.gemini": "gemini",
    "ollama.chat": "ollama",
    "ollama.generate": "ollama",
}
INDEX = FOLDER / "index.json"
CAPTURES = json.loads(INDEX.read_text())["captures"] if INDEX.exists() else []

pytestmark = pytest.mark.skipif(not CAPTURES, reason="the folder of recorded answers is not there")
each = pytest.mark.parametrize("capture", CAPTURES, ids=lambda capture: capture["name"])


def test_every_dialect_is_known() -> None:
    assert {capture["dialect"] for capture in CAPTURES} <= PROVIDERS.keys()


@each
def test_means_what_is_expected(capture: dict[str, Any]) -> None:
    expected = json.loads((FOLDER / capture["expected"]).read_text())
    events = events_of(PROVIDERS[capture["dialect"]], (FOLDER / capture["file"]).read_bytes())
    reply = Reply.of(events)
    assert reply.text == expected["text"]
    assert reply.reasoning == expected["reasoning"]
    assert reply.refusal == expected["refusal"]
    assert reply.provider_reason == expected["finish_reason"]
    assert reply.complete == expected["complete"]
    assert [(c.id, c.name) for c in reply.tool_calls] == [(c["id"], c["name"]) for c in expected["tool_calls"]]
    for call, wanted in zip(reply.tool_calls, expected["tool_calls"], strict=True):
        if wanted["arguments_json"] is None:
            assert call.arguments == wanted["arguments"]
            with pytest.raises(InvalidRequest):
                call.parse()
        else:
            assert call.parse() == wanted["arguments_json"]
    if expected.get("id"):
        assert reply.id == expected["id"]
    usage(reply, expected["usage"])
    error(events, expected)


def usage(reply: Reply, expected: dict[str, Any] | None) -> None:
    if expected is None:
        assert reply.usage is None
        return
    assert reply.usage is not None
    for key, figure in expected.items():
        if key in ("input", "output", "cached", "reasoning") and figure is not None:
            assert getattr(reply.usage, f"{key}_tokens") == figure, key


def error(events: list[ChatEvent], expected: dict[str, Any]) -> None:
    failures = [event.error for event in events if isinstance(event, Failed)]
    if expected["error"] is None:
        assert len(failures) == (not expected["complete"])
        assert all(isinstance(failure, StreamTruncated) for failure in failures)
        return
    assert [event for event in events if isinstance(event, Failed)] == events[-1:]
    (failure,) = failures
    assert not isinstance(failure, StreamTruncated)
    assert "status 200" not in str(failure)
    if expected["error"].get("message"):
        assert expected["error"]["message"] in failure.detail
    if isinstance(failure, HTTPStatusError):
        assert failure.status is None
        assert failure.code in (None, str(expected["error"].get("code")))


@each
def test_means_the_same_at_every_cut(capture: dict[str, Any]) -> None:
    name, data = PROVIDERS[capture["dialect"]], (FOLDER / capture["file"]).read_bytes()
    whole = comparable(events_of(name, data))
    for step in (1, 3, 100):
        assert comparable(events_of(name, data, step)) == whole, step
    for at in range(1, len(data), 1 if len(data) < 2500 else len(data) // 150):
        parser = providers.create(name, api_key="k").parser()
        assert comparable(parser.feed(data[:at]) + parser.feed(data[at:]) + parser.end()) == whole, at
