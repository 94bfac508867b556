"""The pytest plugin, in runs of pytest on tests of a user's: the tapes are made from an emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from transports import tapes
from transports.emulator import Emulator

# A run in this process forgets the modules that were new in it: these must not be there twice.
for _module in ("aio", "blocking", "_shared.draft", "emulator.relay", "emulator.tape_server"):
    import_module(f"transports.{_module}")

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "tape_in_a_test.py"
PLUGIN = "transports.pytest_plugin"
STRICT = ("-p", PLUGIN, "-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")

CODE = """
    import asyncio, contextlib, os, requests, threading
    import pytest
    from transports import AsyncClient, Client, tapes

    def ask(question="Hello"):
        with Client("openai", model="m") as client:
            return client.complete(question).text

    async def stream(question):
        async with AsyncClient("openai", model="m") as client:
            return "".join([text async for text in client.stream(question)])

    def aask(question="Hello"):
        return asyncio.run(stream(question))

    both = pytest.mark.parametrize("ask", [ask, aask])
"""


class User:
    """A user with a folder of tests. `emulator` is the network, which `away` takes from them, with their key."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
        self.pytester, self.monkeypatch, self.emulator = pytester, monkeypatch, emulator
        self.tapes = pytester.path / "tapes"
        monkeypatch.delenv("CI", raising=False)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # to look for plugins takes most of a run's time
        monkeypatch.setenv("OPENAI_BASE_URL", emulator.base_url("openai"))
        monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-mine")
        pytester.makepyfile(mine=CODE)

    def writes(self, tests: str) -> None:
        self.pytester.makepyfile(test_it=f"from mine import *\n{tests}")

    def away(self) -> None:
        self.monkeypatch.delenv("OPENAI_BASE_URL")
        self.monkeypatch.delenv("OPENAI_API_KEY")

    def runs(self, *arguments: str, **expected: int) -> str:
        """What pytest prints; `expected`: how many tests passed, failed, …"""
        result = self.pytester.runpytest_inprocess(*STRICT, *arguments, no_reraise_ctrlc=True)
        assert result.parseoutcomes() == expected, result.stdout.str()
        return result.stdout.str()

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.tapes.iterdir()) if self.tapes.exists() else []

    @property
    def asked(self) -> int:
        return len(self.emulator.requests)


