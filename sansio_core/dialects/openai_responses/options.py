"""Options of the Responses wire: what the model that is asked takes of them, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...model_facts import facts_of
from ..asked_model import AskedModel
from ..forms import check_max_tokens, object_of, one_of
from ..reasoning import WORDS, word_of

NAME = "openai_responses"
# …/responses/create
_WORDS = {
    "verbosity": ("low", "medium", "high"),
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"),
    "prompt_cache_retention": ("in_memory", "24h"),
}
_SAMPLERS = ("temperature", "top_p", "logprobs", "top_logprobs")


class Asked(AskedModel):
    """The model that is asked, at OpenAI's own host or elsewhere.

    Of models elsewhere nothing is known: gateways and servers differ in what they take, whatever their models are
    called.
    """

    def __init__(self, model: str | None, at_openai: bool) -> None:
        # a server with only one model may be asked without its name
        super().__init__(model or NAME, facts_of("openai", model) if at_openai else None)
        self.at_openai = at_openai

    def is_known_to_take(self, what: str) -> bool:
        """As `takes`, but a model of which nothing is known does not."""
        return self.facts is not None and what in self.facts.can


def effort_of(given: Any, asked: Asked) -> str | None:
    """The word for the effort of reasoning that is asked for; None where none is sent."""
    word, facts = word_of(given, WORDS, asked.model), asked.facts
    if facts is None or not (facts.can or facts.efforts):
        return word
    if word == "none" and not facts.efforts:  # the API rejects the field, and without it the model does the same
        asked.lose(f"reasoning_effort ({asked.model} does not reason)")
        return None
    return word_of(given, facts.efforts, asked.model)


def taken(options: Mapping[str, Any], effort: str | None, asked: Asked) -> dict[str, Any]:
    """Those of `options` that the model takes. Raises InvalidRequest for values that the API rejects."""
    _check(options, asked)
    rest = dict(options)
    asked.drop_hints(rest)
    # developers.openai.com/api/docs/guides/deployment-checklist: "When reasoning effort is not none, remove
    # temperature, top_p, and top_logprobs; also … message.output_text.logprobs from the Responses include array."
    if not _takes_samplers(options, effort, asked):
        _drop_samplers(rest, asked)
    return rest


def _drop_samplers(rest: dict[str, Any], asked: Asked) -> None:
    if names := [name for name in _SAMPLERS if rest.pop(name, False) is not False]:
        when = " while it reasons" if asked.takes("samplers at none") else ""
        asked.lose(f"{', '.join(names)} ({asked.model} takes no samplers{when})")


def _takes_samplers(options: Mapping[str, Any], effort: str | None, asked: Asked) -> bool:
    if asked.takes("samplers"):
        return True
    own = object_of(options.get("extra", {}).get("reasoning")).get("effort")
    # None: no page says what the model does where a request names no effort
    usual = asked.facts.effort if asked.facts else None
    return asked.takes("samplers at none") and (own or effort or usual) in ("none", None)


def _check(options: Mapping[str, Any], asked: Asked) -> None:
    check_max_tokens(options, asked.facts)
    for name, words in _WORDS.items():
        if name in options and (asked.at_openai or name == "verbosity"):  # hosts have tiers and limits of their own
            one_of(name, options[name], words, NAME)
    _check_metadata(options.get("metadata", {}))
    # "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16"
    if asked.at_openai and options.get("max_tokens", 16) < 16:
        raise InvalidRequest(f"{NAME} takes max_tokens from 16 on, not {options['max_tokens']}")
    if asked.at_openai and not 0 <= options.get("top_logprobs", 0) <= 20:
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
