"""What `ask.py` and `serve.py` write to standard output: text as it comes, events, or one object."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from dataclasses import fields
from typing import Any, TextIO

from sansio_core import ChatError, ChatEvent, RefusalDelta, Reply, TextDelta, UnknownFrame, UsageReport

from .exit import COMPLETE, code_of, message_of, say

_NOTES = {
    "length": "the answer reached the model's token limit",
    "content_filter": "the provider's content filter stopped the answer",
}


class Output(ABC):
    """Takes the events of one answer, then its end. `reply` is what the answer comes to."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.reply = Reply()

    @abstractmethod
    def event(self, event: ChatEvent) -> None:
        """Take one event."""

    @abstractmethod
    def end(self, error: ChatError | None) -> None:
        """The answer is over, by `error` if it failed."""

    def conclude(self, error: ChatError | None) -> int:
        """As `end`, says on standard error what there is to say, and gives the exit code."""
        self.end(error)
        for note in self.notes(error):
            say(note)
        if error is None:
            return COMPLETE
        say(message_of(error))
        if self.reply.text:
            say("the answer is incomplete")
        return code_of(error)

    def notes(self, error: ChatError | None) -> list[str]:
        """What the reader should know beside `error`, where the output itself does not tell."""
        return []

    def line(self, value: Any) -> None:
        """One JSON value on a line of its own."""
        utf8 = (self.out.encoding or "").lower().replace("-", "") == "utf8"
        self.write(json.dumps(value, ensure_ascii=not utf8) + "\n")

    def write(self, text: str) -> None:
        """Write it now: a reader at the other end of a pipe waits for it."""
        self.out.write(text)
        self.out.flush()


class Text(Output):
    """The text alone (a model's refusal is its text too), and a newline at its end where it has none."""

    def __init__(self, out: TextIO) -> None:
        super().__init__(out)
        self._last = "\n"
        self._unknown = 0

    def event(self, event: ChatEvent) -> None:
        if isinstance(event, (TextDelta, RefusalDelta)) and not event.choice and event.text:
            self._last = event.text[-1]
            self.write(event.text)
        self._unknown += isinstance(event, UnknownFrame)

    def end(self, error: ChatError | None) -> None:
        if self._last != "\n":
            self.write("\n")

    def notes(self, error: ChatError | None) -> list[str]:
        reply = self.reply
        empty = not (reply.text or reply.refusal or reply.tool_calls)
        notes = [f"the model calls the tool {call.name}({call.arguments})" for call in reply.tool_calls]
        if reply.finish_reason in _NOTES:
            notes.append(_NOTES[reply.finish_reason])
        if empty and error is None:
            notes.append("the answer is empty")
        if self._unknown and (empty or error is not None):  # else they are only newer than we are
            frames = "1 frame" if self._unknown == 1 else f"{self._unknown} frames"
            notes.append(f"not understood, and left out: {frames} (--events shows them)")
        return notes


class Events(Output):
    """A JSON object for each event, with its class as `type`; the last is Failed if the answer failed."""

    def event(self, event: ChatEvent) -> None:
        self.line({"type": type(event).__name__, **_fields(event)})

    def end(self, error: ChatError | None) -> None:
        if error is not None:
            self.line({"type": "Failed", "error": _error(error)})


class Object(Output):
    """One JSON object of the whole reply, at the end."""

    def event(self, event: ChatEvent) -> None:
        pass

    def end(self, error: ChatError | None) -> None:
        reply = self.reply
        self.line(
            {
                "text": reply.text,
                "reasoning": reply.reasoning,
                "refusal": reply.refusal,
                "tool_calls": [_fields(call) for call in reply.tool_calls],
                "finish_reason": reply.finish_reason,
                "provider_reason": reply.provider_reason,
                "usage": None if reply.usage is None else _usage(reply.usage),
                "model": reply.model,
                "id": reply.id,
                "request_id": reply.request_id,
                "complete": reply.complete and error is None,
                "error": None if error is None else _error(error),
            }
        )


def output_for(kind: str | None) -> Output:
    """The output for `--events`, `--json` or neither, on standard output as it is now."""
    out = sys.stdout
    if out is None:  # it was closed before we began
        raise BrokenPipeError
    if hasattr(out, "reconfigure"):  # what a terminal cannot show must not end the answer
        out.reconfigure(errors="backslashreplace")
    return {"events": Events, "json": Object}.get(kind or "", Text)(out)


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _usage(usage: UsageReport) -> dict[str, Any]:
    return {**_fields(usage), "raw": dict(usage.raw)}


def _error(error: ChatError) -> dict[str, Any]:
    return {"class": type(error).__name__, "message": message_of(error)}
