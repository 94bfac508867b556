"""Anthropic's Messages API: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import ChatParser, anthropic
from ..dialects.base import MAX_FRAME
from ..http_request import HttpRequest
from ..request import ROLES, ChatRequest
from ..retry import RETRIED_STATUSES, RetryPolicy
from .base import STREAMED_JSON, Call, Provider, ProviderInfo
from .models import default_model


class Anthropic(Provider):
    """api.anthropic.com. `base_url` may end with `/v1` or not.

    `reasoning_effort` is "low" to "max" (`output_config.effort`), a number of tokens (a thinking budget, for models
    that take one), or "none". What else there is (`thinking`, `cache_control`, `container`, …) goes in `extra`.
    """

    info = ProviderInfo(
        name="anthropic",
        url="https://api.anthropic.com",
        default_model=default_model("anthropic"),
        api_key_env="ANTHROPIC_API_KEY",
        needs_key=True,
    )
    # platform.claude.com/docs/en/api/errors: 529 overloaded_error
    retry = RetryPolicy(statuses=RETRIED_STATUSES | {529})
    options = anthropic.OPTIONS
    roles = ROLES
    # platform.claude.com/docs/en/api/versioning
    base_headers = (("anthropic-version", "2023-06-01"), *STREAMED_JSON)
    key_header = ("x-api-key", "")
    version = "/v1"

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        payload = anthropic.payload(request, self.resolve_model(request.model))
        return self.post_json(request, self.endpoint("messages"), payload)

    def models_request(self) -> HttpRequest | None:
        return self.get(self.endpoint("models?limit=1000"))

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return anthropic.AnthropicParser(max_frame_size, self.templates)
