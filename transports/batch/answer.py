"""Answer: what became of a row, and its line in the output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sansio_core import ChatError, LimitExceeded, Reply
from sansio_core.plain import Plain

_SHOWN = 60  # characters of a text, in a repr


@dataclass(frozen=True, slots=True, repr=False)
class Answer(Plain):
    """What became of a row; `error` is None where it was answered.

    `row` is its number, from 1, `id` its own. `reply`: the whole answer (`reply.parse()`, `.tool_calls`, `.reasoning`,
    `.choices`, `.usage`), as far as it came; `text`: its text. `tries` counts the requests that failed, and the last
    one, `refused` the others, which the server refused because there were too many. `at`: the Unix time of the end.
    `first_text`, `seconds`: the time of the last request until its first text (None where none came) and its end.
    `window`: how many rows were asked at once at the end. `keep`: the fields that were to be kept. `key`: the digest of
    the row. `again`: whether the row has failed in an earlier run.
    """

    row: int
    id: str | int | float | bool | None
    error: ChatError | None = None
    reply: Reply = field(default_factory=Reply)
    tries: int = 0
    at: float = 0.0
    first_text: float | None = None
    seconds: float = 0.0
    refused: int = 0
    window: int = 0
    keep: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    again: bool = False

    @property
    def text(self) -> str:
        """The answer's text; of a row that failed, the part that came."""
        return self.reply.text

    def __repr__(self) -> str:
        name = "" if self.id is None else f", id {self.id!r}"
        if self.error is not None:
            return f"<Answer {self.row}{name}: {type(self.error).__name__}: {self.error}>"
        more = "…" if len(self.text) > _SHOWN else ""
        return f"<Answer {self.row}{name}: {self.text[:_SHOWN]!r}{more}>"

    def to_dict(self) -> dict[str, Any]:
        """The answer as `to_line` has it."""
        return self.to_line()

    def to_line(self, settings: str = "") -> dict[str, Any]:
        """The row of the output; `settings` is the digest of what the answer depends on besides its row."""
        line: dict[str, Any] = {"row": self.row}
        if self.id is not None:
            line["id"] = self.id
        line["key"] = self.key
        if settings:
            line["settings"] = settings
        line |= self._fields() if self.error is None else {"error": _error_fields(self.error), "text": self._partial()}
        line["tries"] = self.tries
        if self.refused:
            line["refused"] = self.refused
        line |= {"window": self.window, "at": round(self.at, 2)}
        if self.first_text is not None:
            line["first_text"] = round(self.first_text, 3)
        line["seconds"] = round(self.seconds, 3)
        if self.again:
            line["again"] = True
        if self.keep:
            line["keep"] = self.keep
        return line

    def _partial(self) -> str:
        """The text of a row that failed; none of one that was too long: it would be a line of hundreds of MiB."""
        return "" if isinstance(self.error, LimitExceeded) and self.error.limit == "decompressed" else self.text

    def _fields(self) -> dict[str, Any]:
        reply, usage = self.reply, self.reply.usage
        fields: dict[str, Any] = {"text": reply.text, "finish_reason": reply.finish_reason, "model": reply.model}
        if usage is not None:
            fields["usage"] = {"input": usage.input, "output": usage.output}
        more = {
            "reasoning": reply.reasoning,
            "refusal": reply.refusal,
            "tool_calls": reply.message.get("tool_calls"),
            # What the option `n` asked for besides.
            "other_texts": [choice.text for choice in reply.choices[1:]],
        }
        return fields | {name: value for name, value in more.items() if value}


def _error_fields(error: ChatError) -> dict[str, Any]:
    """`error` for the output: its class, the HTTP status and the request's id where there are any, its message."""
    fields: dict[str, Any] = {"class": type(error).__name__}
    if (status := getattr(error, "status", None)) is not None:
        fields["status"] = status
    fields["message"] = str(error)
    if request_id := getattr(error, "request_id", None):
        fields["request_id"] = request_id
    return fields
