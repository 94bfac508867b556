"""Google's Gemini API: ai.google.dev/api/generate-content."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from ..dialects import ChatParser, gemini
from ..dialects.base import MAX_FRAME
from ..errors import InvalidRequest
from ..http_request import Headers, HttpRequest, check_base_url, quote_segment
from ..model_facts import default_model
from ..model_info import ModelInfo
from ..request import ROLES, ChatRequest
from .base import BEARER, Provider, ProviderInfo
from .call import Call

# "us-central1-aiplatform.googleapis.com"; "aiplatform.eu.rep.googleapis.com" for the multi-regions
_HOSTS = ("aiplatform.googleapis.com", "aiplatform.us.rep.googleapis.com", "aiplatform.eu.rep.googleapis.com")
_ALIASES = r"gemini-(flash|flash-lite|pro)-latest"
# of an address that was copied whole: …/models, …/models/MODEL:streamGenerateContent
_MODELS = re.compile(r"(?<!/)/models(/[^/]+:[^/]+)?/*$")
_TIER = "x-vertex-ai-llm-shared-request-type"


class Gemini(Provider):
    """generativelanguage.googleapis.com, or Vertex AI. The key is sent as a header.

    `base_url` may end with a version or not (v1beta, which has all that v1 has). On Vertex AI it is
    https://LOCATION-aiplatform.googleapis.com/v1beta1/projects/PROJECT/locations/LOCATION, with an access token as the
    key (a token lasts an hour: `api_key` may be a function that gives one); or https://aiplatform.googleapis.com, with
    an API key ("express mode").

    `reasoning_effort` is "minimal" to "xhigh", "none", or a number of tokens, as the model takes it; the answer then
    has the thoughts too. `service_tier` is "standard", "flex" or "priority". What has no option of its own
    (`safetySettings`, `cachedContent`, `labels`, more of `generationConfig`, …) goes in `extra`.

    An answer that ended with "pause" (Gemini 4 writes at most 65,536 tokens at once) goes on when the same question is
    asked again with `Reply.message` as its last message, and the same `max_tokens`.
    """

    info = ProviderInfo(
        name="gemini",
        url="https://generativelanguage.googleapis.com",
        default_model=default_model("gemini"),
        api_key_env="GEMINI_API_KEY",
        needs_key=True,
        base_url_env="GOOGLE_GEMINI_BASE_URL",  # github.com/googleapis/python-genai google/genai/_base_url.py
    )
    options = gemini.OPTIONS
    roles = ROLES
    base_headers = (("content-type", "application/json"),)
    # The key may also stand in the URL, as `?key=`; but URLs get into the logs of proxies and servers.
    key_header = ("x-goog-api-key", "")
    # ai.google.dev/gemini-api/docs/api-versions: v1 lacks what is new
    version = "/v1beta"
    # ai.google.dev/api/models#method:-models.list: pages of 50 unless more are asked for, and 1000 at most
    models_path = "models?pageSize=1000"
    parser_class = gemini.GeminiParser

    def __init__(self, **settings: Any) -> None:
        own = settings.get("info") or self.info
        base_url = _MODELS.sub("", check_base_url(settings.get("base_url") or own.url))
        super().__init__(**{**settings, "base_url": base_url})
        vertex_url = _vertex_url(base_url)
        self.vertex = vertex_url is not None
        self.base_url = vertex_url or self.base_url

    def key_fields(self, key: str) -> Headers:
        # docs.cloud.google.com/docs/authentication/{api-keys,token-types}: a project of Vertex AI is asked with an
        # access token; API keys begin with "AIza", and those of a service account with "AQ."
        if key.startswith("ya29.") or ("/projects/" in self.base_url and not key.startswith(("AIza", "AQ."))):
            return ((BEARER[0], BEARER[1] + key),) if key else ()
        return super().key_fields(key)

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        # The list of models, and so a user, may name it with the prefix that it has in the URL.
        model = (self.resolve_model(request.model) or "").removeprefix("publishers/google/").removeprefix("models/")
        # github.com/googleapis/python-genai, README: "aliases exist only on v1beta"
        if self.base_url.endswith("/v1") and re.fullmatch(_ALIASES, model):
            raise InvalidRequest(f"{model} is there in v1beta alone: let base_url end with it, or name the model")
        # ai.google.dev/api#stream-content: without alt=sse the chunks come as one JSON array
        url = self.endpoint(f"models/{quote_segment(model)}:streamGenerateContent?alt=sse")
        payload = gemini.payload(request, model, vertex=self.vertex)
        # docs.cloud.google.com/vertex-ai/generative-ai/docs/priority-paygo: on Vertex AI the tier is a header field.
        tier = request.options.get("service_tier") if self.vertex else None
        return self.post_json(request, url, payload, ((_TIER, tier),) if tier else ())

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        if self.vertex:
            return gemini.VertexParser(max_frame_size=max_frame_size, templates=self.templates)
        return super().parser(content_type, max_frame_size=max_frame_size)

    def models_request(self) -> HttpRequest | None:
        if not self.vertex:
            return super().models_request()
        # docs.cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/publishers.models/list: of no project
        root = self.base_url.partition("/projects/")[0].removesuffix("/publishers/google")
        return self.get(f"{root}/publishers/google/models")

    def parse_models(self, value: Any) -> list[ModelInfo]:
        """As Provider's, without the prefix before `models/`, and without models that do not generate text."""
        models = value.get("publisherModels", value.get("models")) if isinstance(value, dict) else None
        if isinstance(models, list):
            value = [item for item in models if isinstance(item, dict) and _generates(item)]
        return [replace(model, name=model.name.rpartition("models/")[2]) for model in super().parse_models(value)]


def _vertex_url(base_url: str) -> str | None:
    """`base_url` with a version, and with what stands before the name of a model of Google's.

    None for a URL that is not that of Vertex AI, or of a gateway with the same paths.
    """
    parts = urlsplit(base_url)
    path, google = parts.path.rstrip("/"), (parts.hostname or "").endswith(_HOSTS)
    if not (google or "/projects/" in path or path.endswith("/publishers/google")):
        return None
    # github.com/googleapis/python-genai google/genai/_api_client.py: v1beta1 is the SDK's default
    version = "/v1beta1" if google and not path.startswith("/v1") else ""
    return f"{parts.scheme}://{parts.netloc}{version}{path.removesuffix('/publishers/google')}/publishers/google"


def _generates(model: dict[str, Any]) -> bool:
    # ai.google.dev/api/models#Model: embedding models are in the list too, without generateContent
    methods = model.get("supportedGenerationMethods")
    return not isinstance(methods, list) or "generateContent" in methods
