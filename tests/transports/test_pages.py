"""The pages beside the README are true: the tests in them pass as they stand, and the gallery names each example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_the_tests_of_the_page_for_testers_pass(tmp_path: Path) -> None:
    page = (EXAMPLES / "testing.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    for number, block in enumerate(blocks):
        (tmp_path / f"test_{number}.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert f"{len(blocks)} passed" in done.stdout, done.stdout + done.stderr


def test_the_gallery_names_each_example() -> None:
    gallery = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".md")} - {"README.md"}
    assert set(re.findall(r"\w+\.(?:py|md)\b", gallery)) == there
