"""One option `reasoning_effort` for all wires: a word, a number of tokens, True or False, as what a model takes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..errors import InvalidRequest, safe_repr, suggestion

WORDS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All words for an effort that any vendor has, the least first."""
# ai.google.dev/gemini-api/docs/openai#thinking: what OpenAI's words mean in tokens. The page does not have the last
# two: 32,768 is the most that any model takes as a number.
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 32768}


def word_of(effort: Any, takes: Collection[str], whose: str) -> str:
    """`effort` as the nearest of the words that a model `takes`; `whose` names the model in errors.

    Raises InvalidRequest for what is no effort, and for "none" where the model cannot leave reasoning off.
    """
    word = _word(effort, takes, whose) if takes else ""
    if word in takes:
        return word
    places = {WORDS.index(known): known for known in takes if known in WORDS and known != "none"}
    if not places:
        raise InvalidRequest(f"{whose} does not reason: leave out reasoning_effort")
    if word == "none":
        raise InvalidRequest(f"{whose} always reasons: reasoning_effort is one of {', '.join(takes)}, not 'none'")
    place = WORDS.index(word)
    return places[min(places, key=lambda known: (abs(known - place), known))]


def budget_of(effort: Any, least: int, most: int, whose: str) -> int:
    """`effort` as a number of tokens from `least` to `most`; 0 for "none". Raises InvalidRequest for other values."""
    if type(effort) is int:
        if effort and not least <= effort <= most:
            raise InvalidRequest(f"{whose} reasons with {least} to {most} tokens, not {effort}")
        return effort
    tokens = _BUDGETS[_word(effort, WORDS, whose)]
    return tokens and max(least, min(tokens, most))


def _word(effort: Any, takes: Collection[str], whose: str) -> str:
    match effort:
        case bool():
            return "medium" if effort else "none"
        case int() if effort >= 0:
            return next((word for word, tokens in _BUDGETS.items() if word != "minimal" and effort <= tokens), "max")
        case str() if effort in WORDS or effort in takes:
            return effort
    if not set(takes) - {"none"}:
        raise InvalidRequest(f"{whose} does not reason: leave out reasoning_effort")
    said = f"{safe_repr(effort)}{suggestion(effort, WORDS)}; known are {', '.join(takes)}, or a number of tokens"
    raise InvalidRequest(f"{whose} has no reasoning_effort {said}")
