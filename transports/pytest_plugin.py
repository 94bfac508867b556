"""The pytest plugin: a test with the fixture `chat_tape` asks over the network once, and plays its tape from then on.

    def test_answer(chat_tape):
        assert my_code() == "…"

The tape is `tapes/<module>.<test>.tape` beside the test's file. What is done with it, `pytest --tapes=…` says:

once      plays it, and records it where there is none; the default. Where the environment variable CI is set: `replay`
replay    plays it: a request that is not on it fails, and nothing goes to the network
record    records it anew; a test that passes without any request has no tape afterwards
off       neither: the test asks over the network

It is for every client of this process, in all threads and tasks: the code under test knows nothing of it. Clients of
others take `chat_tape.base_url(…)`. A test fails where a request was not on the tape, even if the code went on, and
where takes were left over. The tape of a test that does not pass, or is interrupted, stays as it was.

A fixture of a wider scope asks before the test's tape begins: with `transports.tapes` it has one of its own.

With pytest this loads nothing but itself; what plays and records, when a test uses the fixture.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = ("redact", "ignore", "speed")


class ChatTape:
    """A test's tape: `path` is its file, `mode` what this run does with it.

    `allow_unused`: set it to True in a test that need not make every request of its tape.
    """

    mode: Literal["replay", "record", "off"] = "off"  # what the subclasses do not do

    def __init__(self, item: pytest.Item, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self.allow_unused = False
        self._item, self._settings = item, settings
        self._open = ExitStack()
        self._serve: Callable[[], Any]  # what gives the server for clients of others
        self._server: Any = None
        self._outcomes: list[str] = []  # of the parts that the test reports by themselves, and the last its own

    def base_url(self, provider: str) -> str:
        """The `base_url` for a client of others, as in `openai.OpenAI(base_url=chat_tape.base_url("openai"))`.

        It is that of a server on this machine, unless the mode is "off". While a tape is played, the variable in which
        such a client looks for its key has one until the test ends, if it had none.
        """
        if self.mode == "off":
            from sansio_core import providers

            from ._shared.environment import base_url_of

            return base_url_of(provider, None)[0] or providers.info(provider).url
        if self._server is None:
            self._server = self._open.enter_context(self._serve())
        return str(self._server.base_url(provider))

    def _begin(self) -> None:
        """Play or record from now on."""

    def _end(self) -> str:
        """Do so no more. Returns what is wrong with a test that passed so far."""
        return ""

    def _hint(self, failure: str) -> str:
        """What the tape has to do with a test's failure, as far as that does not say so."""
        return ""

    def _hide(self) -> None:
        """Hide our own functions in the tracebacks of requests that are not on the tape."""

    @property
    def _passed(self) -> bool:
        return self._outcomes[-1:] == ["passed"] and "failed" not in self._outcomes

    @property
    def _name(self) -> str:
        return self._called(self.path)

    @property
    def _command(self) -> str:
        test = f"{self._called(self._item.path)}::{self._item.nodeid.partition('::')[2]}"
        return f"pytest --tapes=record {shlex.quote(test)}"

    def _called(self, path: Path) -> str:
        """The path as it is written in the folder in which pytest was started."""
        folder = self._item.config.invocation_params.dir
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    def __repr__(self) -> str:
        return f"<ChatTape {self._name}: {self.mode}>"


