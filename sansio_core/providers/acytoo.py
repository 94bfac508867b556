"""Acytoo: messages in, raw text out, without a key."""

from __future__ import annotations

from typing import Any, ClassVar

from ..dialects.plain_text import PlainTextParser
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import ProviderInfo
from .json_provider import JSONProvider


class Acytoo(JSONProvider):
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
    path = "api/completions"
    option_fields: ClassVar = {"temperature": "temperature"}
    user_agent = ""  # its callers are browsers
    base_headers = (("accept", "*/*"), ("content-type", "application/json"))
    key_header = None
    # No event stream: the answer is the text itself, and only a content type of HTML or JSON tells an error from it.
    parser_class = PlainTextParser

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any]:
        # The endpoint expects `key` and `password` to be there; its public clients send them empty.
        return {
            "key": "",
            "model": model,
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            # The endpoint's public clients send one with every question, 0.5 unless the user sets it.
            "temperature": 0.5,
            "password": "",
        }
