"""A response as a whole: why it ended, what it used, and what it says besides the answer.

developers.openai.com/api/reference/resources/responses: the Response object.
"""

from __future__ import annotations

from typing import Any

from ...events import FinishReason, UsageReport
from ..forms import count, nonempty, object_of

# By status and incomplete_details.reason; others are "other". The two that pause stand at a message's end, from where
# the model goes on: "`steered` means the response stopped at a safe output boundary".
_REASONS: dict[str, FinishReason] = {
    "completed": "stop",
    "incomplete:max_output_tokens": "length",
    "incomplete:content_filter": "content_filter",
    "incomplete:max_messages": "pause",
    "incomplete:steered": "pause",
}
# What the API says "completed" of as well, by the type of the last item. …/guides/compaction: an item of that type
# stands for the conversation so far, and is no answer. The others are calls that the caller has to run or to approve;
# of those that OpenAI runs itself, the output follows.
_LAST_ITEMS: dict[str, FinishReason] = {
    "compaction": "pause",
    "apply_patch_call": "tool_calls",
    "computer_call": "tool_calls",
    "local_shell_call": "tool_calls",
    "mcp_approval_request": "tool_calls",
    "shell_call": "tool_calls",
    "tool_search_call": "tool_calls",
}
# Fields that are said by other events, and the question's settings, which a response repeats.
_NO_FACTS = frozenset(
    {
        "id", "object", "created_at", "model", "status", "error", "output", "output_text", "usage",
        "background", "frequency_penalty", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
        "parallel_tool_calls", "presence_penalty", "previous_response_id", "prompt", "prompt_cache_key",
        "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier", "store", "temperature",
        "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "user",
    }
)  # fmt: skip
_ERROR_FIELDS = frozenset({"type", "code", "message", "param", "sequence_number"})


def reason_of(word: str, last_item: str, calls: bool, declined: bool) -> FinishReason:
    """Why a response ended: by the API's `word`, which is "completed" after tool calls and after a refusal, too."""
    reason = _REASONS.get(word, "other")
    if calls and reason in ("stop", "pause"):  # nothing goes on before the calls are answered
        return "tool_calls"
    if reason != "stop":
        return reason
    return "refusal" if declined else _LAST_ITEMS.get(last_item, reason)


def word_of(status: str, response: dict[str, Any]) -> str:
    """The API's words for the end of a response: its status, and the reason of one that is incomplete."""
    reason = nonempty(object_of(response.get("incomplete_details")).get("reason"))
    return f"{status}:{reason}" if reason else status


def facts_of(response: dict[str, Any]) -> dict[str, Any]:
    """What a response says of the answer besides the answer: its tier, its conversation, moderation, tools' usage."""
    return {name: value for name, value in response.items() if value and name not in _NO_FACTS}


def facts_of_error(error: Any) -> dict[str, Any]:
    """An error object that says more than a ChatError keeps, as `misalignment`."""
    return {"error": error} if isinstance(error, dict) and error.keys() - _ERROR_FIELDS else {}


def usage_of(response: dict[str, Any]) -> UsageReport:
    """What a response used."""
    raw, tier = response["usage"], nonempty(response.get("service_tier"))
    if not isinstance(raw, dict):
        return UsageReport(raw={"usage": raw}, service_tier=tier)
    read = object_of(raw.get("input_tokens_details"))
    return UsageReport(
        input_tokens=count(raw.get("input_tokens")),
        output_tokens=count(raw.get("output_tokens")),
        cached_tokens=count(read.get("cached_tokens")),
        reasoning_tokens=count(object_of(raw.get("output_tokens_details")).get("reasoning_tokens")),
        raw=raw,
        total_tokens=count(raw.get("total_tokens")),
        cache_write_tokens=count(read.get("cache_write_tokens")),
        service_tier=tier,
    )
