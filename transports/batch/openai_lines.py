"""A line of OpenAI's batch files as the question that it asks.

developers.openai.com/api/docs/guides/batch: "custom_id", "method", "url", and in "body" the endpoint's own parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sansio_core import InvalidRequest
from sansio_core.errors import safe_repr
from sansio_core.options import OPTIONS

_CHAT, _RESPONSES = "/v1/chat/completions", "/v1/responses"
_ASIDE = ("stream", "stream_options")  # every answer streams here, and its usage is always asked for
_SAME = OPTIONS - {"extra"} | {"model"}
"""Parameters that are options here by the same name."""


def question_of_line(line: Mapping[str, Any]) -> dict[str, Any]:
    """The question of `line` as keyword arguments of AsyncClient.stream. Raises InvalidRequest for other endpoints."""
    body, url, method = line["body"], line.get("url", _CHAT), line.get("method", "POST")
    if not isinstance(body, Mapping):
        raise InvalidRequest(f"its 'body' must be an object, not {safe_repr(body)}")
    if method != "POST" or url not in (_CHAT, _RESPONSES):
        raise InvalidRequest(f"its 'url' must be {_CHAT} or {_RESPONSES}, by POST, not {safe_repr(url)}")
    fields = _given(body)
    for name in _ASIDE:
        fields.pop(name, None)
    question = _responses(fields) if url == _RESPONSES else _chat(fields)
    question |= {name: fields.pop(name) for name in list(fields) if name in _SAME}
    if fields:  # what is no option here is sent as it is
        question["extra"] = fields
    return question


def _given(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON object that are not null."""
    return {name: each for name, each in value.items() if each is not None}


def _chat(fields: dict[str, Any]) -> dict[str, Any]:
    """Take the messages, and options that have another name here, out of `fields`; returns them by their names here."""
    if "messages" not in fields:
        raise InvalidRequest("its 'body' has no 'messages'")
    question = {"messages": fields.pop("messages")}
    if "max_completion_tokens" in fields:
        question["max_tokens"] = fields.pop("max_completion_tokens")
        fields.pop("max_tokens", None)
    return question


def _responses(fields: dict[str, Any]) -> dict[str, Any]:
    if "input" not in fields:
        raise InvalidRequest("its 'body' has no 'input'")
    question = {"messages": _input(fields.pop("input"))}
    for theirs, ours in (("instructions", "system"), ("max_output_tokens", "max_tokens")):
        if theirs in fields:
            question[ours] = fields.pop(theirs)
    _take(fields, "reasoning", {"effort": "reasoning_effort"}, question)
    _take(fields, "text", {"format": "response_format", "verbosity": "verbosity"}, question)
    return question


def _take(fields: dict[str, Any], name: str, ours: Mapping[str, str], question: dict[str, Any]) -> None:
    """Move the fields of the object `name` that have a name in `ours` into `question`, under it; the rest stays."""
    if isinstance(fields.get(name), Mapping):
        inner = _given(fields.pop(name))
        question |= {ours[each]: inner.pop(each) for each in list(inner) if each in ours}
        if inner:
            fields[name] = inner


def _input(given: Any) -> Any:
    if isinstance(given, str):
        return given
    if not isinstance(given, list):
        raise InvalidRequest("its 'input' must be a text or an array of messages")
    return [_message(item) for item in given]


def _message(item: Any) -> Any:
    if isinstance(item, Mapping) and item.get("type", "message") == "message" and "role" in item:
        return {name: value for name, value in item.items() if name not in ("type", "id", "status")}
    kind = item.get("type") if isinstance(item, Mapping) else item
    raise InvalidRequest(f"its 'input' has {safe_repr(kind)}, and only messages are read: write the line as 'messages'")
