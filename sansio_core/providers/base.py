"""What every provider shares: its facts, its configuration, and a question's way through its endpoint (Call)."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import currentframe
from sys import modules
from types import FrameType
from typing import Any, ClassVar

from ..dialects import ChatParser
from ..dialects.base import MAX_FRAME
from ..dialects.error_mapping import of_response
from ..dialects.forms import Payload
from ..dialects.text_template import Templates
from ..errors import ChatError, HTTPStatusError, InvalidRequest, OptionIgnored, UnexpectedContent, safe_repr, suggestion
from ..http_request import Fields, Headers, HttpRequest, check_base_url, check_header, cookie_header, merge
from ..request import OPTIONS, ChatRequest, as_mapping, dump_json, header_pairs
from ..retry import RetryPolicy
from ..timing import Timeouts

SETTINGS = ("api_key", "base_url", "model", "headers", "cookies")
"""What every provider can be set up with."""
BEARER = ("authorization", "Bearer ")
"""The header field of a key by RFC 6750, and what stands before the key in it."""
STREAMED_JSON: Headers = (("accept", "text/event-stream, application/json"), ("content-type", "application/json"))
"""For a question in JSON that an event stream answers, or JSON where the host cannot stream."""
_NO_OPTIONS = frozenset({"model", "timeout", "proxy", "headers", "cookies"})  # what a call takes beside its options


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """The facts about an endpoint.

    `working`: whether it was last known to. Empty `models`: any model. `api_key_env`: the environment variable that
    holds the key; `needs_key`: without one the public endpoint answers with an error.
    """

    name: str
    url: str
    default_model: str | None = None
    models: tuple[str, ...] = ()
    model_aliases: Mapping[str, str] = field(default_factory=dict)
    working: bool = True
    api_key_env: str | None = None
    needs_key: bool = False
    # Every provider takes both: where a wire has one prompt only, they are lines of it.
    supports_message_history: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True


class Call:
    """One question on its way through one endpoint: what an exchange asks of a provider.

    Most endpoints take one request. One that needs something first overrides `setup_request`. `unsupported` says in
    words what of the question the endpoint's wire has no field for.
    """

    __slots__ = ("_request", "unsupported")

    def __init__(self, request: HttpRequest, unsupported: Sequence[str] = ()) -> None:
        self._request: HttpRequest | None = request
        self.unsupported = unsupported

    def setup_request(self, now: float) -> HttpRequest | float | None:
        """A request that must be answered before the question; the seconds to wait while another call sends it; None
        where the question can be sent."""
        return None

    def receive_setup(self, headers: Headers, body: bytes) -> None:
        """The answer to the setup request. Raises ChatError when it does not hold what the question needs."""

    def request(self) -> HttpRequest:
        """The question itself."""
        assert self._request is not None, "nothing is sent after answered()"
        return self._request

    def renew(self, error: ChatError) -> bool:
        """Whether `error`, with which the question failed, only means that what the setup request gave is stale, so
        that both are worth sending once more."""
        return False

    def answered(self) -> None:
        """Content of the answer arrived, nothing is sent again: the call drops the question, which may be long."""
        self._request = None

    def abandon(self) -> None:
        """The call failed or was cancelled: whatever it claimed is free for others."""


class Provider(ABC):
    """One endpoint: URL, headers, payload, policy, and which dialect answers.

    `api_key`, `base_url` (another host for the same wire), `model` (in place of the default), `headers` and `cookies`
    (sent with every request). Immutable in what it says; `repr` shows no secret. Raises InvalidRequest for a bad one.
    """

    info: ProviderInfo
    retry: RetryPolicy = RetryPolicy()
    timeouts: Timeouts = Timeouts()
    options: frozenset[str] = frozenset()
    """The options of OPTIONS that this wire has a field for."""
    own_options: ClassVar[frozenset[str]] = frozenset()
    """Options that only this provider knows."""
    roles: ClassVar[tuple[str, ...]] = ("system", "user", "assistant")
    base_headers: Headers = ()
    key_header: ClassVar[tuple[str, str] | None] = None
    """The header field that carries the key, and what stands before the key in it; None where no key is sent."""
    version: ClassVar[str] = ""
    """The path between the host and an endpoint's own path, which `base_url` may end with or not."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        model: str | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        if api_key is not None:
            _check_key(api_key)
        self.api_key = api_key
        self.base_url = check_base_url(base_url or self.info.url)
        self.custom_base_url = bool(base_url)
        self.headers = header_pairs(headers)
        self.cookies = as_mapping("cookies", cookies)
        cookie_header(self.cookies)
        self.model = self.resolve_model(model)
        self.templates = Templates()  # of its answers' events, shared by their parsers
        self._merged: tuple[tuple[Headers, ...], Fields] = (), Fields(())

    def __repr__(self) -> str:
        return f"<provider {self.info.name} at {self.base_url}>"

    # --- what an exchange asks -----------------------------------------------------------------------------------

    def begin(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        """The way of `request` through this endpoint. Raises InvalidRequest for what cannot be sent.

        One OptionIgnored warning names all that the wire has no field for.
        """
        self.check(request)
        call = self.call(request, random)
        ignored = sorted(request.options.keys() - self.options - self.own_options)
        unsupported = [", ".join(ignored), *call.unsupported] if ignored else call.unsupported
        if unsupported:
            warn(f"{self.info.name} has no field for {' and '.join(unsupported)}: not sent")
        return call

    @abstractmethod
    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        """As `begin`, for a request that was checked."""

    @abstractmethod
    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        """A new parser for one answer's body; `content_type` is the response's, where it is known."""

    def error_response(self, status: int, headers: Headers, body: bytes) -> HTTPStatusError:
        """The error for a response with a status of 300 or more; `body` may be cut."""
        return of_response(status, headers, body)

    def models_request(self) -> HttpRequest | None:
        """The request for the host's list of models; None where its wire has none."""
        return None

    def parse_models(self, value: Any) -> list[str]:
        """The names in the JSON that answers `models_request`. Raises UnexpectedContent where there is no list.

        The shapes in use: {"data": [{"id": …}]} (OpenAI and Anthropic), {"models": [{"name": …}]} (Ollama and Gemini),
        and a bare list of either (Together).
        """
        items = value.get("data", value.get("models")) if isinstance(value, dict) else value
        if not isinstance(items, list):
            raise UnexpectedContent(f"{self.info.name} answered with something else than a list of models")
        found = (item.get("id") or item.get("name") for item in items if isinstance(item, dict))
        return [name for name in found if isinstance(name, str)]

    # --- what a provider's own file uses -------------------------------------------------------------------------

    def check(self, request: ChatRequest) -> None:
        """Raises InvalidRequest for what this wire cannot mean, or a missing key."""
        self.check_key()
        if request.options:
            self._check_options(request.options)
        for message in request.messages:
            if message.role not in self.roles:
                raise InvalidRequest(
                    f"{self.info.name} has no role {message.role!r}; known are {', '.join(self.roles)}"
                )

    def _check_options(self, options: Mapping[str, Any]) -> None:
        if unknown := sorted(options.keys() - OPTIONS - self.own_options):
            known = OPTIONS | self.own_options
            named = ", ".join(repr(name) + suggestion(name, known | _NO_OPTIONS) for name in unknown)
            other = "; any other field of its wire goes in extra={…}" if "extra" in self.options else ""
            raise InvalidRequest(
                f"{self.info.name} does not know the option {named}; known are {', '.join(sorted(known))}{other}"
            )

    def check_key(self) -> None:
        """Raises InvalidRequest, which says where a key comes from, if the public endpoint needs one."""
        if self.info.needs_key and self.api_key is None and not self.custom_base_url:
            raise InvalidRequest(
                f"{self.info.name} needs a key: give api_key=, or set the environment variable {self.info.api_key_env}"
            )

    def resolve_model(self, model: str | None) -> str | None:
        """The wire's name for `model`, or for the default. Raises InvalidRequest for one that it does not have."""
        if model is not None and not _is_text(model):
            raise InvalidRequest(f"model must be a str that can be written in UTF-8, not {safe_repr(model)}")
        if not model:
            return getattr(self, "model", None) or self.info.default_model
        name = self.info.model_aliases.get(model, model)
        if self.info.models and name not in self.info.models:
            known = ", ".join((*self.info.models, *self.info.model_aliases))
            near = suggestion(model, (*self.info.models, *self.info.model_aliases))
            raise InvalidRequest(f"{self.info.name} has no model {model!r}{near}; known are {known}")
        return name

    def endpoint(self, path: str) -> str:
        """The URL of `path` on this host."""
        return f"{self.base_url.removesuffix(self.version)}{self.version}/{path}"

    def post_json(self, request: ChatRequest, url: str, payload: Payload, *layers: Headers) -> Call:
        """The call that sends `payload` to `url`."""
        return Call(self.http(request, "POST", url, dump_json(payload.fields), *layers), payload.unsupported)

    def http(
        self, request: ChatRequest, method: str, url: str, body: bytes = b"", *layers: Headers,
        cookies: Mapping[str, str] | None = None,
    ) -> HttpRequest:  # fmt: skip
        """A request with this provider's headers, `layers`, then the client's and the call's own, and all cookies."""
        if not (request.headers or request.cookies or cookies):
            fields = self._fields((self.base_headers, *layers, self._key, cookie_header(self.cookies), self.headers))
            return HttpRequest(method, url, fields, body, _names(self.headers))
        own = self.headers + request.headers
        jar = {**self.cookies, **request.cookies, **(cookies or {})}
        # Fields that belong to this call alone are not kept: they may be secret.
        fields = Fields(merge(self.base_headers, *layers, self._key, cookie_header(jar), own))
        return HttpRequest(method, url, fields, body, _names(own))

    def get(self, url: str) -> HttpRequest:
        """A GET of JSON with this provider's headers and the client's own headers and cookies."""
        base = tuple(field for field in self.base_headers if field[0] != "content-type")
        accept = (("accept", "application/json"),)
        fields = Fields(merge(base, accept, self._key, cookie_header(self.cookies), self.headers))
        return HttpRequest("GET", url, fields, b"", _names(self.headers))

    @property
    def _key(self) -> Headers:
        if self.api_key is None or self.key_header is None:
            return ()
        name, before = self.key_header
        return ((name, before + self.api_key),)

    def _fields(self, layers: tuple[Headers, ...]) -> Fields:
        """`layers` merged, which are nearly always those of the last call."""
        last, fields = self._merged
        if layers != last:  # measured: a request with them is made in 1.1 µs; of 13 fields, it took 8.9
            fields = Fields(merge(*layers))
            self._merged = layers, fields
        return fields


def _names(headers: Headers) -> tuple[str, ...]:
    return tuple([name for name, _ in headers]) if headers else ()


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _check_key(api_key: object) -> None:
    """Raises InvalidRequest for a key that no header can carry; it is not quoted."""
    if not isinstance(api_key, str):
        raise InvalidRequest(f"the key must be a str, not {type(api_key).__name__}")
    try:
        check_header("authorization", api_key)
    except InvalidRequest:
        raise InvalidRequest(
            "the key has a line end, control or non-ASCII character, which the authorization header cannot carry: "
            "check api_key=, or the environment variable that it comes from, for a stray newline"
        ) from None


def warn(message: str) -> None:
    """One OptionIgnored warning, at the line that called this package, or a layer over it, from outside.

    A package is such a layer if it has a true `__sansio_layer__`: its own lines are of no use to whoever is warned.
    """
    frame, level = currentframe(), 1
    while frame is not None and _is_layer(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, OptionIgnored, stacklevel=level)


def _is_layer(frame: FrameType) -> bool:
    package = modules.get(frame.f_globals.get("__name__", "").partition(".")[0])
    return bool(getattr(package, "__sansio_layer__", False))
