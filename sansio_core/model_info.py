"""ModelInfo: what a host's own list says of one of its models, whichever vendor's fields it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Each from the host's list of models: the page that its row of hosts.py or its provider names, or its SDK.
_CONTEXT = (
    "max_input_tokens",  # Anthropic
    "inputTokenLimit",  # Gemini
    "context_length",  # OpenRouter, Together, Fireworks, Cerebras
    "context_window",  # Groq
    "max_context_length",  # Mistral, LM Studio
    "max_model_len",  # vLLM
    "n_ctx",  # llama.cpp, in `meta`: what the server was started with; the next, what the model was trained with
    "n_ctx_train",
)
_OUTPUT = (
    "max_tokens",  # Anthropic
    "outputTokenLimit",  # Gemini
    "max_completion_tokens",  # Groq; OpenRouter, in `top_provider`
    "max_output_length",  # Cerebras
)
_SHUT_DOWN = (
    "retires_at",  # Anthropic
    "shutdown_date",  # OpenAI
    "expiration_date",  # OpenRouter
)
# `capabilities` by name: Anthropic's are objects, Mistral's true or false, Ollama's a list of those that there are.
_MODALITIES = {"image_input": "image", "pdf_input": "pdf", "vision": "image", "audio": "audio"}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as its host's list describes it; None or empty where the list is silent, as most are.

    `context`, `output`: the most tokens that it reads and writes. `input`: what it reads, in the host's words ("text",
    "image", "pdf", "file", "audio", "video"). `shut_down`: the day (ISO 8601) from which the host does not serve it.
    `raw`: the host's own object.
    """

    name: str
    context: int | None = None
    output: int | None = None
    input: tuple[str, ...] = ()
    shut_down: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> ModelInfo | None:
        """What `raw`, an item of a list of models, says; None if it names no model."""
        name = raw.get("id") or raw.get("name")
        if not isinstance(name, str):
            return None
        inside = [raw.get(key) for key in ("top_provider", "meta", "architecture")]
        places = [raw, *(place for place in inside if isinstance(place, Mapping))]
        days = (_day(raw.get(key)) for key in _SHUT_DOWN)
        shut_down = next((day for day in days if day), None)
        return cls(name, _count(places, _CONTEXT), _count(places, _OUTPUT), _input(places), shut_down, raw)


def _count(places: list[Mapping[str, Any]], names: tuple[str, ...]) -> int | None:
    found = (place.get(name) for place in places for name in names)
    return next((value for value in found if type(value) is int and value > 0), None)


def _day(value: Any) -> str | None:
    found = re.match(r"\d{4}-\d\d-\d\d", value) if isinstance(value, str) else None
    return found[0] if found else None


def _input(places: list[Mapping[str, Any]]) -> tuple[str, ...]:
    for place in places:
        if isinstance(said := place.get("input_modalities"), list):
            return tuple(word for word in said if isinstance(word, str))
    able = places[0].get("capabilities")
    if not isinstance(able, (list, Mapping)):
        return ()
    # A model that reads text has no capability of that name.
    return ("text", *(kind for name, kind in _MODALITIES.items() if _is_able(able, name)))


def _is_able(able: list[Any] | Mapping[str, Any], name: str) -> bool:
    if isinstance(able, list):
        return name in able
    has = able.get(name)
    return has is True or (isinstance(has, Mapping) and bool(has.get("supported")))
