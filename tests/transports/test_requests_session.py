"""The blocking wire over what is not ours: a user's Session, a user's adapters, and the library `responses`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import requests
import responses
from ports import closed_port
from requests.adapters import BaseAdapter, HTTPAdapter
from servers import OK, PATIENCE, Authority, Peer, Server, answering
from wires import Wire, after, blocking, ending, get, soon, within

from sansio_core import Send
from sansio_core.errors import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ProtocolViolation,
    ProxyFailed,
    StreamTruncated,
    TLSFailed,
)
from sansio_core.http_request import HttpRequest
from transports._requests.wire import Connections

HEAD = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class TheirAdapter(HTTPAdapter):
    """Somebody's own class: what it does is not known."""

    sent = 0

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.sent += 1
        return super().send(*args, **kwargs)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def adapter(session: requests.Session) -> TheirAdapter:
    adapter = TheirAdapter()
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return adapter


@pytest.fixture
def wire(session: requests.Session) -> Iterator[Wire]:
    connections = Connections(session=session)
    wire = blocking(connections)
    yield wire
    wire.close()
    connections.close()


# --- a session with plain adapters


def test_a_session_gives_its_settings_and_nothing_else(session: requests.Session, wire: Wire) -> None:
    session.headers["x-session"] = "1"
    session.auth = ("somebody", "else")
    session.cookies.set("a", "b")
    session.hooks["response"].append(lambda *_, **__: pytest.fail("a hook was called"))
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        while True:
            peer.request()
            seen.append(peer.fields)
            peer.send(OK)

    with Server(script) as server:
        for _ in range(2):
            assert wire.fetch(get(server.port)) == b"ok"
        assert server.connections == 1
    assert seen == [{"host": f"127.0.0.1:{server.port}", "accept-encoding": "gzip, deflate"}] * 2


def test_with_plain_adapters_every_deadline_and_cancel_holds(wire: Wire) -> None:
    reached = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        reached.set()
        peer.drip(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1000)

    with Server(script) as server:
        with within(0.2), pytest.raises(TimeoutError):
            wire.send(get(server.port), after(0.2))
        reached.clear()
        with ending(wire, "cancel", reached):
            wire.send(get(server.port), soon())


def test_closing_leaves_the_session_open(session: requests.Session) -> None:
    connections = Connections(session=session)
    with Server(answering(OK, OK)) as server:
        assert blocking(connections).fetch(get(server.port)) == b"ok"
        connections.close()
        assert session.get(f"http://127.0.0.1:{server.port}").text == "ok"
        session.close()


# --- adapters of the user's own


@pytest.mark.parametrize(
    ("head", "first", "second"),
    [
        (CHUNKED, b"5\r\nfirst\r\n", b"6\r\nsecond\r\n0\r\n\r\n"),
        (HEAD + b"Content-Length: 11\r\n\r\n", b"first", b"second"),
        (HEAD + b"Connection: close\r\n\r\n", b"first", b"second"),
    ],
)
def test_their_adapter_hands_on_what_arrived(
    wire: Wire, adapter: TheirAdapter, head: bytes, first: bytes, second: bytes
) -> None:
    seen = threading.Event()

    def script(peer: Peer) -> None:
        for _ in range(2):
            peer.request()
            peer.send(head, first)
            assert seen.wait(PATIENCE)
            peer.send(second)
            if b"close" in head:
                return

    with Server(script) as server:
        for turn in (1, 2):
            seen.clear()
            status, headers = wire.send(get(server.port), soon())
            assert (status, [pair for pair in headers if pair[0] == "set-cookie"]) == (
                200,
                [("set-cookie", "a=1"), ("set-cookie", "b=2")],
            )
            assert wire.read(soon()) == b"first"
            seen.set()
            assert wire.body() == b"second"
            assert adapter.sent == turn
        assert server.connections == (2 if b"close" in head else 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", ConnectionLost),
        (b"SSH-2.0\r\n\r\n", ProtocolViolation),
        (CHUNKED + b"3\r\nfir\r\n5\r\nse", StreamTruncated),
        (CHUNKED + b"3\r\nfir\r\nzz\r\n", StreamTruncated),
        (HEAD + b"Content-Length: 9\r\n\r\nfir", StreamTruncated),
        (HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nfir", ProtocolViolation),
    ],
)
def test_their_adapters_errors_are_ours(
    wire: Wire, adapter: TheirAdapter, answer: bytes, kind: type[ChatError]
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(answer)

    with Server(script) as server, pytest.raises(kind) as raised:
        wire.fetch(get(server.port))
    assert type(raised.value) is kind


def test_a_reset_under_their_adapter(wire: Wire, adapter: TheirAdapter) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.reset()

    with Server(script) as server, pytest.raises(ConnectionLost):
        wire.send(get(server.port), soon())


def test_no_connection_under_their_adapter(session: requests.Session, adapter: TheirAdapter) -> None:
    connections = Connections(session=session)
    port = closed_port()
    for action, proxy, kind in (
        (get(port), None, ConnectFailed),
        (get(port, host="no-such.invalid"), None, ConnectFailed),
        (get(port), f"http://user:secret@127.0.0.1:{port}", ProxyFailed),
    ):
        with pytest.raises(kind) as raised:
            blocking(connections, proxy).send(action, soon())
        assert "secret" not in str(raised.value)
    with Server(answering(), Authority().server()) as server, pytest.raises(TLSFailed, match="verify="):
        blocking(connections).send(get(server.port, scheme="https"), soon())
    context = Connections(session=session, verify=Authority().client())
    with pytest.raises(InvalidRequest, match="SSLContext"):
        blocking(context).send(get(port), soon())


def test_deadlines_under_their_adapter(wire: Wire, adapter: TheirAdapter) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        if "body" in peer.first:
            peer.send(HEAD + b"\r\nfirst")
        peer.gone()

    with Server(script) as server:
        with within(0.2), pytest.raises(TimeoutError):
            wire.send(get(server.port), after(0.2))
        wire.send(get(server.port, "/body", connect_deadline=soon()), soon())
        assert wire.read(soon()) == b"first"
        with within(0.2), pytest.raises(TimeoutError):
            wire.read(after(0.2))


@pytest.mark.parametrize("end", ["cancel", "close"])
def test_cancel_in_a_body_under_their_adapter(wire: Wire, adapter: TheirAdapter, end: str) -> None:
    reached = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + b"3\r\nfir")
        reached.set()
        peer.gone()

    with Server(script) as server:
        wire.send(get(server.port), soon())
        assert wire.read(soon()) == b"fir"
        with ending(wire, end, reached):
            wire.read(soon())


