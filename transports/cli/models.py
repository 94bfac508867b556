"""The subcommand `models`: a host's own list of its models. `command.py` calls it."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import asdict

from sansio_core import ModelInfo, providers

from .ask import COMPATIBLE, provider_of, settings_of
from .exit import COMPLETE, say
from .output import output_for
from .table import Row, write_table

_HEADINGS = ("NAME", "CONTEXT", "OUTPUT", "INPUT", "SHUT DOWN")
_ORDER = ("CONTEXT", "SHUT DOWN", "OUTPUT", "INPUT")


def show_models(args: Namespace) -> int:
    """Ask a host for the list of its models, and write it; returns the exit code."""
    args.model = None
    if args.emulate and args.provider is None:
        args.provider = COMPATIBLE  # the emulated provider that answers elsewhere has no list
    named = providers.info(provider_of(args)).models
    # A provider that has these models and no others has no list to be asked for.
    models = [ModelInfo(name) for name in named] if named else _asked(args)
    out = output_for(args.output)
    if args.output == "json":
        out.write(json.dumps([asdict(model) for model in models], indent=2) + "\n")
    elif not models:
        say("the host's list has no models")
    else:
        write_table(out, _HEADINGS, [_row(model) for model in models], _ORDER)
    return COMPLETE


def _asked(args: Namespace) -> list[ModelInfo]:
    from ..blocking import Client

    with ExitStack() as stack:
        settings = settings_of(args, stack)
        settings["model"] = "unnamed"  # a list depends on no model; but Azure's clients need one
        return stack.enter_context(Client(**settings)).models(details=True)


def _row(model: ModelInfo) -> Row:
    def count(tokens: int | None) -> str:
        return "-" if tokens is None else f"{tokens:,}"

    return model.name, count(model.context), count(model.output), ", ".join(model.input) or "-", model.shut_down or "-"
