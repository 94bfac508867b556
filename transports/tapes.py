"""Tapes: what every client of this process sends and receives, recorded to a file once and played anywhere.

    from transports import Client, tapes

    with tapes.record("t.tape", redact=["Ana Novak"]):
        print(Client("openai").complete("Hello").text)

    with tapes.replay("t.tape"):                                # without the network, and without a key
        print(Client("openai").complete("Hello").text)
"""

from __future__ import annotations

from collections.abc import Iterable

from sansio_core.tape import BrokenTape, Deck, Tape, UnmatchedRequest, UnsafeTape
from sansio_core.tape.blots import Secret

from ._shared.recorder import Recorder
from ._shared.replay import Replay
from ._shared.ways import PathLike

__all__ = ["BrokenTape", "Recorder", "Tape", "UnmatchedRequest", "UnsafeTape", "record", "replay"]


def record(path: PathLike, *, redact: Secret | Iterable[Secret] = ()) -> Recorder:
    """Within `with record(…)`: every stream that a client of this process begins is recorded to the file at `path`.

    Those of other threads and tasks too, and of clients that were made before. A stream that is still open at the end
    of the block is recorded to its own end. For one stream alone: `client.stream(…, record=path)`, or
    `record=tapes.record(path, redact=…)`; within the block, the stream is recorded to both, and what the block redacts
    is redacted in `record=path` as well.

    The file is begun anew where the block begins, and each request with its answer is written when it ends, so that
    what ended is whole whatever happens next. Keys, cookies and the like are never written; `redact`: texts and
    compiled patterns (one, or several) that are not, either: `*` stands in their place.

    Raises OSError where the file cannot be made, and InvalidRequest while it is recorded to by others. A take that
    cannot be written (a full disk; UnsafeTape, as there is what looks like a key in it) disturbs no stream: the error
    is raised where the stream ends or is closed. Where the stream itself fails, it is a note of the stream's error, and
    raised at the end of the block.
    """
    return Recorder(path, redact=redact)


def replay(tape: PathLike | Tape | Deck, *, speed: float = 0, ignore: Iterable[str] = ()) -> Replay:
    """A tape that answers every client of this process, within a `with`: threads and tasks, and no key is needed.

    `tape`: a file, a Tape, or a Deck, whose takes several replays may share. `speed`: 0 is the tape's own time, in
    which nothing sleeps, and clocks and retries come out as they were recorded; 1 is as recorded, 2 twice as fast.
    `ignore`: what of a request's body need not be as recorded, such as "metadata.run".

    The request that no take answers raises UnmatchedRequest, which is no ChatError: it is neither tried again nor
    caught where errors of providers are. Raises OSError, BrokenTape for a file that is none, and InvalidRequest.
    """
    return Replay(tape, speed=speed, ignore=ignore)
