"""The value of a structured answer: of a type or plain JSON, whole or so far; and why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import InvalidRequest
from .partial_json import parse_partial
from .redact import excerpt
from .strict_json import parse_json

if TYPE_CHECKING:  # it imports this module
    from .reply import Choice


def value_in(answer: Choice, kind: Any) -> Any:
    """The value of `kind`; the JSON value where that is None. Raises InvalidRequest, see Choice.parse."""
    try:
        value = parse_json(answer.text, "the answer is")
    except InvalidRequest as error:
        raise InvalidRequest(_why_none(answer) or str(error)) from None
    if kind is None:
        return value
    from .annotations import value_of  # imported here: plain JSON needs none of it

    return value_of(kind, value, "the answer")


def growing_in(answer: Choice, kind: Any) -> Any:
    """What there is of the value of `kind`; of the JSON value where that is None."""
    value = parse_partial(answer.text)
    if kind is None or value is None:
        return value
    from .annotations import grown

    return grown(kind, value)


def _why_none(answer: Choice) -> str:
    """Why the text is no JSON, where something else than the model's bad JSON is the reason."""
    if answer.refusal and not answer.text:
        return f"the model refused to answer: {excerpt(answer.refusal)}"
    if answer.finish_reason == "length":
        return "the answer is cut, as it reached the limit of tokens: raise max_tokens"
    if answer.finish_reason == "content_filter":
        return "the answer is cut by the provider's content filter"
    if answer.tool_calls and not answer.text:
        return "the model calls tools first, and has not answered yet"
    if not answer.finished:
        return f"the answer is not JSON yet: it has {len(answer.text)} characters, and no end"
    return "" if answer.text else "the answer has no text"
