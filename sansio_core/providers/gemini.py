"""Google's Gemini API: ai.google.dev/api/generate-content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..dialects import gemini
from ..http_request import quote_segment
from ..model_facts import default_model
from ..model_info import ModelInfo
from ..request import ROLES, ChatRequest
from .base import Call, Provider, ProviderInfo


class Gemini(Provider):
    """generativelanguage.googleapis.com. `base_url` may end with `/v1beta` or not. The key is sent as a header.

    `reasoning_effort` is "minimal" to "high", "none", or a number of tokens; the answer then has the thoughts too. What
    has no option of its own (`safetySettings`, `cachedContent`, more of `generationConfig`, …) goes in `extra`.
    """

    info = ProviderInfo(
        name="gemini",
        url="https://generativelanguage.googleapis.com",
        default_model=default_model("gemini"),
        api_key_env="GEMINI_API_KEY",
        needs_key=True,
    )
    options = gemini.OPTIONS
    roles = ROLES
    base_headers = (("content-type", "application/json"),)
    # The key may also stand in the URL, as `?key=`; but URLs get into the logs of proxies and servers.
    key_header = ("x-goog-api-key", "")
    # ai.google.dev/gemini-api/docs/api-versions: v1 lacks what is new, such as thinking and JSON Schemas
    version = "/v1beta"
    # ai.google.dev/api/models#method:-models.list: pages of 50 unless more are asked for, and 1000 at most
    models_path = "models?pageSize=1000"
    parser_class = gemini.GeminiParser

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        # The list of models, and so a user, may name it with the prefix that it has in the URL.
        model = (self.resolve_model(request.model) or "").removeprefix("models/")
        # ai.google.dev/api#stream-content: without alt=sse the chunks come as one JSON array
        url = self.endpoint(f"models/{quote_segment(model)}:streamGenerateContent?alt=sse")
        return self.post_json(request, url, gemini.payload(request, model))

    def parse_models(self, value: Any) -> list[ModelInfo]:
        """As Provider's, without the prefix `models/`, and without models that do not generate text."""
        if isinstance(value, dict) and isinstance(value.get("models"), list):
            value = [item for item in value["models"] if isinstance(item, dict) and _generates(item)]
        return [replace(model, name=model.name.removeprefix("models/")) for model in super().parse_models(value)]


def _generates(model: dict[str, Any]) -> bool:
    # ai.google.dev/api/models#Model: embedding models are in the list too, without generateContent
    methods = model.get("supportedGenerationMethods")
    return not isinstance(methods, list) or "generateContent" in methods
