"""The options that have one name everywhere: the types of their values."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    ChatRequest,
    Clock,
    InvalidRequest,
    Limits,
    Options,
    ProviderName,
    TimedOut,
    Timeouts,
    providers,
)
from sansio_core.dialects.reasoning import WORDS
from sansio_core.options import _CHECKS, OPTIONS, checked_options
from sansio_core.typed import Bound

NUMBERS = ("temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty")
COUNTS = ("max_tokens", "n")
INTS = ("top_k", "seed", "top_logprobs")
BOOLS = ("parallel_tool_calls", "logprobs", "store")
TEXTS = ("verbosity", "user", "service_tier", "prompt_cache_key", "prompt_cache_retention")
MAPPINGS = ("logit_bias", "metadata", "extra")
FORMS = ("tools", "tool_choice", "response_format")


@pytest.mark.parametrize(
    ("names", "good", "bad", "said"),
    [
        (NUMBERS, (0, 1, -1.5, 0.3), (True, "0.5", None, [1], 1j), "a number"),
        (COUNTS, (1, 4096), (0, -1, True, 1.0, "5"), "an int above 0"),
        (INTS, (0, -1, 5), (True, 1.0, "5"), "an int"),
        (BOOLS, (True, False), (0, 1, "true", []), "True or False"),
        (TEXTS, ("a",), ("", b"a", 5, True), "a str that is not empty"),
        (MAPPINGS, ({}, {"a": 1}), ([], "a", 5, [("a", 1)]), "a mapping"),
        (("reasoning_effort",), ("low", "any", 0, 1024, True, False), ("", 1.5, [], b"low"), "a word such as 'low'"),
        (("stop",), ("a", [], ["a"], ("a",)), ("", 5, b"a", {}), "a str that is not empty, or a list of them"),
        (FORMS, ("a", {}, [], 5, None), (), ""),
    ],
)
def test_the_type_of_a_value(names: tuple[str, ...], good: Any, bad: Any, said: str) -> None:
    for name in names:
        for value in good:
            checked_options({name: value})
        for value in bad:
            if value is None:  # which is as not given
                assert checked_options({name: value}) == {}
                continue
            with pytest.raises(InvalidRequest, match=f"^{name} must be {said}"):
                checked_options({name: value})
            with pytest.raises(InvalidRequest, match=f"^{name} must be {said}"):
                ChatRequest("Hi", **{name: value})


def test_the_table_above_has_all_options() -> None:
    groups = (NUMBERS, COUNTS, INTS, BOOLS, TEXTS, MAPPINGS, FORMS, ("reasoning_effort", "stop"))
    assert sorted(name for group in groups for name in group) == sorted(_CHECKS) == sorted(OPTIONS)


def test_the_types_have_all_options_of_the_providers_that_are_built_in() -> None:
    kinds = [type(providers.create(name, base_url="http://h")) for name in providers.names()]
    own = frozenset[str]().union(*(kind.own_options for kind in kinds))
    assert Options.__annotations__.keys() == OPTIONS | own
    assert not Options.__required_keys__
    assert get_args(ProviderName) == providers.names()


def test_the_types_have_the_clocks_and_the_bounds() -> None:
    for names, kind in ((Clock, Timeouts), (Bound, Limits)):
        assert get_args(names) == tuple(field.name for field in fields(kind))
    assert tuple(TimedOut.MEANING) == get_args(Clock)


def test_the_types_can_be_read_at_run_time() -> None:
    hints = get_type_hints(Options)
    assert hints["temperature"] == float | None
    assert get_args(get_args(hints["reasoning_effort"])[0]) == WORDS


def test_an_option_of_a_providers_own_is_not_checked_here() -> None:
    checked_options({"user_id": object()})
    assert ChatRequest("Hi", user_id=1.5, seed=None).options == {"user_id": 1.5}


def test_every_option_has_a_field_on_some_wire() -> None:
    assert (
        frozenset[str]().union(*(providers.create(name, base_url="http://h").options for name in providers.names()))
        <= OPTIONS
    )


@given(
    st.sampled_from(sorted(OPTIONS)),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(), st.lists),
)
def test_any_value_is_taken_or_refused(name: str, value: Any) -> None:
    with suppress(InvalidRequest):
        checked_options({name: value})
