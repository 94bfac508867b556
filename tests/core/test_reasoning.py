"""One option for the effort of reasoning, as each model takes it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import InvalidRequest
from sansio_core.dialects.reasoning import WORDS, budget_of, word_of

THREE = ("low", "medium", "high")
ALL_BUT_MAX = WORDS[:-1]


@pytest.mark.parametrize(
    ("effort", "takes", "word"),
    [
        *((word, WORDS, word) for word in WORDS),
        # the nearest that the model takes; of two as near, the lesser
        ("minimal", THREE, "low"),
        ("xhigh", THREE, "high"),
        ("max", THREE, "high"),
        ("medium", ("low", "high"), "low"),
        ("xhigh", ("none", "high", "max"), "high"),
        ("minimal", ("none", "high"), "high"),
        ("low", ("high",), "high"),
        ("max", ALL_BUT_MAX, "xhigh"),
        # a vendor's own word
        ("default", ("none", "default"), "default"),
        # True is the middle, False and 0 are none
        (True, THREE, "medium"),
        (True, ("minimal", "high"), "high"),
        (False, WORDS, "none"),
        (0, WORDS, "none"),
        # numbers of tokens: the least word that has as many
        (1, WORDS, "low"),
        (1024, WORDS, "low"),
        (1025, WORDS, "medium"),
        (8192, WORDS, "medium"),
        (24576, WORDS, "high"),
        (24577, WORDS, "xhigh"),
        (32768, WORDS, "xhigh"),
        (10**9, WORDS, "max"),
        (10**9, THREE, "high"),
    ],
)
def test_words(effort: Any, takes: tuple[str, ...], word: str) -> None:
    assert word_of(effort, takes, "m") == word


@pytest.mark.parametrize(
    ("effort", "takes", "said"),
    [
        ("none", THREE, "m always reasons: reasoning_effort is one of low, medium, high, not 'none'"),
        (False, THREE, "m always reasons"),
        (0, THREE, "m always reasons"),
        ("low", (), "m does not reason: leave out reasoning_effort"),
        ("none", (), "m does not reason: leave out reasoning_effort"),
        ("low", ("none",), "m does not reason"),
        ("low", ("default",), "m does not reason"),
        ("hiigh", THREE, "m has no reasoning_effort 'hiigh' .*did you mean 'high'.*known are low, medium, high"),
        ("", THREE, "m has no reasoning_effort"),
        ("default", THREE, "m has no reasoning_effort 'default'"),
        (-1, THREE, "m has no reasoning_effort -1.* or a number of tokens"),
        (1.5, THREE, "m has no reasoning_effort 1.5"),
        (None, THREE, "m has no reasoning_effort"),
        ([], THREE, "m has no reasoning_effort"),
    ],
)
def test_what_is_refused(effort: Any, takes: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        word_of(effort, takes, "m")


@pytest.mark.parametrize(
    ("effort", "tokens"),
    [
        ("none", 0),
        (False, 0),
        (0, 0),
        ("minimal", 1024),
        ("low", 1024),
        ("medium", 8192),
        (True, 8192),
        ("high", 24576),
        ("xhigh", 30000),
        ("max", 30000),
        (512, 512),
        (777, 777),
        (30000, 30000),
    ],
)
def test_budgets(effort: Any, tokens: int) -> None:
    assert budget_of(effort, 512, 30000, "m") == tokens


def test_a_word_is_never_less_than_the_least() -> None:
    assert budget_of("low", 2048, 4096, "m") == 2048
    assert budget_of("none", 2048, 4096, "m") == 0


@pytest.mark.parametrize("effort", [511, 30001, -1])
def test_a_number_of_tokens_that_the_model_does_not_take(effort: int) -> None:
    with pytest.raises(InvalidRequest, match=f"m reasons with 512 to 30000 tokens, not {effort}"):
        budget_of(effort, 512, 30000, "m")


@pytest.mark.parametrize("effort", ["hgih", "", None, 1.5, [], "default"])
def test_no_budget(effort: Any) -> None:
    with pytest.raises(InvalidRequest, match="m has no reasoning_effort"):
        budget_of(effort, 512, 30000, "m")


@given(st.sampled_from(WORDS[1:]), st.lists(st.sampled_from(WORDS[1:]), min_size=1, unique=True))
def test_a_word_is_one_that_the_model_takes_and_none_is_nearer(effort: str, takes: list[str]) -> None:
    word = word_of(effort, takes, "m")
    assert word in takes
    far = [abs(WORDS.index(known) - WORDS.index(effort)) for known in takes]
    assert abs(WORDS.index(word) - WORDS.index(effort)) == min(far)


@given(st.integers(0, 40_000), st.integers(0, 40_000))
def test_more_tokens_are_no_lesser_word(some: int, more: int) -> None:
    less, greater = sorted((some, more))
    assert WORDS.index(word_of(less, WORDS, "m")) <= WORDS.index(word_of(greater, WORDS, "m"))
