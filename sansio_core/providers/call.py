"""Call: one question's way through one endpoint, which is one request, or a setup request before it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ChatError
from ..http_request import Headers, HttpRequest


class Call:
    """One question on its way through one endpoint: what an exchange asks of a provider.

    Most endpoints take one request. One that needs a setup request first overrides `setup_request`, `receive_setup`
    and `renew`. `unsupported` says in words what of the question the endpoint's wire has no field for.
    """

    __slots__ = ("_request", "unsupported")

    def __init__(self, request: HttpRequest, unsupported: Sequence[str] = ()) -> None:
        self._request: HttpRequest | None = request
        self.unsupported = unsupported

    def setup_request(self, now: float) -> HttpRequest | float | None:
        """A request that must be answered before the question is sent; the seconds to wait while another call sends
        it; None once the question can be sent."""
        return None

    def receive_setup(self, headers: Headers, body: bytes) -> None:
        """Take the answer to the setup request. Raises ChatError if it does not hold what the question needs."""

    def request(self) -> HttpRequest:
        """The question itself."""
        assert self._request is not None, "nothing is sent after answered()"
        return self._request

    def renew(self, error: ChatError) -> bool:
        """Whether the question failed with `error` only because the setup request's answer is stale by now.

        True at most once: the exchange then sends both requests again.
        """
        return False

    def answered(self) -> None:
        """The answer has begun, so nothing is sent again."""
        # A conversation may be megabytes, and an exchange lives as long as its answer is read.
        self._request = None

    def abandon(self) -> None:
        """The call failed or was cancelled: release what it shares with other calls."""
