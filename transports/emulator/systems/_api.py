"""What the vendors' own APIs share: keys, models, and tool calls that need their results."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..request import Request
from .base import ErrorResponse

REFUSED_KEYS = ("wrong", "sk-wrong")
"""The keys for which every API gives its error response; any other is accepted."""
NO_MODEL = "no-such-model"
"""The model for which every API gives its error response."""


def bearer(request: Request) -> str:
    """The key in the Authorization header (RFC 6750 2.1); "" without one."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def is_bad(key: str, *, needed: bool = True) -> bool:
    """Whether the API rejects `key` ("" for no key)."""
    return key in REFUSED_KEYS or (needed and not key)


def list_of(value: object, field: str, status: int = 400) -> list[dict[str, object]]:
    """`value` as a list of at least one object. Raises an ErrorResponse that names the field."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ErrorResponse(status, f"the field {field!r} must be a list of at least one object")
    return value


def unanswered(calls: Iterable[object], answers: Collection[object]) -> str:
    """The ids of the calls that have no answer, joined for an error's text; "" for none."""
    return ", ".join(str(call) for call in calls if call not in answers)
