"""The table of default models: every provider of today has its row, with its source and the day of the look at it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from sansio_core import providers
from sansio_core.dialects.reasoning import WORDS
from sansio_core.model_facts import DEFAULTS, FACTS, DefaultModel, ModelFacts, facts_of

OURS = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo")  # their model is a fact of their wire
NONE = ("azure_openai", "vllm", "llama_cpp", "lm_studio")  # a deployment of the user's, or what is loaded
README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.mark.parametrize("name", [name for name in providers.names() if name not in OURS])
def test_the_default_is_the_rows(name: str) -> None:
    row = DEFAULTS.get(name)
    assert providers.info(name).default_model == (row.name if row else None)
    assert (row is None) == (name in NONE)


@pytest.mark.parametrize("row", DEFAULTS.values(), ids=lambda row: row.provider)
def test_a_row_says_whose_word_it_is(row: DefaultModel) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]+/\S+", row.source)
    assert date(2026, 11, 1) <= date.fromisoformat(row.seen)
    assert row.until is None or row.until > row.seen


@pytest.mark.parametrize("row", DEFAULTS.values(), ids=lambda row: row.provider)
def test_no_default_has_been_shut_down(row: DefaultModel) -> None:
    """This fails by the calendar, on purpose: then the provider needs another default, or the row a newer promise."""
    ends = [row.until, *(facts.shut_down for vendor in FACTS if (facts := facts_of(vendor, row.name)))]
    assert all(date.fromisoformat(day) > date.today() for day in ends if day)


@pytest.mark.parametrize(
    "gone", ["llama-3.3-70b-versatile", "grok-4", "gemini-2.5-flash", "gpt-4.1-mini", "openai/gpt-oss-20b"]
)
def test_what_has_ended_is_nobodys_default(gone: str) -> None:
    assert gone not in {row.name for row in DEFAULTS.values()}


def test_the_readme_names_the_same() -> None:
    for name in ("openai", "openai_responses", "anthropic", "gemini", "ollama"):
        assert re.search(rf"^\| `{name}` \|.*`{re.escape(DEFAULTS[name].name)}`", README, re.M), name


# --- what models take ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", FACTS)
def test_each_model_has_one_row(vendor: str) -> None:
    names = [row.name for row in FACTS[vendor]]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("row", [row for rows in FACTS.values() for row in rows], ids=lambda row: row.name)
def test_a_row_of_facts_says_whose_word_it_is(row: ModelFacts) -> None:
    assert re.fullmatch(r"[a-z0-9.-]+\.[a-z]+/\S+", row.source)
    for day in filter(None, (row.seen, row.shut_down, row.until)):
        date.fromisoformat(day)
    assert [word for word in WORDS if word in row.efforts] == [word for word in row.efforts if word in WORDS]
    assert row.effort is None or row.effort in row.efforts
    assert row.output is None or row.context is None or row.output <= row.context


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("gpt-5.4-mini-2026-03-17", "gpt-5.4-mini"),
        ("openai/gpt-5.4", "gpt-5.4"),
        ("gpt-5-mini", "gpt-5"),
        ("gpt-5.7", None),
        ("gpt-5.7-mini", None),
        ("gpt-5.4-prod", "gpt-5.4"),
        ("o3-prod", "o3"),
        ("o30", None),
        ("gpt-5-pro-2025-10-06", "gpt-5-pro"),
        ("gpt-6.2-astra-law", "gpt-6.2"),
        ("gpt-6.3-sol", None),
        ("openai/gpt-oss-120b", None),
        ("ft:gpt-4.1-mini:us::1", None),
    ],
)
def test_the_longest_beginning_counts(model: str, row: str | None) -> None:
    found = facts_of("openai", model)
    assert (found and found.name) == row


@pytest.mark.parametrize(
    ("model", "row"),
    [
        ("claude-opus-4-6@20260205", "claude-opus-4-6"),
        ("us.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
        ("anthropic/claude-opus-5.5", "claude-opus-5-5"),
        ("claude-opus-5.9", None),
        ("claude-opus-5-9-20270101", None),
        ("claude-opus-4-20250514", "claude-opus-4-20250514"),
    ],
)
def test_of_claude_the_version_counts_in_either_spelling(model: str, row: str | None) -> None:
    found = facts_of("anthropic", model)
    assert (found and found.name) == row


@pytest.mark.parametrize(
    ("deployment", "row"),
    [
        ("gpt-5.4", "gpt-5.4"),
        ("gpt-5.4-2026-03-05", "gpt-5.4"),
        ("gpt-5.4-prod", None),
        ("gpt-5-fast", None),
        ("gpt-5.4-team-mini", None),
    ],
)
def test_a_name_that_users_chose_tells_of_a_model_only_where_it_is_the_models(deployment: str, row: str | None) -> None:
    found = facts_of("openai", deployment, deployed=True)
    assert (found and found.name) == row
