"""Tapes served on loopback: what clients of any make see of each take, and when; both our clients, h11 and requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import h11
import pytest
import requests
from emulator_caller import Answer, Caller
from seats import Outcome, Seat

from sansio_core import (
    BadRequest,
    ChatError,
    ChatRequest,
    ConnectionLost,
    Exchange,
    HttpRequest,
    InvalidRequest,
    ProtocolViolation,
    Send,
    StreamTruncated,
    TimedOut,
    providers,
)
from sansio_core.tape import BrokenTape, Deck, End, Head, Mark, Piece, Take, Tape, UnsafeTape
from transports import tapes
from transports.emulator import Emulator
from transports.emulator.tape_server import TapeServer

EVENTS = (("content-type", "text/event-stream"), ("x-request-id", "r1"))
CLIENT = {"api_key": "any", "retry": 1, "model": "m"}


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def asked(name: str = "openai", question: str = "Hello") -> HttpRequest:
    """What our clients send to a provider's own host."""
    provider = providers.create(name, api_key="any")
    action = Exchange(provider, ChatRequest(question, model="m")).next_action(0.0)
    assert isinstance(action, Send)
    return action.request


def take_of(*steps: Any, name: str = "openai", question: str = "Hello", **changes: Any) -> Take:
    request, base = asked(name, question), providers.create(name, api_key="any").base_url
    fields = {"url": request.url, "base": base, "provider": name, "body": request.body, "steps": steps}
    return Take(**{"method": request.method, **fields, **changes})


def said(text: str, after: float = 0.0) -> Piece:
    """A piece of OpenAI's event stream."""
    return Piece(after, b"data: %b\n\n" % json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode())


DONE = Piece(0.0, b"data: [DONE]\n\n")
GOOD = (Mark(0.0, "connected"), Head(0.0, 200, EVENTS), said("Hel"), said("lo"), DONE, End(0.0))


def begin(server: Any, take: Take, **headers: str) -> tuple[Caller, tuple[str, str, dict[str, str], bytes]]:
    """A plain connection, and the request of `take` on it."""
    target = f"/{take.provider}{server.base_url(take.provider).partition(take.provider)[2]}{take.target}"
    sent = {"host": f"127.0.0.1:{server.port}", "content-type": "application/json", **headers}
    return Caller(server), (take.method, target, sent, take.body)


def ask(server: Any, take: Take, **headers: str) -> Answer:
    caller, question = begin(server, take, **headers)
    with caller:
        caller.send(*question)
        return caller.receive()


def client(seat: Seat, server: Any, name: str = "openai", **settings: Any) -> Any:
    return seat.client(name, base_url=server.base_url(name), **{**CLIENT, **settings})


# --- a good take ------------------------------------------------------------------------------------------------------


def test_what_a_user_types(seat: Seat, tmp_path: Path) -> None:
    path = tmp_path / "t.tape"
    path.write_bytes(Tape((take_of(*GOOD),)).dumps())
    with tapes.serve(path, speed=0) as server:
        assert seat.complete(client(seat, server)).text == "Hello"
        assert (server.unused, server.unmatched, len(server.requests)) == ((), [], 1)
    assert repr(server) == "<TapeServer, not running>"


def test_pieces_come_cut_as_they_were_and_when_they_came() -> None:
    data = [b"one", b"\xe2\x82", b"\xac three\r", b"\n" * 40]
    gaps = [0.02, 0.001, 0.015, 0.01]
    steps = [Piece(gap, piece) for gap, piece in zip(gaps, data, strict=True)]
    take = take_of(Mark(0.005, "connected"), Head(0.01, 200, EVENTS), *steps, End(0.01))
    with tapes.serve(Tape((take,)), speed=0.5) as server:
        began = monotonic()
        url = f"{server.base_url('openai')}/chat/completions"
        with requests.post(url, data=take.body, stream=True) as response:
            times, got = [monotonic() - began], []
            for piece in response.iter_content(None):
                got.append(piece)
                times.append(monotonic() - began)
        times.append(monotonic() - began)
    assert got == data
    due = [0.03, 0.07, 0.072, 0.102, 0.122, 0.142]
    assert all(time >= when - 0.002 for time, when in zip(times, due, strict=True)), times


