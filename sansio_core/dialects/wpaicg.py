"""The answers of the chat form of AI Power, a WordPress plugin (its action is `wpaicg_chat_shortcode_message`).

The plugin sends OpenAI's chat chunks as an event stream, or one JSON object: {"data": "the whole text"} or
{"status": "error", "msg": "…"}. Where the page's nonce is stale, WordPress itself answers: `-1` from
developer.wordpress.org/reference/functions/check_ajax_referer/, or `0` from wp-admin/admin-ajax.php for an action that
it does not know.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ..errors import ProviderRefused
from ..events import ChatEvent, Finished, TextDelta
from .openai_chat import OpenAIChatParser


class NonceRefused(ProviderRefused):
    """WordPress did not accept the page's nonce: it is stale, and a new page has a new one."""


class WpaicgParser(OpenAIChatParser):
    """OpenAI's chat chunks, and the plugin's own answers without a stream."""

    _silent = True  # whether nothing of an answer came: within one, `0` is no word of WordPress

    def _stray(self, line: str, out: list[ChatEvent]) -> None:
        if self._silent and line.strip() in ("-1", "0"):
            self.fail(NonceRefused(f"WordPress answered {line.strip()}: the page's nonce was not accepted"), out)
            return
        if line.strip():  # a blank line is no answer yet
            self._silent = False
        super()._stray(line, out)

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        self._silent = False
        super().decode(event, value, out)

    def _decode_bare(self, value: Any, out: list[ChatEvent]) -> None:
        # wp_send_json_error has a `data`, too: only `success` tells its object from an answer.
        if not isinstance(value, dict) or "data" not in value or "choices" in value or _is_error(value):
            super()._decode_bare(value, out)
        elif isinstance(text := value["data"], str):
            if text:
                out.append(TextDelta(text))
            out.append(Finished())  # the plugin gives no reason
            # The object is the whole answer; no `[DONE]` follows it.
            self.complete = self.ended = True
        else:
            self.fail(ProviderRefused(str(value.get("msg") or "it answered without data")), out)


def _is_error(value: dict[str, Any]) -> bool:
    """Whether it is an error of the plugin, or of developer.wordpress.org/reference/functions/wp_send_json_error/."""
    return value.get("status") == "error" or value.get("success") is False


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
