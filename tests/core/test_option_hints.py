"""What is said of an option that nobody knows: what it is called here, where it belongs, or what is known."""

from __future__ import annotations

from typing import Any

import pytest

from sansio_core import ChatRequest, Exchange, InvalidRequest, providers
from sansio_core.option_hints import _BESIDE, _FIELDS, _NAMES, _PLACES, _SAID
from sansio_core.options import OPTIONS


def said_of(provider: str = "openai", **options: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        Exchange(providers.create(provider, api_key="sk-abcdef"), ChatRequest("Hello", **options))
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stop_sequences", "it is called stop here"),
        ("max_completion_tokens", "it is called max_tokens here"),
        ("maxOutputTokens", "it is called max_tokens here"),
        ("topP", "it is called top_p here"),
        ("num_predict", "it is called max_tokens here"),
        ("functions", "it is called tools here"),
        ("thinking", "it is called reasoning_effort here"),
        ("extra_headers", "it is called headers here"),
        ("request_timeout", "it is called timeout here"),
        ("max_retries", "it is called retry here, which counts the first attempt too"),
        ("prompt", "it is called messages here: give it to stream() or complete(), or to ChatRequest()"),
        ("system_instruction", "it is called system here: give it to stream() or complete(), or to ChatRequest()"),
        ("api_key", "give api_key= to Client() or AsyncClient(), or to providers.create()"),
        ("api_base", "it is called base_url here: give it to Client() or AsyncClient(), or to providers.create()"),
        ("verify", "give verify= to Client() or AsyncClient()"),
        ("session", "give session= to Client()"),
        ("timeout", "give timeouts= to Exchange()"),
        ("stream", "every answer streams: leave it out"),
        ("stream_options", "usage is always asked for: leave it out"),
        ("safety_settings", "give it in extra={…}, as the wire writes it"),
        ("temprature", "did you mean 'temperature'?"),
        ("timout", "did you mean 'timeout'?"),
        ("base_ulr", "did you mean 'base_url'?"),
        ("user_id", "it is called user here"),
        ("images", "it is a part of a message's content"),
    ],
)
def test_a_name_that_is_known_elsewhere(name: str, hint: str) -> None:
    assert said_of(**{name: "secret"}) == f"openai does not know the option {name!r} ({hint})"


def test_all_names_are_listed_where_nothing_is_known_of_one() -> None:
    text = said_of(stop_sequences=["a"], zeal=1)
    assert text.startswith("openai does not know the option 'stop_sequences' (it is called stop here), 'zeal'; known ")
    assert text.endswith("verbosity; any other field of its wire goes in extra={…}")


def test_a_field_is_sent_to_extra_only_where_that_is_taken() -> None:
    assert "; known are " in said_of("chatgpt_free", keep_alive=5)
    assert "extra" in said_of("acytoo", keep_alive=5)


def test_no_hint_is_of_a_name_that_is_ours_or_stands_twice() -> None:
    names = [name for row in _NAMES.values() for name in row.split()] + [*_PLACES, *_SAID, *_FIELDS]
    assert len(names) == len(set(names))
    assert not OPTIONS & set(names)
    assert set(_NAMES) - OPTIONS <= {*_PLACES, *_BESIDE}


def test_a_providers_own_option_is_no_foreign_name() -> None:
    Exchange(providers.create("yqcloud"), ChatRequest("Hello", system_message="Be brief.", user_id=5))
