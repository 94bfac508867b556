"""Coverage-guided fuzzing of the core, for as long as you like; needs atheris.

python -m tests.fuzz NAME|all [--seconds N] [--corpus DIR]

What was found interesting stays in the corpus and is where the next run begins. A finding ends the run with its input
in a file, which `python -m tests.fuzz NAME FILE` runs again.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "transports"), str(HERE.parents[1])]
from fuzz_seeds import NAMES, seeds  # noqa: E402


def main() -> None:
    """Run one target in this process, or all of them in one each."""
    arguments = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz the core, guided by coverage.")
    arguments.add_argument("name", choices=[*NAMES, "all"], metavar="NAME", help="all, or one of: " + ", ".join(NAMES))
    arguments.add_argument("files", nargs="*", type=Path, metavar="FILE", help="run these inputs once, and no other")
    arguments.add_argument("--seconds", type=int, default=60, help="for how long, all targets together (%(default)s)")
    arguments.add_argument("--corpus", type=Path, default=Path(tempfile.gettempdir(), "sansio-chat-fuzz"))
    options = arguments.parse_args()
    if options.name == "all":
        sys.exit(run_all(options.seconds, options.corpus))
    corpus = options.corpus / options.name
    (corpus / "found").mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(options.name)):
        (corpus / f"seed-{number}").write_bytes(data)
    limits = ["-max_len=2048", "-timeout=20", "-rss_limit_mb=3000"]
    where = [str(file) for file in options.files] or [str(corpus), f"-max_total_time={options.seconds}"]
    fuzz(options.name, [*limits, f"-artifact_prefix={corpus / 'found'}/", "-print_final_stats=1", *where])


def fuzz(name: str, settings: list[str]) -> None:
    """Hand over to atheris, which ends the process."""
    import atheris  # type: ignore[import-untyped]  # it has no types

    with atheris.instrument_imports(include=["sansio_core", "transports"]):
        from fuzz_targets import TARGETS
    atheris.Setup([sys.argv[0], *settings], TARGETS[name])
    atheris.Fuzz()


def run_all(seconds: int, corpus: Path) -> int:
    """Each target in turn, and how many inputs it took; the number of targets with findings."""
    failures = total = 0
    for name in NAMES:
        each = ["--seconds", str(max(1, seconds // len(NAMES))), "--corpus", str(corpus)]
        done = subprocess.run(
            [sys.executable, __file__, name, *each], check=False, capture_output=True, text=True, errors="replace"
        )
        found = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        inputs = int(found[1]) if found else 0
        total += inputs
        failures += done.returncode != 0
        print(f"{name:26} {inputs:12,} inputs  {'ok' if done.returncode == 0 else 'FINDING'}", flush=True)
        if done.returncode:
            print(done.stdout[-4000:], done.stderr[-1500:], flush=True)
    print(f"{'in all':26} {total:12,} inputs", flush=True)
    return failures


if __name__ == "__main__":
    main()
