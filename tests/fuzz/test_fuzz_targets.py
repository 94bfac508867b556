"""The fuzzer's targets hold for what they begin with. Looking for more is a command: `python -m tests.fuzz`."""

from __future__ import annotations

import pytest
from fuzz_seeds import NAMES, seeds
from fuzz_targets import TARGETS


def test_the_command_knows_every_target() -> None:
    assert sorted(NAMES) == sorted(TARGETS)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "growth"])
def test_the_seeds_hold(name: str) -> None:
    for data in seeds(name)[:120]:
        TARGETS[name](data)
