"""ChatgptFree: a WordPress page with a nonce, a post id and cookies, then the event stream of OpenAI's chat."""

from __future__ import annotations

import html
import secrets
from collections.abc import Mapping
from typing import Any

from ..request import Request
from ..response import Response
from ._openai_chat import OpenAIChat
from .answer import Answer, Question
from .base import ErrorResponse, check_endpoint, check_headers, dump

ORIGIN = "https://chatgptfree.ai"
POST_ID = "106"
EXACT = {
    "authority": "chatgptfree.ai",
    "accept": "*/*",
    "origin": ORIGIN,
    "referer": f"{ORIGIN}/chat/",
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}
PRESENT = ("accept-language", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "user-agent")
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>ChatGPT Free — Chat</title></head>
<body><div class="wpaicg-chat-shortcode" data-user-name="" {attributes} data-url="{base}" data-bot-id="0"></div></body>
</html>
"""


class ChatgptFree(OpenAIChat):
    name = "chatgpt_free"
    model = "gpt-4o-mini-2024-07-18"

    def __init__(self) -> None:
        super().__init__()
        self._pages = 0
        self._nonces: set[str] = set()
        self._sessions: set[str] = set()

    def page(self, request: Request) -> Response | None:
        if (request.method, request.path) != ("GET", "/"):
            return None
        check_headers(request, EXACT, PRESENT)
        self._pages += 1
        nonce, session = secrets.token_hex(5), secrets.token_hex(16)
        self._nonces.add(nonce)
        self._sessions.add(session)
        # From page to page the order of the attributes changes, and a character is written as a reference (HTML 13.5):
        # a client must parse the page, and not search it for a fixed text.
        attributes = [f'data-nonce="&#x{ord(nonce[0]):x};{nonce[1:]}"', f'data-post-id="{POST_ID}"']
        if self._pages % 2:
            attributes.reverse()
        text = PAGE.format(attributes=" ".join(attributes), base=html.escape(request.base))
        middle = text.index("data-nonce") + 15
        cookies = [
            ("Set-Cookie", f"wp_session={session}; Path=/; HttpOnly; SameSite=Lax"),
            ("Set-Cookie", "wp_lang=en; Expires=Wed, 31 Dec 2036 23:59:59 GMT; Path=/"),
        ]
        return Response("text/html; charset=UTF-8", [text[:middle].encode(), text[middle:].encode()], headers=cookies)

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/wp-admin/admin-ajax.php")
        check_headers(request, EXACT, PRESENT)
        form = request.form
        if form is None:
            raise ErrorResponse(400, "the body is not form-encoded (application/x-www-form-urlencoded)")
        for name in ("_wpnonce", "post_id", "url", "action", "message", "bot_id"):
            if not form.get(name):
                raise ErrorResponse(400, f"the field {name!r} is missing or empty")
        expected = {"url": request.base, "action": "wpaicg_chat_shortcode_message", "bot_id": "0"}
        for name, value in expected.items():
            if form[name] != value:
                raise ErrorResponse(400, f"the field {name!r} must be {value!r}, not {form[name]!r}")
        if form["_wpnonce"] not in self._nonces:
            raise ErrorResponse(403, "the nonce is stale, or was never given out")
        if form["post_id"] != POST_ID:
            raise ErrorResponse(403, "the post_id is not the one of the page")
        if request.cookies.get("wp_session") not in self._sessions or request.cookies.get("wp_lang") != "en":
            raise ErrorResponse(403, "the cookies that the page set did not come back")
        return Question(form["message"])

    def render(self, request: Request, answer: Answer) -> Response:
        return self.stream(self.model, answer)

    def error(self, request: Request, payload: Mapping[str, Any] | None) -> bytes:
        return dump({"status": "error", "msg": "The server is overloaded."} if payload is None else payload) + b"\n"

    def whole(self, request: Request, answer: Answer, indent: int | None = None) -> bytes:
        return dump({"data": answer.text}, indent)

    def go_stale(self) -> None:
        self._nonces.clear()

    def error_response(self, cause: ErrorResponse) -> Response:
        body = dump({"status": "error", "msg": cause.message})
        return Response("application/json", [body], status=cause.status)
