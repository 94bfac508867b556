"""Requests of Anthropic's Messages wire: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...model_facts import facts_of
from ...request import ChatRequest
from ..forms import Payload, check_max_tokens, format_of, one_of, stop_of, with_extra
from ..history import check_answered, resolve_tool_ids, unsupported_details, unsupported_fields, unsupported_history
from ..schemas import claude_schema
from .content import NAME, check_marks, short, turns_of
from .thinking import check_beside, put_samplers, thinking_of
from .tools import choice, tools_of_wire

VERSION = "2023-06-01"
"""The `anthropic-version` that is sent: later ones take no samplers of any model."""
# The options that this wire has a field for.
OPTIONS = frozenset(
    {
        "temperature", "top_p", "top_k", "max_tokens", "service_tier", "stop", "tools", "tool_choice",
        "parallel_tool_calls", "metadata", "user", "reasoning_effort", "response_format", "extra",
    }
)  # fmt: skip


def payload(request: ChatRequest, model: str | None, version: str = VERSION, signed: bool = True) -> Payload:
    """The body for `request`, where `version` is the `anthropic-version`; `signed`: thinking goes with its signature.

    Raises InvalidRequest for what cannot be sent.
    """
    options, messages, facts = request.options, request.messages, facts_of(NAME, model)
    unsupported = [
        *unsupported_history(messages, NAME),
        *unsupported_fields(messages, marks=True, cut=False),
        *unsupported_details(messages),
    ]
    check_max_tokens(options, facts)
    amid = facts is not None and "system" in facts.can
    resolved = resolve_tool_ids(messages, invent_ids=True, errors=True)
    # "unexpected `tool_use_id` found in `tool_result` blocks"
    check_answered(resolved, NAME)
    system, turns, lost = turns_of(resolved, amid=amid, signed=signed)
    if not turns:
        raise InvalidRequest("anthropic needs a message of the user: there is none that has content")
    unsupported += lost
    wire: dict[str, Any] = {"model": model, "stream": True, "messages": turns}
    if system:
        wire["system"] = short(system)
    wire |= thinking_of(options, model, facts)
    _put_options(wire, options, unsupported)
    _put_metadata(wire, options, unsupported)
    unsupported += put_samplers(wire, options, facts, version)
    if "tool_choice" in options or "parallel_tool_calls" in options:
        wire["tool_choice"] = choice(options)
    _put_format(wire, options, unsupported)
    if facts is not None:
        check_beside(wire, facts)
    check_marks(wire)
    return Payload(with_extra(wire, options), unsupported)


def _put_options(wire: dict[str, Any], options: Mapping[str, Any], unsupported: list[str]) -> None:
    if "service_tier" in options:
        wire["service_tier"] = one_of("service_tier", options["service_tier"], ("auto", "standard_only"), NAME)
    if "stop" in options:
        wire["stop_sequences"] = stops = stop_of(options["stop"])
        if wrong := [text for text in stops if not text.strip()]:
            # "stop_sequences: each stop sequence must contain non-whitespace"
            raise InvalidRequest(
                f"for anthropic, each text of stop needs more than white space, not {safe_repr(wrong[0])}"
            )
    if "tools" in options:
        wire["tools"] = tools_of_wire(options["tools"], unsupported)


def _put_metadata(wire: dict[str, Any], options: Mapping[str, Any], unsupported: list[str]) -> None:
    # "metadata": user_id alone, "An external identifier for the user who is associated with the request."
    metadata = dict(options.get("metadata", {}))
    if "user" in options:
        metadata["user_id"] = options["user"]
    if "user_id" in metadata:
        user = metadata.pop("user_id")
        if not isinstance(user, str):
            raise InvalidRequest(f"user_id in metadata must be a str, not {safe_repr(user)}")
        wire["metadata"] = {"user_id": user}
    if metadata:
        unsupported.append(f"{', '.join(map(str, metadata))} of metadata")


def _put_format(wire: dict[str, Any], options: Mapping[str, Any], unsupported: list[str]) -> None:
    wanted = format_of(options.get("response_format"))
    if wanted.kind == "schema":  # platform.claude.com/docs/en/build-with-claude/structured-outputs
        described = {"description": wanted.description} if wanted.description else {}
        schema = claude_schema({**described, **wanted.schema})
        wire.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}
    elif wanted.kind == "json":  # this wire has no JSON mode without a schema
        unsupported.append("response_format json_object (give a JSON Schema)")
