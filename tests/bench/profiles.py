"""Where a microsecond goes: our own clients under cProfile, which makes calls look dearer than they are."""

from __future__ import annotations

import cProfile
import io
import pstats

from clients import COLOURS, burst, first

LINES = 18


def profile(url: str, colour: str, kind: str, count: int) -> str:
    """The functions that most of the time of one of our runs is spent in."""
    peer = next(peer for peer in COLOURS[colour] if peer.name == "ours")
    watch = cProfile.Profile()
    watch.enable()
    figures = {"burst": burst, "first": first}[kind](colour, peer, url, count)
    watch.disable()
    text = io.StringIO()
    pstats.Stats(watch, stream=text).strip_dirs().sort_stats("tottime").print_stats(LINES)
    table = text.getvalue().partition("Ordered by")[2].partition("\n\n")[2].rstrip()
    shown = ", ".join(f"{value:.1f} {name}" for name, value in figures.items())
    return f"### Profile: {colour}, {kind} ({shown}, while watched)\n\n```\n{table}\n```\n"