@pytest.fixture
def user(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> User:
    return User(pytester, monkeypatch, emulator)


ANSWER = """
@both
def test_answer(chat_tape, ask):
    assert chat_tape.mode in ("record", "replay")
    assert "whisper" in ask()
"""


def test_once(user: User) -> None:
    user.writes(ANSWER)
    told = user.runs(passed=2)
    assert not any(b"a-key-of-mine" in path.read_bytes() for path in user.tapes.iterdir())
    recorded = "tape recorded: tapes/test_it.test_answer"
    assert f"\n{recorded}-aask.tape\n{recorded}-ask.tape\n" in told
    assert (user.asked, user.names) == (2, ["test_it.test_answer-aask.tape", "test_it.test_answer-ask.tape"])
    user.away()
    assert "tape" not in user.runs(passed=2)
    assert user.asked == 2


def test_ci(user: User) -> None:
    user.writes("""
@pytest.fixture(params=["true", "1", "false", "0", ""])
def ci(request, monkeypatch):
    monkeypatch.setenv("CI", request.param)
    return request.param

def test_mode(ci, chat_tape):
    assert chat_tape.mode == ("replay" if ci in ("true", "1") else "record")
""")
    user.runs(passed=5)


def test_a_tape_that_is_missing(user: User) -> None:
    user.writes(ANSWER)
    told = user.runs("--tapes=replay", failed=2)
    assert "There is no tape tapes/test_it.test_answer-ask.tape. To record it, over the network:" in told
    assert "pytest --tapes=record 'test_it.py::test_answer[ask]'" in told
    assert (user.asked, user.names) == (0, [])


def test_recorded_anew(user: User) -> None:
    user.writes("def test_answer(chat_tape): assert ask(); assert ask('Again')\ndef test_none(chat_tape): ask()")
    user.runs(passed=2)
    user.writes("def test_answer(chat_tape): assert ask('Once')\ndef test_none(chat_tape): pass")
    told = user.runs("--tapes=record", passed=2)
    assert "tape removed, as the test made no request: tapes/test_it.test_none.tape" in told
    assert user.names == ["test_it.test_answer.tape"]
    user.away()
    user.runs(passed=2)


def test_off(user: User) -> None:
    user.writes("""
def test_answer(chat_tape):
    assert chat_tape.mode == "off"
    assert chat_tape.base_url("openai") == os.environ["OPENAI_BASE_URL"]
    assert ask()
""")
    user.runs("--tapes=off", passed=1)
    assert (user.asked, user.names) == (1, [])
    user.writes("def test_answer(chat_tape): assert chat_tape.base_url('anthropic') == 'https://api.anthropic.com'")
    user.runs("--tapes=off", passed=1)


CHANGED = """
def test_changed(chat_tape):
    ask("{0}")

def test_in_a_task(chat_tape):
    aask("{0}")

def test_swallowed(chat_tape):
    with contextlib.suppress(BaseException):
        ask("{0}")

def test_swallowed_then_failed(chat_tape):
    text = ""
    with contextlib.suppress(AssertionError):
        text = ask("{0}")
    assert text
"""


def test_a_question_that_changed(user: User) -> None:
    user.writes(CHANGED.format("Hello"))
    user.runs(passed=4)
    user.writes(CHANGED.format("Hello there"))
    told = user.runs(failed=3, passed=1, errors=1)
    assert told.count('  messages.0.content: taped "Hello", asked "Hello there"') == 4  # each in one place
    for test in ("changed", "in_a_task", "swallowed", "swallowed_then_failed"):
        advice = (
            f"The tape is tapes/test_it.test_{test}.tape. To record it anew, over the network:\n"
            f"  pytest --tapes=record test_it.py::test_{test}\n"
        )
        assert told.count(advice) == 1
    assert "ERROR at teardown of test_swallowed" in told
    assert "transports/" not in told.replace(str(ROOT / "transports/pytest_plugin"), "")  # no line of ours to look at
    assert user.asked == 4


def test_what_fixtures_and_test_cases_ask(user: User) -> None:
    user.writes("""
import unittest

@pytest.fixture
def answer(chat_tape):
    return ask()

def test_of_a_fixture(answer):
    pass

@pytest.mark.usefixtures("chat_tape")
class TestCase(unittest.TestCase):
    def test_one(self):
        ask()
""")
    told = user.runs("--tapes=replay", "--show-capture=no", failed=1, errors=1)
    for test in ("test_of_a_fixture", "TestCase::test_one"):
        assert told.count(f"To record it, over the network:\n  pytest --tapes=record test_it.py::{test}\n") == 1
    assert "transports/" not in told


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="before pytest 9 a test ends with its first part that fails")
def test_a_part_that_fails_is_a_test_that_fails(user: User) -> None:
    user.writes("""
import unittest

@pytest.mark.usefixtures("chat_tape")
class TestCase(unittest.TestCase):
    def test_parts(self):
        for word in ("a", "b"):
            with self.subTest(word):
                ask(word)
                assert word != os.environ.get("WORD"), "no"
""")
    user.monkeypatch.setenv("WORD", "a")
    user.runs(failed=1, passed=1)
    assert user.names == []
    user.monkeypatch.delenv("WORD")
    user.runs(passed=1)
    assert user.names == ["test_it.TestCase.test_parts.tape"]
    user.monkeypatch.setenv("WORD", "b")
    user.away()
    assert "chat tape" not in user.runs(failed=1, passed=1)


def test_a_request_that_is_made_again_and_again_is_named_once(user: User) -> None:
    again = """
def test_again(chat_tape):
    for n in [*range({0}), *range({0})]:
        with contextlib.suppress(AssertionError):
            ask(f"{{n}}")
"""
    user.writes(again.format(1))
    user.runs(passed=1)
    user.writes(again.format(13))
    told = user.runs(passed=1, errors=1)
    assert told.count('taped "0", asked "') == 10
    assert "\nand 14 requests more\n" in told


LEFT = """
def test_left(chat_tape):
    for question in {0}:
        ask(question)

def test_allowed(chat_tape):
    chat_tape.allow_unused = True
    for question in {0}:
        ask(question)
"""


def test_takes_that_are_left_over(user: User) -> None:
    user.writes(LEFT.format(["one", "two", "two", "x" * 200]))
    user.runs(passed=2)
    user.writes(LEFT.format(["two", "one"]))
    told = user.runs("--tapes=replay", passed=2, errors=1)
    assert "2 of 4 takes answered no request of the test.\n  take 3: POST /chat/completions {" in told
    assert "\n  take 4: POST /chat/completions {" in told
    assert "chat_tape.allow_unused = True" in told
    assert "pytest --tapes=record test_it.py::test_left\n" in told


