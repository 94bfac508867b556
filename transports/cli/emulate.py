"""The subcommand `emulate`: the emulator as a server, until Ctrl-C. `command.py` calls it."""

from __future__ import annotations

import json
import signal
import sys
import threading
from argparse import Namespace
from dataclasses import MISSING, fields
from time import strftime
from typing import TYPE_CHECKING, Any

from sansio_core import InvalidRequest

from .exit import COMPLETE, LOCAL, say
from .output import output_for

if TYPE_CHECKING:
    from ..emulator import Emulator, Fault, Request, Served


def emulate(args: Namespace) -> int:
    """Run the emulator until Ctrl-C or SIGTERM; returns the exit code."""
    from ..emulator import DEFAULT_TEXT, Emulator

    if "help" in args.fault:
        output_for(None).write("\n".join(_fault_lines()) + "\n")
        return COMPLETE
    faults = _faults(args.fault)
    emulator = Emulator(
        reply=DEFAULT_TEXT if args.reply is None else args.reply,
        tool_calls=[_tool_call(text) for text in args.tool_call],
        reasoning=args.reasoning,
        pace=args.pace,
        port=args.port,
        on_request=None if args.quiet else _log,
    )
    emulator.order(*faults, always=not args.once)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(emulator)
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


def _serve(emulator: Emulator) -> None:
    with emulator:
        width = max(map(len, emulator.providers))
        lines = [f"{name:{width}}  {emulator.base_url(name)}" for name in emulator.providers]
        output_for(None).write("\n".join(lines) + "\n")
        if sys.stdout.isatty():
            say(
                "running; Ctrl-C ends it. Ask it with: sansio-chat ask -p NAME --base-url URL PROMPT\n"
                "(any key but `wrong` will do: OPENAI_API_KEY=emulated, and the like)"
            )
        threading.Event().wait()


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


def _faults(texts: list[str]) -> list[Fault]:
    from ..emulator import parse_fault

    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise InvalidRequest(f"--fault: {error} (`--fault help` explains them)") from None


def _fault_lines() -> list[str]:
    """The lines of `--fault help`: each fault with its parameters, and its docstring."""
    from ..emulator import FAULTS

    lines = ["NAME, NAME:VALUE for its first parameter, or NAME:PARAMETER=VALUE,...", ""]
    for name, kind in sorted(FAULTS.items()):
        parameters = [_parameter(field) for field in fields(kind) if field.name != "on"]
        lines.append(f"{name}:{','.join(parameters)}" if parameters else name)
        lines.append("    " + " ".join((kind.__doc__ or "").split()))
    return lines


def _parameter(field: Any) -> str:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    if default is MISSING or isinstance(default, bytes):
        return f"{field.name}="
    return f"{field.name}={json.dumps(default, ensure_ascii=False)}"
