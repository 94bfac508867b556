"""A stored reply, as `Reply.to_dict` gave it, as the events that make it again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Required, TypedDict

from .annotations import value_of
from .events import (
    Annotation,
    ChatEvent,
    Finished,
    FinishReason,
    Metadata,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from .request import Native
from .tool_call import ToolCall


class StoredChoice(TypedDict, total=False):
    """What Choice.to_dict gives; only the text must be there."""

    text: Required[str]
    reasoning: str
    refusal: str | None
    tool_calls: list[ToolCall]
    finished: bool
    finish_reason: FinishReason | None
    provider_reason: str | None
    metadata: dict[str, Any]
    annotations: list[dict[str, Any]]
    native: Native | None


class StoredOther(StoredChoice):
    """A choice but the first."""

    index: int


class StoredReply(StoredChoice, total=False):
    """What Reply.to_dict gives, without what is made of the rest."""

    id: str | None
    model: str | None
    request_id: str | None
    headers: dict[str, str]
    attempts: int
    elapsed: float | None
    usage: UsageReport | None
    failed: bool
    other_choices: list[StoredOther]


def stored(value: Any) -> StoredReply:
    """`value` with its calls and usage as objects. Raises InvalidRequest, with the place, if it is no reply's."""
    reply: StoredReply = value_of(StoredReply, value, "the dict of a reply")
    return reply


def events_of(reply: StoredReply) -> Iterator[ChatEvent]:
    """The events that make this reply."""
    yield Started(reply.get("id"), reply.get("model"))
    yield from _of_choice(reply, 0)
    for other in reply.get("other_choices", ()):
        yield from _of_choice(other, other["index"])
    if usage := reply.get("usage"):
        yield usage


def _of_choice(stored: StoredChoice, choice: int) -> Iterator[ChatEvent]:
    yield TextDelta(stored["text"], choice)
    if reasoning := stored.get("reasoning"):
        yield ReasoningDelta(reasoning, choice)
    if refusal := stored.get("refusal"):
        yield RefusalDelta(refusal, choice)
    for index, call in enumerate(stored.get("tool_calls", ())):
        yield ToolCallDelta(index, call.id, call.name, call.arguments, choice, call.extra, call.custom)
    for annotation in stored.get("annotations", ()):
        yield Annotation(annotation, choice)
    if native := stored.get("native"):
        for item in native.items:
            yield NativeItem(native.dialect, item, choice)
    yield Metadata(stored.get("metadata", {}), choice)
    if stored.get("finished"):
        yield Finished(stored.get("finish_reason"), stored.get("provider_reason"), choice)
