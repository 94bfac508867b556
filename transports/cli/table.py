"""Tables on standard output, for `providers` and `models`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from .exit import say
from .output import Output

Row = tuple[str, ...]


def write_table(out: Output, headings: Row, rows: Sequence[Row], drop: Sequence[str]) -> None:
    """Write the rows under their headings, without the columns in which no row has anything ("-").

    No cell is ever cut. On a terminal that is too narrow, columns are left out in the order of `drop`, and a message
    names them; what is left over may be wider than the terminal, which then wraps it.
    """
    shown = [n for n in range(len(headings)) if not n or any(row[n] != "-" for row in rows)]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    dropped = []
    for name in drop:
        n = headings.index(name)
        if n in shown and sum(widths[n] for n in shown) + 2 * (len(shown) - 1) > room:
            shown.remove(n)
            dropped.append(name)
    lines = ("  ".join(row[n].ljust(widths[n]) for n in shown).rstrip() for row in (headings, *rows))
    out.write("\n".join(lines) + "\n")
    if dropped:
        say(f"the terminal is too narrow for {', '.join(dropped)}: --json has all")
