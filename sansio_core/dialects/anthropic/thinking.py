"""How a request to Claude says how to think, and what it cannot say beside: …/docs/en/build-with-claude/thinking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest
from ...model_facts import ModelFacts
from ..forms import objects
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
    effort, limit, whose = options.get("reasoning_effort"), options.get("max_tokens"), model or "the model"
    fields: dict[str, Any] = {}
    if effort in ("none", False, 0):
        fields = _off(whose, facts)
    elif effort is not None:
        fields = _of_unknown(effort, limit, whose) if facts is None else _on(effort, limit, whose, facts)
    return {"max_tokens": limit or _default_limit(fields, effort, facts), **fields}


def _off(whose: str, facts: ModelFacts | None) -> dict[str, Any]:
    if facts is None or "off" in facts.can:
        return {"thinking": {"type": "disabled"}}
    if "between_tools" in facts.can:
        return {"thinking": {"type": "between_tools"}}
    if "thinks" in facts.can:
        word_of("none", facts.efforts, whose)  # raises
    return {}


def _of_unknown(effort: Any, limit: int | None, whose: str) -> dict[str, Any]:
    if type(effort) is int:
        return {"thinking": _budget(effort, limit, None, whose)}
    if effort is True:  # it asks for thinking, and leaves it to the model how much
        return {"thinking": {"type": "adaptive"}}
    return {"output_config": {"effort": word_of(effort, _EFFORTS, whose)}}


def _on(effort: Any, limit: int | None, whose: str, facts: ModelFacts) -> dict[str, Any]:
    can, is_number = facts.can, type(effort) is int
    if not can & {"adaptive", "budget"}:
        word_of(effort, (), whose)  # raises
    if is_number and "budget" not in can:
        said = ", ".join(facts.efforts)
        raise InvalidRequest(f"{whose} takes no number of tokens to think with: reasoning_effort is one of {said}")
    # `adaptive` is what the vendor recommends, where a model takes both
    adaptive = "adaptive" in can and not is_number
    thinking = {"type": "adaptive"} if adaptive else _budget(effort, limit, facts.output, whose)
    if "summaries" in can:
        thinking["display"] = "summarized"
    if type(effort) is str and facts.efforts:
        return {"thinking": thinking, "output_config": {"effort": word_of(effort, facts.efforts, whose)}}
    return {"thinking": thinking}


def _budget(effort: Any, limit: int | None, output: int | None, whose: str) -> dict[str, Any]:
    # "Must be ≥1024 and less than `max_tokens`", of which it is a part; a word leaves room for an answer.
    if limit is None:
        most = (output or 1_000_000) - (1 if type(effort) is int else MAX_TOKENS)
    elif limit > _LEAST_BUDGET:
        most = limit - 1
    else:
        raise InvalidRequest(
            f"{whose} thinks with {_LEAST_BUDGET} tokens or more, which are a part of max_tokens: give a larger one"
        )
    return {"type": "enabled", "budget_tokens": budget_of(effort, _LEAST_BUDGET, most, whose)}


def _default_limit(fields: Mapping[str, Any], effort: Any, facts: ModelFacts | None) -> int:
    thinking = fields.get("thinking", {})
    limit: int = MAX_TOKENS + thinking.get("budget_tokens", 0)
    if facts is None:
        return _WITH_THINKING if "output_config" in fields or thinking.get("type") == "adaptive" else limit
    if thinking.get("type") == "adaptive" or (effort is None and "thinks" in facts.can):
        limit = _WITH_THINKING
    return min(limit, facts.output or limit)


def put_samplers(wire: dict[str, Any], options: Mapping[str, Any], facts: ModelFacts | None, version: str) -> list[str]:
    """Put temperature, top_p and top_k where the model takes them. Returns in words those that are not sent."""
    given = {name: options[name] for name in _SAMPLERS if name in options}
    if not given:
        return []
    kept, why = _kept(given, wire, facts, version)
    wire |= kept
    # …/models/haiku-5-5/migration-guide: "If a request includes `temperature`, it must be `1`", which is the default
    lost = [name for name in given if name not in kept and (name, given[name]) != ("temperature", 1)]
    return [f"{', '.join(lost)} ({why})"] if lost else []


def _kept(
    given: dict[str, Any], wire: Mapping[str, Any], facts: ModelFacts | None, version: str
) -> tuple[dict[str, Any], str]:
    """Those of the samplers `given` that are sent, and why the others are not."""
    if version >= _WITHOUT_SAMPLERS:
        return {}, f"anthropic-version {version} has no samplers"
    if facts is None:
        return given, ""
    if "samplers" not in facts.can:
        return {}, f"{wire['model']} takes no samplers"
    if wire.get("thinking", {}).get("type") in ("adaptive", "enabled"):
        # "`temperature` and `top_k` are incompatible with thinking, and `top_p` is allowed at values between 0.95 and
        # 1."
        kept = {name: value for name, value in given.items() if name == "top_p" and 0.95 <= value <= 1}
        return kept, f"{wire['model']} takes none but a top_p of 0.95 to 1 while it thinks"
    return given, ""


def check_beside(wire: Mapping[str, Any], facts: ModelFacts) -> None:
    """Raises InvalidRequest for what the model does not take, or not beside what else the request has."""
    can, thinks = facts.can, "budget_tokens" in wire.get("thinking", {})
    forced = wire.get("tool_choice", {}).get("type") in ("any", "tool")
    prefill = _is_prefill(wire["messages"][-1])
    wrong = {
        # "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        "takes temperature or top_p, not both: leave out one of them": "temperature" in wire and "top_p" in wire,
        "cannot be forced to call a tool: tool_choice is 'auto' or 'none'; where the form of an answer matters, give a "
        "response_format or a strict tool": forced and "forced" not in can,
        # "Thinking may not be enabled when tool_choice forces tool use."
        "cannot be forced to call a tool while it thinks: leave out reasoning_effort, or tool_choice":
            forced and thinks,
        # …/docs/en/api/errors: "Claude 4.6 and later models and Claude Mythos Preview do not support prefilling"
        "does not go on with an answer (prefill): a message of the user's, or a tool's answer, must come behind it; a "
        "system message is none": prefill and "prefill" not in can,
        # "You can't prefill the assistant response while thinking is on."
        "does not go on with an answer (prefill) beside reasoning_effort: leave out one of them": prefill and thinks,
        "does not go on with an answer (prefill) beside response_format: leave out one of them":
            prefill and "format" in wire.get("output_config", {}),
    }  # fmt: skip
    for said in filter(wrong.get, wrong):
        raise InvalidRequest(f"{wire['model']} {said}")


# An answer with any other block, as of a server's tool, may be one that the API paused, and asks to be sent back:
# …/build-with-claude/handling-stop-reasons (pause_turn), …/build-with-claude/compaction.
_NEVER_PAUSED = frozenset({"text", "thinking", "redacted_thinking", "tool_use", "image", "document"})


def _is_prefill(last: Mapping[str, Any]) -> bool:
    return last["role"] == "assistant" and all(block.get("type") in _NEVER_PAUSED for block in objects(last["content"]))
