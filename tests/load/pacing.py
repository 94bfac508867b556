"""The pacing at servers that it was not tuned on, in virtual time: the share of each limit, and what is refused.

python -m tests.load.pacing [--seeds N] [--only TEXT] [--trace SECONDS] [--random N]

The share is the time of the best possible client, who knows the limit, over the pacing's own. Each figure is the
worst of the seeds. It exits with 1 where a figure is missed; of servers drawn at random one in twenty may miss one.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "core"), str(HERE.parents[1])]

from pacing_cases import CASES  # noqa: E402
from pacing_course import Case, Course, Run, missed  # noqa: E402
from pacing_random import random_case  # noqa: E402


def named(name: str) -> Case:
    number = name.split()[0]
    known = next((case for case in CASES if case.name == name), None)
    return known or random_case(int(number))


def examined(name: str, seeds: range) -> list[Course]:
    case = named(name)
    return [Run(case, seed).go() for seed in seeds]


def line(case: Case, courses: list[Course]) -> tuple[str, bool]:
    """The table's line of a case, and whether it is missed."""
    shares = sorted(course.share for course in courses)
    wrong = sorted({what for course in courses for what in missed(case, course)})
    refused = max(course.refused_share for course in courses)
    fair = max(course.fair for course in courses)
    best = max(course.best for course in courses)
    text = f"{case.name:46} {shares[0]:5.0%} {shares[len(shares) // 2]:5.0%} {refused:7.2%} {best:7.0f}"
    text += f" {fair:5.1f}" if len(case.late) > 1 else " " * 6
    return f"{text}  {'; '.join(wrong)[:100]}", bool(wrong)


def print_trace(case: Case, seed: int, seconds: float) -> None:
    """What went on in each stretch of so many seconds: sent, answered, refused; at its end in flight, window, hold."""
    run = Run(case, seed, traced=True)
    course = run.go()
    print(f"{case.name}: share {course.share:.0%}, refused {course.refused_share:.2%} {course.broken}")
    print("  from s    sent answered refused in flight window   hold")
    stretch: dict[str, int] = {}
    number = 0
    for at, what, flying, window, hold in [*course.trace, (course.seconds + seconds, "", 0, 0, 0.0)]:
        while at >= (number + 1) * seconds:
            figures = [stretch.get(one, 0) for one in ("sent", "answered", "refused", "flying", "window")]
            print(f"{number * seconds:8.1f}" + "".join(f"{one:9}" for one in figures) + f"{stretch.get('hold', 0):7}")
            stretch, number = {"flying": stretch.get("flying", 0), "window": stretch.get("window", 0)}, number + 1
        stretch[what] = stretch.get(what, 0) + 1
        stretch |= {"flying": flying, "window": window, "hold": max(stretch.get("hold", 0), round(max(0.0, hold)))}


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(prog="python -m tests.load.pacing", description="The pacing, examined.")
    arguments.add_argument("--seeds", type=int, default=5, help="how many (%(default)s)")
    arguments.add_argument("--first", type=int, default=1, help="the first of them (%(default)s)")
    arguments.add_argument("--only", default="", help="only servers whose name has this text")
    arguments.add_argument("--random", type=int, default=0, help="so many servers drawn at random instead")
    arguments.add_argument("--draw", type=int, default=1, help="the first of their numbers (%(default)s)")
    arguments.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    arguments.add_argument("--trace", type=float, help="print the first seed's course in steps of so many seconds")
    options = arguments.parse_args()
    drawn = range(options.draw, options.draw + options.random)
    cases = [random_case(number) for number in drawn] if options.random else CASES
    cases = [case for case in cases if options.only in case.name]
    if options.trace:
        for case in cases:
            print_trace(case, options.first, options.trace)
        return
    start = time.monotonic()
    seeds = range(options.first, options.first + options.seeds)
    print(f"{'server':46} worst  mid. refused  best s  fair  missed")
    count = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for case, courses in zip(cases, pool.map(examined, [c.name for c in cases], [seeds] * len(cases)), strict=True):
            text, wrong = line(case, courses)
            count += wrong
            print(text, flush=True)
    print(f"{len(cases)} servers, {len(seeds)} seeds: {count} missed; {time.monotonic() - start:.0f} s")
    sys.exit(count > len(cases) * (options.random > 0) / 20)


if __name__ == "__main__":
    main()
