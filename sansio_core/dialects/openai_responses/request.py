"""Requests of the Responses wire: developers.openai.com/api/reference/resources/responses/methods/create."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest
from ...request import ChatRequest
from ..forms import Payload, put_options, with_extra
from .input import input_of
from .options import NAME, Asked, effort_of, taken
from .tools import wire_choice, wire_format, wire_tools

__all__ = ["NAME", "OPTIONS", "payload"]

# Option -> field of the body.
_FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_tokens": "max_output_tokens",
    "verbosity": "text.verbosity",
    "parallel_tool_calls": "parallel_tool_calls",
    "response_format": "text.format",
    "top_logprobs": "top_logprobs",
    "user": "user",
    "metadata": "metadata",
    "service_tier": "service_tier",
    "store": "store",
    "prompt_cache_key": "prompt_cache_key",
    "prompt_cache_retention": "prompt_cache_retention",
}
# The options that this wire has a field for; `logprobs` becomes a member of `include`.
OPTIONS = frozenset({*_FIELDS, "reasoning_effort", "tools", "tool_choice", "logprobs", "extra"})
# The models that reason. They alone can give encrypted reasoning; others answer 400, "Encrypted content is not
# supported with this model": github.com/pydantic/pydantic-ai/issues/2865, and of gpt-5-chat-latest /3326.
_REASONS = re.compile(r"(.*/)?(o\d|gpt-[5-9](?!.*-chat)|gpt-oss|codex)")
# Models that show their thoughts unasked, as "full chain of thought": …/models/gpt-oss-120b
_OPEN = re.compile(r"(.*/)?gpt-oss")


def payload(request: ChatRequest, model: str | None, *, at_openai: bool = True) -> Payload:
    """The body for `request`. Raises InvalidRequest for what cannot be sent.

    `store` is left to the host unless the caller gives it. `at_openai`: the host is OpenAI's own.
    """
    asked = Asked(model, at_openai)
    if not asked.takes("responses"):
        raise InvalidRequest(f"{asked.model} is not served by this endpoint: ask the provider 'openai' for it")
    given = request.options
    effort = effort_of(given["reasoning_effort"], asked) if "reasoning_effort" in given else None
    options = taken(given, effort, asked) if given else {}
    stateless = options.get("store") is False
    wire: dict[str, Any] = {} if model is None else {"model": model}
    wire |= {"input": input_of(request.messages, asked, stateless), "stream": True}
    if effort is not None:
        wire["reasoning"] = _reasoning(effort, asked)
    if "tools" in options:
        wire["tools"] = wire_tools(options["tools"], asked)
    if "tool_choice" in options:
        wire["tool_choice"] = wire_choice(options["tool_choice"], wire.get("tools", []), at_openai)
    put_options(wire, options, _FIELDS, {"response_format": wire_format})
    include = _include(options, model or "", stateless)
    wire = with_extra(wire, options)
    if include:
        wire["include"] = _with_own(include, wire.get("include"))
    return Payload(wire, list(asked.lost))


def _reasoning(effort: str, asked: Asked) -> dict[str, Any]:
    # developers.openai.com/api/docs/guides/reasoning#reasoning-summaries: thoughts are hidden unless they are asked for
    hidden = effort != "none" and not _OPEN.match(asked.model)
    return {"effort": effort, "summary": "auto"} if hidden else {"effort": effort}


def _include(options: Mapping[str, Any], model: str, stateless: bool) -> list[str]:
    # The wire has no field `logprobs`: they are asked for as a part of the output.
    wanted = options.get("logprobs") or "top_logprobs" in options
    include = ["message.output_text.logprobs"] if wanted else []
    # …/guides/reasoning#encrypted-reasoning-items: with store=False nothing stays at the host that a next turn could
    # refer to, so the reasoning is asked for, encrypted, to go back with the conversation.
    if stateless and ("reasoning_effort" in options or _REASONS.match(model)):
        include.append("reasoning.encrypted_content")
    return include


def _with_own(include: list[str], own: Any) -> Any:
    """What is included for the options, and what the caller's `extra` includes: neither takes the other's place."""
    return [*include, *(word for word in own if word not in include)] if isinstance(own, (list, tuple)) else include
