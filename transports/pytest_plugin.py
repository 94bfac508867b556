"""The pytest plugin: a test with the fixture `chat_tape` asks over the network once, and plays its tape from then on.

    def test_answer(chat_tape):
        assert my_code() == "…"

The tape is `tapes/<module>.<test>.tape` beside the test's file. What is done with it, `pytest --tapes=…` says:

once      plays it, and records it where there is none; the default. Where the environment variable CI is set: `replay`
replay    plays it: a request that is not on it fails, and nothing reaches the network
record    records it anew; a test that passed without a request has no tape afterwards
off       neither: the test asks over the network

It is for every client of this process, in all threads and tasks: the code under test knows nothing of it. Clients of
others take `chat_tape.base_url(…)`. A test fails where a request was not on the tape, even if the code went on, and
where takes were left over. The tape of a test that fails stays as it was.

This loads nothing but itself with pytest, and what plays and records when a test uses the fixture.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .tapes import Replay


class ChatTape:
    """A test's tape: `path` is its file, `mode` what this run does with it.

    This one is neither played nor recorded; the subclasses are.
    """

    mode: Literal["replay", "record", "off"] = "off"

    def __init__(self, item: pytest.Item, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self.allow_unused = False
        """Set it to True if requests of the tape need not all be made."""
        self.passed = False
        self.kept = ""
        """What became of the file, if anything: for the summary of the run."""
        self._item, self._settings = item, settings
        self._open = ExitStack()
        self._server: Any = None

    def base_url(self, provider: str) -> str:
        """The `base_url` for a client of others, such as `openai.OpenAI(base_url=chat_tape.base_url("openai"))`.

        While the tape is played or recorded, it is that of a server on this machine.
        """
        from sansio_core import providers

        from ._shared.environment import base_url_of

        return providers.create(provider, base_url=base_url_of(provider, None)[0]).base_url

    def begin(self) -> None:
        """Play or record from now on."""

    def end(self) -> str:
        """Do so no more. Returns what is wrong with the test if it passed so far."""
        return ""

    def hint(self, failure: str) -> str:
        """What the tape has to do with the test's failure, as far as its text does not say so."""
        return ""

    @property
    def name(self) -> str:
        """The file, as it is called from the folder in which pytest was started."""
        return self._called(self.path)

    @property
    def command(self) -> str:
        """The command that records this tape anew."""
        test = f"{self._called(self._item.path)}::{self._item.nodeid.partition('::')[2]}"
        return f"pytest --tapes=record {shlex.quote(test)}"

    def _called(self, path: Path) -> str:
        folder = self._item.config.invocation_params.dir
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    def __repr__(self) -> str:
        return f"<ChatTape {self.name}: {self.mode}>"


class _Played(ChatTape):
    mode = "replay"

    def begin(self) -> None:
        from sansio_core.tape import Tape

        from . import tapes

        self._found = self.path.exists()
        settings = {name: value for name, value in self._settings.items() if name != "redact"}
        self._replay = self._open.enter_context(tapes.replay(self.path if self._found else Tape(), **settings))

    def base_url(self, provider: str) -> str:
        from . import tapes

        if self._server is None:
            speed = self._settings.get("speed", 0)
            self._server = self._open.enter_context(tapes.serve(self._replay.deck, speed=speed))
        return self._server.base_url(provider)

    def end(self) -> str:
        self._open.close()
        if unmatched := self._replay.unmatched:
            return "\n\n".join([*map(str, unmatched), self._advice])
        if self.allow_unused or not self._replay.unused:
            return ""
        return f"{self.name} has what no request asked for:\n{_told(self._replay)}\n{self._advice}"

    def hint(self, failure: str) -> str:
        if not self._replay.unmatched:
            return ""
        swallowed = [text for error in self._replay.unmatched if (text := str(error)) not in failure]
        return "\n\n".join([*swallowed, self._advice])

    @property
    def _advice(self) -> str:
        if self._found:
            return f"The tape is {self.name}; to record it anew, over the network: {self.command}"
        return f"There is no tape {self.name}; to record it, over the network: {self.command}"


