"""Tapes: what every client of this process sends and receives, recorded to a file once and played anywhere.

    from transports import Client, tapes

    with tapes.record("t.tape", redact=["Ana Novak"]):
        print(Client("openai").complete("Hello").text)

    with tapes.replay("t.tape"):                                # without the network, and without a key
        print(Client("openai").complete("Hello").text)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sansio_core import InvalidRequest
from sansio_core.tape import BrokenTape, Deck, Tape, UnmatchedRequest, UnsafeTape
from sansio_core.tape.blots import Secret

from ._shared.recorder import Recorder
from ._shared.replay import Replay, deck_of
from ._shared.ways import PathLike

if TYPE_CHECKING:
    from .emulator.relay import Relay
    from .emulator.tape_server import TapeServer

__all__ = ["BrokenTape", "Recorder", "Tape", "UnmatchedRequest", "UnsafeTape", "record", "relay", "replay", "serve"]


def record(path: PathLike, *, redact: Secret | Iterable[Secret] = ()) -> Recorder:
    """Within `with record(…)`: every stream that a client of this process begins is recorded to the file at `path`.

    Those of other threads and tasks too, and of clients that were made before. A stream that is still open at the end
    of the block is recorded to its own end. For one stream alone: `client.stream(…, record=path)`, or
    `record=tapes.record(path, redact=…)`; within the block, the stream is recorded to both, and what the block redacts
    is redacted in `record=path` as well.

    The file is begun anew where the block begins, and each request with its answer is written when it ends, so that
    what ended is whole whatever happens next. Keys, cookies and the like are never written; `redact`: texts and
    compiled patterns (one, or several) that are not, either: `*` stands in their place. A text is found as a wire may
    write it, in JSON, URLs, HTML, and in the base64 of a file, with any white space for a blank; its case counts. A
    pattern is matched with what is said, without such escapes, and finds nothing in base64.

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


def serve(
    tape: PathLike | Tape | Deck,
    *,
    speed: float = 1,
    ignore: Iterable[str] = (),
    host: str = "127.0.0.1",
    port: int = 0,
) -> TapeServer:
    """A loopback server that plays a tape to clients of any make, within a `with`; nothing goes to the network.

        with tapes.serve("t.tape") as server:
            client = openai.OpenAI(base_url=server.base_url("openai"), api_key="any")

    `tape`, `speed`, `ignore`: as of `replay`, but that 1 is the speed where none is given; at 0 nothing is waited for.
    `host`, `port` (0: any free one): where it listens. `server.requests`, `unused` and `unmatched` tell what came.

    `base_url` gives what the vendor's own client takes. A request must have the body that is on the tape. To match what
    our clients recorded, OpenAI's SDK is told `stream_options={"include_usage": True}` (and for Responses, `input` as a
    list of messages), Anthropic's the same `max_tokens`; Ollama's always sends `tools`: give `ignore=("tools",)`;
    Google's matches as it is. What no take answers is status 400, with the difference in its message.

    Raises OSError, BrokenTape for a file that is none, UnsafeTape where there is what looks like a key in it, and
    InvalidRequest.
    """
    from .emulator.tape_server import TapeServer

    return TapeServer(deck_of(tape, ignore), speed=speed, host=host, port=port)


def relay(
    tape: PathLike | Recorder,
    *,
    redact: Secret | Iterable[Secret] = (),
    base_urls: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Relay:
    """A loopback server that passes requests on to the providers and records what comes, from clients of any make.

        with tapes.relay("t.tape") as relay:
            client = openai.OpenAI(base_url=relay.base_url("openai"))      # with its key, which goes to OpenAI alone

    `tape`: the file, begun anew by the `with`, or a Recorder, which has its own `redact`. `redact`: as of `record`.
    `base_urls`: by a provider's name, another host than its public one, or than the one that the environment variable
    of the vendor's own clients names. `host`, `port` (0: any free one): where it listens.

    A provider that cannot be reached is status 502 to the client. What could not be written (a full disk, UnsafeTape)
    is raised at the end of the `with`. Raises OSError and InvalidRequest.
    """
    from .emulator.relay import Relay

    if isinstance(tape, Recorder) and redact:
        raise InvalidRequest("redact= has no say in a Recorder that is made already: tapes.record(path, redact=…)")
    recorder = tape if isinstance(tape, Recorder) else Recorder(tape, redact=redact)
    return Relay(recorder, base_urls=base_urls, host=host, port=port)
