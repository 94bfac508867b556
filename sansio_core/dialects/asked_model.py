"""The model that is asked on one of OpenAI's two wires: what it takes, and what of a request it loses."""

from __future__ import annotations

from typing import Any

from ..model_facts import ModelFacts

# Hints that not all models take, by the word that their rows have for it. Of the answers to them: "Unsupported
# parameter: 'parallel_tool_calls' is not supported with this model."; "prompt_cache_retention is not supported on this
# model"; of verbosity, "Supported values are: 'medium'"
_HINTS = {"parallel_tool_calls": "parallel", "prompt_cache_retention": "retention", "verbosity": "verbosity"}


class AskedModel:
    """The model that is asked in one request, by its name and its row of `model_facts`, None where nothing is known.

    `lost` gathers in words what of the request is not sent, each once, in order.
    """

    def __init__(self, model: str, facts: ModelFacts | None) -> None:
        self.model, self.facts = model, facts
        self.lost: dict[str, None] = {}

    def lose(self, *what: str) -> None:
        self.lost.update(dict.fromkeys(what))

    def takes(self, what: str) -> bool:
        """Whether the model takes `what`, a word of its row; so does a model of which nothing is known."""
        return self.facts is None or not self.facts.can or what in self.facts.can

    def drop_hints(self, options: dict[str, Any]) -> None:
        """Take those hints out of `options` that the model does not take."""
        for name, word in _HINTS.items():
            if name in options and not self.takes(word):
                del options[name]
                self.lose(f"{name} ({self.model} does not take it)")
