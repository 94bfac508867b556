"""The benchmark still runs. What it measures is for people to look at, on a quiet machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parent
TITLES = {
    "decoder": "### Decoder alone: bytes to typed events",
    "feeds": "### Decoder alone, by the size of its feeds",
    "framing": "### Framing alone",
    "tapes": "### Tapes: a long answer plain, recorded, and replayed",
    "call": "### The core's part of a call",
    "imports": "(as a multiple of dataclasses, json, re): ",
    "idle": " open exchanges: KiB each",
}


@pytest.mark.timeout(300)  # ten seconds of CPU, on machines that have others to run too
def test_a_quick_run_of_what_needs_no_peers(tmp_path: Path) -> None:
    saved = tmp_path / "figures.json"
    only = [word for name in TITLES for word in ("--only", name)]
    command = [sys.executable, str(BENCH), "--quick", *only, "--json", str(saved)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    assert not [title for title in TITLES.values() if title not in done.stdout]
    tables = json.loads(saved.read_text())["tables"]
    assert tables.keys() >= TITLES.keys()
    assert all(value > 0 for table in tables.values() for figures in table.values() for value in figures.values())
    assert "openai, 64 KiB a feed: ours" in tables["decoder"]
    assert "gemini, 1,448 bytes a feed: ours" in tables["feeds"]
    assert "openai, 1,448 a feed: SSEParser" in tables["framing"]
    assert "openai, asyncio: recorded" in tables["tapes"]
    assert tables["imports"].keys() >= {"a bare interpreter", "dataclasses, json, re", "sansio_core"}
    assert re.search(r"\(as a multiple of dataclasses, json, re\): .* sansio_core -?[0-9.]+ \(-?[0-9.]+\)", done.stdout)
    for each in tables["call"].values():
        assert each["µs CPU"] == pytest.approx(each["to first text"] + each["the rest"])
    for name in ("openai", "anthropic"):
        made, head, quiet = (tables["idle"][f"{name}, {state}"]["KiB allocated"] for state in ("made", "head", "quiet"))
        assert made < head < quiet < 12, "an open stream has become heavy"
