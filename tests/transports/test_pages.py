"""The pages beside the README are true: the tests in them pass as they stand, and the gallery names each example."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from transports.emulator import Emulator

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_the_tests_of_the_pages_for_testers_pass(tmp_path: Path) -> None:
    """Those that want a tape record it from an emulator first; then all run, without a place to ask."""
    pages = [(EXAMPLES / name).read_text(encoding="utf-8") for name in ("testing.md", "tapes.md")]
    blocks = [block for page in pages for block in re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)]
    for number, block in enumerate(blocks):
        (tmp_path / f"test_{number}.py").write_text(block, encoding="utf-8")
    taped = [f"test_{number}.py" for number, block in enumerate(blocks) if "def test_capital(chat_tape)" in block]
    with Emulator(reply="Ljubljana.") as emulator:
        place = {"OPENAI_BASE_URL": emulator.base_url("openai"), "OPENAI_API_KEY": "any"}
        assert f"{len(taped)} passed" in pytest_run(tmp_path, "--tapes=record", *taped, **place)
    tests = sum(block.count("\ndef test_") for block in blocks)
    assert f"{tests} passed" in pytest_run(tmp_path, "--tapes=replay")


def pytest_run(folder: Path, *arguments: str, **variables: str) -> str:
    """What pytest says of the tests in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_the_page_about_bulk_runs(tmp_path: Path) -> None:
    """Its blocks, one after another in one folder, as its reader would run them."""
    page = (EXAMPLES / "bulk.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(sh|python)\n(.*?)^```$", page, re.M | re.S)
    assert {language for language, _ in blocks} == {"sh", "python"}
    for language, block in blocks:
        shell = block.replace("sansio-chat ", f"{sys.executable} -m transports ")
        done = subprocess.run(
            ["bash", "-e", "-c", shell] if language == "sh" else [sys.executable, "-W", "error", "-c", block],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=50,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {(row["id"], row.get("keep", {}).get("label")) for row in rows} == {("a1", 7), ("a2", None)}
    shown = [json.loads(line) for line in re.findall(r'^\{"row".*', page, re.M)]  # its sample rows have our fields
    known = {*rows[0], *rows[1], "usage", "error"}
    assert not {name for row in shown for name in row} - known


def test_the_gallery_names_each_example() -> None:
    gallery = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".md")} - {"README.md"}
    assert set(re.findall(r"\w+\.(?:py|md)\b", gallery)) == there
