"""The options of a request that have one name with every provider, and the types of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_origin

from .errors import InvalidRequest, safe_repr

Check = tuple[Callable[[Any], bool], str]
_NUMBER: Check = (lambda value: isinstance(value, (int, float)) and not isinstance(value, bool), "a number")
_COUNT: Check = (lambda value: type(value) is int and value > 0, "an int above 0")
_INT: Check = (lambda value: type(value) is int, "an int")
_BOOL: Check = (lambda value: isinstance(value, bool), "True or False")
_TEXT: Check = (lambda value: isinstance(value, str) and value != "", "a str that is not empty")
_MAPPING: Check = (lambda value: isinstance(value, Mapping), "a mapping")
_EFFORT: Check = (
    lambda value: isinstance(value, bool) or type(value) is int or _TEXT[0](value),
    "a word such as 'low' or 'none', a number of tokens, True or False",
)
_LIST: Check = (
    lambda value: isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)),
    "a list",
)
_FORM: Check = (lambda value: True, "")  # in one of several forms, which the dialects tell apart

# Wrong on one wire is wrong on all; the values that a wire or a model takes are checked by its dialect.
_CHECKS: dict[str, Check] = {
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": _INT,  # -1 means "all" to hosts of open models
    "min_p": _NUMBER,
    "max_tokens": _COUNT,
    "stop": (lambda value: _TEXT[0](value) or _LIST[0](value), "a str that is not empty, or a list of them"),
    "seed": _INT,
    "n": _COUNT,
    "presence_penalty": _NUMBER,
    "frequency_penalty": _NUMBER,
    "repetition_penalty": _NUMBER,
    "reasoning_effort": _EFFORT,
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


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` without those that are None, the tools as a list.

    Raises InvalidRequest for a value of a type that its option has nowhere. Names that are unknown here pass: they may
    be a provider's own.
    """
    # None is as not given, so that callers can pass their own optional parameters on.
    given = {name: value for name, value in options.items() if value is not None}
    for name, value in given.items():
        fits, what = _CHECKS.get(name, _FORM)
        if not fits(value):
            raise InvalidRequest(f"{name} must be {what}, not {safe_repr(value)}")
    if "tools" in given and _LIST[0](given["tools"]):
        given["tools"] = list(given["tools"])  # an iterator is read once, and a client's options are for many calls
    if given.get("logprobs") is False and "top_logprobs" in given:
        raise InvalidRequest("top_logprobs asks for what logprobs=False asks to leave out: leave one of them out")
    return given


def types_out(options: dict[str, Any]) -> Any:
    """Replace functions and classes in `options` by what providers read. Returns the class of the answer, or None.

    Raises InvalidRequest for functions and classes of which no JSON Schema is made.
    """
    tools, form = options.get("tools"), options.get("response_format")
    if isinstance(tools, list) and any(map(callable, tools)):
        from .functions import tool_of  # imported here: only who uses it pays for it

        options["tools"] = [tool_of(tool) if callable(tool) else tool for tool in tools]
    if form is None or (not isinstance(form, type) and get_origin(form) is None):
        return None
    from .annotations import format_of_type

    options["response_format"] = format_of_type(form)
    return form
