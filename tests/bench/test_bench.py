"""The benchmark still runs. What it measures is for people to look at, on a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent


@pytest.mark.parametrize(
    ("table", "contestant", "title"),
    [
        ("decoder", "openai, 64 KiB a feed: ours", "### Decoder alone: bytes to typed events"),
        ("feeds", "gemini, 1,448 bytes a feed: ours", "### Decoder alone, by the size of its feeds"),
        ("framing", "openai, 1,448 a feed: SSEParser", "### Framing alone"),
    ],
)
def test_the_tables(tmp_path: Path, table: str, contestant: str, title: str) -> None:
    saved = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--quick", "--only", table, "--json", str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    found = json.loads(saved.read_text())["tables"]
    assert contestant in found[table]
    assert all(value > 0 for each in found.values() for figures in each.values() for value in figures.values())
    assert title in done.stdout
