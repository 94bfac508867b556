"""What the vendors' own APIs have in common: keys, models, and tools that must be answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..record import Request
from .base import Refused

REFUSED_KEYS = ("wrong", "sk-wrong")
"""Keys that every API refuses, so that one can see how; any other will do."""
NO_MODEL = "no-such-model"
"""A model that no API has."""


def bearer(request: Request) -> str:
    """The key in the Authorization header (RFC 6750 2.1), or ""."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def is_bad(key: str, *, needed: bool = True) -> bool:
    """Whether a request with that key ("": none) is refused."""
    return key in REFUSED_KEYS or (needed and not key)


def list_of(value: object, field: str, status: int = 400) -> list[dict[str, object]]:
    """`value`, a list of at least one object. Raises Refused that names the field."""
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise Refused(status, f"the field {field!r} must be a list of at least one object")
    return value


def unanswered(calls: Iterable[object], answers: Collection[object]) -> str:
    """The ids of calls that have no answer, in words; "" for none."""
    return ", ".join(str(call) for call in calls if call not in answers)
