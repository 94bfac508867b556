"""OpenAI's Chat Completions endpoint, and every host that speaks its wire: the rows of `hosts.HOSTS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ..dialects import ChatParser, openai_chat
from ..dialects.base import MAX_FRAME
from ..errors import InvalidRequest
from ..http_request import HttpRequest, origin, quote_segment
from ..request import ROLES, ChatRequest
from .base import BEARER, STREAMED_JSON, Call, Provider, ProviderInfo
from .hosts import HOSTS, Host, versioned
from .models import default_model

_OPENAI = HOSTS["openai"]


def info_of(host: Host) -> ProviderInfo:
    """The facts about a host, as a provider has them."""
    needs_key = host.key is not None and not host.local
    return ProviderInfo(host.name, host.url, default_model(host.name), api_key_env=host.key, needs_key=needs_key)


class OpenAI(Provider):
    """api.openai.com, or another `host`. `base_url` may end with a slash, its version, both or neither.

    What has no option of its own goes in `extra`. A JSON Schema as `response_format` and tools as {"name": …,
    "description": …, "parameters": …} are put in the wire's form.
    """

    roles = ROLES
    base_headers = STREAMED_JSON
    key_header = BEARER

    def __init__(self, *, host: Host = _OPENAI, base_url: str | None = None, **settings: Any) -> None:
        self.host = host
        self.info = info_of(host)
        self.options = host.options
        super().__init__(base_url=base_url, **settings)
        self.base_url = versioned(self.base_url, self.info.url)
        self.custom_base_url = origin(self.base_url) != origin(self.info.url)

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        quirks = self.host.quirks if self.host.elsewhere is None or not self.custom_base_url else self.host.elsewhere
        model = self.resolve_model(request.model)
        if model is None and not self.host.any_model:
            raise InvalidRequest(f"{self.info.name} needs a model: give model=")
        payload = openai_chat.payload(request, model, self.options, quirks)
        return self.post_json(request, self._url("chat/completions", model), payload)

    def models_request(self) -> HttpRequest | None:
        return self.get(self._url("models", None))

    def _url(self, path: str, model: str | None) -> str:
        return self.endpoint(path)

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return openai_chat.OpenAIChatParser(max_frame_size, self.templates)


class AzureOpenAI(OpenAI):
    """Azure OpenAI; `base_url` is https://RESOURCE.openai.azure.com, and `model` names the deployment.

    The whole address of a deployment, as Azure's portal shows it, does as well, and its `?api-version=…` is used, else
    API_VERSION. With `/openai/v1` at its end the newer form of the endpoint is used, which has no api-version
    (learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle).
    """

    key_header = ("api-key", "")

    def __init__(self, *, host: Host, base_url: str | None = None, model: str | None = None, **settings: Any) -> None:
        if not base_url:
            raise InvalidRequest(f"{host.name} needs base_url={host.url}, and model=, the deployment's name")
        address, _, query = base_url.partition("?")
        self.api_version = parse_qs(query).get("api-version", [API_VERSION])[0]
        address = address.rstrip("/").removesuffix("/chat/completions")
        address, _, deployment = address.partition("/openai/deployments")
        if not address.endswith("/openai/v1"):
            address = address.removesuffix("/v1").removesuffix("/openai")
        super().__init__(host=host, base_url=address, model=model or unquote(deployment.strip("/")), **settings)
        self.custom_base_url = not (urlsplit(self.base_url).hostname or "").endswith(_AZURE)

    def _url(self, path: str, model: str | None) -> str:
        if self.base_url.endswith("/openai/v1"):
            return self.endpoint(path)
        place = "openai" if model is None else f"openai/deployments/{quote_segment(model)}"
        return self.endpoint(f"{place}/{path}?api-version={quote_segment(self.api_version)}")


API_VERSION = "2025-01-01-preview"
_AZURE = (".azure.com", ".azure.us", ".azure.cn")
