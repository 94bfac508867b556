"""Both clients behind one face; the parts, each started once when it is first asked for; emulators behind them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "transports"))  # for seats.py

from parts import Authority, Part
from parts_proxies import proxy
from parts_servers import server
from seats import Asyncio, Blocking, Seat

from transports.emulator import Emulator


@pytest.fixture(params=[Blocking, Asyncio], ids=lambda kind: kind.name)
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    """Each of the two clients, behind one face."""
    seat: Seat = request.param()
    yield seat
    seat.end()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def origins(authority: Authority) -> Iterator[dict[str, Emulator]]:
    """The emulator behind every part, plain and with TLS."""
    with Emulator() as plain, Emulator(ssl_context=authority.context) as secure:
        yield {"http": plain, "https": secure}


@pytest.fixture
def origin(origins: dict[str, Emulator]) -> Iterator[Emulator]:
    yield origins["http"]
    origins["http"].release()


@pytest.fixture(scope="session")
def the_proxy() -> Iterator[Callable[[str], Part]]:
    """Gives the proxy of that name; it runs for the rest of the session."""
    with ExitStack() as stack:
        parts: dict[str, Part] = {}

        def get(name: str) -> Part:
            if name not in parts:
                parts[name] = stack.enter_context(proxy(name))
            return parts[name]

        yield get


@pytest.fixture(scope="session")
def the_server(origins: dict[str, Emulator], authority: Authority) -> Iterator[Callable[[str], Part]]:
    """Gives the server of that name, in front of the plain emulator."""
    with ExitStack() as stack:
        parts: dict[str, Part] = {}

        def get(name: str) -> Part:
            if name not in parts:
                parts[name] = stack.enter_context(server(name, origins["http"].port, authority))
            return parts[name]

        yield get


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, authority or key out of the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
