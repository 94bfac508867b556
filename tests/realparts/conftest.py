"""The parts, each started once when it is first asked for; emulators behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from parts import Authority, Part
from parts_proxies import proxy
from parts_servers import server

from transports.emulator import Emulator


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
