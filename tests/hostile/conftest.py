"""Both clients behind one face, for tests that wish them ill; and nothing out of the environment in their way."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "transports"))  # for seats.py

from seats import Asyncio, Blocking, Seat

from transports.emulator import Emulator


@pytest.fixture(autouse=True, scope="module")
def light_collections() -> Iterator[None]:
    """Each test ends with a collection: what was there before need not be looked through a thousand times."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=[Blocking, Asyncio], ids=lambda kind: kind.name)
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    """Each of the two clients, behind one face."""
    seat: Seat = request.param()
    yield seat
    seat.end()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, authority or key out of the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle", "curl_ca_bundle"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
