"""Both clients through proxies that other people wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from parts import PASSWORD, Authority, Part, free_port
from parts_proxies import PROXIES, proxy
from seats import Outcome, Seat

from sansio_core import (
    AuthenticationFailed,
    ConnectionLost,
    LimitExceeded,
    ProxyFailed,
    RetryPolicy,
    ServerFailed,
    StreamTruncated,
)
from transports.emulator import DEFAULT_TEXT, Emulator, faults

Parts = Callable[[str], Part]
Origins = dict[str, Emulator]
ONCE = RetryPolicy(attempts=1)
KEY = "sk-planted-key-of-the-user"
SYSTEMS = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo", "openai")

any_proxy = pytest.mark.parametrize("name", PROXIES)
any_scheme = pytest.mark.parametrize("scheme", ["http", "https"])
with_password = pytest.mark.parametrize("name", [name for name, kind in PROXIES.items() if kind.password])


@contextmanager
def client_of(seat: Seat, origin: Emulator, authority: Authority, proxy: str, system: str) -> Iterator[Any]:
    settings = {"api_key": KEY} if system == "openai" else {}
    client = seat.client(
        system, base_url=origin.base_url(system), proxy=proxy, retry=ONCE, verify=authority.file, timeout=20, **settings
    )
    try:
        yield client
    finally:
        seat.close_client(client)


@any_scheme
@any_proxy
def test_every_system_answers(
    seat: Seat, the_proxy: Parts, origins: Origins, authority: Authority, name: str, scheme: str
) -> None:
    url = PROXIES[name].url(the_proxy(name))
    for system in SYSTEMS:
        if system == "chatgpt_free" and scheme == "http" and name.startswith("tinyproxy"):
            continue  # tinyproxy 1.11 passes one Set-Cookie on and loses the second, and this page sets two
        with client_of(seat, origins[scheme], authority, url, system) as client:
            outcome = Outcome(seat, client)
            assert outcome.error is None
            assert outcome.text == DEFAULT_TEXT
            assert outcome.reply.complete


@any_scheme
@any_proxy
def test_the_first_text_comes_before_the_last_was_sent(
    seat: Seat, the_proxy: Parts, origins: Origins, authority: Authority, name: str, scheme: str
) -> None:
    url, origin = PROXIES[name].url(the_proxy(name)), origins[scheme]
    with client_of(seat, origin, authority, url, "openai") as client:
        origin.order(faults.Stall("body", after_pieces=2))
        stream = seat.stream(client)
        first = stream.next()
        assert first
        assert not stream.raw.reply.complete
        origin.release()
        assert first + "".join(iter(stream.next, None)) == DEFAULT_TEXT


@any_proxy
def test_a_tunnel_is_kept_and_used_again(
    seat: Seat, the_proxy: Parts, origins: Origins, authority: Authority, name: str
) -> None:
    url, origin = PROXIES[name].url(the_proxy(name)), origins["https"]
    before = origin.connections
    with client_of(seat, origin, authority, url, "openai") as client:
        for _ in range(3):
            assert seat.complete(client).text == DEFAULT_TEXT
    assert origin.connections == before + 1


@any_scheme
@with_password
def test_a_wrong_password_is_told(
    seat: Seat, the_proxy: Parts, origins: Origins, authority: Authority, name: str, scheme: str
) -> None:
    for credentials in ("planted-user:planted-wrong", "nobody:planted-wrong"):
        url = PROXIES[name].url(the_proxy(name), credentials=credentials)
        with client_of(seat, origins[scheme], authority, url, "openai") as client:
            error = Outcome(seat, client).error
        if name.startswith("tinyproxy"):  # tinyproxy 1.11 says 401, which a plain request has from the origin as well
            assert isinstance(error, ProxyFailed if scheme == "https" else AuthenticationFailed)
            assert error.status == 401
        else:
            assert isinstance(error, ProxyFailed)
            assert error.status == (None if "socks" in name else 407)
        assert "planted-wrong" not in f"{error} {error!r}"


@any_scheme
@with_password
def test_a_missing_password_is_told(
    seat: Seat, the_proxy: Parts, origins: Origins, authority: Authority, name: str, scheme: str
) -> None:
    url = f"{PROXIES[name].scheme}://127.0.0.1:{the_proxy(name).port}"
    with client_of(seat, origins[scheme], authority, url, "openai") as client:
        error = Outcome(seat, client).error
    assert isinstance(error, ProxyFailed)
    assert error.status == (None if "socks" in name else 407)


@any_scheme
@pytest.mark.parametrize("name", ["tinyproxy", "squid", "microsocks", "dante"])
def test_a_proxy_that_dies_amid_an_answer(
    seat: Seat, origins: Origins, authority: Authority, name: str, scheme: str
) -> None:
    origin = origins[scheme]
    with proxy(name) as part, client_of(seat, origin, authority, PROXIES[name].url(part), "openai") as client:
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
        assert DEFAULT_TEXT.startswith(text)
        assert not caught.value.reply.complete
        origin.release()
        error = Outcome(seat, client).error  # and there is no proxy any more
        assert isinstance(error, ProxyFailed)


@any_scheme
@any_proxy
def test_a_big_head_passes_and_a_huge_one_is_refused(
    seat: Seat, the_proxy: Parts, origins: Origins, authority: Authority, name: str, scheme: str
) -> None:
    url, origin = PROXIES[name].url(the_proxy(name)), origins[scheme]
    fields = {f"x-planted-{number}": "v" * 1000 for number in range(30)}
    with client_of(seat, origin, authority, url, "openai") as client:
        origin.order((faults.Status(503, fields, b'{"error": {"message": "busy"}}'),))
        error = Outcome(seat, client).error
        assert isinstance(error, ServerFailed)
        assert "busy" in str(error)
        origin.order((faults.Status(503, {**fields, "x-huge": "v" * 100_000}),))
        error = Outcome(seat, client).error
        assert isinstance(error, (LimitExceeded, ServerFailed))  # ours, or the proxy's own refusal to forward it
        assert seat.complete(client).text == DEFAULT_TEXT


@pytest.mark.parametrize("name", ["squid", "squid-password"])
def test_what_the_proxy_forbids(seat: Seat, the_proxy: Parts, authority: Authority, name: str) -> None:
    """A tunnel that squid will not dig is the proxy's refusal; a plain request it answers itself."""
    url = PROXIES[name].url(the_proxy(name))
    client = seat.client("openai", api_key=KEY, base_url="https://forbidden.example", proxy=url, retry=ONCE)
    error = Outcome(seat, client).error
    seat.close_client(client)
    assert isinstance(error, ProxyFailed)
    assert error.status == 403


