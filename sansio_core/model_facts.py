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
    it. `budget`: the least and the most tokens of reasoning, of a model that takes a number of them.
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
    budget: tuple[int, int] | None = None


# --- Gemini ----------------------------------------------------------------------------------------------------------
# `can`: "samplers": temperature, top_p and top_k have an effect; "penalties": they may be other than 0; "candidates":
# several answers to one question; "functions"; "mixed": functions beside Google's own tools, and beside answers in
# JSON; "vertex-off": on Vertex AI, reasoning can be left off by a budget of 0. The effort "none" says that it can be
# everywhere. Of a row without such words, nothing is known but its figures.
_GOOGLE_THINKING = "ai.google.dev/gemini-api/docs/thinking"
_GOOGLE_ENDS = "ai.google.dev/gemini-api/docs/deprecations"
_LONG_DECODE = "ai.google.dev/gemini-api/docs/generate-content/long-decode"
_GOOGLE_TRIED = "github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/profiles/google.py"
_GOOGLE_PRICES = "github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json"
_GEMINI_2_5 = "samplers candidates functions"
_SAMPLED = "samplers functions mixed"
_FROM_LOW = ("low", "medium", "high")
_FROM_MINIMAL = ("minimal", *_FROM_LOW)
_SHARED, _NO_SIZE = (1_048_576, 1_048_576), (None, None)


def _gemini(
    name: str, can: str = "", efforts: tuple[str, ...] = (), effort: str | None = None, *,
    source: str = _GOOGLE_THINKING, size: tuple[int | None, int | None] = (1_048_576, 65_536),
    budget: tuple[int, int] | None = None, shut_down: str | None = None,
) -> ModelFacts:  # fmt: skip
    return ModelFacts(
        name, source, "2026-11-22", *size, efforts, effort, frozenset(can.split()), shut_down, budget=budget
    )


_GEMINIS = (
    # The context is one for question, thoughts and answer; an answer of more than 65,536 tokens pauses on its way.
    _gemini("gemini-4-argon", "functions mixed", _FROM_LOW, "medium", size=_SHARED, source=_LONG_DECODE),
    _gemini("gemini-4-carbon", "functions mixed", _FROM_LOW, "medium", size=_SHARED),
    _gemini("gemini-4-carbon-cyber-permissive", "functions mixed", _FROM_LOW, "high", size=_SHARED),
    _gemini("gemini-4-hydrogen", "functions mixed", (*_FROM_LOW, "xhigh"), "high", size=_SHARED),
    _gemini("gemini-4-neon", "functions mixed", (*_FROM_LOW, "xhigh"), "high", size=_SHARED),
    # "Gemini 3.6 Flash, 3.5 Flash-Lite and later accept the fields" of sampling "but ignore them"
    _gemini("gemini-3.8-flash", "functions mixed", _FROM_LOW, "medium"),
    _gemini("gemini-3.7-flash", "functions mixed", _FROM_LOW, "medium"),
    _gemini("gemini-3.6-flash", "functions mixed", _FROM_MINIMAL, "medium"),
    _gemini("gemini-3.5-flash-lite", "functions mixed", _FROM_MINIMAL, "minimal"),
    _gemini("gemini-3.5-flash", _SAMPLED, _FROM_MINIMAL, "medium"),
    _gemini("gemini-3.1-flash-lite", _SAMPLED, _FROM_MINIMAL, "minimal", source=_GOOGLE_ENDS, shut_down="2027-05-07"),
    _gemini("gemini-3.1-pro-preview", f"{_SAMPLED} vertex-off", _FROM_LOW, "high", source=_GOOGLE_TRIED),
    _gemini("gemini-3-flash-preview", _SAMPLED, _FROM_MINIMAL, "high"),
    _gemini("gemini-3-pro-preview", _SAMPLED, ("low", "high"), "high", source=_GOOGLE_ENDS, shut_down="2026-03-09"),
    # From that day on, requests go to gemini-3.8-flash and gemini-3.5-flash-lite.
    _gemini("gemini-2.5-pro", _GEMINI_2_5, budget=(128, 32_768), source=_GOOGLE_ENDS, shut_down="2026-12-01"),
    _gemini("gemini-2.5-flash", _GEMINI_2_5, ("none",), budget=(1, 24_576), source=_GOOGLE_ENDS,
            shut_down="2026-12-01"),
    _gemini("gemini-2.5-flash-lite", _GEMINI_2_5, ("none",), budget=(512, 24_576)),
    # Models of images take no functions. The API refuses "low" and "medium", Vertex AI takes them.
    _gemini("gemini-2.5-flash-image", "samplers candidates", size=_NO_SIZE, source=_GOOGLE_TRIED),
    _gemini("gemini-3.1-flash-image", "samplers candidates", ("minimal", "high"), "minimal", size=_NO_SIZE,
            source=_GOOGLE_TRIED),
    _gemini("gemini-3.1-flash-lite-image", "samplers candidates", ("minimal", "high"), "minimal", size=_NO_SIZE),
    _gemini("gemini-3-pro-image", "samplers candidates", ("high",), "high", size=_NO_SIZE),
    _gemini("nano-banana-pro-preview", "samplers candidates", ("high",), "high", size=_NO_SIZE),
    # of the newest models of their kind: their efforts are those that all of these take
    *(
        _gemini(f"gemini-{kind}-latest", f"{_SAMPLED} candidates", _FROM_LOW, size=_NO_SIZE)
        for kind in ("flash", "flash-lite", "pro")
    ),
    _gemini("gemma-4", f"{_SAMPLED} candidates penalties", ("minimal", "high"), size=(262_144, 32_768),
            source=_GOOGLE_PRICES),
    _gemini("gemini-robotics-er-2", size=(131_072, 65_536), source=_GOOGLE_PRICES),
    *(
        _gemini(name, size=_NO_SIZE, source=_GOOGLE_ENDS, shut_down=day)
        for name, day in (
            ("gemini-2.0-flash", "2026-06-01"),
            ("gemini-2.5-flash-preview-09-25", "2026-02-17"),
            ("gemini-2.5-computer-use-preview-10-2025", "2026-07-28"),
            ("gemini-2.5-flash-preview-tts", "2026-11-17"),
            ("gemini-2.5-pro-preview-tts", "2026-11-17"),
            ("gemini-3.1-flash-lite-preview", "2026-05-25"),
            ("gemini-3.1-flash-image-preview", "2026-06-25"),
            ("gemini-3-pro-image-preview", "2026-06-25"),
        )
    ),
)  # fmt: skip


FACTS: dict[str, tuple[ModelFacts, ...]] = {
    "anthropic": (),
    "openai": (),
    "gemini": _GEMINIS,
    "ollama": (),
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
        # its successors ignore sampling options
        DefaultModel("gemini", "gemini-3.1-flash-lite", _GOOGLE_ENDS, "2026-11-22", until="2027-05-07"),
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
