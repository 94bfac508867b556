"""The examples: as programs of their own, and as modules."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"


def command(example: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """What subprocess takes to run that example, every warning an error."""
    return {
        "args": [sys.executable, "-X", "dev", "-W", "error", str(EXAMPLES / example), *arguments],
        "env": {**os.environ, "PYTHONPATH": str(EXAMPLES.parent), "PYTHONIOENCODING": "utf-8", **environment},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "encoding": "utf-8",
    }


def run(example: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**command(example, *arguments, **environment), timeout=50)


def load(example: str) -> Any:
    spec = importlib.util.spec_from_file_location(example.removesuffix(".py"), EXAMPLES / example)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
