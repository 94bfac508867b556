"""The options of a request that have one name with every provider, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import InvalidRequest, safe_repr


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return type(value) is int and value > 0


def _is_int(value: Any) -> bool:
    return type(value) is int


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_effort(value: Any) -> bool:
    return isinstance(value, bool) or _is_text(value) or type(value) is int


def _is_any(value: Any) -> bool:
    return True


Check = tuple[Callable[[Any], bool], str]
_NUMBER: Check = (_is_number, "a number")
_COUNT: Check = (_is_count, "an int above 0")
_INT: Check = (_is_int, "an int")
_BOOL: Check = (_is_bool, "True or False")
_TEXT: Check = (_is_text, "a str that is not empty")
_MAPPING: Check = (_is_mapping, "a mapping")
_FORM: Check = (_is_any, "")  # in one of several forms, which the dialects tell apart

# Wrong on one wire is wrong on all; the values that a wire or a model takes are checked by its dialect.
_CHECKS: dict[str, Check] = {
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": _INT,  # -1 means "all" to hosts of open models
    "min_p": _NUMBER,
    "max_tokens": _COUNT,
    "stop": _FORM,
    "seed": _INT,
    "n": _COUNT,
    "presence_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "repetition_penalty": _NUMBER,
    "reasoning_effort": (_is_effort, "a word such as 'low' or 'none', a number of tokens, True or False"),
    "verbosity": _TEXT,
    "tools": _FORM,
    "tool_choice": _FORM,
    "parallel_tool_calls": _BOOL,
    "response_format": _FORM,
    "logprobs": _BOOL,
    "top_logprobs": _INT,
    "logit_bias": _MAPPING,
    "user": _TEXT,
    "metadata": _MAPPING,
    "service_tier": _TEXT,
    "store": _BOOL,
    "prompt_cache_key": _TEXT,
    "prompt_cache_retention": _TEXT,
    "extra": _MAPPING,
}
OPTIONS = frozenset(_CHECKS)
"""The options that have one name with every provider. A provider warns of those that its wire has no field for."""


def check_option(name: str, value: Any) -> None:
    """Raises InvalidRequest for a value of a type that the option `name` has on no wire; passes unknown names."""
    fits, what = _CHECKS.get(name, _FORM)
    if not fits(value):
        raise InvalidRequest(f"{name} must be {what}, not {safe_repr(value)}")