def test_at_speed_0_nothing_is_waited_for() -> None:
    take = take_of(Mark(600, "connected"), Head(60, 200), Piece(60, b"x"), End(60))
    with tapes.serve(Tape((take,)), speed=0) as server:
        assert ask(server, take).chunks == [b"x"]


def test_the_head_is_as_taped_but_for_what_belonged_to_that_connection() -> None:
    dropped = {"content-encoding": "gzip", "content-length": "9", "keep-alive": "9", "x-hop": "1"}
    dropped |= {"set-cookie": "sid=1", "x-own": "[hidden]"}
    fields = (*EVENTS, *dropped.items(), ("connection", "keep-alive, X-Hop"), ("transfer-encoding", "gzip, chunked"))
    take = take_of(Head(0, 429, fields), Piece(0, b"{}"), End(0))
    with tapes.serve(Tape((take,))) as server:
        answer = ask(server, take)
    assert (answer.status, answer.body, answer.ended) == (429, b"{}", True)
    assert answer.headers == [*EVENTS, ("transfer-encoding", "chunked")]


def test_several_clients_at_once_get_equal_takes_in_their_order(seat: Seat) -> None:
    texts = [f"answer {number}" for number in range(12)]
    takes = [take_of(Head(0, 200, EVENTS), said(text), DONE, End(0.01)) for text in texts]
    with tapes.serve(Tape.of(takes)) as server:
        replies = seat.many(client(seat, server), 12)
        assert server.unused == ()
        server.wait_for(lambda server: len(server.requests) == 12)
    assert sorted(reply.text for reply in replies) == sorted(texts)


def test_connections_are_kept() -> None:
    take = take_of(*GOOD)
    with tapes.serve(Tape((take, take)), speed=0) as server:
        caller, question = begin(server, take)
        with caller:
            for _ in range(2):
                caller.send(*question)
                assert caller.receive().ended
        assert server.connections == 1


def test_a_client_of_http_1_0_reads_until_the_connection_ends() -> None:
    cut = take_of(Head(0, 200), Piece(0, b"one"), End(0, "StreamTruncated"), question="Cut")
    with tapes.serve(Tape((take_of(*GOOD), cut)), speed=0) as server:
        for take, end in ((take_of(*GOOD), b"[DONE]\n\n"), (cut, None)):
            with Caller(server) as caller:
                head = f"POST /openai/v1/chat/completions HTTP/1.0\r\ncontent-length: {len(take.body)}\r\n\r\n"
                caller.socket.sendall(head.encode() + take.body)
                with caller.socket.makefile("rb") as file:
                    if end is None:
                        with pytest.raises(ConnectionResetError):
                            file.read()
                    else:
                        head, _, body = file.read().decode().partition("\r\n\r\n")
                        assert "chunked" not in head
                        assert "connection: close" in head
                        assert body.encode().endswith(end)


def test_a_response_without_a_body_has_none() -> None:
    empty = take_of(Head(0, 204), End(0))
    head = take_of(Head(0, 200, EVENTS), Piece(0, b"x"), End(0), method="HEAD", body=b"")
    with tapes.serve(Tape((empty, head))) as server:
        assert ask(server, empty).headers == []
        url = f"{server.base_url('openai')}/chat/completions"
        assert dict(requests.head(url, timeout=5).headers) == dict(EVENTS)


# --- how a take ended -------------------------------------------------------------------------------------------------