class _Recorded(ChatTape):
    mode = "record"

    def begin(self) -> None:
        from uuid import uuid4

        from . import tapes

        self.path.parent.mkdir(exist_ok=True)
        self._draft = self.path.with_name(f".{self.path.name}.{uuid4().hex[:8]}")
        self._open.callback(self._draft.unlink, missing_ok=True)
        self._open.enter_context(tapes.record(self._draft, redact=self._settings.get("redact", ())))

    def end(self) -> str:
        try:
            self._open.close()
            if self.passed:
                self._keep()
        except (OSError, ValueError) as error:  # UnsafeTape is a ValueError
            return f"The tape {self.name} was not recorded: {error}"
        finally:
            self._draft.unlink(missing_ok=True)
        return ""

    def _keep(self) -> None:
        from sansio_core.tape import Tape

        if Tape.loads(self._draft.read_bytes()).takes:
            os.replace(self._draft, self.path)
            self.kept = f"recorded: {self.name}"
        elif self.path.exists():  # its takes would be left over from now on
            self.path.unlink()
            self.kept = f"removed, as no request was made: {self.name}"

    def hint(self, failure: str) -> str:
        left = f"; {self.name} stays as it was" if self.path.exists() else ""
        return f"Nothing was recorded, as the test failed{left}."


def _told(replay: Replay) -> str:
    return "\n".join(f"  {take.method} {take.target} {take.body[:100].decode(errors='replace')}" for take in replay.unused)


@pytest.fixture
def chat_tape_settings() -> Mapping[str, Any]:
    """How the tapes of `chat_tape` are made and played: a dict of `redact`, `ignore` and `speed`, none of them needed.

    Override it in a conftest.py, a module or a class. They are what `transports.tapes.record` and `replay` take.
    """
    return {}


@pytest.fixture
def chat_tape(request: pytest.FixtureRequest, chat_tape_settings: Mapping[str, Any]) -> Generator[ChatTape]:
    """The test's tape (`path`, `mode`, `allow_unused`, `base_url()`), which is played, or recorded, during the test."""
    settings = _checked(chat_tape_settings)
    item = request.node
    path = item.path.parent / "tapes" / f"{_stem(item)}.tape"
    tape = _kind(request.config, path)(item, path, settings)
    try:
        tape.begin()
    except (OSError, ValueError) as error:  # BrokenTape is a ValueError, and names the file
        pytest.fail(str(error), pytrace=False)
    item.stash[_TAPE] = tape
    yield tape
    if (wrong := tape.end()) and tape.passed:
        pytest.fail(wrong, pytrace=False)


_TAPE = pytest.StashKey[ChatTape]()
_SETTINGS = ("redact", "ignore", "speed")


def _checked(settings: object) -> Mapping[str, Any]:
    known = ", ".join(_SETTINGS)
    if not isinstance(settings, Mapping):
        pytest.fail(f"chat_tape_settings returns a dict ({known}), not {settings!r}", pytrace=False)
    if unknown := [name for name in settings if name not in _SETTINGS]:
        pytest.fail(f"chat_tape_settings has no setting {unknown[0]!r}; it has: {known}", pytrace=False)
    return settings


def _kind(config: pytest.Config, path: Path) -> type[ChatTape]:
    mode = config.getoption("--tapes")
    if mode == "once":
        ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
        mode = "replay" if ci or path.exists() else "record"
    return {"replay": _Played, "record": _Recorded, "off": ChatTape}[mode]


def _stem(item: pytest.Item) -> str:
    """The name of the item's tape, without its suffix; no other item of the folder has the same."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    name, _, parameters = item.name.partition("[")
    stem = ".".join([item.path.stem, *classes, name])
    if not parameters:
        return stem
    fit = parameters.removesuffix("]")
    if not re.fullmatch(r"[a-z0-9_.-]{1,80}", fit):  # no capitals: some file systems take A and a for the same
        from hashlib import sha256

        fit = re.sub(r"[^A-Za-z0-9_.-]+", "_", fit)[:40] + "-" + sha256(parameters.encode()).hexdigest()[:8]
    return f"{stem}-{fit}"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the outermost: the report is as other plugins leave it
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    tape = item.stash.get(_TAPE, None)
    if tape is not None and report.when == "call":
        tape.passed = report.passed
        if report.failed and (hint := tape.hint(report.longreprtext)):
            report.sections.append(("chat tape", hint))
    elif tape is not None and report.when == "teardown":
        report.chat_tape = tape.kept  # an attribute, so that it comes with the report from another process, too
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for some in terminalreporter.stats.values() for report in some]
    for kept in sorted(filter(None, (getattr(report, "chat_tape", "") for report in reports))):
        terminalreporter.write_line(f"tape {kept}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("tapes", "tapes of chat streams").addoption(
        "--tapes",
        choices=["once", "replay", "record", "off"],
        default="once",
        help="what the fixture chat_tape does: play the test's tape, and record it where there is none (once, the "
        "default; where the environment variable CI is set: replay), play alone (replay), record it anew (record), or "
        "neither (off)",
    )
