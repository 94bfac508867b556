"""The subcommand `chat`: a conversation, on a terminal or with lines that are piped in. `command.py` calls it."""

from __future__ import annotations

import re
import sys
import warnings
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sansio_core import Cancelled, ChatError, InvalidRequest, OptionIgnored, Reply
from sansio_core.errors import suggestion

from .ask import options_of, settings_of
from .conversation import Conversation, part_of
from .exit import COMPLETE, message_of, say, words_of
from .lines import Reader, has_extra, on_terminal, reader, unechoed
from .output import Output, output_for
from .piped import file_of

if TYPE_CHECKING:
    from ..blocking import Client

_COMMAND = re.compile(r"/([A-Za-z]+)(?:[ \t]+(.*))?")
_KEYS = (
    "",
    "Ctrl-C stops an answer, or clears the line; Alt-Enter begins a new line; pasted lines stay together.",
)
_CUT = " […]"
"""What the text of an answer ends with that Ctrl-C stopped: the model is shown it with the next question."""


def chat(args: Namespace) -> int:
    """Hold a conversation; returns the exit code."""
    from ..blocking import Client

    warnings.simplefilter("once", OptionIgnored)
    conversation = Conversation.last() if args.go_on else Conversation()
    conversation.settle(args)
    with ExitStack() as stack:
        settings = settings_of(args, stack)
        client = stack.enter_context(Client(**settings))
        # A log's lines would stand within the last block, which is drawn over.
        rendered = not args.verbose and sys.stdout.isatty() and has_extra()
        chat = _Chat(client, conversation, options_of(args.option), kept=not args.emulate, rendered=rendered)
        return chat.run()