ENDS: dict[str, tuple[End, type[ChatError]]] = {
    "closed": (End(0, "closed"), StreamTruncated),
    "cut": (End(0, "StreamTruncated"), StreamTruncated),
    "reset": (End(0, "ConnectionLost"), ConnectionLost),
    "no HTTP": (End(0, "ProtocolViolation"), ProtocolViolation),
    "corrupt gzip": (End(0, "UnexpectedContent"), ProtocolViolation),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_take_is_what_the_client_sees(seat: Seat, end: str) -> None:
    step, error = ENDS[end]
    with tapes.serve(Tape((take_of(Head(0, 200, EVENTS), said("Hel"), step),))) as server:
        outcome = Outcome(seat, client(seat, server))
    assert (outcome.text, type(outcome.error)) == ("Hel", error)


@pytest.mark.parametrize("what", ["ConnectionLost", "ConnectFailed", "TLSFailed", "ProxyFailed"])
def test_a_connection_that_failed_is_reset_before_the_head(seat: Seat, what: str) -> None:
    with tapes.serve(Tape((take_of(End(0, what)),))) as server:
        assert type(Outcome(seat, client(seat, server)).error) is ConnectionLost


def test_a_head_that_broke_the_rules_is_no_http() -> None:
    take = take_of(End(0, "ProtocolViolation"))
    with tapes.serve(Tape((take,))) as server:
        assert isinstance(ask(server, take).error, h11.RemoteProtocolError)


@pytest.mark.parametrize(("what", "clock"), [("TimeoutError", "idle"), ("TimedOut", "connect")])
def test_where_a_clock_fired_there_is_silence_until_the_client_leaves(seat: Seat, what: str, clock: str) -> None:
    end = End(0, what, {"clock": clock, "seconds": 0.1})
    tape = Tape((take_of(Head(0, 200, EVENTS), said("Hel"), end),))

    def heard() -> str:
        with tapes.serve(tape, speed=0) as server:
            outcome = Outcome(seat, client(seat, server, timeout=0.1))
            assert type(outcome.error) is TimedOut
            server.wait_for(lambda server: server.held == server.open_connections == 0)
        return outcome.text

    assert any(heard() == "Hel" for _ in range(20)), "on a busy machine the clock may come first, but not each time"


def test_stopping_ends_a_silence() -> None:
    take = take_of(End(0, "TimeoutError", {"clock": "first_event", "seconds": 600}))
    with tapes.serve(Tape((take,))) as server:
        caller, question = begin(server, take)
        caller.send(*question)
        server.wait_for(lambda server: server.held == 1)
    with caller:
        assert not caller.receive().ended


def test_a_redirect_leads_to_this_server_and_never_past_it() -> None:
    ours = "https://api.openai.com/v1/v2?a=b"
    places = ("v2", ours, "https://api.openai.com.evil.example/v1/v2", "https://[/")
    moved = [take_of(Head(0, 307, (("location", place),)), End(0), question=place) for place in places]
    with tapes.serve(Tape.of(moved), speed=0) as server:
        base = server.base_url("openai")
        found = [dict(ask(server, take).headers).get("location") for take in moved]
    assert found == [f"{base}/chat/v2", f"{base}/v2?a=b", None, None]


# --- what no take answers ---------------------------------------------------------------------------------------------


def test_an_unmatched_request_is_a_bad_request_that_nobody_repeats(seat: Seat) -> None:
    with tapes.serve(Tape((take_of(*GOOD),))) as server:
        outcome = Outcome(seat, client(seat, server, retry=3), "Hullo")
        assert type(outcome.error) is BadRequest
        (error,) = server.unmatched
        assert str(error).splitlines()[0][:60] in str(outcome.error)
        assert (len(server.requests), len(server.unused)) == (1, 1)
        assert seat.complete(client(seat, server)).text == "Hello"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai", lambda body: body["error"]["message"]),
        ("anthropic", lambda body: body["error"]["message"] if body["type"] == "error" else None),
        ("gemini", lambda body: body["error"]["message"] if body["error"]["code"] == 400 else None),
        ("ollama", lambda body: body["error"]),
        ("acme", lambda body: body["error"]["message"]),
    ],
)
def test_the_error_has_the_providers_form(name: str, message: Callable[[Any], str]) -> None:
    providers.register_host("acme", url="https://acme.example/api/v1")
    with tapes.serve(Tape(())) as server:
        response = requests.post(f"{server.base_url(name)}/chat", data=b"{}", timeout=5)
        assert response.status_code == 400
        assert message(response.json()) == str(server.unmatched[0])


