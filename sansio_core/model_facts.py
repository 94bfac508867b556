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


_SEEN = "2026-11-22"
# The words for efforts.
_TO_HIGH = ("low", "medium", "high")
_TO_XHIGH = (*_TO_HIGH, "xhigh")
_TO_MAX = (*_TO_XHIGH, "max")
_MINIMAL_TO_HIGH = ("minimal", *_TO_HIGH)
_OFF_TO_HIGH, _OFF_TO_XHIGH, _OFF_TO_MAX = ("none", *_TO_HIGH), ("none", *_TO_XHIGH), ("none", *_TO_MAX)
_NO_XHIGH = (*_TO_HIGH, "max")
_GLM = ("low", "high", "max")


def _row(
    name: str, source: str, size: tuple[int | None, int | None] = (None, None), efforts: tuple[str, ...] = (),
    effort: str | None = None, can: str | frozenset[str] = "", *,
    shut_down: str | None = None, until: str | None = None, budget: tuple[int, int] | None = None,
    seen: str = _SEEN,
) -> ModelFacts:  # fmt: skip
    """A row; `size`: context and output."""
    words = frozenset(can.split()) if isinstance(can, str) else can
    return ModelFacts(name, source, seen, *size, efforts, effort, words, shut_down, until, budget)


# The vendors' pages; then what many of their models have in common: their sizes, and what they can.
_CLAUDE_PAGES = "platform.claude.com/docs/en/"
_CLAUDE = f"{_CLAUDE_PAGES}build-with-claude/thinking"
_CLAUDE_ENDS = f"{_CLAUDE_PAGES}about-claude/model-deprecations"
_FABLE = f"{_CLAUDE_PAGES}models/fable-5-2/whats-new-fable-5-2"
_OPUS = f"{_CLAUDE_PAGES}build-with-claude/thinking-troubleshooting"
_SONNET = f"{_CLAUDE_PAGES}models/sonnet-5-5/migration-guide"
_HAIKU = f"{_CLAUDE_PAGES}models/haiku-5-5/migration-guide"
_LARGE, _SMALL = (1_000_000, 128_000), (200_000, 64_000)
_ALWAYS = "adaptive thinks summaries system"  # "Claude 4.7 and later" take no samplers and no budget
_ADAPTIVE = "adaptive off summaries forced"
_BOTH = "adaptive budget off samplers forced"
_CLAUDE_3 = "samplers forced prefill"
_CLAUDE_4 = f"{_CLAUDE_3} budget"

_GPT = "developers.openai.com/api/docs/models"
_GPT_GUIDE = "developers.openai.com/api/docs/guides/latest-model"
_GPT_ENDS = "developers.openai.com/api/docs/deprecations"
_GPT_TRIED = "github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/profiles/openai.py"
_GPT_1M, _GPT_400K, _GPT_128K = (1_050_000, 128_000), (400_000, 128_000), (128_000, 16_384)
_GPT_4_1, _O_200K = (1_047_576, 32_768), (200_000, 100_000)
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

_GEMINI = "ai.google.dev/gemini-api/docs/thinking"
_GEMINI_ENDS = "ai.google.dev/gemini-api/docs/deprecations"
_GEMINI_LONG = "ai.google.dev/gemini-api/docs/generate-content/long-decode"
_GEMINI_TRIED = "github.com/pydantic/pydantic-ai/blob/main/pydantic_ai_slim/pydantic_ai/profiles/google.py"
_PRICES = "github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json"
_FLASH, _SHARED = (1_048_576, 65_536), (1_048_576, 1_048_576)
_NO_SAMPLERS = "functions mixed"
_SAMPLED = "samplers functions mixed"
_GEMINI_2_5 = "samplers candidates functions"
_IMAGES = "samplers candidates"

_MISTRAL, _XAI = "docs.mistral.ai/models", "docs.x.ai/docs/guides/reasoning"
_CEREBRAS = "inference-docs.cerebras.ai/capabilities/reasoning"
_GPT_OSS = _row("gpt-oss", "developers.openai.com/api/docs/models/gpt-oss-120b", (131_072, None), _TO_HIGH)


