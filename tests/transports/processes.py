"""What a program under `-X dev` complained of."""

from __future__ import annotations

import re

# asyncio's debug mode, which -X dev turns on, tells of a step that took over 0.1 s: on a busy machine any may
_SLOW = re.compile(r"^Executing <.*> took [0-9.]+ seconds\n", re.M)


def complaints(stderr: str) -> str:
    """Its standard error, less what a busy machine alone may cause."""
    return _SLOW.sub("", stderr)
