"""The subcommands `ask` and `parse`: one answer, from a provider or from a recording. `command.py` calls them."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sansio_core import Cancelled, ChatError, ChatEvent, Failed, InvalidRequest, providers

from .._shared.environment import base_url_of
from .exit import LOCAL, say, words_of
from .output import Output, output_for
from .piped import file_of, opened, piped_beside, typed_or_piped
from .terminal import has_status_line

EMULATED, COMPATIBLE = "free_netfly", "openai"
"""The provider where none is named: with --emulate; and with --base-url, as most hosts speak OpenAI's wire format."""
_READ = 4096  # bytes given to the parser at a time
_TERMINAL_PACE = 0.03  # seconds between two words of the emulator: so that a person sees the answer stream
_RESERVED = frozenset(
    {"messages", "model", "system", "timeout", "retry", "limits", "proxy", "headers", "cookies", "observer", "record"}
)
"""The parameters of a client's `stream` that are no options of the model."""


def ask(args: Namespace) -> int:
    """Ask one question; returns the exit code."""
    output = output_for(args.output)
    error: ChatError | None = None
    untaped: Exception | None = None
    with ExitStack() as stack:
        settings = settings_of(args, stack)  # first, as what is piped in may take long to come
        question = {"messages": _messages(args), "record": args.record, **options_of(args.option)}
        try:
            (_asyncio if args.use_asyncio else _blocking)(settings, question, output)
        except InvalidRequest:
            raise  # nothing was sent, so there is no answer to conclude
        except ChatError as failed:
            error = failed
        except KeyboardInterrupt as stop:
            error = Cancelled("interrupted")
            # asyncio's runner raises it in place of the CancelledError that has the note.
            error.__notes__ = getattr(stop if not args.use_asyncio else stop.__context__, "__notes__", [])
        except (OSError, ValueError) as failed:  # UnsafeTape is a ValueError
            if not output.reply.complete or getattr(failed, "filename", "") is None:  # it is standard output's
                raise
            untaped = failed
        code = output.conclude(error)
    if untaped is None:
        return code
    say(f"the answer is not on the tape: {_why(untaped)}")
    return LOCAL


def _why(untaped: Exception) -> str:
    """Why a take was not written."""
    if isinstance(untaped, OSError):
        return words_of(untaped)
    from sansio_core.tape import UnsafeTape

    return untaped.reason if isinstance(untaped, UnsafeTape) else str(untaped)


def _blocking(settings: dict[str, Any], question: dict[str, Any], output: Output) -> None:
    from ..blocking import Client

    with Client(**settings) as client, client.stream(**question) as stream:
        try:
            for event in stream.events():
                output.event(event)
        finally:
            output.reply = stream.reply


def _asyncio(settings: dict[str, Any], question: dict[str, Any], output: Output) -> None:
    import asyncio

    from ..aio import AsyncClient

    async def main() -> None:
        async with AsyncClient(**settings) as client, client.stream(**question) as stream:
            try:
                async for event in stream.events():
                    output.event(event)
            finally:
                output.reply = stream.reply

    asyncio.run(main())


def parse(args: Namespace) -> int:
    """Parse a recorded body with the provider's parser alone; returns the exit code."""
    parser = providers.create(args.provider).parser()
    output = output_for(args.output)
    error: ChatError | None = None
    try:
        with opened(args.file) as source:
            read = getattr(source, "read1", source.read)
            while not parser.ended:
                data = read(_READ)
                error = _show(parser.feed(data) if data else parser.end(), output)
    except KeyboardInterrupt:
        error = Cancelled("interrupted")
    return output.conclude(error)


def _show(events: list[ChatEvent], output: Output) -> ChatError | None:
    """Give the events to the output; the error of a Failed event is returned instead."""
    error: ChatError | None = None
    output.reply.extend(events)
    for event in events:
        if isinstance(event, Failed):
            error = event.error
        else:
            output.event(event)
    return error


# --- what the arguments mean -----------------------------------------------------------------------------------------


def settings_of(args: Namespace, stack: ExitStack) -> dict[str, Any]:
    """The settings of a client that answers a person: as `client_settings`, and with a status line on a terminal."""
    settings = client_settings(args, stack, _TERMINAL_PACE if sys.stdout.isatty() else 0)
    if has_status_line():
        from .status import StatusLine

        settings["observer"] = StatusLine(whole_answer=getattr(args, "output", None) == "json")
    return settings


