"""The README is true: each of its code blocks runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from processes import complaints

from sansio_core import providers

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)


def _named(language: str) -> list[str]:
    return [code for name, code in BLOCKS if name == language]


@pytest.mark.parametrize("code", _named("python"), ids=lambda code: code.strip().splitlines()[-1][:40])
def test_python_block(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
    )
    assert complaints(done.stderr) == ""
    assert done.returncode == 0
    assert done.stdout.strip()


def test_the_two_commands_are_one_line_each() -> None:
    for title in ("Try it", "Test it"):
        section = README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
        blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
        assert len(blocks) == 1
        assert blocks[0].count("\n") == 1


def test_every_block_is_one_that_a_test_runs() -> None:
    """Python blocks run above; shell blocks are the two commands (run by CI) and those of the command's own tests."""
    assert {name for name, _ in BLOCKS} <= {"python", "sh", "text"}


LINES = [line for code in _named("sh") for line in code.splitlines() if "pip install" not in line]


@pytest.mark.parametrize("line", LINES)
def test_shell_line(line: str, tmp_path: Path) -> None:
    """A command line of the README, with our own interpreter in place of an installed command."""
    command = line.replace("sansio-chat ", f"{sys.executable} -m transports.cli ")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_table_of_providers_names_them_all() -> None:
    table = README.split("## Providers\n", 1)[1].strip().split("\n\n", 1)[0]
    assert set(re.findall(r"`(\w+)`", table)) >= set(providers.names())
    for row in table.splitlines()[2:]:
        names, _, model, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        if model.startswith("`"):
            assert {providers.info(name).default_model for name in re.findall(r"\w+", names)} == {model.strip("`")}
