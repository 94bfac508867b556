"""The wires themselves: what goes out, which connections are used again, names and addresses."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from ports import closed_port
from servers import OK, Peer, Server, answering, ok
from wires import Wire, Wires, get, soon

from sansio_core import Send
from sansio_core.errors import Cancelled, ChatError, ConnectFailed, ConnectionLost
from sansio_core.http_request import HttpRequest
from transports.http1.request import write
from transports.http1.routes import Route

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def wire(wires: Wires) -> Wire:
    return wires.wire()


def test_the_request_is_the_cores_to_the_letter(wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is added out of a netrc or of an earlier answer, no redirect is followed, the answer comes as it is."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[bytes] = []

    def script(peer: Peer) -> None:
        for _ in range(2):
            peer.request()
            seen.append(peer.last)
            peer.send(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    fields = (("Authorization", "Bearer k"), ("X-Twice", "1"), ("x-twice", "2"))
    with Server(script) as server:
        request = HttpRequest("POST", f"http://127.0.0.1:{server.port}/a%20b?q=<1>#fragment", fields, b"abc")
        for _ in range(2):
            assert wire.send(Send(request), soon()) == (
                302, [("location", "/elsewhere"), ("set-cookie", "a=b"), ("content-length", "0")],
            )  # fmt: skip
            assert wire.body() == b""
        assert seen == [write(request, Route("http", "127.0.0.1", server.port))] * 2


# --- which connections are used again


@pytest.mark.parametrize(
    "answer", [OK, CHUNKED + b"2\r\nok\r\n0\r\n\r\n", HEAD + b"content-length: 0\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n"]
)
def test_a_body_at_its_end_gives_the_connection_back(wire: Wire, answer: bytes) -> None:
    with Server(answering(answer, answer, answer)) as server:
        for _ in range(2):
            wire.fetch(get(server.port))
        assert server.connections == 1
        wire.fetch(get(server.port, fresh=True))
        assert server.connections == 2


@pytest.mark.parametrize("answer", [HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", OK + OK])
def test_a_connection_that_cannot_be_trusted_is_not_used_again(wire: Wire, answer: bytes) -> None:
    with Server(answering(answer, b"HTTP/1.1 500 Wrong\r\n\r\n")) as server:
        for _ in range(2):
            assert wire.fetch(get(server.port)) == b"ok"
        assert server.connections == 2


@pytest.mark.parametrize(("answer", "end", "reused"), [(b"", "end", True), (b"", "reset", True), (b"H", "end", False)])
def test_lost_on_reuse_is_told_only_if_no_byte_came(wire: Wire, answer: bytes, end: str, reused: bool) -> None:
    """Then the request may be sent again on another connection (RFC 9112 9.3.1)."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()  # and only now it ends: nobody could know before
        peer.send(answer)
        if end == "reset":
            peer.reset()

    with Server(script) as server:
        assert wire.fetch(get(server.port)) == b"ok"
        with pytest.raises(ConnectionLost) as raised:
            wire.send(get(server.port), soon())
        assert raised.value.reused is reused
        assert wire.fetch(get(server.port, fresh=True)) == b"ok"


@pytest.mark.parametrize("how", ["leave", "close"])
def test_leaving_an_unfinished_body_closes_at_once(wires: Wires, wire: Wire, how: str) -> None:
    with Server(answering(CHUNKED + b"5\r\nfirst\r\n")) as server:
        wire.send(get(server.port), soon())
        assert wire.read(soon()) == b"first"
        for _ in range(2):
            getattr(wire, how)()
        with pytest.raises(Cancelled):
            wire.read(soon())
        assert wires.left(server)


def test_what_failed_is_over(wires: Wires, wire: Wire) -> None:
    with Server(answering(CHUNKED + b"5\r\nfirst\r\nzz\r\n")) as server:
        wire.send(get(server.port), soon())
        assert wire.read(soon()) == b"first"
        for kind in (ChatError, Cancelled):
            with pytest.raises(kind):
                wire.read(soon())
        assert wires.left(server)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"])
def test_a_reset_while_the_request_is_sent(wires: Wires, wire: Wire, answer: bytes) -> None:
    """The server may have answered without reading everything; asyncio loses what of that it has not read yet."""

    def script(peer: Peer) -> None:
        peer.sock.recv(1)
        peer.send(answer)
        peer.reset()

    with Server(script) as server:
        request = Send(HttpRequest("POST", f"http://127.0.0.1:{server.port}/", (), b"x" * (32 << 20)))
        lost = None
        try:
            assert wire.send(request, soon())[0] == 413
        except ConnectionLost as error:
            lost = error
        assert lost or answer
        assert not lost or not lost.reused
        if wires.kind == "blocking":
            assert bool(lost) is not bool(answer)
            assert not lost or "reset" in str(lost)


# --- names and addresses


def test_an_ipv6_literal(wire: Wire) -> None:
    fields: list[str] = []

    def script(peer: Peer) -> None:
        peer.request()
        fields.append(peer.fields["host"])
        peer.send(OK)

    with Server(script, listener=socket.create_server(("::1", 0), family=socket.AF_INET6)) as server:
        assert wire.fetch(get(server.port, host="[::1]")) == b"ok"
        assert fields == [f"[::1]:{server.port}"]


@pytest.mark.parametrize(
    ("host", "addresses", "words"),
    [
        ("127.0.0.1", None, r"no connection to 127\.0\.0\.1:PORT: refused"),
        ("chat.example", ["127.0.0.1", "127.0.0.2"], r"no connection to chat\.example:PORT: refused"),
        ("chat.example", [], "chat.example:PORT: the name 'chat.example' was not found"),
        ("a..b", None, r"a\.\.b:PORT: .*was not found"),
        ("a" * 64 + ".example", None, "was not found"),
    ],
)
def test_no_connection(
    wire: Wire, host: str, addresses: list[str] | None, words: str, resolve: Callable[..., None]
) -> None:
    port = closed_port()
    if addresses is not None:
        resolve(*addresses)
    for scheme in ("http", "https"):
        with pytest.raises(ConnectFailed, match=words.replace("PORT", str(port))) as raised:
            wire.send(get(port, host=host, scheme=scheme), soon())
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__, "no exception of a library is shown"


def test_the_next_address_is_tried(wire: Wire, resolve: Callable[..., None]) -> None:
    resolve("127.0.0.2", "127.0.0.1")
    with Server(ok) as server:
        assert wire.fetch(get(server.port, host="several.example")) == b"ok"
