"""Acytoo: messages in, raw text out, without a key."""

from __future__ import annotations

from collections.abc import Callable

from ..dialects import ChatParser
from ..dialects.base import MAX_FRAME
from ..dialects.plain_text import PlainTextParser
from ..request import ChatRequest, dump_json
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import Call, Provider, ProviderInfo, warn_of_history


class Acytoo(Provider):
    """chat.acytoo.com. One attempt unless the caller asks for more; 120 seconds for everything."""

    info = ProviderInfo(
        name="acytoo",
        url="https://chat.acytoo.com",
        default_model="gpt-3.5-turbo",
        models=("gpt-3.5-turbo",),
        working=False,
    )
    retry = RetryPolicy(attempts=1)
    timeouts = Timeouts(total=120)
    options = frozenset({"temperature", "extra"})
    base_headers = (("accept", "*/*"), ("content-type", "application/json"))

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        warn_of_history(self.info.name, request.messages, calls=False)
        payload = {
            "key": "",
            "model": self.resolve_model(request.model),
            "messages": [{"role": message.role, "content": message.text} for message in request.messages],
            "temperature": request.options.get("temperature", 0.5),
            "password": "",
            **request.options.get("extra", {}),
        }
        return Call(self.http(request, "POST", f"{self.base_url}/api/completions", dump_json(payload)))

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return PlainTextParser(content_type=content_type)
