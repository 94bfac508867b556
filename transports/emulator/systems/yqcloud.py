"""Yqcloud: the body of the answer is its text."""

from __future__ import annotations

from ..request import Request
from ._raw_text import RawText
from .answer import Question
from .base import ErrorResponse, Fields, check_endpoint, check_fields, check_headers, check_object

SITE = "https://chat9.yqcloud.top"
HEADERS = {
    "accept": "application/json, text/plain, */*",
    "content-type": "application/json",
    "origin": SITE,
    "referer": f"{SITE}/",
}
FIELDS: Fields = {"prompt": str, "network": bool, "system": str, "withoutContext": bool, "stream": bool, "userId": str}


class Yqcloud(RawText):
    name = "yqcloud"
    content_type = "application/octet-stream"

    def check(self, request: Request) -> Question:
        check_endpoint(request, "POST", "/api/generateStream")
        check_headers(request, HEADERS)
        body = check_object(request)
        check_fields(body, FIELDS)
        for name in ("prompt", "userId"):
            if not body[name]:
                raise ErrorResponse(422, f"the field {name!r} is empty")
        return Question(body["prompt"])
