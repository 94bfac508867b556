"""What is asked and what is answered, whichever the wire; and seals, which stand for the vendors' signatures."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """A good request: the conversation as one text, and the user's last words.

    `tools`: tools are offered, and no answer of theirs came yet, so that it may be answered with calls.
    """

    prompt: str
    last: str = ""
    tools: bool = False

    @classmethod
    def of(cls, said: Iterable[tuple[str, str]], *, tools: bool = False) -> Question:
        """From roles and texts, in order; what has no text is left out."""
        lines = [(role, text) for role, text in said if text]
        users = [text for role, text in lines if role == "user"]
        return cls(prompt_of(lines), users[-1] if users else "", tools)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to answer with; the JSON text of its arguments is in pieces."""

    name: str
    pieces: tuple[str, ...] = ("{}",)

    @property
    def arguments(self) -> str:
        """The JSON text, whole."""
        return "".join(self.pieces)

    @property
    def value(self) -> Any:
        """The arguments themselves."""
        return json.loads(self.arguments)


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say: text in pieces, or tool calls; and what was thought before, in pieces."""

    pieces: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    question: Question = Question("")

    @property
    def text(self) -> str:
        """The text, whole."""
        return "".join(self.pieces)

    @property
    def thought(self) -> str:
        """The reasoning, whole."""
        return "".join(self.reasoning)

    def thoughtless(self) -> Answer:
        """The same without reasoning, for a request that switched it off."""
        return replace(self, reasoning=[])

    @property
    def input_tokens(self) -> int:
        """A token is a word here."""
        return len(self.question.prompt.split())

    @property
    def output_tokens(self) -> int:
        """A token is a piece here; thoughts are not counted in."""
        return len(self.pieces) + sum(len(call.pieces) for call in self.calls)


def prompt_of(said: list[tuple[str, str]]) -> str:
    """What messages come to: the one's content, or a line for each and a last `Assistant:`."""
    if len(said) == 1:
        return said[0][1]
    return "\n".join([*(f"{role.capitalize()}: {content}" for role, content in said), "Assistant:"])


# --- seals: what a server gives out with its thoughts and must get back as it was, without remembering any ------------


def seal(text: str) -> str:
    """An opaque text that only this emulator makes, and that belongs to `text`."""
    digest = sha256(text.encode()).digest()[:12]
    return b64encode(digest + sha256(b"emulated" + digest).digest()[:12]).decode()


def is_seal(value: object, text: str | None = None) -> bool:
    """Whether `value` is a seal, in either alphabet of base64; with `text`, the one of that text."""
    if not isinstance(value, str):
        return False
    plain = value.replace("-", "+").replace("_", "/")
    if text is not None:
        return plain == seal(text)
    try:
        given = b64decode(plain, validate=True)
    except ValueError:
        return False
    return len(given) == 24 and sha256(b"emulated" + given[:12]).digest()[:12] == given[12:]


def make_id(prefix: str, number: int, thought: str) -> str:
    """The id of a tool call, which tells whether (and after which) thoughts it was made."""
    return f"{prefix}_emulated_{number}" + (f"_{_mark(thought)}" if thought else "")


def thought_of(call_id: object, prefix: str) -> str | None:
    """What marks the thoughts that led to the call with that id; None for none, or an id that begins otherwise."""
    found = re.match(rf"{prefix}_emulated_\d+_([0-9a-f]{{8}})\Z", call_id) if isinstance(call_id, str) else None
    return found[1] if found else None


def is_thought(mark: str, text: object) -> bool:
    """Whether `mark` is that of the thoughts `text`."""
    return isinstance(text, str) and mark == _mark(text)


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:8]
