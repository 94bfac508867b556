"""Options of the Responses wire: what the model that is asked takes of them, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ...errors import InvalidRequest, safe_repr
from ...model_facts import ModelFacts, facts_of
from ..forms import check_max_tokens, one_of
from ..reasoning import WORDS, word_of

NAME = "openai_responses"
# …/responses/create: `text.verbosity`, `service_tier`, `prompt_cache_retention`
_VERBOSITIES = ("low", "medium", "high")
_TIERS = ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast")
_RETENTIONS = ("in_memory", "24h")
_SAMPLERS = ("temperature", "top_p", "logprobs", "top_logprobs")
# Options that not all models take, by the word that their rows have for it.
_HINTS = {"verbosity": "verbosity", "parallel_tool_calls": "parallel", "prompt_cache_retention": "retention"}


class Asked(NamedTuple):
    """The model that is asked. `facts` is None for one that no row names, and on other hosts than OpenAI's own:
    gateways and servers differ in what they take, whatever their models are called."""

    name: str
    facts: ModelFacts | None
    at_openai: bool

    @classmethod
    def of(cls, model: str | None, at_openai: bool) -> Asked:
        """The model of a request, which a server with only one may leave out."""
        return cls(model or NAME, facts_of("openai", model) if at_openai else None, at_openai)

    def takes(self, what: str) -> bool:
        """Whether the model takes `what`, a word of its row; so does a model of which nothing is known."""
        return self.facts is None or not self.facts.can or what in self.facts.can

    def is_known_to_take(self, what: str) -> bool:
        """As `takes`, but a model of which nothing is known does not."""
        return self.facts is not None and what in self.facts.can


def effort_of(options: Mapping[str, Any], asked: Asked, lost: list[str]) -> str | None:
    """The word for the effort of reasoning that is asked for; None where none is sent."""
    if "reasoning_effort" not in options:
        return None
    given, facts = options["reasoning_effort"], asked.facts
    word = word_of(given, WORDS, asked.name)
    if facts is None or not (facts.can or facts.efforts):
        return word
    if word == "none" and not facts.efforts:  # the API rejects the field, and without it the model does the same
        lost.append(f"reasoning_effort ({asked.name} does not reason)")
        return None
    return word_of(given, facts.efforts, asked.name)


def taken(options: Mapping[str, Any], effort: str | None, asked: Asked, lost: list[str]) -> dict[str, Any]:
    """Those of `options` that the model takes; what it does not take is named in `lost`.

    Raises InvalidRequest for values that the API rejects.
    """
    _check(options, asked)
    rest = dict(options)
    for name, word in _HINTS.items():
        if name in rest and not asked.takes(word):
            del rest[name]
            lost.append(f"{name} ({asked.name} does not take it)")
    # developers.openai.com/api/docs/guides/deployment-checklist: "When reasoning effort is not none, remove
    # temperature, top_p, and top_logprobs; also … message.output_text.logprobs from the Responses include array."
    samplers = [name for name in _SAMPLERS if name in rest and rest[name] is not False]
    if samplers and not _takes_samplers(options, effort, asked):
        for name in samplers:
            del rest[name]
        when = " while it reasons" if asked.takes("samplers at none") else ""
        lost.append(f"{', '.join(samplers)} ({asked.name} takes no samplers{when})")
    return rest


def _takes_samplers(options: Mapping[str, Any], effort: str | None, asked: Asked) -> bool:
    if asked.takes("samplers"):
        return True
    own = options.get("extra", {}).get("reasoning")
    given = own.get("effort") if isinstance(own, Mapping) else None
    # None: no page says what the model does where a request names no effort
    usual = asked.facts.effort if asked.facts else None
    return asked.takes("samplers at none") and (given or effort or usual) in ("none", None)


def _check(options: Mapping[str, Any], asked: Asked) -> None:
    if not asked.takes("responses"):
        raise InvalidRequest(f"{asked.name} is not served by this endpoint: ask the provider 'openai' for it")
    check_max_tokens(options, asked.facts)
    if "verbosity" in options:
        one_of("verbosity", options["verbosity"], _VERBOSITIES, NAME)
    if "metadata" in options:
        _check_metadata(options["metadata"])
    if not asked.at_openai:  # hosts have tiers and limits of their own
        return
    if "service_tier" in options:
        one_of("service_tier", options["service_tier"], _TIERS, NAME)
    if "prompt_cache_retention" in options:
        one_of("prompt_cache_retention", options["prompt_cache_retention"], _RETENTIONS, NAME)
    # "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16"
    if options.get("max_tokens", 16) < 16:
        raise InvalidRequest(f"{NAME} takes max_tokens from 16 on, not {options['max_tokens']}")
    if not 0 <= options.get("top_logprobs", 0) <= 20:
        raise InvalidRequest(f"{NAME} takes top_logprobs from 0 to 20, not {options['top_logprobs']}")


def _check_metadata(metadata: Mapping[Any, Any]) -> None:
    # …/responses/create, metadata: 16 pairs, "Keys are strings with a maximum length of 64 characters. Values are
    # strings with a maximum length of 512 characters."
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str) or len(key) > 64 or len(value) > 512:
            raise InvalidRequest(
                f"metadata must have names of up to 64 characters and texts of up to 512, not {safe_repr(key)}: "
                f"{safe_repr(value)}"
            )
    if len(metadata) > 16:
        raise InvalidRequest(f"metadata must have 16 pairs at most, not {len(metadata)}")
