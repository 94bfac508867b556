"""The wires through proxies: forwarding, CONNECT and SOCKS5, whose connections are kept for whom, and where the
environment names one."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable

import pytest
from ports import closed_port
from proxies import Recorder, Socks, Tunnels
from servers import Authority, Peer, Server, ok, plain
from wires import Wires, after, ending, get, secure, soon, within

from sansio_core import Send
from sansio_core.errors import ConnectFailed, InvalidRequest, ProxyFailed, TLSFailed
from sansio_core.http_request import HttpRequest

SECRET = "pa ss:wörd"
USER = "user:pa%20ss%3Aw%C3%B6rd@"
BASIC = "Basic " + b64encode(f"user:{SECRET}".encode()).decode()
ELSEWHERE = Send(HttpRequest("POST", "http://chat.example:81/x?y=1#z", (("authorization", "Bearer k"),), b"data"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_forwarding(wires: Wires, authority: Authority, scheme: str) -> None:
    proxy = Recorder()
    with Server(proxy, authority.server() if scheme == "https" else None) as server:
        wire = wires.wire(verify=authority.client(), proxy=f"{scheme}://{USER}127.0.0.1:{server.port}")
        for _ in range(2):
            assert wire.fetch(ELSEWHERE) == b"ok"
        assert server.connections == 1
    fields = {
        "host": "chat.example:81", "authorization": "Bearer k", "content-length": "4",
        "accept-encoding": "gzip, deflate", "proxy-authorization": BASIC,
    }  # fmt: skip
    assert proxy.asked == [("POST http://chat.example:81/x?y=1 HTTP/1.1", fields)] * 2


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel(wires: Wires, authority: Authority, scheme: str) -> None:
    origin, proxy, tls = Recorder(), Tunnels(), authority.server()
    with Server(origin, tls) as target, Server(proxy, tls if scheme == "https" else None) as server:
        wire = wires.wire(verify=authority.client(), proxy=f"{scheme}://{USER}127.0.0.1:{server.port}")
        for _ in range(2):
            assert wire.fetch(secure(target.port)) == b"ok"
        assert server.connections == 1
        name = f"127.0.0.1:{target.port}"
        wires.close()
    assert proxy.asked == [(f"CONNECT {name} HTTP/1.1", {"host": name, "proxy-authorization": BASIC})]
    fields = {"host": name, "authorization": "Bearer k", "accept-encoding": "gzip, deflate"}
    assert origin.asked == [("GET /x HTTP/1.1", fields)] * 2


def test_no_tunnel_is_shared_by_other_credentials(wires: Wires, authority: Authority) -> None:
    """A name may be whose traffic it is, or which of many addresses it leaves by."""
    proxy, pool = Tunnels(), wires.pool(verify=authority.client())
    with Server(ok, authority.server()) as target, Server(proxy) as server:
        for user in ("one:secret@", "two:secret@", "", "one:other@", "one:secret@"):
            wire = wires.wire(pool, proxy=f"http://{user}127.0.0.1:{server.port}")
            assert wire.fetch(secure(target.port)) == b"ok"
        assert wires.wire(pool, proxy=False).fetch(secure(target.port)) == b"ok"
        assert target.connections == 5
        wires.close()
    names = [fields.get("proxy-authorization") for _, fields in proxy.asked]
    assert names == [f"Basic {b64encode(name).decode()}" if name else None for name in (
        b"one:secret", b"two:secret", b"", b"one:other",
    )]  # fmt: skip


@pytest.mark.parametrize("end", ["deadline", "cancel"])
def test_the_body_of_tls_inside_tls(wires: Wires, authority: Authority, end: str) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 300_000)
        peer.gone()

    tls = authority.server()
    with Server(script, tls) as target, Server(Tunnels(), tls) as server:
        wire = wires.wire(verify=authority.client(), proxy=f"https://127.0.0.1:{server.port}")
        wire.send(secure(target.port), soon())
        size = 0
        while size < 300_000:
            size += len(wire.read(soon()))
        if end == "deadline":
            with within(0.2), pytest.raises(TimeoutError):
                wire.read(after(0.2))
        else:
            when = threading.Event()
            when.set()
            with ending(wire, "cancel", when):
                wire.read(soon())
            assert wires.left(server)
        wires.close()


def test_tls_that_fails_behind_a_proxy_or_with_it(wires: Wires, authority: Authority) -> None:
    with Server(Tunnels()) as server, Server(ok, authority.server("other.example")) as origin:
        wire = wires.wire(verify=authority.client(), proxy=f"http://127.0.0.1:{server.port}")
        with pytest.raises(TLSFailed, match=f"no TLS with 127.0.0.1:{origin.port}"):
            wire.send(secure(origin.port), soon())
    for settings, words in ((authority.server("other.example"), r"certificate .*verify="), (None, "is it http://")):
        with Server(plain, settings) as server:
            wire = wires.wire(verify=authority.client(), proxy=f"https://127.0.0.1:{server.port}")
            for action in (ELSEWHERE, secure(1)):
                with pytest.raises(ProxyFailed, match=f"no TLS with the proxy https://127.0.0.1:{server.port}.*{words}"):
                    wire.send(action, soon())


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
def test_a_proxy_that_is_not_there(wires: Wires, scheme: str, resolve: Callable[..., None]) -> None:
    place = f"{scheme}://127.0.0.1:{closed_port()}"
    wire = wires.wire(proxy=place.replace("//", f"//{USER}"))
    for action in (get(1), secure(1)):
        with pytest.raises(ProxyFailed, match=f"^no connection to the proxy {place}: refused$") as raised:
            wire.send(action, soon())
        assert SECRET not in str(raised.value)
    resolve()
    with pytest.raises(ProxyFailed, match=r"the name 'no-such\.invalid' was not found"):
        wires.wire(proxy=f"{scheme}://no-such.invalid:1").send(secure(1), soon())
    with pytest.raises(InvalidRequest):
        wires.wire(proxy="ftp://127.0.0.1")


# --- SOCKS


@pytest.mark.parametrize(
    ("scheme", "host", "addresses", "asked"),
    [
        ("socks5", "chat.example", ["127.0.0.1"], "127.0.0.1"),
        ("socks5h", "chat.example", [], "chat.example"),  # no name is known here
        ("socks5h", "127.0.0.1", [], "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("user", ["", USER])
@pytest.mark.parametrize("tls", [False, True])
def test_socks(
    wires: Wires, authority: Authority, scheme: str, host: str, addresses: list[str], asked: str, user: str, tls: bool,
    resolve: Callable[..., None],
) -> None:  # fmt: skip
    resolve(*addresses)
    proxy, origin = Socks(f"user:{SECRET}".encode() if user else b""), Recorder()
    with Server(origin, authority.server(host) if tls else None) as target, Server(proxy) as server:
        wire = wires.wire(verify=authority.client(), proxy=f"{scheme}://{user}127.0.0.1:{server.port}")
        for _ in range(2):
            assert wire.fetch((secure if tls else get)(target.port, host=host)) == b"ok"
        wires.close()
    assert proxy.targets == [(asked, target.port)]
    assert [fields["host"] for _, fields in origin.asked] == [f"{host}:{target.port}"] * 2


def test_socks_with_a_name_that_does_not_resolve_here(wires: Wires, resolve: Callable[..., None]) -> None:
    resolve()
    with Server(Socks()) as server:
        wire = wires.wire(proxy=f"socks5://127.0.0.1:{server.port}")
        with pytest.raises(ConnectFailed, match=r"no connection to chat\.example:1: the name 'chat"):
            wire.send(get(1, host="chat.example"), soon())


# --- where the proxy's name comes from


def test_the_environment_names_a_proxy(wires: Wires, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, pool = Recorder(), wires.pool()
    elsewhere = get(80, host="192.0.2.1")
    with Server(proxy) as server, Server(ok) as origin:
        monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{server.port}")
        assert wires.wire(pool).fetch(elsewhere) == b"ok"
        assert wires.wire(pool, proxy=False).fetch(get(origin.port)) == b"ok"
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert wires.wire(pool).fetch(get(origin.port)) == b"ok"
        assert (len(proxy.asked), origin.connections) == (1, 1)
        monkeypatch.setenv("HTTP_PROXY", "gopher://user:secret@127.0.0.1")
        assert wires.wire(pool).fetch(elsewhere) == b"ok"  # looked up once for each origin
        with pytest.raises(InvalidRequest) as caught:
            wires.wire().send(elsewhere, soon())
        assert "secret" not in str(caught.value)
        wires.close()
