"""AskBatch in Ray Data: a job that is killed goes on from Ray's own checkpoint; and tables of Arrow and pandas."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from transports.batch import AskBatch
from transports.emulator import Emulator
from transports.emulator.faults import Status

pytestmark = [
    pytest.mark.interop,
    pytest.mark.timeout(300),
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray[data]"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc"),
]
KEY = "sk-in-no-file-of-rays"
ROWS, NULL = 400, 77
PATIENCE = 120.0
"""Seconds for a job, nearly all of them Ray's own start."""


class Jobs:
    """Runs of ray_job.py, each in a session of its own, all of which ends with it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self._url = folder, url
        self.rays_folders: list[Path] = []

    def run(self, until: Callable[[], bool] = lambda: False) -> tuple[int, str]:
        """The exit code of a run, which is killed once `until` is true, and what it printed."""
        # Ray makes sockets there, whose paths may have 107 bytes
        self.rays_folders.append(Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp")))
        command = [sys.executable, str(Path(__file__).with_name("ray_job.py")), str(self.folder), self._url]
        log = self.folder / f"log{len(self.rays_folders)}"
        with log.open("w") as printed:
            job = subprocess.Popen(
                [*command, str(self.rays_folders[-1])], stdout=printed, stderr=printed, start_new_session=True,
                env={**os.environ, "OPENAI_API_KEY": KEY, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": _ROOT},
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        try:
            while job.poll() is None and not until():
                assert time.monotonic() < deadline, log.read_text()[-5000:]
                time.sleep(0.05)
        finally:
            _end(job)
        return job.returncode, log.read_text()

    @property
    def committed(self) -> int:
        """How many blocks are written, and so not asked again."""
        return sum("pending" not in path.name for path in (self.folder / "checkpoint").glob("*.parquet"))


_ROOT = str(Path(__file__).parents[2])


def _end(job: subprocess.Popen[bytes]) -> None:
    """Kill the job alone, as a crash would; then all that Ray leaves behind, which mostly ends by itself."""
    if job.poll() is None:
        job.kill()
    job.wait()
    deadline = time.monotonic() + 30
    while left := _of_session(job.pid):
        assert time.monotonic() < deadline, left
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def _of_session(session: int) -> list[int]:
    """The processes of `session` that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, number = path.read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it ended meanwhile
            continue
        if int(number) == session and state != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(reply=lambda prompt: f"Re: {prompt}", delay=0.3) as emulator:
        yield emulator


@pytest.fixture
def jobs(tmp_path: Path, emulator: Emulator) -> Iterator[Jobs]:
    import pyarrow
    import pyarrow.parquet

    prompts = [None if number == NULL else f"Question {number}" for number in range(ROWS)]
    (tmp_path / "in").mkdir()
    pyarrow.parquet.write_table(
        pyarrow.table({"id": range(ROWS), "prompt": prompts}), tmp_path / "in" / "prompts.parquet"
    )
    jobs = Jobs(tmp_path, emulator.base_url("openai"))
    yield jobs
    for folder in [tmp_path, *jobs.rays_folders]:
        with_key = [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
        assert with_key == []
    for folder in jobs.rays_folders:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_killed_job_goes_on_from_its_checkpoint(jobs: Jobs, emulator: Emulator) -> None:
    import pyarrow.parquet

    assert jobs.run(until=lambda: jobs.committed >= 2)[0] == -signal.SIGKILL
    written, asked = jobs.committed * 20, emulator.received
    assert written < ROWS
    code, printed = jobs.run()
    assert code == 0, printed[-5000:]
    table = pyarrow.parquet.read_table(jobs.folder / "out")
    rows = {row["id"]: row for row in table.to_pylist()}
    assert sorted(table["id"].to_pylist()) == list(range(ROWS))
    assert rows.pop(NULL)["answer_error"].endswith("it must be a text, a list of messages or a mapping, not null")
    assert all(row["answer"] == f"Re: {row['prompt']}" and row["answer_error"] is None for row in rows.values())
    assert emulator.received - asked <= ROWS - written
    assert str(table.schema.field("answer_error").type) == "string"


def test_a_wrong_key_ends_the_job_and_leaves_its_rows_open(jobs: Jobs, emulator: Emulator) -> None:
    emulator.order(Status(401), always=True)
    code, printed = jobs.run()
    assert code == 1
    assert "AuthenticationFailed: the provider did not accept the key (status 401)" in printed
    assert emulator.received < ROWS / 4
    assert jobs.committed == 0


# --- tables, without Ray running -------------------------------------------------------------------------------------

NAMES = ["", "_error", "_finish_reason", "_input_tokens", "_output_tokens", "_seconds", "_tries", "_more"]
ARROW = dict(zip(NAMES, ["string"] * 3 + ["int64"] * 2 + ["double", "int64", "string"], strict=True))
PANDAS = {name: {"int64": "Int64", "double": "float64"}.get(kind, kind) for name, kind in ARROW.items()}
PROMPTS = [[], [None], ["a"], [None, "a"]]


@pytest.fixture
def ask(emulator: Emulator) -> Iterator[AskBatch]:
    with AskBatch("openai", model="m", base_url=emulator.base_url("openai"), api_key=lambda: KEY) as ask:
        yield ask


@pytest.mark.parametrize("prompts", PROMPTS, ids=str)
@pytest.mark.parametrize("kind", ["Table", "RecordBatch"])
def test_arrow_has_the_same_types_whatever_the_answers(ask: AskBatch, kind: str, prompts: list[Any]) -> None:
    import pyarrow

    column = pyarrow.array(prompts, pyarrow.string())
    answers = ask(getattr(pyarrow, kind).from_arrays([column], ["prompt"]))
    assert type(answers).__name__ == kind
    assert {field.name: str(field.type) for field in answers.schema} == {
        "prompt": "string", **{f"answer{name}": kind for name, kind in ARROW.items()},
    }  # fmt: skip
    assert answers["answer"].to_pylist() == [prompt and "Re: a" for prompt in prompts]


@pytest.mark.parametrize("prompts", PROMPTS, ids=str)
def test_pandas_has_the_same_types_whatever_the_answers(ask: AskBatch, prompts: list[Any]) -> None:
    import pandas

    index = [number + 7 for number in range(len(prompts))]
    answers = ask(pandas.DataFrame({"prompt": prompts}, index=index))
    assert {name: str(kind) for name, kind in answers.dtypes.items()} == {
        "prompt": str(answers["prompt"].dtype), **{f"answer{name}": kind for name, kind in PANDAS.items()},
    }  # fmt: skip
    assert list(answers.index) == index
    assert [None if pandas.isna(text) else text for text in answers["answer"]] == [each and "Re: a" for each in prompts]


def test_arrays_of_numpy_and_messages_of_arrow(ask: AskBatch) -> None:
    import numpy
    import pyarrow

    answers = ask({"prompt": numpy.array(["a", "b"])})
    assert [str(answers[f"answer{name}"].type) for name in NAMES] == list(ARROW.values())
    messages = [
        [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}],
        [{"role": "user", "content": "d", "name": "Ana"}],  # Arrow gives the others a `name` too, which is null
    ]
    table = pyarrow.table({"prompt": messages})
    assert ask(table)["answer_error"].null_count == 2
    assert list(ask(table.to_pandas())["answer_error"].isna()) == [True, True]
