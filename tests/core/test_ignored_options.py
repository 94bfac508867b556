"""The one warning of what a wire has no field for: what it names, and at whose line it is."""

from __future__ import annotations

import importlib
import inspect
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sansio_core import ChatRequest, Exchange, OptionIgnored, providers

CALL = {
    "id": "c1",
    "type": "function",
    "function": {"name": "weather", "arguments": "{}"},
    "extra_content": {"google": {"thought_signature": "s"}},
}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "The weather?"},
    {
        "role": "assistant",
        "content": "See:",
        "tool_calls": [CALL],
        "native": {"dialect": "openrouter", "items": [{"type": "thinking", "signature": "S"}]},
    },
    {"role": "tool", "tool_call_id": "c1", "content": "rain"},
]


def line_here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("anthropic", "seed and the reasoning and signatures of openrouter answers and extra_content of tool calls"),
        ("gemini", "logit_bias and the reasoning and signatures of openrouter answers"),
        (
            "ollama",
            "logit_bias and the signatures of openrouter answers and extra_content of tool calls",
        ),
        (
            "openai_responses",
            "logit_bias, seed and the reasoning and signatures of openrouter answers and extra_content of tool calls",
        ),
        (
            "groq",
            "logit_bias and the signatures of openrouter answers and extra_content of tool calls",
        ),
        ("free_netfly", "the reasoning and signatures of openrouter answers"),
    ],
)
def test_an_option_a_history_and_calls_give_one_warning_at_the_callers_line(name: str, lost: str) -> None:
    options: dict[str, Any] = {"seed": 1, **({} if name == "anthropic" else {"logit_bias": {}})}
    provider, request = providers.create(name, api_key="k"), ChatRequest(HISTORY, **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = line_here() + 1
        Exchange(provider, request)
    (warning,) = caught
    assert warning.category is OptionIgnored
    assert str(warning.message) == f"{name} does not take {lost}: not sent"
    assert (warning.filename, warning.lineno) == (__file__, line)


LAYER = '''"""A package over the core."""
{mark}
from .inner import ask
'''
INNER = """from sansio_core import Exchange

def ask(provider, request):
    return Exchange(provider, request)
"""


@pytest.fixture
def third_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes a package over the core, with `mark` as a line of it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(mark: str) -> Any:
        folder = tmp_path / "third_package"
        folder.mkdir()
        (folder / "__init__.py").write_text(LAYER.format(mark=mark))
        (folder / "inner.py").write_text(INNER)
        return importlib.import_module("third_package")

    yield make
    for name in ("third_package", "third_package.inner"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("mark", "passed_over"),
    [("__sansio_layer__ = True", True), ("__sansio_layer__ = False", False), ("", False)],
)
def test_a_layer_is_passed_over_and_another_package_is_the_caller(
    third_package: Any, tmp_path: Path, mark: str, passed_over: bool
) -> None:
    package = third_package(mark)
    provider, request = providers.create("yqcloud"), ChatRequest("Hello", temperature=1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        line = line_here() + 1
        package.ask(provider, request)
    (warning,) = caught
    inner = (str(tmp_path / "third_package" / "inner.py"), 4)
    assert (warning.filename, warning.lineno) == ((__file__, line) if passed_over else inner)
