"""AskBatch: tables in, tables out, several at once; what is pickled, what is raised, and what is left behind."""

from __future__ import annotations

import gc
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from batches import QUICK
from processes import complaints

from sansio_core import AuthenticationFailed, ClientClosed, InvalidRequest, NotFound, providers
from transports.batch import AskBatch
from transports.emulator import Emulator
from transports.emulator.faults import Hang, Status, TruncatedFraming

KEY = "sk-of-the-worker"
NAMES = ["", "_error", "_finish_reason", "_input_tokens", "_output_tokens", "_seconds", "_tries", "_more"]
Make = Callable[..., AskBatch]


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    monkeypatch.setenv("WORKERS_KEY", KEY)
    with Emulator(reply=lambda prompt: f"Re: {prompt}") as emulator:
        yield emulator
    gc.collect()
    assert [thread for thread in threading.enumerate() if thread.name == "AskBatch"] == []


@pytest.fixture
def make(emulator: Emulator) -> Make:
    """AskBatch, with what a client of the emulator needs."""

    def made(**more: Any) -> AskBatch:
        given = {"provider": "openai", "model": "m", "api_key_env": "WORKERS_KEY", "retry": QUICK}
        return AskBatch(**{**given, "base_url": emulator.base_url("openai"), **more})

    return made


def test_each_row_has_its_answer_in_its_place(make: Make, emulator: Emulator) -> None:
    prompts = ["One?", [{"role": "user", "content": "Two?", "name": None}], None, {"prompt": "Three?", "model": "n"}]
    table = {"n": [1, 2, 3, 4], "prompt": prompts}
    with make() as ask:
        answers = ask(table)
    assert list(answers) == ["n", "prompt", *(f"answer{name}" for name in NAMES)]
    assert answers["n"] == [1, 2, 3, 4]
    assert answers["answer"] == ["Re: One?", "Re: Two?", None, "Re: Three?"]
    unusable = "InvalidRequest: it must be a text, a list of messages or a mapping, not null"
    assert answers["answer_error"] == [None, None, unusable, None]
    assert answers["answer_finish_reason"] == ["stop", "stop", None, "stop"]
    assert answers["answer_input_tokens"][0] == 1
    assert answers["answer_output_tokens"][0] == 2
    assert answers["answer_seconds"][0] > 0
    assert answers["answer_tries"] == [1, 1, 0, 1]
    assert list(table) == ["n", "prompt"]
    assert {request.headers["authorization"] for request in emulator.requests} == {f"Bearer {KEY}"}


def test_a_template_takes_its_columns_alone(make: Make, emulator: Emulator) -> None:
    ask = make(template="{a}: {b}", output="told")
    answers = ask({"a": ["x", None, "y"], "b": [1, 2, [3]], "model": ["a column", "of", "data"]})
    assert answers["told"] == ["Re: x: 1", None, "Re: y: [3]"]
    assert "its field 'a', which the template names, has no value" in answers["told_error"][1]
    assert json.loads(emulator.requests[0].body)["model"] == "m"


def test_system_goes_before_each_prompt_that_has_none(make: Make, emulator: Emulator) -> None:
    make(system="Be brief.")({"prompt": ["a", [{"role": "system", "content": "Be long."}]]})
    asked = [json.loads(request.body)["messages"][0]["content"] for request in emulator.requests]
    assert sorted(asked) == ["Be brief.", "Be long."]


def test_a_row_that_fails_is_a_row(make: Make, emulator: Emulator) -> None:
    ask = make()
    emulator.order(None, Status(400), *[Status(500)] * 3)
    assert [ask({"prompt": [prompt]})["answer_error"][0] for prompt in "abc"] == [
        None, "BadRequest: the provider could not use the request (status 400)",
        "ServerFailed: the provider failed (status 500)",
    ]  # fmt: skip


def test_the_text_so_far_of_a_row_that_fails_is_no_answer(make: Make, emulator: Emulator) -> None:
    emulator.order(TruncatedFraming(after_pieces=2), always=True)
    answers = make()({"prompt": ["One?"]})
    assert answers["answer"] == [None]
    assert "Re: One?".startswith(json.loads(answers["answer_more"][0])["text"])


def test_what_is_no_text_is_told_as_json(make: Make) -> None:
    with Emulator(tool_calls=[("weather", '{"city": "Kranj"}')], reasoning="Hm.") as emulator:
        ask = make(base_url=emulator.base_url("openai"), tools=[{"type": "function", "function": {"name": "weather"}}])
        answers = ask({"prompt": ["?"]})
    more = json.loads(answers["answer_more"][0])
    assert (answers["answer"], more["reasoning"]) == ([""], "Hm.")
    assert more["tool_calls"][0]["function"]["name"] == "weather"


def test_a_wrong_key_is_raised_and_not_a_table_of_errors(make: Make, emulator: Emulator) -> None:
    ask = make()
    emulator.order(Status(401), always=True)
    with pytest.raises(AuthenticationFailed):
        ask({"prompt": list("abcdefgh")})
    with pytest.raises(AuthenticationFailed):  # a single row, which stays open, is told as well
        ask({"prompt": ["a"]})
    emulator.order(always=True)
    assert ask({"prompt": ["a"]})["answer"] == ["Re: a"]


