"""FreeNetfly: OpenAI's chat dialect behind a browser's headers, without a key."""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import openai_chat
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import Provider, ProviderInfo
from .call import Call

# The site's page sends these with every question; the caller's own values replace them.
_DEFAULTS = {"temperature": 0.5, "presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
# The site's page does not ask for usage: whether the endpoint takes `stream_options` is not known.
_QUIRKS = openai_chat.Quirks(asks_usage=False)


class FreeNetfly(Provider):
    """free.netfly.top. Five attempts, 2, 4, 8 and 16 seconds apart; 60 seconds for everything."""

    info = ProviderInfo(
        name="free_netfly",
        url="https://free.netfly.top",
        default_model="gpt-3.5-turbo",
        models=("gpt-3.5-turbo", "gpt-4"),
        working=False,
    )
    # Without jitter: the waits are those of the endpoint's public clients. They take 30 of the 60 seconds.
    retry = RetryPolicy(attempts=5, first_wait=2, factor=2, max_wait=16, jitter=0)
    timeouts = Timeouts(total=60)
    # Chat Completions' options of 2023: whether the endpoint takes a younger one is not known.
    options = frozenset(
        {
            "temperature", "presence_penalty", "frequency_penalty", "top_p", "max_tokens", "stop", "seed", "n", "user",
            "logit_bias", "tools", "tool_choice", "response_format", "extra",
        }
    )  # fmt: skip
    # OpenAI's role "developer" is younger than the endpoint.
    roles = ("system", "user", "assistant", "tool")
    parser_class = openai_chat.OpenAIChatParser
    # What a browser sends from the site's own page, so that the site takes us for it; `origin` and `referer` depend on
    # the base URL: see `call`.
    user_agent = ""  # its callers are browsers
    base_headers = (
        ("accept", "application/json, text/event-stream"),
        ("accept-language", "en-US,en;q=0.9"),
        ("content-type", "application/json"),
        ("dnt", "1"),
        ("sec-ch-ua", '"Not/A)Brand";v="8", "Chromium";v="126"'),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", '"Linux"'),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        ),
    )

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        model = self.resolve_model(request.model)
        payload = openai_chat.payload(request, model, self.options, _QUIRKS, self.info.name)
        place = (("origin", self.base_url), ("referer", f"{self.base_url}/"))
        url = self.endpoint("api/openai/v1/chat/completions")
        return self.post_json(request, url, payload._replace(fields={**_DEFAULTS, **payload.fields}), place)
