"""Relay: the loopback server that passes requests on to the providers, and records. `tapes.relay` makes one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping

from sansio_core import ChatError, Exchange, InvalidRequest, Send, providers
from sansio_core.providers import Call
from sansio_core.tape.questions import CallExchange

from .._asyncio.pool import Pool
from .._asyncio.wire import AsyncWire
from .._shared.environment import base_url_of
from .._shared.recorder import Recorder
from .._shared.taping import note
from ..drive import AWire
from .loopback import LoopbackServer
from .passing import Outgoing, base_url, passed_on, path_under, provider_of, refusal
from .request import Request
from .response import Step


class Relay(LoopbackServer):
    """A loopback HTTP/1.1 server that passes each request on to its provider, and the answer back as it comes.

    Each request is a take of `recorder`'s tape. `base_urls`: by name, the providers that are elsewhere. The proxy is
    the one that the environment names. What keeps a take from being written disturbs no client: `stop` raises it.
    """

    what = "relay"

    def __init__(
        self,
        recorder: Recorder,
        *,
        base_urls: Mapping[str, str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host, port)
        self._recorder = recorder
        self._urls = dict(base_urls or {})
        for name, url in self._urls.items():
            providers.create(name, base_url=url)  # raises here, and not in the first request

    def base_url(self, provider: str) -> str:
        """The `base_url` for a client of that provider, ours or the vendor's own.

        Raises InvalidRequest for a name that no provider has.
        """
        self._url(provider)  # before the user may set the variable that names the provider's host to this server
        return base_url(self._root, provider)

    def _url(self, name: str) -> str:
        """The base URL of the provider that is asked under `name`. Raises InvalidRequest."""
        if name not in self._urls:
            url = base_url_of(name, None)[0]
            providers.create(name, base_url=url)  # raises where the provider has no public host, as Azure OpenAI
            self._urls[name] = url or providers.info(name).url
        return self._urls[name]

    async def _listen(self) -> None:
        self._pool = Pool()
        self._recorder.begin()
        try:
            await super()._listen()
        except BaseException:
            self._recorder.end()
            raise

    async def _shut(self) -> None:
        try:
            await super()._shut()
        finally:
            self._pool.close()
            self._recorder.end()
            for error in self._recorder.untold():  # that of a take whose client left
                self.failed(error)

    def failed(self, error: BaseException) -> None:
        """Keep the first error for `stop` to raise, with the others as its notes."""
        if self._error is None:
            super().failed(error)
        else:
            note(self._error, error)

    async def respond(self, request: Request) -> AsyncGenerator[Step, None]:
        """Record the request, pass it on, and pass back what comes."""
        self._note(request)
        try:
            exchange, outgoing = self._passed(request)
        except InvalidRequest as error:
            for step in refusal(request, 404, str(error)).wire():
                yield step
            return
        wire = AsyncWire(self._pool, limits=exchange.limits, exchange=exchange)
        exchange.secrets += wire.secrets(exchange.provider.base_url)
        recorded = self._recorder.awire(exchange, wire)
        ending: Iterable[Step]
        try:
            recorded.leave()  # as drive() does before a request: its times count from here
            action = exchange.next_action(recorded.now())
            assert isinstance(action, Send), "it has neither a setup request nor a key function"
            status, headers = await recorded.send(action, None)
            yield outgoing.head(status, tuple(headers), action.request.url)
            while data := await recorded.read(None):
                yield outgoing.piece(data)
            ending = outgoing.end(None)
        except ChatError as error:
            error.redact(exchange.secrets)
            ending = outgoing.end(error) if outgoing.begun else refusal(request, 502, str(error)).wire()
        finally:
            self._close(recorded)  # before the client sees the end: what it does next may be to look at the tape
        for step in ending:
            yield step

    def _passed(self, request: Request) -> tuple[Exchange, Outgoing]:
        """The request to the provider, and the response to the client. Raises InvalidRequest."""
        there = provider_of(request, self._url(request.system))
        here = provider_of(request, base_url(self._root, request.system))
        path = path_under(here.base_url, f"{self._root}{request.target}")
        if path is None:
            raise InvalidRequest(f"only requests under {here.base_url} are passed on: is that the client's base URL?")
        call = Call(passed_on(request, there.base_url + path))
        return CallExchange(there, call, retry=1), Outgoing(request, there.base_url, here)

    def _close(self, wire: AWire) -> None:
        # Closed and not left, to be used again: a kept connection may turn out to be dead, and the take of that would
        # be of use to nobody.
        try:
            wire.close()
        except Exception as error:  # noqa: BLE001  the take could not be written
            self.failed(error)
