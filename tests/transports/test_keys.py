"""A function as api_key=, on both clients: when it is called, what it may do, and what it may raise."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from seats import Asyncio, Blocking, Outcome, Seat

from sansio_core import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ConnectionLost,
    InvalidRequest,
    OptionIgnored,
    TimedOut,
)
from transports import AsyncClient, Client
from transports.emulator import DEFAULT_TEXT, Emulator, faults


class Keys:
    """A function that gives or raises `keys` one after another, the last for ever; as a coroutine where `later`."""

    def __init__(self, *keys: Any, later: bool = False) -> None:
        self.keys, self.later, self.calls = list(keys), later, 0

    def __call__(self) -> Any:
        self.calls += 1
        key = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        return self._awaited(key) if self.later else self._given(key)

    def _given(self, key: Any) -> Any:
        if isinstance(key, BaseException):
            raise key
        return key

    async def _awaited(self, key: Any) -> Any:
        await asyncio.sleep(0)
        return self._given(key)


@pytest.fixture(params=[(Blocking, False), (Asyncio, False), (Asyncio, True)], ids=["blocking", "asyncio", "async"])
def seated(request: pytest.FixtureRequest) -> Iterator[tuple[Seat, bool]]:
    """Each of the clients, and whether the function is async, which asyncio's takes too."""
    kind, later = request.param
    seat: Seat = kind()
    yield seat, later
    seat.end()


@pytest.fixture
def seat(seated: tuple[Seat, bool]) -> Seat:
    return seated[0]


@pytest.fixture
def kind(seated: tuple[Seat, bool]) -> bool:
    return seated[1]


def client_of(seat: Seat, emulator: Emulator, key: Callable[[], Any], **settings: Any) -> Any:
    return seat.client("openai", base_url=emulator.base_url("openai"), api_key=key, **settings)


def sent(emulator: Emulator) -> list[str]:
    return [dict(request.headers)["authorization"] for request in emulator.requests]


def test_it_is_called_for_each_question_and_again_after_a_401(seat: Seat, emulator: Emulator, kind: bool) -> None:
    key = Keys("sk-1", "sk-wrong", "sk-3", later=kind)
    client = client_of(seat, emulator, key, retry=1)
    assert Outcome(seat, client).text == DEFAULT_TEXT
    outcome = Outcome(seat, client)
    assert outcome.text == DEFAULT_TEXT
    assert outcome.exchange.attempts == 1
    assert sent(emulator) == ["Bearer sk-1", "Bearer sk-wrong", "Bearer sk-3"]
    assert emulator.connections == 1, "the refusal was read, so that its connection carries the next request"


def test_twice_refused_is_refused(seat: Seat, emulator: Emulator, kind: bool) -> None:
    outcome = Outcome(seat, client_of(seat, emulator, Keys("sk-wrong", later=kind)))
    assert isinstance(outcome.error, AuthenticationFailed)
    assert sent(emulator) == ["Bearer sk-wrong"] * 2


def test_a_list_of_models_asks_as_well(seat: Seat, emulator: Emulator, kind: bool) -> None:
    client = client_of(seat, emulator, Keys("sk-wrong", "sk-1", later=kind))
    listed = client.models() if isinstance(seat, Blocking) else seat.run(client.models())
    assert listed
    assert sent(emulator) == ["Bearer sk-wrong", "Bearer sk-1"]


@pytest.mark.parametrize("failure", [TimeoutError("mine"), OSError("no vault"), ZeroDivisionError()])
def test_what_it_raises_passes_unchanged(seat: Seat, emulator: Emulator, kind: bool, failure: Exception) -> None:
    stream = seat.stream(client_of(seat, emulator, Keys(failure, later=kind), retry=5, timeout=60))
    with pytest.raises(type(failure)) as caught:
        stream.next()
    assert caught.value is failure
    with pytest.raises(Cancelled):
        stream.next()
    assert emulator.requests == []


@pytest.mark.parametrize("failure", [ConnectionLost("the vault is down"), TimedOut("idle", 5), Cancelled("no")])
def test_a_chat_error_of_its_own_is_the_streams(seat: Seat, emulator: Emulator, kind: bool, failure: ChatError) -> None:
    stream = seat.stream(client_of(seat, emulator, Keys(failure, later=kind), retry=5))
    for _ in range(2):
        with pytest.raises(type(failure)) as caught:
            stream.next()
        assert caught.value is failure
    assert failure.reply is stream.raw.reply
    assert emulator.requests == []


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_key_is_an_invalid_request(seat: Seat, emulator: Emulator, kind: bool, nothing: Any) -> None:
    error = Outcome(seat, client_of(seat, emulator, Keys(nothing, later=kind))).error
    assert isinstance(error, InvalidRequest)
    assert str(error) == "the key function gave no key"


