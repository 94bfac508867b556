"""Every case of a client's life, on both clients, over real HTTP to the emulator."""

from __future__ import annotations

import gc
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ports import closed_port, silent_port
from seats import Asyncio, Blocking, Outcome, Seat

from sansio_core import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ClientClosed,
    ConnectFailed,
    ConnectionLost,
    HTTPStatusError,
    InvalidRequest,
    IPBlocked,
    KeepAlive,
    LimitExceeded,
    Limits,
    OptionIgnored,
    ProtocolViolation,
    ProviderRefused,
    ProxyFailed,
    RateLimited,
    RetryPolicy,
    ServerFailed,
    StreamMisused,
    StreamTruncated,
    TextDelta,
    TimedOut,
    Timeouts,
    UnexpectedContent,
    UnexpectedRedirect,
    UnknownFrame,
    providers,
)
from transports.emulator import DEFAULT_TEXT, Emulator, faults

SYSTEMS = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo")
EVENT_STREAMS = ("free_netfly", "chatgpt_free")
TEXTS = ("yqcloud", "acytoo")
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


@pytest.mark.parametrize("system", EVENT_STREAMS)
@pytest.mark.parametrize(
    "fault", [faults.LineEnds("\n"), faults.LineEnds("\r\n"), faults.LineEnds("\r"), faults.SplitCRLF()], ids=str
)
def test_any_line_end_gives_the_same_text(seat: Seat, emulator: Emulator, system: str, fault: Any) -> None:
    emulator.order(fault)
    with client_of(seat, emulator, system) as client:
        assert Outcome(seat, client).text == DEFAULT_TEXT


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("system", EVENT_STREAMS)
def test_a_server_may_ignore_stream(seat: Seat, emulator: Emulator, system: str, indent: int | None) -> None:
    emulator.order(faults.JSONAnswer(indent))
    with client_of(seat, emulator, system) as client:
        outcome = Outcome(seat, client)
    assert outcome.text == DEFAULT_TEXT
    assert outcome.reply.complete


def test_a_malformed_line_is_skipped_and_told(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.GarbageLine())
    with client_of(seat, emulator, "free_netfly") as client:
        stream = seat.stream(client)
        events = list(iter(stream.next_event, None))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == DEFAULT_TEXT
    assert [event for event in events if isinstance(event, UnknownFrame)] == [
        UnknownFrame('{"choices": [oops', "data that is not JSON")
    ]


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


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
def test_connections_are_kept_and_used_again(seat: Seat, framing: Any) -> None:
    with Emulator(framing=framing) as emulator, client_of(seat, emulator, "free_netfly") as client:
        for _ in range(3):
            assert seat.complete(client).complete
        assert emulator.connections == 1


def test_a_server_that_holds_a_finished_answer_open_is_not_waited_for(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Stall("body", after_pieces=None))
    with client_of(seat, emulator, "free_netfly") as client:
        assert Outcome(seat, client).reply.complete
        assert seat.complete(client).complete  # the held connection is not used again
        assert emulator.connections == 2


@pytest.mark.parametrize("beyond", [False, True])
def test_what_follows_the_end_marker_is_no_answer(seat: Seat, emulator: Emulator, beyond: bool) -> None:
    emulator.order(faults.Trailing(b'data: {"choices":[{"delta":{"content":"MORE"}}]}\n\n', beyond))
    with client_of(seat, emulator, "free_netfly") as client:
        assert Outcome(seat, client).text == DEFAULT_TEXT
        assert seat.complete(client).text == DEFAULT_TEXT


# --- failures ----------------------------------------------------------------------------------------------------

