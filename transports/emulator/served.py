"""Served: how one request was answered."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from time import monotonic

from .request import Request
from .response import Control, Step


@dataclass(frozen=True, slots=True)
class Served:
    """One request and what was sent in answer to it, as the emulator's `on_request` is given it.

    `status`: of the response; None where none was sent, or a fault's own bytes. `seconds`: from the request's end to
    the response's. `sent`: bytes, with heads and framing. `end`: "complete"; "reset", by a fault; or "gone", as the
    client left before the end.
    """

    request: Request
    status: int | None
    seconds: float
    sent: int
    end: str


def told(
    request: Request, steps: Iterator[Step], status: int | None, tell: Callable[[Served], None] | None
) -> Generator[Step, None, None]:
    """`steps`, which send a response of that status; after the last, or when the client leaves, `tell` is called."""
    began, sent, end = monotonic(), 0, "gone"
    step = next(steps, None)
    try:
        while step is not None:
            following = next(steps, None)
            if isinstance(step, bytes):
                sent += len(step)
            # The client may leave as soon as it has the last byte, before the next step is asked for.
            if step is Control.RESET:
                end = "reset"
            elif step is Control.CLOSE or (isinstance(step, bytes) and following in (None, Control.CLOSE)):
                end = "complete"
            yield step
            step = following
    finally:
        if tell is not None:
            tell(Served(request, status if sent else None, monotonic() - began, sent, end))
