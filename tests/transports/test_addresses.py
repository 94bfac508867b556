"""Names and addresses, on both clients: a silent address is overtaken, a look-up that hangs holds up nobody else."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ports import closed_port, silent_port
from proxies import Socks
from seats import Seat
from servers import Server

from sansio_core import ConnectFailed, ProxyFailed, TimedOut, Timeouts
from transports import AsyncClient
from transports._shared.addresses import EYEBALLS_DELAY, in_order, numeric
from transports.emulator import DEFAULT_TEXT, Emulator

CONNECT = Timeouts(connect=10, total=20)


def url(emulator: Emulator, host: str) -> str:
    return emulator.base_url("acytoo").replace("127.0.0.1", host)


@pytest.fixture
def silent(emulator: Emulator) -> Iterator[str]:
    """An address that answers nobody at the emulator's port: its queue is full, and nobody accepts."""
    port = int(emulator.base_url("acytoo").rpartition(":")[2].partition("/")[0])
    with silent_port("127.0.0.2", port):
        yield "127.0.0.2"


def test_a_silent_address_is_overtaken(
    seat: Seat, emulator: Emulator, silent: str, resolve: Callable[..., None]
) -> None:
    """RFC 8305: a quarter of a second later the next address is tried, not when half the connect clock is over."""
    resolve(silent, "127.0.0.1")
    client = seat.client("acytoo", base_url=url(emulator, "chat.example"), timeout=CONNECT)
    began = time.monotonic()
    assert seat.complete(client).text == DEFAULT_TEXT
    assert EYEBALLS_DELAY - 0.01 < time.monotonic() - began < 4, "not half of the connect clock"


@pytest.mark.parametrize("addresses", [["127.0.0.3", "127.0.0.1"], ["::1", "127.0.0.1"], ["127.0.0.1"] * 3])
def test_an_address_that_refuses_costs_nothing(
    seat: Seat, emulator: Emulator, addresses: list[str], resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for the delay after which a silent address is overtaken, which here is the test's own end."""
    for transport in ("_asyncio", "_requests"):
        monkeypatch.setattr(f"transports.{transport}.opening.EYEBALLS_DELAY", 60)
    resolve(*addresses)
    client = seat.client("acytoo", base_url=url(emulator, "chat.example"), timeout=CONNECT)
    assert seat.complete(client).text == DEFAULT_TEXT


def test_where_no_address_answers(seat: Seat, emulator: Emulator, silent: str, resolve: Callable[..., None]) -> None:
    client = seat.client("acytoo", base_url=url(emulator, "chat.example"), timeout=Timeouts(connect=0.4), retry=1)
    resolve(silent, "127.0.0.3")  # the one is silent, the other refuses
    with pytest.raises(TimedOut, match="'connect'"):
        seat.complete(client)
    resolve("127.0.0.3", "127.0.0.4")
    client = seat.client("acytoo", base_url=url(emulator, "chat.example"), timeout=CONNECT, retry=1)
    with pytest.raises(ConnectFailed, match=r"no connection to chat\.example:[0-9]+: refused"):
        seat.complete(client)


def test_families_take_turns() -> None:
    six, four = [("::1", "::2", "::3"), ("127.0.0.1", "127.0.0.2")]
    found = [numeric(address, 80)[0] for address in (*six, *four)]
    assert [address[4][0] for address in in_order(found)] == ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]


