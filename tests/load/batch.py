"""What the command `batch` costs: rows a second, CPU a row, and the most memory; and the same for its resumption.

python -m tests.load.batch --rows 1000000 [--concurrency 64] [--delay 0.0]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

ROOT = Path(__file__).parents[2]


@contextmanager
def server(*arguments: float) -> Iterator[str]:
    """The base URL of `batch_server`, in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("batch_server.py")), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.stdin.close()
            process.wait(20)


def batch(url: str, source: Path, target: Path, concurrency: int) -> list[str]:
    """The command."""
    files = [str(source), str(target)]
    more = ["-p", "openai", "-m", "m", "--base-url", url, "--concurrency", str(concurrency)]
    return [sys.executable, "-m", "transports", "batch", *files, *more]


def environment(home: Path) -> dict[str, str]:
    """Of a process that is measured."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "k"}


def spent(process: subprocess.Popen[bytes], look: Callable[[float], object]) -> tuple[float, float, float]:
    """Seconds, CPU seconds and the most MiB of a process and its children, which has just been started.

    `look` is called now and then, with the seconds since the start.
    """
    began = monotonic()
    while True:
        look(monotonic() - began)
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            seconds = monotonic() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        sleep(0.02)


def run(url: str, folder: Path, rows: int, concurrency: int) -> str:
    """One run, in words."""
    command = batch(url, folder / "in.jsonl", folder / "out.jsonl", concurrency)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(folder), stdin=subprocess.DEVNULL, stderr=log)
    seconds, cpu, peak = spent(process, lambda _: None)
    words = (folder / "log").read_text().splitlines()
    return (
        f"{'; '.join(words[-2:])}\n    exit code {process.returncode}: {seconds:.1f} s, {rows / seconds:,.0f} rows/s, "
        f"{cpu / rows * 1e6:.0f} us CPU a row, {peak:.0f} MiB at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds until each answer (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, server(options.delay) as url:
        folder = Path(name)
        with (folder / "in.jsonl").open("w") as lines:
            for number in range(options.rows):
                lines.write(f'{{"id": {number}, "prompt": "Say twenty words about the number {number}"}}\n')
        for _ in range(2):
            print(run(url, folder, options.rows, options.concurrency), flush=True)


if __name__ == "__main__":
    main()
