"""Timeouts and limits as values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from math import inf, nan
from typing import Any

import pytest

from sansio_core import InvalidRequest, Limits, Timeouts


def test_a_number_is_the_total_over_the_default() -> None:
    default = Timeouts(connect=1, first_event=2, idle=3, progress=4, total=5)
    assert Timeouts.of(None, default) is default
    assert Timeouts.of(9, default) == Timeouts(connect=1, first_event=2, idle=3, progress=4, total=9)
    given = Timeouts(total=None)
    assert Timeouts.of(given, default) is given


@pytest.mark.parametrize("clock", [field.name for field in fields(Timeouts)])
@pytest.mark.parametrize("seconds", [0, -1, -0.5, inf, nan, True, "5", 10**400, 1e12, [1]])
def test_a_timeout_must_be_a_time(clock: str, seconds: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"the {clock} timeout"):
        Timeouts(**{clock: seconds})
    assert getattr(Timeouts(**{clock: None}), clock) is None
    assert getattr(Timeouts(**{clock: 1e-3}), clock) == 0.001


@pytest.mark.parametrize("limit", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("size", [0, -1, 1.5, True, "5", None, inf])
def test_a_limit_must_be_a_size(limit: str, size: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"the limit '{limit}'"):
        Limits(**{limit: size})
    assert getattr(Limits(**{limit: 1}), limit) == 1


@pytest.mark.parametrize("value", [Timeouts(), Limits()])
def test_they_cannot_be_changed(value: Any) -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(value, fields(value)[0].name, 1)
    assert hash(value) == hash(type(value)())