def test_an_async_function_is_refused_by_the_blocking_client(emulator: Emulator) -> None:
    client = Client("openai", base_url=emulator.base_url("openai"), api_key=Keys("sk", later=True))
    with client, pytest.raises(InvalidRequest, match="async: AsyncClient awaits it"):
        client.complete("Hello")


def test_a_connection_is_free_while_the_function_asks_with_the_same_client(seat: Seat, emulator: Emulator) -> None:
    """The connection of the refusal carries the function's own question."""
    keys = iter(["sk-wrong", None, "sk-inner"])

    def plain() -> str:
        return next(keys) or client.complete("the key?").text[:5]

    async def later() -> str:
        return next(keys) or (await client.complete("the key?")).text[:5]

    client = client_of(seat, emulator, later if isinstance(seat, Asyncio) else plain)
    assert Outcome(seat, client).text == DEFAULT_TEXT
    assert sent(emulator) == ["Bearer sk-wrong", "Bearer sk-inner", "Bearer Green"]
    assert emulator.connections == 1


def test_the_total_clock_cancels_an_async_function_and_cancel_does(emulator: Emulator) -> None:
    cancelled = []

    async def never() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)
        raise AssertionError

    async def main() -> None:
        async with AsyncClient("openai", base_url=emulator.base_url("openai"), api_key=never, timeout=0.02) as client:
            with pytest.raises(TimedOut, match="'total'"):
                await client.complete("Hello")
            stream = client.stream("Hello", timeout=60)
            asyncio.get_running_loop().call_later(0.02, stream.cancel)
            with pytest.raises(Cancelled):
                await anext(stream)
            task = asyncio.create_task(client.complete("Hello", timeout=60))
            asyncio.get_running_loop().call_later(0.02, task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    assert cancelled == [True] * 3
    assert emulator.requests == []


def test_a_blocking_function_that_outlasts_the_total_sends_nothing(emulator: Emulator) -> None:
    def slow() -> str:
        threading.Event().wait(0.03)
        return "sk"

    client = Client("openai", base_url=emulator.base_url("openai"), api_key=slow, timeout=0.02)
    with client, pytest.raises(TimedOut, match="'total'"):
        client.complete("Hello")
    assert emulator.requests == []


def test_cancelled_while_the_function_runs_nothing_is_sent(emulator: Emulator) -> None:
    with Client("openai", base_url=emulator.base_url("openai"), api_key=lambda: stream.cancel() or "sk") as client:
        stream: Any = client.stream("Hello")
        with pytest.raises(Cancelled):
            next(stream)
    assert emulator.requests == []


def test_retries_ask_each_time(seat: Seat, emulator: Emulator, kind: bool) -> None:
    moved = faults.Redirect(307, "/openai/v1/chat/completions")
    emulator.order(faults.Status(503, headers={"retry-after": "0"}), moved)
    key = Keys("sk-1", "sk-2", "sk-3", later=kind)
    assert Outcome(seat, client_of(seat, emulator, key, retry=2)).text == DEFAULT_TEXT
    assert sent(emulator) == ["Bearer sk-1", "Bearer sk-2", "Bearer sk-2"]


def test_a_sessions_password_gives_way_to_it(emulator: Emulator) -> None:
    with requests.Session() as session:
        session.auth = ("me", "password")
        with pytest.warns(OptionIgnored, match="not used of the session: auth"):
            client = Client("openai", base_url=emulator.base_url("openai"), api_key=lambda: "sk-1", session=session)
        with client:
            client.complete("Hello")
    assert sent(emulator) == ["Bearer sk-1"]


def test_no_key_reaches_a_log(
    seat: Seat, emulator: Emulator, kind: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("transports.bodies"), "level", logging.DEBUG)
    caplog.set_level(logging.DEBUG, "transports")
    emulator.order(faults.Status(401, body=b"sk-very-secret is no key"))
    assert Outcome(seat, client_of(seat, emulator, Keys("sk-very-secret", later=kind))).text == DEFAULT_TEXT
    assert "[hidden] is no key" in caplog.text
    assert "very-secret" not in caplog.text


def test_no_key_reaches_a_repr(seat: Seat, emulator: Emulator) -> None:
    client = client_of(seat, emulator, lambda: "sk-very-secret")
    outcome = Outcome(seat, client)
    assert "sk-very-secret" not in f"{client!r} {client.provider!r} {outcome.exchange!r} {outcome.exchange.request!r}"