def client_settings(args: Namespace, stack: ExitStack, pace: float = 0) -> dict[str, Any]:
    """The client's settings; with --emulate for an emulator, of this `pace`, that runs until `stack` is left."""
    provider = provider_of(args)
    settings: dict[str, Any] = {
        "provider": provider, "model": args.model, "api_key": _api_key(args, provider), "proxy": args.proxy,
        "timeout": args.timeout, "retry": args.retry, "base_url": args.base_url,
    }  # fmt: skip
    if args.emulate:
        settings["base_url"] = stack.enter_context(_emulated(provider, pace))
        if args.proxy is None:
            settings["proxy"] = False  # the environment's proxy is meant for other hosts than this machine
        if args.api_key_env is None:
            settings["api_key"] = "no-key-needed"  # the user's own key is only sent there if --api-key-env names it
        settings["model"] = args.model or providers.info(provider).default_model or "emulated"
    return settings


def provider_of(args: Namespace) -> str:
    if args.provider is not None:
        return providers.info(args.provider).name
    if args.emulate:
        return EMULATED
    if args.base_url:
        return COMPATIBLE
    raise InvalidRequest(
        "choose a provider with -p NAME (`sansio-chat providers` lists them), or for good with `sansio-chat default "
        "NAME`, or try --emulate"
    )


def _messages(args: Namespace) -> list[dict[str, Any]]:
    if [args.prompt, *args.file].count("-") > 1:
        raise InvalidRequest("- stands for standard input, which can be read only once")
    files = list(map(file_of, args.file))
    prompt = _prompt(args)
    if not prompt.strip() and not files:
        raise InvalidRequest("the prompt is empty")
    system = [] if args.system is None else [{"role": "system", "content": args.system}]
    # Vendors advise to put files before the question: platform.claude.com/docs/en/build-with-claude/pdf-support
    content = [*files, *([prompt] if prompt.strip() else [])] if files else prompt
    return [*system, {"role": "user", "content": content}]


def _prompt(args: Namespace) -> str:
    """What is piped in, a blank line, and PROMPT; either may be missing, and both where files are asked about."""
    prompt: str = args.prompt or ""
    if prompt == "-":
        return typed_or_piped()
    piped = "" if "-" in args.file else piped_beside(asked=bool(prompt or args.file))
    if args.prompt is None and not piped and not args.file:
        raise InvalidRequest("there is no question: give a PROMPT, or pipe one in; `sansio-chat chat` asks for them")
    return "\n\n".join(text for text in (piped, prompt) if text.strip())


def options_of(arguments: list[str]) -> dict[str, Any]:
    """The options of the model that `arguments`, each NAME=VALUE, give."""
    options: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or not name:
            raise InvalidRequest("--option takes NAME=VALUE")  # not quoted: it may be a value alone, and secret
        if name in _RESERVED:
            raise InvalidRequest(f"--option {name} is not for options of the model; see `sansio-chat ask --help`")
        try:
            options[name] = json.loads(text)
        except (ValueError, RecursionError):
            options[name] = text
    return options


def _api_key(args: Namespace, provider: str) -> str | None:
    """The key from the environment. Raises InvalidRequest if a needed key, or --api-key-env's variable, is missing.

    The error does not quote the value of --api-key-env: people give the key itself where a variable's name belongs.
    """
    info = providers.info(provider)
    variable = info.api_key_env if args.api_key_env is None else args.api_key_env
    if key := os.environ.get(variable or ""):
        return key
    if args.api_key_env is not None:
        raise InvalidRequest(
            "the environment variable that --api-key-env names is not set, or empty "
            "(the option takes the NAME of a variable, not the key itself)"
        )
    elsewhere = args.base_url or args.emulate or base_url_of(provider, args.base_url)[0]
    if info.needs_key and not elsewhere:
        raise InvalidRequest(f"{provider} needs a key: set the environment variable {variable} (or see --api-key-env)")
    return None


@contextmanager
def _emulated(provider: str, pace: float) -> Iterator[str]:
    """The base URL of an emulator, which runs until the `with` is left."""
    from ..emulator import Emulator

    with Emulator(pace=pace) as emulator:
        if provider not in emulator.providers:
            raise InvalidRequest(f"the emulator does not speak {provider}; it has {', '.join(emulator.providers)}")
        yield emulator.base_url(provider)