class _Played(ChatTape):
    mode = "replay"

    def _begin(self) -> None:
        from sansio_core.tape import BrokenTape, Deck, Tape

        from ._shared.replay import load
        from .tapes import replay, serve

        self._found = self.path.exists()
        try:
            tape = load(self.path) if self._found else Tape()
        except BrokenTape as error:
            raise ValueError(f"{error}\n\n{self._advice}") from None
        self._deck = Deck(tape, ignore=self._settings.get("ignore", ()))
        speed = self._settings.get("speed", 0)
        self._serve = partial(serve, self._deck, speed=speed)
        self._open.enter_context(replay(self._deck, speed=speed))

    def base_url(self, provider: str) -> str:
        from sansio_core import providers
        from sansio_core.tape.play import KEY

        url, variable = super().base_url(provider), providers.info(provider).api_key_env
        if variable and not os.environ.get(variable):
            self._open.enter_context(pytest.MonkeyPatch.context()).setenv(variable, KEY)
        return url

    def _end(self) -> str:
        self._open.close()
        if unmatched := self._hint(""):
            return unmatched
        if self.allow_unused or not self._deck.unused:
            return ""
        from sansio_core.tape.match import printed

        lines = [f"{len(self._deck.unused)} of {len(self._deck.takes)} takes answered no request of the test."]
        for number, take in enumerate(self._deck.takes):
            if self._deck.has(number):
                request = f"{take.method} {take.target} {take.body[:200].decode(errors='replace')}"[:100]
                lines.append(f"  take {number + 1}: {printed(request)}")
        lines.append("If it need not make every request: chat_tape.allow_unused = True\n")
        return "\n".join([*lines, self._advice])

    def _hint(self, failure: str) -> str:
        texts = list(dict.fromkeys(map(str, self._deck.unmatched)))  # the code under test may have asked again
        caught = [text for text in texts if not all(line in failure for line in text.splitlines())]
        if len(caught) > _LINES:
            caught[_LINES:] = [f"and {len(caught) - _LINES} requests more"]
        return "\n\n".join([*caught, self._advice + _IGNORE * ("ignore=" in "".join(texts))]) if texts else ""

    def _hide(self) -> None:
        from sansio_core.tape import UnmatchedRequest

        if self._deck.unmatched:
            for name, module in list(sys.modules.items()):
                if name.startswith(("transports.", "sansio_core.")):
                    vars(module)["__tracebackhide__"] = methodcaller("errisinstance", UnmatchedRequest)

    @property
    def _advice(self) -> str:
        if self._found:
            return f"The tape is {self._name}. To record it anew, over the network:\n  {self._command}"
        return f"There is no tape {self._name}. To record it, over the network:\n  {self._command}"


class _Recorded(ChatTape):
    mode = "record"

    def _begin(self) -> None:
        from ._shared.draft import Draft
        from .tapes import relay

        self._draft = self._open.enter_context(Draft(self.path, redact=self._settings.get("redact", ())))
        self._serve = partial(relay, self._draft)

    def _end(self) -> str:
        try:
            self._open.close()
            if self._draft.lost:
                raise self._draft.lost[0]
            if self._draft.streams:
                return f"The tape {self._name} was not recorded: {_STILL_OPEN}"
            self._save()
        except (OSError, ValueError) as error:  # UnsafeTape is a ValueError
            return f"The tape {self._name} was not recorded: {error}"
        return ""

    def _save(self) -> None:
        if not self._passed:
            if self._draft.takes and self._outcomes and "failed" not in self._outcomes:
                self._tell("not recorded, as the test did not pass")
        elif self._draft.takes:
            self._draft.save()
            self._tell("recorded")
        elif self.path.exists():  # its takes would be left over from now on
            self.path.unlink()
            self._tell("removed, as the test made no request")

    def _tell(self, what: str) -> None:
        """Say in the run's summary what became of the file; the report brings it there from xdist's workers, too."""
        self._item.user_properties.append((_TOLD, f"tape {what}: {self._name}"))

    def _hint(self, failure: str) -> str:
        if not self._draft.takes:
            return ""
        before = f"{self._name} stays as it was" if self.path.exists() else f"there is no {self._name} yet"
        return f"The test asked over the network. As it failed, nothing is recorded: {before}."


_STILL_OPEN = (
    "a stream is open at the test's end. Read it to its end, or close it; where a fixture does so, that fixture has to "
    "take chat_tape, too."
)
_IGNORE = '\nFor ignore=, have a fixture chat_tape_settings return {"ignore": ("metadata.run",)}'
_TAPE = pytest.StashKey[ChatTape]()
_TOLD = "chat_tape"
_LINES = 10


