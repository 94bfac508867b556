from __future__ import annotations

from collections.abc import Iterator

import pytest
from seats import Asyncio, Blocking, Seat

from transports.emulator import Emulator


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