def test_an_adapter_that_knows_no_urllib3(session: requests.Session) -> None:
    class Canned(BaseAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            response = requests.Response()
            response.status_code = 200
            response.headers["X-Timeout"] = str(isinstance(kwargs["timeout"], tuple))
            response.url = str(request.url)
            response.raw = BytesIO()
            return response

        def close(self) -> None: ...

    session.mount("http://", Canned())
    connections = Connections(session=session)
    wire = blocking(connections)
    assert wire.send(Send(HttpRequest("GET", "http://a.example/")), soon()) == (200, [("x-timeout", "True")])
    assert wire.body() == b""
    session.adapters.clear()
    with pytest.raises(InvalidRequest):
        wire.send(Send(HttpRequest("GET", "http://a.example/")), soon())


# --- the library `responses`


@pytest.mark.parametrize("own", [True, False])
def test_under_responses(session: requests.Session, own: bool) -> None:
    connections = Connections(session=session if own else None)
    wire = blocking(connections)
    action = Send(
        HttpRequest("POST", "https://chat.example/v1?q=1", (("authorization", "Bearer k"),), b'{"a": 1}'),
        connect_deadline=soon(),
    )
    with responses.RequestsMock() as mock:
        mock.post(
            "https://chat.example/v1",
            body="data: 1\n\n",
            headers={"X-Id": "7"},
            content_type="text/event-stream",
            match=[
                responses.matchers.json_params_matcher({"a": 1}),
                responses.matchers.header_matcher({"authorization": "Bearer k"}),
                responses.matchers.query_param_matcher({"q": "1"}),
            ],
        )
        status, headers = wire.send(action, soon())
        assert (status, dict(headers)) == (200, {"x-id": "7", "content-type": "text/event-stream"})
        assert wire.body() == b"data: 1\n\n"
        assert mock.calls[0].request.body == b'{"a": 1}'
    with responses.RequestsMock() as mock:
        mock.post("https://chat.example/v1", status=429)
        assert wire.send(action, soon())[0] == 429
        assert wire.body() == b""
    with responses.RequestsMock() as mock:
        mock.post("https://chat.example/v1", body=requests.ConnectionError("no"))
        with pytest.raises(ConnectionLost):
            wire.send(action, soon())
    with responses.RequestsMock() as mock, pytest.raises(ConnectionLost):
        wire.send(action, soon())
    connections.close()


def test_responses_lets_through_what_it_is_told_to() -> None:
    connections = Connections()
    with Server(answering(OK)) as server, responses.RequestsMock() as mock:
        mock.add_passthru(f"http://127.0.0.1:{server.port}")
        assert blocking(connections).fetch(get(server.port)) == b"ok"
        connections.close()
