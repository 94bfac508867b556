"""TapeServer: the loopback server that plays a tape. `tapes.serve` makes one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from time import monotonic

from sansio_core import InvalidRequest
from sansio_core.redact import redact_field
from sansio_core.tape import Deck, Head, Piece, Take, UnmatchedRequest, UnsafeTape
from sansio_core.tape.redact import redacted

from .._shared.replay import checked_speed
from .loopback import LoopbackServer
from .passing import Outgoing, base_url, passed_on, provider_of, refusal
from .request import Request
from .response import Step, Until
from .served import Served, told


class TapeServer(LoopbackServer):
    """A loopback HTTP/1.1 server that answers each request with a take of `deck`, at the taped pace.

    `speed`: 1 as recorded, 2 twice as fast, 0 without any pause. `on_request`: called, in the server's thread, with a
    Served after each response. A request that no take answers gets status 400, which no vendor's client repeats, with
    the text of UnmatchedRequest as its error. Raises InvalidRequest for a bad `speed`, UnsafeTape for a tape that has
    what looks like a key.

    How a take ended is what the client sees: its body's end; an end of the connection within the body; a reset, also
    for a connection that never came about; bytes that are no HTTP; and where a clock fired, silence until the client
    leaves.
    """

    what = "tape server"

    def __init__(
        self,
        deck: Deck,
        *,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        port: int = 0,
        on_request: Callable[[Served], None] | None = None,
    ) -> None:
        super().__init__(host, port)
        for number, take in enumerate(deck.takes, 1):
            try:
                redacted(take, (), ())
            except UnsafeTape as error:  # whoever comes is served
                error.add_note(f"The tape is not served: take {number} of {len(deck.takes)}.")
                raise
        self._deck, self._speed, self._on_request = deck, checked_speed(speed), on_request

    def base_url(self, provider: str) -> str:
        """The `base_url` for a client of that provider, ours or the vendor's own.

        Raises InvalidRequest for a name that no provider has.
        """
        return base_url(self._root, provider)

    @property
    def unused(self) -> tuple[Take, ...]:
        """The takes that answered no request so far."""
        return self._deck.unused

    @property
    def unmatched(self) -> list[UnmatchedRequest]:
        """The error of each request that no take answered."""
        return list(self._deck.unmatched)

    def respond(self, request: Request) -> Generator[Step, None, None]:
        """Record the request, and play the take that answers it."""
        self._note(request)
        status: int | None = 400
        try:
            provider = provider_of(request, base_url(self._root, request.system))
            asked = passed_on(request, f"{self._root}{request.target}")
            take = self._deck.take(asked, provider)
        except (InvalidRequest, UnmatchedRequest) as error:
            steps = refusal(request, 400, str(error)).wire()
        else:
            steps = _played(take, Outgoing(request, take.base, provider), self._speed)
            status = next((step.status for step in take.steps if isinstance(step, Head)), None)
        return told(request, steps, status, self._on_request)


def _played(take: Take, outgoing: Outgoing, speed: float) -> Iterator[Step]:
    """The steps of `take`, each when it is due, however late the one before went out."""
    due = monotonic()
    for step in take.steps:
        if speed:
            due += step.after / speed
            yield Until(due)
        match step:
            case Head(_, status, headers):
                shown = tuple((name, redact_field(name, value)) for name, value in headers)
                yield outgoing.head(status, shown, take.url)
            case Piece(_, data):
                yield outgoing.piece(data)
    yield from outgoing.end(take.end.error)
