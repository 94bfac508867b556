"""The command `batch` side by side with what people use, in turns, against one server in a process of its own.

python -m tests.load.batch_peers [--python PYTHON] [--only NAMES] [--scenarios ABC] [--rounds N] [--share 0.1]

A: 10,000 rows of 20 words after 0.2 s, 100 at once, no limit. B: 2,000 rows against 100 requests a second, 20 at once,
refusals with Retry-After. C: A with four kill -9 at random, and the same command again each time. The share is of the
best possible time, with the process's start and its slow start, which took 2.5 s of our A.

The others are in `peer_scripts`; those that this environment has not live in one of their own, `--python`:

python -m venv PEERS; PEERS/bin/pip install openai tqdm tenacity litellm bespokelabs-curator
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from urllib.request import urlopen

from tests.load.batch import batch, environment, server, spent

HERE = Path(__file__).parent
LONGEST = 600.0  # seconds of a run
NEEDS = {
    "gather": ("openai", "tqdm", "tenacity"), "litellm": ("litellm",), "curator": ("bespokelabs.curator", "litellm"),
}  # fmt: skip
FIRST = {"curator": ".cache/curator/*/responses_*.jsonl"}
"""Where a peer has its first rows, if not in the output."""


@dataclass(frozen=True)
class Scenario:
    """`rate` 0: no limit. `kills`: so many runs before the last one are killed."""

    name: str
    rows: int
    rate: float = 0.0
    burst: int = 20
    delay: float = 0.2
    concurrency: int = 100
    kills: int = 0

    @property
    def best(self) -> float:
        """The seconds of a client that costs no time and knows the limit."""
        unlimited = self.rows / self.concurrency * self.delay
        return max(unlimited, (self.rows - self.burst) / self.rate) if self.rate else unlimited

    def __str__(self) -> str:
        text = f"{self.name}: {self.rows:,} rows of 20 words after {self.delay:g} s, {self.concurrency} at once"
        text += f", against {self.rate:g}/s, burst {self.burst}" if self.rate else ""
        return text + (f", {self.kills} kill -9 at random" if self.kills else "")


@dataclass
class Outcome:
    """One run, or what became of it with the runs before that were killed."""

    seconds: float
    cpu: float
    peak: float
    first: float | None
    answered: int
    failed: int
    lost: int
    double: int
    refused: int
    again: int
    """How many requests were for rows that had been answered before."""


class Client:
    """One of those who are compared, with a folder of its own."""

    def __init__(self, name: str, python: str, scenario: Scenario, url: str, folder: Path) -> None:
        self.name, self._scenario, self._url, self._folder = name, scenario, url, folder
        self._output = folder / "out.jsonl"
        source = folder / "in.jsonl"
        source.write_text("".join(f'{{"id": {n}, "prompt": "Twenty words on {n}"}}\n' for n in range(scenario.rows)))
        if name == "ours":
            self._command = batch(url, source, self._output, scenario.concurrency)
        else:
            numbers = [str(scenario.concurrency), str(int(scenario.rate * 60) or 10**6)]
            script = str(HERE / "peer_scripts.py")
            self._command = [python, script, name, url, str(source), str(self._output), *numbers]

    def go(self, random: Random) -> Outcome:
        """Run it, killed as often as the scenario has it, and count what came of it."""
        with urlopen(f"{self._url}/counts") as response:
            response.read()
        for _ in range(self._scenario.kills):
            self._run(random.uniform(0.1, 0.45) * self._scenario.best)
        seconds, cpu, peak, first = self._run(LONGEST)
        with urlopen(f"{self._url}/counts") as response:
            counts = json.load(response)
        rows, answered = Counter[int](), set[int]()
        if self._output.exists():
            with self._output.open() as lines:  # one by one: what this process takes is the least that it measures
                for line in map(json.loads, lines):
                    rows[line["id"]] += 1
                    if "error" not in line and line["text"] is not None:
                        answered.add(line["id"])
        asked = [times for row, times in counts["asked"].items() if row.isdigit()]
        return Outcome(
            seconds, cpu, peak, first, len(answered), failed=len(rows) - len(answered),
            lost=self._scenario.rows - len(rows), double=sum(rows.values()) - len(rows),
            refused=counts["refused"], again=sum(asked) - len(asked),
        )  # fmt: skip

    def _run(self, longest: float) -> tuple[float, float, float, float | None]:
        """Seconds, CPU seconds and MiB of one process with its children, and seconds until its first row was written.

        It is killed after `longest` seconds.
        """
        more = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "TELEMETRY_ENABLED": "false", "HF_HUB_OFFLINE": "1"}
        first: list[float] = []

        def look(seconds: float) -> None:
            if not first and any(path.stat().st_size for path in self._written()):
                first.append(seconds)
            if seconds > longest:
                os.killpg(process.pid, signal.SIGKILL)

        with (self._folder / "log").open("ab") as log:
            process = subprocess.Popen(
                self._command, env=environment(self._folder) | more, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        seconds, cpu, peak = spent(process, look)
        if process.returncode > 0 or seconds > LONGEST:
            print(f"{self.name}: exit code {process.returncode}\n{self._last_words()}", file=sys.stderr)
        return seconds, cpu, peak, next(iter(first), None)

    def _written(self) -> Iterator[Path]:
        if self._output.exists():
            yield self._output
        if self.name in FIRST:
            yield from self._folder.glob(FIRST[self.name])

    def _last_words(self) -> str:
        return (self._folder / "log").read_text(errors="replace").replace("\r", "\n")[-1000:]


def there(names: list[str], python: str) -> dict[str, str]:
    """The interpreter of each of `names`: this one if it has what is needed, else `python`.

    Of those that neither has it is said what is missing.
    """
    found = {}
    for name in names:
        needs = NEEDS.get(name, ())
        code = "import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, sys.argv[1:])))"
        runs = {one: [one, "-c", code, *needs] for one in (sys.executable, python)}
        fit = [one for one, run in runs.items() if not subprocess.run(run, stderr=subprocess.DEVNULL).returncode]
        if fit:
            found[name] = fit[0]
        else:
            print(f"{name} is left out: {python} has not all of {', '.join(needs)} (see --help)")
    return found


def compare(scenario: Scenario, pythons: dict[str, str], rounds: int) -> None:
    """Run them in turns, and print the table."""
    print(f"\n{scenario}; best possible: {scenario.best:.1f} s" + (f"; medians of {rounds}" if rounds > 1 else ""))
    names = list(pythons)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    limit = [scenario.rate, scenario.burst] if scenario.rate else []
    with server(scenario.delay, *limit) as url:
        for number in range(rounds):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    client = Client(name, pythons[name], scenario, url, Path(folder))
                    outcomes[name].append(client.go(Random(number)))
                print(f"    {name}: {outcomes[name][-1]}", file=sys.stderr, flush=True)
    print(
        "             s  rows/s  share  us CPU/row  peak MiB  first row s  answered  failed   lost  double  refused"
        "  asked again"
    )
    for name, runs in outcomes.items():
        print(line(name, scenario, runs), flush=True)


def line(name: str, scenario: Scenario, runs: list[Outcome]) -> str:
    """The line of the table. Of killed runs only what is in the end counts: their times say nothing."""
    seconds = median(run.seconds for run in runs)
    speed = f"{seconds:7.1f} {scenario.rows / seconds:7.0f} {scenario.best / seconds:6.0%}"
    cpu = median(run.cpu for run in runs) / scenario.rows * 1e6
    costs = f"{cpu:11.0f} {max(run.peak for run in runs):9.0f}"
    firsts = [run.first for run in runs if run.first is not None]
    first = f"{median(firsts):12.1f}" if firsts else f"{'-':>12}"
    if scenario.kills:
        speed, costs, first = " " * len(speed), " " * len(costs), " " * len(first)
    counts = (
        f"{median(run.answered for run in runs):9.0f} {median(run.failed for run in runs):7.0f}"
        f" {median(run.lost for run in runs):6.0f} {median(run.double for run in runs):7.0f}"
        f" {median(run.refused for run in runs):8.0f} {median(run.again for run in runs):12.0f}"
    )
    return f"{name:8}{speed} {costs} {first} {counts}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has those that this one has not")
    parser.add_argument("--only", default=",".join(["ours", *NEEDS]), help="(default: %(default)s)")
    parser.add_argument("--scenarios", default="ABC", help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of A; B and C have one (default: %(default)s)")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows, for a quick look (default: %(default)s)")
    options = parser.parse_args()
    pythons = there(options.only.split(","), options.python)
    many, few = int(10_000 * options.share), int(2_000 * options.share)
    scenarios = {"A": Scenario("A", many), "B": Scenario("B", few, rate=100), "C": Scenario("C", many, kills=4)}
    for letter in options.scenarios:
        compare(scenarios[letter], pythons, options.rounds if letter == "A" else 1)


if __name__ == "__main__":
    main()
