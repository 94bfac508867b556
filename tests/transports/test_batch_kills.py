"""A batch in a process of its own that is ended: killed, interrupted, or by a full disk; and the run that goes on."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from batches import Files

from transports.emulator import Emulator
from transports.emulator.faults import Hang, Stall

PROGRAM = """
import sys
from transports.batch import Batch, run
_, url, input, output, concurrency = sys.argv
run._TICK = 0.01  # so that it says soon that a signal has come
said = []
def progress(summary):
    if summary.interrupted and not said:
        said.append(print("no more", flush=True))
settings = dict(api_key="k", base_url=url, model="m", concurrency=int(concurrency), progress=progress)
summary = Batch(input, output, "openai", **settings).run()
print(summary.answered, summary.failed, summary.interrupted)
"""
CONCURRENCY = 8


@contextmanager
def process(
    files: Files, emulator: Emulator, before: Callable[[], None] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own, every warning an error."""
    arguments = [emulator.base_url("openai"), str(files.input), str(files.output), str(CONCURRENCY)]
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True, preexec_fn=before) as running:  # type: ignore[call-overload]
        try:
            yield running
        finally:
            running.kill()


def stopping(running: subprocess.Popen[str]) -> bool:
    """Whether it goes on after a signal, with what is in flight; waits until it has got that."""
    assert running.stdout is not None
    return running.stdout.readline() == "no more\n" and running.poll() is None


def check(files: Files, emulator: Emulator, rows: int, kills: int) -> None:
    """No row is lost or double, and only what was in flight at a kill was asked again."""
    assert files.answered == list(range(rows))
    asked = Counter(request.json["messages"][-1]["content"] for request in emulator.requests)
    assert len(asked) == rows
    assert sum(asked.values()) - rows <= kills * CONCURRENCY


def killed_at(files: Files, emulator: Emulator, answers: int) -> None:
    """Run, and kill -9 once so many more rows are asked."""
    wanted = emulator.received + answers
    with process(files, emulator) as running:
        emulator.wait_for(lambda emulator: emulator.received >= wanted or running.poll() is not None, timeout=40)
        running.kill()


def test_two_kills(tmp_path: Path) -> None:
    files = Files(tmp_path, 80)
    with Emulator(keep=None, delay=0.005) as emulator:
        for answers in (20, 30):
            killed_at(files, emulator, answers)
        assert files.batch(emulator, concurrency=CONCURRENCY).run().failed == 0
        check(files, emulator, 80, 2)


@pytest.mark.load
@pytest.mark.timeout(300)
def test_twenty_kills_at_random(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    lots = random.Random(seed)
    files = Files(tmp_path, 3000)
    with Emulator(keep=None, delay=0.01) as emulator:
        for _ in range(20):
            killed_at(files, emulator, lots.randrange(1, 200))
            with files.output.open("rb+") as output:  # a power cut may tear the last line anywhere
                output.truncate(max(0, output.seek(0, os.SEEK_END) - lots.choice([0, 0, 1, 50])))
        files.batch(emulator, concurrency=CONCURRENCY).run()
        assert files.answered == list(range(3000))
        assert emulator.received - 3000 <= 20 * (CONCURRENCY + 1)


def test_a_signal_lets_what_is_in_flight_end(tmp_path: Path) -> None:
    files = Files(tmp_path, 40)
    with Emulator(keep=None) as emulator:
        emulator.order(*[None] * 10, *[Stall(where="headers")] * 40)
        with process(files, emulator) as running:
            emulator.wait_for(lambda emulator: emulator.received >= 12, timeout=40)
            running.send_signal(signal.SIGTERM)
            assert stopping(running)
            emulator.release()
            said, complaint = running.communicate(timeout=40)
        assert (said.split(), complaint) == ([str(emulator.received), "0", "True"], "")
        files.batch(emulator).run()
        check(files, emulator, 40, 0)


def test_a_second_signal_cancels_what_is_in_flight(tmp_path: Path) -> None:
    files = Files(tmp_path, 40)
    with Emulator(keep=None) as emulator:
        emulator.order(*[None] * 10, *[Hang()] * 40)
        with process(files, emulator) as running:
            emulator.wait_for(lambda emulator: emulator.received >= 12, timeout=40)
            running.send_signal(signal.SIGINT)
            assert stopping(running)
            running.send_signal(signal.SIGINT)
            said, complaint = running.communicate(timeout=40)
        assert (said.split(), complaint) == (["10", "0", "True"], "")
        assert emulator.received <= 10 + CONCURRENCY
    assert len(files.lines) == 10


def test_a_full_disk_stops_the_run_which_goes_on_when_there_is_room(tmp_path: Path) -> None:
    files = Files(tmp_path, 60)

    def before() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    with Emulator(keep=None) as emulator:
        with process(files, emulator, before) as running:
            _, complaint = running.communicate(timeout=40)
        assert running.returncode == 1
        assert complaint.rstrip().splitlines()[-1].startswith("OSError: [Errno 27] File too large:")
        assert str(files.output) in complaint
        written = files.output.read_bytes()
        assert written.endswith(b"}\n")
        assert len(written) <= 5000
        files.batch(emulator, concurrency=CONCURRENCY).run()
        check(files, emulator, 60, 2)  # what was in flight, and what had come and waited to be written


def test_standard_input(tmp_path: Path) -> None:
    files = Files(tmp_path, 5)
    with Emulator(keep=None) as emulator:
        files.batch(emulator).run()  # the key of a row is the same from wherever it comes
        files.input.write_text(files.input.read_text() + '{"id": 5, "prompt": "Question 5"}\n')
        arguments = [emulator.base_url("openai"), "-", str(files.output), "2"]
        command = [sys.executable, "-c", PROGRAM, *arguments]
        with files.input.open() as rows:
            done = subprocess.run(command, stdin=rows, capture_output=True, text=True, timeout=40, check=True)
        assert done.stdout.strip() == "1 0 False"
        check(files, emulator, 6, 0)
