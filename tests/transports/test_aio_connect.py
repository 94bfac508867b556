"""Making connections: addresses, TLS, and proxies of every kind, with what each may do wrong."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ports import closed_port, silent_port
from wire_harness import (
    LOOPS,
    OK,
    Authority,
    Handler,
    answering,
    body,
    fetch,
    forever,
    gone,
    read_request,
    run,
    serve,
)

from sansio_core import Send
from sansio_core.errors import (
    Cancelled,
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    StreamTruncated,
    TimedOut,
    TLSFailed,
)
from sansio_core.wire import HttpRequest
from transports._asyncio.pool import Pool
from transports._asyncio.wire import AsyncWire

both_loops = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def secure(port: int, host: str = "127.0.0.1", **kwargs: Any) -> Send:
    return Send(HttpRequest("GET", f"https://{host}:{port}/", (("authorization", "Bearer origin-only"),)), **kwargs)


async def failure(pool: Pool, action: Send, **kwargs: Any) -> ChatError:
    """The error that `action` comes to; nothing is left of its connection."""
    with pytest.raises(ChatError) as caught:
        await AsyncWire(pool, **kwargs).send(action, None)
    assert not pool.here()._lanes
    return caught.value


# --- addresses


@both_loops
def test_ipv6_literal(loop: str) -> None:
    fields: dict[str, str] = {}

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fields.update((await read_request(reader))[1])
        writer.write(OK)
        await gone(reader)

    async def main() -> None:
        async with serve(handler, host="::1") as port:
            pool = Pool()
            assert await fetch(AsyncWire(pool), Send(HttpRequest("GET", f"http://[::1]:{port}/"))) == b"ok"
            assert fields["host"] == f"[::1]:{port}"
            await pool.aclose()

    run(main, loop)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["127.0.0.2", "127.0.0.1"], ["::1", "127.0.0.1"], ["127.0.0.1"] * 2]
)
def test_the_first_address_that_answers(addresses: list[str], resolve: Callable[..., None]) -> None:
    async def main() -> None:
        async with serve(answering(OK)) as port:
            resolve(*addresses)
            pool = Pool()
            assert await fetch(AsyncWire(pool), Send(HttpRequest("GET", f"http://chat.example:{port}/"))) == b"ok"
            await pool.aclose()

    run(main)


def test_a_silent_address_is_overtaken(resolve: Callable[..., None]) -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        with silent_port("127.0.0.2", server.sockets[0].getsockname()[1]) as port:
            resolve("127.0.0.2", "127.0.0.1")
            pool = Pool()
            began = asyncio.get_running_loop().time()
            with pytest.raises(ConnectionLost):  # the server closes; what matters is that it was reached
                await AsyncWire(pool).send(Send(HttpRequest("GET", f"http://chat.example:{port}/")), began + 5)
            assert 0.2 < asyncio.get_running_loop().time() - began < 1
            wire = AsyncWire(pool)
            resolve("127.0.0.2", "127.0.0.2")
            with pytest.raises(TimedOut) as caught:
                await wire.send(
                    Send(HttpRequest("GET", f"http://chat.example:{port}/"), wire.now() + 0.05), wire.now() + 5
                )
            assert caught.value.clock == "connect"
            assert caught.value.seconds == pytest.approx(0.05, abs=0.02)  # less what went by before the wire was asked
            server.close()
            await server.wait_closed()
            await pool.aclose()

    run(main)


@pytest.mark.parametrize(
    ("host", "addresses", "words"),
    [
        ("chat.example", ["127.0.0.1", "127.0.0.2"], "refused"),
        ("chat.example", [], "the name 'chat.example' was not found"),
        ("a..b", None, "was not found"),
        ("a" * 64 + ".example", None, "was not found"),
    ],
)
def test_no_connection(
    host: str, addresses: list[str] | None, words: str, resolve: Callable[..., None]
) -> None:
    async def main() -> None:
        port = closed_port()
        if addresses is not None:
            resolve(*addresses)
        pool = Pool()
        error = await failure(pool, Send(HttpRequest("GET", f"http://{host}:{port}/")))
        assert type(error) is ConnectFailed
        assert host in str(error)
        with pytest.raises(ConnectFailed, match=words):
            raise error
        await pool.aclose()

    run(main)


# --- TLS


@both_loops
def test_tls(loop: str, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ca.pem"
    authority.ca.cert_pem.write_to_path(str(file))
    (tmp_path / "none").mkdir()

    async def main() -> None:
        async with serve(answering(OK, OK), authority.server("127.0.0.1")) as port:
            for verify in (authority.client(), str(file), False):
                pool = Pool(verify=verify)
                for _ in range(2):  # the second time on the kept connection
                    assert await fetch(AsyncWire(pool), secure(port)) == b"ok"
                await pool.aclose()
            for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
                monkeypatch.setenv(name, str(file))
                pool = Pool()
                assert await fetch(AsyncWire(pool), secure(port)) == b"ok"
                assert "not accepted" in str(await failure(Pool(trust_env=False), secure(port)))
                monkeypatch.delenv(name)
                await pool.aclose()
            for verify in (True, str(tmp_path / "none")):
                assert type(await failure(Pool(verify=verify), secure(port))) is TLSFailed
            with pytest.raises(InvalidRequest, match=r"absent\.pem"):
                await AsyncWire(Pool(verify=str(tmp_path / "absent.pem"))).send(secure(port), None)

    run(main, loop)


async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await gone(reader)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)


@both_loops
@pytest.mark.parametrize(
    ("case", "error", "words"),
    [
        ("name", TLSFailed, "no TLS with 127.0.0.1:.* was not accepted: .*mismatch"),
        ("expired", TLSFailed, "no TLS with 127.0.0.1:.* was not accepted: certificate has expired.*verify="),
        ("unknown", TLSFailed, "no TLS with 127.0.0.1:.* was not accepted: .*verify="),
        ("plain", TLSFailed, "no TLS with 127.0.0.1:.* does not speak TLS .*is it http://"),
        ("hangs up", ConnectFailed, "ended the connection in the TLS handshake"),
    ],
)
def test_tls_failure(case: str, error: type[ChatError], words: str, loop: str, authority: Authority) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    server: tuple[Handler, ssl.SSLContext | None] = {
        "name": (forever, authority.server("chat.example")),
        "expired": (forever, authority.server("127.0.0.1", not_after=past)),
        "unknown": (forever, Authority().server("127.0.0.1")),
        "plain": (plain, None),
        "hangs up": (hang_up, None),
    }[case]

    async def main() -> None:
        async with serve(*server) as port:
            pool = Pool(verify=authority.client())
            with pytest.raises(error, match=words):
                raise await failure(pool, secure(port))
            await pool.aclose()

    run(main, loop)


def test_no_certificate_can_be_for_such_a_name(resolve: Callable[..., None]) -> None:
    async def main() -> None:
        async with serve(forever) as port:
            resolve("127.0.0.1")
            pool = Pool()
            with pytest.raises(TLSFailed, match="no certificate can be for that name"):
                raise await failure(pool, secure(port, ".chat.example"))
            await pool.aclose()

    run(main)


@both_loops
@pytest.mark.parametrize(
    ("framing", "said", "whole"),
    [
        ("Content-Length: 9\r\n", False, True),  # its length proves it, whatever comes then
        ("Content-Length: 99\r\n", True, False),
        ("", False, False),
        ("Connection: close\r\n", False, False),
        ("Connection: close\r\n", True, True),
    ],
)
def test_an_end_of_tls_is_one_only_with_close_notify(
    framing: str, said: bool, whole: bool, loop: str, authority: Authority
) -> None:
    """RFC 9112 9.8: a body that the connection ends is incomplete without it."""

    def serve_once(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        with authority.server("127.0.0.1").wrap_socket(accepted, server_side=True) as server:
            server.recv(65536)
            server.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\nall of it".encode())
            if said:
                with suppress(OSError):  # an answer to it, for which nobody waits
                    server.unwrap()
            # `close` alone ends TCP without a word of TLS

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve_once, args=(listener,))
            thread.start()
            pool = Pool(verify=authority.client())
            wire = AsyncWire(pool)
            await wire.send(secure(listener.getsockname()[1]), None)
            if whole:
                assert await body(wire) == b"all of it"
            else:
                assert await wire.read(None) == b"all of it"
                with pytest.raises(StreamTruncated):
                    await wire.read(None)
            thread.join()
            await pool.aclose()

    run(main, loop)


# --- the connect clock, and cancelling: the server accepts TCP and says nothing to the TLS handshake

CANCELS: dict[str, Callable[[AsyncWire, asyncio.Task[Any]], object]] = {
    "task": lambda wire, task: task.cancel(),
    "wire": lambda wire, task: wire.cancel(),
    "close": lambda wire, task: wire.close(),
    "thread": lambda wire, task: threading.Thread(target=wire.cancel).start(),
}
PROXIES = {"": None, "http": "http://127.0.0.1:{}", "https": "https://127.0.0.1:{}", "socks": "socks5h://127.0.0.1:{}"}


@both_loops
@pytest.mark.parametrize("proxy", PROXIES)
def test_connect_clocks(proxy: str, loop: str) -> None:
    async def main() -> None:
        async with serve(forever) as port:
            pool = Pool()
            wire = AsyncWire(pool, proxy=(PROXIES[proxy] or "").format(port) or False)
            with pytest.raises(TimedOut) as caught:
                await wire.send(secure(port, connect_deadline=wire.now() + 0.05), wire.now() + 5)
            assert caught.value.clock == "connect"
            assert 0 < caught.value.seconds <= 0.05  # less what went by before the wire was asked
            with pytest.raises(TimeoutError):
                await wire.send(secure(port, connect_deadline=wire.now() + 5), wire.now() + 0.02)
            assert not pool.here()._lanes
            await pool.aclose()

    run(main, loop)


@both_loops
@pytest.mark.parametrize("way", CANCELS)
@pytest.mark.parametrize("proxy", PROXIES)
def test_cancel_while_connecting(proxy: str, way: str, loop: str) -> None:
    async def main() -> None:
        begun, closed = asyncio.Event(), asyncio.Event()

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            begun.set()
            await gone(reader)
            closed.set()

        async with serve(handler) as port:
            pool = Pool()
            wire = AsyncWire(pool, proxy=(PROXIES[proxy] or "").format(port) or False)
            task = asyncio.create_task(wire.send(secure(port), None))
            await begun.wait()
            CANCELS[way](wire, task)
            with pytest.raises(asyncio.CancelledError if way == "task" else Cancelled):
                await task
            await closed.wait()
            assert not pool.here()._lanes
            await pool.aclose()

    run(main, loop)
