"""What vendors say of their models, as data: what a model takes, how long it lives, and each provider's default.

To change a fact, change its row, and say where and when it was read. A model that no row names is unknown: its requests
pass as they are. The rows are read by `tests/core/test_model_facts.py`, which fails once a default has been shut down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model, or a family: all models whose names begin with `name`; the longest such row counts.

    `context`, `output`: the most tokens that it reads and writes. `efforts`: the words for an effort of reasoning that
    it takes, the least first; `effort`: the one where a request names none. `can`: what else it takes, in the words
    that stand above its vendor's rows. `shut_down`: the day (ISO 8601) from which the vendor does not serve it;
    `until`: the day before which it will not retire it. `source`: the vendor's page; `seen`: the day on which we read
    it.
    """

    name: str
    source: str
    seen: str
    context: int | None = None
    output: int | None = None
    efforts: tuple[str, ...] = ()
    effort: str | None = None
    can: frozenset[str] = field(default_factory=frozenset)
    shut_down: str | None = None
    until: str | None = None


# Ollama. Most models that think take true and false, this one levels: false hides its thoughts and does not stop them.
_OLLAMA = (
    ModelFacts("gpt-oss", "docs.ollama.com/capabilities/thinking", "2026-11-22",
               efforts=("low", "medium", "high"), effort="medium"),
)  # fmt: skip


FACTS: dict[str, tuple[ModelFacts, ...]] = {
    "anthropic": (),
    "openai": (),
    "gemini": (),
    "ollama": _OLLAMA,
}
"""By vendor."""


def facts_of(vendor: str, model: str | None) -> ModelFacts | None:
    """The row of `vendor` for `model`, which may have a gateway's prefix; None for a model that no row names."""
    # openrouter.ai: anthropic/claude-…; Bedrock: us.anthropic.claude-…; Gemini's list: models/gemini-…
    name = re.sub(r"^([a-z-]+\.)*(anthropic|openai)\.", "", (model or "").lower().rpartition("/")[2])
    rows = [row for row in FACTS[vendor] if name.startswith(row.name)]
    return max(rows, key=lambda row: len(row.name), default=None)


@dataclass(frozen=True, slots=True)
class DefaultModel:
    """The default model of a provider: one that the vendor sells today, of its small and fast class where it has one,
    that takes tools and sampling options on this provider's wire, and whose retirement is not announced or is the
    furthest away.

    `source`: the vendor's page of models or of their retirement. `seen`: the day (ISO 8601) on which we read it.
    `until`: the day before which the vendor will not retire the model, where it has promised one.
    """

    provider: str
    name: str
    source: str
    seen: str
    until: str | None = None


_GPT_OSS = "openai/gpt-oss-120b"

DEFAULTS: dict[str, DefaultModel] = {
    row.provider: row
    for row in (
        # gpt-4.1-mini is retired on 2027-01-14; the 5.6 models reject tools on the chat wire, this one takes them
        DefaultModel("openai", "gpt-5.4-mini", "developers.openai.com/api/docs/deprecations", "2026-11-21"),
        DefaultModel("openai_responses", "gpt-5.4-mini", "developers.openai.com/api/docs/deprecations", "2026-11-21"),
        # its successors reject sampling options
        DefaultModel("anthropic", "claude-sonnet-4-6", "platform.claude.com/docs/en/about-claude/model-deprecations",
                     "2026-11-21", until="2027-02-17"),
        # named by Google as the successor of gemini-2.5-flash, which is retired on 2026-12-01
        DefaultModel("gemini", "gemini-3.5-flash-lite", "ai.google.dev/gemini-api/docs/deprecations", "2026-11-21"),
        DefaultModel("ollama", "llama3.2", "ollama.com/library/llama3.2", "2026-11-21"),
        DefaultModel("ollama_openai", "llama3.2", "ollama.com/library/llama3.2", "2026-11-21"),
        # the host routes it to a current model, so that it cannot be retired
        DefaultModel("openrouter", "openrouter/auto", "openrouter.ai/docs/guides/routing/routers/auto-router",
                     "2026-11-21"),
        # named by Groq as the successor of llama-3.3-70b-versatile, retired on 2026-08-16
        DefaultModel("groq", _GPT_OSS, "console.groq.com/docs/deprecations", "2026-11-21"),
        DefaultModel("mistral", "mistral-small-latest", "docs.mistral.ai/models", "2026-11-21"),
        # deepseek-v4-flash is an alias of it for a time only
        DefaultModel("deepseek", "deepseek-flash", "api-docs.deepseek.com/quick_start/pricing", "2026-11-21"),
        # not gpt-oss-20b: retired there on 2026-09-15
        DefaultModel("together", _GPT_OSS, "docs.together.ai/docs/deprecations", "2026-11-21"),
        # not gpt-oss-120b, as on other hosts: retired there on 2026-11-07
        DefaultModel("fireworks", "accounts/fireworks/models/glm-5p3-flash", "docs.fireworks.ai/updates/changelog",
                     "2026-11-21"),
        # named by xAI as the successor of grok-4, retired on 2026-05-15
        DefaultModel("xai", "grok-4.3", "docs.x.ai/developers/models", "2026-11-21"),
        DefaultModel("cerebras", "gpt-oss-120b", "inference-docs.cerebras.ai/support/deprecation", "2026-11-21"),
        DefaultModel("huggingface", _GPT_OSS, "huggingface.co/models?inference_provider=all", "2026-11-21"),
    )
}  # fmt: skip


def default_model(provider: str) -> str | None:
    """The name of the provider's default model; None where it has none, as for a server with whatever models it has."""
    row = DEFAULTS.get(provider)
    return row.name if row else None
