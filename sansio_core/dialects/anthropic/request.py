"""Requests of Anthropic's Messages wire: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...model_facts import ModelFacts, facts_of
from ...parts import ImagePart
from ...request import ChatRequest
from ..forms import Payload, check_max_tokens, format_of, objects, one_of, stop_of, with_extra
from ..history import resolve_tool_ids, unsupported_fields, unsupported_history
from ..schemas import claude_schema
from .content import NAME, check_marks, short, turns_of
from .thinking import check_forced, lost_samplers, thinking_of
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


def payload(request: ChatRequest, model: str | None, version: str = VERSION) -> Payload:
    """The body for `request`, where `version` is the `anthropic-version`. Raises InvalidRequest for what cannot be
    sent."""
    options, facts = request.options, _facts(model)
    unsupported = unsupported_history(request.messages, NAME)
    unsupported += unsupported_fields(request.messages, errors=True, marks=True, cut=False)
    if any(isinstance(part, ImagePart) and part.detail for message in request.messages for part in message.parts):
        unsupported.append("detail of images")
    check_max_tokens(options, facts)
    system, turns, lost = turns_of(
        resolve_tool_ids(request.messages, invent_ids=True), amid=facts is not None and "system" in facts.can
    )
    if not turns:
        raise InvalidRequest("anthropic needs a message of the user: there is none that has content")
    unsupported += lost
    wire: dict[str, Any] = {"model": model, "stream": True, "messages": turns}
    wire |= {"system": short(system)} if system else {}
    wire |= thinking_of(options, model, facts)
    thinking = wire.get("thinking", {})
    _put_options(wire, options, unsupported)
    lost, why = lost_samplers(options, thinking, model, facts, version)
    wire |= {name: options[name] for name in ("temperature", "top_p", "top_k") if name in options and name not in lost}
    unsupported += [f"{', '.join(lost)} ({why})"] if lost else []
    if "tool_choice" in options or "parallel_tool_calls" in options:
        wire["tool_choice"] = choice(options)
        check_forced(wire["tool_choice"], thinking, model, facts)
    _put_format(wire, options, unsupported)
    _check_last(wire, model, facts)
    check_marks(wire)
    return Payload(with_extra(wire, options), unsupported)


def _facts(model: str | None) -> ModelFacts | None:
    """The row of `model`; none for one of a later generation (claude-opus-5-9), which a shorter row's name begins."""
    facts = facts_of(NAME, model)
    later = facts and re.match(r"-?\d{1,2}(?!\d)", (model or "").lower().partition(facts.name)[2])
    return None if later else facts


def _put_options(wire: dict[str, Any], options: Mapping[str, Any], unsupported: list[str]) -> None:
    if "service_tier" in options:
        wire["service_tier"] = one_of("service_tier", options["service_tier"], ("auto", "standard_only"), NAME)
    if "stop" in options:
        wire["stop_sequences"] = stops = stop_of(options["stop"])
        if wrong := [text for text in stops if not isinstance(text, str) or not text.strip()]:
            # "stop_sequences: each stop sequence must contain non-whitespace"
            raise InvalidRequest(
                f"for anthropic, each text of stop needs more than white space, not {safe_repr(wrong[0])}"
            )
    if "tools" in options:
        wire["tools"] = tools_of_wire(options["tools"], unsupported)
    # "metadata": user_id alone, "An external identifier for the user who is associated with the request."
    metadata = {**options.get("metadata", {}), **({"user_id": options["user"]} if "user" in options else {})}
    if "user_id" in metadata:
        if not isinstance(metadata["user_id"], str):
            raise InvalidRequest(f"user_id in metadata must be a str, not {safe_repr(metadata['user_id'])}")
        wire["metadata"] = {"user_id": metadata.pop("user_id")}
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


# An answer with any other block, as of a server's tool, may be one that the API paused, and asks to be sent back:
# …/build-with-claude/handling-stop-reasons (pause_turn), …/build-with-claude/compaction.
_NEVER_PAUSED = frozenset({"text", "thinking", "redacted_thinking", "tool_use", "image", "document"})


def _check_last(wire: Mapping[str, Any], model: str | None, facts: ModelFacts | None) -> None:
    """Raises InvalidRequest for an answer's beginning (prefill) as the last message, where the model takes none."""
    last = wire["messages"][-1]
    if facts is None or last["role"] != "assistant":
        return
    if {block.get("type") for block in objects(last["content"])} - _NEVER_PAUSED:
        return
    # …/docs/en/api/errors: "Claude 4.6 and later models and Claude Mythos Preview do not support prefilling"
    if "prefill" not in facts.can:
        raise InvalidRequest(
            f"{model} does not go on with an answer (prefill): the last message must be the user's, or a tool's answer"
        )
    for what, given in (
        ("reasoning_effort", wire.get("thinking", {}).get("type") == "enabled"),
        ("response_format", "format" in wire.get("output_config", {})),
    ):
        if given:  # "You can't prefill the assistant response while thinking is on."
            raise InvalidRequest(
                f"{model} does not go on with an answer (prefill) beside {what}: leave out one of them"
            )
