"""What a provider's error means: JSON, HTML or text, in an error body or amid a good stream, as one of our errors."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import (
    AuthenticationFailed,
    BadRequest,
    ChatError,
    ContentFiltered,
    ContextTooLong,
    HTTPStatusError,
    NotFound,
    PermissionDenied,
    ProviderRefused,
    RateLimited,
    ServerFailed,
    UnexpectedContent,
    excerpt,
    status_class,
)
from ..http_request import Headers
from ..retry_after import retry_after

# The vendors' own words, in lower case. OpenAI: platform.openai.com/docs/guides/error-codes; Anthropic:
# docs.anthropic.com/en/api/errors; Google: cloud.google.com/apis/design/errors (canonical codes); others as seen.
_WORDS: dict[str, type[HTTPStatusError]] = {
    word: kind
    for kind, words in {
        RateLimited: "rate_limit_exceeded rate_limit_error rate_limited too_many_requests insufficient_quota "
        "resource_exhausted tokens requests throttling",
        ServerFailed: "overloaded_error overloaded server_error api_error internal_server_error internal_error "
        "internal unavailable unavailable_error service_unavailable engine_overloaded deadline_exceeded timeout_error "
        "bad_gateway serviceunavailable internalservererror",
        AuthenticationFailed: "authentication_error invalid_api_key api_key_invalid unauthenticated unauthorized "
        "invalid_authentication authenticationerror",
        PermissionDenied: "permission_error permission_denied forbidden billing_error insufficient_permissions",
        NotFound: "not_found_error model_not_found not_found notfounderror",
        ContextTooLong: "context_length_exceeded exceed_context_size_error string_above_max_length",
        ContentFiltered: "content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed "
        "moderation_blocked image_content_policy_violation",
        BadRequest: "invalid_request_error invalid_argument invalid_request badrequesterror failed_precondition "
        "request_too_large out_of_range invalid_prompt",
    }.items()
    for word in words.split()
}
_TOO_LONG = re.compile(
    r"maximum context length|context (length|size|window)|prompt is too long|too many tokens|input is too long"
    r"|exceeds? the (maximum|available) (number of tokens|context)|reduce the length",
    re.I,
)
_HTML = re.compile(r"\s*<(!doctype html|html|head|body|\?xml|center|h1)\b", re.I)
_UNSHOWN = re.compile(r"<(script|style)\b(?:(?!</\1).)*", re.I | re.S)  # elements whose text nobody sees
_PAGE = 20_000  # how much of a page is looked at
_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray")


def request_id(headers: Headers) -> str | None:
    """The provider's own name for a request, from its response's headers."""
    given = {name.lower(): value for name, value in reversed(headers)}
    return next((given[name] for name in _REQUEST_IDS if given.get(name)), None)


def is_html(text: str) -> bool:
    """Whether `text` begins as an HTML page does."""
    return bool(_HTML.match(text))


def text_of_html(text: str) -> str:
    """The title of an HTML page, else its words, in short."""
    from html import unescape  # its table of entities takes a millisecond to load, and few streams need it

    text = text[:_PAGE]
    title = re.search(r"<title[^>]{0,500}>([^<]*)", text, re.I)
    words = title[1] if title else re.sub(r"<[^>]{0,500}>", " ", _UNSHOWN.sub(" ", text))
    return excerpt(unescape(words))


def page_in_place_of_an_answer(text: str) -> UnexpectedContent:
    """What it is when `text`, an HTML page, comes where an answer should."""
    said = text_of_html(text)
    return UnexpectedContent("an HTML page came in place of an answer" + (f": {said}" if said else ""))


def error_in(value: Any) -> Any:
    """The part of a JSON value that tells of an error, or None.

    The shapes in use: {"error": "text"}, {"error": {…}}, {"type": "error", …}, {"errors": […]}, {"detail": …},
    {"message": …}, {"status": "error", "msg": …}, {"success": false, …}, and any of them in a list.
    """
    if isinstance(value, list):
        objects = (item for item in value[:3] if isinstance(item, dict))
        return next((found for item in objects if (found := error_in(item)) is not None), None)
    if not isinstance(value, dict):
        return None
    for key in ("error", "errors"):
        if value.get(key):
            error = value[key][0] if isinstance(value[key], list) else value[key]
            return error if isinstance(error, dict) else {**value, key: None, "message": str(error)}
    said = any(isinstance(value.get(key), (str, list, dict)) and value[key] for key in ("message", "detail", "msg"))
    marked = value.get("type") == "error" or value.get("object") == "error" or value.get("status") == "error"
    if marked or value.get("success") is False or (said and "choices" not in value and _coded(value)):
        return value
    return None


def _coded(value: dict[str, Any]) -> bool:
    """Whether an object with a message has something that only errors have: a model may well be asked for JSON."""
    if _class(value, "", None) is not None or ("detail" in value and len(value) <= 2):
        return True
    return bool(value.get("code")) and str(value["code"]) not in ("200", "ok", "success")


def in_band(value: Any) -> ChatError | None:
    """The error that a JSON value (or plain text) inside a good answer tells of, or None when it tells of none.

    It has the class that its HTTP status would have had; words that fit no status are ProviderRefused.
    """
    error = error_in(_loads(value) if isinstance(value, str) else value)
    return None if error is None else of_error(error)


def of_error(error: Any) -> ChatError:
    """The ChatError for an error object found inside a stream, whatever its shape."""
    if not isinstance(error, dict):
        return ProviderRefused(str(error))
    message, code, kind = _message(error), _word(error.get("code")), _word(error.get("type") or error.get("status"))
    found = _class(error, message, None)
    if found is None:
        return ProviderRefused(message)
    return found(None, message, code=code, kind=kind)


def of_response(status: int, headers: Headers, body: bytes) -> HTTPStatusError:
    """The error for a response that refused: by its status, its headers and a bounded piece of its body."""
    text = body.decode(errors="replace")
    value = _loads(text)
    error = error_in(value)
    if error is None and isinstance(value, dict):
        error = value
    message, code, kind = "", None, None
    found = status_class(status)
    if isinstance(error, dict):
        message, code = _message(error), _word(error.get("code"))
        kind = _word(error.get("type") or error.get("status"))
        found = _class(error, message, status) or found
    elif _TOO_LONG.search(text) and status in (400, 413, 422):
        found = ContextTooLong
    shown = text_of_html(text) if is_html(text) else text
    return found(
        status,
        message,
        body=excerpt(shown),
        request_id=request_id(headers),
        retry_after=retry_after(headers),
        code=code,
        kind=kind,
    )


def _class(error: dict[str, Any], message: str, status: int | None) -> type[HTTPStatusError] | None:
    words = [_word(error.get(key)) for key in ("code", "type", "status", "reason")]
    inner = error.get("innererror")  # Azure keeps the content filter's word one level down
    if isinstance(inner, dict):
        words.append(_word(inner.get("code")))
    details = error.get("details")  # Google's: a wrong key is a 400 whose details say so
    if isinstance(details, list):
        words += [_word(detail.get("reason")) for detail in details[:8] if isinstance(detail, dict)]
    kinds = [_WORDS[word.lower()] for word in words if word and word.lower() in _WORDS]
    if status is None:  # a number in the error's own words is the status that it would have had
        numbers = (error.get(key) for key in ("code", "status", "statusCode", "status_code"))
        found = (int(n) for n in numbers if isinstance(n, (int, str)) and re.fullmatch(r"[45][0-9]{2}", str(n)))
        kinds += [status_class(number) for number in found]
    refined: type[HTTPStatusError] | None = next(
        (kind for kind in kinds if kind in (ContextTooLong, ContentFiltered)), None
    )
    if refined is None and _TOO_LONG.search(message) and status in (None, 400, 413, 422):
        refined = ContextTooLong
    if refined is None and status == 400 and AuthenticationFailed in kinds:
        refined = AuthenticationFailed
    if status is not None:
        return refined if status in (400, 403, 413, 422) else None
    return refined or next(iter(kinds), None)


def _message(error: dict[str, Any]) -> str:
    try:
        return _said(error)
    except RecursionError:
        return "an error that is nested too deeply to be shown"


def _said(error: dict[str, Any]) -> str:
    for key in ("message", "msg", "detail", "error", "reason"):
        value = error.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, (dict, list)) and value:
            return json.dumps(value, ensure_ascii=False)
    return json.dumps(error, ensure_ascii=False)


def _word(value: Any) -> str | None:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" else None


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
