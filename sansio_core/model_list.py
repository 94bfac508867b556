"""ModelList: an exchange that asks a host for the list of its models."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from .dialects import ChatParser
from .dialects.error_mapping import in_band
from .errors import ChatError, InvalidRequest, LimitExceeded, UnexpectedContent
from .events import ChatEvent
from .exchange import Exchange
from .model_info import ModelInfo
from .providers import Call, Provider
from .redact import excerpt
from .request import ChatRequest
from .retry import RetryPolicy
from .timing import Limits, Timeouts

if TYPE_CHECKING:
    from .observer import Observer


class ModelList(Exchange):
    """A provider's list of models; once the exchange is finished, `models` has the names, and `infos` the details.

    It is driven as any exchange, with the same settings and errors, and gives no events. Raises InvalidRequest for a
    provider whose wire has no such list, or whose key is missing.
    """

    # An exchange, so that retries, clocks, redirects and errors are the same, and every transport can ask: the list is
    # an answer whose parser gives no events.

    __slots__ = ("infos",)

    def __init__(
        self,
        provider: Provider,
        *,
        retry: RetryPolicy | int | None = None,
        timeouts: Timeouts | float | None = None,
        limits: Limits | None = None,
        random: Callable[[], float] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.infos: list[ModelInfo] = []
        # An exchange keeps the request that it answers, and a list answers none: this one is never sent.
        super().__init__(
            provider, ChatRequest("models"), retry=retry, timeouts=timeouts, limits=limits, random=random,
            observer=observer,
        )  # fmt: skip

    @property
    def models(self) -> list[str]:
        """The names of the models."""
        return [info.name for info in self.infos]

    def _begin(self, request: ChatRequest) -> Call:
        asked = self.provider.models_request()
        if asked is None:
            raise InvalidRequest(f"{self.provider.info.name} has no list of models")
        self.provider.check_key()  # Provider.begin, which would do that, is not called
        return Call(asked)

    def _new_parser(self, content_type: str) -> ChatParser:
        # The limit is that of a page: lists have hundreds of models, each with its description.
        return _Listing(self._found, self.limits.page)

    def _found(self, text: str) -> None:
        """Raises ChatError when `text` is no list of models."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            said = excerpt(text)[:200]
            raise UnexpectedContent(f"{self.provider.info.name} answered with no list of models: {said}") from None
        # Some hosts send an error with the status 200, as in answers.
        error = in_band(value)
        if error is not None:
            raise error
        self.infos = self.provider.parse_models(value)


class _Listing(ChatParser):
    """Collects a body of at most `max_size` bytes and gives its text to `found`, which raises ChatError for no list."""

    def __init__(self, found: Callable[[str], None], max_size: int) -> None:
        super().__init__()
        self._found = found
        self._max_size = max_size
        self._body = bytearray()

    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        # Before the bytes are added: what passes the limit is never held.
        if len(self._body) + len(data) > self._max_size:
            raise LimitExceeded("page", self._max_size)
        self._body += data

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        # JSON that can be read is whole, also where the connection was cut before the HTTP framing's end.
        try:
            # An invalid byte in one model's description must not cost the names of all.
            self._found(self._body.decode(errors="replace"))
        except ChatError as error:
            if proper:  # a body that was cut short is reported as that, and not as malformed
                self.fail(error, out)
        else:
            self.complete = True
