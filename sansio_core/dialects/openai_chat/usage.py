"""The figures about an answer's tokens, by OpenAI's names and by those of hosts that differ."""

from __future__ import annotations

from typing import Any

from ...events import UsageReport
from ..forms import count, nonempty, object_of


def usage_of(raw: Any, service_tier: str | None = None) -> UsageReport:
    """The figures of developers.openai.com/api/docs/api-reference/chat/object; `service_tier` is the answer's."""
    if not isinstance(raw, dict):
        return UsageReport(raw={"usage": raw}, service_tier=service_tier)
    prompt = object_of(raw.get("prompt_tokens_details"))
    completion = object_of(raw.get("completion_tokens_details"))
    asked, said, total = (count(raw.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    thought = count(completion.get("reasoning_tokens", raw.get("reasoning_tokens")))
    sounds = [count(details.get("audio_tokens")) for details in (prompt, completion)]
    # docs.x.ai/docs/guides/reasoning: the tokens of the reasoning are no part of completion_tokens there, and the total
    # tells: it is the sum of all three.
    apart = bool(thought) and total == (asked or 0) + (said or 0) + (thought or 0)
    return UsageReport(
        input_tokens=asked,
        output_tokens=said,
        # api-docs.deepseek.com/guides/kv_cache
        cached_tokens=count(prompt.get("cached_tokens", raw.get("prompt_cache_hit_tokens"))),
        reasoning_tokens=thought,
        raw=raw,
        total_tokens=total,
        cache_write_tokens=count(prompt.get("cache_write_tokens")),
        audio_tokens=None if sounds == [None, None] else sum(filter(None, sounds)),
        # Mistral has it among the figures
        service_tier=nonempty(raw.get("service_tier")) or service_tier,
        more_output=(thought or 0) if apart else 0,
    )
