"""Timeouts and limits as values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from math import inf, nan
from typing import Any

import pytest

from sansio_core import InvalidRequest, Limits, Timeouts
from sansio_core.errors import safe_repr


def test_the_defaults_are_those_of_the_readme() -> None:
    assert Timeouts() == Timeouts(connect=10, first_event=600, idle=600, progress=600, total=None)
    mib, kib = 1 << 20, 1 << 10
    assert Limits() == Limits(frame=16 * mib, head=64 * kib, error_body=64 * kib, page=8 * mib, decompressed=256 * mib)


def test_a_number_is_the_total_over_the_default() -> None:
    default = Timeouts(connect=1, first_event=2, idle=3, progress=4, total=5)
    assert Timeouts.of(None, default) is default
    assert Timeouts.of(9, default) == Timeouts(connect=1, first_event=2, idle=3, progress=4, total=9)
    given = Timeouts(total=None)
    assert Timeouts.of(given, default) is given


CLOCKS = [field.name for field in fields(Timeouts)]


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("seconds", [0, -1, -0.5, inf, nan, True, "5", 10**400, 1e12, [1]])
def test_a_timeout_must_be_a_time(clock: str, seconds: Any) -> None:
    said = f"the {clock} timeout must be a positive number of seconds, or None, not {safe_repr(seconds)}"
    with pytest.raises(InvalidRequest) as caught:
        Timeouts(**{**dict.fromkeys(CLOCKS), clock: seconds})
    assert str(caught.value) == said
    for good in (None, 1e-3, 1e9):
        assert getattr(Timeouts(**{clock: good}), clock) == good


@pytest.mark.parametrize("limit", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("size", [0, -1, 1.5, True, "5", None, inf])
def test_a_limit_must_be_a_size(limit: str, size: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Limits(**{limit: size})
    assert str(caught.value) == f"the limit '{limit}' must be a positive number of bytes, not {safe_repr(size)}"
    assert getattr(Limits(**{limit: 1}), limit) == 1


@pytest.mark.parametrize("value", [Timeouts(), Limits()])
def test_they_cannot_be_changed(value: Any) -> None:
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(value, fields(value)[0].name, 1)
    assert hash(value) == hash(type(value)())