def test_a_host_that_was_registered_is_served(seat: Seat) -> None:
    providers.register_host("acme", url="https://acme.example/api/v1")
    with tapes.serve(Tape((take_of(*GOOD, name="acme"),)), speed=0) as server:
        assert server.base_url("acme").endswith("/acme/api/v1")
        assert seat.complete(client(seat, server, "acme")).text == "Hello"


def test_a_name_that_nobody_has() -> None:
    with tapes.serve(Tape(())) as server:
        with pytest.raises(InvalidRequest, match=r"no provider 'opnai' \(did you mean 'openai'\?\)"):
            server.base_url("opnai")
        response = requests.get(f"http://127.0.0.1:{server.port}/favicon.ico", timeout=5)
    assert response.status_code == 400
    assert "there is no provider 'favicon.ico'" in response.json()["error"]["message"]


def test_a_header_that_cannot_be_one_of_ours_is_a_bad_request() -> None:
    with tapes.serve(Tape((take_of(*GOOD),))) as server:
        response = requests.post(f"{server.base_url('openai')}/x", headers={"x-name": "Ana Müller"}, timeout=5)
    assert response.status_code == 400
    assert "'x-name'" in response.json()["error"]["message"]


# --- the server -------------------------------------------------------------------------------------------------------


def test_base_urls_are_the_emulators() -> None:
    with tapes.serve(Tape(())) as server, Emulator() as emulator:
        theirs = [emulator.base_url(name).replace(str(emulator.port), str(server.port)) for name in emulator.providers]
        assert [server.base_url(name) for name in emulator.providers] == theirs


def test_another_version_of_the_api_is_as_good() -> None:
    take = take_of(*GOOD, name="gemini")  # our clients ask for v1beta, Google's own for v1
    with tapes.serve(Tape((take,)), speed=0) as server:
        response = requests.post(f"{server.base_url('gemini')}/v1{take.target}", data=take.body, timeout=5)
    assert response.status_code == 200


def test_a_deck_may_be_shared_with_a_replay() -> None:
    deck = Deck(Tape((take_of(*GOOD),)))
    with tapes.serve(deck, speed=0) as server:
        ask(server, take_of(*GOOD))
        assert deck.unused == server.unused == ()


def test_what_is_no_tape(tmp_path: Path) -> None:
    (tmp_path / "broken.tape").write_text("hello")
    with pytest.raises(BrokenTape, match=r"broken\.tape, line 1"):
        tapes.serve(tmp_path / "broken.tape")
    with pytest.raises(FileNotFoundError, match="no such tape: record one"):
        tapes.serve(tmp_path / "none.tape")
    with pytest.raises(InvalidRequest, match="speed must be a number from 0"):
        tapes.serve(Tape(()), speed=-1)


def test_a_tape_with_a_key_is_not_served() -> None:
    key = "sk-proj-" + "a1B2" * 12
    with pytest.raises(UnsafeTape) as told:
        tapes.serve(Tape((take_of(*GOOD), take_of(Head(0, 200, EVENTS), said(key), DONE, End(0)))))
    assert told.value.__notes__ == ["The tape is not served: take 2 of 2."]


def test_it_listens_on_loopback_alone_and_says_who_it_is() -> None:
    server = tapes.serve(Tape(()))
    with pytest.raises(RuntimeError, match="the tape server was not started"):
        server.base_url("openai")
    with server:
        assert repr(server) == f"<TapeServer on port {server.port}>"
        assert server._server is not None
        assert [each.getsockname()[0] for each in server._server.sockets] == ["127.0.0.1"]


def test_a_repr_shows_no_key() -> None:
    take = take_of(*GOOD)
    with TapeServer(Deck(Tape((take,))), speed=0) as server:
        ask(server, take, authorization="Bearer sesame-1234567890")
        assert "sesame" not in repr(server.requests)
        assert server.requests[0].headers["authorization"] == "Bearer sesame-1234567890"
