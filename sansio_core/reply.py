"""Reply: the events of a stream, folded into one message that can be read at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, overload

from .events import (
    Annotation,
    ChatEvent,
    Content,
    Failed,
    Finished,
    FinishReason,
    Metadata,
    NativeDelta,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from .plain import Plain
from .redact import redact
from .tool_call import ToolCall

T = TypeVar("T")
_NONE: Mapping[str, str] = {}  # one for all, as nobody writes to it: see Choice


class _Call:
    """A tool call of which pieces still arrive."""

    __slots__ = ("arguments", "custom", "extra", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.arguments = _Text()
        self.extra: Mapping[str, Any] | None = None
        self.custom = False


class _Text(list[str]):
    """Text that arrives in small pieces, as the list of them: joined when it is read, and each piece only once.

    Pieces are added and never removed, and `_joined` is replaced as one: a thread may read while another appends.
    """

    __slots__ = ("_joined",)

    def __init__(self) -> None:
        self._joined = (0, "")  # the number of pieces that are joined, and their text

    def __str__(self) -> str:
        count, text = self._joined
        if new := self[count:]:  # a copy: what another thread appends from here on is left to the next reading
            text += "".join(new)
            self._joined = count + len(new), text
        return text


class Choice(Plain):
    """One of the answers to a question; there is one unless `n` asked for more. Read it at any time.

    `answer_type` is the class that was asked for by `response_format`, else None. The str is the text, or the refusal.
    """

    # Members that few answers need are None until the first event for them: thousands of streams may be open at once
    # with hardly any content, and a list is 56 bytes. (Measured by the table `idle` of tests/bench.)
    __slots__ = (
        "__weakref__", "_calls", "_metadata", "_native", "_reasoning", "_refusal", "_text", "annotations",
        "answer_type", "finish_reason", "finished", "provider_reason",
    )  # fmt: skip

    def __init__(self, answer_type: Any = None) -> None:
        self.answer_type = answer_type
        self._text = _Text()
        self._reasoning: _Text | None = None
        self._refusal: _Text | None = None
        self._calls: dict[int, _Call] | None = None
        self._native: list[NativeItem] | None = None
        self._metadata: dict[str, Any] | None = None
        self.annotations: list[Mapping[str, Any]] = []
        self.finished = False
        self.finish_reason: FinishReason | None = None
        self.provider_reason: str | None = None

    @property
    def text(self) -> str:
        """The text so far."""
        return str(self._text)

    @property
    def reasoning(self) -> str:
        """The model's reasoning so far; empty where the wire does not show it."""
        return str(self._reasoning or "")

    @property
    def refusal(self) -> str | None:
        """The model refusal so far: the model's words for why it declines. None where there is none."""
        return str(self._refusal or "") or None

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls so far, in the order of their index."""
        # sorted, as their first pieces may arrive in another order, each with its index
        calls = (call for _, call in sorted(self._calls.items())) if self._calls else ()
        return [ToolCall(call.id, call.name, str(call.arguments), call.extra, call.custom) for call in calls]

    @property
    def metadata(self) -> dict[str, Any]:
        """What the provider said about the answer so far; of a field that came twice the last value."""
        return self._metadata or {}

    @property
    def message(self) -> dict[str, Any]:
        """This answer as an assistant message of plain JSON values, ready for the `messages` of the next turn.

        `native` has the NativeItems, which only the same kind of provider can read: signatures, encrypted reasoning.
        """
        # A refusal goes back as the text: only OpenAI's wire has a field for it, and the next turn may be another's.
        message: dict[str, Any] = {"role": "assistant", "content": self.text or self.refusal or ""}
        if self._calls:
            message["tool_calls"] = [
                # `extra` first, so that none of its fields can replace one of ours
                {**(call.extra or {}), "id": call.id, **_named(call)}
                for call in self.tool_calls
            ]
        if self.reasoning:
            message["reasoning"] = self.reasoning
        if self._native:
            message["native"] = {
                "dialect": self._native[0].dialect,
                # Copies, as the caller may change the message while an event is in a log as well.
                "items": [dict(native.item) for native in self._native],
            }
        return message

    @overload
    def parse(self) -> Any: ...

    @overload
    def parse(self, kind: type[T]) -> T: ...

    def parse(self, kind: Any = None) -> Any:
        """The value of a structured answer: an instance of `kind`, else of `answer_type`, else the JSON value.

        Raises InvalidRequest if the text is not JSON, and says why where that is known: the model refused, or the
        answer is cut. It names the place where the JSON does not fit the type.
        """
        from .structured import value_in  # imported here: only who uses it pays for it

        return value_in(self, self.answer_type if kind is None else kind)

    def partial(self) -> Any:
        """The value of a structured answer so far: open strings and brackets are closed. None before it begins.

        Of an `answer_type` it is an instance that nobody has checked: a field that is missing, or not of its type yet,
        has its default, or None.
        """
        from .structured import growing_in

        return growing_in(self, self.answer_type)

    def __str__(self) -> str:
        return self.text or self.refusal or ""

    def __repr__(self) -> str:
        state = "finished" if self.finished else "unfinished"
        # The length and not the text: a repr ends up in logs.
        return f"<Choice {state}, {len(self.text)} characters, finish_reason={self.finish_reason!r}>"

    def to_dict(self) -> dict[str, Any]:
        """The answer's parts by their names here; each tool call has its fields, and `native` is that of `message`."""
        return {
            "text": self.text,
            "reasoning": self.reasoning,
            "refusal": self.refusal,
            "tool_calls": [{name: getattr(call, name) for name in call.__slots__} for call in self.tool_calls],
            "finished": self.finished,
            "finish_reason": self.finish_reason,
            "provider_reason": self.provider_reason,
            "metadata": dict(self.metadata),
            "annotations": [dict(annotation) for annotation in self.annotations],
            "native": self.message.get("native"),
        }

    def _add(self, event: Content) -> None:
        match event:
            case TextDelta():
                self._text.append(event.text)
            case ReasoningDelta():
                self._reasoning = self._reasoning or _Text()
                self._reasoning.append(event.text)
            case RefusalDelta():
                self._refusal = self._refusal or _Text()
                self._refusal.append(event.text)
            case ToolCallDelta():
                self._add_to_call(event)
            case Annotation():
                self.annotations.append(event.raw)
            case NativeItem():
                self._native = self._native or []
                self._native.append(event)

    def _add_to_call(self, piece: ToolCallDelta) -> None:
        if self._calls is None:
            self._calls = {}
        call = self._calls.setdefault(piece.index, _Call())
        call.id = piece.id or call.id  # only the first piece of a call has them
        call.name = piece.name or call.name
        call.custom |= piece.custom
        call.arguments.append(piece.arguments)
        # Merged, as each piece of a call may bring other fields.
        if piece.extra:
            call.extra = {**(call.extra or {}), **piece.extra}

    def _drop_calls(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            (self._calls or {}).pop(index, None)

    def _finish(self, event: Finished) -> None:
        self.finished = True
        # A wire may prove the end a second time (`[DONE]` after a finish reason): the reason that was given stays.
        if event.reason or event.provider_reason:
            self.finish_reason, self.provider_reason = event.reason, event.provider_reason


class Reply(Choice):
    """The answer so far; `complete` once its end was proven.

    The Reply itself is the first choice, as nearly all answers have only one; `choices` has all. `usage` is the
    provider's last report of tokens; `request_id` is from the response's header fields, and `headers` has those that
    tell of the account: rate limits, service tiers, costs. `attempts` is how often the question was sent; `elapsed` the
    seconds from the first action to the end of the answer, failed or not (None before it, and after a cancellation).
    """

    __slots__ = ("_others", "attempts", "elapsed", "failed", "headers", "id", "model", "request_id", "usage")

    def __init__(self, answer_type: Any = None) -> None:
        super().__init__(answer_type)
        self._others: dict[int, Choice] | None = None  # all but the first; itself among them would make a circle
        self.id: str | None = None
        self.model: str | None = None
        self.request_id: str | None = None
        self.usage: UsageReport | None = None
        self.headers: Mapping[str, str] = _NONE
        self.failed = False
        self.attempts = 0
        self.elapsed: float | None = None

    @classmethod
    def of(cls, events: Iterable[ChatEvent]) -> Reply:
        """A Reply of all `events`."""
        reply = cls()
        reply.extend(events)
        return reply

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Reply:
        """The Reply whose `to_dict` is `value`, apart from `answer_type`. Raises InvalidRequest if it is no reply's."""
        from .stored import events_of, stored  # imported here: few programs read replies back

        parts = stored(value)
        reply = cls.of(events_of(parts))
        reply.request_id, reply.headers = parts.get("request_id"), parts.get("headers") or _NONE
        reply.failed, reply.attempts = parts.get("failed", False), parts.get("attempts", 0)
        reply.elapsed = parts.get("elapsed")
        return reply

    def to_dict(self) -> dict[str, Any]:
        """As a Choice's, with the reply's own; `usage` is the event's, `other_choices` are all but the first."""
        others = sorted((self._others or {}).items())
        return {
            **super().to_dict(),
            "id": self.id,
            "model": self.model,
            "request_id": self.request_id,
            "headers": dict(self.headers),
            "attempts": self.attempts,
            "elapsed": self.elapsed,
            "usage": self.usage and self.usage.to_dict(),
            "failed": self.failed,
            "complete": self.complete,
            "other_choices": [{"index": index, **choice.to_dict()} for index, choice in others],
        }

    @property
    def choices(self) -> list[Choice]:
        """Every choice in the order of its index; the first is this object itself."""
        return [choice for _, choice in sorted({**(self._others or {}), 0: self}.items())]

    @property
    def complete(self) -> bool:
        """True once the stream proved the end of every choice, and no event said that it failed."""
        # All choices, as they share one stream: where it breaks off, some may have ended and others not.
        return not self.failed and self.finished and all(choice.finished for choice in (self._others or {}).values())

    def extend(self, events: Iterable[ChatEvent]) -> bool:
        """Add `events`; True if any of them was content, which restarts the progress clock."""
        content = False
        pieces = self._text
        for event in events:
            # Nearly all events are text of the first choice: 0.03 µs each here, 0.25 by _fold.
            if type(event) is TextDelta and not event.choice:
                pieces.append(event.text)
                content = True
            else:
                content |= self._fold(event)
        return content

    def redact(self, secrets: tuple[str, ...]) -> None:
        """Replace each of `secrets` by `[hidden]` in the server's own names: ids, the model, why the answer ended."""
        self.id, self.model = _hidden(self.id, secrets), _hidden(self.model, secrets)
        for choice in self.choices:
            choice.provider_reason = _hidden(choice.provider_reason, secrets)
            for call in (choice._calls or {}).values():
                call.id = _hidden(call.id, secrets)

    def _fold(self, event: ChatEvent) -> bool:
        match event:
            case (
                TextDelta() | ReasoningDelta() | RefusalDelta() | ToolCallDelta() | Annotation() | NativeDelta()
                | NativeItem()
            ):  # fmt: skip
                self._choice(event.choice)._add(event)
                return True
            case Metadata():
                choice = self._choice(event.choice)
                choice._metadata = {**choice.metadata, **event.raw}
            case UsageReport():
                # Not added up: each report counts from the beginning of the answer.
                self.usage = event
            case Started():  # a wire may send the id and the model in different frames
                self.id = event.id or self.id
                self.model = event.model or self.model
            case Finished():
                self._choice(event.choice)._finish(event)
            case Failed():
                self.failed = True
                self._drop_calls(event.unfinished)  # of the first choice: Failed names no other
        # KeepAlive and UnknownFrame are no part of the answer: they change nothing.
        return False

    def _choice(self, index: int) -> Choice:
        if not index:
            return self
        if self._others is None:
            self._others = {}
        if index not in self._others:
            self._others[index] = Choice(self.answer_type)
        return self._others[index]

    def __repr__(self) -> str:
        state = "complete" if self.complete else "failed" if self.failed else "incomplete"
        # The length and not the text: a repr ends up in logs.
        return f"<Reply {state}, {len(self.text)} characters, finish_reason={self.finish_reason!r}>"


def _hidden(text: str | None, secrets: tuple[str, ...]) -> str | None:
    return text and redact(text, secrets)


def _named(call: ToolCall) -> dict[str, Any]:
    if call.custom:
        return {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
