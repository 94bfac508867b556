"""JSONProvider: an endpoint that takes a question as one JSON object; most providers of one's own are such."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ..dialects.forms import Payload, put_options, with_extra
from ..dialects.history import unsupported_in_text
from ..options import OPTIONS
from ..request import ChatRequest
from .base import BEARER, Provider
from .call import Call


class JSONProvider(Provider):
    """A provider whose `payload` is sent by POST to `path`, under the base URL.

    The options in `option_fields` and the option `extra` are put into the payload. Under another `base_url`, the path
    of `info.url` stays, so that `path` may be left out where `info.url` is the whole address. A key is sent as a bearer
    token, unless `key_header` says otherwise.
    """

    path: ClassVar[str] = ""
    option_fields: ClassVar[Mapping[str, str]] = {}
    """The options that the wire takes, its own ones too, and the field of each; "a.b": the field b of the object a."""
    base_headers = (("accept", "text/event-stream, */*"), ("content-type", "application/json"))
    key_header: ClassVar[tuple[str, str] | None] = BEARER
    any_model = True  # many wires have no models: who wants one is told by its server, or gives a default in `info`

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.options = frozenset({*self.option_fields, "extra"})
        self.own_options = frozenset(self.option_fields) - OPTIONS

    @abstractmethod
    def payload(self, request: ChatRequest, model: str | None) -> Mapping[str, Any] | Payload:
        """The question as a new JSON object; `model` is the wire's name of the one that is asked, or of the default.

        A mapping has of each message its role and text alone: the user is warned of whatever else a message holds. What
        sends more returns a Payload, which says itself what the wire has no field for. Raises InvalidRequest for what
        cannot be sent.
        """

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        given = self.payload(request, self.resolve_model(request.model))
        if not isinstance(given, Payload):
            given = Payload(dict(given), unsupported_in_text(request.messages))
        put_options(given.fields, request.options, self.option_fields, {})
        with_extra(given.fields, request.options)
        return self.post_json(request, self.endpoint(self.path.lstrip("/")) if self.path else self.base_url, given)
