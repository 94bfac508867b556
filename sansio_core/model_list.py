"""What a host offers: its list of models, asked for by an exchange like any other."""

from __future__ import annotations

import json
from collections.abc import Callable

from .dialects import ChatParser
from .dialects.error_mapping import in_band
from .errors import ChatError, InvalidRequest, LimitExceeded, UnexpectedContent, excerpt
from .events import ChatEvent
from .exchange import Exchange
from .providers import Call, Provider
from .request import ChatRequest
from .retry import RetryPolicy
from .timing import Limits, Timeouts


class ModelList(Exchange):
    """A provider's list of models, over whatever I/O drives an exchange; when it is finished, `models` has the names.

    It gives no events. Its settings are Exchange's, and it fails as an exchange does. Raises InvalidRequest for a
    provider whose wire has no such list, or whose key is missing.
    """

    __slots__ = ("models",)

    def __init__(
        self,
        provider: Provider,
        *,
        retry: RetryPolicy | int | None = None,
        timeouts: Timeouts | float | None = None,
        limits: Limits | None = None,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.models: list[str] = []
        super().__init__(provider, ChatRequest("models"), retry=retry, timeouts=timeouts, limits=limits, random=random)

    def _begin(self, request: ChatRequest) -> Call:
        asked = self.provider.models_request()
        if asked is None:
            raise InvalidRequest(f"{self.provider.info.name} has no list of models")
        self.provider.check_key()
        return Call(asked)

    def _new_parser(self, content_type: str) -> ChatParser:
        return _Listing(self._found, self.limits.page)

    def _found(self, text: str) -> None:
        """Raises ChatError when `text` is no list of models."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            said = excerpt(text)[:200]
            raise UnexpectedContent(f"{self.provider.info.name} answered with no list of models: {said}") from None
        error = in_band(value)
        if error is not None:
            raise error
        self.models = self.provider.parse_models(value)


class _Listing(ChatParser):
    """A whole body, given to `found` at its end, which is proven by the framing or by the JSON itself."""

    def __init__(self, found: Callable[[str], None], max_size: int) -> None:
        super().__init__()
        self._found = found
        self._max_size = max_size
        self._body = bytearray()

    def _feed(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        if len(self._body) + len(data) > self._max_size:
            raise LimitExceeded("page", self._max_size)
        self._body += data

    def _end(self, out: list[ChatEvent], proper: bool) -> None:
        try:
            self._found(self._body.decode(errors="replace"))
        except ChatError as error:
            if proper:  # else it was cut short, which is all that is wrong with it
                self._fail(error, out)
        else:
            self.complete = True
