"""The asyncio wire through proxies: forwarding, CONNECT, SOCKS5; and what each may answer."""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from collections.abc import Callable

import pytest
from wire_harness import LOOPS, OK, Authority, Handler, answering, fetch, get, gone, read_request, run, serve

from sansio_core import Send
from sansio_core.errors import ChatError, ConnectFailed, InvalidRequest, ProxyFailed, TLSFailed
from sansio_core.http_request import HttpRequest
from transports._asyncio.pool import Pool
from transports._asyncio.wire import AsyncWire

both_loops = pytest.mark.parametrize("loop", LOOPS)
CREDENTIALS = "Basic " + b64encode(b"user:pa ss:w\xc3\xb6rd").decode()
USER = "user:pa%20ss%3Aw%C3%B6rd@"
FIELDS = (("authorization", "Bearer origin-only"),)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def secure(port: int, host: str = "127.0.0.1") -> Send:
    return Send(HttpRequest("GET", f"https://{host}:{port}/x", FIELDS))


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Forward bytes until the end."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Connect the client through to a server."""
    there, back = await asyncio.open_connection(host, port)
    await asyncio.gather(pump(reader, back), pump(there, writer))


class HttpProxy:
    """A proxy that tunnels, and records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, fields, _ = await read_request(reader)
        self.asked.append((first, fields))
        host, _, port = first.split()[1].rpartition(":")
        writer.write(b"HTTP/1.1 200 Connected\r\nContent-Length: 5\r\n\r\n")  # a length has no meaning here
        await join(reader, writer, host.strip("[]"), int(port))


class SocksProxy:
    """A SOCKS5 proxy (RFC 1928, with RFC 1929's names and passwords) that knows the name `chat.example`."""

    def __init__(self, user: bytes = b"", reply: int = 0) -> None:
        self.user = user
        self.reply = reply
        self.asked: list[tuple[int, bytes, int]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        offered = await reader.readexactly(count)
        method = 2 if self.user else 0
        if method not in offered:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes([5, method]))
        if self.user:
            given = b""
            for part in range(2):
                length = (await reader.readexactly(2 if not part else 1))[-1]
                given += (b":" if part else b"") + await reader.readexactly(length)
            writer.write(bytes([1, int(given != self.user)]))
            if given != self.user:
                return
        _, _, _, kind = await reader.readexactly(4)
        host = await reader.readexactly(4 if kind == 1 else (await reader.readexactly(1))[0])
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append((kind, host, port))
        writer.write(bytes([5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not self.reply:
            await join(reader, writer, "127.0.0.1", port)


@both_loops
def test_forwarding(loop: str) -> None:
    asked: list[tuple[str, dict[str, str], bytes]] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked.append(await read_request(reader))
            writer.write(OK)

    async def main() -> None:
        async with serve(proxy) as port:
            pool = Pool()
            wire = AsyncWire(pool, proxy=f"http://{USER}127.0.0.1:{port}")
            request = HttpRequest("POST", "http://chat.example:81/x?y=1#z", FIELDS, b"data")
            for _ in range(2):
                assert await fetch(wire, Send(request)) == b"ok"
            assert len(asked) == 2
            first, fields, data = asked[1]
            assert (first, data) == ("POST http://chat.example:81/x?y=1 HTTP/1.1", b"data")
            assert fields == {
                "host": "chat.example:81",
                "authorization": "Bearer origin-only",
                "content-length": "4",
                "accept-encoding": "gzip, deflate",
                "proxy-authorization": CREDENTIALS,
            }
            await pool.aclose()

    run(main, loop)


@both_loops
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_tunnel(scheme: str, loop: str, authority: Authority) -> None:
    seen: list[dict[str, str]] = []

    async def origin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append((await read_request(reader))[1])
            writer.write(OK)

    async def main() -> None:
        proxy = HttpProxy()
        tls = authority.server("127.0.0.1") if scheme == "https" else None
        async with serve(origin, authority.server("127.0.0.1")) as port, serve(proxy, tls) as proxy_port:
            pool = Pool(verify=authority.client())
            wire = AsyncWire(pool, proxy=f"{scheme}://{USER}127.0.0.1:{proxy_port}")
            for _ in range(2):
                assert await fetch(wire, secure(port)) == b"ok"
            target = f"127.0.0.1:{port}"
            assert proxy.asked == [
                (f"CONNECT {target} HTTP/1.1", {"host": target, "proxy-authorization": CREDENTIALS}),
            ]
            assert len(seen) == 2
            assert seen[0] == {
                "host": target, "authorization": "Bearer origin-only", "accept-encoding": "gzip, deflate",
            }  # fmt: skip
            await pool.aclose()

    run(main, loop)


def test_connections_are_kept_apart_by_proxy() -> None:
    async def main() -> None:
        async with serve(answering(OK, OK)) as port:
            pool = Pool()
            for proxy in (False, f"http://127.0.0.1:{port}", f"http://a:b@127.0.0.1:{port}"):
                wire = AsyncWire(pool, proxy=proxy)
                assert await fetch(wire, get(port)) == b"ok"
            assert len(pool.here()._lanes) == 3
            await pool.aclose()

    run(main)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        proxy = answering(OK, OK, OK)
        async with serve(proxy) as port:
            monkeypatch.setenv("HTTP_PROXY", f"127.0.0.1:{port}")
            elsewhere = Send(HttpRequest("GET", "http://192.0.2.1/"))
            pool = Pool()
            assert await fetch(AsyncWire(pool), elsewhere) == b"ok"
            assert [route.proxy is None for route in pool.here()._lanes] == [False]
            for wire in (AsyncWire(pool, proxy=False), AsyncWire(Pool(trust_env=False))):
                assert await fetch(wire, get(port)) == b"ok"
            monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
            assert await fetch(AsyncWire(pool), get(port)) == b"ok"
            assert sorted(route.proxy is None for route in pool.here()._lanes) == [False, True]
            monkeypatch.setenv("HTTP_PROXY", "gopher://user:secret@127.0.0.1")
            assert await fetch(AsyncWire(pool), elsewhere) == b"ok"  # looked up once for each origin
            with pytest.raises(InvalidRequest) as caught:
                await AsyncWire(Pool()).send(elsewhere, None)
            assert "secret" not in str(caught.value)
            await pool.aclose()

    run(main)


def silent(answer: bytes) -> Handler:
    """Answers a CONNECT with `answer`, and ends."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        if answer:
            await gone(reader)

    return handler


@both_loops
@pytest.mark.parametrize(
    ("answer", "user", "error", "status", "words"),
    [
        (b"HTTP/1.1 407 X\r\n\r\n", "", ProxyFailed, 407, "put its user name"),
        (b"HTTP/1.1 407 X\r\n\r\n", USER, ProxyFailed, 407, "did not accept"),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n<html>", "", ProxyFailed, 502, "refused a tunnel to 127.0.0.1:.* 502"),
        (b"HTTP/1.1 301 Moved\r\nLocation: http://x/\r\n\r\n", "", ProxyFailed, 301, "301"),
        (b"<html>hello</html>\r\n\r\n", "", ProxyFailed, None, "not begin as HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "", ProxyFailed, None, "head"),
        (b"", "", ProxyFailed, None, "it ended the connection"),
        (b"HTTP/1.1 200 OK\r\n\r\n220 hello", "", ProxyFailed, None, "bytes of its own"),
    ],
)
def test_no_tunnel(answer: bytes, user: str, error: type[ChatError], status: int | None, words: str, loop: str) -> None:
    async def main() -> None:
        async with serve(silent(answer)) as port:
            pool = Pool()
            with pytest.raises(error, match=words) as caught:
                await AsyncWire(pool, proxy=f"http://{user}127.0.0.1:{port}").send(secure(1), None)
            assert isinstance(caught.value, ProxyFailed)
            assert caught.value.status == status
            assert "user" not in str(caught.value).replace("user name", "")
            assert not pool.here()._lanes
            await pool.aclose()

    run(main, loop)


@both_loops
def test_tunnel_that_breaks_or_leads_to_no_tls(loop: str, authority: Authority) -> None:
    async def drops(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read(100)

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await gone(reader)

    async def main() -> None:
        pool = Pool(verify=authority.client())
        for breaking in (breaks, drops):
            async with serve(breaking) as port:
                with pytest.raises(ConnectFailed, match="TLS handshake"):
                    await AsyncWire(pool, proxy=f"http://127.0.0.1:{port}").send(secure(1), None)
        async with serve(HttpProxy()) as port, serve(answering(OK), authority.server("other.example")) as origin:
            with pytest.raises(TLSFailed, match="mismatch"):
                await AsyncWire(pool, proxy=f"http://127.0.0.1:{port}").send(secure(origin), None)
        async with serve(plain) as port:
            with pytest.raises(ProxyFailed, match=f"no TLS with the proxy https://127.0.0.1:{port}: .*is it http://"):
                await AsyncWire(pool, proxy=f"https://127.0.0.1:{port}").send(secure(1), None)
        assert not pool.here()._lanes
        await pool.aclose()

    run(main, loop)


def test_proxy_that_is_not_there_or_refuses_to_forward() -> None:
    async def main() -> None:
        pool = Pool()
        async with serve(answering(b"HTTP/1.1 407 X\r\nContent-Length: 0\r\n\r\n")) as port:
            with pytest.raises(ProxyFailed) as caught:
                await AsyncWire(pool, proxy=f"http://127.0.0.1:{port}").send(get(1), None)
            assert caught.value.status == 407
        for scheme in ("http", "https", "socks5", "socks5h"):
            with pytest.raises(ProxyFailed, match=rf"no connection to the proxy {scheme}://127.0.0.1:{port}: refused"):
                await AsyncWire(pool, proxy=f"{scheme}://127.0.0.1:{port}").send(get(1), None)
        assert not pool.here()._lanes
        await pool.aclose()

    run(main)


# --- SOCKS


@both_loops
@pytest.mark.parametrize(
    ("scheme", "host", "asked"),
    [
        ("socks5", "localhost", (1, b"\x7f\0\0\1")),
        ("socks5h", "chat.example", (3, b"chat.example")),
        ("socks5h", "127.0.0.1", (1, b"\x7f\0\0\1")),
    ],
)
@pytest.mark.parametrize("user", [b"", b"user:pa ss"])
def test_socks(scheme: str, host: str, asked: tuple[int, bytes], user: bytes, loop: str, authority: Authority) -> None:
    async def main() -> None:
        proxy = SocksProxy(user)
        async with serve(answering(OK, OK), authority.server(host)) as port, serve(proxy) as proxy_port:
            pool = Pool(verify=authority.client())
            credentials = "user:pa%20ss@" if user else ""
            wire = AsyncWire(pool, proxy=f"{scheme}://{credentials}127.0.0.1:{proxy_port}")
            for _ in range(2):
                assert await fetch(wire, secure(port, host)) == b"ok"
            assert proxy.asked == [(*asked, port)]
            await pool.aclose()

    run(main, loop)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(10)


@both_loops
@pytest.mark.parametrize(
    ("proxy", "url", "error", "words"),
    [
        (SocksProxy(reply=5), "socks5h://127.0.0.1", ProxyFailed, "no connection to chat.example:443: .*refused"),
        (SocksProxy(b"a:b"), "socks5h://x:y@127.0.0.1", ProxyFailed, "opened no connection to chat.example:443: "),
        (SocksProxy(b"a:b"), "socks5h://127.0.0.1", ProxyFailed, "opened no connection to chat.example:443: "),
        (hang_up, "socks5h://127.0.0.1", ProxyFailed, "opened no connection to chat.example:443: "),
    ],
)
def test_socks_failure(proxy: Handler, url: str, error: type[ChatError], words: str, loop: str) -> None:
    async def main() -> None:
        async with serve(proxy) as port:
            pool = Pool()
            wire = AsyncWire(pool, proxy=f"{url}:{port}")
            with pytest.raises(error, match=words):
                await wire.send(Send(HttpRequest("GET", "https://chat.example/")), wire.now() + 5)
            assert not pool.here()._lanes
            await pool.aclose()

    run(main, loop)


def test_socks_with_a_name_that_does_not_resolve_here(resolve: Callable[..., None]) -> None:
    async def main() -> None:
        async with serve(SocksProxy()) as port:
            resolve()
            pool = Pool()
            with pytest.raises(ConnectFailed, match=r"no connection to chat\.example:80: the name 'chat"):
                await AsyncWire(pool, proxy=f"socks5://127.0.0.1:{port}").send(
                    Send(HttpRequest("GET", "http://chat.example/")), None
                )
            await pool.aclose()

    run(main)


def test_socks_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.delitem(sys.modules, "transports.http1.socks5", raising=False)

    async def main() -> None:
        pool = Pool()
        with pytest.raises(InvalidRequest, match=r'pip install "sansio-chat\[socks\]"'):
            await AsyncWire(pool, proxy="socks5://127.0.0.1:1").send(get(1), None)
        await pool.aclose()

    run(main)
