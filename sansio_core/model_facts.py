"""What vendors say of their models, as data: what a model takes, how long it lives, and each provider's default.

To change a fact, change its row, and say where and when it was read. A model that no row names is unknown: its requests
pass as they are. The rows are read by `tests/core/test_model_facts.py`, which fails once a default has been shut down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache


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


# OpenAI. What a model takes: "chat", "responses": the endpoints; "images", "pdf", "audio": in messages; "samplers":
# temperature, top_p, logprobs, stop and the like always, "samplers at none": while it does not reason; "chat tools",
# "chat tools at none": tools on the chat endpoint, likewise; "parallel": the option parallel_tool_calls; "verbosity";
# "schemas": strict JSON Schemas; "breakpoints": marks in the prompt for its cache; "retention": prompt_cache_retention;
# "phase": answers have one, which goes back. The effort "max" is one of the Responses endpoint alone. Of a row without
# such words, nothing is known but its figures.
_OPENAI_PAGES = "developers.openai.com/api/docs/models"
_OPENAI_GUIDE = "developers.openai.com/api/docs/guides/latest-model"
_OPENAI_ENDS = "developers.openai.com/api/docs/deprecations"
_OPENAI_TRIED = "github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/profiles/openai.py"
_OPENAI_SEEN = "2026-11-22"
_TO_HIGH = ("low", "medium", "high")
_TO_XHIGH = (*_TO_HIGH, "xhigh")
_TO_MAX = (*_TO_XHIGH, "max")
_OF_ALL = frozenset({"chat", "responses", "images", "pdf", "schemas", "retention"})
_GPT_4 = _OF_ALL | {"samplers", "chat tools", "parallel"}
_O = _OF_ALL | {"chat tools"}
_GPT_5 = _OF_ALL | {"chat tools", "parallel", "verbosity"}
_GPT_5_1 = _GPT_5 | {"samplers at none"}
_GPT_5_4 = (_GPT_5_1 | {"chat tools at none", "phase"}) - {"chat tools"}
_GPT_5_6 = (_GPT_5_4 | {"breakpoints"}) - {"retention"}
_ALWAYS_REASONS = _GPT_5_6 - {"samplers at none", "chat tools at none"}
_RESPONSES_5 = (_GPT_5 | {"phase"}) - {"chat", "chat tools"}
_AUDIO = frozenset({"chat", "audio", "samplers", "chat tools", "parallel", "retention"})


def _openai(
    name: str, context: int | None, output: int | None, efforts: tuple[str, ...] = (), effort: str | None = None,
    can: frozenset[str] = frozenset(), shut_down: str | None = None, source: str = _OPENAI_TRIED,
) -> ModelFacts:  # fmt: skip
    return ModelFacts(name, source, _OPENAI_SEEN, context, output, efforts, effort, can, shut_down)


_OPENAI = (
    # "The API rejects requests that set reasoning effort to none", and tools need the Responses endpoint
    _openai("gpt-6.2", 1_050_000, 128_000, _TO_MAX, "medium", _ALWAYS_REASONS, source=_OPENAI_GUIDE),
    _openai("gpt-6.1-sol", 1_050_000, 128_000, _TO_MAX, "medium", _ALWAYS_REASONS, source=_OPENAI_GUIDE),
    _openai("gpt-6.1-terra", 1_050_000, 128_000, ("none", *_TO_MAX), "medium", _GPT_5_6),
    _openai("gpt-6-astra", 1_050_000, 128_000, _TO_MAX, "medium", _ALWAYS_REASONS),
    # "Chat Completions supports function calling only with reasoning_effort set to none"
    _openai("gpt-6-sol", 1_050_000, 128_000, ("none", *_TO_MAX), "medium", _GPT_5_6, source=_OPENAI_PAGES),
    _openai("gpt-6-luna", 1_050_000, 128_000, ("none", *_TO_MAX), "medium", _GPT_5_6, source=_OPENAI_GUIDE),
    _openai("gpt-5.6", 1_050_000, 128_000, ("none", *_TO_MAX), "medium", _GPT_5_6),
    _openai("gpt-5.6-cyber", 400_000, 128_000, source=_OPENAI_PAGES),
    _openai("gpt-5.5", 1_050_000, 128_000, ("none", *_TO_XHIGH), "medium", _GPT_5_4),
    _openai("gpt-5.5-pro", 1_050_000, 128_000, _TO_XHIGH[1:], "medium", _RESPONSES_5 - {"schemas"}),
    _openai("gpt-5.5-cyber-preview", None, None, shut_down="2027-02-01", source=_OPENAI_ENDS),
    _openai("gpt-5.4", 1_050_000, 128_000, ("none", *_TO_XHIGH), "none", _GPT_5_4),
    _openai("gpt-5.4-mini", 400_000, 128_000, ("none", *_TO_XHIGH), "none", _GPT_5_4),
    _openai("gpt-5.4-nano", 400_000, 128_000, ("none", *_TO_XHIGH), "none", _GPT_5_4, "2027-04-01", _OPENAI_ENDS),
    _openai("gpt-5.4-pro", 1_050_000, 128_000, _TO_XHIGH[1:], "medium", _RESPONSES_5 - {"schemas"}),
    # its page has no "none", others send it: it is let pass
    _openai("gpt-5.3-codex", 400_000, 128_000, ("none", *_TO_XHIGH), None, _RESPONSES_5 | {"samplers at none"},
            "2027-04-01", _OPENAI_ENDS),
    _openai("gpt-5.3-chat", 128_000, 16_384, ("medium",), "medium", _GPT_5, "2026-08-10", _OPENAI_ENDS),
    _openai("gpt-5.2", 400_000, 128_000, ("none", *_TO_XHIGH), "none", _GPT_5_1),
    _openai("gpt-5.2-pro", 400_000, 128_000, _TO_XHIGH[1:], "medium", _RESPONSES_5 - {"phase"}),
    _openai("gpt-5.2-codex", 400_000, 128_000, _TO_XHIGH, None, _RESPONSES_5 - {"phase"}, "2026-07-23", _OPENAI_ENDS),
    _openai("gpt-5.2-chat", 128_000, 16_384, ("medium",), "medium", _GPT_5, "2026-08-10", _OPENAI_ENDS),
    _openai("gpt-5.1", 400_000, 128_000, ("none", *_TO_HIGH), "none", _GPT_5_1, "2027-04-01", _OPENAI_ENDS),
    _openai("gpt-5.1-codex", 400_000, 128_000, _TO_XHIGH, None, _RESPONSES_5 - {"phase"}, "2026-07-23", _OPENAI_ENDS),
    _openai("gpt-5.1-chat", 128_000, 16_384, shut_down="2026-07-23", source=_OPENAI_ENDS),
    _openai("gpt-5.", None, None, source=_OPENAI_PAGES),  # models to come are not of the family of gpt-5
    _openai("gpt-5", 400_000, 128_000, ("minimal", *_TO_HIGH), "medium", _GPT_5, "2026-12-11", _OPENAI_ENDS),
    _openai("gpt-5-pro", 400_000, 272_000, ("high",), "high", _RESPONSES_5 - {"phase"}, "2026-12-11", _OPENAI_ENDS),
    _openai("gpt-5-codex", 400_000, 128_000, _TO_HIGH, None, _RESPONSES_5 - {"phase"}, "2026-07-23", _OPENAI_ENDS),
    _openai("gpt-5-chat", 128_000, 16_384, shut_down="2026-07-23", source=_OPENAI_ENDS),
    _openai("gpt-5-search-api", 400_000, 128_000, source=_OPENAI_PAGES),
    _openai("chat-latest", 400_000, 128_000, source=_OPENAI_PAGES),
    _openai("o3", 200_000, 100_000, _TO_HIGH, "medium", _O, "2026-12-11", _OPENAI_ENDS),
    _openai("o3-pro", 200_000, 100_000, _TO_HIGH, "medium", _O - {"chat", "chat tools"}, "2026-12-11", _OPENAI_ENDS),
    _openai("o3-mini", 200_000, 100_000, _TO_HIGH, "medium", _O - {"images", "pdf"}, "2026-10-23", _OPENAI_ENDS),
    _openai("o3-deep-research", 200_000, 100_000, shut_down="2026-07-23", source=_OPENAI_ENDS),
    _openai("o4-mini", 200_000, 100_000, _TO_HIGH, "medium", _O, "2026-10-23", _OPENAI_ENDS),
    _openai("o4-mini-deep-research", 200_000, 100_000, shut_down="2026-07-23", source=_OPENAI_ENDS),
    _openai("o1", 200_000, 100_000, _TO_HIGH, "medium", _O, "2026-10-23", _OPENAI_ENDS),
    _openai("o1-pro", 200_000, 100_000, _TO_HIGH, "medium", _O - {"chat", "chat tools"}, "2026-10-23", _OPENAI_ENDS),
    _openai("gpt-4.1", 1_047_576, 32_768, can=_GPT_4, shut_down="2027-01-14", source=_OPENAI_ENDS),
    _openai("gpt-4.1-nano", 1_047_576, 32_768, can=_GPT_4, shut_down="2026-10-23", source=_OPENAI_ENDS),
    _openai("gpt-4o", 128_000, 16_384, can=_GPT_4, shut_down="2027-01-14", source=_OPENAI_ENDS),
    _openai("gpt-4o-2024-05-13", 128_000, 4_096, can=_GPT_4 - {"pdf", "schemas"}, shut_down="2026-10-23",
            source=_OPENAI_ENDS),
    _openai("gpt-4o-search-preview", 128_000, 16_384, shut_down="2026-07-23", source=_OPENAI_ENDS),
    _openai("gpt-4o-mini-search-preview", 128_000, 16_384, shut_down="2026-07-23", source=_OPENAI_ENDS),
    # the SDK and the page disagree on the day
    _openai("gpt-4o-audio-preview", 128_000, 16_384, can=_AUDIO, shut_down="2027-01-20", source=_OPENAI_ENDS),
    _openai("gpt-4o-mini-audio-preview", 128_000, 16_384, can=_AUDIO, shut_down="2027-01-20", source=_OPENAI_ENDS),
    _openai("gpt-audio", 128_000, 16_384, can=_AUDIO, shut_down="2027-01-20", source=_OPENAI_ENDS),
    _openai("gpt-audio-1.5", 128_000, 16_384, can=_AUDIO, source=_OPENAI_PAGES),
    _openai("chatgpt-4o-latest", 128_000, 16_384, shut_down="2026-02-17", source=_OPENAI_ENDS),
    _openai("codex-mini-latest", 200_000, 100_000, _TO_HIGH, shut_down="2026-02-12", source=_OPENAI_ENDS),
    _openai("gpt-4-turbo", 128_000, 4_096, shut_down="2026-10-23", source=_OPENAI_ENDS),
    _openai("gpt-3.5-turbo", 16_385, 4_096, shut_down="2026-10-23", source=_OPENAI_ENDS),
)  # fmt: skip

# Hosts of others' models: the words for an effort alone.
_HOSTS_SEEN = "2026-11-22"
_GPT_OSS_PAGE = "developers.openai.com/api/docs/models/gpt-oss-120b"
_GPT_OSS_ROW = ModelFacts("gpt-oss", _GPT_OSS_PAGE, _HOSTS_SEEN, 131_072, None, _TO_HIGH)
_GLM = ("low", "high", "max")


def _hosted(
    name: str, source: str, efforts: tuple[str, ...], effort: str | None = None, context: int | None = None
) -> ModelFacts:
    return ModelFacts(name, source, _HOSTS_SEEN, context, None, efforts, effort)


_GROQ = (
    _GPT_OSS_ROW,
    _hosted("qwen3.8-27b", "console.groq.com/docs/reasoning", ("none", "default", *_TO_HIGH), "medium", 131_072),
)
_MISTRAL = (
    *(_hosted(name, "docs.mistral.ai/models", ("none", "high"), None, 262_144)
      for name in ("mistral-small-latest", "mistral-small-2603", "mistral-medium-latest", "mistral-medium-2604",
                   "mistral-medium-3-5", "devstral")),
    _hosted("zai-glm-5-3", "docs.mistral.ai/models", _GLM, None, 1_048_576),
)  # fmt: skip
# it has low, high and max, and takes the other words for these
_DEEPSEEK = (
    _hosted("deepseek", "api-docs.deepseek.com/guides/thinking_mode", ("none", "minimal", *_TO_MAX), "high", 1_000_000),
)
_XAI = (
    _hosted("grok-4.3", "docs.x.ai/docs/guides/reasoning", ("none", *_TO_HIGH), None, 1_000_000),
    _hosted("grok-latest", "docs.x.ai/docs/guides/reasoning", ("none", *_TO_HIGH), None, 1_000_000),
    _hosted("grok-4.5", "docs.x.ai/docs/guides/reasoning", _TO_HIGH, "high", 500_000),
    _hosted("grok-4.6", "docs.x.ai/docs/guides/reasoning", _TO_HIGH, None, 500_000),
    _hosted("grok-build-latest", "docs.x.ai/docs/guides/reasoning", _TO_HIGH, None, 500_000),
    _hosted("grok-4.7", "docs.x.ai/docs/guides/reasoning", _TO_XHIGH, None, 500_000),
)
_CEREBRAS = (
    _GPT_OSS_ROW,
    _hosted("qwen-3.8-27b", "inference-docs.cerebras.ai/capabilities/reasoning", ("none", *_TO_HIGH), None, 65_536),
    _hosted("zai-glm-5.3", "inference-docs.cerebras.ai/capabilities/reasoning", _GLM),
    _hosted("kimi-k3", "inference-docs.cerebras.ai/capabilities/reasoning", _GLM),
)
_FIREWORKS = (_GPT_OSS_ROW, _hosted("glm-5p3", "docs.fireworks.ai/guides/reasoning", _GLM, None, 1_048_576))
_TOGETHER = (_GPT_OSS_ROW, _hosted("deepseek-v4-pro", "docs.together.ai/docs/reasoning", ("high", "max")))
# every model there: "invalid reasoning value: … (must be "high", "medium", "low", or "none")"
_OLLAMA_OPENAI = (_hosted("", "docs.ollama.com/api/openai-compatibility", ("none", *_TO_HIGH)),)


FACTS: dict[str, tuple[ModelFacts, ...]] = {
    "anthropic": _CLAUDES,
    "openai": _OPENAI,
    "gemini": _GEMINIS,
    "ollama": _OLLAMA,
    "groq": _GROQ,
    "mistral": _MISTRAL,
    "deepseek": _DEEPSEEK,
    "xai": _XAI,
    "cerebras": _CEREBRAS,
    "fireworks": _FIREWORKS,
    "together": _TOGETHER,
    "ollama_openai": _OLLAMA_OPENAI,
}
"""By vendor."""


@lru_cache(maxsize=256)  # every request asks, and most programs name few models: 10 µs else
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
