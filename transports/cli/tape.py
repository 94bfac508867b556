"""The subcommand `tape`, and how a tape is read for those that play one. `command.py` calls it."""

from __future__ import annotations

import json
from argparse import Namespace
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any

from sansio_core.tape import BrokenTape, Piece, Take, Tape, UnsafeTape
from sansio_core.tape.model import shown_url
from sansio_core.tape.redact import redacted

from .exit import COMPLETE, LOCAL, say, words_of
from .output import output_for
from .piped import opened
from .table import Row, write_table

_HEADINGS = ("TAKE", "PROVIDER", "REQUEST", "STATUS", "ENDED BY", "PIECES", "BYTES", "FIRST BYTE", "SECONDS")
_ORDER = ("REQUEST", "STATUS", "ENDED BY", "SECONDS", "BYTES", "FIRST BYTE", "PROVIDER", "PIECES")
"""Which columns a narrow terminal keeps: the first of these."""


def tape_in(path: str) -> Tape:
    """The tape in a file, or - for standard input. Raises OSError, also for what is no tape."""
    try:
        with opened(path) as file:
            return Tape.loads(file.read())
    except BrokenTape as error:
        error.path = "standard input" if path == "-" else path
        raise OSError(str(error)) from None


def show_tapes(args: Namespace) -> int:
    """Write the table of the takes, or their facts as JSON, and whether they are safe; returns the exit code."""
    found = [_facts_in(path) for path in args.file]
    facts = [*chain.from_iterable(filter(None, found))]
    out = output_for(args.output)
    if args.output == "json":
        out.write(json.dumps(facts, indent=2) + "\n")
    elif facts:
        write_table(out, _HEADINGS, [_row(fact, several=len(found) > 1) for fact in facts], _ORDER)
    unsafe = list(filter(itemgetter("unsafe"), facts))
    if unsafe:
        say("\n".join([*map("{file}, take {take}: {unsafe}".format_map, unsafe), "not safe to commit"]))
    elif None not in found and args.output != "json":
        out.write("safe to commit: nothing in it looks like a key\n")
    return LOCAL if unsafe or None in found else COMPLETE


def _facts_in(path: str) -> list[dict[str, Any]] | None:
    """The facts of each take in a file; None, after a message, where it is no tape."""
    try:
        takes = tape_in(path).takes
    except OSError as error:
        say(words_of(error))
        return None
    return [{"file": path, "take": n, **_facts(take)} for n, take in enumerate(takes, 1)]


def _facts(take: Take) -> dict[str, Any]:
    times = zip(accumulate(step.after for step in take.steps), take.steps, strict=True)
    pieces = [round(time, 6) for time, step in times if isinstance(step, Piece)]  # when they came
    return {
        "provider": take.provider or None,
        "method": take.method,
        "target": shown_url(take.target) or "/",
        "status": take.head and take.head.status,
        "ended_by": take.end.what,
        "pieces": len(pieces),
        "bytes": len(take.answer),
        "first_byte": pieces[0] if pieces else None,
        "seconds": round(take.seconds, 6),
        "unsafe": _unsafe(take),
    }


def _unsafe(take: Take) -> str | None:
    """What keeps a take from being committed: what recording it would have refused to write, or hidden."""
    try:
        safe = redacted(take, (), ())
    except UnsafeTape as error:
        return error.reason
    fields = zip(_fields(take), _fields(safe), strict=True)
    shown = dict.fromkeys(name for (name, value), (_, hidden) in fields if value != hidden)
    return f"should be [hidden]: {', '.join(shown)}" if shown else None


def _fields(take: Take) -> list[tuple[str, object]]:
    """What a take has by a name, each value once."""
    response = take.head.headers if take.head else ()
    rest = ("the error", dict(take.end.attributes)), ("the request's body", take.body)
    return [("the URL", (take.url, take.base)), *take.headers, *response, *rest]


def _row(fact: dict[str, Any], *, several: bool) -> Row:
    def cell(value: object) -> str:
        if isinstance(value, float):
            return f"{value:.3f}"
        return "-" if value is None else str(value)

    take = f"{fact['file']}:{fact['take']}" if several else fact["take"]
    request = f"{fact['method']} {fact['target']}"
    rest = ("status", "ended_by", "pieces", "bytes", "first_byte", "seconds")
    return tuple(map(cell, (take, fact["provider"], request, *map(fact.get, rest))))
