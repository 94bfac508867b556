"""Call: one question's way through one endpoint, which is one request, or a setup request before it."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import ChatError
from ..http_request import Headers, HttpRequest


class Call:
    r"""One question on its way through one endpoint: what an exchange asks of a provider.

    `unsupported` says in words what of the question the endpoint's wire has no field for.

    Most endpoints take one request. One that needs a setup request first, as for a token, overrides these (and `renew`
    where the token may be stale by the time that it is used):

        class SessionCall(Call):
            token = None

            def __init__(self, setup, question):
                super().__init__(question.request(), question.unsupported)
                self.setup = setup

            def setup_request(self, now):
                return None if self.token else self.setup

            def receive_setup(self, headers, body):
                found = re.search(rb'"token": *"([\w-]+)"', body)
                if found is None:
                    raise UnexpectedContent("the session has no token")
                self.token = found[1].decode()

            def request(self):
                question = super().request()
                return replace(question, headers=(*question.headers, ("x-session-token", self.token)))

        class Session(JSONProvider):
            ...
            def call(self, request, random):
                setup = self.http(request, "POST", self.endpoint("session"))
                return SessionCall(setup, super().call(request, random))
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

        The exchange then sends both requests again, once.
        """
        return False

    def answered(self) -> None:
        """The answer has begun, so nothing is sent again."""
        # A conversation may be megabytes, and an exchange lives as long as its answer is read.
        self._request = None

    def abandon(self) -> None:
        """The call failed or was cancelled: release what it shares with other calls."""
