"""Every error of the tree, with each of its attributes set."""

from __future__ import annotations

import inspect

import sansio_core
from sansio_core import ChatError, HTTPStatusError, LimitExceeded, TimedOut

NAMED = [getattr(sansio_core, name) for name in sansio_core.__all__]
ERRORS = [value for value in NAMED if inspect.isclass(value) and issubclass(value, ChatError)]


def made(kind: type[ChatError], hint: str = "try again") -> ChatError:
    if issubclass(kind, HTTPStatusError):
        refused = kind(429, "why", body="b", request_id="r", retry_after=1.5, code="c", kind="k", param="p")
        refused.url = "https://h/x"
        error: ChatError = refused
    elif kind is TimedOut:
        error = TimedOut("idle", 5)
    elif kind is LimitExceeded:
        error = LimitExceeded("frame", 5)
    else:
        error = kind("why")
    if hint:
        error.hint = hint
    return error
