"""What a forked process does with inherited connections: whatever holds any asks here to be told of a fork.

It leaves them alone, as they are the parent's.

A socket that both processes hold carries one stream. Whoever shuts it down ends it for the other, and whoever reads
from it takes the other's bytes.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

ELSEWHERE = "this stream was begun in another {}: read it there, or ask again here"
"""What StreamMisused says, of a process or an event loop."""


class Inherited(Protocol):
    """What has connections, or locks that a thread of the parent may have held."""

    def _forked(self) -> None:
        """Called in the child, before anything else runs there: let the connections go without a word to a peer."""


_kept: WeakSet[Inherited] = WeakSet()


def watch_forks(keeper: Inherited) -> None:
    """Have `keeper._forked` called in every process that is forked from this one while `keeper` lives."""
    _kept.add(keeper)


def _in_child() -> None:
    for keeper in list(_kept):
        keeper._forked()


if hasattr(os, "register_at_fork"):  # there is no fork on Windows
    os.register_at_fork(after_in_child=_in_child)
