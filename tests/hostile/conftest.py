"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostile_server import Server
from matrix import GOOD


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that gives good answers, until it is told otherwise."""
    with Server(GOOD["free_netfly"], GOOD["free_netfly"]) as server:
        yield server
