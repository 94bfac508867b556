"""The answers of WordPress's AI Power chat form (`wpaicg_chat_shortcode_message`): OpenAI chat chunks as an event
stream, or one JSON object: {"data": "the whole text"}, {"status": "error", "msg": "…"}. A nonce that WordPress does
not accept is answered by a bare `-1` or `0` (developer.wordpress.org: check_ajax_referer, wp_ajax_ actions)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ..errors import ProviderRefused
from ..events import ChatEvent, Finished, TextDelta
from .openai_chat import OpenAIChatParser


class NonceRefused(ProviderRefused):
    """WordPress did not accept the nonce (or knows no such action): it is stale."""


class WpaicgParser(OpenAIChatParser):
    """OpenAI's chat dialect, and the plugin's own ways to answer without a stream."""

    _silent = True

    def _stray(self, line: str, out: list[ChatEvent]) -> None:
        if self._silent and line.strip() in ("-1", "0"):
            self._fail(NonceRefused(f"WordPress answered {line.strip()}: the page's nonce was not accepted"), out)
            return
        if line.strip():
            self._silent = False
        super()._stray(line, out)

    def _decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        self._silent = False
        super()._decode(event, value, out)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        refused = isinstance(value, dict) and (value.get("status") == "error" or value.get("success") is False)
        if isinstance(value, dict) and "data" in value and "choices" not in value and not refused:
            text = value["data"]
            if isinstance(text, str):
                if text:
                    out.append(TextDelta(text))
                out.append(Finished())
                self.complete = self.ended = True
            else:
                self._fail(ProviderRefused(str(value.get("msg") or "it answered without data")), out)
            return
        super()._decode_bare(value, out)


def form(*, message: str, nonce: str, post_id: str, page_url: str) -> bytes:
    """The body of the plugin's chat form, application/x-www-form-urlencoded: what a page's script sends for `message`.

    `nonce` and `post_id` are the page's attributes `data-nonce` and `data-post-id`.
    """
    fields = {
        "_wpnonce": nonce,
        "post_id": post_id,
        "url": page_url,
        "action": "wpaicg_chat_shortcode_message",
        "message": message,
        "bot_id": "0",
    }
    return urlencode(fields).encode("ascii")
