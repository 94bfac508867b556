"""Each fault that the emulator knows, byte for byte as a plain socket sees it."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import h11
import pytest
from emulator_caller import PROVIDERS, TEXT, Answer, Caller, question

from transports.emulator import (
    FAULTS,
    Ban,
    ContentType,
    Cut,
    Emulator,
    Fault,
    GarbageLine,
    Gzip,
    Hang,
    HTMLAnswer,
    InBandError,
    Interim,
    JSONAnswer,
    KeepAlives,
    LineEnds,
    MissingEnd,
    OneByte,
    RawResponse,
    Redirect,
    Reset,
    SplitCharacter,
    SplitCRLF,
    StaleNonce,
    Stall,
    Status,
    Trailing,
    TruncatedFraming,
    parse_fault,
)

SENTENCE = "sorry, 您的ip已由于触发防滥用检测而被封禁"
FRAMINGS = ["chunked", "content-length", "close"]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(reply=TEXT) as running:
        yield running


@pytest.fixture
def caller(emulator: Emulator) -> Iterator[Caller]:
    with Caller(emulator) as caller:
        yield caller


def broken(emulator: Emulator, provider: str, *faults: Fault) -> Answer:
    """What one request, on a connection of its own, gets with all of these faults."""
    emulator.order(faults)
    with Caller(emulator) as caller:
        return caller.ask(emulator, provider)


def send_for_ever(caller: Caller) -> None:
    while True:
        caller.socket.send(bytes(65536))


# --- another answer --------------------------------------------------------------------------------------------------


def test_status_redirect_html_and_raw(emulator: Emulator) -> None:
    answer = broken(emulator, "yqcloud", Status(429, {"Retry-After": "7"}, b'{"error":"slow"}'))
    assert (answer.status, answer.header("retry-after"), answer.body) == (429, "7", b'{"error":"slow"}')
    assert answer.header("content-type") == "application/json"
    answer = broken(emulator, "yqcloud", Status(204))
    assert (answer.status, answer.body, answer.header("content-length"), answer.ended) == (204, b"", None, True)
    assert broken(emulator, "yqcloud", Status(599)).status == 599
    answer = broken(emulator, "free_netfly", Redirect(307, "https://elsewhere/x"))
    assert (answer.status, answer.header("location"), answer.body) == (307, "https://elsewhere/x", b"")
    answer = broken(emulator, "acytoo", HTMLAnswer(502))
    assert (answer.status, answer.body[:15], answer.ended) == (502, b"<!DOCTYPE html>", True)
    answer = broken(emulator, "acytoo", RawResponse(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"))
    assert (answer.body, answer.ended) == (b"abc", False)


def test_raw_responses_may_keep_the_connection(emulator: Emulator, caller: Caller) -> None:
    emulator.order(RawResponse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", close=False))
    assert caller.ask(emulator, "acytoo").body == b"abc"
    assert caller.ask(emulator, "acytoo").text == TEXT


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_json_completion_in_place_of_a_stream(emulator: Emulator, provider: str) -> None:
    answer = broken(emulator, provider, JSONAnswer(indent=2))
    assert answer.header("content-type") == "application/json"
    assert answer.body.count(b"\n") >= 2
    said = json.loads(answer.body)
    assert (said["data"] if provider == "chatgpt_free" else said["choices"][0]["message"]["content"]) == TEXT


@pytest.mark.parametrize(("form", "status", "body"), [("403", 403, b"-1"), ("-1", 200, b"-1"), ("0", 200, b"0")])
def test_a_nonce_goes_stale_until_the_page_is_read_again(
    emulator: Emulator, caller: Caller, form: Any, status: int, body: bytes
) -> None:
    page = caller.page(emulator)
    emulator.order(StaleNonce(form))
    caller.send(*question(emulator, "chatgpt_free", page=page))
    answer = caller.receive()
    assert (answer.status, answer.body) == (status, body)
    caller.send(*question(emulator, "chatgpt_free", page=page))
    assert caller.receive().status == 403  # it stays stale
    assert caller.ask(emulator, "chatgpt_free").text == TEXT


def test_faults_may_aim_at_the_page_and_queue_in_order(emulator: Emulator, caller: Caller) -> None:
    emulator.order(Status(500), Status(502, on="page"), None, Status(503))
    assert caller.ask(emulator, "acytoo").status == 500
    assert caller.page(emulator).status == 502
    assert [caller.ask(emulator, "chatgpt_free").status for _ in range(3)] == [200, 503, 200]
    emulator.order(Status(418), always=True)
    assert [caller.ask(emulator, "acytoo").status for _ in range(2)] == [418, 418]
    emulator.order(always=True)
    assert caller.ask(emulator, "acytoo").status == 200
    with pytest.raises(ValueError, match="aimed alike"):
        emulator.order((Cut(3), Cut(3, on="page")))
    with pytest.raises(ValueError, match="'connect'"):
        Cut(3, on="connect")
    with pytest.raises(ValueError, match="must be one of"):
        parse_fault("cut:on=nowhere")


def test_faults_that_a_system_cannot_have_say_so(emulator: Emulator) -> None:
    assert b"no nonces" in broken(emulator, "free_netfly", StaleNonce()).body
    assert b"no keep-alive" in broken(emulator, "yqcloud", KeepAlives(1)).body


# --- the content -----------------------------------------------------------------------------------------------------


def test_content_type_garbage_and_missing_end(emulator: Emulator) -> None:
    assert broken(emulator, "free_netfly", ContentType("text/plain")).header("content-type") == "text/plain"
    assert broken(emulator, "free_netfly", ContentType(None)).header("content-type") is None
    answer = broken(emulator, "free_netfly", GarbageLine())
    assert answer.chunks[2] == b'data: {"choices": [oops\n\n'
    assert answer.text == TEXT
    assert broken(emulator, "acytoo", GarbageLine("oops", after_pieces=0)).text == f"oops\n{TEXT}"
    answer = broken(emulator, "free_netfly", MissingEnd())
    assert (answer.text, answer.ended) == (TEXT, True)
    assert b"DONE" not in answer.body
    assert b'"finish_reason":"stop"' not in answer.body


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_inside_an_answer_is_its_end(emulator: Emulator, provider: str) -> None:
    answer = broken(emulator, provider, InBandError())
    last = json.loads(answer.chunks[-1].removeprefix(b"data: "))
    assert last["msg" if provider == "chatgpt_free" else "error"]
    assert (answer.status, answer.ended) == (200, True)
    assert b"Hello," in answer.body
    assert b"world" not in answer.body
    answer = broken(emulator, provider, InBandError({"detail": "no"}, after_pieces=0))
    assert json.loads(answer.chunks[0].removeprefix(b"data: ")) == {"detail": "no"}


def test_the_ban(emulator: Emulator) -> None:
    assert broken(emulator, "yqcloud", Ban()).text == SENTENCE
    assert broken(emulator, "yqcloud", Ban(after_pieces=1)).text == f"Hello,{SENTENCE}"
    answer = broken(emulator, "yqcloud", Ban(), Cut(1))
    assert answer.chunks == [bytes([byte]) for byte in SENTENCE.encode()]
    answer = broken(emulator, "free_netfly", Ban())
    assert (answer.text, answer.chunks[-1]) == (SENTENCE, b"data: [DONE]\n\n")


@pytest.mark.parametrize("framing", FRAMINGS)
def test_keep_alives(framing: Any) -> None:
    with Emulator(reply=TEXT, framing=framing) as emulator:
        answer = broken(emulator, "free_netfly", KeepAlives(3, interval=0.0))
        assert answer.body.startswith(b": keep-alive\n\n" * 3 + b"data: {")
        assert (answer.text, answer.ended) == (TEXT, True)
        emulator.order(KeepAlives(interval=0.0, after_pieces=None))
        with Caller(emulator) as caller:
            caller.send(*question(emulator, "free_netfly"))
            seen = 0
            for event in caller.events():
                seen += isinstance(event, h11.Data) and b": keep-alive" in event.data
                if seen == 10:
                    break
        emulator.wait_for(lambda e: e.open_connections == 0)


def test_trailing(emulator: Emulator, caller: Caller) -> None:
    assert broken(emulator, "free_netfly", Trailing(b"data: x\n\n")).body.endswith(b"data: [DONE]\n\ndata: x\n\n")
    emulator.order(Trailing(b"HTTP/1.1 200 OK\r\n\r\nmore", beyond=True))
    assert caller.ask(emulator, "acytoo").text == TEXT
    rest, _ = caller.http.trailing_data
    while not rest.endswith(b"more"):
        rest += caller.socket.recv(100)
    assert rest == b"HTTP/1.1 200 OK\r\n\r\nmore"


# --- the cuts --------------------------------------------------------------------------------------------------------


def test_cuts_stalls_and_drips_go_together(emulator: Emulator, caller: Caller) -> None:
    emulator.order((Cut(4), Stall(after_pieces=1), OneByte(interval=1e-6)))
    emulator.release()
    assert caller.ask(emulator, "acytoo").text == TEXT
    answer = broken(emulator, "acytoo", Cut(4), KeepAlives(0), InBandError({}, after_pieces=None))
    assert b"no keep-alive" in answer.body
    answer = broken(emulator, "free_netfly", Cut(5), KeepAlives(1, interval=0.0), InBandError({}, after_pieces=None))
    assert answer.body.endswith(b"data: {}\n\n")
    assert answer.text == TEXT


def test_where_the_cuts_fall(emulator: Emulator) -> None:
    body = broken(emulator, "acytoo").body
    assert {len(chunk) for chunk in broken(emulator, "acytoo", Cut(7)).chunks[:-1]} == {7}
    chunks = broken(emulator, "acytoo", SplitCharacter()).chunks
    assert b"".join(chunks) == body
    assert [chunk[-1] for chunk in chunks if chunk[-1] >= 0xC0] == ["ö".encode()[0], "山".encode()[0], "🌞".encode()[0]]
    chunks = broken(emulator, "free_netfly", SplitCRLF()).chunks
    assert sum(one[-1:] == b"\r" and two[:1] == b"\n" for one, two in pairwise(chunks)) >= 10
    assert b"\n" not in broken(emulator, "free_netfly", LineEnds("\r")).body
    assert broken(emulator, "acytoo", LineEnds("\r")).body == body  # which has no lines


def test_one_byte_may_drip(emulator: Emulator, caller: Caller) -> None:
    emulator.order((OneByte(interval=30), RawResponse(b"HTTP", close=False)))
    caller.send(*question(emulator, "acytoo"))
    assert caller.socket.recv(100) == b"H"


# --- HTTP and TCP ----------------------------------------------------------------------------------------------------


def test_interim_responses(emulator: Emulator) -> None:
    answer = broken(emulator, "acytoo", Interim(103, {"Link": "</x>"}), Interim(102))
    assert (answer.interim, answer.status, answer.text) == ([103, 102], 200, TEXT)


def test_gzip_as_accepted_and_damaged() -> None:
    with Emulator(reply=TEXT, gzip=True) as emulator:
        assert broken(emulator, "acytoo").text == TEXT
        caller = Caller(emulator)
        answer = caller.ask(emulator, "acytoo", headers={"accept-encoding": "gzip, deflate"})
        assert gzip.decompress(answer.body).decode() == TEXT
        caller.close()
        cut, spoiled = (broken(emulator, "acytoo", fault) for fault in (Gzip("truncated"), Gzip("corrupt")))
    decoder = zlib.decompressobj(31)
    assert (decoder.decompress(cut.body).decode(), decoder.eof, cut.ended) == (TEXT, False, True)
    with pytest.raises(zlib.error):
        gzip.decompress(spoiled.body)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_resets_are_resets_and_lose_nothing_before(framing: Any) -> None:
    with Emulator(reply=TEXT, framing=framing) as emulator:
        answer = broken(emulator, "acytoo", Reset(before="headers"))
        assert (answer.status, type(answer.error)) == (0, ConnectionResetError)
        for pieces, text in ((0, ""), (2, "Hello, wörld:"), (None, TEXT)):
            answer = broken(emulator, "acytoo", Reset(after_pieces=pieces))
            assert (answer.status, answer.text) == (200, text)
            if (framing, pieces) != ("content-length", None):  # there the body was whole
                assert isinstance(answer.error, ConnectionResetError)


@pytest.mark.parametrize("framing", ["chunked", "content-length"])
@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (TruncatedFraming(0), "Hel"),
        (TruncatedFraming(1, inside=False), "Hello,"),
        (TruncatedFraming(100), TEXT),
        (TruncatedFraming(None), TEXT),
    ],
)
def test_framing_cut_short_is_a_clean_end_of_the_connection(framing: Any, fault: Fault, text: str) -> None:
    with Emulator(reply=TEXT, framing=framing) as emulator:
        answer = broken(emulator, "acytoo", fault)
        if (framing, fault) == ("content-length", TruncatedFraming(100)):
            assert answer.ended  # raw text has no ending that could be missing
        else:
            assert isinstance(answer.error, h11.RemoteProtocolError)
        assert answer.text in (text, text[:2])  # a chunk's head is part of what is halved
        answer = broken(emulator, "free_netfly", fault)
        assert isinstance(answer.error, h11.RemoteProtocolError)


def test_a_close_delimited_body_just_ends() -> None:
    with Emulator(reply=TEXT, framing="close") as emulator:
        answer = broken(emulator, "acytoo", TruncatedFraming(1, inside=False))
        assert (answer.text, answer.ended, answer.header("connection")) == ("Hello,", True, "close")


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_stall_is_silent_until_released(emulator: Emulator, caller: Caller, where: Any) -> None:
    emulator.order(Stall(where, after_pieces=0))
    caller.send(*question(emulator, "acytoo"))
    emulator.wait_for(lambda e: e.held == 1)
    caller.socket.setblocking(False)
    if where == "headers":
        with pytest.raises(BlockingIOError):
            caller.socket.recv(1)
    else:
        head = caller.socket.recv(65536)
        assert head.endswith(b"\r\n\r\n")
        caller.http.receive_data(head)
    caller.socket.settimeout(10)
    emulator.release()
    assert caller.receive().text == TEXT
    emulator.order(Stall(where))
    caller.send(*question(emulator, "acytoo"))
    emulator.wait_for(lambda e: e.held == 1)  # a later order is silent again


def test_release_may_come_before_the_stall_is_reached(emulator: Emulator, caller: Caller) -> None:
    emulator.order(Stall())
    emulator.release()
    assert caller.ask(emulator, "acytoo").text == TEXT


def test_connections_may_hang_stall_break_or_speak_first(emulator: Emulator) -> None:
    emulator.order(
        Hang(on="connect"), Reset(on="connect"), RawResponse(b"SSH-2.0\r\n", on="connect"), Stall(on="connect")
    )
    with Caller(emulator) as hung:
        emulator.wait_for(lambda e: e.held == 1)
        with pytest.raises(ConnectionResetError), Caller(emulator) as reset:  # even connecting may see it
            reset.socket.recv(1)
        with Caller(emulator) as greeted:
            assert greeted.socket.recv(100) == b"SSH-2.0\r\n"
        with Caller(emulator) as stalled:
            stalled.send(*question(emulator, "acytoo"))
            emulator.wait_for(lambda e: e.held == 2)
            emulator.release()
            assert stalled.receive().text == TEXT
        hung.socket.setblocking(False)
        with pytest.raises(BlockingIOError):  # it is never read: what is sent piles up
            send_for_ever(hung)
        assert len(emulator.requests) == 1


def test_a_tls_handshake_may_stall() -> None:
    with Emulator(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as emulator:
        emulator.order(Stall(on="connect"), RawResponse(b"plain text", on="connect"))
        context = ssl.create_default_context()
        for failure, patience in ((TimeoutError, 0.2), (ssl.SSLError, 10)):
            place = ("127.0.0.1", emulator.port)
            with socket.create_connection(place, timeout=patience) as plain, pytest.raises(failure):
                context.wrap_socket(plain, server_hostname="localhost")


# --- by name ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("status", Status()),
        ("status:429,body=oops", Status(429, body=b"oops")),
        ("reset,before=headers", Reset("headers")),
        ("reset:before=headers,on=page", Reset("headers", on="page")),
        ("truncated-framing:null,inside=false", TruncatedFraming(None, inside=False)),
        ("stale-nonce:-1", StaleNonce("-1")),
        ("html-answer", HTMLAnswer()),
        ("split-crlf", SplitCRLF()),
        ('status:403,headers={"a":"b"}', Status(403, {"a": "b"})),
        ("redirect:307,location=http://x/", Redirect(307, "http://x/")),
        ("gzip:corrupt", Gzip("corrupt")),
        ("gzip:null", Gzip()),
        ("one-byte:1", OneByte(1)),
        ("in-band-error:null", InBandError()),
    ],
)
def test_faults_by_name(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


def test_unknown_names_list_what_is_known() -> None:
    assert len(FAULTS) == 24
    with pytest.raises(ValueError, match="no fault 'x'; known are: ban, content-type"):
        parse_fault("x")
    with pytest.raises(ValueError, match="no field 'y'; it has: size, on, share"):
        parse_fault("cut:y=1")
    with pytest.raises(ValueError, match="needs a value"):
        parse_fault("redirect")


@pytest.mark.parametrize(
    "text",
    ["status:abc", "status:4.5", "status:true", "cut:null", "gzip:bent", "interim:100,headers=x", "reset:before=body",
     "truncated-framing:1,inside=1", "one-byte:slow", "stale-nonce:404", "line-ends:x"],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot have '.*' as its "):
        parse_fault(text)
