"""Deck: the takes of a tape, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Iterable

from ..http_request import HttpRequest
from ..providers import Provider
from .errors import UnmatchedRequest
from .model import Take, Tape


class Deck:
    """The takes of `tape` that are still to be played; each answers one request, equal ones in their order."""

    def __init__(self, tape: Tape, *, ignore: Iterable[str] = ()) -> None:
        self._left = list(tape.takes)
        self.ignore = tuple(ignore)
        self.unmatched: list[UnmatchedRequest] = []

    @property
    def unused(self) -> tuple[Take, ...]:
        """The takes that answered no request so far."""
        return tuple(self._left)

    def take(self, request: HttpRequest, provider: Provider) -> Take:
        """The take that answers `request`, which is one to `provider`. Raises UnmatchedRequest."""
        target = request.url.removeprefix(provider.base_url)
        for take in self._left:
            if (take.method, take.target, take.body) == (request.method, target, request.body):
                self._left.remove(take)
                return take
        error = UnmatchedRequest(f"no take answers {request.method} {target}")
        self.unmatched.append(error)
        raise error