REFUSALS: list[tuple[Any, type[ChatError], str]] = [
    (faults.Status(401, body=b'{"error": {"message": "bad key"}}'), AuthenticationFailed, "bad key"),
    (faults.Status(404), HTTPStatusError, "404"),
    (faults.Status(422, body=b'{"detail": "no such field"}'), HTTPStatusError, "no such field"),
    (faults.Status(429, {"retry-after": "7"}), RateLimited, "7 s"),
    (faults.Status(500, body=b"<html><title>Oops</title></html>"), ServerFailed, "Oops"),
    (faults.Status(529, {"x-request-id": "req-1"}), ServerFailed, "req-1"),
    (faults.Status(204), UnexpectedContent, "204"),
    (faults.HTMLAnswer(200), UnexpectedContent, "HTML"),
    (faults.HTMLAnswer(502), ServerFailed, "502"),
    (faults.Redirect(302, "/elsewhere"), UnexpectedRedirect, "302"),
    (faults.Redirect(307, "http://other.example/"), UnexpectedRedirect, "base_url"),
    (faults.Redirect(308, "file:///etc/passwd"), UnexpectedRedirect, "http"),
    (faults.Reset(before="headers"), ConnectionLost, ""),
    (faults.RawResponse(b"no HTTP at all\r\n\r\n"), ProtocolViolation, ""),
    (faults.RawResponse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), ProtocolViolation, ""),
    (faults.RawResponse(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n"), LimitExceeded, "head"),
]


@pytest.mark.parametrize("system", ["free_netfly", "acytoo"])
@pytest.mark.parametrize(("fault", "kind", "says"), REFUSALS, ids=lambda value: str(value)[:40])
def test_a_refusal_is_its_own_class(
    seat: Seat, emulator: Emulator, system: str, fault: Any, kind: type[ChatError], says: str
) -> None:
    emulator.order(fault)
    with client_of(seat, emulator, system) as client:
        outcome = Outcome(seat, client)
        assert type(outcome.error) is kind or isinstance(outcome.error, kind)
        assert says in str(outcome.error)
        assert outcome.text == ""
        assert not outcome.reply.complete
        assert seat.complete(client).text == DEFAULT_TEXT  # the client goes on working


CUT_SHORT: list[tuple[Any, tuple[type[ChatError], ...]]] = [
    (faults.Reset(after_pieces=3), (ConnectionLost,)),
    (faults.TruncatedFraming(after_pieces=3), (StreamTruncated,)),
    (faults.TruncatedFraming(after_pieces=3, inside=False), (StreamTruncated,)),
    (faults.Gzip("truncated"), (StreamTruncated,)),
    (faults.Gzip("corrupt"), (ProtocolViolation,)),
]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("fault", "kinds"), CUT_SHORT, ids=lambda value: str(value)[:60])
@pytest.mark.parametrize("framing", ["chunked", "content-length"])
def test_a_truncated_answer_is_never_complete(
    seat: Seat, system: str, fault: Any, kinds: tuple[type[ChatError], ...], framing: Any
) -> None:
    with Emulator(framing=framing, faults=[fault]) as emulator, client_of(seat, emulator, system) as client:
        outcome = Outcome(seat, client)
        if isinstance(fault, faults.Gzip) and system in EVENT_STREAMS and outcome.error is None:
            assert outcome.text == DEFAULT_TEXT  # its end marker was in before the coding's end was missed
            return
        assert isinstance(outcome.error, kinds), outcome.error
        assert DEFAULT_TEXT.startswith(outcome.text)
        assert outcome.error.reply is outcome.reply
        assert outcome.reply.text == outcome.text
        assert not outcome.reply.complete


@pytest.mark.parametrize("system", EVENT_STREAMS)
def test_an_answer_without_its_end_marker_is_truncated(seat: Seat, emulator: Emulator, system: str) -> None:
    emulator.order(faults.MissingEnd())
    with client_of(seat, emulator, system) as client:
        outcome = Outcome(seat, client)
    assert isinstance(outcome.error, StreamTruncated)
    assert outcome.text == DEFAULT_TEXT
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


