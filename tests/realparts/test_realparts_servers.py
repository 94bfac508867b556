"""Both clients and servers that other people wrote: nginx, haproxy, stunnel in front of an emulator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from parts import Authority, Part
from parts_servers import server
from seats import Outcome, Seat

from sansio_core import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    HTTPStatusError,
    RetryPolicy,
    ServerFailed,
    StreamTruncated,
    TLSFailed,
)
from sansio_core.observer import Notice, Waiting
from transports.emulator import DEFAULT_TEXT, Emulator, faults

Parts = Callable[[str], Part]
ONCE = RetryPolicy(attempts=1)
KEY = "sk-planted-key-of-the-user"
SYSTEMS = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo", "openai")
FRONTS = (
    "nginx:plain", "nginx:tls", "nginx:gzip", "nginx:close", "nginx:buffered",
    "haproxy:plain", "haproxy:tls", "stunnel:tls",
)  # fmt: skip

any_front = pytest.mark.parametrize("front", FRONTS)


def base_url(origin: Emulator, part: Part, port: str, system: str) -> str:
    """Where `system` is behind that port of that part."""
    scheme = "https" if port == "tls" else "http"
    return origin.base_url(system).replace(
        f"http://127.0.0.1:{origin.port}", f"{scheme}://127.0.0.1:{part.ports[port]}"
    )


@contextmanager
def client_of(
    seat: Seat, origin: Emulator, authority: Authority, part: Part, port: str, system: str = "openai", **settings: Any
) -> Iterator[Any]:
    settings = {"retry": ONCE, "timeout": 20, "verify": authority.file, **settings}
    if system == "openai":
        settings["api_key"] = KEY
    if part.ports.keys() == {"tls"}:  # stunnel knows no HTTP
        settings["headers"] = {"x-forwarded-proto": "https"}
    client = seat.client(system, base_url=base_url(origin, part, port, system), **settings)
    try:
        yield client
    finally:
        seat.close_client(client)


@any_front
def test_every_system_answers(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority, front: str
) -> None:
    name, _, port = front.partition(":")
    for system in SYSTEMS:
        with client_of(seat, origin, authority, the_server(name), port, system) as client:
            outcome = Outcome(seat, client)
            assert outcome.error is None
            assert outcome.text == DEFAULT_TEXT
            assert outcome.reply.complete


@pytest.mark.parametrize("system", ["openai", "acytoo"])
@pytest.mark.parametrize("front", [front for front in FRONTS if front != "nginx:buffered"])
def test_the_first_text_comes_before_the_last_was_sent(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority, front: str, system: str
) -> None:
    name, _, port = front.partition(":")
    with client_of(seat, origin, authority, the_server(name), port, system) as client:
        origin.order(faults.Stall("body", after_pieces=2))
        stream = seat.stream(client)
        first = stream.next()
        assert first
        assert not stream.raw.reply.complete
        origin.release()
        assert first + "".join(iter(stream.next, None)) == DEFAULT_TEXT
        stream.close()


def test_nginx_compresses_and_ends_bodies_as_it_is_told(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority
) -> None:
    """So that the cases above are what they seem to be."""
    for port, name, value in (("gzip", "content-encoding", "gzip"), ("close", "connection", "close")):
        with client_of(seat, origin, authority, the_server("nginx"), port) as client:
            outcome = Outcome(seat, client)
        assert outcome.text == DEFAULT_TEXT
        fields = dict(outcome.exchange.headers)
        assert fields[name] == value
        assert ("transfer-encoding" in fields) is (port == "gzip")


@pytest.mark.parametrize(("port", "requests", "connections"), [("plain", 7, 3), ("tls", 7, 1), ("close", 3, 3)])
def test_connections_are_kept_for_as_long_as_nginx_keeps_them(
    seat: Seat, origin: Emulator, authority: Authority, port: str, requests: int, connections: int
) -> None:
    """keepalive_requests is 3 on the plain port: nginx announces the last one by `Connection: close`."""
    with server("nginx", origin.port, authority) as part:
        with client_of(seat, origin, authority, part, port) as client:
            for _ in range(requests):
                assert seat.complete(client).text == DEFAULT_TEXT
        log = part.logged("POST", requests)
    assert log.count("POST") == requests
    assert len(set(re.findall(r"connection=(\d+) POST", log))) == connections


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")  # which it says of verify=False
@pytest.mark.parametrize("name", ["nginx", "haproxy", "stunnel"])
def test_the_certificate_is_checked(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority, name: str
) -> None:
    with client_of(seat, origin, authority, the_server(name), "tls", verify=True) as client:
        assert isinstance(Outcome(seat, client).error, TLSFailed)
    with client_of(seat, origin, authority, the_server(name), "tls", verify=False) as client:
        assert Outcome(seat, client).text == DEFAULT_TEXT


@pytest.mark.parametrize(
    "front", ["nginx:plain", "nginx:tls", "nginx:gzip", "haproxy:plain", "haproxy:tls", "stunnel:tls"]
)
def test_a_server_that_dies_amid_an_answer(seat: Seat, origin: Emulator, authority: Authority, front: str) -> None:
    name, _, port = front.partition(":")
    with server(name, origin.port, authority) as part, client_of(seat, origin, authority, part, port) as client:
        origin.order(faults.Stall("body", after_pieces=2))
        stream = seat.stream(client)
        pieces = [stream.next() or ""]
        part.kill()
        with pytest.raises((ConnectionLost, StreamTruncated)) as caught:
            pieces.extend(iter(stream.next, None))
        assert caught.value.reply is not None
        text = caught.value.reply.text
        assert text
        assert text == "".join(pieces)
        assert not caught.value.reply.complete
        origin.release()
        assert isinstance(Outcome(seat, client).error, ConnectFailed)


def test_an_answer_that_the_origin_breaks_off_is_never_complete(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority
) -> None:
    """A close-delimited body hides it: there only the end marker tells, and raw text has none."""
    for front in FRONTS:
        name, _, port = front.partition(":")
        for system in ("openai", "acytoo"):
            with client_of(seat, origin, authority, the_server(name), port, system) as client:
                origin.order(faults.TruncatedFraming(after_pieces=3))
                outcome = Outcome(seat, client)
            if front == "nginx:close" and system == "acytoo":
                assert DEFAULT_TEXT.startswith(outcome.text)
                continue
            assert isinstance(outcome.error, (ConnectionLost, StreamTruncated)), front
            assert not outcome.reply.complete
            assert DEFAULT_TEXT.startswith(outcome.text)


def test_haproxy_gives_up_on_a_silent_origin(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority
) -> None:
    with client_of(seat, origin, authority, the_server("haproxy"), "hasty") as client:
        origin.order(faults.Stall("headers"))
        error = Outcome(seat, client).error
        assert isinstance(error, ServerFailed)
        assert error.status == 504
        origin.order(faults.Stall("body", after_pieces=2))
        outcome = Outcome(seat, client)
        assert isinstance(outcome.error, (ConnectionLost, StreamTruncated))
        assert outcome.text
        assert DEFAULT_TEXT.startswith(outcome.text)


def test_haproxy_is_full(seat: Seat, the_server: Parts, origin: Emulator, authority: Authority) -> None:
    """A second request waits 100 ms for its turn, gets 503, and is tried again until the first is done."""
    origin.order(faults.Stall("body", after_pieces=2))
    patient = RetryPolicy(attempts=40, first_wait=0.05, factor=1, jitter=0)
    part = the_server("haproxy")
    with client_of(seat, origin, authority, part, "full", retry=patient) as client:
        first = seat.stream(client)
        assert first.next()
        with client_of(seat, origin, authority, part, "full") as impatient:
            error = Outcome(seat, impatient).error
        assert isinstance(error, ServerFailed)
        assert error.status == 503

        def observer(_: Exchange, notice: Notice) -> None:
            if isinstance(notice, Waiting):
                origin.release()

        outcome = Outcome(seat, client, observer=observer)
        assert outcome.error is None
        assert outcome.text == DEFAULT_TEXT
        assert outcome.exchange.attempts > 1
        first.close()


def test_haproxy_resets_every_connection(seat: Seat, the_server: Parts, origin: Emulator, authority: Authority) -> None:
    """As an overloaded balancer does. Whether the reset is in before the connect is done is a race of its own."""
    twice = RetryPolicy(attempts=2, first_wait=0.01)
    with client_of(seat, origin, authority, the_server("haproxy"), "resets", retry=twice) as client:
        outcome = Outcome(seat, client)
    assert isinstance(outcome.error, (ConnectFailed, ConnectionLost))
    assert "reset" in str(outcome.error)
    assert outcome.exchange.attempts == 2


def test_nginx_refuses_a_huge_request_head_and_a_huge_answer_head(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority
) -> None:
    part = the_server("nginx")
    with client_of(seat, origin, authority, part, "plain") as client:
        outcome = Outcome(seat, client, headers={f"x-{number}": "v" * 3000 for number in range(30)})
        assert isinstance(outcome.error, HTTPStatusError)
        assert outcome.error.status == 400
        assert Outcome(seat, client, headers={"x-big": "v" * 6000}).text == DEFAULT_TEXT
        origin.order(faults.Status(200, {"x-big": "v" * 50_000}))
        error = Outcome(seat, client).error
        assert isinstance(error, ServerFailed)
        assert error.status == 502
        assert "<" not in str(error)  # nginx's page is shown as its words
        assert seat.complete(client).text == DEFAULT_TEXT


def test_a_page_of_nginx_where_nobody_is_behind_it(
    seat: Seat, the_server: Parts, origin: Emulator, authority: Authority
) -> None:
    part = the_server("nginx")
    errors: list[ChatError | None] = []
    for system in ("openai", "acytoo"):
        client = seat.client(
            system, base_url=f"http://127.0.0.1:{part.ports['plain']}/empty-pages", retry=RetryPolicy(2, 0.01),
            **({"api_key": KEY} if system == "openai" else {}),
        )  # fmt: skip
        outcome = Outcome(seat, client)
        errors.append(outcome.error)
        assert outcome.exchange.attempts == 2
        seat.close_client(client)
    assert [type(error) for error in errors] == [ServerFailed, ServerFailed]
    assert all("502" in str(error) for error in errors)
