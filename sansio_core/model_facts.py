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


# --- Anthropic -------------------------------------------------------------------------------------------------------
# `can`: "adaptive" and "budget" are the forms of thinking that a model takes (`output_config.effort`, `budget_tokens`);
# "thinks": it does so where a request says nothing, which "off" (`disabled`) or "between_tools" ends; "summaries": it
# shows its thoughts only where `display` asks for them; "samplers": temperature, top_p, top_k; "forced": a tool_choice
# that forces a tool; "prefill": an answer's beginning as the last message; "system": such messages amid the others.
_CLAUDE = "platform.claude.com/docs/en/"
_THINKING = f"{_CLAUDE}build-with-claude/thinking"
_RETIRED = f"{_CLAUDE}about-claude/model-deprecations"
_FIVE = ("low", "medium", "high", "xhigh", "max")
_NO_XHIGH = ("low", "medium", "high", "max")


def _claude(
    name: str, can: str, efforts: tuple[str, ...] = (), effort: str | None = None, *, source: str = _THINKING,
    size: tuple[int | None, int | None] = (None, None), until: str | None = None, shut_down: str | None = None,
) -> ModelFacts:  # fmt: skip
    return ModelFacts(
        name, source, "2026-11-22", *size, efforts, effort, frozenset(can.split()), shut_down=shut_down, until=until
    )


_LARGE, _SMALL = (1_000_000, 128_000), (200_000, 64_000)
_ALWAYS = "adaptive thinks summaries system"  # "Claude 4.7 and later" take no samplers and no budget

_CLAUDES = (
    # of these two the pages readable to us do not say whether a tool can be forced
    _claude("claude-fable-5-2", f"{_ALWAYS} forced", _FIVE, size=_LARGE,
            source=f"{_CLAUDE}models/fable-5-2/whats-new-fable-5-2"),
    _claude("claude-mythos-5-2", f"{_ALWAYS} forced", _FIVE, size=_LARGE,
            source=f"{_CLAUDE}models/fable-5-2/whats-new-fable-5-2"),
    _claude("claude-fable-5-1", _ALWAYS, _FIVE, "high", size=_LARGE, until="2027-09-01"),
    _claude("claude-mythos-5-1", _ALWAYS, _FIVE, "high", size=_LARGE),
    _claude("claude-fable-5", f"{_ALWAYS} forced", _FIVE, "high", size=_LARGE, until="2027-06-09"),
    _claude("claude-mythos-5", f"{_ALWAYS} forced", _FIVE, "high", size=_LARGE),
    _claude("claude-opus-5-5", _ALWAYS, _FIVE, "medium", size=_LARGE, until="2027-09-22",
            source=f"{_CLAUDE}build-with-claude/thinking-troubleshooting"),
    _claude("claude-opus-5", f"{_ALWAYS} off forced", _FIVE, "high", size=_LARGE, until="2027-07-24"),
    _claude("claude-opus-4-8", "adaptive off summaries forced system", _FIVE, "high", size=_LARGE, until="2027-05-28"),
    _claude("claude-opus-4-7", "adaptive off summaries forced", _FIVE, "high", size=_LARGE, until="2027-04-16"),
    _claude("claude-opus-4-6", "adaptive budget off samplers forced", _NO_XHIGH, "high", size=_LARGE,
            until="2027-02-05"),
    _claude("claude-sonnet-5-5", f"{_ALWAYS} between_tools", _FIVE, "high", size=_LARGE, until="2027-09-28",
            source=f"{_CLAUDE}models/sonnet-5-5/migration-guide"),
    _claude("claude-sonnet-5", "adaptive thinks off summaries forced", _FIVE, "high", size=_LARGE, until="2027-06-30"),
    _claude("claude-sonnet-4-6", "adaptive budget off samplers forced", _NO_XHIGH, "high", size=_LARGE,
            until="2027-02-17"),
    _claude("claude-haiku-5-5", f"{_ALWAYS} off forced", _FIVE, "medium", size=_LARGE, until="2027-10-07",
            source=f"{_CLAUDE}models/haiku-5-5/migration-guide"),
    _claude("claude-opus-4-5", "budget off samplers forced prefill", _FIVE[:3], "high", size=_SMALL,
            until="2026-11-24"),
    _claude("claude-sonnet-4-5", "budget off samplers forced prefill", size=_SMALL, source=_RETIRED,
            shut_down="2026-11-30"),
    _claude("claude-haiku-4-5", "budget off samplers forced prefill", size=_SMALL, source=_RETIRED),
    _claude("claude-mythos-preview", "adaptive budget thinks summaries forced", _NO_XHIGH, size=(None, 128_000),
            source=_RETIRED, shut_down="2026-06-30"),
    *(
        _claude(name, f"{thinks}samplers forced prefill", source=_RETIRED, shut_down=day)
        for name, thinks, day in (
            ("claude-opus-4-1", "budget ", "2026-08-05"),
            ("claude-opus-4-0", "budget ", "2026-06-15"),
            ("claude-opus-4-2025", "budget ", "2026-06-15"),
            ("claude-sonnet-4-0", "budget ", "2026-06-15"),
            ("claude-sonnet-4-2025", "budget ", "2026-06-15"),
            ("claude-3-haiku", "", "2026-04-20"),
            ("claude-3-7-sonnet", "budget ", "2026-02-19"),
            ("claude-3-5-haiku", "", "2026-02-19"),
            ("claude-3-opus", "", "2026-01-05"),
        )
    ),
)  # fmt: skip


# Ollama. Most models that think take true and false, this one levels: false hides its thoughts and does not stop them.
_OLLAMA = (
    ModelFacts("gpt-oss", "docs.ollama.com/capabilities/thinking", "2026-11-22",
               efforts=("low", "medium", "high"), effort="medium"),
)  # fmt: skip


FACTS: dict[str, tuple[ModelFacts, ...]] = {
    "anthropic": _CLAUDES,
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
