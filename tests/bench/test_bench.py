"""The benchmark still runs. What it measures is for people to look at, on a quiet machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent


def figures(name: str, saved: Path) -> tuple[dict[str, dict[str, float]], str]:
    """The table `name` in a quick run, and how it is printed."""
    command = [sys.executable, str(BENCH), "--quick", "--only", name, "--json", str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    table = json.loads(saved.read_text())["tables"][name]
    assert all(value > 0 for figures in table.values() for value in figures.values())
    return table, done.stdout


@pytest.mark.parametrize(
    ("name", "contestant", "title"),
    [
        ("decoder", "openai, 64 KiB a feed: ours", "### Decoder alone: bytes to typed events"),
        ("feeds", "gemini, 1,448 bytes a feed: ours", "### Decoder alone, by the size of its feeds"),
        ("framing", "openai, 1,448 a feed: SSEParser", "### Framing alone"),
    ],
)
def test_the_decoders_tables(tmp_path: Path, name: str, contestant: str, title: str) -> None:
    table, shown = figures(name, tmp_path / "figures.json")
    assert contestant in table
    assert title in shown


def test_the_imports_table(tmp_path: Path) -> None:
    table, shown = figures("imports", tmp_path / "figures.json")
    assert table.keys() >= {"a bare interpreter", "dataclasses, json, re", "sansio_core"}
    assert re.search(r"\(as a multiple of dataclasses, json, re\): .* sansio_core -?[0-9.]+ \(-?[0-9.]+\)", shown)


def test_the_tapes_table(tmp_path: Path) -> None:
    table, shown = figures("tapes", tmp_path / "figures.json")
    assert "openai, asyncio: recorded" in table
    assert "### Tapes: a long answer plain, recorded, and replayed" in shown


def test_the_calls_table(tmp_path: Path) -> None:
    table, shown = figures("call", tmp_path / "figures.json")
    for each in table.values():
        assert each["µs CPU"] == pytest.approx(each["to first text"] + each["the rest"])
    assert "### The core's part of a call" in shown


def test_the_idle_table(tmp_path: Path) -> None:
    table, _ = figures("idle", tmp_path / "figures.json")
    for name in ("openai", "anthropic"):
        made, head, quiet = (table[f"{name}, {state}"]["KiB allocated"] for state in ("made", "head", "quiet"))
        assert made < head < quiet < 12, "an open stream has become heavy"
