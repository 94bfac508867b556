"""The subcommand `providers`: a table of them, or their facts as JSON. `command.py` calls it."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from dataclasses import asdict

from sansio_core import providers
from sansio_core.providers import ProviderInfo

from .._shared import installed as installed  # so that other packages' providers are listed
from .exit import COMPLETE
from .output import output_for


def show_providers(args: Namespace) -> int:
    """Write the table of the providers, or their facts as JSON; returns the exit code."""
    known = [providers.info(name) for name in providers.names()]
    out = output_for(args.output)
    if args.output == "json":
        out.write(json.dumps([_facts(info) for info in known], indent=2) + "\n")
    else:
        out.write("\n".join(_table([_HEADINGS, *map(_row, known)])) + "\n")
    return COMPLETE


_NARROW = 8  # characters; no column is made narrower than that
_HEADINGS = ("NAME", "DEFAULT MODEL", "WORKING", "KEY VARIABLE", "BASE URL")


def _facts(info: ProviderInfo) -> dict[str, object]:
    alike = ("supports_message_history", "supports_system_message")  # the same of all, and so no fields of each
    return asdict(info) | {name: getattr(info, name) for name in alike}


def _row(info: ProviderInfo) -> tuple[str, ...]:
    return info.name, info.default_model or "-", "yes" if info.working else "no", info.api_key_env or "-", info.url


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """The rows in columns; on a terminal the widest columns are cut until a row fits the terminal's width."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = shutil.get_terminal_size().columns - 2 * (len(widths) - 1)
    while sys.stdout.isatty() and sum(widths) > room and max(widths) > _NARROW:
        widths[widths.index(max(widths))] -= 1
    return ["  ".join(map(_cell, row, widths)).rstrip() for row in rows]


def _cell(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"
