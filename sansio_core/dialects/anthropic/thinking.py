"""How a request to Claude says how to think, and what it cannot say beside: …/docs/en/build-with-claude/thinking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest
from ...model_facts import ModelFacts
from ..reasoning import budget_of, word_of

# The wire demands `max_tokens`. Where the caller gives none, this is sent: it is what every model sold today can write
# (platform.claude.com/docs/en/about-claude/models/overview), and the smaller models answer 400 to a larger number.
MAX_TOKENS = 8192
# Thinking is a part of max_tokens: "a short limit may end in a thinking block", without any text.
_WITH_THINKING = 32_000
_LEAST_BUDGET = 1024
# …/build-with-claude/effort: "Valid values are `low`, `medium`, `high`, `xhigh`, or `max`."
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_SAMPLERS = ("temperature", "top_p", "top_k")
# …/docs/en/api/versioning: from this version on, "the temperature, top_p, and top_k request parameters are removed"
_WITHOUT_SAMPLERS = "2026-10-21"


def thinking_of(options: Mapping[str, Any], model: str | None, facts: ModelFacts | None) -> dict[str, Any]:
    """The fields `thinking`, `output_config` and `max_tokens` for the options reasoning_effort and max_tokens."""
    effort, whose = options.get("reasoning_effort"), model or "the model"
    fields: dict[str, Any] = {}
    if effort == "none" or effort in (False, 0):
        fields = _off(whose, facts)
    elif effort is not None:
        fields = _on(effort, options.get("max_tokens"), whose, facts)
    return {"max_tokens": options.get("max_tokens") or _default_limit(fields, effort, facts), **fields}


def _off(whose: str, facts: ModelFacts | None) -> dict[str, Any]:
    if facts is None or "off" in facts.can:
        return {"thinking": {"type": "disabled"}}
    if "between_tools" in facts.can:
        return {"thinking": {"type": "between_tools"}}
    if "thinks" in facts.can:
        word_of("none", facts.efforts, whose)  # raises
    return {}


def _on(effort: Any, limit: int | None, whose: str, facts: ModelFacts | None) -> dict[str, Any]:
    if facts is None:
        if type(effort) is int:
            return {"thinking": _budget(effort, limit, whose, facts)}
        if effort is True:  # it asks for thinking, and leaves it to the model how much
            return {"thinking": {"type": "adaptive"}}
        return {"output_config": {"effort": word_of(effort, _EFFORTS, whose)}}
    can = facts.can
    if not can & {"adaptive", "budget"}:
        word_of(effort, (), whose)  # raises
    if type(effort) is int and "budget" not in can:
        said = ", ".join(facts.efforts)
        raise InvalidRequest(f"{whose} takes no number of tokens to think with: reasoning_effort is one of {said}")
    # `adaptive` is what the vendor recommends, where a model takes both
    adaptive = "adaptive" in can and type(effort) is not int
    thinking = {"type": "adaptive"} if adaptive else _budget(effort, limit, whose, facts)
    if "summaries" in can:
        thinking["display"] = "summarized"
    if type(effort) is str and facts.efforts:
        return {"thinking": thinking, "output_config": {"effort": word_of(effort, facts.efforts, whose)}}
    return {"thinking": thinking}


def _budget(effort: Any, limit: int | None, whose: str, facts: ModelFacts | None) -> dict[str, Any]:
    # "Must be ≥1024 and less than `max_tokens`", of which it is a part; a word leaves room for an answer.
    if limit is not None and limit <= _LEAST_BUDGET:
        raise InvalidRequest(
            f"{whose} thinks with {_LEAST_BUDGET} tokens or more, which are a part of max_tokens: give a larger one"
        )
    most = (facts.output if facts else None) or 1_000_000
    if limit is not None:
        most = limit - 1
    else:
        most -= 1 if type(effort) is int else MAX_TOKENS
    return {"type": "enabled", "budget_tokens": budget_of(effort, _LEAST_BUDGET, most, whose)}


def _default_limit(fields: Mapping[str, Any], effort: Any, facts: ModelFacts | None) -> int:
    thinking = fields.get("thinking", {})
    limit = MAX_TOKENS
    if "budget_tokens" in thinking:
        limit += thinking["budget_tokens"]
    elif facts and (thinking.get("type") == "adaptive" or ("thinks" in facts.can and effort is None)):
        limit = _WITH_THINKING
    return min(limit, facts.output) if facts and facts.output else limit


def lost_samplers(
    options: Mapping[str, Any], thinking: Mapping[str, Any], model: str | None, facts: ModelFacts | None, version: str
) -> tuple[list[str], str]:
    """Those of temperature, top_p and top_k that are not sent, and why.

    Raises InvalidRequest for two of which a model takes one.
    """
    given = [name for name in _SAMPLERS if name in options]
    if not given:
        return [], ""
    if version >= _WITHOUT_SAMPLERS:
        return given, f"anthropic-version {version} has no samplers"
    if facts is None:
        return [], ""
    if "samplers" not in facts.can:
        return given, f"{model} takes no samplers"
    if thinking.get("type") in ("adaptive", "enabled"):
        # "`temperature` and `top_k` are incompatible with thinking, and `top_p` is allowed at values between 0.95 and
        # 1."
        lost = [name for name in given if name != "top_p" or not 0.95 <= options["top_p"] <= 1]
        return lost, f"{model} takes none but a top_p of 0.95 to 1 while it thinks"
    if {"temperature", "top_p"} <= set(given):
        # "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        raise InvalidRequest(f"{model} takes temperature or top_p, not both: leave out one of them")
    return [], ""


def check_forced(
    choice: Mapping[str, Any], thinking: Mapping[str, Any], model: str | None, facts: ModelFacts | None
) -> None:
    """Raises InvalidRequest for a `tool_choice` that forces a tool where the model does not take that."""
    if facts is None or choice.get("type") not in ("any", "tool"):
        return
    if "forced" not in facts.can:
        raise InvalidRequest(
            f"{model} cannot be forced to call a tool: tool_choice is 'auto' or 'none'; where the form of an answer "
            "matters, give a response_format or a strict tool"
        )
    if thinking.get("type") == "enabled":  # "Thinking may not be enabled when tool_choice forces tool use."
        raise InvalidRequest(
            f"{model} cannot be forced to call a tool while it thinks: leave out reasoning_effort, or tool_choice"
        )
