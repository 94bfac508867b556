"""The benchmark: one command, tables out.

python tests/bench [--quick] [--only NAME …] [--json FILE] [--compare FILE] [--profile]

NAME is the name of a table, or its beginning. Needs the extra `bench`; peers that are not installed are left out. All
figures are medians of five runs or more in fresh processes, those of the contestants in turns; on a machine with other
work only the ratios within one run mean anything.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from measures import in_turns, server  # noqa: E402
from profiles import profile  # noqa: E402
from tables import against, machine, show, tables  # noqa: E402


def main() -> None:
    """Measure, print, save."""
    arguments = argparse.ArgumentParser(prog="python tests/bench", description="Measure ours beside the peers.")
    arguments.add_argument("--quick", action="store_true", help="one short run of each: only shows that it works")
    arguments.add_argument("--only", action="append", metavar="NAME", help="only tables whose names begin so")
    arguments.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    arguments.add_argument("--compare", type=Path, metavar="FILE", help="show saved figures beside the new ones")
    arguments.add_argument("--profile", action="store_true", help="show where the time goes in ours")
    options = arguments.parse_args()
    before = json.loads(options.compare.read_text())["tables"] if options.compare else {}
    about = machine()
    print(*(f"{name} {value}" for name, value in about.items()), sep=", ", end="\n\n")
    found = {}
    with server() as url:
        for table in tables(url, options.quick):
            if options.only and not any(table.name.startswith(name) for name in options.only):
                continue
            found[table.name] = figures = in_turns(table.jobs, table.runs, options.quick)
            print(show(table, figures, before.get(table.name, {})), against(table, figures), sep="\n", flush=True)
        for colour in ("blocking", "asyncio") if options.profile else ():
            print(profile(url, colour, "burst", 20_000), profile(url, colour, "first", 300), sep="\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps({"about": about, "tables": found}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