def test_an_error_in_mid_stream_keeps_the_text(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.InBandError(None, after_pieces=3))
    with client_of(seat, emulator, "free_netfly", retry=QUICK) as client:
        outcome = Outcome(seat, client)
    assert isinstance(outcome.error, ChatError)
    assert outcome.text
    assert DEFAULT_TEXT.startswith(outcome.text)
    assert len(emulator.requests) == 1


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("cut", [None, faults.Cut(1), faults.OneByte()])
def test_a_blocked_address_is_told(seat: Seat, emulator: Emulator, after: int, cut: Any) -> None:
    emulator.order((faults.Ban(after), cut) if cut else faults.Ban(after))
    with client_of(seat, emulator, "yqcloud") as client:
        outcome = Outcome(seat, client)
    assert isinstance(outcome.error, IPBlocked)
    assert isinstance(outcome.error, ProviderRefused)
    assert "sorry" not in outcome.text
    assert DEFAULT_TEXT.startswith(outcome.text)


def test_no_server_is_told_with_what_to_do(seat: Seat) -> None:
    port = closed_port()
    client = seat.client("acytoo", base_url=f"http://127.0.0.1:{port}")
    outcome = Outcome(seat, client)
    assert isinstance(outcome.error, ConnectFailed)
    assert f"127.0.0.1:{port}" in str(outcome.error)
    seat.close_client(client)


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


def test_the_budget_of_attempts_is_kept(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(503), always=True)
    with client_of(seat, emulator, "free_netfly", retry=QUICK) as client:
        assert isinstance(Outcome(seat, client).error, ServerFailed)
    assert len(emulator.requests) == 3


def test_nothing_is_sent_again_once_text_was_handed_out(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Reset(after_pieces=2), always=True)
    with client_of(seat, emulator, "acytoo", retry=QUICK) as client:
        outcome = Outcome(seat, client)
    assert outcome.text
    assert DEFAULT_TEXT.startswith(outcome.text)
    assert len(emulator.requests) == 1


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

CLOCKS: list[tuple[str, Any, Timeouts]] = [
    ("first_event", faults.Hang(), Timeouts(first_event=0.2)),
    ("first_event", faults.Stall("headers"), Timeouts(first_event=0.2)),
    ("first_event", faults.Stall("body", after_pieces=0), Timeouts(first_event=0.2)),
    ("first_event", faults.OneByte(interval=0.02), Timeouts(first_event=0.2)),
    ("idle", faults.Stall("body", after_pieces=2), Timeouts(idle=0.2)),
    ("idle", faults.Stall("body", after_pieces=0), Timeouts(idle=0.2)),
    ("progress", faults.KeepAlives(after_pieces=2), Timeouts(progress=0.2)),
    ("first_event", faults.KeepAlives(after_pieces=0), Timeouts(first_event=0.2)),
    ("total", faults.KeepAlives(after_pieces=2), Timeouts(total=0.3)),
    ("total", faults.OneByte(interval=0.02), Timeouts(total=0.3)),
    ("total", faults.Hang(), Timeouts(total=0.3)),
]


@pytest.mark.parametrize(("clock", "fault", "timeouts"), CLOCKS, ids=lambda value: str(value)[:50])
def test_each_clock_fires_and_names_itself(
    seat: Seat, emulator: Emulator, clock: str, fault: Any, timeouts: Timeouts
) -> None:
    emulator.order(fault)
    with client_of(seat, emulator, "free_netfly", timeout=timeouts) as client:
        started = time.monotonic()
        outcome = Outcome(seat, client)
        took = time.monotonic() - started
    assert isinstance(outcome.error, TimedOut)
    assert outcome.error.clock == clock
    assert clock in str(outcome.error)
    assert took > 0.19


def test_keep_alives_do_not_stop_an_answer(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.KeepAlives(count=5, after_pieces=1))
    with client_of(seat, emulator, "free_netfly") as client:
        events = list(iter(seat.stream(client).next_event, None))
    assert sum(isinstance(event, KeepAlive) for event in events) == 5


def test_connecting_has_a_clock_of_its_own(seat: Seat) -> None:
    with silent_port() as port:
        client = seat.client("acytoo", base_url=f"http://127.0.0.1:{port}", timeout=Timeouts(connect=0.2))
        outcome = Outcome(seat, client)
        assert isinstance(outcome.error, TimedOut)
        assert outcome.error.clock == "connect"
        seat.close_client(client)


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


