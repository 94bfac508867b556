"""Runs: each in a process of its own, those of different contestants in turns, so that drift of the machine cancels.

python measures.py JOB      makes one run and prints what it measured, as JSON
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
UNWANTED = ("http_proxy", "https_proxy", "all_proxy", "pythondontwritebytecode")
Job = dict[str, Any]
Figures = dict[str, float]


@contextmanager
def server() -> Iterator[str]:
    """The server's URL, while it runs."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "server.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.lower() not in UNWANTED}
    return kept | {"PYTHONPATH": str(HERE.parents[1])}


def run_once(job: Job) -> Figures:
    """One run in a fresh process."""
    done = subprocess.run(
        [sys.executable, str(HERE / "measures.py"), json.dumps(job)],
        capture_output=True, text=True, timeout=300, env=_environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{job}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def imported(statement: str) -> Figures:
    """What `statement` costs a fresh interpreter, with all that the interpreter itself costs."""
    process = subprocess.Popen([sys.executable, "-c", statement], env=_environment())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{statement} failed")
    return {"ms CPU": (used.ru_utime + used.ru_stime) * 1e3}


def in_turns(jobs: dict[str, Job], runs: int) -> dict[str, Figures]:
    """The medians of `runs` runs of each job. A run that fails is told, and left out."""
    seen: dict[str, list[Figures]] = {name: [] for name in jobs}
    for _ in range(runs):
        for name in list(seen):
            job = jobs[name]
            try:
                seen[name].append(imported(job["import"]) if "import" in job else run_once(job))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"{name}: failed: {error}", file=sys.stderr)
    return {name: medians(figures) for name, figures in seen.items() if figures}


def medians(runs: Iterable[Figures]) -> Figures:
    runs = list(runs)
    return {key: median(run[key] for run in runs) for key in runs[0]}


def perform(job: Job) -> Figures:
    """What a run's own process does."""
    if not job.pop("fast", True):
        sys.modules["msgspec"] = None  # type: ignore[assignment]  # so that importing it fails
    kind = str(job.pop("kind"))
    if kind in ("decoder", "growth", "endless"):
        import decoder

        return dict(getattr(decoder, "measure" if kind == "decoder" else kind)(**job))
    if kind in ("framing", "line"):
        import framing

        return dict(getattr(framing, kind)(**job))
    if kind in ("call", "idle"):
        import idle

        return dict(getattr(idle, kind)(**job))
    import clients

    peer = clients.COLOURS[job["colour"]][job.pop("peer")]
    if kind == "ticks":
        del job["colour"]
    return dict(getattr(clients, kind)(peer=peer, **job))


if __name__ == "__main__":
    print(json.dumps(perform(json.loads(sys.argv[1]))), flush=True)
    os._exit(0)  # peers' open connections and loops are not worth an orderly end