@pytest.fixture
def chat_tape_settings() -> Mapping[str, Any]:
    """How `chat_tape` plays and records: a dict of `redact`, `ignore`, `speed`; override it where they are needed.

    They are those of transports.tapes.record and replay. A conftest.py, a module or a class may override it.
    """
    return {}


@pytest.fixture
def chat_tape(
    request: pytest.FixtureRequest, chat_tape_settings: Mapping[str, Any]
) -> Generator[ChatTape, None, None]:
    """The test's tape, played or recorded during the test: `path`, `mode`, `allow_unused`, `base_url(provider)`."""
    item: pytest.Item = request.node
    path = item.path.parent / "tapes" / f"{_stem(item)}.tape"
    tape = _kind(item.config, path)(item, path, _checked(chat_tape_settings))
    try:
        tape._begin()
    except (OSError, ValueError) as error:  # of the tape, or a setting's InvalidRequest
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    item.stash[_TAPE] = tape
    yield tape
    if (wrong := tape._end()) and tape._passed:
        pytest.fail(wrong, pytrace=False)


def _checked(settings: object) -> Mapping[str, Any]:
    known = ", ".join(_SETTINGS)
    if not isinstance(settings, Mapping):
        pytest.fail(f"chat_tape_settings returns a dict with any of {known}, not {settings!r}", pytrace=False)
    if unknown := [repr(name) for name in settings if name not in _SETTINGS]:
        pytest.fail(f"chat_tape_settings: there is no {', '.join(unknown)}; there are {known}", pytrace=False)
    return settings


def _kind(config: pytest.Config, path: Path) -> type[ChatTape]:
    mode = str(config.getoption("--tapes"))
    if mode == "once":
        ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
        mode = "replay" if ci or path.exists() else "record"
    return {"replay": _Played, "record": _Recorded, "off": ChatTape}[mode]


def _stem(item: pytest.Item) -> str:
    """The name of the item's tape without its suffix, which no other item of the folder has."""
    classes = [node.name for node in item.listchain() if isinstance(node, pytest.Class)]
    name, bracket, parameters = item.name.partition("[")
    stem = ".".join([item.path.stem, *classes, name])
    if not bracket:
        return stem
    fit = parameters.removesuffix("]")
    if not re.fullmatch(r"[a-z0-9_.-]{1,80}", fit):  # no capitals: to some file systems A and a are the same
        from hashlib import sha256

        fit = re.sub(r"[^A-Za-z0-9_.-]+", "_", fit)[:40] + "-" + sha256(parameters.encode()).hexdigest()[:8]
    return f"{stem}-{fit}"


@pytest.hookimpl(wrapper=True, tryfirst=True)  # the outermost: the report is as other plugins leave it
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    tape = item.stash.get(_TAPE, None)
    if tape is None or call.when == "teardown":
        return (yield)
    tape._hide()
    report = yield
    if call.when == "call":
        tape._outcomes.append(report.outcome)
    if report.failed and (hint := tape._hint(report.longreprtext)):
        if (add := getattr(report.longrepr, "addsection", None)) is not None:
            add("chat tape", hint)  # which is shown with --show-capture=no as well
        else:
            report.sections.append(("chat tape", hint))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for some in terminalreporter.stats.values() for report in some]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", ())]
    told = sorted({str(value) for name, value in properties if name == _TOLD})
    for line in told[:_LINES]:
        terminalreporter.write_line(line)
    if len(told) > _LINES:
        terminalreporter.write_line(f"and {len(told) - _LINES} tapes more")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("tapes", "tapes of chat streams").addoption(
        "--tapes",
        choices=["once", "replay", "record", "off"],
        default="once",
        help="what the fixture chat_tape does with a test's tape: plays it, and records it where there is none (once, "
        "the default; replay, where the environment variable CI is set), plays it (replay), records it anew (record), "
        "neither (off)",
    )