def test_once_a_row_was_answered_another_may_fail_alone(make: Make, emulator: Emulator) -> None:
    ask = make()
    ask({"prompt": ["a"]})
    emulator.order(*[Status(404)] * 21)
    assert ask({"prompt": ["b"]})["answer_error"][0].startswith("NotFound: ")
    with pytest.raises(NotFound):
        ask({"prompt": ["c"] * 20})


def test_a_table_that_waits_holds_up_no_other(make: Make, emulator: Emulator) -> None:
    ask = make()
    emulator.order(Hang())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, {"prompt": ["a"]})
        emulator.wait_for(lambda server: len(server.requests) == 1)
        assert ask({"prompt": ["b", "c"]})["answer"] == ["Re: b", "Re: c"]
        assert not waiting.done()
        ask.close()
        with pytest.raises(ClientClosed):
            waiting.result(30)
    assert ask({"prompt": ["d"]})["answer"] == ["Re: d"]


def test_many_threads_share_a_pace(make: Make, emulator: Emulator) -> None:
    ask = make(concurrency=3)
    with ThreadPoolExecutor(4) as pool:
        tables = list(pool.map(lambda n: ask({"prompt": [f"{n}.{row}" for row in range(10)]}), range(12)))
    assert [table["answer"] for table in tables] == [[f"Re: {n}.{row}" for row in range(10)] for n in range(12)]
    assert emulator.connections <= 3


def test_settings_alone_are_pickled(make: Make) -> None:
    ask = make(column="q", temperature=0, headers={"x-team": "chat"})
    ask({"q": ["a"]})
    data = pickle.dumps(ask)
    assert KEY.encode() not in data
    other = pickle.loads(data)
    assert repr(other) == repr(ask) == "<AskBatch of 'openai': q -> answer>"
    assert other({"q": ["a"]})["answer"] == ["Re: a"]


def test_the_key_is_the_workers(make: Make, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ({"api_key": "sk-1"}, {"provider": providers.create("openai", api_key="sk-1", model="m")}):
        with pytest.raises(InvalidRequest, match=r"would be pickled.*api_key_env='NAME'") as refused:
            make(**{"api_key_env": None, "base_url": None, **given})
        assert "sk-1" not in str(refused.value)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    make(api_key_env=None)  # the driver need not have it
    monkeypatch.delenv("WORKERS_KEY")
    ask = make()
    with pytest.raises(InvalidRequest, match="WORKERS_KEY is not set in this worker"):
        ask({"prompt": ["a"]})
    assert make(api_key_env=None, api_key=lambda: "sk-2")({"prompt": ["a"]})["answer"] == ["Re: a"]
    assert emulator.requests[-1].headers["authorization"] == "Bearer sk-2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"column": 3}, "column must be"),
        ({"output": ""}, "output must be"),
        ({"concurrency": 0}, "concurrency must be"),
        ({"concurency": 3}, "did you mean 'concurrency'"),
        ({"template": "{"}, "template"),
        ({"api_key": str}, "only one of"),
        ({"api_key_env": ""}, "the name of an environment variable"),
        ({"provider": "opnai"}, "did you mean 'openai'"),
        ({"provider": providers.create("ollama", model="m"), "base_url": None}, "give it by its name"),
    ],
    ids=str,
)
def test_settings_of_no_use_are_told_at_once(make: Make, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        make(**change)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"text": ["a"]}, "no column 'prompt'; its columns: 'text'"),
        ({"prompt": ["a"], "answer_tries": [1]}, "has a column 'answer_tries' already"),
        (["a"], "a batch is a pyarrow Table"),
    ],
    ids=str,
)
def test_tables_of_no_use(make: Make, emulator: Emulator, table: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        make()(table)
    assert emulator.received == 0


def test_an_empty_table_has_the_columns(make: Make, emulator: Emulator) -> None:
    assert make()({"prompt": []}) == {"prompt": [], **{f"answer{name}": [] for name in NAMES}}
    assert emulator.received == 0


PROGRAM = """
import os, sys
from transports.batch import AskBatch
loaded = {"ray", "dask", "pyspark", "numpy", "pandas", "pyarrow"} & sys.modules.keys()
ask = AskBatch("ollama", model="m", base_url=sys.argv[1])
ask({"prompt": ["a"]})
child = os.fork()
print(child == 0, loaded, ask({"prompt": ["b"]})["answer"], flush=True)
if child:
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Unix alone has it")
def test_a_program_ends_without_complaints_and_a_forked_process_asks_by_itself(emulator: Emulator) -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:This process", "-c", PROGRAM]
    run = subprocess.run([*command, emulator.base_url("ollama")], capture_output=True, text=True, timeout=30)
    assert complaints(run.stderr) == ""
    assert sorted(run.stdout.splitlines()) == ["False set() ['Re: b']", "True set() ['Re: b']"]