class _Chat:
    """The loop of one conversation: a line in, an answer or a command's effect out."""

    def __init__(
        self, client: Client, conversation: Conversation, options: dict[str, Any], *, kept: bool, rendered: bool
    ) -> None:
        self._client = client
        self._conversation = conversation
        self._options = options
        self._kept = kept
        self._rendered = rendered
        self._files: list[dict[str, Any]] = []  # those that go with the next question
        self._again = ""  # the question that failed
        self._person = on_terminal()
        self._commands: dict[str, tuple[str, str, Callable[[str], None]]] = {
            "file": ("PATH", "attach a file, or a URL, to the next question", self._attach),
            "model": ("NAME", "ask another model; alone it shows the model", self._choose),
            "undo": ("", "drop the last question and its answer", self._undo),
            "save": ("FILE", "write all to a new file: JSON if its name ends in .json, else Markdown", self._save),
            "help": ("", "show these lines", self._help),
            "exit": ("", "leave, as Ctrl-D does", self._exit),
        }  # fmt: skip

    def run(self) -> int:
        """Take lines until their end; returns the exit code."""
        read = reader(self._conversation.questions)
        if self._person:
            self._greet()
        leaving = False
        while True:
            try:
                code = self._take(read)
            except EOFError:
                return COMPLETE
            except KeyboardInterrupt:
                if not self._person:
                    raise
                if leaving:
                    return COMPLETE
                leaving = True
                say("Ctrl-C again, or Ctrl-D, leaves")
                continue
            leaving = False
            if code and not self._person:
                return code  # what is asked next may rest on the answer that failed

    def _greet(self) -> None:
        if asked := self._conversation.questions:
            self._show(f"Going on after your question: {_begin(asked[-1])}")
        self._show(f"{self._model()}. /help lists the commands, Ctrl-D leaves.")

    def _model(self) -> str:
        provider = self._client.provider
        model = self._conversation.settings["model"] or provider.model
        return f"{provider.info.name}, {model}" if model else provider.info.name

    def _show(self, text: str) -> None:
        output_for(None).write(f"{text}\n")

    def _take(self, read: Reader) -> int:
        """Take one line; returns the exit code that it would end with."""
        line, self._again = read(self._again), ""
        found = _COMMAND.fullmatch(line.rstrip())
        try:
            if found:
                self._command(found[1].lower(), (found[2] or "").strip())
            elif line.strip():
                return self._ask(line.strip())
        except (InvalidRequest, OSError) as error:
            if not self._person or isinstance(error, BrokenPipeError):
                raise
            self._again = "" if found else line
            say(message_of(error) if isinstance(error, InvalidRequest) else words_of(error))
        return COMPLETE

    # --- a question --------------------------------------------------------------------------------------------------

    def _ask(self, text: str) -> int:
        conversation = self._conversation
        question = {"role": "user", "content": [*self._files, text] if self._files else text}
        output = self._output()
        with unechoed():
            error = self._stream([*conversation.messages, question], output)
            code = output.conclude(error)
        answer = _answer(output.reply, error)
        if answer is None:
            self._again = text
        else:
            self._files = []
            conversation.messages += [question, answer]
            self._keep()
        if self._person:
            self._show("")
        return code

    def _stream(self, messages: list[dict[str, Any]], output: Output) -> ChatError | None:
        """Ask, and give the events to the output; returns what went wrong."""
        model = self._conversation.settings["model"]
        try:
            with self._client.stream(messages, model=model, **self._options) as stream:
                try:
                    for event in stream.events():
                        output.event(event)
                finally:
                    output.reply = stream.reply
        except InvalidRequest:
            raise  # nothing was sent
        except ChatError as error:
            return error
        except KeyboardInterrupt:
            return Cancelled("interrupted")
        return None

    def _output(self) -> Output:
        output = output_for(None)
        if not self._rendered:
            return output
        from rich.console import Console

        from .markdown import MarkdownText

        return MarkdownText(Console(), output.out)

    def _keep(self) -> None:
        if not self._kept:
            return
        try:
            self._conversation.keep()
        except OSError as error:
            self._kept = False
            say(f"this conversation is not kept: {words_of(error)}")

    # --- the commands ------------------------------------------------------------------------------------------------

    def _command(self, name: str, words: str) -> None:
        if name not in self._commands:
            near = suggestion(name, self._commands)
            raise InvalidRequest(
                f"there is no command /{name}{near}; /help lists them, and a line with a "
                "blank before it is sent as it is"
            )
        self._commands[name][2](words)

    def _attach(self, path: str) -> None:
        if path in ("", "-"):
            raise InvalidRequest("/file takes the path of a file, or a URL")
        part = part_of(file_of(path))
        self._files.append(part)
        say(f"{part['file']['filename']} goes with the next question")

    def _choose(self, model: str) -> None:
        if model:
            self._client.provider.resolve_model(model)  # raises InvalidRequest for one that it does not have
            self._conversation.settings["model"] = model
        self._show(self._model())

    def _undo(self, _: str) -> None:
        question = self._conversation.undo()
        if question is None:
            raise InvalidRequest("there is no question to drop")
        self._keep()
        say(f"dropped: {_begin(question)}")

    def _save(self, path: str) -> None:
        if not path:
            raise InvalidRequest("/save takes the name of a new file: .json for JSON, else Markdown")
        self._conversation.save(path)
        say(f"saved as {path}")

    def _help(self, _: str) -> None:
        rows = [(f"/{name} {word}", what) for name, (word, what, _) in self._commands.items()]
        lines = [f"{row:12} {what}" for row, what in rows]
        self._show("\n".join([*lines, *_KEYS]) if self._person else "\n".join(lines))

    def _exit(self, _: str) -> None:
        raise EOFError


def _answer(reply: Reply, error: ChatError | None) -> dict[str, Any] | None:
    """The message for the history; None for an answer that leaves none: one that failed, or an empty one."""
    text = reply.text or reply.refusal or ""
    if not text or not (error is None or isinstance(error, Cancelled)):
        return None
    if error is not None:
        return {"role": "assistant", "content": text.rstrip() + _CUT}
    # A call is no part of the history, as nobody answers it.
    return {"role": "assistant", "content": text} if reply.tool_calls else reply.message


def _begin(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
