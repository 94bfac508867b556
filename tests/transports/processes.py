"""Programs that tests start: what they complained of, and when they are to be interrupted."""

from __future__ import annotations

import re
import time
from pathlib import Path

# asyncio's debug mode, which -X dev turns on, tells of a step that took over 0.1 s: on a busy machine any may
_SLOW = re.compile(r"^Executing <.*> took [0-9.]+ seconds\n", re.M)


def complaints(stderr: str) -> str:
    """Its standard error, less what a busy machine alone may cause."""
    return _SLOW.sub("", stderr)


def until_it_waits(process: int) -> None:
    """Wait until the main thread of `process` waits in a system call, as Linux tells.

    Python looks for signals between two steps. One that comes after the last look and before such a call is seen only
    once the call ends, which a test has no time for.
    """
    status, before = Path(f"/proc/{process}/status"), None
    while status.exists():
        text = status.read_text()
        # Who waits for the interpreter's lock sleeps too, but not for long.
        switches = re.findall(r"^State:\tS|^voluntary_ctxt_switches:\t\d+", text, re.M)
        if len(switches) == 2 and switches == before:
            break
        before = switches
        time.sleep(0.02)
