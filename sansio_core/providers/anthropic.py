"""Anthropic's Messages API: platform.claude.com/docs/en/api/messages."""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import anthropic
from ..model_facts import default_model
from ..request import ROLES, ChatRequest
from ..retry import RETRIED_STATUSES, RetryPolicy
from .base import STREAMED_JSON, Provider, ProviderInfo
from .call import Call


class Anthropic(Provider):
    """api.anthropic.com. `base_url` may end with `/v1` or not.

    `reasoning_effort` is a word from "low" to "max", a number of tokens (a thinking budget, for models that take one),
    True (the model decides how much), or "none", for models that can leave it off. What has no option of its own
    (`container`, `context_management`, …) goes in `extra`; another version of the API or a beta in
    `headers={"anthropic-version": …, "anthropic-beta": …}`.
    """

    info = ProviderInfo(
        name="anthropic",
        url="https://api.anthropic.com",
        default_model=default_model("anthropic"),
        api_key_env="ANTHROPIC_API_KEY",
        needs_key=True,
        base_url_env="ANTHROPIC_BASE_URL",  # github.com/anthropics/anthropic-sdk-python src/anthropic/_client.py
    )
    # platform.claude.com/docs/en/api/errors: 529 overloaded_error, "The API is temporarily overloaded."
    retry = RetryPolicy(statuses=RETRIED_STATUSES | {529})
    options = anthropic.OPTIONS
    roles = ROLES
    # platform.claude.com/docs/en/api/versioning: the version is a header field, which is required
    base_headers = (("anthropic-version", anthropic.VERSION), *STREAMED_JSON)
    # platform.claude.com/docs/en/api/overview, authentication
    key_header = ("x-api-key", "")
    version = "/v1"
    # platform.claude.com/docs/en/api/models-list: pages of 20 unless more are asked for, and 1000 at most
    models_path = "models?limit=1000"
    parser_class = anthropic.AnthropicParser

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        own = [value for name, value in self.headers + request.headers if name.lower() == "anthropic-version"]
        version = own[-1] if own else anthropic.VERSION
        # Other hosts of this wire sign no thinking, and want it back "to maintain the continuity of the reasoning
        # chain": platform.minimax.io/docs/api-reference/text-anthropic-api.
        payload = anthropic.payload(request, self.resolve_model(request.model), version, self.at_vendor)
        return self.post_json(request, self.endpoint("messages"), payload)
