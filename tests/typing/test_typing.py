"""What mypy and pyright say of the public API: nothing of api.py, and of refused.py what is marked there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FILES = [str(HERE / "api.py"), str(HERE / "refused.py")]


def output_of(*command: str) -> str:
    # pyright looks for a newer version of itself, and gets it, only where a variable says so.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYRIGHT_")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr  # 1: there are errors
    return done.stdout


def mypy() -> set[tuple[str, int]]:
    kept = ROOT / ".mypy_cache"  # with what mypy has found at an earlier time, it takes a tenth of the time
    cache = kept if kept.exists() else os.devnull
    said = map(json.loads, output_of("mypy", "--output=json", f"--cache-dir={cache}", *FILES).splitlines())
    return {(Path(item["file"]).name, item["line"]) for item in said if item["severity"] == "error"}


def pyright() -> set[tuple[str, int]]:
    said = json.loads(output_of("pyright", "--outputjson", "--pythonpath", sys.executable, *FILES))
    assert said["summary"]["filesAnalyzed"] == len(FILES)
    return {(Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in said["generalDiagnostics"]}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_what_passes_and_what_does_not(checker: Callable[[], set[tuple[str, int]]]) -> None:
    lines = (HERE / "refused.py").read_text().splitlines()
    marked = {("refused.py", number) for number, line in enumerate(lines, 1) if line.endswith("  # error")}
    assert checker() == marked
