"""OpenAI's Responses endpoint, and hosts that have one as well (OpenRouter, Groq, vLLM, LM Studio: by base_url)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..dialects import ChatParser, openai_responses
from ..dialects.base import MAX_FRAME
from ..http_request import HttpRequest, origin
from ..request import ROLES, ChatRequest
from .base import BEARER, STREAMED_JSON, Call, Provider, ProviderInfo
from .hosts import HOSTS, versioned
from .models import default_model


class OpenAIResponses(Provider):
    """api.openai.com's `/v1/responses`. `base_url` may end with a slash, its version, both or neither.

    `store=False` keeps nothing there, and asks for the reasoning in encrypted form, so that Reply.message takes it
    along. What has no option of its own (`previous_response_id`, `include`, `reasoning` with a `summary`) goes in
    `extra`.
    """

    info = ProviderInfo(
        name="openai_responses",
        url=HOSTS["openai"].url,
        default_model=default_model("openai_responses"),
        api_key_env=HOSTS["openai"].key,
        needs_key=True,
    )
    options = openai_responses.OPTIONS
    roles = ROLES
    base_headers = STREAMED_JSON
    key_header = BEARER

    def __init__(self, *, base_url: str | None = None, **settings: Any) -> None:
        super().__init__(base_url=base_url, **settings)
        self.base_url = versioned(self.base_url, self.info.url)
        self.custom_base_url = origin(self.base_url) != origin(self.info.url)

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        payload = openai_responses.payload(request, self.resolve_model(request.model))
        return self.post_json(request, self.endpoint("responses"), payload)

    def models_request(self) -> HttpRequest | None:
        return self.get(self.endpoint("models"))

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return openai_responses.OpenAIResponsesParser(max_frame_size, self.templates)