class HangingNames:
    """socket.getaddrinfo that knows `good.example`, and hangs for `hangs*` until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real = socket.getaddrinfo
        self._go = threading.Event()
        self._threads: set[threading.Thread] = set()
        self.hanging: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host.startswith("hangs") and not kwargs.get("flags"):
            self._threads.add(threading.current_thread())
            self.hanging.append(host)
            self._go.wait(20)
        if host.endswith(".example") and not kwargs.get("flags"):
            host = "127.0.0.1"
        return self._real(host, port, *args, **kwargs)

    def end(self) -> None:
        self._go.set()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[HangingNames]:
    names = HangingNames(monkeypatch)
    yield names
    names.end()


def test_look_ups_that_hang_hold_up_no_other(seat: Seat, emulator: Emulator, names: HangingNames) -> None:
    """More of them than any executor of a loop has threads."""
    short = Timeouts(connect=0.02)
    for number in range(1000):
        client = seat.client("acytoo", base_url=url(emulator, f"hangs{number}.example"), timeout=short, retry=1)
        with pytest.raises(TimedOut):
            seat.complete(client)
        seat.close_client(client)
        if len(names.hanging) == 40:  # on a busy machine a clock may come first
            break
    assert len(names.hanging) == 40
    client = seat.client("acytoo", base_url=url(emulator, "good.example"), timeout=CONNECT)
    assert seat.complete(client).text == DEFAULT_TEXT


def test_asyncio_run_does_not_wait_for_a_look_up(emulator: Emulator, names: HangingNames) -> None:
    """Nor for the socks5 proxy's name, or the target's where we resolve it."""

    async def main() -> None:
        for settings in ({}, {"proxy": "socks5://hangs.example:1"}, {"proxy": "socks5h://hangs.example:1"}):
            place = url(emulator, "hangs.example")
            async with AsyncClient("acytoo", base_url=place, timeout=Timeouts(connect=0.05), **settings) as client:
                with pytest.raises(TimedOut):
                    await client.complete("Hello")

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 10, "the names hang for twice as long"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]


def test_one_name_is_looked_up_once_for_all_that_ask_meanwhile(emulator: Emulator, names: HangingNames) -> None:
    async def main() -> list[str]:
        async with AsyncClient("acytoo", base_url=url(emulator, "hangs.example"), timeout=CONNECT) as client:
            tasks = [asyncio.create_task(client.complete("Hello")) for _ in range(20)]
            while not names.hanging:  # noqa: ASYNC110  # a thread of the system's resolver tells nobody
                await asyncio.sleep(0)
            tasks.pop().cancel()  # who leaves takes nothing from the others
            for _ in range(5):
                await asyncio.sleep(0)
            names._go.set()
            return [(await task).text for task in tasks]

    assert asyncio.run(main()) == [DEFAULT_TEXT] * 19
    assert names.hanging == ["hangs.example"]


# --- SOCKS proxies, whose libraries connect by themselves


def socks_client(seat: Seat, scheme: str, port: int, **settings: Any) -> Any:
    return seat.client(
        "acytoo", base_url="http://chat.example:1", proxy=f"{scheme}://proxy.example:{port}", retry=1, **settings
    )


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_may_have_several_addresses(
    seat: Seat, emulator: Emulator, scheme: str, resolve: Callable[..., None]
) -> None:
    resolve("127.0.0.3", "127.0.0.1")  # nobody listens at the first

    with Server(Socks()) as proxy:
        client = seat.client(
            "acytoo", base_url=url(emulator, "chat.example"), timeout=CONNECT,
            proxy=f"{scheme}://proxy.example:{proxy.port}",
        )  # fmt: skip
        assert seat.complete(client).text == DEFAULT_TEXT


def test_a_socks_proxy_that_is_not_there(seat: Seat, resolve: Callable[..., None]) -> None:
    resolve("127.0.0.1")
    port = closed_port()
    client = socks_client(seat, "socks5h", port)
    with pytest.raises(ProxyFailed, match=rf"^no connection to the proxy socks5h://proxy\.example:{port}: refused$"):
        seat.complete(client)


@pytest.mark.parametrize(("reply", "words"), [(2, "not allowed by its ruleset"), (5, "connection refused")])
def test_a_socks_proxy_that_refuses(seat: Seat, reply: int, words: str, resolve: Callable[..., None]) -> None:
    resolve("127.0.0.1")
    with Server(Socks(reply=reply)) as proxy:
        client = socks_client(seat, "socks5h", proxy.port)
        said = rf"^the proxy socks5h://proxy\.example:{proxy.port} opened no connection to chat\.example:1: {words}$"
        with pytest.raises(ProxyFailed, match=said):
            seat.complete(client)