@pytest.mark.parametrize("how", ["cancel", "close"])
@pytest.mark.parametrize(
    "fault",
    [faults.Hang(on="connect"), faults.Hang(), faults.Stall("headers"), faults.Stall("body", after_pieces=2)],
    ids=str,
)
def test_another_thread_ends_a_blocked_read_at_once(seat: Seat, emulator: Emulator, fault: Any, how: str) -> None:
    emulator.order(fault)
    with client_of(seat, emulator, "acytoo") as client:
        stream = seat.stream(client)
        wait = stream.in_background()
        emulator.wait_for(lambda it: it.held == 1)
        getattr(stream.raw, how)()
        error = wait()
        assert isinstance(error, Cancelled)
        if fault.on != "connect":  # where it does not even read, the server cannot see the end either
            emulator.wait_for(lambda it: it.open_connections == 0)
        assert seat.complete(client).text == DEFAULT_TEXT


def test_another_thread_ends_a_wait_at_once(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(503, {"retry-after": "50"}))
    with client_of(seat, emulator, "acytoo", retry=2) as client:
        stream = seat.stream(client)
        wait = stream.in_background()
        emulator.wait_for(lambda it: len(it.requests) == 1)
        stream.raw.cancel()
        assert isinstance(wait(), Cancelled)


def test_the_error_of_a_stream_stays(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Status(500))
    with client_of(seat, emulator, "acytoo") as client:
        stream = seat.stream(client)
        for _ in range(2):
            with pytest.raises(ServerFailed):
                stream.next()


def test_a_closed_client_says_so(seat: Seat, emulator: Emulator) -> None:
    with client_of(seat, emulator, "acytoo") as client:
        pass
    with pytest.raises(ClientClosed, match="make a new one"):
        client.stream("Hello")


def test_closing_a_client_ends_its_streams(seat: Seat, emulator: Emulator) -> None:
    emulator.order(faults.Stall("body", after_pieces=2))
    with client_of(seat, emulator, "acytoo") as client:
        stream = seat.stream(client)
        stream.next()
    with pytest.raises(ChatError):
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


def test_an_option_without_a_field_is_told_at_the_callers_line(seat: Seat, emulator: Emulator) -> None:
    with client_of(seat, emulator, "yqcloud") as client:
        with pytest.warns(OptionIgnored, match="temperature, top_p") as caught:
            client.stream("Hello", temperature=1, top_p=1)
        assert [warning.filename for warning in caught] == [__file__]


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


def test_limits_are_kept(seat: Seat, emulator: Emulator) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    emulator.order(faults.RawResponse(head + b"data: " + b"x" * 5000))
    with client_of(seat, emulator, "free_netfly", limits=Limits(frame=1000)) as client:
        error = Outcome(seat, client).error
    assert isinstance(error, LimitExceeded)
    assert (error.limit, error.size) == ("frame", 1000)


def test_secrets_are_in_no_log_repr_or_error(
    seat: Seat, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key, cookie = "sk-very-secret-key", "very-secret-cookie"
    emulator.order(faults.Status(401, body=f'{{"error": "wrong key {key} or {cookie}"}}'.encode()))
    with client_of(
        seat, emulator, "acytoo", headers={"authorization": f"Bearer {key}"}, cookies={"session": cookie}
    ) as client:
        stream = seat.stream(client)
        with pytest.raises(AuthenticationFailed) as caught:
            stream.next()
        values = (client, client.provider, stream.raw, caught.value, stream.raw.reply, vars(caught.value))
        seen = [repr(value) for value in values]
    seen += [str(caught.value), caplog.text]
    assert emulator.requests[0].headers["authorization"] == f"Bearer {key}"
    for text in seen:
        assert key not in text
        assert cookie not in text
    assert "[hidden]" in str(caught.value)


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


def test_one_asyncio_client_serves_one_loop_after_another(emulator: Emulator) -> None:
    client = Asyncio().client("acytoo", base_url=emulator.base_url("acytoo"))
    for _ in range(2):
        seat = Asyncio()
        assert seat.complete(client).complete
        seat.end()
    seat = Asyncio()
    seat.close_client(client)
    seat.end()
