"""What is measured against what, as tables: each with its contestants, its floor, and the target that it must reach."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path

from clients import COLOURS
from decoder import BY_HAND, CODEC, FLOOR, SHAPES, Decoding, contestants, sweep
from idle import CALLS, QUIET, STATES
from measures import Figures, Job
from taping import HOW

PACKAGES = (
    "sansio-chat", "msgspec", "requests", "urllib3", "h11", "uvloop", "httpx", "httpx-sse", "aiohttp", "openai",
    "anthropic", "ollama",
)  # fmt: skip

BARE = "a bare interpreter"
LIBRARY = "dataclasses, json, re"
"""What any package of typed values that reads JSON imports of the standard library: the floor of ours."""


@dataclass
class Table:
    """`jobs` by contestant; `floors` names for each the one that it is divided by."""

    name: str
    title: str
    jobs: dict[str, Job]
    floors: dict[str, str] = field(default_factory=dict)
    runs: int = 5


def tables(url: str, quick: bool) -> list[Table]:
    """All of them; `quick` only shows that they work."""
    runs = 1 if quick else 5
    count = 2_000 if quick else 20_000
    made = [
        _decoder("decoder", "Decoder alone: bytes to typed events", contestants(), count),
        _decoder("feeds", "Decoder alone, by the size of its feeds", sweep(), count),
        *_framing(count, quick),
    ]
    for colour in COLOURS:
        title = f"{colour}: one event an HTTP chunk, text to the user"
        made.append(_clients(colour, title, colour, url, "burst", count=count))
    for colour in COLOURS:
        title = f"{colour}: first text on a warm connection"
        made.append(_clients(f"first-{colour}", title, colour, url, "first", count=30 if quick else 300))
    streams = 50 if quick else 1000
    for name, ticks, every in (("streams", 100, 10), ("short", 20, 100)):
        title = f"{streams} asyncio streams of {ticks} events, one in {every} ms"
        made.append(_clients(name, title, "asyncio", url, "ticks", streams=streams, ticks=ticks, every=every))
    framings = ["chunked"] if quick else ["chunked", "length", "close", "gzip"]
    for colour in COLOURS:
        title = f"{colour}: delay of one event inside the client, every 40 ms"
        made.append(_clients(f"delay-{colour}", title, colour, url, "slow", framings=framings))
    made += [_tapes(url, count, quick), _imports(quick), *_growth(quick), _call(quick), _idle(quick)]
    for table in made:
        table.runs = min(runs, table.runs)
    return made


def _decoder(name: str, title: str, decodings: list[Decoding], count: int) -> Table:
    from importlib.util import find_spec

    all_there = {wire: find_spec(wire) is not None for wire in ("openai", "anthropic", "httpx_sse")}
    jobs: dict[str, Job] = {}
    floors = {}
    for one in decodings:
        sdk = one.who.partition("'")[0] if one.who.endswith("SDK") else "httpx_sse" if "httpx" in one.who else ""
        fast = one.who.endswith("+ fast")
        if not all_there.get(sdk, True) or (fast and find_spec("msgspec") is None):
            continue
        job = {"kind": "decoder", "wire": one.wire, "feed": one.feed, "who": one.who, "fast": fast}
        jobs[one.name] = job | {"count": count if one.wire != "raw" else count * 10}
        floors[one.name] = one.floor.replace(FLOOR, CODEC) if one.wire == "raw" else one.floor
    return Table(name, title, jobs, floors)


def _framing(count: int, quick: bool) -> list[Table]:
    from importlib.util import find_spec

    import framing

    there = {framing.HTTPX: find_spec("httpx_sse") is not None}
    found = [one for one in framing.contestants() if there.get(one.who, True)]
    jobs: dict[str, Job] = {
        one.name: {"kind": "framing", "wire": one.wire, "feed": one.feed, "who": one.who, "count": count, "fast": False}
        for one in found
    }
    mib = 1 if quick else 8
    lines: dict[str, Job] = {
        who: {"kind": "line", "who": who, "mib": mib, "fast": False} for who in framing.LINES if there.get(who, True)
    }
    return [
        Table("framing", "Framing alone: bytes to events, lines or text", jobs, {one.name: one.floor for one in found}),
        Table("framing-line", f"One line of {mib} MiB, 1 KiB a feed", lines, dict.fromkeys(lines, framing.BY_HAND)),
    ]


def _clients(name: str, title: str, colour: str, url: str, kind: str, **options: object) -> Table:
    jobs: dict[str, Job] = {}
    floors = {}
    for number, peer in enumerate(COLOURS[colour]):
        if not peer.there or (kind != "burst" and (peer.wire != "openai" or peer.fast)):
            continue
        jobs[peer.name] = {"kind": kind, "colour": colour, "peer": number, "url": url, "fast": peer.fast, **options}
        if peer.wire == "openai":
            floors[peer.name] = "floor on uvloop" if peer.uvloop else COLOURS[colour][0].name
    return Table(name, title, jobs, floors)


def _tapes(url: str, count: int, quick: bool) -> Table:
    jobs: dict[str, Job] = {}
    floors = {}
    wires = ("openai",) if quick else ("openai", "anthropic", "openai_responses", "gemini", "ollama")
    for name, colour, wire, how in ((f"{w}, {c}", c, w, how) for w in wires for c in COLOURS for how in HOW):
        job = {"kind": "tapes", "colour": colour, "wire": wire, "how": how, "url": url, "count": count, "fast": False}
        jobs[f"{name}: {how}"] = job
        floors[f"{name}: {how}"] = f"{name}: {HOW[0]}"
    return Table("tapes", "Tapes: a long answer plain, recorded, and replayed at speed 0", jobs, floors)


def _imports(quick: bool) -> Table:
    from importlib.util import find_spec

    statements = {BARE: "pass", LIBRARY: "import dataclasses, json, re", "sansio_core": "import sansio_core"}
    statements |= {f"{name} of ours": f"from transports import {name}" for name in ("Client", "AsyncClient")}
    peers = () if quick else ("httpx", "aiohttp", "openai", "anthropic", "ollama")  # these take seconds
    statements |= {name: f"import {name}" for name in ("requests", "h11", *peers) if find_spec(name)}
    return Table("imports", "Import", {name: {"import": line} for name, line in statements.items()}, runs=9)


def _growth(quick: bool) -> list[Table]:
    sizes = [1, 2] if quick else [1, 8, 64]
    jobs: dict[str, Job] = {shape: {"kind": "growth", "shape": shape, "sizes": sizes} for shape in (*SHAPES, BY_HAND)}
    endless: dict[str, Job] = {"endless stream": {"kind": "endless", "mib": 16 if quick else 256}}
    return [
        Table("growth", "Growth: nanoseconds of CPU a byte, by size", jobs),
        Table("endless", "Memory of an endless stream", endless, runs=3),
    ]


def _call(quick: bool) -> Table:
    jobs: dict[str, Job] = {name: {"kind": "call", "name": name, "count": 50 if quick else 2000} for name in CALLS}
    return Table("call", "The core's part of a call: µs of CPU, step by step", jobs)


def _idle(quick: bool) -> Table:
    count = 500 if quick else 10_000
    jobs: dict[str, Job] = {
        f"{name}, {state}": {"kind": "idle", "name": name, "state": state, "count": count}
        for name in QUIET
        for state in STATES
    }
    return Table("idle", f"{count:,} open exchanges: KiB each", jobs, runs=3)


def show(table: Table, found: dict[str, Figures], before: dict[str, Figures]) -> str:
    """A table as Markdown. `before` are the figures of an earlier run: the change is told."""
    columns = list(next(iter(found.values()), {}))
    main = columns[0] if columns else ""
    ratios = [heading for heading, wanted in (("of the floor", table.floors), ("before", before)) if wanted]
    lines = [
        f"### {table.title}",
        "",
        "| | " + " | ".join([*columns, *ratios]) + " |",
        "|---" * (len(columns) + len(ratios) + 1) + "|",
    ]
    for name, figures in found.items():
        cells = [_number(figures[column]) for column in columns]
        if table.floors:
            floor = found.get(table.floors.get(name, ""))
            cells.append(f"{figures[main] / floor[main]:.2f}" if floor else "")
        if before:
            cells.append(_number(before[name][main]) if name in before else "")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def against(table: Table, found: dict[str, Figures]) -> str:
    """How many times each peer's figure is ours, for the tables of clients; for imports, without the interpreter."""
    if table.name == "imports":
        over = {name: figures["ms CPU"] - found[BARE]["ms CPU"] for name, figures in found.items()}
        told = (f"{name} {ms:.1f} ({ms / over[LIBRARY]:.1f})" for name, ms in over.items() if name != BARE)
        return f"ms CPU over a bare interpreter (as a multiple of {LIBRARY}): " + ", ".join(told) + "\n"
    ours = found.get("ours")
    if ours is None:
        return ""
    main = next(iter(ours))
    pairs = [
        f"{name} {figures[main] / ours[main]:.1f}"
        for name, figures in found.items()
        if name != "ours" and table.floors.get(name)
    ]
    return f"{main}, as a multiple of ours: " + ", ".join(pairs) + "\n"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"


def machine() -> dict[str, str]:
    """What it was measured on, and what with."""
    model = next((line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    found = {
        "machine": f"{os.cpu_count()} cores {model}, {int(memory) >> 20} GiB, {platform.platform()}",
        "Python": sys.version.split()[0],
    }
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "-"
    return found


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
