"""FreeNetfly: OpenAI's chat stream behind a browser's headers."""

from __future__ import annotations

from dataclasses import replace

from ..record import Request
from ..response import Response
from ._openai_chat import OpenAIChat
from .answer import Answer, Question
from .base import Fields, Refused, check_endpoint, check_fields, check_headers, check_messages, check_object

MODELS = ("gpt-3.5-turbo", "gpt-4")
# what the service's own page sends and a server can hold a client to; `origin` and `referer` follow from the base
EXACT = {
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}
# the browser's own words, which a caller may replace
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
            raise Refused(404, f"the model {body['model']!r} does not exist")
        question = check_messages(body["messages"], ("system", "user", "assistant", "tool"))
        asked = bool(body.get("tools")) and body.get("tool_choice") != "none" and body["messages"][-1]["role"] != "tool"
        return replace(question, tools=asked)

    def render(self, request: Request, answer: Answer) -> Response:
        if not request.json["stream"]:
            return Response("application/json", [self.whole(request, answer)])
        return self.stream(request.json["model"], answer)
