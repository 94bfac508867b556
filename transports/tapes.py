"""Tapes: answers that were recorded once, to be played anywhere, without the network and without keys.

    from transports import Client, tapes

    with tapes.replay("hello.tape"):
        print(Client("openai").complete("Hello").text)
"""

from __future__ import annotations

from collections.abc import Iterable

from sansio_core.tape import BrokenTape, Deck, Tape, UnmatchedRequest, UnsafeTape

from ._shared.replay import Replay
from ._shared.ways import PathLike

__all__ = ["BrokenTape", "Replay", "Tape", "UnmatchedRequest", "UnsafeTape", "replay"]


def replay(tape: PathLike | Tape | Deck, *, speed: float = 0, ignore: Iterable[str] = ()) -> Replay:
    """A tape that answers every client of this process, within a `with`: threads and tasks, and no key is needed.

    `tape`: a file, a Tape, or a Deck, whose takes several replays may share. `speed`: 0 is the tape's own time, in
    which nothing sleeps, and clocks and retries come out as they were recorded; 1 is as recorded, 2 twice as fast.
    `ignore`: what of a request's body need not be as recorded, such as "metadata.run".

    The request that no take answers raises UnmatchedRequest, which is no ChatError: it is neither tried again nor
    caught where errors of providers are. Raises OSError, BrokenTape for a file that is none, and InvalidRequest.
    """
    return Replay(tape, speed=speed, ignore=ignore)
