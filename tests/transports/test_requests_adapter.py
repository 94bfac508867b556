"""Our adapter in anybody's Session: requests' own way where no call of ours is sent, and shared connections."""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from ports import closed_port
from requests.adapters import HTTPAdapter
from servers import OK, Authority, Peer, Server, answering, ok
from urllib3 import Retry
from urllib3.connectionpool import HTTPConnectionPool
from wires import after, blocking, ending, get, soon, within

from sansio_core.errors import ConnectionLost, OptionIgnored, ServerFailed
from transports import Client
from transports._requests.wire import Connections
from transports.blocking import Adapter
from transports.emulator import DEFAULT_TEXT, Emulator, faults


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("http://", Adapter())
        session.mount("https://", Adapter())
        yield session


def test_a_session_and_a_client_share_connections(session: requests.Session) -> None:
    connections = Connections(session=session)
    with Server(ok) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert session.get(url).text == "ok"
        assert blocking(connections).fetch(get(server.port)) == b"ok"
        response = session.get(url, headers={"x": "y"}, timeout=5)
        assert (response.status_code, response.headers["content-length"], response.content) == (200, "2", b"ok")
        assert server.connections == 1
        session.close()


def test_in_a_foreign_session_it_is_an_http_adapter(
    session: requests.Session, authority: Authority, tmp_path: Path
) -> None:
    """TLS by the session's settings, a stream, a timeout, an error of requests."""
    ca_file = tmp_path / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(ca_file))
    with Server(ok, authority.server()) as server:
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(requests.exceptions.SSLError):
            session.get(url)
        assert session.get(url, verify=str(ca_file)).text == "ok"
        with session.get(url, verify=str(ca_file), stream=True) as response:
            assert b"".join(response.iter_content(1)) == b"ok"
    with pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{closed_port()}")
    with Server(Peer.gone) as server, within(0.1), pytest.raises(requests.ReadTimeout):
        session.get(f"http://127.0.0.1:{server.port}", timeout=0.1)
    with Server(ok) as proxy:
        assert session.get("http://a.example", proxies={"http": f"http://127.0.0.1:{proxy.port}"}).text == "ok"
        with pytest.raises(requests.exceptions.ProxyError):
            session.get("https://a.example", proxies={"https": f"http://127.0.0.1:{closed_port()}"})


def test_a_call_of_ours_in_a_foreign_session_obeys_its_clocks(session: requests.Session) -> None:
    connections = Connections(session=session)
    reached = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        reached.set()
        peer.drip(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 1000)

    with Server(script) as server:
        wire = blocking(connections)
        with within(0.2), pytest.raises(TimeoutError):
            wire.send(get(server.port), after(0.2))
        reached.clear()
        with ending(wire, "cancel", reached):
            wire.send(get(server.port), soon())


def test_what_runs_is_requests_and_urllib3(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    """HTTPAdapter.send and the pool's urlopen are not replaced: what counts or patches them sees our calls."""
    seen: list[str] = []
    send, urlopen = HTTPAdapter.send, HTTPConnectionPool.urlopen

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        seen.append("send")
        return send(self, *args, **options)

    def opened(self: Any, *args: Any, **options: Any) -> Any:
        seen.append("urlopen")
        return urlopen(self, *args, **options)

    monkeypatch.setattr(HTTPAdapter, "send", counted)
    monkeypatch.setattr(HTTPConnectionPool, "urlopen", opened)
    with Client("acytoo", base_url=emulator.base_url("acytoo")) as client:
        assert client.complete("Hello").text == DEFAULT_TEXT
    assert seen == ["send", "urlopen"]


def test_it_is_pickled_with_its_session(session: requests.Session) -> None:
    session = pickle.loads(pickle.dumps(session))
    with Server(answering(OK, OK)) as server:
        assert session.get(f"http://127.0.0.1:{server.port}").text == "ok"
        assert blocking(Connections(session=session)).fetch(get(server.port)) == b"ok"
    session.close()


def test_only_a_call_in_this_very_thread_is_one_of_ours(session: requests.Session) -> None:
    """While one thread sends a call of ours, another's plain request through the same adapter is not touched by it."""
    connections = Connections(session=session)
    reached, said = threading.Event(), threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        if "slow" in peer.first:
            reached.set()
            assert said.wait(5)
        peer.send(OK)

    with Server(script) as server:
        wire = blocking(connections)
        thread = threading.Thread(target=lambda: wire.fetch(get(server.port, "/slow")))
        thread.start()
        assert reached.wait(5)
        assert session.get(f"http://127.0.0.1:{server.port}").text == "ok"
        said.set()
        thread.join()
        wire.close()


def test_a_request_in_the_midst_of_a_call_is_no_part_of_it(session: requests.Session) -> None:
    """Somebody's log handler sends what urllib3 logs, through the very adapter that is at work."""
    connections = Connections(session=session)
    with Server(ok) as server, Server(ok) as collector:

        class Sending(logging.Handler):
            sent = 0

            def emit(self, record: logging.LogRecord) -> None:
                if not self.sent:
                    self.sent = 1
                    assert session.post(f"http://127.0.0.1:{collector.port}", data=record.getMessage()).text == "ok"

        log, handler = logging.getLogger("urllib3.connectionpool"), Sending()
        before = log.level
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
        try:
            assert blocking(connections).fetch(get(server.port, "/mine")) == b"ok"
        finally:
            log.removeHandler(handler)
            log.setLevel(before)
        assert handler.sent
        assert (server.connections, collector.connections) == (1, 1)
        session.close()


def test_retries_of_the_adapter_are_for_others(emulator: Emulator) -> None:
    """A call is tried again by its exchange, which knows whether text was handed out."""
    retries = Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0)
    with requests.Session() as session, Emulator(faults=[faults.Status(503)] * 2) as failing:
        session.mount("http://", Adapter(max_retries=retries))
        with pytest.warns(OptionIgnored, match="max_retries"):
            client = Client("acytoo", base_url=failing.base_url("acytoo"), session=session, retry=1)
        with client, pytest.raises(ServerFailed):
            client.complete("Hello")
        assert len(failing.requests) == 1
        answers = [b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"] * 2
        with Server(answering(*answers, OK)) as server:
            assert session.get(f"http://127.0.0.1:{server.port}").text == "ok"


def test_pools_that_block_wait() -> None:
    with requests.Session() as session, Server(ok) as server:
        session.mount("http://", Adapter(pool_maxsize=1, pool_block=True))
        connections, said = Connections(session=session), list[object]()
        url = f"http://127.0.0.1:{server.port}"

        def ask(plain: bool) -> None:
            said.append(session.get(url).content if plain else blocking(connections).fetch(get(server.port)))

        threads = [threading.Thread(target=ask, args=(plain,)) for plain in (True, False) * 5]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == [b"ok"] * 10
        assert server.connections == 1
        session.close()


def test_a_connection_that_others_used_is_a_used_one(session: requests.Session) -> None:
    """So that a request on it, to which nothing came back, is sent again (RFC 9112 9.3.1)."""
    connections = Connections(session=session)

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        peer.request()

    with Server(script) as server:
        assert session.get(f"http://127.0.0.1:{server.port}").text == "ok"
        with pytest.raises(ConnectionLost) as caught:
            blocking(connections).send(get(server.port), soon())
        assert caught.value.reused
        session.close()
