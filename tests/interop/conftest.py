from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "transports"))  # its seats are used here too

from seats import Asyncio, Blocking, Seat


@pytest.fixture(params=[Blocking, Asyncio], ids=lambda kind: kind.name)
def seat(request: pytest.FixtureRequest) -> Iterator[Seat]:
    """Each of the two clients, behind one face."""
    seat: Seat = request.param()
    yield seat
    seat.end()
