"""Google's Gemini API: ai.google.dev/api/generate-content."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..dialects import ChatParser, gemini
from ..dialects.base import MAX_FRAME
from ..http_request import HttpRequest, quote_segment
from ..request import ROLES, ChatRequest
from .base import Call, Provider, ProviderInfo
from .models import default_model


class Gemini(Provider):
    """generativelanguage.googleapis.com. `base_url` may end with `/v1beta` or not. The key is sent as a header.

    `reasoning_effort` is "minimal" to "high", "none", or a number of tokens; thoughts are then shown. What else there
    is (`safetySettings`, `cachedContent`, more of `generationConfig`, …) goes in `extra`.
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
    key_header = ("x-goog-api-key", "")
    version = "/v1beta"

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        model = (self.resolve_model(request.model) or "").removeprefix("models/")
        # ai.google.dev/api#stream-content: without alt=sse the chunks come as one JSON array
        url = self.endpoint(f"models/{quote_segment(model)}:streamGenerateContent?alt=sse")
        return self.post_json(request, url, gemini.payload(request, model))

    def models_request(self) -> HttpRequest | None:
        return self.get(self.endpoint("models?pageSize=1000"))

    def parse_models(self, value: Any) -> list[str]:
        """As Provider's, without the prefix `models/`, and without those that do not generate text."""
        if isinstance(value, dict) and isinstance(value.get("models"), list):
            value = [item for item in value["models"] if isinstance(item, dict) and _generates(item)]
        return [name.removeprefix("models/") for name in super().parse_models(value)]

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return gemini.GeminiParser(max_frame_size, self.templates)


def _generates(model: dict[str, Any]) -> bool:
    methods = model.get("supportedGenerationMethods")
    return not isinstance(methods, list) or "generateContent" in methods
