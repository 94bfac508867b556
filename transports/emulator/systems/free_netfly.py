"""FreeNetfly: the event stream of OpenAI's chat, for requests with a browser's headers."""

from __future__ import annotations

from ..request import Request
from ..response import Response
from ._openai_chat import OpenAIChat
from .answer import Answer, Question
from .base import ErrorResponse, Fields, check_endpoint, check_fields, check_headers, check_messages, check_object

MODELS = ("gpt-3.5-turbo", "gpt-4")
# The header fields of the service's own page, which a server can check; `origin` and `referer` depend on the base URL.
EXACT = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}
# Header fields with any value: they name the browser, and callers may replace them.
PRESENT = ("accept-language", "dnt", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "user-agent")
NUMBER = (int, float)
FIELDS: Fields = {
    "messages": list,
    "stream": bool,
    "model": str,
    "temperature": NUMBER,
    "presence_penalty": NUMBER,
    "frequency_penalty": NUMBER,
    "top_p": NUMBER,
}


class FreeNetfly(OpenAIChat):
    name = "free_netfly"

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/api/openai/v1/chat/completions")
        check_headers(request, {**EXACT, "origin": request.base, "referer": f"{request.base}/"}, PRESENT)
        body = check_object(request)
        check_fields(body, FIELDS)
        if body["model"] not in MODELS:
            raise ErrorResponse(404, f"the model {body['model']!r} does not exist")
        tools = bool(body.get("tools")) and body.get("tool_choice") != "none"
        return check_messages(body["messages"], ("system", "user", "assistant", "tool"), tools=tools)

    def render(self, request: Request, answer: Answer) -> Response:
        if not request.json["stream"]:
            return Response("application/json", [self.whole(request, answer)])
        return self.stream(request.json["model"], answer)
