"""What every provider shares: its facts and its configuration, and how a question becomes a request."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from .. import __version__
from ..dialects import ChatParser
from ..dialects.base import MAX_FRAME
from ..dialects.error_mapping import of_response
from ..dialects.forms import Payload
from ..dialects.text_template import Templates
from ..errors import HTTPStatusError, InvalidRequest, UnexpectedContent, safe_repr, suggestion
from ..http_request import Fields, Headers, HttpRequest, check_base_url, check_header, cookie_header, merge, origin
from ..model_info import ModelInfo
from ..options import OPTIONS
from ..request import ChatRequest, as_mapping, header_pairs
from ..retry import RetryPolicy
from ..strict_json import dump_json
from ..timing import Timeouts
from ..warning import warn
from .call import Call

# What every provider can be set up with.
SETTINGS = ("api_key", "base_url", "model", "headers", "cookies")
# What gives a key for each request: a function without parameters. What it gives may have to be awaited.
KeySource = Callable[[], str | Awaitable[str]]
# The header field of a key, and what stands before the key in it: RFC 6750 2.1.
BEARER = ("authorization", "Bearer ")
# For a question in JSON that an event stream answers, or JSON: a host that cannot stream, or an error, answers so.
STREAMED_JSON: Headers = (("accept", "text/event-stream, application/json"), ("content-type", "application/json"))


@dataclass(frozen=True, slots=True)
class ProviderInfo:
    """The facts about an endpoint.

    `working`: whether it was last known to. Empty `models`: any model. `api_key_env`: the environment variable that
    holds the key; `needs_key`: without one the public endpoint answers with an error. `base_url_env`: the one that the
    vendor's own clients take another `url` from.
    """

    name: str
    url: str
    default_model: str | None = None
    models: tuple[str, ...] = ()
    model_aliases: Mapping[str, str] = field(default_factory=dict)
    working: bool = True
    api_key_env: str | None = None
    needs_key: bool = False
    base_url_env: str | None = None
    # Every provider takes both: on a wire of one prompt, history and system message are lines of it.
    supports_message_history: ClassVar[bool] = True
    supports_system_message: ClassVar[bool] = True


class Provider(ABC):
    """One endpoint: URL, headers, payload, policy, and which dialect answers.

    `api_key`, `base_url` (another host of the same wire; its version in the path may be left out), `model` (in place of
    the default), `headers` and `cookies` (sent with every request). Requests depend on these alone; `repr` shows no
    secret. `info` is that of a host which is not the vendor's own (see register_host). Raises InvalidRequest for a
    setting that cannot be used.

    A key that does not stay the same is a function as `api_key`, without parameters. Whoever drives the exchange calls
    it for each request, and once more after a request that the host refused for its key (see NeedKey).

        api_key=get_bearer_token_provider(DefaultAzureCredential(), "https://cognitiveservices.azure.com/.default")

        def token() -> str:                          # Vertex AI; credentials, _ = google.auth.default(scopes=[…])
            if not credentials.valid:
                credentials.refresh(google.auth.transport.requests.Request())
            return credentials.token
    """

    info: ProviderInfo
    retry: RetryPolicy = RetryPolicy()
    timeouts: Timeouts = Timeouts()
    # Those of OPTIONS that the wire has a field for.
    options: frozenset[str] = frozenset()
    # Options that only this provider knows.
    own_options: frozenset[str] = frozenset()
    roles: ClassVar[tuple[str, ...]] = ("system", "user", "assistant")
    base_headers: Headers = ()
    # RFC 9110 10.1.5. The hosts' support asks for it, and some firewalls refuse requests without one. "" sends none.
    user_agent: ClassVar[str] = f"sansio-chat/{__version__}"
    # The header field that carries the key, and what stands before the key in it; None where no key is sent.
    key_header: ClassVar[tuple[str, str] | None] = None
    # The path between the host and the endpoints, where `info.url` does not have it.
    version: ClassVar[str] = ""
    # Whether `base_url` may be the address of one of OpenAI's endpoints.
    openai_wire: ClassVar[bool] = False
    # Where the host lists its models; None where the wire has no list.
    models_path: ClassVar[str | None] = None
    # The parser of the answers.
    parser_class: ClassVar[type[ChatParser]]
    # Fields of its bodies that differ from one request to the next of the same question, at random or with the host;
    # "a.b" is the field b of the object a.
    volatile: ClassVar[frozenset[str]] = frozenset()
    # Whether a request need not name a model, nor the provider have a default one.
    any_model: bool = False
    # Where `base_url` is from, if the caller has not given it: the name of an environment variable. Whoever reads one
    # sets this, so that it is told.
    base_url_from: str | None = None
    # The warnings of `begin` so far, where each is to be given once; None: Python's own filters choose. Whoever asks
    # many questions sets this.
    warned: set[str] | None = None

    def __init__(
        self,
        *,
        info: ProviderInfo | None = None,
        api_key: str | KeySource | None = None,
        base_url: str | None = None,
        model: str | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        self.at_another_host = info is not None
        if info is not None:
            self.info = info
        if api_key is not None and not callable(api_key):
            _check_key(api_key, "api_key=, or the environment variable that it comes from")
        self.api_key = None if api_key == "" else api_key  # as of a variable that is set, and empty
        base = check_base_url(base_url or self.info.url)
        self.base_url = versioned(base, self.version or urlsplit(self.info.url).path.rstrip("/"), self.openai_wire)
        self._agent: Headers = (("user-agent", self.user_agent),) if self.user_agent else ()
        self.headers = header_pairs(headers)
        self.cookies = as_mapping("cookies", cookies)
        cookie_header(self.cookies)  # raises for a cookie that cannot be sent, here and not in the first call
        self.model = self.resolve_model(model)
        self.templates = Templates()  # what its parsers learn of the events of its answers, and share
        self._merged: tuple[tuple[Headers, ...], Fields] = (), Fields(())

    def __repr__(self) -> str:
        return f"<provider {self.info.name} at {self.place}>"

    @property
    def place(self) -> str:
        """`base_url`, and where it is from: for messages."""
        return f"{self.base_url} (from {self.base_url_from})" if self.base_url_from else self.base_url

    @property
    def custom_base_url(self) -> bool:
        """Whether another host than the public endpoint's is asked; another path at the same host does not count."""
        return origin(self.base_url) != origin(self.info.url)

    @property
    def at_vendor(self) -> bool:
        """Whether the vendor's own host is asked: what is known of that holds of no other."""
        return not (self.at_another_host or self.custom_base_url)

    # --- what an exchange asks -----------------------------------------------------------------------------------

    def begin(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        """The way of `request` through this endpoint. Raises InvalidRequest for what cannot be sent.

        One OptionIgnored warning names all that the wire or the model does not take.
        """
        self.check(request)
        call = self.call(request, random)
        ignored = sorted(request.options.keys() - self.options - self.own_options) if request.options else []
        unsupported = [", ".join(ignored), *call.unsupported] if ignored else call.unsupported
        # One warning, not one for each: whoever turns warnings into errors learns of all losses at once.
        if unsupported:
            self._warn(f"{self.info.name} does not take {' and '.join(unsupported)}: not sent")
        return call

    def _warn(self, message: str) -> None:
        if self.warned is not None:
            if message in self.warned:
                return
            self.warned.add(message)
        warn(message)

    @abstractmethod
    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        """As `begin`, for a request that `check` has passed."""

    @property
    def asks_for_key(self) -> bool:
        """Whether the key is the user's function, to be called for each request."""
        return callable(self.api_key) and self.key_header is not None

    def with_key(self, request: HttpRequest, key: object) -> HttpRequest:
        """`request` with the `key` that the user's function gave. Raises InvalidRequest for one that cannot be sent."""
        if key is None or key == "":
            raise InvalidRequest("the key function gave no key")
        if isinstance(key, Coroutine):
            key.close()  # else Python warns, much later, that nobody awaited it
            raise InvalidRequest("the key function is async: AsyncClient awaits it, others take a plain function")
        if not isinstance(key, str):
            raise InvalidRequest(f"the key function must give a str, not {type(key).__name__}")
        _check_key(key, "the function that is given as api_key=")
        given = {name.lower() for name in request.given}  # the user's own fields come last, as in `http`
        fields = tuple(field for field in self.key_fields(key) if field[0] not in given)
        return replace(request, headers=Fields(merge(request.headers, fields))) if fields else request

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        """A new parser for one answer's body; `content_type` is the response's, where it is known."""
        return self.parser_class(
            max_frame_size=max_frame_size, content_type=content_type, templates=self.templates
        )

    def error_response(self, status: int, headers: Headers, body: bytes) -> HTTPStatusError:
        """The error for a response with a status of 300 or more; `body` may be cut."""
        return of_response(status, headers, body)

    def models_request(self) -> HttpRequest | None:
        """The request for the host's list of models; None where its wire has none."""
        return None if self.models_path is None else self.get(self.endpoint(self.models_path))

    def parse_models(self, value: Any) -> list[ModelInfo]:
        """The models in the JSON that answers `models_request`. Raises UnexpectedContent where there is no list."""
        # {"data": [{"id": …}]}: OpenAI and Anthropic; {"models": [{"name": …}]}: Ollama and Gemini; a bare list of
        # either: Together.
        items = value.get("data", value.get("models")) if isinstance(value, dict) else value
        if not isinstance(items, list):
            raise UnexpectedContent(f"{self.info.name} answered with something else than a list of models")
        found = (ModelInfo.of(item) for item in items if isinstance(item, dict))
        return [model for model in found if model is not None]

    # --- what a provider's own file uses -------------------------------------------------------------------------

    def check(self, request: ChatRequest) -> None:
        """Raises InvalidRequest for what no request to this wire can have, or a missing key or model."""
        self.check_key()
        if not (request.model or self.model or self.any_model):
            raise InvalidRequest(f"{self.info.name} needs a model: give model=")
        if request.options:
            self.check_options(request.options)
        for message in request.messages:
            if message.role not in self.roles:
                raise InvalidRequest(
                    f"{self.info.name} has no role {message.role!r}; known are {', '.join(self.roles)}"
                )

    def check_options(self, options: Collection[str]) -> None:
        """Raises InvalidRequest, which says what to give instead, for a name that is neither in OPTIONS nor its own."""
        if OPTIONS.issuperset(options):  # nearly always
            return
        # A misspelt option is an error, and an option of another wire a warning: a program may give all providers the
        # same options, but never means a name that no provider knows.
        if unknown := sorted(set(options) - OPTIONS - self.own_options):
            from ..option_hints import unknown_options  # here, as only a mistake needs it

            raise unknown_options(self.info.name, unknown, OPTIONS | self.own_options, "extra" in self.options)

    def check_key(self) -> None:
        """Raises InvalidRequest, which says where a key comes from, if the public endpoint needs one."""
        # Another host of the same wire, as a gateway or a server of one's own, may need none.
        if self.info.needs_key and self.api_key is None and not self.custom_base_url:
            variable = self.info.api_key_env
            or_set = f", or set the environment variable {variable}" if variable else ""
            raise InvalidRequest(f"{self.info.name} needs a key: give api_key={or_set}")

    def resolve_model(self, model: str | None) -> str | None:
        """The wire's name for `model`, or for the default. Raises InvalidRequest for one that it does not have."""
        if model is not None and not _is_text(model):
            raise InvalidRequest(f"model must be a str that can be written in UTF-8, not {safe_repr(model)}")
        if not model:
            # __init__ calls this to set `self.model`, which is not there yet.
            return getattr(self, "model", None) or self.info.default_model
        name = self.info.model_aliases.get(model, model)
        if self.info.models and name not in self.info.models:
            known = (*self.info.models, *self.info.model_aliases)
            near = suggestion(model, known)
            raise InvalidRequest(f"{self.info.name} has no model {model!r}{near}; known are {', '.join(known)}")
        return name

    def endpoint(self, path: str) -> str:
        """The URL of `path` on this host."""
        return f"{self.base_url}/{path}"

    def post_json(self, request: ChatRequest, url: str, payload: Payload, *layers: Headers) -> Call:
        """The call that sends `payload` to `url`."""
        return Call(self.http(request, "POST", url, dump_json(payload.fields), *layers), payload.unsupported)

    def http(
        self, request: ChatRequest, method: str, url: str, body: bytes = b"", *layers: Headers,
        cookies: Mapping[str, str] | None = None,
    ) -> HttpRequest:  # fmt: skip
        """A request with the header fields of the provider, the client and the call, and with all cookies."""
        own = self.headers + request.headers
        jar = {**self.cookies, **request.cookies, **(cookies or {})}
        # A later layer replaces a field of the same name. The key comes after the wire's fields, none of which may take
        # its place; the user's own come last: behind a gateway, `authorization` may be for the gateway, not the vendor.
        merged = (self._agent, self.base_headers, *layers, self._key, cookie_header(jar), own)
        # Fields that belong to this call alone are not kept for the next: they may be secret.
        shared = not (request.headers or request.cookies or cookies)
        return HttpRequest(method, url, self._fields(merged) if shared else Fields(merge(*merged)), body, _names(own))

    def get(self, url: str) -> HttpRequest:
        """A GET of JSON with this provider's headers and the client's own headers and cookies."""
        # RFC 9110 8.3: content-type describes a body, and a GET has none.
        base = tuple(field for field in self.base_headers if field[0] != "content-type")
        accept = (("accept", "application/json"),)
        fields = Fields(merge(self._agent, base, accept, self._key, cookie_header(self.cookies), self.headers))
        return HttpRequest("GET", url, fields, b"", _names(self.headers))

    def key_fields(self, key: str) -> Headers:
        """The header field that carries `key`; none where no key is sent."""
        if self.key_header is None:
            return ()
        name, before = self.key_header
        return ((name, before + key),)

    @property
    def _key(self) -> Headers:
        return self.key_fields(self.api_key) if isinstance(self.api_key, str) else ()

    def _fields(self, layers: tuple[Headers, ...]) -> Fields:
        """`layers` merged, which are nearly always those of the last call."""
        last, fields = self._merged
        if layers != last:  # measured: a request with them is made in 1.1 µs; of 13 fields, it took 8.9
            fields = Fields(merge(*layers))
            self._merged = layers, fields
        return fields


_VERSION = re.compile(r"/v\d+[a-z0-9]*\Z")  # v1, v1beta


def versioned(base_url: str, path: str, openai_wire: bool = False) -> str:
    """`base_url` with `path`, the version on a vendor's own host, after it.

    Not added is what `base_url` ends with already: another version, or the beginning of `path`.
    """
    # Vendors and gateways document the base with and without the version, or show an endpoint's address to be copied:
    # https://api.groq.com, …/openai, …/openai/v1 and …/openai/v1/chat/completions are the same base.
    parts = urlsplit(base_url)
    base = parts.path.rstrip("/")  # without the host, which may be called "models" or "v1" itself
    if openai_wire:
        for endpoint in ("/chat/completions", "/responses", "/models"):
            base = base.removesuffix(endpoint)
    # Google's base for OpenAI's wire ends with /v1beta/openai.
    version = _VERSION.search(base.removesuffix("/openai") if openai_wire else base)
    # Ollama's path, /api, is no version, and no version stands in its place.
    if not (version and _VERSION.search(path)):
        steps = path.split("/")
        overlaps = ("/".join(steps[:n]) for n in range(len(steps), 1, -1))
        base += path.removeprefix(next((begun for begun in overlaps if base.endswith(begun)), ""))
    return f"{parts.scheme}://{parts.netloc}{base}"


def _names(headers: Headers) -> tuple[str, ...]:
    return tuple([name for name, _ in headers]) if headers else ()


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def _check_key(api_key: object, source: str) -> None:
    """Raises InvalidRequest for a key that no header can carry; it is not quoted, but `source` is named."""
    if not isinstance(api_key, str):
        raise InvalidRequest(f"the key must be a str, or a function that gives one, not {type(api_key).__name__}")
    if api_key.isspace():
        raise InvalidRequest(f"the key is white space and nothing else: check {source}")
    try:
        check_header("authorization", api_key)
    except InvalidRequest:
        # check_header's message would send the user to headers=; and `from None`, as it has seen the key.
        raise InvalidRequest(
            "the key has a line end, control or non-ASCII character, which the authorization header cannot carry: "
            f"check {source}, for a stray newline"
        ) from None


def no_provider(given: object, wanted: str) -> InvalidRequest:
    """The error for `given` in place of a provider; `wanted` says what was wanted."""
    if not (isinstance(given, type) and issubclass(given, Provider)):
        what = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        return InvalidRequest(f"provider must be {wanted}, not {what}")
    cls, info = given.__name__, getattr(given, "info", None)
    name = info.name if isinstance(info, ProviderInfo) else "name"
    return InvalidRequest(
        f"{cls} is a class: give an object of it, {cls}(…), or register it with "
        f"providers.register({name!r}, {cls}), and give the name {name!r}"
    )
