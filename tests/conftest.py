"""What every test may use: both clients behind one face, an emulator; and nothing out of the environment."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent / "transports"))  # its seats serve the other folders too

from seats import Asyncio, Blocking, Seat
from servers import PATIENCE, Authority
from wires import LOOPS, Wires

from sansio_core import providers
from transports.emulator import Emulator

# Bytecode is kept, whatever the environment says (git ignores it): over a hundred programs that tests start load the
# same modules, and the next run need not have pytest rewrite 180 test modules in each of its processes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_BASE_URLS = {variable for name in providers.names() if (variable := providers.info(name).base_url_env)}
# An example that takes long says only how busy the machine is. In CI a failure must be the same one at the next run.
_CI = bool(os.environ.get("CI"))
hypothesis.settings.register_profile("ours", deadline=None, derandomize=_CI, print_blob=_CI)
hypothesis.settings.load_profile("ours")


@pytest.fixture(autouse=True, scope="module")
def light_collections() -> None:
    """Tests end with collections: what was there before them need not be looked through a thousand times.

    Nor, in a later module, what was there before the earlier ones: so nothing is unfrozen.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, authority or base URL out of the environment, and no settings of the user's command."""
    monkeypatch.setenv("SANSIO_CHAT_CONFIG", os.devnull)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in _BASE_URLS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_more_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that a test registers is gone after it."""
    monkeypatch.setattr(providers, "_registered", {})


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """No matplotlib is installed."""
    monkeypatch.delitem(sys.modules, "transports.batch.plots", raising=False)
    monkeypatch.delattr("transports.batch.plots", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that has the system's resolver know every name at the given addresses; without any, no name exists."""
    real = socket.getaddrinfo

    def names_to(*addresses: str) -> None:
        def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
            try:
                return real(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
            except (socket.gaierror, UnicodeError):
                if kwargs.get("flags") or not addresses:
                    raise
            return [found for address in addresses for found in real(address, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return names_to


@pytest.fixture(params=[Blocking, Asyncio], ids=lambda kind: kind.name)
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    """Each of the two clients, behind one face."""
    seat: Seat = request.param()
    yield seat
    seat.end()


@pytest.fixture(params=["blocking", *LOOPS])
def wires(request: pytest.FixtureRequest) -> Iterator[Wires]:
    """What is under each of the two clients, asyncio's on both loops, behind one face; it leaves no thread behind."""
    before = set(threading.enumerate())
    wires = Wires(request.param)
    yield wires
    wires.end()
    for thread in set(threading.enumerate()) - before:  # a look-up's thread may be just about to end
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def authority() -> Authority:
    """A certificate authority of this test run."""
    return Authority()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator
