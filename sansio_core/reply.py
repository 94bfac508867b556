"""Reply: a stream's events folded into the final message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .events import (
    Annotation,
    ChatEvent,
    Content,
    Failed,
    Finished,
    FinishReason,
    NativeItem,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from .partial_json import parse_partial
from .request import ToolCall, parse_json


class _Call:
    """A tool call while it grows."""

    __slots__ = ("arguments", "extra", "id", "name")

    def __init__(self) -> None:
        self.id: str | None = None
        self.name = ""
        self.arguments = _Text()
        self.extra: Mapping[str, Any] | None = None


class _Text(list[str]):
    """Text that grows by small pieces: joined when looked at, so that growing is linear.

    The pieces are only ever added to, so that one thread may look while another adds.
    """

    __slots__ = ("_joined",)

    def __init__(self) -> None:
        self._joined = (0, "")  # how many of them, and their text

    def __str__(self) -> str:
        count, text = self._joined
        if new := self[count:]:
            text += "".join(new)
            self._joined = count + len(new), text
        return text


class Choice:
    """One of the answers to a question; there is one unless `n` asked for more. Read it at any time."""

    # What few answers have is made when it comes: thousands of streams may be open and say next to nothing.
    __slots__ = (
        "__weakref__", "_calls", "_native", "_reasoning", "_refusal", "_text", "annotations", "finish_reason",
        "finished", "provider_reason",
    )  # fmt: skip

    def __init__(self) -> None:
        self._text = _Text()
        self._reasoning: _Text | None = None
        self._refusal: _Text | None = None
        self._calls: dict[int, _Call] | None = None
        self._native: list[NativeItem] | None = None
        self.annotations: list[Mapping[str, Any]] = []
        self.finished = False
        self.finish_reason: FinishReason | None = None
        self.provider_reason: str | None = None

    @property
    def text(self) -> str:
        """The answer's text so far."""
        return str(self._text)

    @property
    def reasoning(self) -> str:
        """What the model thought, so far, where the wire shows it."""
        return str(self._reasoning or "")

    @property
    def refusal(self) -> str | None:
        """The model's words for why it will not answer, or None."""
        return str(self._refusal or "") or None

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The tool calls so far, in the order of their index."""
        calls = (call for _, call in sorted(self._calls.items())) if self._calls else ()
        return [ToolCall(call.id, call.name, str(call.arguments), call.extra) for call in calls]

    @property
    def message(self) -> dict[str, Any]:
        """This answer as an assistant message, ready for `messages` of the next turn, and fit for JSON.

        `native` carries what only the same kind of provider can take back: signatures, encrypted reasoning.
        """
        message: dict[str, Any] = {"role": "assistant", "content": self.text or self.refusal or ""}
        if self._calls:
            message["tool_calls"] = [
                {
                    **(call.extra or {}),
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        if self.reasoning:
            message["reasoning"] = self.reasoning
        if self._native:
            message["native"] = {
                "dialect": self._native[0].dialect,
                "items": [dict(native.item) for native in self._native],
            }
        return message

    def _grow(self, piece: ToolCallDelta) -> None:
        """A tool call has one more piece."""
        if self._calls is None:
            self._calls = {}
        call = self._calls.setdefault(piece.index, _Call())
        call.id = piece.id or call.id
        call.name = piece.name or call.name
        call.arguments.append(piece.arguments)
        if piece.extra:
            call.extra = {**(call.extra or {}), **piece.extra}

    def parse(self) -> Any:
        """The JSON value of a structured answer. Raises InvalidRequest that says where it is not JSON."""
        return parse_json(self.text, "the answer")

    def partial(self) -> Any:
        """The value of a structured answer while it grows: what is open is closed. None before any began."""
        return parse_partial(self.text)


class Reply(Choice):
    """The answer so far; `complete` once its end was proven.

    Its text, tool calls and the rest are the first choice's; `choices` has them all. `usage` is the provider's last
    word on tokens; `request_id` is from the response's headers.
    """

    __slots__ = ("_others", "failed", "id", "model", "request_id", "usage")

    def __init__(self) -> None:
        super().__init__()
        self._others: dict[int, Choice] | None = None  # all but the first, which is this object itself
        self.id: str | None = None
        self.model: str | None = None
        self.request_id: str | None = None
        self.usage: UsageReport | None = None
        self.failed = False

    @classmethod
    def of(cls, events: Iterable[ChatEvent]) -> Reply:
        """The fold of `events`."""
        reply = cls()
        reply.extend(events)
        return reply

    @property
    def choices(self) -> list[Choice]:
        """Every answer, in the order of its index; the first is this object itself."""
        return [choice for _, choice in sorted({**(self._others or {}), 0: self}.items())]

    @property
    def complete(self) -> bool:
        """True once the stream proved its end for every choice and did not fail."""
        return not self.failed and self.finished and all(choice.finished for choice in (self._others or {}).values())

    def extend(self, events: Iterable[ChatEvent]) -> bool:
        """Fold `events` in; True if any of them was content (what the progress clock waits for)."""
        content = False
        pieces = self._text
        for event in events:
            if type(event) is TextDelta and not event.choice:  # nearly all events are this
                pieces.append(event.text)
                content = True
            else:
                content |= self._fold(event)
        return content

    def _fold(self, event: ChatEvent) -> bool:
        match event:
            case TextDelta() | ReasoningDelta() | RefusalDelta() | ToolCallDelta() | Annotation() | NativeItem():
                self._content(event)
                return True
            case UsageReport():
                self.usage = event
            case Started():
                self.id = event.id or self.id
                self.model = event.model or self.model
            case Finished():
                choice = self._choice(event.choice)
                choice.finished = True
                if event.reason or event.provider_reason:
                    choice.finish_reason, choice.provider_reason = event.reason, event.provider_reason
            case Failed(unfinished=cut):
                self.failed = True
                for index in cut:
                    (self._calls or {}).pop(index, None)
            case _:
                pass
        return False

    def _content(self, event: Content) -> None:
        choice = self._choice(event.choice)
        match event:
            case TextDelta():
                choice._text.append(event.text)
            case ReasoningDelta():
                choice._reasoning = choice._reasoning or _Text()
                choice._reasoning.append(event.text)
            case RefusalDelta():
                choice._refusal = choice._refusal or _Text()
                choice._refusal.append(event.text)
            case ToolCallDelta():
                choice._grow(event)
            case Annotation():
                choice.annotations.append(event.raw)
            case _:
                choice._native = choice._native or []
                choice._native.append(event)

    def _choice(self, index: int) -> Choice:
        if not index:
            return self
        if self._others is None:
            self._others = {}
        if index not in self._others:
            self._others[index] = Choice()
        return self._others[index]

    def __repr__(self) -> str:
        state = "complete" if self.complete else "failed" if self.failed else "incomplete"
        return f"<Reply {state}, {len(self.text)} characters, finish_reason={self.finish_reason!r}>"
