"""Question and Answer, the same for every wire format; and the emulator's signatures of reasoning."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """A valid request: the conversation as one text, and the user's last message.

    `tools`: the request offers tools and does not end with a tool's result, so tool calls may answer it.
    """

    prompt: str
    last: str = ""
    tools: bool = False

    @classmethod
    def of(cls, conversation: Sequence[tuple[str, str]], *, tools: bool = False) -> Question:
        """From roles and texts, in order; messages without text are left out. `tools`: the request offers tools."""
        messages = [(role, text) for role, text in conversation if text]
        users = [text for role, text in messages if role == "user"]
        return cls(prompt_of(messages), users[-1] if users else "", tools and conversation[-1][0] != "tool")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of an answer; `pieces`: the JSON text of its arguments."""

    name: str
    pieces: tuple[str, ...] = ("{}",)

    @property
    def arguments(self) -> str:
        """The whole JSON text."""
        return "".join(self.pieces)

    @property
    def value(self) -> Any:
        """The arguments, decoded."""
        return json.loads(self.arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question: text in pieces, or tool calls; and before it reasoning, in pieces."""

    pieces: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    question: Question = Question("")

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def reasoning_text(self) -> str:
        """The whole reasoning."""
        return "".join(self.reasoning)

    def without_reasoning(self) -> Answer:
        """The same answer without reasoning, for a request that switched it off."""
        return replace(self, reasoning=[])

    @property
    def input_tokens(self) -> int:
        """In the emulator, a token of the input is a word."""
        return len(self.question.prompt.split())

    @property
    def output_tokens(self) -> int:
        """In the emulator, a token of the output is a piece; without those of the reasoning."""
        return len(self.pieces) + sum(len(call.pieces) for call in self.calls)


def prompt_of(messages: list[tuple[str, str]]) -> str:
    """The messages as one text: the content of a single one; else a line for each, and a last `Assistant:`."""
    if len(messages) == 1:
        return messages[0][1]
    return "\n".join([*(f"{role.capitalize()}: {content}" for role, content in messages), "Assistant:"])


# --- signatures: a server sends one with its reasoning, and the client must send both back unchanged. The emulator's
# are hashes of the text, so that it can check one without having kept it.


def sign(text: str) -> str:
    """The signature of `text`: a hash of the text, and a hash of that, in base64."""
    digest = sha256(text.encode()).digest()[:12]
    return b64encode(digest + sha256(b"emulated" + digest).digest()[:12]).decode()


def is_signature(value: object, text: str | None = None) -> bool:
    """Whether `value` is a signature, in either base64 alphabet (RFC 4648 4, 5); with `text`, the one of that text."""
    if not isinstance(value, str):
        return False
    plain = value.replace("-", "+").replace("_", "/")
    if text is not None:
        return plain == sign(text)
    try:
        given = b64decode(plain, validate=True)
    except ValueError:
        return False
    return len(given) == 24 and sha256(b"emulated" + given[:12]).digest()[:12] == given[12:]


def make_id(prefix: str, number: int, reasoning: str) -> str:
    """The id of a tool call. It ends with a mark of the `reasoning` before the call, if there was any."""
    return f"{prefix}_emulated_{number}" + (f"_{_mark(reasoning)}" if reasoning else "")


def reasoning_mark(call_id: object, prefix: str) -> str | None:
    """The mark of the reasoning in a call's id; None without one, or for an id of another prefix."""
    found = re.match(rf"{prefix}_emulated_\d+_([0-9a-f]{{8}})\Z", call_id) if isinstance(call_id, str) else None
    return found[1] if found else None


def is_marked(mark: str, text: object) -> bool:
    """Whether `mark` is the mark of the reasoning `text`."""
    return isinstance(text, str) and mark == _mark(text)


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
