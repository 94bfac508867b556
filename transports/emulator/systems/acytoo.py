"""Acytoo: the body of the answer is its text."""

from __future__ import annotations

from ..request import Request
from ._raw_text import RawText
from .answer import Question
from .base import ErrorResponse, Fields, check_endpoint, check_fields, check_headers, check_messages, check_object

HEADERS = {"accept": "*/*", "content-type": "application/json"}
FIELDS: Fields = {"key": str, "model": str, "messages": list, "temperature": (int, float), "password": str}


class Acytoo(RawText):
    name = "acytoo"

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/api/completions")
        check_headers(request, HEADERS)
        body = check_object(request)
        check_fields(body, FIELDS)
        if body["model"] != "gpt-3.5-turbo":
            raise ErrorResponse(422, f"the model {body['model']!r} does not exist")
        return check_messages(body["messages"], ("system", "user", "assistant"))
