"""How Claude is asked to think, by model; and what cannot stand beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dialect_harness import sent

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, providers

ADAPTIVE = {"type": "adaptive"}
SHOWN = {"type": "adaptive", "display": "summarized"}
OFF = {"type": "disabled"}


def budget(tokens: int) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("model", "options", "thinking", "effort", "limit"),
    [
        # not asked: models that think by default get room for it
        ("claude-sonnet-4-6", {}, None, None, 8192),
        ("claude-opus-4-8", {}, None, None, 8192),
        ("claude-opus-5-5", {}, None, None, 32_000),
        ("claude-haiku-5-5", {"max_tokens": 50}, None, None, 50),
        ("a-new-model", {}, None, None, 8192),
        # words
        ("claude-opus-5-5", {"reasoning_effort": "xhigh"}, SHOWN, "xhigh", 32_000),
        ("claude-opus-5-5", {"reasoning_effort": "minimal"}, SHOWN, "low", 32_000),
        ("claude-opus-4-8", {"reasoning_effort": "low", "max_tokens": 9}, SHOWN, "low", 9),
        ("claude-fable-5-2", {"reasoning_effort": "max"}, SHOWN, "max", 32_000),
        ("claude-sonnet-4-6", {"reasoning_effort": "medium"}, ADAPTIVE, "medium", 32_000),
        ("claude-opus-4-6", {"reasoning_effort": "xhigh"}, ADAPTIVE, "high", 32_000),
        ("claude-opus-4-5", {"reasoning_effort": "max"}, budget(32_768), "high", 32_768 + 8192),
        ("claude-haiku-4-5-20251001", {"reasoning_effort": "low"}, budget(1024), None, 1024 + 8192),
        ("claude-haiku-4-5", {"reasoning_effort": "high", "max_tokens": 4096}, budget(4095), None, 4096),
        ("a-new-model", {"reasoning_effort": "minimal"}, None, "low", 32_000),
        ("a-new-model", {"reasoning_effort": "xhigh"}, None, "xhigh", 32_000),
        ("claude-opus-6", {"reasoning_effort": "low", "max_tokens": 100}, None, "low", 100),
        # numbers
        ("claude-sonnet-4-6", {"reasoning_effort": 2048}, budget(2048), None, 2048 + 8192),
        ("claude-sonnet-4-6", {"reasoning_effort": 2048, "max_tokens": 5000}, budget(2048), None, 5000),
        ("claude-opus-4-5", {"reasoning_effort": 60_000}, budget(60_000), None, 64_000),
        ("a-new-model", {"reasoning_effort": 1024}, budget(1024), None, 1024 + 8192),
        # the model's own measure
        ("claude-opus-5", {"reasoning_effort": True}, SHOWN, None, 32_000),
        ("claude-sonnet-4-6", {"reasoning_effort": True}, ADAPTIVE, None, 32_000),
        ("claude-haiku-4-5", {"reasoning_effort": True}, budget(8192), None, 2 * 8192),
        ("a-new-model", {"reasoning_effort": True}, ADAPTIVE, None, 32_000),
        # none
        ("claude-sonnet-4-6", {"reasoning_effort": "none"}, OFF, None, 8192),
        ("claude-opus-5", {"reasoning_effort": False}, OFF, None, 8192),
        ("claude-haiku-5-5", {"reasoning_effort": 0}, OFF, None, 8192),
        ("claude-sonnet-5-5", {"reasoning_effort": "none"}, {"type": "between_tools"}, None, 8192),
        ("claude-opus-4-1", {"reasoning_effort": "none"}, None, None, 8192),
        ("a-new-model", {"reasoning_effort": "none"}, OFF, None, 8192),
    ],
)
def test_thinking(
    model: str, options: dict[str, Any], thinking: dict[str, Any] | None, effort: str | None, limit: int
) -> None:
    wire = sent("anthropic", "Hi", model=model, **options)
    assert wire.get("thinking") == thinking
    assert wire.get("output_config") == (effort and {"effort": effort})
    assert wire["max_tokens"] == limit


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("claude-opus-5-5", {"reasoning_effort": "none"}, "5-5 always reasons: reasoning_effort is one of low"),
        ("claude-fable-5", {"reasoning_effort": False}, "always reasons"),
        ("claude-opus-5", {"reasoning_effort": 2048},
         "takes no number of tokens to think with: reasoning_effort is one of low, medium, high, xhigh, max"),
        ("claude-haiku-4-5", {"reasoning_effort": 1023}, "1024 to 63999 tokens, not 1023"),
        ("claude-haiku-4-5", {"reasoning_effort": -1}, "not -1"),
        ("claude-haiku-4-5", {"reasoning_effort": 2000, "max_tokens": 2000}, "1024 to 1999 tokens"),
        ("claude-haiku-4-5", {"reasoning_effort": "low", "max_tokens": 1024}, "give a larger one"),
        ("a-new-model", {"reasoning_effort": 4000, "max_tokens": 4000}, "1024 to 3999 tokens"),
        ("a-new-model", {"reasoning_effort": "hihg"}, "'hihg'; known are low"),
        ("claude-opus-5", {"reasoning_effort": "auto"}, "known are low"),
        ("claude-haiku-4-5", {"reasoning_effort": "auto"}, "known are none"),
        ("claude-3-haiku-20240307", {"reasoning_effort": "low"}, "does not reason"),
        ("claude-3-haiku-20240307", {"reasoning_effort": True}, "does not reason"),
        ("claude-3-haiku-20240307", {"reasoning_effort": -1}, "does not reason: leave out reasoning_effort"),
        ("claude-haiku-4-5", {"max_tokens": 64_001}, "at most 64000 tokens"),
        # forced tools
        ("claude-opus-5-5", {"tool_choice": "required"}, "cannot be forced to call a tool: tool_choice is 'auto' or"),
        ("claude-sonnet-5-5", {"tool_choice": "f"}, "cannot be forced"),
        ("claude-opus-4-6", {"tool_choice": "f", "reasoning_effort": 1024}, "while it thinks: leave out"),
        ("claude-haiku-4-5", {"tool_choice": {"type": "any"}, "reasoning_effort": "low"}, "while it thinks"),
        # samplers
        ("claude-sonnet-4-6", {"temperature": 0.1, "top_p": 0.9}, "takes temperature or top_p, not both"),
    ],
)  # fmt: skip
def test_what_is_refused(model: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent("anthropic", "Hi", model=model, **options)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("claude-opus-5-5", {"tool_choice": "auto"}),
        ("claude-opus-5-5", {"tool_choice": "none"}),
        ("claude-haiku-5-5", {"tool_choice": "required", "reasoning_effort": "low"}),
        ("claude-opus-4-6", {"tool_choice": "f", "reasoning_effort": "low"}),
        ("a-new-model", {"tool_choice": "f", "reasoning_effort": 1024, "temperature": 0.1, "top_p": 0.5}),
        ("claude-haiku-4-5", {"temperature": 0.1, "top_k": 3}),
        ("claude-haiku-4-5", {"top_p": 0.95, "reasoning_effort": 1024}),
        ("claude-haiku-4-5", {"top_p": 1, "reasoning_effort": 1024}),
    ],
)
def test_what_goes_as_it_is(model: str, options: dict[str, Any]) -> None:
    wire = sent("anthropic", "Hi", model=model, **options)
    samplers = {"temperature", "top_p", "top_k"}
    assert {name: wire[name] for name in samplers & wire.keys()} == {
        name: options[name] for name in samplers & options.keys()
    }
    assert ("tool_choice" in wire) == ("tool_choice" in options)


@pytest.mark.parametrize(
    ("model", "options", "lost"),
    [
        ("claude-opus-4-7", {"temperature": 0.9, "top_p": 0.9, "top_k": 3},
         "temperature, top_p, top_k (claude-opus-4-7 takes no samplers)"),
        ("claude-haiku-4-5", {"temperature": 0, "top_k": 3, "top_p": 0.97, "reasoning_effort": 1024},
         "temperature, top_k (claude-haiku-4-5 takes none but a top_p of 0.95 to 1 while it thinks)"),
        ("claude-sonnet-4-6", {"top_p": 0.5, "reasoning_effort": "low"},
         "top_p (claude-sonnet-4-6 takes none but a top_p of 0.95 to 1 while it thinks)"),
    ],
)  # fmt: skip
def test_samplers_that_are_not_sent(model: str, options: dict[str, Any], lost: str) -> None:
    provider = providers.create("anthropic", api_key="k")
    with pytest.warns(OptionIgnored) as told:
        call = provider.begin(ChatRequest("Hi", model=model, **options), lambda: 0.5)
    assert [str(warning.message) for warning in told] == [f"anthropic does not take {lost}: not sent"]
    sent_samplers = {"temperature", "top_p", "top_k"} & json.loads(call.request().body).keys()
    assert sent_samplers.isdisjoint(lost.partition(" (")[0].split(", "))


@pytest.mark.parametrize("options", [{"model": "claude-opus-4-7"}, {"reasoning_effort": "low"}])
def test_a_temperature_of_1_is_what_a_model_without_samplers_has(options: dict[str, Any]) -> None:
    assert "temperature" not in sent("anthropic", "Hi", temperature=1, **options)


def test_extra_is_not_judged() -> None:
    extra = {"thinking": {"type": "disabled"}, "temperature": 0.5, "tool_choice": {"type": "any"}}
    wire = sent("anthropic", "Hi", model="claude-opus-5-5", reasoning_effort="xhigh", extra=extra)
    assert wire["thinking"]["type"] == "disabled"
    assert (wire["temperature"], wire["tool_choice"]) == (0.5, {"type": "any"})


@pytest.mark.parametrize(
    "model", ["anthropic/claude-opus-5-5", "us.anthropic.claude-opus-5-5-v1:0", "claude-fable-5@20260609"]
)
def test_a_gateways_names_hide_no_model(model: str) -> None:
    with pytest.raises(InvalidRequest, match="always reasons"):
        sent("anthropic", "Hi", model=model, reasoning_effort="none")


@pytest.mark.parametrize("model", ["claude-opus-5-9", "claude-mythos-5-10-preview", "claude-opus-4-12"])
def test_of_a_later_generation_nothing_is_known(model: str) -> None:
    wire = sent("anthropic", "Hi", model=model, reasoning_effort="none", temperature=0.5, top_p=0.5)
    assert (wire["thinking"], wire["temperature"], wire["max_tokens"]) == (OFF, 0.5, 8192)
