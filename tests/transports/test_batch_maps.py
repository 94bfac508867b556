"""map_prompts and amap_prompts: Python values in, answers out, and what goes wrong on either side."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import closing
from contextvars import ContextVar
from itertools import count
from math import nan
from pathlib import Path
from typing import Any

import pytest
from batches import QUICK, settings
from processes import complaints, until_it_waits
from servers import PATIENCE

from sansio_core import AuthenticationFailed, InvalidRequest, OptionIgnored, QuotaExhausted, StreamMisused
from transports import tapes
from transports.batch import Answer, amap_prompts, map_prompts
from transports.emulator import Emulator
from transports.emulator.faults import Hang, Reset, Stall, Status

Mapped = Callable[..., Iterable[Answer]]


def mapped(prompts: Any, emulator: Emulator, **more: Any) -> Generator[Answer, None, None]:
    return map_prompts(prompts, **{"retry": QUICK, **settings(emulator), **more})


def amapped(prompts: Any, emulator: Emulator, **more: Any) -> list[Answer]:
    async def main() -> list[Answer]:
        answers = amap_prompts(prompts, **{"retry": QUICK, **settings(emulator), **more})
        return [answer async for answer in answers]

    return asyncio.run(main())


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(reply=lambda prompt: f"Re: {prompt}") as emulator:
        yield emulator
    for thread in threading.enumerate():
        if thread.name.startswith("map_prompts"):  # one that takes the prompts may be just about to end
            thread.join(PATIENCE)
            assert not thread.is_alive()


@pytest.fixture(params=[mapped, amapped], ids=["map_prompts", "amap_prompts"])
def ask(request: pytest.FixtureRequest) -> Mapped:
    """Each of the two, as a function that takes prompts, the emulator and settings."""
    function: Mapped = request.param
    return function


def test_texts_and_mappings(ask: Mapped, emulator: Emulator) -> None:
    prompts = [
        "One?",
        {"id": 7, "messages": [{"role": "user", "content": "Two?"}]},
        {"prompt": "Three?", "temperature": 0},
        [{"role": "user", "content": "Four?"}],
    ]
    answers = sorted(ask(prompts, emulator), key=lambda answer: answer.row)
    assert [(answer.id, answer.text, answer.error) for answer in answers] == [
        (None, "Re: One?", None), (7, "Re: Two?", None), (None, "Re: Three?", None), (None, "Re: Four?", None),
    ]  # fmt: skip
    assert answers[0].reply.complete


def test_an_answer_is_told_in_short_and_as_plain_json(ask: Mapped, emulator: Emulator) -> None:
    answered, failed = ask([{"id": "a", "prompt": "One " * 200}, {"id": 5, "prompt": 1}], emulator, order=True)
    assert repr(answered).startswith("<Answer 1, id 'a': 'Re: One One")
    assert len(repr(answered)) < 100
    assert repr(failed) == f"<Answer 2, id 5: InvalidRequest: {failed.error}>"
    plain = json.loads(answered.to_json())
    assert (plain["row"], plain["id"], plain["text"], plain["finish_reason"]) == (1, "a", answered.text, "stop")
    assert json.loads(failed.to_json())["error"] == {"class": "InvalidRequest", "message": str(failed.error)}
    assert "settings" not in plain
    assert repr(pickle.loads(pickle.dumps([answered, failed]))) == repr([answered, failed])
    assert failed.reply.usage is None


def test_order(ask: Mapped, emulator: Emulator) -> None:
    emulator.order(Reset(before="headers"), None, Status(400), Reset(before="headers"))
    answers = list(ask(map(str, range(60)), emulator, order=True, concurrency=8))
    assert [answer.row for answer in answers] == list(range(1, 61))
    assert sum(answer.error is None for answer in answers) == 59


def test_prompts_that_cannot_be_used_are_answers_with_an_error(ask: Mapped, emulator: Emulator) -> None:
    prompts = [
        5,
        None,
        {"promt": "a"},
        {"prompt": "a", "temperature": "hot"},
        {"prompt": "b", "tools": 7},
        "good",
        {},
        "\udc80",
        nan,
        {"text": "a"},
    ]
    answers = list(ask(prompts, emulator, order=True))
    assert [answer.row for answer in answers if answer.error is None] == [6]
    errors = [str(answer.error) for answer in answers]
    assert all(isinstance(answer.error, InvalidRequest) for answer in answers if answer.row != 6)
    assert "promt" in errors[2]
    assert errors[8] == "prompt 9: it must be a text, a list of messages or a mapping, not NaN"
    assert "--" not in " ".join(errors)  # no options of the command


def test_what_all_share_is_raised_after_the_answers(ask: Mapped, emulator: Emulator) -> None:
    with pytest.raises(AuthenticationFailed):
        list(ask(map(str, count()), emulator, api_key="wrong"))
    assert emulator.received < 20


def test_with_order_the_answers_beyond_an_open_row_come_before_the_stop(emulator: Emulator) -> None:
    no_credit = Status(429, body=b'{"error": {"code": "insufficient_quota"}}')
    emulator.order(None, (Stall(where="headers"), no_credit))
    answers: list[int] = []

    def release() -> None:
        emulator.wait_for(lambda emulator: emulator.received == 4)
        emulator.release()

    threading.Thread(target=release).start()
    with pytest.raises(QuotaExhausted):
        answers.extend(answer.row for answer in mapped(map(str, range(4)), emulator, order=True, concurrency=4))
    assert len(answers) == 3
    assert answers == sorted(answers)


def test_what_the_prompts_raise_is_raised(ask: Mapped, emulator: Emulator) -> None:
    def prompts() -> Iterator[str]:
        yield "one"
        raise LookupError("no more")

    emulator.order(Hang())  # what is in flight is cancelled
    with pytest.raises(LookupError, match="no more"):
        list(ask(prompts(), emulator))


def test_async_prompts_may_raise_too(emulator: Emulator) -> None:
    async def prompts() -> AsyncIterator[str]:
        yield "one"
        raise LookupError("no more")

    emulator.order(Hang())
    with pytest.raises(LookupError, match="no more"):
        amapped(prompts(), emulator)


def test_async_prompts_that_are_cancelled_end_the_answers(emulator: Emulator) -> None:
    async def prompts() -> AsyncIterator[str]:
        yield "one"
        raise asyncio.CancelledError  # as of a task of the user's own

    async def main() -> None:
        async with asyncio.timeout(20):
            async for _ in amap_prompts(prompts(), **settings(emulator)):
                pass

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def test_context_variables_are_those_of_the_caller(ask: Mapped, emulator: Emulator) -> None:
    """As OpenTelemetry's span, whose children the calls are."""
    variable, seen = ContextVar[int]("variable", default=0), []

    def key() -> str:
        seen.append(variable.get())
        return "sk-1"

    token = variable.set(7)
    try:
        list(ask((str(variable.get()) for _ in range(4)), emulator, api_key=key))
    finally:
        variable.reset(token)
    assert seen == [7] * 4
    assert {request.json["messages"][0]["content"] for request in emulator.requests} == {"7"}


