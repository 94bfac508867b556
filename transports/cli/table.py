"""Tables on standard output, for `providers`, `models` and `tape`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from .exit import say
from .output import Output

Row = tuple[str, ...]


def write_table(out: Output, headings: Row, rows: Sequence[Row], order: Sequence[str]) -> None:
    """Write the rows under their headings, without the columns in which no row has anything ("-").

    No cell is ever cut. On a terminal, only as many columns as it has room for are shown, the first of all and then by
    `order`, and a message names the others; the first may be wider than the terminal, which then wraps it.
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    shown, used, dropped = [0], widths[0], []
    for name in order:
        n = headings.index(name)
        if all(row[n] == "-" for row in rows):
            continue
        if used + 2 + widths[n] <= room:
            shown.append(n)
            used += 2 + widths[n]
        else:
            dropped.append(name)
    lines = ("  ".join(row[n].ljust(widths[n]) for n in sorted(shown)).rstrip() for row in (headings, *rows))
    out.write("\n".join(lines) + "\n")
    if dropped:
        say(f"the terminal is too narrow for {', '.join(dropped)}: --json has all")
