"""The subcommand `emulate`: the emulator, or a tape, as a server until Ctrl-C. `command.py` calls it."""

from __future__ import annotations

import json
import re
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import MISSING
from time import sleep, strftime
from typing import TYPE_CHECKING, Any

from sansio_core import InvalidRequest

from .._shared.open_files import allow_open_files
from .exit import COMPLETE, LOCAL, say
from .output import output_for

if TYPE_CHECKING:
    from sansio_core.tape import UnmatchedRequest

    from ..emulator import Emulator, Fault, Limit, Request, Served
    from ..emulator.tape_server import TapeServer

_MADE_UP = (
    "reply", "tool_call", "reasoning", "pace", "delay", "limit", "burst", "limit_headers", "fault", "once",
)  # fmt: skip
"""The arguments that say what the emulator's own answers are like."""
_CONNECTIONS = 1 << 16
"""As many as there are ports to connect from; the usual limit of open files, 1,024, is for programs with few."""


def emulate(args: Namespace) -> int:
    """Run the server until Ctrl-C or SIGTERM; returns the exit code."""
    if "help" in args.fault:
        output_for(None).write("\n".join(_fault_lines()) + "\n")
        return COMPLETE
    server, names = _emulator(args) if args.tape is None else _tape_server(args)
    allow_open_files(_CONNECTIONS)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(server, names)
    except KeyboardInterrupt:
        pass
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        say(f"cannot listen on port {args.port}: {error.strerror}")
        return LOCAL
    finally:
        signal.signal(signal.SIGTERM, before)
    return COMPLETE


def _emulator(args: Namespace) -> tuple[Emulator, Sequence[str]]:
    from ..emulator import DEFAULT_TEXT, Emulator

    if args.speed is not None or args.ignore:
        raise InvalidRequest("--speed and --ignore go with --tape FILE (--pace is for the emulator's own answers)")
    faults = _faults(args.fault)
    emulator = Emulator(
        reply=DEFAULT_TEXT if args.reply is None else args.reply,
        tool_calls=[_tool_call(text) for text in args.tool_call],
        reasoning=args.reasoning,
        pace=args.pace,
        delay=args.delay,
        limit=_limit(args),
        port=args.port,
        on_request=None if args.quiet else _log,
    )
    emulator.order(*faults, always=not args.once)
    return emulator, emulator.providers


def _tape_server(args: Namespace) -> tuple[TapeServer, Sequence[str]]:
    if given := [f"--{name.replace('_', '-')}" for name in _MADE_UP if getattr(args, name)]:
        raise InvalidRequest(f"--tape answers with what is on the tape, as it is: {', '.join(given)} cannot change it")
    from sansio_core.tape import Deck, UnsafeTape

    from ..emulator.tape_server import TapeServer
    from .config import prepare
    from .tape import tape_in

    prepare(args)  # a take may be of a host that the user has added
    tape = tape_in(args.tape)
    deck = Deck(tape, ignore=args.ignore)

    def log(served: Served) -> None:
        _log(served)
        while deck.unmatched:
            say(_reason(deck.unmatched.pop(0)))

    speed = 1.0 if args.speed is None else args.speed
    try:
        server = TapeServer(deck, speed=speed, port=args.port, on_request=None if args.quiet else log)
    except UnsafeTape as error:
        raise OSError(f"{args.tape} is not served: {error.reason}") from None
    return server, sorted({take.provider for take in tape.takes if take.provider})


def _reason(error: UnmatchedRequest) -> str:
    """Its text, with an option of the command where that names an argument of Python."""
    text, _, fields = str(error).partition("ignore=(")
    return text + " ".join(f"--ignore '{field}'" for field in re.findall(r'"([^"]+)"', fields))


def _serve(server: Emulator | TapeServer, names: Sequence[str]) -> None:
    with server:
        width = max(map(len, names), default=0)
        lines = [f"{name:{width}}  {server.base_url(name)}" for name in names]
        output_for(None).write("\n".join(lines) + "\n")
        if sys.stdout.isatty():
            say(
                "running; Ctrl-C ends it. Ask it with: sansio-chat ask -p NAME --base-url URL PROMPT\n"
                "(any key but `wrong` will do: OPENAI_API_KEY=emulated, and the like)"
            )
        # Not an Event's wait: a signal in the midst of that leaves its lock in disorder. And no long sleep: Python sees
        # a signal that comes right before one only when it ends.
        while True:
            sleep(1)


def _log(served: Served) -> None:
    """Write a line about one request; what is in its headers, query and messages is not shown."""
    request = served.request
    model = _model(request)
    who = f"{request.system} {model}" if model else request.system
    how = {"complete": "", "reset": ", reset", "gone": ", and the client was gone"}[served.end]
    say(
        f"{strftime('%H:%M:%S')} {request.method} {request.path or '/'} ({who}): {served.status or 'no status'}, "
        f"{served.seconds:.3f} s, {served.sent} bytes{how}"
    )


def _model(request: Request) -> str:
    """The model that a request names in its body; in the path, as Gemini's do, it is to be seen already."""
    named = request.json.get("model") if isinstance(request.json, dict) else None
    return named[:60] if isinstance(named, str) and named.isprintable() else ""


def _tool_call(text: str) -> tuple[str, dict[str, Any]]:
    name, equals, arguments = text.partition("=")
    try:
        value = json.loads(arguments) if equals else {}
    except (ValueError, RecursionError):
        value = None
    if not name or not isinstance(value, dict):
        example = 'weather=\'{"city": "Kranj"}\''
        raise InvalidRequest(f"--tool-call takes NAME, or NAME=ARGUMENTS with a JSON object: {example}")
    return name, value


def _limit(args: Namespace) -> Limit | None:
    from ..emulator import Limit

    if args.limit is None:
        if args.burst is not None or args.limit_headers is not None:
            raise InvalidRequest("--burst and --limit-headers go with --limit N/s")
        return None
    burst = args.burst or max(1, int(args.limit.requests))
    return Limit(args.limit.per_second, burst, args.limit_headers or "none")


def _faults(texts: list[str]) -> list[Fault]:
    from ..emulator import parse_fault

    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise InvalidRequest(f"--fault: {error} (`--fault help` explains them)") from None


def _fault_lines() -> list[str]:
    """The lines of `--fault help`: each fault with its parameters, and its docstring."""
    from ..emulator import FAULTS
    from ..emulator.faults import parameters

    lines = [
        "NAME, NAME:VALUE for its first parameter, or NAME:PARAMETER=VALUE,...",
        "Each takes share=0.02 too, for that share of the answers; and on=page, for a list of models or a page.",
        "",
    ]
    for name, kind in sorted(FAULTS.items()):
        own = [_parameter(field) for field in parameters(kind)]
        lines.append(f"{name}:{','.join(own)}" if own else name)
        lines.append("    " + " ".join((kind.__doc__ or "").split()))
    return lines


def _parameter(field: Any) -> str:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    if default is MISSING or isinstance(default, bytes):
        return f"{field.name}="
    return f"{field.name}={json.dumps(default, ensure_ascii=False)}"
