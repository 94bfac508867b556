"""The subcommands `providers` and `emulate`: what there is, and a server to try. `command.py` calls them."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import threading
from argparse import Namespace
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

from sansio_core import InvalidRequest, providers
from sansio_core.providers import ProviderInfo

from .exit import COMPLETE, LOCAL, say
from .output import output_for

if TYPE_CHECKING:
    from ..emulator import Emulator, Fault


def show_providers(args: Namespace) -> int:
    """A table of the providers, or their facts as JSON; gives the exit code."""
    known = [providers.info(name) for name in providers.names()]
    out = output_for(args.output)
    if args.output == "json":
        out.write(json.dumps([asdict(info) for info in known], indent=2) + "\n")
    else:
        out.write("\n".join(_table([_HEADINGS, *map(_row, known)])) + "\n")
    return COMPLETE


_NARROW = 8  # characters: no column is cut below that
_HEADINGS = ("NAME", "DEFAULT MODEL", "WORKING", "KEY VARIABLE", "BASE URL")


def _row(info: ProviderInfo) -> tuple[str, ...]:
    return info.name, info.default_model or "-", "yes" if info.working else "no", info.api_key_env or "-", info.url


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows in columns; on a terminal the widest columns are cut until a row fits."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = shutil.get_terminal_size().columns - 2 * (len(widths) - 1)
    while sys.stdout.isatty() and sum(widths) > room and max(widths) > _NARROW:
        widths[widths.index(max(widths))] -= 1
    return ["  ".join(map(_cell, row, widths)).rstrip() for row in rows]


def _cell(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def emulate(args: Namespace) -> int:
    """Run the emulator until Ctrl-C or SIGTERM; gives the exit code."""
    from ..emulator import DEFAULT_TEXT, Emulator

    if "help" in args.fault:
        output_for(None).write("\n".join(_fault_lines()) + "\n")
        return COMPLETE
    faults = _faults(args.fault)
    emulator = Emulator(reply=DEFAULT_TEXT if args.reply is None else args.reply, pace=args.pace, port=args.port)
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
            say("running; Ctrl-C ends it. Ask it with: sansio-chat ask -p NAME --base-url URL PROMPT")
        threading.Event().wait()


def _faults(texts: list[str]) -> list[Fault]:
    from ..emulator import parse_fault

    try:
        return [parse_fault(text) for text in texts]
    except ValueError as error:
        raise InvalidRequest(f"--fault: {error} (`--fault help` explains them)") from None


def _fault_lines() -> list[str]:
    """Each fault with its parameters and what it does."""
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
