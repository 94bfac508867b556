"""Tapes that foreign clients make: a loopback server that passes their requests on, and records; both our clients."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from emulator_caller import MESSAGES
from seats import Outcome, Seat

from sansio_core import ConnectionLost, InvalidRequest, ProtocolViolation, ServerFailed, StreamTruncated
from sansio_core.tape import End, Head, Mark, Piece, Tape, UnsafeTape
from transports import tapes
from transports.emulator import (
    Emulator,
    Gzip,
    RawResponse,
    Redirect,
    Reset,
    Stall,
    Status,
    TruncatedFraming,
)

KEY = "sesame-1234567890-abcdef"
TEXT = "Hello, wörld: 山 and 🌞!"
QUESTION = {"model": "m", "messages": MESSAGES, "stream": True}


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(reply=TEXT) as emulator:
        yield emulator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.tape"


def relay_to(path: Path, emulator: Emulator, name: str = "openai", **settings: Any) -> Any:
    return tapes.relay(path, base_urls={name: emulator.base_url(name)}, **settings)


def client(seat: Seat, server: Any, name: str = "openai") -> Any:
    return seat.client(name, base_url=server.base_url(name), api_key=KEY, model="m", retry=1)


def takes(path: Path) -> Any:
    return Tape.loads(path.read_bytes()).takes


def post(server: Any, **settings: Any) -> requests.Response:
    headers = {"authorization": f"Bearer {KEY}", **settings.pop("headers", {})}
    url = f"{server.base_url('openai')}/chat/completions"
    return requests.post(url, **{"json": QUESTION, "headers": headers, "timeout": 10, **settings})


def test_what_a_user_types(seat: Seat, emulator: Emulator, path: Path) -> None:
    with relay_to(path, emulator) as relay:
        assert seat.complete(client(seat, relay)).text == TEXT
    (take,) = takes(path)
    assert (take.provider, take.base, take.target) == ("openai", emulator.base_url("openai"), "/chat/completions")
    assert [type(step) for step in take.steps[:2]] == [Mark, Head]
    assert take.seconds < 5
    assert KEY.encode() not in path.read_bytes()
    emulator.stop()
    with tapes.serve(path, speed=0) as server:
        assert seat.complete(client(seat, server)).text == TEXT
    with tapes.replay(path):
        assert seat.complete(client(seat, relay)).text == TEXT


def test_the_request_is_passed_on_without_what_belongs_to_the_connection(emulator: Emulator, path: Path) -> None:
    hops = {"te": "trailers", "x-hop": "1", "connection": "x-hop, close", "proxy-authorization": "Basic eDp5"}
    with relay_to(path, emulator) as relay:
        assert post(relay, headers={**hops, "x-kept": "yes", "accept-encoding": "br"}).status_code == 200
    (got,) = emulator.requests
    assert (got.path, got.json) == ("/v1/chat/completions", QUESTION)
    assert got.headers["authorization"] == f"Bearer {KEY}"
    assert got.headers["host"] == f"127.0.0.1:{emulator.port}"
    assert (got.headers["x-kept"], got.headers["accept-encoding"]) == ("yes", "gzip, deflate")
    assert hops.keys().isdisjoint(got.headers)


def test_what_a_foreign_client_alone_knows_to_be_secret_is_in_no_tape(emulator: Emulator, path: Path) -> None:
    own, asked = "pass-0987654321-zyxwvut", [{"role": "user", "content": f"{KEY}, Ana Novak, pass-0987654321-zyxwvut"}]
    with Emulator(reply=str.lower) as emulator, relay_to(path, emulator, redact="Ana Novak") as relay:
        assert own in post(relay, headers={"x-team": f"chat {own}"}, json={**QUESTION, "messages": asked}).text
    tape = path.read_text()
    assert not [secret for secret in (KEY, own, "Ana Novak") if secret in tape]
    with tapes.serve(path, speed=0) as server:
        assert post(server, headers={"x-team": f"chat {own}"}, json={**QUESTION, "messages": asked}).status_code == 200


@pytest.mark.parametrize("leaves", [False, True])
def test_what_looks_like_a_key_is_written_nowhere_and_raised_by_stop(path: Path, leaves: bool) -> None:
    key = "sk-proj-" + "a1B2" * 12
    with Emulator(reply=f"use {key} !") as emulator:
        relay = relay_to(path, emulator)
        relay.start()
        for _ in range(2):
            if leaves:
                emulator.order(Stall(after_pieces=2))
            with post(relay, stream=True) as response:
                got, pieces = b"", response.iter_content(None)
                while (key if leaves else "[DONE]").encode() not in got:
                    got += next(pieces)
            emulator.wait_for(lambda emulator: emulator.open_connections == 0)
        with pytest.raises(UnsafeTape) as told:
            relay.stop()
    assert takes(path) == ()
    assert "UnsafeTape" in str(told.value.__notes__)


def test_bytes_are_passed_on_as_they_come(emulator: Emulator, path: Path) -> None:
    emulator.order(Stall(after_pieces=2))
    with relay_to(path, emulator) as relay, post(relay, stream=True) as response:
        got, pieces = b"", response.iter_content(None)
        while '"content":" wörld:"'.encode() not in got:
            got += next(pieces)
        emulator.release()
        rest = b"".join(pieces)
    assert b"[DONE]" in rest
    (take,) = takes(path)
    assert b"".join(step.data for step in take.steps if isinstance(step, Piece)) == got + rest


def test_a_body_is_passed_on_without_its_coding(emulator: Emulator, path: Path) -> None:
    emulator.order(Gzip())
    with relay_to(path, emulator) as relay:
        response = post(relay)
    assert b"[DONE]" in response.content
    assert "content-encoding" not in response.headers


def test_an_error_response_is_passed_on(seat: Seat, emulator: Emulator, path: Path) -> None:
    emulator.order(Status(429, {"retry-after": "7"}, b'{"error": {"message": "slow down"}}'))
    with relay_to(path, emulator) as relay:
        response = post(relay)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.json() == {"error": {"message": "slow down"}}
    assert takes(path)[0].end == End(takes(path)[0].end.after)


@pytest.mark.parametrize(
    ("fault", "error", "taped"),
    [
        (Reset(after_pieces=2), ConnectionLost, "ConnectionLost"),
        (TruncatedFraming(after_pieces=2), StreamTruncated, "StreamTruncated"),
        (Gzip("corrupt"), ProtocolViolation, "ProtocolViolation"),
    ],
    ids=["reset", "cut", "corrupt"],
)
def test_an_answer_that_breaks_off_does_so_there_and_when_played(
    seat: Seat, emulator: Emulator, path: Path, fault: Any, error: Any, taped: str
) -> None:
    emulator.order(fault)
    with relay_to(path, emulator) as relay:
        first = Outcome(seat, client(seat, relay))
    assert takes(path)[0].end.what == taped
    with tapes.serve(path, speed=0) as server:
        again = Outcome(seat, client(seat, server))
    assert isinstance(first.error, error)
    assert (again.text, type(again.error)) == (first.text, type(first.error))


@pytest.mark.parametrize("data", [b"", b"this is no HTTP\r\n\r\n"], ids=["nothing", "no HTTP"])
def test_a_host_that_does_not_answer_is_status_502(seat: Seat, emulator: Emulator, path: Path, data: bytes) -> None:
    emulator.order(RawResponse(data) if data else Reset(before="headers"))
    with relay_to(path, emulator) as relay:
        outcome = Outcome(seat, client(seat, relay))
    assert type(outcome.error) is ServerFailed
    assert outcome.error.status == 502
    assert takes(path)[0].end.what == ("ProtocolViolation" if data else "ConnectionLost")


def test_a_host_that_is_not_there_is_named(path: Path) -> None:
    with Emulator() as gone:
        url = gone.base_url("openai")
    with tapes.relay(path, base_urls={"openai": url}) as relay:
        response = post(relay)
    assert response.status_code == 502
    assert "127.0.0.1" in response.json()["error"]["message"]
    assert takes(path)[0].end.what == "ConnectFailed"


def test_a_client_that_leaves_ends_the_take(seat: Seat, emulator: Emulator, path: Path) -> None:
    emulator.order(Stall(after_pieces=2))
    with relay_to(path, emulator) as relay:
        stream = seat.stream(client(seat, relay))
        assert stream.next() == "Hello,"
        stream.close()
        emulator.wait_for(lambda emulator: emulator.open_connections == 0)
    assert takes(path)[0].end.what == "closed"


def test_a_redirect_is_followed_by_the_client_through_the_relay(seat: Seat, emulator: Emulator, path: Path) -> None:
    emulator.order(Redirect(307, f"{emulator.base_url('openai')}/chat/completions"))
    with relay_to(path, emulator) as relay:
        assert seat.complete(client(seat, relay)).text == TEXT
    assert [take.steps[1].status for take in takes(path)] == [307, 200]


def test_only_what_is_under_the_base_url_is_passed_on(emulator: Emulator, path: Path) -> None:
    with relay_to(path, emulator) as relay:
        under = f"only requests under {relay.base_url('openai')} "
        for target, words in (("openai/files", under), ("openai/v1x", under), ("x/y", "provider 'x'")):
            response = requests.get(f"http://127.0.0.1:{relay.port}/{target}", timeout=5)
            assert response.status_code == 404
            assert words in response.json()["error"]["message"]
    assert emulator.requests == []
    assert takes(path) == ()


def test_the_vendors_variable_names_the_host_also_when_it_is_set_to_the_relay_then(
    emulator: Emulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", emulator.base_url("openai"))
    with tapes.relay(path) as relay:
        monkeypatch.setenv("OPENAI_BASE_URL", relay.base_url("openai"))
        assert post(relay).status_code == 200
    assert len(emulator.requests) == 1


def test_what_could_not_be_written_is_raised_by_stop(emulator: Emulator) -> None:
    with pytest.raises(OSError, match="No space left"), relay_to(Path("/dev/full"), emulator) as relay:
        assert b"[DONE]" in post(relay).content


def test_a_folder_that_is_not_there_is_told_before_anything_is_asked(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no/t\.tape"), relay_to(tmp_path / "no" / "t.tape", emulator):
        pass


def test_a_tape_is_free_again_when_its_relay_has_ended_or_could_not_listen(emulator: Emulator, path: Path) -> None:
    with relay_to(path, emulator) as relay:
        with pytest.raises(OSError, match="address already in use"), relay_to(path, emulator, port=relay.port):
            pass
        assert relay.running
    with tapes.record(path):
        pass


def test_each_request_has_a_connection_of_its_own_as_a_stale_one_would_be_a_take_for_nobody(
    emulator: Emulator, path: Path
) -> None:
    with relay_to(path, emulator) as relay:
        for _ in range(2):
            post(relay)
        emulator.wait_for(lambda emulator: emulator.open_connections == 0)
    assert emulator.connections == 2


def test_a_base_url_that_is_none_is_told_at_once(path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not an http:// or https:// URL"):
        tapes.relay(path, base_urls={"openai": "ftp://x"})
    assert not path.exists()
    with tapes.relay(path) as relay, pytest.raises(InvalidRequest, match="azure_openai needs base_url="):
        relay.base_url("azure_openai")


def test_a_recorder_is_shared_with_our_own_clients(seat: Seat, emulator: Emulator, path: Path) -> None:
    own = seat.client("openai", base_url=emulator.base_url("openai"), api_key=KEY, model="m")
    with tapes.record(path) as recorder:
        seat.complete(own)
        with tapes.relay(recorder, base_urls={"openai": emulator.base_url("openai")}) as relay:
            post(relay)
        seat.complete(own)
    assert len(takes(path)) == 3
