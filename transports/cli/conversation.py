"""A conversation of the subcommand `chat`: its messages, and the file that keeps them.

The file is in the user's folder for data, and readable by that user alone. Each line is a JSON object: the first has
the settings that -c goes on with, every other one a message in the form that the clients take.
"""

from __future__ import annotations

import json
import os
from argparse import Namespace
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from sansio_core import FilePart, InvalidRequest

from .exit import say
from .folders import user_folder

_WHO = ("provider", "model", "base_url", "api_key_env")
"""The arguments of the command that go together: another provider has not the model, nor the key, of the first."""


class Conversation:
    """The messages so far; without a `path` those of a conversation that begins.

    `settings`: the arguments of the command that it was begun with. Raises InvalidRequest for a file that is none.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {}
        self.path = path
        self._stamp = _stamp(path)
        if path is not None:
            self.settings, *self.messages = _read(path)

    @classmethod
    def last(cls) -> Conversation:
        """The one that was changed last. Raises InvalidRequest where there is none."""
        folder = _folder()
        files = [] if folder is None else sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        if not files:
            raise InvalidRequest("there is no conversation to go on with: begin one without -c")
        return cls(files[-1])

    def settle(self, args: Namespace) -> None:
        """Fill in what `args` leave open, and take what they give."""
        if not (args.provider or args.base_url or args.emulate):
            for name in _WHO:
                setattr(args, name, getattr(args, name) or self.settings.get(name))
        args.option = [*self.settings.get("option", []), *args.option]
        self.settings = {name: getattr(args, name) for name in (*_WHO, "option")}
        if args.system is not None:
            said = [message for message in self.messages if message["role"] != "system"]
            self.messages = [{"role": "system", "content": args.system}, *said]

    @property
    def questions(self) -> list[str]:
        """The texts of the user's messages, the oldest first."""
        return [_texts(message) for message in self.messages if message["role"] == "user"]

    def undo(self) -> str | None:
        """Drop the last question with its answer; returns the question's text, None where there is none."""
        asked = [n for n, message in enumerate(self.messages) if message["role"] == "user"]
        if not asked:
            return None
        question = _texts(self.messages[asked[-1]])
        del self.messages[asked[-1] :]
        return question

    def keep(self) -> None:
        """Write the file anew, so that it is never half written. Raises OSError."""
        if self._stamp != _stamp(self.path):
            say("another command has changed this conversation, too: from here on, it is kept as one of its own")
            self.path = None
        if self.path is None:
            folder = _folder()
            if folder is None:
                raise OSError("there is no folder for this user's data")
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = folder / f"{datetime.now():%Y-%m-%dT%H-%M-%S-%f}-{os.getpid()}.jsonl"
        new = self.path.with_suffix(".new")
        with suppress(FileNotFoundError):  # the mode below is for a file that is not there yet
            new.unlink()
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for line in (self.settings, *self.messages):
                # a lone surrogate has no UTF-8 form, but one as an escape of JSON
                file.write(json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace") + b"\n")
        new.replace(self.path)
        self._stamp = _stamp(self.path)

    def save(self, name: str) -> None:
        """Write the messages to a new file: as JSON if its name ends so, else as Markdown. Raises OSError."""
        text = json.dumps(self.messages, indent=2) if name.lower().endswith(".json") else self._markdown()
        with open(os.path.expanduser(name), "x", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text.rstrip("\n") + "\n")

    def _markdown(self) -> str:
        names = {"user": "You", "assistant": "Answer"}
        said = ((names.get(message["role"], message["role"]), _shown(message)) for message in self.messages)
        return "\n\n".join(f"## {name}\n\n{text}" for name, text in said)


def part_of(file: FilePart) -> dict[str, Any]:
    """A file that was read, or its URL, as a message's part in plain JSON values."""
    if file.data is None:
        return {"type": "file", "file": {"file_url": file.url, "filename": file.file_name}}
    kind, data = file.data
    return {"type": "file", "file": {"file_data": f"data:{kind};base64,{data}", "filename": file.file_name}}


def _texts(message: Mapping[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part for part in content if isinstance(part, str))


def _shown(message: Mapping[str, Any]) -> str:
    parts = message["content"] if isinstance(message["content"], list) else []
    files = [part["file"]["filename"] for part in parts if isinstance(part, dict)]
    return "\n\n".join([*(f"*{name or 'a file'}*" for name in files), _texts(message)])


def _read(path: Path) -> list[dict[str, Any]]:
    lines = []
    for n, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        is_message = isinstance(value, dict) and isinstance(value.get("content"), (str, list)) and "role" in value
        if not isinstance(value, dict) or (n > 1 and not is_message):
            raise InvalidRequest(f"{path}, line {n}: this is no line of a conversation")
        lines.append(value)
    if not lines:
        raise InvalidRequest(f"{path} is empty")
    return lines


def _folder() -> Path | None:
    folder = user_folder("data")
    return None if folder is None else Path(folder, "conversations")


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """What tells whether a file was written anew; None where there is none."""
    if path is None:
        return None
    with suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns
    return None