FACTS: dict[str, tuple[ModelFacts, ...]] = {
    # `can`: "adaptive" and "budget" are the forms of thinking that a model takes (`output_config.effort`,
    # `budget_tokens`); "thinks": it does so where a request says nothing, which "off" (`disabled`) or "between_tools"
    # ends; "summaries": it shows its thoughts only where `display` asks for them; "samplers": temperature, top_p,
    # top_k; "forced": a tool_choice that forces a tool; "prefill": an answer's beginning as the last message;
    # "system": such messages amid the others.
    "anthropic": (
        # of these two the pages readable to us do not say whether a tool can be forced
        _row("claude-fable-5-2", _FABLE, _LARGE, _TO_MAX, can=f"{_ALWAYS} forced"),
        _row("claude-mythos-5-2", _FABLE, _LARGE, _TO_MAX, can=f"{_ALWAYS} forced"),
        _row("claude-fable-5-1", _CLAUDE, _LARGE, _TO_MAX, "high", _ALWAYS, until="2027-09-01"),
        _row("claude-mythos-5-1", _CLAUDE, _LARGE, _TO_MAX, "high", _ALWAYS),
        _row("claude-fable-5", _CLAUDE, _LARGE, _TO_MAX, "high", f"{_ALWAYS} forced", until="2027-06-09"),
        _row("claude-mythos-5", _CLAUDE, _LARGE, _TO_MAX, "high", f"{_ALWAYS} forced"),
        _row("claude-opus-5-5", _OPUS, _LARGE, _TO_MAX, "medium", _ALWAYS, until="2027-09-22"),
        _row("claude-opus-5", _CLAUDE, _LARGE, _TO_MAX, "high", f"{_ALWAYS} off forced", until="2027-07-24"),
        _row("claude-opus-4-8", _CLAUDE, _LARGE, _TO_MAX, "high", f"{_ADAPTIVE} system", until="2027-05-28"),
        _row("claude-opus-4-7", _CLAUDE, _LARGE, _TO_MAX, "high", _ADAPTIVE, until="2027-04-16"),
        _row("claude-opus-4-6", _CLAUDE, _LARGE, _NO_XHIGH, "high", _BOTH, until="2027-02-05"),
        _row("claude-sonnet-5-5", _SONNET, _LARGE, _TO_MAX, "high", f"{_ALWAYS} between_tools", until="2027-09-28"),
        _row("claude-sonnet-5", _CLAUDE, _LARGE, _TO_MAX, "high", f"{_ADAPTIVE} thinks", until="2027-06-30"),
        _row("claude-sonnet-4-6", _CLAUDE, _LARGE, _NO_XHIGH, "high", _BOTH, until="2027-02-17"),
        _row("claude-haiku-5-5", _HAIKU, _LARGE, _TO_MAX, "medium", f"{_ALWAYS} off forced", until="2027-10-07"),
        _row("claude-opus-4-5", _CLAUDE, _SMALL, _TO_HIGH, "high", f"{_CLAUDE_4} off", until="2026-11-24"),
        _row("claude-sonnet-4-5", _CLAUDE_ENDS, _SMALL, can=f"{_CLAUDE_4} off", shut_down="2026-11-30"),
        _row("claude-haiku-4-5", _CLAUDE_ENDS, _SMALL, can=f"{_CLAUDE_4} off"),
        _row("claude-mythos-preview", _CLAUDE_ENDS, (None, 128_000), _NO_XHIGH,
             can="adaptive budget thinks summaries forced", shut_down="2026-06-30"),
        _row("claude-opus-4-1", _CLAUDE_ENDS, can=_CLAUDE_4, shut_down="2026-08-05"),
        _row("claude-opus-4-0", _CLAUDE_ENDS, can=_CLAUDE_4, shut_down="2026-06-15"),
        _row("claude-opus-4-20250514", _CLAUDE_ENDS, can=_CLAUDE_4, shut_down="2026-06-15"),
        _row("claude-sonnet-4-0", _CLAUDE_ENDS, can=_CLAUDE_4, shut_down="2026-06-15"),
        _row("claude-sonnet-4-20250514", _CLAUDE_ENDS, can=_CLAUDE_4, shut_down="2026-06-15"),
        _row("claude-3-haiku", _CLAUDE_ENDS, can=_CLAUDE_3, shut_down="2026-04-20"),
        _row("claude-3-7-sonnet", _CLAUDE_ENDS, can=_CLAUDE_4, shut_down="2026-02-19"),
        _row("claude-3-5-haiku", _CLAUDE_ENDS, can=_CLAUDE_3, shut_down="2026-02-19"),
        _row("claude-3-opus", _CLAUDE_ENDS, can=_CLAUDE_3, shut_down="2026-01-05"),
    ),
    # `can`: "chat", "responses": the endpoints; "images", "pdf", "audio": in messages; "samplers": temperature, top_p,
    # logprobs, stop and the like always, "samplers at none": while it does not reason; "chat tools", "chat tools at
    # none": tools on the chat endpoint, likewise; "parallel": the option parallel_tool_calls; "verbosity"; "schemas":
    # strict JSON Schemas; "breakpoints": marks in the prompt for its cache; "retention": prompt_cache_retention;
    # "phase": answers have one, which goes back. The effort "max" is one of the Responses endpoint alone. Of a row
    # without such words, nothing is known but its figures.
    "openai": (
        # "The API rejects requests that set reasoning effort to none", and tools need the Responses endpoint
        _row("gpt-6.2", _GPT_GUIDE, _GPT_1M, _TO_MAX, "medium", _ALWAYS_REASONS),
        _row("gpt-6.1-sol", _GPT_GUIDE, _GPT_1M, _TO_MAX, "medium", _ALWAYS_REASONS),
        _row("gpt-6.1-terra", _GPT_TRIED, _GPT_1M, _OFF_TO_MAX, "medium", _GPT_5_6),
        _row("gpt-6-astra", _GPT_TRIED, _GPT_1M, _TO_MAX, "medium", _ALWAYS_REASONS),
        # "Chat Completions supports function calling only with reasoning_effort set to none"
        _row("gpt-6-sol", _GPT, _GPT_1M, _OFF_TO_MAX, "medium", _GPT_5_6),
        _row("gpt-6-luna", _GPT_GUIDE, _GPT_1M, _OFF_TO_MAX, "medium", _GPT_5_6),
        _row("gpt-5.6", _GPT_TRIED, _GPT_1M, _OFF_TO_MAX, "medium", _GPT_5_6),
        _row("gpt-5.6-cyber", _GPT, _GPT_400K),
        _row("gpt-5.5", _GPT_TRIED, _GPT_1M, _OFF_TO_XHIGH, "medium", _GPT_5_4),
        _row("gpt-5.5-pro", _GPT_TRIED, _GPT_1M, _TO_XHIGH[1:], "medium", _RESPONSES_5 - {"schemas"}),
        _row("gpt-5.5-cyber-preview", _GPT_ENDS, shut_down="2027-02-01"),
        _row("gpt-5.4", _GPT_TRIED, _GPT_1M, _OFF_TO_XHIGH, "none", _GPT_5_4),
        _row("gpt-5.4-mini", _GPT_TRIED, _GPT_400K, _OFF_TO_XHIGH, "none", _GPT_5_4),
        _row("gpt-5.4-nano", _GPT_ENDS, _GPT_400K, _OFF_TO_XHIGH, "none", _GPT_5_4, shut_down="2027-04-01"),
        _row("gpt-5.4-pro", _GPT_TRIED, _GPT_1M, _TO_XHIGH[1:], "medium", _RESPONSES_5 - {"schemas"}),
        # its page has no "none", others send it: it is let pass
        _row("gpt-5.3-codex", _GPT_ENDS, _GPT_400K, _OFF_TO_XHIGH, can=_RESPONSES_5 | {"samplers at none"},
             shut_down="2027-04-01"),
        _row("gpt-5.3-chat", _GPT_ENDS, _GPT_128K, ("medium",), "medium", _GPT_5, shut_down="2026-08-10"),
        _row("gpt-5.2", _GPT_TRIED, _GPT_400K, _OFF_TO_XHIGH, "none", _GPT_5_1),
        _row("gpt-5.2-pro", _GPT_TRIED, _GPT_400K, _TO_XHIGH[1:], "medium", _RESPONSES_5 - {"phase"}),
        _row("gpt-5.2-codex", _GPT_ENDS, _GPT_400K, _TO_XHIGH, can=_RESPONSES_5 - {"phase"}, shut_down="2026-07-23"),
        _row("gpt-5.2-chat", _GPT_ENDS, _GPT_128K, ("medium",), "medium", _GPT_5, shut_down="2026-08-10"),
        _row("gpt-5.1", _GPT_ENDS, _GPT_400K, _OFF_TO_HIGH, "none", _GPT_5_1, shut_down="2027-04-01"),
        _row("gpt-5.1-codex", _GPT_ENDS, _GPT_400K, _TO_XHIGH, can=_RESPONSES_5 - {"phase"}, shut_down="2026-07-23"),
        _row("gpt-5.1-chat", _GPT_ENDS, _GPT_128K, shut_down="2026-07-23"),
        _row("gpt-5", _GPT_ENDS, _GPT_400K, _MINIMAL_TO_HIGH, "medium", _GPT_5, shut_down="2026-12-11"),
        _row("gpt-5-pro", _GPT_ENDS, (400_000, 272_000), ("high",), "high", _RESPONSES_5 - {"phase"},
             shut_down="2026-12-11"),
        _row("gpt-5-codex", _GPT_ENDS, _GPT_400K, _TO_HIGH, can=_RESPONSES_5 - {"phase"}, shut_down="2026-07-23"),
        _row("gpt-5-chat", _GPT_ENDS, _GPT_128K, shut_down="2026-07-23"),
        _row("gpt-5-search-api", _GPT, _GPT_400K),
        _row("chat-latest", _GPT, _GPT_400K),
        _row("o3", _GPT_ENDS, _O_200K, _TO_HIGH, "medium", _O, shut_down="2026-12-11"),
        _row("o3-pro", _GPT_ENDS, _O_200K, _TO_HIGH, "medium", _O - {"chat", "chat tools"}, shut_down="2026-12-11"),
        _row("o3-mini", _GPT_ENDS, _O_200K, _TO_HIGH, "medium", _O - {"images", "pdf"}, shut_down="2026-10-23"),
        _row("o3-deep-research", _GPT_ENDS, _O_200K, shut_down="2026-07-23"),
        _row("o4-mini", _GPT_ENDS, _O_200K, _TO_HIGH, "medium", _O, shut_down="2026-10-23"),
        _row("o4-mini-deep-research", _GPT_ENDS, _O_200K, shut_down="2026-07-23"),
        _row("o1", _GPT_ENDS, _O_200K, _TO_HIGH, "medium", _O, shut_down="2026-10-23"),
        _row("o1-pro", _GPT_ENDS, _O_200K, _TO_HIGH, "medium", _O - {"chat", "chat tools"}, shut_down="2026-10-23"),
        _row("gpt-4.1", _GPT_ENDS, _GPT_4_1, can=_GPT_4, shut_down="2027-01-14"),
        _row("gpt-4.1-nano", _GPT_ENDS, _GPT_4_1, can=_GPT_4, shut_down="2026-10-23"),
        _row("gpt-4o", _GPT_ENDS, _GPT_128K, can=_GPT_4, shut_down="2027-01-14"),
        _row("gpt-4o-2024-05-13", _GPT_ENDS, (128_000, 4_096), can=_GPT_4 - {"pdf", "schemas"}, shut_down="2026-10-23"),
        _row("gpt-4o-search-preview", _GPT_ENDS, _GPT_128K, shut_down="2026-07-23"),
        _row("gpt-4o-mini-search-preview", _GPT_ENDS, _GPT_128K, shut_down="2026-07-23"),
        # the SDK and the page disagree on the day
        _row("gpt-4o-audio-preview", _GPT_ENDS, _GPT_128K, can=_AUDIO, shut_down="2027-01-20"),
        _row("gpt-4o-mini-audio-preview", _GPT_ENDS, _GPT_128K, can=_AUDIO, shut_down="2027-01-20"),
        _row("gpt-audio", _GPT_ENDS, _GPT_128K, can=_AUDIO, shut_down="2027-01-20"),
        _row("gpt-audio-1.5", _GPT, _GPT_128K, can=_AUDIO),
        _row("chatgpt-4o-latest", _GPT_ENDS, _GPT_128K, shut_down="2026-02-17"),
        _row("codex-mini-latest", _GPT_ENDS, _O_200K, _TO_HIGH, shut_down="2026-02-12"),
        _row("gpt-4-turbo", _GPT_ENDS, (128_000, 4_096), shut_down="2026-10-23"),
        _row("gpt-3.5-turbo", _GPT_ENDS, (16_385, 4_096), shut_down="2026-10-23"),
    ),
    # `can`: "samplers": temperature, top_p and top_k have an effect; "penalties": they may be other than 0;
    # "candidates": several answers to one question; "functions"; "mixed": functions beside Google's own tools, and
    # beside answers in JSON; "vertex-off": on Vertex AI, reasoning can be left off by a budget of 0. The effort "none"
    # says that it can be everywhere. Of a row without such words, nothing is known but its figures.
    "gemini": (
        # The context is one for question, thoughts and answer; an answer of more than 65,536 tokens pauses on its way.
        _row("gemini-4-argon", _GEMINI_LONG, _SHARED, _TO_HIGH, "medium", _NO_SAMPLERS),
        _row("gemini-4-carbon", _GEMINI, _SHARED, _TO_HIGH, "medium", _NO_SAMPLERS),
        _row("gemini-4-carbon-cyber-permissive", _GEMINI, _SHARED, _TO_HIGH, "high", _NO_SAMPLERS),
        _row("gemini-4-hydrogen", _GEMINI, _SHARED, _TO_XHIGH, "high", _NO_SAMPLERS),
        _row("gemini-4-neon", _GEMINI, _SHARED, _TO_XHIGH, "high", _NO_SAMPLERS),
        # "Gemini 3.6 Flash, 3.5 Flash-Lite and later accept the fields" of sampling "but ignore them"
        _row("gemini-3.8-flash", _GEMINI, _FLASH, _TO_HIGH, "medium", _NO_SAMPLERS),
        _row("gemini-3.7-flash", _GEMINI, _FLASH, _TO_HIGH, "medium", _NO_SAMPLERS),
        _row("gemini-3.6-flash", _GEMINI, _FLASH, _MINIMAL_TO_HIGH, "medium", _NO_SAMPLERS),
        _row("gemini-3.5-flash-lite", _GEMINI, _FLASH, _MINIMAL_TO_HIGH, "minimal", _NO_SAMPLERS),
        _row("gemini-3.5-flash", _GEMINI, _FLASH, _MINIMAL_TO_HIGH, "medium", _SAMPLED),
        _row("gemini-3.1-flash-lite", _GEMINI_ENDS, _FLASH, _MINIMAL_TO_HIGH, "minimal", _SAMPLED,
             shut_down="2027-05-07"),
        _row("gemini-3.1-pro-preview", _GEMINI_TRIED, _FLASH, _TO_HIGH, "high", f"{_SAMPLED} vertex-off"),
        _row("gemini-3-flash-preview", _GEMINI, _FLASH, _MINIMAL_TO_HIGH, "high", _SAMPLED),
        _row("gemini-3-pro-preview", _GEMINI_ENDS, _FLASH, ("low", "high"), "high", _SAMPLED, shut_down="2026-03-09"),
        # From that day on, requests go to gemini-3.8-flash and gemini-3.5-flash-lite.
        _row("gemini-2.5-pro", _GEMINI_ENDS, _FLASH, can=_GEMINI_2_5, shut_down="2026-12-01", budget=(128, 32_768)),
        _row("gemini-2.5-flash", _GEMINI_ENDS, _FLASH, ("none",), can=_GEMINI_2_5, shut_down="2026-12-01",
             budget=(1, 24_576)),
        _row("gemini-2.5-flash-lite", _GEMINI, _FLASH, ("none",), can=_GEMINI_2_5, budget=(512, 24_576)),
        # Models of images take no functions. The API refuses "low" and "medium", Vertex AI takes them.
        _row("gemini-2.5-flash-image", _GEMINI_TRIED, can=_IMAGES),
        _row("gemini-3.1-flash-image", _GEMINI_TRIED, efforts=("minimal", "high"), effort="minimal", can=_IMAGES),
        _row("gemini-3.1-flash-lite-image", _GEMINI, efforts=("minimal", "high"), effort="minimal", can=_IMAGES),
        _row("gemini-3-pro-image", _GEMINI, efforts=("high",), effort="high", can=_IMAGES),
        _row("nano-banana-pro-preview", _GEMINI, efforts=("high",), effort="high", can=_IMAGES),
        # the newest models of their kind: their efforts are those that all of these take
        _row("gemini-flash-latest", _GEMINI, efforts=_TO_HIGH, can=f"{_SAMPLED} candidates"),
        _row("gemini-flash-lite-latest", _GEMINI, efforts=_TO_HIGH, can=f"{_SAMPLED} candidates"),
        _row("gemini-pro-latest", _GEMINI, efforts=_TO_HIGH, can=f"{_SAMPLED} candidates"),
        _row("gemma-4", _PRICES, (262_144, 32_768), ("minimal", "high"), can=f"{_SAMPLED} candidates penalties"),
        _row("gemini-robotics-er-2", _PRICES, (131_072, 65_536)),
        _row("gemini-2.0-flash", _GEMINI_ENDS, shut_down="2026-06-01"),
        _row("gemini-2.5-flash-preview-09-25", _GEMINI_ENDS, shut_down="2026-02-17"),
        _row("gemini-2.5-computer-use-preview-10-2025", _GEMINI_ENDS, shut_down="2026-07-28"),
        _row("gemini-2.5-flash-preview-tts", _GEMINI_ENDS, shut_down="2026-11-17"),
        _row("gemini-2.5-pro-preview-tts", _GEMINI_ENDS, shut_down="2026-11-17"),
        _row("gemini-3.1-flash-lite-preview", _GEMINI_ENDS, shut_down="2026-05-25"),
        _row("gemini-3.1-flash-image-preview", _GEMINI_ENDS, shut_down="2026-06-25"),
        _row("gemini-3-pro-image-preview", _GEMINI_ENDS, shut_down="2026-06-25"),
    ),
    # Most models that think take true and false, this one levels: false hides its thoughts and does not stop them.
    "ollama": (
        _row("gpt-oss", "docs.ollama.com/capabilities/thinking", efforts=_TO_HIGH, effort="medium"),
    ),
    # From here on hosts of others' models: the words for an effort alone.
    "groq": (
        _GPT_OSS,
        _row("qwen3.8-27b", "console.groq.com/docs/reasoning", (131_072, None), ("none", "default", *_TO_HIGH),
             "medium"),
    ),
    "mistral": (
        _row("mistral-small-latest", _MISTRAL, (262_144, None), ("none", "high")),
        _row("mistral-small-2603", _MISTRAL, (262_144, None), ("none", "high")),
        _row("mistral-medium-latest", _MISTRAL, (262_144, None), ("none", "high")),
        _row("mistral-medium-2604", _MISTRAL, (262_144, None), ("none", "high")),
        _row("mistral-medium-3-5", _MISTRAL, (262_144, None), ("none", "high")),
        _row("devstral", _MISTRAL, (262_144, None), ("none", "high")),
        _row("zai-glm-5-3", _MISTRAL, (1_048_576, None), _GLM),
    ),
    # it has low, high and max, and takes the other words for these
    "deepseek": (
        _row("deepseek", "api-docs.deepseek.com/guides/thinking_mode", (1_000_000, None), ("none", "minimal", *_TO_MAX),
             "high"),
    ),
    "xai": (
        _row("grok-4.3", _XAI, (1_000_000, None), _OFF_TO_HIGH),
        _row("grok-latest", _XAI, (1_000_000, None), _OFF_TO_HIGH),
        _row("grok-4.5", _XAI, (500_000, None), _TO_HIGH, "high"),
        _row("grok-4.6", _XAI, (500_000, None), _TO_HIGH),
        _row("grok-build-latest", _XAI, (500_000, None), _TO_HIGH),
        _row("grok-4.7", _XAI, (500_000, None), _TO_XHIGH),
    ),
    "cerebras": (
        _GPT_OSS,
        _row("qwen-3.8-27b", _CEREBRAS, (65_536, None), _OFF_TO_HIGH),
        _row("zai-glm-5.3", _CEREBRAS, efforts=_GLM),
        _row("kimi-k3", _CEREBRAS, efforts=_GLM),
    ),
    "fireworks": (
        _GPT_OSS,
        _row("glm-5p3", "docs.fireworks.ai/guides/reasoning", (1_048_576, None), _GLM),
    ),
    "together": (
        _GPT_OSS,
        _row("deepseek-v4-pro", "docs.together.ai/docs/reasoning", efforts=("high", "max")),
    ),
    # every model there: "invalid reasoning value: … (must be "high", "medium", "low", or "none")"
    "ollama_openai": (
        _row("", "docs.ollama.com/api/openai-compatibility", efforts=_OFF_TO_HIGH),
    ),
}  # fmt: skip
"""By vendor."""


