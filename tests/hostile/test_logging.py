"""What is logged: under documented names, only to who listens, with figures and ids and nothing private."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from seats import Outcome, Seat

from sansio_core import OptionIgnored, RetryPolicy, Timeouts
from transports.emulator import DEFAULT_TEXT, Emulator, faults

ROOT = Path(__file__).parents[2]
QUICK = RetryPolicy(attempts=2, first_wait=0.01, jitter=0)


def lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """What was logged under that name, figures that vary left out."""
    texts = [record.getMessage() for record in caplog.records if record.name == name]
    return [re.sub(r"call \d+", "call N", re.sub(r"\d+\.\d{3} s", "T s", text)) for text in texts]


def ask(seat: Seat, emulator: Emulator, system: str = "free_netfly", **settings: Any) -> Outcome:
    client = seat.client(system, base_url=emulator.base_url(system), **({"retry": QUICK} | settings))
    outcome = Outcome(seat, client)
    seat.close_client(client)
    return outcome


def test_the_course_of_a_call(seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "transports")
    emulator.order(faults.Status(503, {"x-request-id": "req-1"}))
    assert ask(seat, emulator).text == DEFAULT_TEXT
    url = f"{emulator.base_url('free_netfly')}/api/openai/v1/chat/completions"
    assert lines(caplog, "transports.calls") == [
        f"call N (free_netfly): attempt 1: POST {url}",
        "call N (free_netfly): status 503 after T s [request id req-1]",
        "call N (free_netfly): attempt 1 failed (ServerFailed, status 503): again in T s [request id req-1]",
        f"call N (free_netfly): attempt 2: POST {url}",
        "call N (free_netfly): status 200 after T s [request id req-emulated]",
        f"call N (free_netfly): complete after T s, {len(DEFAULT_TEXT)} characters [request id req-emulated]",
    ]
    assert {record.name for record in caplog.records if record.name.startswith("transports")} == {"transports.calls"}
    assert {record.levelno for record in caplog.records if record.name == "transports.calls"} == {logging.INFO}
    record: Any = next(record for record in caplog.records if "status 503 after" in record.getMessage())
    assert (record.provider, record.attempt, record.status, record.request_id) == ("free_netfly", 1, 503, "req-1")
    assert len({record.call for record in caplog.records if isinstance(record.__dict__.get("call"), int)}) == 1


def test_how_a_call_failed(seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "transports")
    begin = "call N (free_netfly): failed after T s"
    emulator.order(faults.Stall("headers"), always=True)  # on a busy machine the clock fires before the request is sent
    ask(seat, emulator, retry=1, timeout=Timeouts(first_event=0.05))
    assert lines(caplog, "transports.calls")[-1] == f"{begin} (TimedOut, the first_event clock)"
    emulator.order(faults.Reset(after_pieces=2), always=True)
    ask(seat, emulator)
    assert lines(caplog, "transports.calls")[-1] == f"{begin} (ConnectionLost) [request id req-emulated]"


def test_sizes_and_fields_but_no_bytes(seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(seat, emulator, "acytoo", headers={"x-api-key": "planted-key"})
    told = lines(caplog, "transports.wire")
    assert re.fullmatch(r"call N: sends \d+ bytes; .*x-api-key: \[hidden\].*", told[0])
    assert re.fullmatch(r"call N: gets status 200; .*content-type: .*", told[1])
    assert re.fullmatch(r"call N: gets \d+ bytes", told[2])
    assert told[-1] == "call N: gets 0 bytes (the body's end)"
    assert not lines(caplog, "transports.bodies")
    assert "planted-key" not in caplog.text
    for word in ("Hello", "mountain", "山"):
        assert word not in caplog.text


def test_bodies_only_where_they_are_asked_for(seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("transports.bodies")
    before = logger.level
    try:
        logger.setLevel(logging.DEBUG)
        ask(seat, emulator, "chatgpt_free")
    finally:
        logger.setLevel(before)
    told = "\n".join(lines(caplog, "transports.bodies"))
    assert "message=Hello" in told
    assert "mountain" in told
    nonce = next(request.form["_wpnonce"] for request in emulator.requests if request.form)
    assert nonce not in caplog.text
    assert "_wpnonce=[hidden]" in told


def test_failures_on_the_wire(seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "transports")
    emulator.order(faults.Reset(before="headers"), faults.Reset(after_pieces=2))
    ask(seat, emulator)
    assert lines(caplog, "transports.wire").count("call N: ConnectionLost") == 2


_SILENT = """
import asyncio, sys
from sansio_core import ServerFailed
from transports import AsyncClient, Client
from transports.emulator import DEFAULT_TEXT, Emulator, faults

def ask(url):
    if sys.argv[1] == "blocking":
        return Client("acytoo", base_url=url, retry=1).complete("Hello").text
    return asyncio.run(AsyncClient("acytoo", base_url=url, retry=1).complete("Hello")).text

with Emulator(faults=[faults.Status(503)]) as emulator:
    try:
        ask(emulator.base_url("acytoo"))
    except ServerFailed:
        assert ask(emulator.base_url("acytoo")) == DEFAULT_TEXT
"""


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_silent_by_default(kind: str) -> None:
    """In a process of its own: pytest's own handlers keep what Python prints where nobody has set up any."""
    done = subprocess.run([sys.executable, "-c", _SILENT, kind], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("transports").handlers)


def test_nobody_listens_and_nothing_is_in_the_way(seat: Seat, emulator: Emulator) -> None:
    """The price of logging that nobody wants: two looks at a level, for each stream."""
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"))
    stream = seat.stream(client)
    assert stream.raw._exchange._watch is None
    assert type(stream.raw._wire).__name__ in ("RequestsWire", "AsyncWire")


def test_warnings_carry_the_callers_line(seat: Seat, emulator: Emulator) -> None:
    client = seat.client("yqcloud", base_url=emulator.base_url("yqcloud"))
    ways: list[Any] = [
        lambda: seat.stream(client, temperature=1),
        lambda: seat.complete(client, temperature=1),
    ]
    for way in ways:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            way()
        assert [warning.category for warning in caught] == [OptionIgnored]
        # one step above the client stands the seat, as a user's own code would
        assert caught[0].filename == sys.modules["seats"].__file__
