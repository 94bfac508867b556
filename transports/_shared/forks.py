"""What a forked process does with the connections that it inherited: it leaves them alone, as they are the parent's.

A socket that two processes hold carries one stream of bytes: the process that shuts it down ends it for the other, and
the process that reads from it takes the other's bytes. Objects that hold connections register here, and are called in
the child.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

ELSEWHERE = "this stream was begun in another {}: read it there, or ask again here"
"""The text of StreamMisused, for a process or an event loop."""


class Inherited(Protocol):
    """An object with connections, or with locks that a thread of the parent may have held at the fork."""

    def _forked(self) -> None:
        """Called in the child before anything else runs there: forget the connections, and send no peer anything."""


_kept: WeakSet[Inherited] = WeakSet()


def watch_forks(keeper: Inherited) -> None:
    """Have `keeper._forked` called in every process that is forked from this one while `keeper` lives."""
    _kept.add(keeper)


def _in_child() -> None:
    for keeper in list(_kept):
        keeper._forked()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_in_child)
