"""A question's options in Gemini's body: most are fields of ai.google.dev/api/generate-content#generationconfig."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from ...errors import InvalidRequest
from ...model_facts import ModelFacts, facts_of
from ..forms import format_of, one_of, put, put_options, stop_of
from ..reasoning import budget_of, word_of
from ..schemas import gemini_schema

NAME = "gemini"
VERTEX = "gemini_vertex"
"""The dialects of native items: the parts of both are alike, but each API rejects the other's signatures."""
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
_DYNAMIC = -1  # ai.google.dev/gemini-api/docs/thinking: a budget that the model chooses
# ai.google.dev/api/generate-content#generationconfig
_FORMATS = ("text/plain", "application/json", "text/x.enum")
_OWN_FORMAT = frozenset({"responseMimeType", "responseSchema", "responseJsonSchema"})


class Asked(NamedTuple):
    """Whom a request asks; `older`: a generation before Gemini 3, which thinks by a budget and needs no signatures."""

    model: str
    facts: ModelFacts
    older: bool
    vertex: bool

    @property
    def dialect(self) -> str:
        """That of the native items which go back as they are."""
        return VERTEX if self.vertex else NAME


@lru_cache(maxsize=256)
def asked_of(model: str, vertex: bool) -> Asked:
    """What is known of `model`; one that no row describes, or only in figures, takes whatever any model takes."""
    # The old generations are named, so that a model with a new name is taken for a new one.
    older = re.search(r"gemini-[12](?![0-9])|gemma", model) is not None
    facts = facts_of("gemini", model) or ModelFacts(model, "", "")
    if not facts.can:
        # ai.google.dev/gemini-api/docs/thinking: the levels; 32,768 tokens are the most that any model takes
        levels = () if older else ("minimal", "low", "medium", "high", "xhigh")
        can = frozenset({*_HINTS, "candidates", "functions", "mixed"})
        facts = replace(facts, efforts=(*levels, "none"), budget=(1, 32_768), can=can)
    return Asked(model, facts, older, vertex)


def put_generation(wire: dict[str, Any], options: Mapping[str, Any], asked: Asked) -> list[str]:
    """Put all options but tools and response_format into the body `wire`; what is left out, in words."""
    given = dict(options)
    lost = _take_hints(given, asked)
    if given.get("n", 1) > 1 and "candidates" not in asked.facts.can:
        raise InvalidRequest(f"{asked.model} gives one answer to a question: leave out n, and ask {given['n']} times")
    if asked.vertex and given.pop("store", None) is not None:
        lost.append("store (Vertex AI has none)")
    if asked.vertex and "service_tier" in given:  # the provider puts it into the header
        _tier(given.pop("service_tier"))
    if given.get("top_logprobs") is not None:
        given.setdefault("logprobs", True)  # "Only valid if responseLogprobs=True"
    put_options(wire, given, _FIELDS, _FORMS)
    if "reasoning_effort" in given and (config := _thinking(given["reasoning_effort"], asked)):
        put(wire, "generationConfig.thinkingConfig", config)
    return lost


def _take_hints(given: dict[str, Any], asked: Asked) -> list[str]:
    """Take the hints that the model has no use for out of `given`; those, in words."""
    lost = []
    for word, (names, why) in _HINTS.items():
        if word in asked.facts.can:
            continue
        # a penalty of 0 is none
        if found := [name for name in names if name in given and (given[name] or word == "samplers")]:
            lost.append(f"{', '.join(found)} ({asked.model} {why})")
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
    words, budget = asked.facts.efforts, asked.facts.budget
    if asked.vertex and "vertex-off" in asked.facts.can:
        words = (*words, "none")
    if budget and (type(effort) is int or words in ((), ("none",))):
        return _budget(effort, budget, "none" in words, asked.model)
    word = word_of(effort, words or ("none",), asked.model)
    if word != "none":
        return {"includeThoughts": True, "thinkingLevel": word.upper()}
    # Where a model never reasons, the API refuses any thinkingConfig, also one that turns thinking off.
    return {"thinkingBudget": 0} if words else None


def _budget(effort: Any, budget: tuple[int, int], off: bool, model: str) -> dict[str, Any]:
    tokens = effort if type(effort) is int and effort == _DYNAMIC else budget_of(effort, *budget, model)
    if tokens:
        return {"includeThoughts": True, "thinkingBudget": tokens}
    if not off:
        raise InvalidRequest(f"{model} always reasons: reasoning_effort is a word, or {budget[0]} tokens or more")
    return {"thinkingBudget": 0}


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
