"""How many files and connections the system lets this process have open at once."""

from __future__ import annotations

import sys
from contextlib import suppress


def allow_open_files(count: int) -> int:
    """Have the system allow `count`, where its usual limit is lower; returns how many it allows, at most `count`."""
    if sys.platform == "win32":  # it has no such limit
        return count
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return count
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft < most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            return most
    return min(soft, count)