@any_proxy
def test_an_origin_that_is_not_there(seat: Seat, the_proxy: Parts, authority: Authority, name: str) -> None:
    url = PROXIES[name].url(the_proxy(name))
    client = seat.client("openai", api_key=KEY, base_url=f"https://127.0.0.1:{free_port()}", proxy=url, retry=ONCE)
    error = Outcome(seat, client).error
    seat.close_client(client)
    assert isinstance(error, ProxyFailed), repr(error)


@any_proxy
def test_no_log_of_a_tunnel_has_a_secret(seat: Seat, origins: Origins, authority: Authority, name: str) -> None:
    """Squid logs all header fields that it saw, tinyproxy and the SOCKS servers what they did."""
    with proxy(name) as part:
        with client_of(seat, origins["https"], authority, PROXIES[name].url(part), "openai") as client:
            assert seat.complete(client, cookies={"session": "planted-cookie"}).text == DEFAULT_TEXT
        logs = part.logged(str(origins["https"].port))
    asked = origins["https"].requests[-1]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    for secret in (KEY, "planted-cookie", PASSWORD):
        assert secret not in logs
    assert "uthorization: B" not in logs.replace("Proxy-Authorization", "")  # squid logs what is its own


def test_socks5h_leaves_the_name_to_the_proxy_and_socks5_does_not(
    seat: Seat, origins: Origins, authority: Authority
) -> None:
    for scheme, there in (("socks5h", "localhost"), ("socks5", "127.0.0.1")):
        with proxy("microsocks") as part:
            base = origins["https"].base_url("openai").replace("127.0.0.1", "localhost")
            url = PROXIES["microsocks"].url(part, scheme=scheme)
            client = seat.client("openai", api_key=KEY, base_url=base, proxy=url, verify=authority.file)
            assert seat.complete(client).text == DEFAULT_TEXT
            seat.close_client(client)
            part.logged(f"connected to {there}:")
