"""The three forms of an answer on standard output: text as it comes, events, or one JSON object."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from io import TextIOWrapper
from typing import Any, TextIO

from sansio_core import ChatError, ChatEvent, Failed, RefusalDelta, Reply, TextDelta, UnknownFrame
from sansio_core.plain import json_text

from .exit import COMPLETE, code_of, message_of, say
from .terminal import end_text, write_text

_NOTES = {
    "length": "the answer reached the model's token limit",
    "content_filter": "the provider's content filter stopped the answer",
}


class Output(ABC):
    """Takes the events of one answer, then its end. `reply`: the events folded."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.reply = Reply()

    @abstractmethod
    def event(self, event: ChatEvent) -> None:
        """Take one event."""

    @abstractmethod
    def end(self, error: ChatError | None) -> None:
        """Take the end of the answer; `error` if it failed."""

    def conclude(self, error: ChatError | None) -> int:
        """As `end`; also writes notes and the error to standard error, and returns the exit code."""
        self.end(error)
        for note in self.notes(error):
            say(note)
        if error is None:
            return COMPLETE
        say(message_of(error))
        if self.reply.text:
            say("the answer is incomplete")
        for note in getattr(error, "__notes__", ()):  # why it is not on the tape
            say(note)
        return code_of(error)

    def notes(self, error: ChatError | None) -> list[str]:
        """Lines for standard error, besides `error`, about what this form of output does not show."""
        return []

    def line(self, value: Any) -> None:
        """Write a JSON value on a line of its own, in ASCII unless the output is UTF-8."""
        utf8 = (self.out.encoding or "").lower().replace("-", "") == "utf8"
        self.write(json_text(value, ascii=not utf8) + "\n")

    def write(self, text: str) -> None:
        """Write `text` and flush, so that a reader at the other end of a pipe gets it now."""
        write_text(self.out, text)


class Text(Output):
    """The text alone, a model refusal's too, and a newline at its end if it has none."""

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
        end_text(self.out, self._last)

    def notes(self, error: ChatError | None) -> list[str]:
        reply = self.reply
        empty = not (reply.text or reply.refusal or reply.tool_calls)
        notes = [f"the model calls the tool {call.name}({call.arguments})" for call in reply.tool_calls]
        if reply.finish_reason in _NOTES:
            notes.append(_NOTES[reply.finish_reason])
        if empty and error is None:
            notes.append("the answer is empty")
        if empty or error is not None:  # in a good answer, unknown frames are only newer than this version
            notes += self._unknown_note()
        return notes

    def _unknown_note(self) -> list[str]:
        if not self._unknown:
            return []
        frames = "1 frame" if self._unknown == 1 else f"{self._unknown} frames"
        return [f"not understood, and left out: {frames} (--events shows them)"]


class Events(Output):
    """A JSON object for each event; the last is a Failed if the answer failed."""

    def event(self, event: ChatEvent) -> None:
        self.line(event.to_dict())

    def end(self, error: ChatError | None) -> None:
        if error is not None:
            self.line({**Failed(error).to_dict(), "error": _error(error)})


class Object(Output):
    """One JSON object of the whole reply, at the end, with its `error`."""

    def event(self, event: ChatEvent) -> None:
        pass

    def end(self, error: ChatError | None) -> None:
        self.reply.failed |= error is not None
        self.line({**self.reply.to_dict(), "error": None if error is None else _error(error)})


def output_for(kind: str | None) -> Output:
    """The output for `--events`, `--json` or neither, on standard output as it is now."""
    out = sys.stdout
    if out is None:  # it was closed before Python started
        raise BrokenPipeError
    if isinstance(out, TextIOWrapper):  # a character that the terminal's encoding lacks must not end the answer
        out.reconfigure(errors="backslashreplace")
    return {"events": Events, "json": Object}.get(kind or "", Text)(out)


def _error(error: ChatError) -> dict[str, Any]:
    return {**error.to_dict(), "message": message_of(error)}
