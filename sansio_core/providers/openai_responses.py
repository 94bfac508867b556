"""OpenAI's Responses endpoint, and hosts that have one as well (OpenRouter, Groq, vLLM, LM Studio: by base_url)."""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import openai_responses
from ..model_facts import default_model
from ..request import ROLES, ChatRequest
from .base import BEARER, STREAMED_JSON, Provider, ProviderInfo
from .call import Call
from .hosts import HOSTS


class OpenAIResponses(Provider):
    """api.openai.com's `/v1/responses`. `base_url` may end with a slash, its version, both or neither.

    `store=False` keeps nothing there, and asks for the reasoning in encrypted form, so that Reply.message takes it
    along. An effort other than "none" asks for a summary of the thoughts; OpenAI gives it to verified organizations
    alone, others leave it out by extra={"reasoning": {"summary": None}}. What has no option of its own
    (`previous_response_id`, `include`, `prompt_cache_options`) goes in `extra` as well. Other hosts are asked as they
    are: what OpenAI says of its models holds at OpenAI.
    """

    # The same host and key as the row "openai" of the chat hosts, under a default model of its own.
    info = ProviderInfo(
        name="openai_responses",
        url=HOSTS["openai"].url,
        default_model=default_model("openai_responses"),
        api_key_env=HOSTS["openai"].key,
        needs_key=True,
        base_url_env=HOSTS["openai"].base_url_env,
    )
    options = openai_responses.OPTIONS
    roles = ROLES
    base_headers = STREAMED_JSON
    key_header = BEARER
    openai_wire = True
    # …/api-reference/models/list: the list is the same as Chat Completions'; it names models of other kinds too
    models_path = "models"
    parser_class = openai_responses.OpenAIResponsesParser

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        model = self.resolve_model(request.model)
        payload = openai_responses.payload(request, model, at_openai=self.at_vendor)
        return self.post_json(request, self.endpoint("responses"), payload)
