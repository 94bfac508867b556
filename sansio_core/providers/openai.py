"""OpenAI's Chat Completions endpoint, and every host that speaks its wire: the rows of `hosts.HOSTS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ..dialects import openai_chat
from ..errors import InvalidRequest
from ..http_request import Headers, quote_segment
from ..model_facts import default_model
from ..request import ROLES, ChatRequest
from .base import BEARER, STREAMED_JSON, Provider, ProviderInfo
from .call import Call
from .hosts import HOSTS, Host

_OPENAI = HOSTS["openai"]


def info_of(host: Host) -> ProviderInfo:
    """The facts about a host, as a provider has them."""
    needs_key = host.key is not None and not host.local
    return ProviderInfo(
        host.name, host.url, default_model(host.name), api_key_env=host.key, needs_key=needs_key,
        base_url_env=host.base_url_env,
    )  # fmt: skip


class OpenAI(Provider):
    """api.openai.com, or another `host`. `base_url` may end with a slash, its version, both or neither.

    What has no option of its own goes in `extra`. A JSON Schema as `response_format` and tools as {"name": …,
    "description": …, "parameters": …} are put in the wire's form.
    """

    roles = ROLES
    base_headers = STREAMED_JSON
    key_header = BEARER
    openai_wire = True
    models_path = "models"
    parser_class = openai_chat.OpenAIChatParser

    def __init__(self, *, host: Host = _OPENAI, **settings: Any) -> None:
        self.host = host
        self.info = info_of(host)
        self.options, self.any_model = host.options, host.any_model
        super().__init__(**settings)

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        # The name "openai" with another base_url is how users reach servers that have no row: those have none of
        # OpenAI's own quirks. Another base_url of any other row is a proxy of that very host.
        quirks = self.host.quirks if self.at_vendor else self.host.elsewhere or self.host.quirks
        model = self.resolve_model(request.model)
        payload = openai_chat.payload(request, model, self.options, quirks, self.info.name)
        return self.post_json(request, self._chat_url(model or ""), payload)

    def _chat_url(self, model: str) -> str:
        return self.endpoint("chat/completions")


# learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
API_VERSION = "2025-01-01-preview"
# learn.microsoft.com/azure/ai-foundry/openai/reference: the domains of the public, US government and Chinese clouds
_AZURE = (".azure.com", ".azure.us", ".azure.cn")


class AzureOpenAI(OpenAI):
    """Azure OpenAI; `base_url` is https://RESOURCE.openai.azure.com, and `model` names the deployment.

    The whole address of a deployment, as Azure's portal shows it, does as well, and its `?api-version=…` is used, else
    API_VERSION. With `/openai/v1` at its end the newer form of the endpoint is used, which has no api-version
    (learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle). The key is an API key or a token of Entra ID;
    a function as `api_key` may give either.
    """

    key_header = ("api-key", "")

    def __init__(self, *, host: Host, base_url: str | None = None, model: str | None = None, **settings: Any) -> None:
        if not base_url or not isinstance(base_url, str):
            raise InvalidRequest(
                f"{host.name} needs base_url={host.url} (or the environment variable {host.base_url_env}), "
                "and model=, the deployment's name"
            )
        # The portal's address: https://RESOURCE…/openai/deployments/NAME/chat/completions?api-version=…
        address, _, query = base_url.partition("?")
        self.api_version = parse_qs(query).get("api-version", [API_VERSION])[0]
        address = address.rstrip("/").removesuffix("/chat/completions")
        address, _, deployment = address.partition("/openai/deployments")
        if not address.endswith("/openai/v1"):
            address = address.removesuffix("/v1").removesuffix("/openai")
        # unquote(), as the address has the name percent-encoded, and _chat_url encodes it again.
        super().__init__(host=host, base_url=address, model=model or unquote(deployment.strip("/")), **settings)

    @property
    def custom_base_url(self) -> bool:
        # Each resource has a host of its own, so that no one origin is the public endpoint.
        return not (urlsplit(self.base_url).hostname or "").endswith(_AZURE)

    def key_fields(self, key: str) -> Headers:
        # learn.microsoft.com/azure/ai-foundry/openai/reference, authentication: `authorization` is for Entra ID's
        # tokens, which are JWTs (RFC 7519 3); API keys are letters and digits
        return ((BEARER[0], BEARER[1] + key),) if key.startswith("eyJ") and "." in key else super().key_fields(key)

    def endpoint(self, path: str) -> str:
        if self.base_url.endswith("/openai/v1"):
            return super().endpoint(path)
        return f"{self.base_url}/openai/{path}?api-version={quote_segment(self.api_version)}"

    def _chat_url(self, model: str) -> str:
        if self.base_url.endswith("/openai/v1"):
            return super()._chat_url(model)
        return self.endpoint(f"deployments/{quote_segment(model)}/chat/completions")
