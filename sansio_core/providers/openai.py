"""OpenAI's Chat Completions endpoint, and every host that speaks its wire: the rows of `_hosts.HOSTS`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from ..dialects import ChatParser, openai_chat
from ..dialects.base import MAX_FRAME
from ..dialects.forms import unsupported_call_fields, unsupported_native
from ..dialects.openai_chat.request import Quirks
from ..errors import InvalidRequest
from ..http_request import Headers, HttpRequest, origin, quote_segment
from ..request import ChatRequest, Message, dump_json
from .base import Call, Provider, ProviderInfo, warn
from .hosts import HOSTS, Host, versioned
from .models import default_model


def _info(host: Host) -> ProviderInfo:
    needs_key = host.key is not None and not host.local
    return ProviderInfo(host.name, host.url, default_model(host.name), api_key_env=host.key, needs_key=needs_key)


class OpenAI(Provider):
    """api.openai.com, or the host of a row. `base_url` may end with a slash, its version, both or neither.

    What has no option of its own goes in `extra`. A JSON Schema as `response_format` and tools as {"name": …,
    "description": …, "parameters": …} are put in the wire's form.
    """

    host: ClassVar[Host] = HOSTS["openai"]
    info = _info(host)
    options = host.options
    roles = ("system", "developer", "user", "assistant", "tool")
    base_headers = (("accept", "text/event-stream, application/json"), ("content-type", "application/json"))

    def __init__(self, *, base_url: str | None = None, **settings: Any) -> None:
        super().__init__(base_url=base_url, **settings)
        self.base_url = versioned(self.base_url, self.info.url)
        self.custom_base_url = origin(self.base_url) != origin(self.info.url)

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        quirks = self.host.quirks if self.host.elsewhere is None or not self.custom_base_url else self.host.elsewhere
        model = self.resolve_model(request.model)
        if model is None and not self.host.any_model:
            raise InvalidRequest(f"{self.info.name} needs a model: give model=")
        if answers := [message for message in request.messages if message.native or message.tool_calls]:
            self._warn_of_lost(answers, quirks)
        body = dump_json(openai_chat.payload(request, model, self.options, quirks))
        return Call(self.http(request, "POST", self._url("chat/completions", model), body, self._key))

    def _warn_of_lost(self, answers: list[Message], quirks: Quirks) -> None:
        natives = [message for message in answers if message.native]
        lost = [unsupported_native(natives, openai_chat.NAME if quirks.reasoning_details else "")]
        if not quirks.call_fields:
            lost.append(unsupported_call_fields(answers))
        if any(lost):
            warn(f"{self.info.name} has no field for {' and '.join(filter(None, lost))}: not sent")

    def models_request(self) -> HttpRequest | None:
        return self.get(self._url("models", None), self._key)

    def _url(self, path: str, model: str | None) -> str:
        return f"{self.base_url}/{path}"

    @property
    def _key(self) -> Headers:
        return () if self.api_key is None else (("authorization", f"Bearer {self.api_key}"),)

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return openai_chat.OpenAIChatParser(max_frame_size, self.templates)


class AzureOpenAI(OpenAI):
    """Azure OpenAI; `base_url` is https://RESOURCE.openai.azure.com, and `model` names the deployment.

    The whole address of a deployment, as Azure's portal shows it, does as well, and its `?api-version=…` is used, else
    API_VERSION. With `/openai/v1` at its end the newer form of the endpoint is used, which has no api-version
    (learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle).
    """

    host = HOSTS["azure_openai"]
    info = _info(host)
    options = host.options

    def __init__(self, *, base_url: str | None = None, model: str | None = None, **settings: Any) -> None:
        if not base_url:
            raise InvalidRequest(f"azure_openai needs base_url={self.host.url}, and model=, the deployment's name")
        address, _, query = base_url.partition("?")
        self.api_version = parse_qs(query).get("api-version", [API_VERSION])[0]
        address = address.rstrip("/").removesuffix("/chat/completions")
        address, _, deployment = address.partition("/openai/deployments")
        if not address.endswith("/openai/v1"):
            address = address.removesuffix("/v1").removesuffix("/openai")
        super().__init__(base_url=address, model=model or unquote(deployment.strip("/")), **settings)
        self.custom_base_url = not (urlsplit(self.base_url).hostname or "").endswith(_AZURE)

    def _url(self, path: str, model: str | None) -> str:
        if self.base_url.endswith("/openai/v1"):
            return f"{self.base_url}/{path}"
        place = "openai" if model is None else f"openai/deployments/{quote_segment(model)}"
        return f"{self.base_url}/{place}/{path}?api-version={quote_segment(self.api_version)}"

    @property
    def _key(self) -> Headers:
        return () if self.api_key is None else (("api-key", self.api_key),)


API_VERSION = "2025-01-01-preview"
_AZURE = (".azure.com", ".azure.us", ".azure.cn")


@cache
def __getattr__(name: str) -> type[OpenAI]:
    """The class of a row, by its name: `providers.openai.groq`."""
    if name not in HOSTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for known in (OpenAI, AzureOpenAI):
        if known.host.name == name:
            return known

    class Preset(OpenAI):
        __doc__ = OpenAI.__doc__
        host = HOSTS[name]
        info = _info(host)
        options = host.options

    Preset.__name__ = Preset.__qualname__ = name  # where pickle finds it
    return Preset
