"""The events of a stream, as frozen and slotted values; their union is ChatEvent.

Every dialect gives the same ones, whatever its wire calls them. `choice` counts the answers to one question from 0:
there is one, unless the option `n` asked for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .errors import ChatError, InvalidRequest, safe_repr
from .plain import Plain

FinishReason = Literal["stop", "length", "tool_calls", "pause", "content_filter", "refusal", "error", "other"]
"""Why an answer ended, in one vocabulary for all providers; Finished has the provider's own word beside it.

"pause": the answer goes on when `Reply.message` is sent back as the last message.
"""


class Event(Plain):
    """The base of all events."""

    __slots__: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The event's fields, after `type`, which is its class's name."""
        return {"type": type(self).__name__, **{name: _plain(getattr(self, name)) for name in self.__slots__}}

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> ChatEvent:
        """The event whose `to_dict` is `value`. Raises InvalidRequest if it is no event's."""
        from .annotations import value_of  # imported here: few programs read events back

        if not isinstance(value, Mapping):
            raise InvalidRequest(f"no event: it must be a mapping with a 'type', not {safe_repr(value)}")
        name, what = value.get("type"), "the dict of an event"
        kind = _KINDS.get(name) if isinstance(name, str) else None
        if kind is None:
            raise InvalidRequest(f"no event has the type {safe_repr(name)}; there are {', '.join(_KINDS)}")
        if kind is Failed:
            error = ChatError.from_dict(value.get("error", {}))
            return Failed(error, value_of(tuple[int, ...], value.get("unfinished", ()), what))
        event: ChatEvent = value_of(kind, value, what)
        return event


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return dict(value)
        case tuple():
            return list(value)
        case ChatError():
            return value.to_dict()
    return value


# Frozen, as one event may be in a log, in a Reply and in the user's hands at once; slotted, as a long answer has
# 100,000 of them.
@dataclass(frozen=True, slots=True)
class Started(Event):
    """The answer's id and the model that gives it, by the provider's names; None where the wire has no such field."""

    id: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True, init=False)
class TextDelta(Event):
    """The next piece of the answer's text."""

    text: str
    choice: int = 0

    # Nearly every event is one: the generated __init__, which looks each field up by its name, takes 0.3 µs, not 0.2.
    def __init__(self, text: str, choice: int = 0) -> None:
        _put_text(self, text)
        _put_choice(self, choice)


_put_text, _put_choice = (TextDelta.__dict__[name].__set__ for name in ("text", "choice"))


@dataclass(frozen=True, slots=True)
class ReasoningDelta(Event):
    """The next piece of the model's reasoning ("thinking"), before or between the answer's text."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class RefusalDelta(Event):
    """The next piece of a model refusal: the model's own words for why it declines (OpenAI's field `refusal`)."""

    text: str
    choice: int = 0


@dataclass(frozen=True, slots=True)
class ToolCallDelta(Event):
    """A piece of a tool call. Pieces of one call share `index`, which counts the calls of a choice from 0.

    The first piece of a call has its `id` (None where the wire has none) and `name`; later pieces have None there. The
    call's arguments are the `arguments` of all its pieces joined: JSON text, or "" for no arguments. `extra` has the
    call's further fields on OpenAI's chat wire, as ToolCall has them; `custom` is as for ToolCall.
    """

    index: int  # not the id: OpenAI's wire sends the id once and then the index alone
    id: str | None = None
    name: str | None = None
    # Text and no value: a piece may end anywhere in the JSON, and what a model writes need not be JSON at all.
    arguments: str = ""
    choice: int = 0
    extra: Mapping[str, Any] | None = None
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Annotation(Event):
    """A citation or other note on the text, as the provider wrote it: the vendors' shapes have little in common."""

    raw: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class NativeItem(Event):
    """One finished piece of the answer in the wire's own shape, to be sent back unchanged on the next turn.

    An Anthropic content block with its signature, a Responses output item with its encrypted reasoning, a Gemini part
    with its thought signature: the provider checks them, and text made from the other events would not pass. `dialect`
    names the wire.
    """

    dialect: str
    item: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class NativeDelta(Event):
    """A piece, in the wire's own shape, of what the provider makes besides text: audio, an image, code that it runs.

    The NativeItem that follows has all of it, where the wire has such an item. `dialect` names the wire.
    """

    dialect: str
    raw: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class Metadata(Event):
    """What the provider says about the answer that is no part of it: its service tier, a conversation's id, ratings."""

    raw: Mapping[str, Any]
    choice: int = 0


@dataclass(frozen=True, slots=True)
class UsageReport(Event):
    """The tokens of the question and the answer so far; a later report replaces an earlier one. None: not reported.

    The fields named `…_tokens` are the provider's own figures: providers differ in whether cached tokens are part of
    `input_tokens`, and reasoning part of `output_tokens`. `input`, `output` and `total` can be compared: all tokens
    that the model read, cached ones too, and all that it wrote, reasoning too. `service_tier` is the tier that was
    billed. `raw` is the provider's usage object, with all its fields.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    total_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None  # of the question and the answer
    service_tier: str | None = None
    # Tokens that the provider does not count in `input_tokens` or `output_tokens`.
    more_input: int = 0
    more_output: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The fields after `type`, and `input`, `output` and `total`."""
        # Not super(): slots=True makes a second class, of which that knows nothing.
        return {**Event.to_dict(self), "input": self.input, "output": self.output, "total": self.total}

    @property
    def input(self) -> int | None:
        """All tokens that the model read."""
        return None if self.input_tokens is None else self.input_tokens + self.more_input

    @property
    def output(self) -> int | None:
        """All tokens that the model wrote, with those that the provider has in its total alone."""
        if self.output_tokens is None:
            return None
        written = self.output_tokens + self.more_output
        # Gateways count thoughts so.
        unnamed = 0 if self.total_tokens is None or self.input is None else self.total_tokens - self.input - written
        return written + max(0, unnamed)

    @property
    def total(self) -> int | None:
        """All tokens that the model read and wrote."""
        if self.input is None or self.output is None:
            return self.total_tokens
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """A choice ended. `reason` is None where the wire proves the end without a reason, as the end of a plain text."""

    reason: FinishReason | None = None
    # Kept, as several words of a provider share one reason: Gemini's SAFETY and SPII are both content_filter.
    provider_reason: str | None = None
    choice: int = 0


@dataclass(frozen=True, slots=True)
class KeepAlive(Event):
    """A comment or ping: the provider is alive and has no content yet. The progress clock does not count it."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class UnknownFrame(Event):
    """A frame that no rule of the dialect covers, unchanged, so that nothing on the wire is lost.

    `why` says whether it is malformed or has a type that the dialect does not know: providers add types at any time.
    """

    # An event and no error: one malformed frame among good ones does not end an answer.
    raw: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The stream failed, by the provider's own error event or by breaking its format; it is the last event.

    A parser used alone gives it as an event, so that the events before it are not lost; an exchange raises `error`.
    `unfinished` are the indexes of the tool calls that the failure cut in the middle: Reply leaves these out, as nobody
    should run half a call.
    """

    error: ChatError
    unfinished: tuple[int, ...] = ()


# Started, Metadata, UsageReport and KeepAlive are left out: a server can send them without getting any further.
Content = TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | Annotation | NativeDelta | NativeItem
"""The events with a part of the answer itself; they restart the progress clock."""
ChatEvent = Content | Started | Metadata | UsageReport | Finished | KeepAlive | UnknownFrame | Failed
"""Every event of a stream."""
_KINDS: dict[str, type[ChatEvent]] = {kind.__name__: kind for kind in get_args(ChatEvent)}
