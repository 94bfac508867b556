"""The subcommand `completion`, and what the script that it prints asks this command for. `command.py` calls both."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sansio_core import ChatError, InvalidRequest, providers

from .config import prepare
from .exit import COMPLETE
from .output import output_for


def show_script(args: Namespace) -> int:
    """Write the script for a shell; returns the exit code."""
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        raise InvalidRequest('completion needs the extra `cli`: pip install "sansio-chat[cli]"') from None
    output_for(None).write(shellcode(["sansio-chat"], use_defaults=False, shell=args.shell))
    return COMPLETE


def complete(parser: ArgumentParser) -> None:
    """Give the shell what can stand at the cursor, and end the process; returns at once without the extra `cli`."""
    with suppress(ImportError):
        from argcomplete import autocomplete
        from argcomplete.completers import BaseCompleter

        class Values(BaseCompleter):
            def __call__(self, *, prefix: str, action: Action, **_: Any) -> Iterable[str]:
                return _values(action, prefix)

        autocomplete(parser, always_complete_options="long", default_completer=Values())


def _values(action: Action, prefix: str) -> Iterable[str]:
    """What can be the value of an argument; argcomplete itself knows those with a fixed choice."""
    if action.dest in ("provider", "remove", "wire"):
        with suppress(ChatError, OSError):  # nobody reads messages here
            prepare(Namespace())
        return providers.names()
    if action.dest == "fault":
        from ..emulator import FAULTS

        return FAULTS
    if action.metavar in ("FILE", "PATH", "IN", "OUT"):
        from argcomplete.completers import FilesCompleter

        found: list[str] = FilesCompleter()(prefix)
        return found
    return ()
