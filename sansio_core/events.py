"""What a stream says: frozen, slotted values; their union is ChatEvent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .errors import ChatError

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "error", "other"]
"""Why an answer ended, in one vocabulary; the provider's own word stands beside it."""


@dataclass(frozen=True, slots=True)
class Started:
    """What the provider calls this answer: its id and the model that gives it, where the wire says so."""

    id: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer's text."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """The next piece of what the model thinks before and between its answer's text."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class RefusalDelta:
    """The next piece of the model's own words for why it will not answer."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. Pieces of one call share `index`, which counts the calls of a choice from 0.

    The first piece of a call carries `id` (None where the wire has none) and `name`; later ones have None there. The
    call's arguments are the `arguments` of all its pieces joined: JSON text, or "" for no arguments. `extra` are fields
    of the call's own on OpenAI's chat wire, as ToolCall has them.
    """

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    choice: int = 0
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """A citation or other note on the text, as the provider wrote it."""

    raw: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class NativeItem:
    """One finished piece of the answer in the wire's own shape, to be sent back as it is on the next turn.

    An Anthropic content block with its signature, a Responses output item with its encrypted reasoning, a Gemini part
    with its thought signature. `dialect` says whose shape it is.
    """

    dialect: str
    item: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What the answer cost, in tokens, so far; a later report replaces an earlier one. None is "not said".

    The figures are the provider's own and are not added up: whether cached tokens are part of `input_tokens`, and
    reasoning part of `output_tokens`, is the provider's custom. `raw` is its own object, with all that it says besides.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finished:
    """A choice ended: `reason` in our vocabulary (None where the wire proves the end and gives no reason)."""

    reason: FinishReason | None = None
    provider_reason: str | None = None
    choice: int = 0


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """A comment or ping: the provider is there and has nothing to say yet."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class UnknownFrame:
    """Something on the wire that no rule of the dialect covers, as it came, so that nothing is lost.

    `why` says what is odd about it: it is malformed, or only newer than this dialect.
    """

    raw: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The stream itself said, or showed, that it failed; nothing comes after it. An exchange raises `error`.

    `unfinished` are the indexes of tool calls that the failure cut in the middle: they are no calls, and Reply leaves
    them out.
    """

    error: ChatError
    unfinished: tuple[int, ...] = ()


Content = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | Annotation | NativeItem
"""The events that bring some of the answer itself."""
ChatEvent = Content | Started | UsageReport | Finished | KeepAlive | UnknownFrame | Failed
"""Everything that a stream says."""
