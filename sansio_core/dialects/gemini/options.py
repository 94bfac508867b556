"""A question's options in Gemini's body: most are fields of ai.google.dev/api/generate-content#generationconfig."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...errors import InvalidRequest
from ...model_facts import ModelFacts
from ..forms import format_of, one_of, put, put_options, stop_of
from ..reasoning import budget_of, word_of
from ..schemas import gemini_schema

# Option -> field of the body. The boolean is `responseLogprobs` there; `logprobs` is the number of alternatives, which
# is top_logprobs everywhere else.
_FIELDS = {
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "max_tokens": "generationConfig.maxOutputTokens",
    "stop": "generationConfig.stopSequences",
    "seed": "generationConfig.seed",
    "n": "generationConfig.candidateCount",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "logprobs": "generationConfig.responseLogprobs",
    "top_logprobs": "generationConfig.logprobs",
    "service_tier": "serviceTier",
    "store": "store",
}
OPTIONS = frozenset({*_FIELDS, "tools", "tool_choice", "reasoning_effort", "response_format", "extra"})
"""The options that this wire has a field for."""
_HINTS = {
    # ai.google.dev/gemini-api/docs/changelog, 2026-07-21: they are deprecated, and newer models ignore them
    "samplers": (("temperature", "top_p", "top_k"), "ignores samplers"),
    # github.com/google-gemini/cookbook/issues/1290: "Penalty is not enabled for this model"
    "penalties": (("presence_penalty", "frequency_penalty"), "takes no penalties"),
}
# ai.google.dev/gemini-api/docs/{flex-inference,priority-inference}
_TIERS = ("standard", "flex", "priority")
# ai.google.dev/gemini-api/docs/thinking: thinking levels
_LEVELS = ("minimal", "low", "medium", "high", "xhigh")
_MOST = 32_768  # the most tokens that any model takes as a budget
_DYNAMIC = -1  # the same page: a budget that the model chooses
# ai.google.dev/api/generate-content#generationconfig
_FORMATS = ("text/plain", "application/json", "text/x.enum")
_OWN_FORMAT = frozenset({"responseMimeType", "responseSchema", "responseJsonSchema"})


class Asked(NamedTuple):
    """Whom a request asks. `facts` is None for a model that no row names; `older`: a generation before Gemini 3."""

    model: str
    facts: ModelFacts | None
    older: bool
    vertex: bool


def put_generation(wire: dict[str, Any], options: Mapping[str, Any], asked: Asked) -> list[str]:
    """Put all options but tools and response_format into the body `wire`; what is left out, in words."""
    given, lost = dict(options), list[str]()
    if asked.facts is not None:
        lost += _take_out(given, asked.model, asked.facts)
    if asked.vertex and given.pop("store", None) is not None:
        lost.append("store (Vertex AI has none)")
    if asked.vertex and "service_tier" in given:  # the provider puts it into the header
        _tier(given.pop("service_tier"))
    if given.get("top_logprobs") is not None:
        given.setdefault("logprobs", True)  # "Only valid if responseLogprobs=True"
    put_options(wire, given, _FIELDS, _FORMS)
    if "reasoning_effort" in options and (config := _thinking(options["reasoning_effort"], asked)):
        put(wire, "generationConfig.thinkingConfig", config)
    return lost


def _take_out(given: dict[str, Any], model: str, facts: ModelFacts) -> list[str]:
    """Take the hints that the model has no use for out of `given`; those, in words."""
    if given.get("n", 1) > 1 and "candidates" not in facts.can:
        raise InvalidRequest(f"{model} gives one answer to a question: leave out n, and ask {given['n']} times")
    lost = []
    for word, (names, why) in _HINTS.items():
        # a penalty of 0 is none
        found = [name for name in names if name in given and (given[name] or word == "samplers")]
        if found and word not in facts.can:
            lost.append(f"{', '.join(found)} ({model} {why})")
            for name in found:
                del given[name]
    return lost


def _tier(tier: Any) -> Any:
    return one_of("service_tier", tier, _TIERS, "gemini")


def _count_of_logprobs(number: int) -> int:
    if not 0 <= number <= 20:  # ai.google.dev/api/generate-content#generationconfig
        raise InvalidRequest(f"gemini gives 0 to 20 top_logprobs, not {number}")
    return number


_FORMS: dict[str, Callable[[Any], Any]] = {"stop": stop_of, "service_tier": _tier, "top_logprobs": _count_of_logprobs}


def _thinking(effort: Any, asked: Asked) -> dict[str, Any] | None:
    """ai.google.dev/gemini-api/docs/thinking: a level for Gemini 3 and later, a budget for 2.5; both are an error.

    Thoughts are asked for, as they are not sent otherwise.
    """
    facts, is_number = asked.facts, type(effort) is int
    budget: tuple[int, int] | None
    levels: tuple[str, ...]
    if facts is None:
        budget, levels, off = ((1, _MOST) if asked.older or is_number else None), _LEVELS, True
    else:
        budget, off = facts.budget, "none" in facts.efforts or (asked.vertex and "vertex-off" in facts.can)
        levels = tuple(word for word in facts.efforts if word != "none")
        if not budget and not levels:  # the API refuses any thinkingConfig, also one that turns thinking off
            word_of(effort, ("none",), asked.model)
            return None
    if budget is None:
        word = word_of(effort, (*levels, "none") if off else levels, asked.model)
        if word != "none":
            return {"includeThoughts": True, "thinkingLevel": word.upper()}
        return {"thinkingBudget": 0}
    tokens = effort if is_number and effort == _DYNAMIC else budget_of(effort, *budget, asked.model)
    if not tokens and not off:
        raise InvalidRequest(f"{asked.model} always reasons: reasoning_effort is a word, or {budget[0]} tokens or more")
    return {"includeThoughts": True, "thinkingBudget": tokens} if tokens else {"thinkingBudget": 0}


def format_fields(response_format: Any) -> dict[str, Any]:
    """What a response_format is in the generationConfig: ai.google.dev/gemini-api/docs/structured-output"""
    if isinstance(response_format, Mapping) and response_format and response_format.keys() <= _OWN_FORMAT:
        one_of("responseMimeType", response_format.get("responseMimeType"), _FORMATS, "gemini")
        return dict(response_format)
    wanted = format_of(response_format)
    if wanted.kind == "text":
        return {}
    as_json = {"responseMimeType": "application/json"}
    if wanted.kind == "json":
        return as_json
    # Not `responseSchema`: it takes only a subset of OpenAPI's schema objects, and users give JSON Schemas.
    schema = gemini_schema(wanted.schema)
    if wanted.description:
        schema.setdefault("description", wanted.description)
    return as_json | {"responseJsonSchema": schema}