def test_what_the_key_function_raises_is_raised(ask: Mapped, emulator: Emulator) -> None:
    def key() -> str:
        raise LookupError("no vault")

    with pytest.raises(LookupError, match="no vault"):
        list(ask(["a"], emulator, api_key=key))


@pytest.mark.parametrize("leave", ["break", "close", "drop", "exception"])
def test_left_early(emulator: Emulator, leave: str) -> None:
    taken = count()
    answers = mapped((str(next(taken)) for _ in count()), emulator, concurrency=4)
    emulator.order(None, *[Hang()] * 10)
    if leave == "close":
        with closing(answers):
            next(answers)
    elif leave == "exception":
        with pytest.raises(ZeroDivisionError):
            [1 // 0 for _ in answers]
    else:
        for _ in answers:
            break
    del answers
    emulator.wait_for(lambda emulator: emulator.open_connections == 0)
    assert next(taken) <= 20


def test_never_begun(emulator: Emulator) -> None:
    mapped(["a"], emulator)
    assert emulator.connections == 0


def test_a_slow_reader_and_endless_prompts(emulator: Emulator) -> None:
    taken = 0

    def prompts() -> Iterator[str]:
        nonlocal taken
        for taken in count(1):
            yield str(taken)

    answers = mapped(prompts(), emulator, concurrency=4)
    for _ in range(30):
        next(answers)
    emulator.wait_for(lambda emulator: emulator.received >= 30 + 8)
    time.sleep(0.05)  # more would be asked by now
    assert emulator.received <= 30 + 4 * 4
    assert taken <= 30 + 5 * 4
    answers.close()


def test_a_slow_async_reader(emulator: Emulator) -> None:
    async def main() -> int:
        answers = amap_prompts(map(str, count()), concurrency=4, **settings(emulator))
        for _ in range(30):
            await anext(answers)
        await asyncio.sleep(0.1)
        received = emulator.received
        await answers.aclose()
        return received

    assert asyncio.run(main()) <= 30 + 3 * 4


def test_answers_come_while_the_prompts_are_waited_for(emulator: Emulator) -> None:
    """A prompt that is made of an answer: both iterators wait for one another."""
    questions: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    questions.put("0")
    said = []
    for answer in mapped(iter(questions.get, None), emulator):
        said.append(answer.text)
        questions.put(str(len(said)) if len(said) < 5 else None)
    assert said == [f"Re: {number}" for number in range(5)]


def test_answers_come_while_async_prompts_are_waited_for(emulator: Emulator) -> None:
    async def main() -> list[str]:
        questions: asyncio.Queue[str] = asyncio.Queue()
        said: list[str] = []

        async def prompts() -> AsyncIterator[str]:
            while (question := await questions.get()) != "5":
                yield question

        questions.put_nowait("0")
        async for answer in amap_prompts(prompts(), **settings(emulator)):
            said.append(answer.text)
            questions.put_nowait(str(len(said)))
        return said

    assert asyncio.run(main()) == [f"Re: {number}" for number in range(5)]


def test_an_answer_that_is_held_back_is_waited_for_by_the_prompts(emulator: Emulator) -> None:
    """A 404 is held back until another row shows that the model is there: here no other row comes before it."""
    questions: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    questions.put("0")
    emulator.order(None, Status(404))
    errors = []
    for answer in mapped(iter(questions.get, None), emulator):
        errors.append(type(answer.error).__name__)
        questions.put(str(len(errors)) if len(errors) < 3 else None)
    assert errors == ["NoneType", "NotFound", "NoneType"]


def test_prompts_that_come_slowly_are_no_reason_to_hand_out_what_is_held_back(emulator: Emulator) -> None:
    """The key is withdrawn after the first: no prompt becomes an error, however long each lets the others wait."""

    def prompts() -> Iterator[str]:
        for number in range(25):
            yield str(number)
            time.sleep(0.01)

    emulator.order(None)
    emulator.order(Status(401), always=True)
    answers = mapped(prompts(), emulator, concurrency=1)
    assert next(answers).error is None
    with pytest.raises(AuthenticationFailed):
        next(answers)


def test_a_process_that_stood_still_is_no_end_of_the_prompts(emulator: Emulator) -> None:
    """As when its machine was paused: all the time that a prompt may take is over, and the next one is just coming."""

    class Clock(asyncio.SelectorEventLoop):
        ahead = 0.0

        def time(self) -> float:
            return super().time() + self.ahead

    async def prompts() -> AsyncIterator[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Clock)
        for number in range(25):
            yield str(number)
            await asyncio.sleep(0.01)  # nothing is in flight then, as a rule
            loop.ahead += 5
            for _ in range(5):
                await asyncio.sleep(0)

    async def main() -> None:
        async for answer in amap_prompts(prompts(), timeout=None, concurrency=1, **settings(emulator)):
            errors.append(answer.error)  # noqa: PERF401  # those before the stop count

    emulator.order(None)
    emulator.order(Status(401), always=True)
    errors: list[Any] = []
    with asyncio.Runner(loop_factory=Clock) as runner, pytest.raises(AuthenticationFailed):
        runner.run(main())
    assert errors == [None]


def test_many_async_prompts(emulator: Emulator) -> None:
    async def prompts() -> AsyncIterator[str]:
        for number in range(100):
            yield str(number)

    assert len(amapped(prompts(), emulator, concurrency=4)) == 100


def test_with_order_one_slow_row_holds_up_the_others_at_a_bound(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transports.batch.maps._AHEAD", 20)
    monkeypatch.setattr("transports.batch.maps._TIMES", 1)
    emulator.order(Stall(where="headers"))
    answers = mapped(map(str, range(100)), emulator, order=True, concurrency=4)
    received: list[int] = []

    def release() -> None:
        emulator.wait_for(lambda emulator: emulator.received >= 20)
        time.sleep(0.05)  # more would be asked by now
        received.append(emulator.received)
        emulator.release()

    threading.Thread(target=release).start()
    first = next(answers)
    assert first.row == 1
    assert received[0] <= 20 + 4 + 8
    assert [answer.row for answer in answers] == list(range(2, 101))


def test_within_a_running_loop_and_in_a_thread(emulator: Emulator) -> None:
    async def notebook() -> list[str]:
        return [answer.text for answer in mapped(["a"], emulator)]

    assert asyncio.run(notebook()) == ["Re: a"]
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.extend(answer.text for answer in mapped(["b"], emulator)))
    thread.start()
    thread.join()
    assert said == ["Re: b"]


def test_a_warning_comes_once_at_the_users_line(ask: Mapped, emulator: Emulator) -> None:
    with pytest.warns(OptionIgnored) as caught:
        list(ask(["a"] * 6, emulator, provider="anthropic", base_url=emulator.base_url("anthropic"), seed=1))
    assert [warning.filename for warning in caught] == [__file__]


def test_a_row_of_its_own_settings(ask: Mapped, emulator: Emulator) -> None:
    rows = [{"text": "b"}, {"text": "c", "model": "n"}]
    list(ask(rows, emulator, template="Say {text}", system="Be brief", temperature=0))
    bodies = [request.json for request in emulator.requests]
    said = sorted((body["model"], body["temperature"], body["messages"][1]["content"]) for body in bodies)
    assert said == [("m", 0, "Say b"), ("n", 0, "Say c")]


def test_tapes(emulator: Emulator, tmp_path: Path) -> None:
    prompts = [str(number) for number in range(8)]
    with tapes.record(tmp_path / "t.tape"):
        recorded = [answer.text for answer in mapped(prompts, emulator, order=True)]
    emulator.stop()
    with tapes.replay(tmp_path / "t.tape"):
        played = [answer.text for answer in mapped(prompts, emulator_at(emulator), order=True)]
    assert recorded == played == [f"Re: {prompt}" for prompt in prompts]


def emulator_at(emulator: Emulator) -> Any:
    """What stands for a stopped emulator: its addresses."""

    class Address:
        def base_url(self, provider: str) -> str:
            return "http://127.0.0.1:9/openai/v1"

    return Address()


class Table(list[str]):
    """As pandas' DataFrame, which gives the names of its columns."""

    columns = ("a", "b")


@pytest.mark.parametrize(
    ("prompts", "change", "said"),
    [
        ("text", {}, "put it in a list"),
        ({"prompt": "a"}, {}, "put it in a list"),
        (5, {}, "lists of messages and mappings, not 5"),
        (Table(), {}, "prompts is a table: give a column"),
        (["a"], {"concurrency": 0}, "concurrency must be"),
        (["a"], {"rate": "fast"}, "rate must be"),
        (["a"], {"max_wait": "1h"}, "max_wait must be"),
        (["a"], {"order": "input"}, "order must be True or False"),
        (["a"], {"template": "{}"}, "template"),
        (["a"], {"temprature": 1}, "did you mean 'temperature'"),
        (["a"], {"concurency": 1}, "did you mean 'concurrency'"),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("function", [map_prompts, amap_prompts])
def test_parameters_of_no_use_are_told_at_the_call(
    emulator: Emulator, function: Any, prompts: Any, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said):
        function(prompts, **settings(emulator), **change)


def test_async_prompts_are_amap_prompts(emulator: Emulator) -> None:
    async def prompts() -> AsyncIterator[str]:
        yield "a"

    with pytest.raises(InvalidRequest, match="amap_prompts takes"):
        mapped(prompts(), emulator)


def test_an_iterator_cannot_be_pickled_and_a_forked_process_is_told(emulator: Emulator) -> None:
    answers = mapped(map(str, count()), emulator, concurrency=2)
    next(answers)
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(answers)
    child = os.fork()
    if child == 0:
        code = 9
        try:
            next(answers)
        except StreamMisused:
            code = 7
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    next(answers)
    answers.close()


def test_ctrl_c_in_the_loop(emulator: Emulator) -> None:
    """A program of its own: Ctrl-C while it waits for an answer ends it, with nothing left behind."""
    emulator.order(None, *[Hang()] * 10)
    program = (
        "from transports.batch import map_prompts\n"
        f"settings = {settings(emulator)!r}\n"
        "for answer in map_prompts(map(str, range(99)), **settings):\n"
        "    print(answer.text, flush=True)\n"
    )
    command = [sys.executable, "-X", "dev", "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Re: ")
        emulator.wait_for(lambda emulator: emulator.received >= 4)
        until_it_waits(process.pid)
        process.send_signal(signal.SIGINT)
        complaint = complaints(process.communicate()[1])
    assert process.returncode in (130, -signal.SIGINT)
    assert complaint.rstrip().endswith("KeyboardInterrupt")
    assert complaint.count("Traceback") == 1
    assert "Warning" not in complaint
