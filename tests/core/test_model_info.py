"""What hosts' lists say of a model, in each host's own fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import ModelInfo, ModelList, providers
from sansio_core.exchange import Finish, Send

YES, NO = {"supported": True}, {"supported": False}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        # platform.claude.com/docs/en/api/models-list
        (
            {
                "id": "claude-x", "type": "model", "max_input_tokens": 1_000_000, "max_tokens": 128_000,
                "deprecated_at": "2026-09-01T00:00:00Z", "retires_at": "2026-11-30T08:00:00Z",
                "capabilities": {"image_input": YES, "pdf_input": NO, "batch": YES, "effort": {"supported": True}},
            },
            (1_000_000, 128_000, ("text", "image"), "2026-11-30"),
        ),
        ({"id": "claude-y", "max_input_tokens": None, "capabilities": None, "retires_at": 1}, (None, None, (), None)),
        # ai.google.dev/api/models
        ({"name": "g", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536}, (1_048_576, 65_536, (), None)),
        # platform.openai.com/docs/api-reference/models/object
        ({"id": "gpt-x", "object": "model", "shutdown_date": "2027-01-14"}, (None, None, (), "2027-01-14")),
        # openrouter.ai/docs/api-reference/list-available-models
        (
            {
                "id": "a/b", "name": "A: B", "context_length": 200_000, "expiration_date": "2027-06-30",
                "architecture": {"input_modalities": ["text", "file", 5], "output_modalities": ["text"]},
                "top_provider": {"context_length": 100_000, "max_completion_tokens": 64_000},
            },
            (200_000, 64_000, ("text", "file"), "2027-06-30"),
        ),
        ({"id": "a", "top_provider": {"context_length": 9}, "architecture": {}}, (9, None, (), None)),
        # console.groq.com/docs/api-reference#models-list
        ({"id": "a", "context_window": 131_072, "max_completion_tokens": 65_536}, (131_072, 65_536, (), None)),
        # docs.mistral.ai/api/#tag/models; its `deprecation` is not the end
        (
            {
                "id": "a", "max_context_length": 262_144, "deprecation": "2027-01-01T12:00:00Z",
                "capabilities": {"completion_chat": True, "vision": True, "audio": False},
            },
            (262_144, None, ("text", "image"), None),
        ),
        # Cerebras: GET /v1/models?format=openrouter
        (
            {"id": "a", "context_length": 131_072, "max_output_length": 40_960, "input_modalities": ["text"]},
            (131_072, 40_960, ("text",), None),
        ),
        # docs.vllm.ai: max_model_len; llama.cpp: meta
        ({"id": "a", "max_model_len": 4096}, (4096, None, (), None)),
        ({"id": "a", "meta": {"n_ctx_train": 8192, "n_ctx": 4096}}, (4096, None, (), None)),
        # docs.ollama.com/api/tags
        ({"name": "a", "size": 1, "capabilities": ["completion", "vision", 5]}, (None, None, ("text", "image"), None)),
        # what makes no sense says nothing
        (
            {
                "id": "a", "context_length": True, "context_window": -1, "max_tokens": "5", "top_provider": [],
                "shutdown_date": 20270114, "expiration_date": "soon", "capabilities": "vision",
            },
            (None, None, (), None),
        ),
    ],
)  # fmt: skip
def test_what_a_list_says(item: dict[str, Any], expected: tuple[Any, ...]) -> None:
    info = ModelInfo.of(item)
    assert info is not None
    assert (info.context, info.output, info.input, info.shut_down) == expected
    assert info.name == item.get("id", item.get("name"))
    assert info.raw is item
    assert "raw" not in repr(info)


def test_what_names_no_model() -> None:
    for item in ({}, {"id": 5}, {"id": None, "name": None}, {"object": "model"}):
        assert ModelInfo.of(item) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["id", "name", "capabilities", "architecture", "input_modalities", "top_provider", "meta", "context_length",
     "max_tokens", "retires_at", "shutdown_date"]
)  # fmt: skip


@given(st.dictionaries(FIELDS, JSON | st.dictionaries(FIELDS, JSON, max_size=3), max_size=6))
def test_any_item_is_read(item: dict[str, Any]) -> None:
    info = ModelInfo.of(item)
    if info is not None:
        assert all(value is None or type(value) is int for value in (info.context, info.output))
        assert all(type(word) is str for word in info.input)
        assert info.shut_down is None or type(info.shut_down) is str


def test_the_names_and_the_details() -> None:
    exchange = ModelList(providers.create("gemini", api_key="k"))
    assert (exchange.models, exchange.infos) == ([], [])
    assert isinstance(exchange.next_action(0), Send)
    exchange.receive_head(200, [], 0)
    listed = [{"name": "models/a", "inputTokenLimit": 5}, {"name": "models/e", "supportedGenerationMethods": []}]
    exchange.receive_data(json.dumps({"models": listed}).encode(), 0)
    exchange.receive_data(b"", 0)
    assert isinstance(exchange.next_action(0), Finish)
    assert exchange.models == ["a"]
    assert exchange.infos == [ModelInfo("a", 5, raw=listed[0])]
