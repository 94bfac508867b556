"""The default model of each provider: which, by whose word, and when that was looked at. To change one, change its row.

A default is a model that the vendor sells today, in its small and quick class where there is one, that takes tools and
samplers on this provider's wire, and whose end is not announced or the furthest away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DefaultModel:
    """One row. `source` is the vendor's page of models or of their ends, `seen` the day (ISO 8601) of the look at it,
    `until` the day up to which the vendor has promised the model at least, where it has.
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
        # gpt-4.1-mini ends on 2027-01-14; the 5.6 models refuse tools on this wire, this one takes them
        DefaultModel("openai", "gpt-5.4-mini", "developers.openai.com/api/docs/deprecations", "2026-11-21"),
        DefaultModel("openai_responses", "gpt-5.4-mini", "developers.openai.com/api/docs/deprecations", "2026-11-21"),
        # its successors refuse samplers
        DefaultModel("anthropic", "claude-sonnet-4-6", "platform.claude.com/docs/en/about-claude/model-deprecations",
                     "2026-11-21", until="2027-02-17"),
        # Google's own successor of gemini-2.5-flash, which ends on 2026-12-01
        DefaultModel("gemini", "gemini-3.5-flash-lite", "ai.google.dev/gemini-api/docs/deprecations", "2026-11-21"),
        DefaultModel("ollama", "llama3.2", "ollama.com/library/llama3.2", "2026-11-21"),
        DefaultModel("ollama_openai", "llama3.2", "ollama.com/library/llama3.2", "2026-11-21"),
        # routed by the host to whatever is current
        DefaultModel("openrouter", "openrouter/auto", "openrouter.ai/docs/guides/routing/routers/auto-router",
                     "2026-11-21"),
        # Groq's own successor of llama-3.3-70b-versatile, which ended on 2026-08-16
        DefaultModel("groq", _GPT_OSS, "console.groq.com/docs/deprecations", "2026-11-21"),
        DefaultModel("mistral", "mistral-small-latest", "docs.mistral.ai/models", "2026-11-21"),
        # deepseek-v4-flash is a temporary alias of it
        DefaultModel("deepseek", "deepseek-flash", "api-docs.deepseek.com/quick_start/pricing", "2026-11-21"),
        # gpt-oss-20b ended there on 2026-09-15
        DefaultModel("together", _GPT_OSS, "docs.together.ai/docs/deprecations", "2026-11-21"),
        # gpt-oss-120b ended there on 2026-11-07
        DefaultModel("fireworks", "accounts/fireworks/models/glm-5p3-flash", "docs.fireworks.ai/updates/changelog",
                     "2026-11-21"),
        # xAI's own successor of grok-4, which ended on 2026-05-15
        DefaultModel("xai", "grok-4.3", "docs.x.ai/developers/models", "2026-11-21"),
        DefaultModel("cerebras", "gpt-oss-120b", "inference-docs.cerebras.ai/support/deprecation", "2026-11-21"),
        DefaultModel("huggingface", _GPT_OSS, "huggingface.co/models?inference_provider=all", "2026-11-21"),
    )
}  # fmt: skip


def default_model(provider: str) -> str | None:
    """The name of the provider's default model; None where it has none, as of a server of one's own."""
    row = DEFAULTS.get(provider)
    return row.name if row else None
