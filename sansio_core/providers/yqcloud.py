"""Yqcloud: one prompt in, raw text out, without a key; the text also says that the caller's address is blocked."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from ..dialects.forms import Payload, with_extra
from ..dialects.history import prompt_of, unsupported_in_text
from ..dialects.plain_text import PlainTextParser
from ..errors import InvalidRequest, IPBlocked, safe_repr
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import Provider, ProviderInfo
from .call import Call

# "Your IP has been blocked, as it triggered the abuse detection": part of an otherwise normal answer, status 200.
BAN = "sorry, 您的ip已由于触发防滥用检测而被封禁"
# The least and the greatest number that the site's public clients draw for a user.
_USER_IDS = (1690000544336, 2093025544336)


class YqcloudParser(PlainTextParser):
    """The text, in which alone the sentence of a blocked address can be found."""

    error_sentences: ClassVar = {BAN: IPBlocked}


class Yqcloud(Provider):
    """chat9.yqcloud.top. One attempt unless the caller asks for more; 120 seconds for everything.

    Its own options: `user_id` (a whole number, else a random one) and `system_message`.
    """

    info = ProviderInfo(
        name="yqcloud",
        url="https://api.aichatos.cloud",
        default_model="gpt-3.5-turbo",
        models=("gpt-3.5-turbo",),
    )
    retry = RetryPolicy(attempts=1)
    timeouts = Timeouts(total=120)
    options = frozenset({"extra"})
    own_options = frozenset({"user_id", "system_message"})
    parser_class = YqcloudParser
    volatile = frozenset({"userId"})
    # The site's page asks from another host than the API's, so origin and referer do not follow base_url.
    user_agent = ""  # its callers are browsers
    base_headers = (
        ("accept", "application/json, text/plain, */*"),
        ("content-type", "application/json"),
        ("origin", "https://chat9.yqcloud.top"),
        ("referer", "https://chat9.yqcloud.top/"),
    )

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        self.resolve_model(request.model)  # raises for an unknown one; the wire has no field for it
        # A leading system message goes into the field `system`, unless the caller fills that by `system_message`. One
        # that is the only message stays the prompt, which may not be empty.
        first = request.messages[0]
        leads = first.role == "system" and len(request.messages) > 1 and "system_message" not in request.options
        low, high = _USER_IDS
        # random() is below 1: the greatest number can be drawn, and none above it.
        user_id = request.options.get("user_id", low + int(random() * (high - low + 1)))
        # True is an int to Python.
        if isinstance(user_id, bool) or not isinstance(user_id, (int, str)):
            raise InvalidRequest(f"user_id must be a whole number, not {safe_repr(user_id)}")
        body = {
            "prompt": prompt_of(request.messages[1 if leads else 0 :]),
            "network": True,
            "system": first.text if leads else request.options.get("system_message", ""),
            "withoutContext": False,
            "stream": True,
            "userId": f"#/chat/{user_id}",
        }
        payload = Payload(with_extra(body, request.options), unsupported_in_text(request.messages))
        return self.post_json(request, self.endpoint("api/generateStream"), payload)
