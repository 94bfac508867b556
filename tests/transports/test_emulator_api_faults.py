"""The emulator's faults within the vendors' APIs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from emulator_apis import APIS, TEXT, TOOLS, Answer, ask

from sansio_core import Failed, KeepAlive, ServerFailed, StreamTruncated, UnexpectedContent
from transports.emulator import Cut, Emulator, faults

CALLS = [("weather", {"city": "Zürich"}), ("now", {})]


@pytest.fixture(scope="module")
def plain() -> Iterator[Emulator]:
    with Emulator(reply=TEXT) as running:
        yield running


@pytest.fixture(scope="module")
def caller() -> Iterator[Emulator]:
    with Emulator(reply=TEXT, tool_calls=CALLS) as running:
        yield running


def broken(emulator: Emulator, name: str, *lot: faults.Fault, **changes: Any) -> Answer:
    emulator.order(lot)
    return ask(emulator, name, **changes)


@pytest.mark.parametrize("name", APIS)
@pytest.mark.parametrize(
    "fault",
    [
        faults.OneByte(), Cut(1), Cut(7), faults.SplitCharacter(), faults.SplitCRLF(), faults.LineEnds("\n"),
        faults.LineEnds("\r\n"), faults.KeepAlives(3, interval=0), faults.KeepAlives(3, interval=0, after_pieces=2),
        faults.ContentType("text/plain"), faults.JSONAnswer(), faults.JSONAnswer(2), faults.GarbageLine(),
        faults.GarbageLine("oops", after_pieces=2),
    ],
    ids=str,
)  # fmt: skip
def test_faults_that_change_no_text(plain: Emulator, name: str, fault: faults.Fault) -> None:
    reply = broken(plain, name, fault).reply
    assert (reply.text, reply.complete) == (TEXT, True)


@pytest.mark.parametrize("name", [name for name in APIS if name != "ollama"])
def test_lines_may_end_with_cr(plain: Emulator, name: str) -> None:
    assert broken(plain, name, faults.LineEnds("\r")).reply.text == TEXT


@pytest.mark.parametrize("name", APIS)
def test_faults_that_end_an_answer(plain: Emulator, name: str) -> None:
    reply = broken(plain, name, faults.MissingEnd()).events
    assert isinstance(reply[-1], Failed)
    assert isinstance(reply[-1].error, StreamTruncated)
    for place, text in ((0, ""), (2, "Hello, wörld:"), (None, TEXT)):
        answer = broken(plain, name, faults.InBandError(after_pieces=place))
        last = answer.events[-1]
        assert isinstance(last, Failed)
        assert isinstance(last.error, ServerFailed)
        assert answer.reply.text == text
    assert b"tools" not in broken(plain, name, faults.InBandError({"detail": "no"}, after_pieces=0)).body
    last = broken(plain, name, faults.HTMLAnswer()).events[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, UnexpectedContent)
    assert broken(plain, name, faults.Ban(after_pieces=1)).reply.text == f"Hello,{faults.BAN}"


@pytest.mark.parametrize("name", APIS)
def test_keep_alives_are_told_or_say_nothing(plain: Emulator, name: str) -> None:
    told = [event for event in broken(plain, name, faults.KeepAlives(3, interval=0)).events if type(event) is KeepAlive]
    assert len(told) == {"anthropic": 4, "gemini": 0, "ollama": 0}.get(name, 3)


@pytest.mark.parametrize(
    "fault", [Cut(5), faults.InBandError(after_pieces=0), faults.KeepAlives(2, interval=0)], ids=str
)
def test_geminis_array_has_faults_too(plain: Emulator, fault: faults.Fault) -> None:
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    answer = broken(plain, "gemini", fault, path=path)
    assert isinstance(answer.json, list)
    if isinstance(fault, faults.InBandError):
        assert answer.json[0]["error"]["status"] == "UNAVAILABLE"
    else:
        assert answer.reply.text == TEXT


def test_faults_of_a_list_of_models(plain: Emulator) -> None:
    plain.order(faults.Status(500, on="page"))
    assert ask(plain, "openai", method="GET", path="/models").status == 500


@pytest.mark.parametrize("name", APIS)
def test_a_call_may_be_cut_in_its_arguments(caller: Emulator, name: str) -> None:
    last = broken(caller, name, faults.InBandError(after_pieces=2), tools=TOOLS[name]).events[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, ServerFailed)
    emitted = broken(caller, name, faults.Ban(), tools=TOOLS[name]).reply
    assert (emitted.text, emitted.tool_calls) == (faults.BAN, [])
