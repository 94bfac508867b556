"""Runs: each in a process of its own, those of different contestants in turns, so that drift of the machine cancels.

python measures.py JOBS     makes a run of each and prints what they measured, as JSON
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
SHARING = ("decoder", "framing", "line", "tapes")
"""What may run in one process after another of its kind, where the figures are for no one to look at."""
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


def run(jobs: list[Job]) -> list[Figures]:
    """A run of each, one after the other in one fresh process."""
    done = subprocess.run(
        [sys.executable, str(HERE / "measures.py"), json.dumps(jobs)],
        capture_output=True, text=True, timeout=300, env=_environment(), check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{jobs}: {done.stderr[-2000:]}")
    return list(json.loads(done.stdout.splitlines()[-1]))


def imported(statement: str) -> Figures:
    """What `statement` costs a fresh interpreter, with all that the interpreter itself costs."""
    process = subprocess.Popen([sys.executable, "-c", statement], env=_environment())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{statement} failed")
    return {"ms CPU": (used.ru_utime + used.ru_stime) * 1e3}


def in_turns(jobs: dict[str, Job], runs: int, quick: bool = False) -> dict[str, Figures]:
    """The medians of `runs` runs of each job. A run that fails is told, and left out.

    `quick` has those share a process that can: most of a short run is the start of its process.
    """
    seen: dict[str, list[Figures]] = {name: [] for name in jobs}
    processes: dict[object, list[str]] = {}
    for name, job in jobs.items():
        alone = not quick or job.get("kind") not in SHARING
        processes.setdefault(name if alone else job["fast"], []).append(name)
    for _ in range(runs):
        for names in processes.values():
            job = jobs[names[0]]
            try:
                found = [imported(job["import"])] if "import" in job else run([jobs[name] for name in names])
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"{', '.join(names)}: failed: {error}", file=sys.stderr)
                continue
            for name, figures in zip(names, found, strict=True):
                seen[name].append(figures)
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
    if kind == "tapes":
        import taping

        return taping.tapes(**job)
    import clients

    peer = clients.COLOURS[job["colour"]][job.pop("peer")]
    if kind == "ticks":
        del job["colour"]
    return dict(getattr(clients, kind)(peer=peer, **job))


if __name__ == "__main__":
    print(json.dumps([perform(job) for job in json.loads(sys.argv[1])]), flush=True)
    os._exit(0)  # peers' open connections and loops are not worth an orderly end
