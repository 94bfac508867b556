"""A client's life, on both clients, over real HTTP to the emulator; what goes wrong is in tests/hostile."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ports import closed_port
from seats import Asyncio, Blocking, Outcome, Seat

from sansio_core import (
    Cancelled,
    ChatError,
    ConnectionLost,
    InvalidRequest,
    IPBlocked,
    ProviderRefused,
    ProxyFailed,
    RateLimited,
    RetryPolicy,
    ServerFailed,
    StreamMisused,
    StreamTruncated,
    TimedOut,
    providers,
)
from transports.emulator import DEFAULT_TEXT, Emulator, faults

SYSTEMS = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo")
ONCE = RetryPolicy(attempts=1)
QUICK = RetryPolicy(attempts=3, first_wait=0.01, jitter=0)


@contextmanager
def client_of(seat: Seat, emulator: Emulator, system: str, **settings: Any) -> Iterator[Any]:
    settings.setdefault("retry", ONCE)
    client = seat.client(system, base_url=emulator.base_url(system), **settings)
    try:
        yield client
    finally:
        seat.close_client(client)


# --- the right answer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_answer_streams(seat: Seat, emulator: Emulator, system: str) -> None:
    with client_of(seat, emulator, system) as client:
        outcome = Outcome(seat, client)
        assert outcome.text == DEFAULT_TEXT
        assert outcome.error is None
        assert outcome.reply.complete
        assert outcome.reply.text == DEFAULT_TEXT
        assert seat.complete(client, [{"role": "user", "content": "Hello"}]).text == DEFAULT_TEXT


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "fault",
    [
        faults.OneByte(),
        faults.Cut(1),
        faults.Cut(3),
        faults.SplitCharacter(),
        faults.Gzip(),
        faults.Interim(103),
        faults.Interim(100),
        (faults.Gzip(), faults.OneByte()),
    ],
    ids=str,
)
def test_any_cut_gives_the_same_text(seat: Seat, emulator: Emulator, system: str, fault: Any) -> None:
    emulator.order(fault)
    with client_of(seat, emulator, system) as client:
        assert Outcome(seat, client).text == DEFAULT_TEXT


@pytest.mark.parametrize("framing", ["chunked", "content-length", "close", "gzip"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_first_text_comes_before_the_last_was_sent(seat: Seat, system: str, framing: str) -> None:
    settings: dict[str, Any] = {"gzip": True} if framing == "gzip" else {"framing": framing}
    with Emulator(**settings) as emulator, client_of(seat, emulator, system) as client:
        emulator.order(faults.Stall("body", after_pieces=2))
        stream = seat.stream(client)
        first = stream.next()  # the server says no more until it is released below
        assert first
        assert DEFAULT_TEXT.startswith(first)
        assert not stream.raw.reply.complete
        emulator.release()
        rest = list(iter(stream.next, None))
        assert first + "".join(rest) == DEFAULT_TEXT
        assert stream.raw.reply.complete


# --- failures ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("framing", ["chunked", "content-length"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.Reset(after_pieces=3), ConnectionLost),
        (faults.TruncatedFraming(after_pieces=3), StreamTruncated),
        (faults.TruncatedFraming(after_pieces=3, inside=False), StreamTruncated),
    ],
    ids=str,
)
def test_a_truncated_text_is_never_complete(seat: Seat, fault: Any, kind: type[ChatError], framing: Any) -> None:
    """Raw text has no end marker: its framing alone proves its end. (The matrix has the event streams.)"""
    with Emulator(framing=framing, faults=[fault]) as emulator, client_of(seat, emulator, "acytoo") as client:
        outcome = Outcome(seat, client)
    assert type(outcome.error) is kind
    assert outcome.text
    assert DEFAULT_TEXT.startswith(outcome.text)
    assert not outcome.reply.complete


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_error_inside_an_answer_is_an_error(seat: Seat, emulator: Emulator, system: str) -> None:
    payload = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    emulator.order(faults.InBandError(payload, after_pieces=0))
    with client_of(seat, emulator, system) as client:
        outcome = Outcome(seat, client)
    assert isinstance(outcome.error, RateLimited)
    assert outcome.error.in_band
    assert "200" not in str(outcome.error)
    assert outcome.text == ""


@pytest.mark.parametrize("after", [0, 2])
def test_a_blocked_address_is_told(seat: Seat, emulator: Emulator, after: int) -> None:
    emulator.order((faults.Ban(after), faults.Cut(1)))
    with client_of(seat, emulator, "yqcloud") as client:
        outcome = Outcome(seat, client)
    assert isinstance(outcome.error, IPBlocked)
    assert isinstance(outcome.error, ProviderRefused)
    assert "sorry" not in outcome.text
    assert DEFAULT_TEXT.startswith(outcome.text)


# --- trying again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(
    "fault", [faults.Status(503), faults.Status(429, {"retry-after": "0"}), faults.Reset(before="headers")], ids=str
)
def test_it_tries_again_before_any_text(seat: Seat, emulator: Emulator, system: str, fault: Any) -> None:
    emulator.order(fault, fault)
    with client_of(seat, emulator, system, retry=QUICK) as client:
        outcome = Outcome(seat, client)
    assert outcome.text == DEFAULT_TEXT
    assert len([request for request in emulator.requests if request.method == "POST"]) == 3


@pytest.mark.parametrize("form", ["403", "-1", "0"])
def test_a_stale_nonce_is_renewed_once(seat: Seat, emulator: Emulator, form: Any) -> None:
    with client_of(seat, emulator, "chatgpt_free") as client:
        assert seat.complete(client).complete
        emulator.order(faults.StaleNonce(form))
        assert seat.complete(client).complete
        assert [request.method for request in emulator.requests] == ["GET", "POST", "POST", "GET", "POST"]
        emulator.order(faults.StaleNonce(form), faults.StaleNonce(form))
        with pytest.raises(ChatError):
            seat.complete(client)
        assert [request.method for request in emulator.requests][5:] == ["POST", "GET", "POST"]


def test_the_page_is_fetched_once_for_a_hundred_first_calls(seat: Seat, emulator: Emulator) -> None:
    with client_of(seat, emulator, "chatgpt_free") as client:
        replies = seat.many(client, 100)
        assert [reply.text for reply in replies] == [DEFAULT_TEXT] * 100
        assert [request.method for request in emulator.requests].count("GET") == 1


# --- the clocks ----------------------------------------------------------------------------------------------------

def test_a_number_is_the_total(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Hang())
    with client_of(seat, emulator, "acytoo") as client:
        error = Outcome(seat, client, timeout=0.2).error
    assert isinstance(error, TimedOut)
    assert (error.clock, error.seconds) == ("total", 0.2)


# --- leaving, closing, cancelling --------------------------------------------------------------------------------


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stream_that_is_left_closes_its_connection(seat: Seat, emulator: Emulator, system: str) -> None:
    emulator.order(faults.Stall("body", after_pieces=2))
    with client_of(seat, emulator, system) as client:
        stream = seat.stream(client)
        stream.next()
        stream.close()
        emulator.wait_for(lambda it: it.open_connections == 0 or system == "chatgpt_free")
        with pytest.raises(Cancelled):
            stream.next()
        assert not stream.raw.reply.complete
        assert seat.complete(client).text == DEFAULT_TEXT


def test_a_stream_that_is_dropped_warns_and_closes_its_connection(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Stall("body", after_pieces=2))
    with client_of(seat, emulator, "acytoo") as client:
        stream = seat.stream(client)
        stream.next()
        holder = [stream]
        del stream
        with pytest.warns(ResourceWarning, match="dropped unfinished"):
            holder.clear()
        if isinstance(seat, Asyncio):
            seat.run(_turn())
        emulator.wait_for(lambda it: it.open_connections == 0)


async def _turn() -> None:
    """One turn of the loop, in which transports close their sockets."""


def test_a_stream_that_never_began_or_ended_well_is_dropped_silently(seat: Seat, emulator: Emulator) -> None:
    with client_of(seat, emulator, "acytoo") as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        seat.stream(client)
        Outcome(seat, client)
        gc.collect()


def test_the_error_of_a_stream_stays(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(500))
    with client_of(seat, emulator, "acytoo") as client:
        stream = seat.stream(client)
        for _ in range(2):
            with pytest.raises(ServerFailed):
                stream.next()


# --- settings ------------------------------------------------------------------------------------------------------


def test_headers_and_cookies_of_client_and_call(seat: Seat, emulator: Emulator) -> None:
    settings: dict[str, Any] = {"headers": {"x-a": "client", "x-b": "client"}, "cookies": {"one": "1"}}
    with client_of(seat, emulator, "acytoo", **settings) as client:
        seat.complete(client, headers={"X-B": "call"}, cookies={"two": "2"})
        seat.complete(client)
    first, second = emulator.requests
    assert (first.headers["x-a"], first.headers["x-b"], first.headers["cookie"]) == ("client", "call", "one=1; two=2")
    assert (second.headers["x-a"], second.headers["x-b"], second.headers["cookie"]) == ("client", "client", "one=1")


def test_what_cannot_be_sent_is_told_before_anything_is_sent(seat: Seat, emulator: Emulator) -> None:
    with client_of(seat, emulator, "yqcloud") as client:
        for messages, options in [
            ([], {}),
            ("Hello", {"model": "gpt-9"}),
            ("Hello", {"temprature": 1}),
            ([{"role": "robot", "content": "Hello"}], {}),
            ("Hello", {"headers": {"x": "a\r\nb"}}),
            ("Hello", {"cookies": {"a": "b; c=d"}}),
            ("Hello", {"timeout": -1}),
        ]:
            with pytest.raises(InvalidRequest):
                client.stream(messages, **options)
    assert emulator.requests == []


def test_the_environments_proxy_is_used_unless_told_otherwise(
    seat: Seat, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv("HTTP_PROXY", nobody)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with client_of(seat, emulator, "acytoo") as client:
        assert isinstance(Outcome(seat, client).error, ProxyFailed)
        assert seat.complete(client, proxy=False).complete
    with client_of(seat, emulator, "acytoo", proxy=False) as client:
        assert seat.complete(client).complete
        assert isinstance(Outcome(seat, client, proxy=nobody).error, ProxyFailed)


def test_a_provider_object_may_be_given(seat: Seat, emulator: Emulator) -> None:
    provider = providers.create("acytoo", base_url=emulator.base_url("acytoo"))
    client = seat.client(provider)
    assert seat.complete(client).complete
    seat.close_client(client)
    with pytest.raises(InvalidRequest, match="base_url"):
        seat.client(provider, base_url="http://127.0.0.1")
    with pytest.raises(InvalidRequest, match="provider must be"):
        seat.client(3)
    with pytest.raises(InvalidRequest, match="free_netfly"):
        seat.client("nobody")


def test_two_readers_of_one_stream_are_refused(emulator: Emulator) -> None:
    seat = Blocking()
    emulator.order(faults.Stall("headers"))
    with client_of(seat, emulator, "acytoo") as client:
        stream = seat.stream(client)
        wait = stream.in_background()
        emulator.wait_for(lambda it: it.held == 1)
        with pytest.raises(StreamMisused, match="already being read"):
            stream.next()
        emulator.release()
        assert wait() is None
