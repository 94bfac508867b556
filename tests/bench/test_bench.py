"""The benchmark still runs. What it measures is for people to look at, on a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent


def test_the_decoders_table(tmp_path: Path) -> None:
    saved = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--quick", "--only", "decoder", "--json", str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    table = json.loads(saved.read_text())["tables"]["decoder"]
    assert "openai, 64 KiB a feed: ours" in table
    assert all(value > 0 for figures in table.values() for value in figures.values())
    assert "### Decoder alone" in done.stdout


def test_the_table_of_framing(tmp_path: Path) -> None:
    saved = tmp_path / "figures.json"
    command = [sys.executable, str(BENCH), "--quick", "--only", "framing", "--json", str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    tables = json.loads(saved.read_text())["tables"]
    assert {"openai, 1,448 a feed: SSEParser", "ollama, an event a feed: ours"} <= set(tables["framing"])
    assert "SSEParser" in tables["framing-line"]
    assert all(value > 0 for table in tables.values() for figures in table.values() for value in figures.values())
    assert "### Framing alone" in done.stdout