def test_a_test_that_fails_keeps_its_tape(user: User) -> None:
    tests = """
def test_fails(chat_tape):
    ask({0!r})
    assert not {1}

def test_skips(chat_tape):
    ask({0!r})
    if {1}: pytest.skip()

@pytest.mark.xfail(condition={1}, reason="so")
def test_xfails(chat_tape):
    ask({0!r})
    assert not {1}

@pytest.mark.xfail(condition={1}, reason="so", strict=True)
def test_xpasses(chat_tape):
    ask({0!r})

def test_ends(chat_tape):
    ask({0!r})
    if {1}: raise KeyboardInterrupt
"""
    user.writes(tests.format("before", False))
    user.runs(passed=5)
    before = {path: path.read_bytes() for path in user.tapes.iterdir()}
    user.writes(tests.format("after", True))
    told = user.runs("--tapes=record", failed=2, skipped=1, xfailed=1)
    network = "The test asked over the network. As it failed, nothing is recorded"
    assert f"{network}: tapes/test_it.test_fails.tape stays as it was." in told
    assert "tape recorded" not in told
    for test in ("skips", "xfails"):
        assert f"\ntape not recorded, as the test did not pass: tapes/test_it.test_{test}.tape\n" in told
    assert user.asked == 10
    assert {path: path.read_bytes() for path in user.tapes.iterdir()} == before


def test_names(user: User) -> None:
    user.writes("""
@pytest.mark.parametrize("word", ["gpt-4o", "a", "A", "a/b", "a:b", "x" * 300, "é"])
def test_word(chat_tape, word):
    ask()

class TestOne:
    def test_a(self, chat_tape):
        ask()

    class TestTwo:
        @both
        def test_a(self, chat_tape, ask):
            ask()
""")
    user.runs(passed=10)
    assert len(user.names) == len({name.lower() for name in user.names}) == 10
    assert {"test_it.test_word-gpt-4o.tape", "test_it.TestOne.test_a.tape"} <= set(user.names)
    assert "test_it.TestOne.TestTwo.test_a-aask.tape" in user.names
    assert max(map(len, user.names)) < 100
    assert all(name.isascii() and not set(name) & set('<>:"/\\|?*[]') for name in user.names)
    user.away()
    user.runs("--tapes=replay", passed=10)


def test_settings(user: User) -> None:
    user.pytester.makeconftest("""
import pytest
@pytest.fixture
def chat_tape_settings():
    return {"redact": "Ana Novak"}
""")
    tests = """
@pytest.fixture
def chat_tape_settings(chat_tape_settings):
    return {**chat_tape_settings, "ignore": ("user",)}

def ask(user):
    with Client("openai", model="m") as client:
        return client.complete("I am Ana Novak", user=user).text

def test_one(chat_tape):
    ask(USER)

class TestMine:
    @pytest.fixture
    def chat_tape_settings(self):
        return {"speed": 1}

    def test_two(self, chat_tape):
        ask("the same")
"""
    user.writes(tests.replace("USER", '"one"'))
    user.runs(passed=2)
    assert b"Ana Novak" not in (user.tapes / "test_it.test_one.tape").read_bytes()
    user.writes(tests.replace("USER", '"two"'))
    user.away()
    user.runs(passed=2)


def test_settings_that_are_none(user: User) -> None:
    user.writes("""
@pytest.fixture
def chat_tape_settings(request):
    return request.param

@pytest.mark.parametrize("chat_tape_settings", [{"redakt": "x"}, None, {"speed": -1}], indirect=True)
def test_one(chat_tape):
    ask()
""")
    told = user.runs("--tapes=replay", errors=3)
    assert "chat_tape_settings: there is no 'redakt'; there are redact, ignore, speed" in told
    assert "chat_tape_settings returns a dict with any of redact, ignore, speed, not None" in told
    assert "speed must be" in told
    assert "transports/" not in told


FOREIGN = """
def foreign(base_url, question):
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": question}]}
    headers = {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}  # as the vendor's own, which fails without
    answer = requests.post(f"{base_url}/chat/completions", json=body, headers=headers)
    answer.raise_for_status()
    return answer.text

def test_foreign(chat_tape):
    assert chat_tape.base_url("openai") == chat_tape.base_url("openai")
    assert "whisper" in foreign(chat_tape.base_url("openai"), "Hello")
    assert ask("Hello")

def test_refused(chat_tape):
    with contextlib.suppress(requests.HTTPError):
        foreign(chat_tape.base_url("openai"), QUESTION)
"""


def test_a_client_of_others(user: User) -> None:
    user.writes(f"QUESTION = 'one'\n{FOREIGN}")
    user.runs(passed=2)
    assert user.asked == 3
    assert len(tapes.Tape.loads((user.tapes / "test_it.test_foreign.tape").read_bytes()).takes) == 2
    user.away()
    user.writes(f"QUESTION = 'two'\n{FOREIGN}")
    told = user.runs(passed=2, errors=1)
    assert '  messages.0.content: taped "one", asked "two"' in told
    assert user.asked == 3
    assert "OPENAI_API_KEY" not in os.environ


