"""Acytoo: messages in, raw text out, without a key."""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import ChatParser
from ..dialects.base import MAX_FRAME
from ..dialects.forms import Payload, with_extra
from ..dialects.history import unsupported_in_text
from ..dialects.plain_text import PlainTextParser
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import Call, Provider, ProviderInfo


class Acytoo(Provider):
    """chat.acytoo.com. One attempt unless the caller asks for more; 120 seconds for everything."""

    info = ProviderInfo(
        name="acytoo",
        url="https://chat.acytoo.com",
        default_model="gpt-3.5-turbo",
        models=("gpt-3.5-turbo",),
        # The public host was last known not to answer; base_url puts the provider on another one.
        working=False,
    )
    # Nothing is known of errors that another attempt mends: whether to make one is left to the caller.
    retry = RetryPolicy(attempts=1)
    timeouts = Timeouts(total=120)
    options = frozenset({"temperature", "extra"})
    user_agent = ""  # its callers are browsers
    base_headers = (("accept", "*/*"), ("content-type", "application/json"))

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        # The endpoint expects `key` and `password` to be there; its public clients send them empty.
        body = {
            "key": "",
            "model": self.resolve_model(request.model),
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            # The endpoint's public clients send one with every question, 0.5 unless the user sets it.
            "temperature": request.options.get("temperature", 0.5),
            "password": "",
        }
        payload = Payload(with_extra(body, request.options), unsupported_in_text(request.messages))
        return self.post_json(request, self.endpoint("api/completions"), payload)

    # No event stream: the answer is the text itself, and only a content type of HTML or JSON tells an error from it.
    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return PlainTextParser(content_type=content_type)
