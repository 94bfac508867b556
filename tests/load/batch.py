"""What a bulk run costs: rows a second, CPU a row, and the most memory; and the same for its resumption.

python -m tests.load.batch --rows 1000000 [--concurrency 64] [--delay 0.0]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RUN = """
import resource, sys, time
from transports.batch import Batch
_, url, input, output, concurrency = sys.argv
began = time.monotonic()
summary = Batch(input, output, "openai", api_key="k", base_url=url, model="m", concurrency=int(concurrency)).run()
used = resource.getrusage(resource.RUSAGE_SELF)
print(summary.rows, summary.failed, summary.skipped, time.monotonic() - began)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


@contextmanager
def server(delay: float) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("batch_server.py")), str(delay)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.stdin.close()
            process.wait(20)


def run(url: str, folder: Path, concurrency: int) -> str:
    """One run in a process of its own, in words."""
    arguments = [url, str(folder / "in.jsonl"), str(folder / "out.jsonl"), str(concurrency)]
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=True)
    rows, failed, skipped, seconds, cpu, peak = map(float, done.stdout.split())
    count = rows or skipped
    what = "rows" if rows else "rows were there already"
    return (
        f"{count:,.0f} {what}, {failed:.0f} failed: {seconds:.1f} s, {count / seconds:,.0f} rows/s, "
        f"{cpu / count * 1e6:.0f} us CPU a row, {peak:.0f} MiB at most"
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
            lines.writelines(
                f'{{"id": {n}, "prompt": "Say twenty words about the number {n}"}}\n' for n in range(options.rows)
            )
        print(run(url, folder, options.concurrency), flush=True)
        print(run(url, folder, options.concurrency), flush=True)


if __name__ == "__main__":
    main()