def test_threads(user: User) -> None:
    user.writes("""
def test_threads(chat_tape):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(5)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert len(answers) == 5

def test_tasks(chat_tape):
    async def main():
        return await asyncio.gather(*(stream("Hello") for _ in range(5)))
    assert len(asyncio.run(main())) == 5
""")
    user.runs(passed=2)
    user.away()
    user.runs("--tapes=replay", passed=2)
    assert user.asked == 10


def test_tapes_that_cannot_be_read_or_written(user: User) -> None:
    user.writes("def test_one(chat_tape): ask()")
    user.tapes.write_text("a file where the folder should be")
    told = user.runs("--tapes=record", passed=1, errors=1)
    assert "The tape tapes/test_it.test_one.tape was not recorded: " in told
    user.tapes.unlink()
    user.tapes.mkdir()
    tape = user.tapes / "test_it.test_one.tape"
    tape.write_text("# sansio-chat tape 1\n\nno line of a tape\n")
    told = user.runs(errors=1)
    assert f"{tape}, line 3: " in told
    assert "  pytest --tapes=record test_it.py::test_one\n" in told
    assert "During handling" not in told
    tape.unlink()
    tape.mkdir()
    user.runs("--tapes=record", passed=1, errors=1)
    assert user.names == [tape.name]  # and no draft of it


def test_what_looks_like_a_key_is_not_recorded(user: User) -> None:
    user.writes("""
def test_one(chat_tape):
    with contextlib.suppress(ValueError):
        ask("sk-" + "Ab3xY9Qw7Zk2Lm5N")
""")
    told = user.runs(passed=1, errors=1)
    assert "The tape tapes/test_it.test_one.tape was not recorded: " in told
    assert "Ab3xY9Qw7Zk2Lm5N" not in told
    assert user.names == []


def test_a_stream_that_is_left_open(user: User) -> None:
    user.writes("""
@pytest.fixture
def client(request):
    with Client("openai", model="m") as client:
        yield client

@pytest.fixture
def taped_client(chat_tape, client):
    with client.stream("Hello") as stream:
        next(stream)
        yield client

@pytest.fixture
def streams(client):
    with contextlib.ExitStack() as streams:
        yield streams

def test_late(streams, client, chat_tape):
    next(streams.enter_context(client.stream("Hello")))

def test_in_time(taped_client):
    pass
""")
    told = user.runs("--tapes=record", passed=2, errors=1)
    assert "test_late.tape was not recorded: a stream is open at the test's end." in told
    assert user.names == ["test_it.test_in_time.tape"]
    user.away()
    user.runs("--tapes=replay", "-k", "in_time", passed=1, deselected=1)


def test_many_tapes_take_few_lines(user: User) -> None:
    user.writes("@pytest.mark.parametrize('n', range(12))\ndef test_one(chat_tape, n): ask()")
    told = user.runs(passed=12)
    assert told.count("\ntape recorded: ") == 10
    assert "\nand 2 tapes more\n" in told


@pytest.mark.interop
def test_xdist(user: User) -> None:
    user.writes("def test_one(chat_tape): ask()")
    told = user.runs("-p", "xdist", "-n", "1", passed=1)
    assert "\ntape recorded: tapes/test_it.test_one.tape\n" in told


def test_the_plugin_loads_nothing() -> None:
    named = {point.value for point in entry_points(group="pytest11") if point.name == "sansio_chat"}
    assert named <= {PLUGIN}  # none where the package is not installed
    loaded = (
        "import sys, pytest; before = set(sys.modules); import transports.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["transports", "transports.pytest_plugin"]


def test_without_a_network(user: User) -> None:
    user.writes(ANSWER)
    user.runs(passed=2)
    user.away()
    copy = user.pytester.path / "examples"
    shutil.copytree(EXAMPLE.parent / "tapes", copy / "tapes")
    shutil.copy(EXAMPLE, copy)
    no_network = ["unshare", "-rn"] if _without_network() else []
    arguments = ["-m", "pytest", *STRICT, "--tapes=replay", "test_it.py", str(copy / EXAMPLE.name)]
    python_path = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*no_network, sys.executable, *arguments], env=python_path, capture_output=True, text=True)
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert user.asked == 2
    if not no_network:
        pytest.skip("here a process cannot be without a network: it passed with one")


def _without_network() -> bool:
    try:
        return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0
    except OSError:
        return False