# What stands behind a row's name in the name of another model: gpt-5.4-prod is no gpt-5.4-pro, and neither gpt-5.9 nor
# claude-opus-5-9 are of the families of gpt-5 and claude-opus-5. Dates and builds have three digits or more.
_ANOTHER = re.compile(r"[a-z0-9]|[.-]\d{1,2}(?![a-z0-9])")
_DATE = re.compile(r"([-@]\d{4}-?\d\d-?\d\d)?")


@lru_cache(maxsize=256)  # every request asks, and most programs name few models: 10 µs else
def facts_of(vendor: str, model: str | None, *, deployed: bool = False) -> ModelFacts | None:
    """The row of `vendor` for `model`, which may have a gateway's prefix; None for a model that no row names.

    `deployed`: users choose the names, so that only a row's own name tells something, alone or with a date behind it.
    """
    # openrouter.ai: anthropic/claude-…; Bedrock: us.anthropic.claude-…; Gemini's list: models/gemini-…
    name = re.sub(r"^([a-z-]+\.)*(anthropic|openai)\.", "", (model or "").lower().rpartition("/")[2])
    if name.startswith("claude-"):
        name = re.sub(r"(?<=\d)\.(?=\d)", "-", name)  # openrouter.ai: claude-opus-5.5
    rows = [row for row in FACTS[vendor] if name.startswith(row.name) and _is_of(row.name, name, deployed)]
    return max(rows, key=lambda row: len(row.name), default=None)


