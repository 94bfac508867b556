"""Observers on both clients: the client's, the call's and the log's are told the same, in the seconds of the wire."""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

import pytest
from seats import Outcome, Seat

from sansio_core import (
    Cancelled,
    Connected,
    ConnectionLost,
    Exchange,
    InvalidRequest,
    Notice,
    RetryPolicy,
)
from transports.emulator import DEFAULT_TEXT, Emulator, faults

QUICK = RetryPolicy(attempts=2, first_wait=0.01, jitter=0)


class Notes:
    """An observer that keeps what it is told, but for the connection, of which not every transport tells."""

    def __init__(self) -> None:
        self.all: list[tuple[Exchange, Notice]] = []

    def __call__(self, exchange: Exchange, notice: Notice) -> None:
        if not isinstance(notice, Connected):
            self.all.append((exchange, notice))

    @property
    def kinds(self) -> list[str]:
        return [type(notice).__name__ for _, notice in self.all]

    @property
    def last(self) -> Any:
        return self.all[-1][1]


def test_the_clients_and_the_calls_are_told_the_same(
    seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "transports")
    emulator.order(faults.Status(503))
    ours, mine = Notes(), Notes()
    client = seat.client("free_netfly", base_url=emulator.base_url("free_netfly"), retry=QUICK, observer=ours)
    reply = seat.complete(client, observer=mine)
    assert ours.all == mine.all
    assert ours.kinds == [
        "Asked", "AttemptBegan", "HeadReceived", "Waiting", "AttemptBegan", "HeadReceived", "FirstEvent", "FirstText",
        *(["UsageReported"] if reply.usage else []), "Ended",
    ]  # fmt: skip
    assert ours.last.reply is reply
    assert ours.last.error is None
    assert 0.01 <= ours.last.seconds < 30
    assert [record.attempt for record in caplog.records if record.name == "transports.calls"] == [1, 1, 1, 2, 2, 2]
    seat.complete(client)
    assert (ours.kinds.count("Ended"), mine.kinds.count("Ended")) == (2, 1)


def test_one_observer_tells_streams_apart(seat: Seat, emulator: Emulator) -> None:
    notes = Notes()
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"), observer=notes)
    seat.many(client, 4)
    of: dict[Exchange, list[str]] = {}
    for exchange, notice in notes.all:
        of.setdefault(exchange, []).append(type(notice).__name__)
    assert len(of) == 4
    assert set(map(tuple, of.values())) == {
        ("Asked", "AttemptBegan", "HeadReceived", "FirstEvent", "FirstText", "Ended"),
    }


def test_a_list_of_models(seat: Seat, emulator: Emulator) -> None:
    ours, mine = Notes(), Notes()
    client = seat.client("openai", api_key="any", base_url=emulator.base_url("openai"), observer=ours)
    listed = client.models(observer=mine)
    assert seat.run(listed) if seat.name == "asyncio" else listed  # type: ignore[union-attr]
    assert ours.kinds == mine.kinds == ["Asked", "AttemptBegan", "HeadReceived", "Ended"]


def test_closed_before_its_end(seat: Seat, emulator: Emulator) -> None:
    notes = Notes()
    emulator.order(faults.Stall(after_pieces=2))
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"), observer=notes)
    stream = seat.stream(client)
    stream.next()
    stream.close()
    stream.close()
    assert notes.kinds.count("Ended") == 1
    assert isinstance(notes.last.error, Cancelled)
    assert 0 <= notes.last.seconds < 30


def test_never_read(seat: Seat, emulator: Emulator) -> None:
    notes = Notes()
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"), observer=notes)
    seat.stream(client).close()
    assert not notes.all


def test_a_failure(seat: Seat, emulator: Emulator) -> None:
    notes = Notes()
    emulator.order(faults.Reset(before="headers"), always=True)
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"), observer=notes, retry=QUICK)
    outcome = Outcome(seat, client)
    assert isinstance(outcome.error, ConnectionLost)
    assert notes.kinds == ["Asked", "AttemptBegan", "Waiting", "AttemptBegan", "Ended"]
    assert notes.last.error is outcome.error


def test_a_function_of_the_users_that_fails(
    seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """It is no mere closing, and the time that it took counts."""
    caplog.set_level(logging.INFO, "transports")

    def key() -> str:
        time.sleep(0.01)
        raise KeyError("no key for you")

    notes = Notes()
    client = seat.client("openai", base_url=emulator.base_url("openai"), api_key=key, observer=notes)
    stream = seat.stream(client)
    with pytest.raises(KeyError, match="no key for you"):
        stream.next()
    assert notes.kinds == ["Asked", "Ended"]
    assert notes.last.seconds >= 0.01
    assert isinstance(notes.last.error.__cause__, KeyError)
    assert "Cancelled by KeyError" in caplog.text
    assert "no key for you" not in caplog.text
    with pytest.raises(Cancelled, match="the stream was ended by KeyError"):
        stream.next()


def test_one_that_fails_ends_nothing(seat: Seat, emulator: Emulator) -> None:
    def fails(exchange: Exchange, notice: Notice) -> None:
        raise LookupError

    notes = Notes()
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"), observer=fails)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert seat.complete(client, observer=notes).text == DEFAULT_TEXT
    assert [warning.category for warning in caught] == [RuntimeWarning]
    assert notes.kinds[-1] == "Ended"


def test_what_is_no_observer_is_refused_at_once(seat: Seat, emulator: Emulator) -> None:
    with pytest.raises(InvalidRequest, match="observer must be callable"):
        seat.client("acytoo", observer="print")
    client = seat.client("acytoo", base_url=emulator.base_url("acytoo"))
    with pytest.raises(InvalidRequest, match="observer must be callable"):
        seat.stream(client, observer=1)
