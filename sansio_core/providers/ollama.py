"""Ollama on its own wire: docs.ollama.com/api. (Its OpenAI-compatible one is a host of the openai provider.)"""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import ollama
from ..model_facts import default_model
from ..request import ROLES, ChatRequest
from .base import BEARER, Provider, ProviderInfo
from .call import Call


class Ollama(Provider):
    """An Ollama server, by default on this machine; a key is only needed for ollama.com. `base_url` may end in `/api`.

    `reasoning_effort` is True or "none" for most models that think, "low" to "high" for gpt-oss, up to "max" for some.
    What has no option of its own (`keep_alive`, more of `options` such as `num_ctx`, …) goes in `extra`.
    """

    info = ProviderInfo(
        name="ollama",
        # Not "localhost", which may mean ::1 first: the server listens on 127.0.0.1 alone (docs.ollama.com/faq).
        url="http://127.0.0.1:11434",
        default_model=default_model("ollama"),
        api_key_env="OLLAMA_API_KEY",
        base_url_env="OLLAMA_HOST",  # docs.ollama.com/faq; a host, or host and port, besides a URL
    )
    options = ollama.OPTIONS
    roles = ROLES
    base_headers = (("content-type", "application/json"),)
    # docs.ollama.com/api/authentication: a local server asks for no key
    key_header = BEARER
    version = "/api"
    # docs.ollama.com/api/tags: the models that are on the machine
    models_path = "tags"
    # docs.ollama.com/api/streaming: JSON lines, not server-sent events
    parser_class = ollama.OllamaParser

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        payload = ollama.payload(request, self.resolve_model(request.model))
        return self.post_json(request, self.endpoint("chat"), payload)