def _is_of(row: str, name: str, deployed: bool) -> bool:
    behind = name[len(row) :]
    return not row or bool(_DATE.fullmatch(behind) if deployed else not _ANOTHER.match(behind))


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


DEFAULTS: dict[str, DefaultModel] = {
    row.provider: row
    for row in (
        # gpt-4.1-mini is retired on 2027-01-14; the 5.6 models reject tools on the chat wire, this one takes them
        DefaultModel("openai", "gpt-5.4-mini", _GPT_ENDS, "2026-11-21"),
        DefaultModel("openai_responses", "gpt-5.4-mini", _GPT_ENDS, "2026-11-21"),
        # its successors reject sampling options
        DefaultModel("anthropic", "claude-sonnet-4-6", _CLAUDE_ENDS, "2026-11-21", until="2027-02-17"),
        # its successors ignore sampling options
        DefaultModel("gemini", "gemini-3.1-flash-lite", _GEMINI_ENDS, "2026-11-22", until="2027-05-07"),
        DefaultModel("ollama", "llama3.2", "ollama.com/library/llama3.2", "2026-11-21"),
        DefaultModel("ollama_openai", "llama3.2", "ollama.com/library/llama3.2", "2026-11-21"),
        # the host routes it to a current model, so that it cannot be retired
        DefaultModel("openrouter", "openrouter/auto", "openrouter.ai/docs/guides/routing/routers/auto-router",
                     "2026-11-21"),
        # named by Groq as the successor of llama-3.3-70b-versatile, retired on 2026-08-16
        DefaultModel("groq", "openai/gpt-oss-120b", "console.groq.com/docs/deprecations", "2026-11-21"),
        DefaultModel("mistral", "mistral-small-latest", _MISTRAL, "2026-11-21"),
        # deepseek-v4-flash is an alias of it for a time only
        DefaultModel("deepseek", "deepseek-flash", "api-docs.deepseek.com/quick_start/pricing", "2026-11-21"),
        # not gpt-oss-20b: retired there on 2026-09-15
        DefaultModel("together", "openai/gpt-oss-120b", "docs.together.ai/docs/deprecations", "2026-11-21"),
        # not gpt-oss-120b, as on other hosts: retired there on 2026-11-07
        DefaultModel("fireworks", "accounts/fireworks/models/glm-5p3-flash", "docs.fireworks.ai/updates/changelog",
                     "2026-11-21"),
        # named by xAI as the successor of grok-4, retired on 2026-05-15
        DefaultModel("xai", "grok-4.3", "docs.x.ai/developers/models", "2026-11-21"),
        DefaultModel("cerebras", "gpt-oss-120b", "inference-docs.cerebras.ai/support/deprecation", "2026-11-21"),
        DefaultModel("huggingface", "openai/gpt-oss-120b", "huggingface.co/models?inference_provider=all",
                     "2026-11-21"),
    )
}  # fmt: skip


def default_model(provider: str) -> str | None:
    """The name of the provider's default model; None where it has none, as for a server with whatever models it has."""
    row = DEFAULTS.get(provider)
    return row.name if row else None
