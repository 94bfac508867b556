"""The two loops are one text in two colours, and decide nothing."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from sansio_core import (
    Cancelled,
    ChatError,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Finish,
    RetryPolicy,
    Send,
    TextDelta,
    TimedOut,
    Timeouts,
    providers,
)
from transports._shared.keys import agive_key, give_key
from transports._shared.logging import _ALoggedWire, _LoggedWire
from transports._shared.recorder import ARecordedWire, RecordedWire
from transports._shared.replay import _AReplayingWire, _ReplayingWire
from transports.drive import AWire, Wire, adrive, drive


def plain(source: str) -> str:
    """`source` without its colour and names."""
    return re.sub(
        r"\b(async|await) |\ba(?=drive|give)|(?<=\b_)A(?=Logged)|\bA(?=Wire|Recorded)|(?<=\b_)a(?=ask|key)", "", source
    )


@pytest.mark.parametrize(
    ("blocking", "coloured"),
    [
        (drive, adrive),
        (give_key, agive_key),
        (Wire, AWire),
        (RecordedWire, ARecordedWire),
        (_LoggedWire, _ALoggedWire),
        (_ReplayingWire.send, _AReplayingWire.send),
        (_ReplayingWire.read, _AReplayingWire.read),
        (_ReplayingWire.sleep, _AReplayingWire.sleep),
        (_ReplayingWire.call, _AReplayingWire.call),
    ],
)
def test_the_same_text_but_for_colour(blocking: Any, coloured: Any) -> None:
    texts = [plain(inspect.getsource(one)) for one in (blocking, coloured)]
    if isinstance(blocking, type):
        texts = [re.sub(r'(?s)""".*?"""', "", text) for text in texts]
    assert texts[0] == texts[1]
    assert texts[1] != inspect.getsource(coloured)


def test_they_are_small_and_decide_nothing() -> None:
    assert len(inspect.getsource(drive).splitlines()) <= 40
    conditions = re.findall(r"\bif ([^:\n]+?)(?: else|:)", inspect.getsource(drive))
    assert conditions == ["exchange.reading", "type(action) is NeedKey", "events"]


class Script:
    """A wire that follows a script: what each call gives, or raises."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.log: list[str] = []
        self.clock = 0.0

    def now(self) -> float:
        return self.clock

    def step(self, name: str) -> Any:
        self.log.append(name)
        step = self.steps.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step

    def send(self, action: Send, deadline: float | None) -> Any:
        return self.step("send fresh" if action.fresh else "send")

    def read(self, deadline: float | None) -> Any:
        return self.step("read")

    def sleep(self, seconds: float) -> None:
        self.log.append(f"sleep {seconds:g}")
        self.clock += seconds

    def leave(self) -> None:
        self.log.append("leave")

    def close(self) -> None:
        self.log.append("close")

    def cancel(self) -> None:
        self.log.append("cancel")


class AScript:
    """The same for asyncio."""

    def __init__(self, *steps: Any) -> None:
        self.script = Script(*steps)

    def now(self) -> float:
        return self.script.now()

    async def send(self, action: Send, deadline: float | None) -> Any:
        return self.script.send(action, deadline)

    async def read(self, deadline: float | None) -> Any:
        return self.script.read(deadline)

    async def sleep(self, seconds: float) -> None:
        self.script.sleep(seconds)

    def leave(self) -> None:
        self.script.leave()

    def close(self) -> None:
        self.script.close()

    def cancel(self) -> None:
        self.script.cancel()


Driven = tuple[list[Any], list[str]]


def blocking(exchange: Exchange, *steps: Any) -> Driven:
    """All events of one exchange (and the error that ends it), and what was done for them."""
    wire, got = Script(*steps), list[Any]()
    try:
        while events := drive(exchange, wire):
            got += events
    except ChatError as error:
        got.append(type(error))
    assert not wire.steps
    return got, wire.log


def coloured(exchange: Exchange, *steps: Any) -> Driven:
    async def main() -> Driven:
        wire, got = AScript(*steps), list[Any]()
        try:
            while events := await adrive(exchange, wire):
                got.extend(events)
        except ChatError as error:
            got.append(type(error))
        assert not wire.script.steps
        return got, wire.script.log

    return asyncio.run(main())


OK = (200, [("content-type", "text/plain")])


@pytest.mark.parametrize("run", [blocking, coloured])
@pytest.mark.parametrize(
    ("steps", "events", "log"),
    [
        ([OK, b"Hel", b"lo", b""], ["Hel", "lo"], "leave send read read read leave"),
        (
            [ConnectFailed("refused"), OK, b"Hello", b""],
            ["Hello"],
            "leave send leave sleep 1 leave send read read leave",
        ),
        ([ConnectionLost("x", reused=True), OK, b"x", b""], ["x"], "leave send leave send fresh read read leave"),
        ([(503, []), b"", OK, b"x", b""], ["x"], "leave send read leave sleep 1 leave send read read leave"),
        ([TimeoutError(), OK, b"x", b""], ["x"], "leave send leave sleep 1 leave send read read leave"),
        ([OK, b"x", TimeoutError()], ["x", TimedOut], "leave send read read"),
        ([OK, b"x", ConnectionLost("x")], ["x", ConnectionLost], "leave send read read"),
        ([OK, b"x", Cancelled()], ["x", Cancelled], "leave send read read"),
        ([Cancelled()], [Cancelled], "leave send"),
    ],
)
def test_both_do_the_same(run: Callable[..., Driven], steps: list[Any], events: list[Any], log: str) -> None:
    policy = RetryPolicy(attempts=2, first_wait=1, jitter=0)
    timeouts = Timeouts(first_event=5)
    exchange = Exchange(providers.create("acytoo"), ChatRequest("Hello"), retry=policy, timeouts=timeouts)
    got, done = run(exchange, *steps)
    said = [event.text if isinstance(event, TextDelta) else event for event in got]
    assert [item for item in said if isinstance(item, (str, type))] == events
    assert " ".join(done) == log


@pytest.mark.parametrize("run", [blocking, coloured])
def test_what_is_no_fault_of_the_network_passes_through(run: Callable[..., Driven]) -> None:
    with pytest.raises(ZeroDivisionError):
        run(Exchange(providers.create("acytoo"), ChatRequest("Hello")), OK, ZeroDivisionError())


def test_after_the_end_there_is_only_the_end() -> None:
    exchange = Exchange(providers.create("acytoo"), ChatRequest("Hello"))
    assert blocking(exchange, OK, b"x", b"")[0]
    assert exchange.next_action(0) == Finish()
    assert drive(exchange, Script()) == []
