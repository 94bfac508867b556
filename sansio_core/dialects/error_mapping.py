"""One of our errors for each error of a provider: JSON, HTML or text, as an error response or within a good stream.

Two questions are answered apart: where in a JSON value the error object is (`error_in`), and which class of
`sansio_core.errors` it stands for (`in_band` and `of_event` within a stream, `of_response` for an error response).
"""

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
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    UnexpectedContent,
    UnexpectedRedirect,
)
from ..http_request import Headers
from ..redact import excerpt
from ..retry_after import duration, retry_after
from .forms import nonempty, object_of, objects

# The vendors' error codes, in lower case. OpenAI: developers.openai.com/api/docs/guides/error-codes; Anthropic:
# docs.anthropic.com/en/api/errors; Google: cloud.google.com/apis/design/errors (canonical codes). Codes that no vendor
# documents (data_inspection_failed, exceed_context_size_error) are as compatible hosts send them. Of a quota, in the
# order of the lines: OpenAI (help.openai.com/en/articles/6614457), Anthropic (platform.claude.com/docs/en/api/
# rate-limits), Alibaba (help.aliyun.com/en/model-studio/error-code), OpenRouter (openrouter.ai/docs/api_reference/
# limits), Moonshot, Groq (console.groq.com/docs/spend-limits), Together, the gateways LiteLLM and New API, and Z.ai's
# numbers (docs.z.ai/api-reference/api-code).
_CLASSES: dict[str, type[HTTPStatusError]] = {
    word: kind
    for kind, words in {
        QuotaExhausted: "insufficient_quota billing_hard_limit_reached billing_not_active credit_balance_exhausted "
        "organization_spend_limit_exceeded project_spend_limit_exceeded organization_usage_limit_exceeded "
        "billing_error enforced_spend_limit_reached "
        "arrearage allocationquota.freetieronly prepaidbilloverdue postpaidbilloverdue "
        "openrouter_credits openrouter_key_limit openrouter_free_tier_daily "
        "exceeded_current_quota_error blocked_api_access credit_limit "
        "budget_exceeded insufficient_user_quota pre_consume_token_quota_failed 1113 1308 1309 1310",
        RateLimited: "rate_limit_exceeded rate_limit_error rate_limited too_many_requests openrouter_in_flight_budget "
        "resource_exhausted tokens requests throttling throttling.ratequota throttling.allocationquota",
        ServerFailed: "overloaded_error overloaded server_error api_error internal_server_error internal_error "
        "internal unavailable unavailable_error service_unavailable engine_overloaded deadline_exceeded timeout_error "
        "bad_gateway serviceunavailable internalservererror",
        AuthenticationFailed: "authentication_error invalid_api_key api_key_invalid unauthenticated unauthorized "
        "invalid_authentication authenticationerror",
        PermissionDenied: "permission_error permission_denied forbidden insufficient_permissions",
        NotFound: "not_found_error model_not_found not_found notfounderror",
        ContextTooLong: "context_length_exceeded exceed_context_size_error string_above_max_length",
        ContentFiltered: "content_filter content_policy_violation responsibleaipolicyviolation data_inspection_failed "
        "moderation_blocked image_content_policy_violation",
        BadRequest: "invalid_request_error invalid_argument invalid_request badrequesterror failed_precondition "
        "request_too_large out_of_range invalid_prompt",
    }.items()
    for word in words.split()
}
# The statuses with a class of their own. RFC 9110 15: an unknown status is as the x00 of its hundred.
_BY_STATUS: dict[int, type[HTTPStatusError]] = {
    401: AuthenticationFailed,
    402: PermissionDenied,
    403: PermissionDenied,
    404: NotFound,
    410: NotFound,
    429: RateLimited,
}
# No code tells Anthropic's and most hosts' "too long" from any other bad request: only the sentence does.
_TOO_LONG = re.compile(
    r"maximum context length|context (length|size|window)|prompt is too long|too many tokens|input is too long"
    r"|exceeds? the (maximum|available) (number of tokens|context)|reduce the length",
    re.I,
)
# What no code tells: DeepSeek's 402, Anthropic's 400, OpenRouter's 402, xAI's 403, Gemini's 429, SiliconFlow's 403,
# Hugging Face's 402, Fireworks's 412, Kimi Code's 403, and hosts that pass on a sentence alone. "You exceeded your
# current quota" is not among them: Gemini and Alibaba say so of a minute's tokens as well. (A text: few processes need
# it, and compiling it at import would take longer than all else here.)
_USED_UP = (
    r"insufficient (account )?(balance|credits?|funds)|balance is (insufficient|too low)|余额不足|credit limit exceeded"
    r"|(out of|requires more|used all available|depleted your monthly included|exceeded your monthly included) credits"
    r"|credits are depleted|reached (your|its)( specified)?( workspace)?( api)?( monthly)? (usage|spending) limit"
    r"|monthly spending (limit|cap)|free-models-per-day"
)
# The statuses of a bad request. A server that fails with 500 may quote such a sentence and still mean its own fault.
_TOO_LONG_STATUSES = (400, 413, 422)
# The statuses of which an error object may say more. 403 is OpenRouter's for input that a moderation model flagged:
# openrouter.ai/docs/api-reference/errors.
_REFINED_STATUSES = (*_TOO_LONG_STATUSES, 403)
_FINE_CLASSES = (ContextTooLong, ContentFiltered)  # no HTTP status of their own
_HTML = re.compile(r"\s*<(!doctype html|html|head|body|\?xml|center|h1)\b", re.I)
_INVISIBLE = re.compile(r"<(script|style)\b(?:(?!</\1).)*", re.I | re.S)  # elements whose text no browser shows
_PAGE = 20_000  # characters; a page's title and first words stand before that, and a huge page costs no more
# OpenAI's, Anthropic's, Azure's, AWS's; last Cloudflare's, which names a request to the proxy before the provider only.
REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray")


def request_id(headers: Headers) -> str | None:
    """The id that the provider gave a request, from its response's headers: its support asks for it."""
    # reversed, so that of a header that came twice the first one counts
    given = {name.lower(): value for name, value in reversed(headers)}
    return next((given[name] for name in REQUEST_IDS if given.get(name)), None)


def is_html(text: str) -> bool:
    """Whether `text` begins like an HTML page."""
    return bool(_HTML.match(text))


def text_of_html(text: str) -> str:
    """The title of an HTML page, else its visible words, cut to the length of an excerpt."""
    from html import unescape  # its table of entities takes a millisecond to load, and few streams need it

    text = text[:_PAGE]
    title = re.search(r"<title[^>]{0,500}>([^<]*)", text, re.I)
    words = title[1] if title else re.sub(r"<[^>]{0,500}>", " ", _INVISIBLE.sub(" ", text))
    return excerpt(unescape(words))


def page_in_place_of_an_answer(text: str) -> UnexpectedContent:
    """The error for an HTML page, `text`, that a server sent where an answer should be."""
    words = text_of_html(text)
    return UnexpectedContent("an HTML page came in place of an answer" + (f": {words}" if words else ""))


def error_in(value: Any) -> Any:
    """The error object within a JSON value, or None where the value tells of no error.

    The shapes in use: {"error": "text"}, {"error": {…}}, {"type": "error", …}, {"errors": […]}, {"detail": …},
    {"message": …}, {"status": "error", "msg": …}, {"success": false, …}, and any of them in a list (Google's arrays).
    """
    # Bounded: a long list that is no error is not searched to its end.
    items = value[:3] if isinstance(value, list) else [value]
    errors = (_error_in_object(item) for item in items if isinstance(item, dict))
    return next((error for error in errors if error is not None), None)


_MARKS = (("type", "error"), ("object", "error"), ("status", "error"))
"""Fields that say outright that the object which has them is an error: Anthropic, vLLM, WordPress's plugins."""


def _error_in_object(value: dict[str, Any]) -> dict[str, Any] | None:
    for key in ("error", "errors"):
        if value.get(key):
            error = value[key][0] if isinstance(value[key], list) else value[key]
            # of {"error": "text", "code": 429} the code counts as well, so what stands beside the text is kept
            return error if isinstance(error, dict) else {**value, key: None, "message": str(error)}
    if any(value.get(key) == mark for key, mark in _MARKS) or value.get("success") is False:
        return value
    return value if _is_coded_message(value) else None


def _is_coded_message(value: dict[str, Any]) -> bool:
    """Whether an object has a message and beside it what only errors have: a model may well be asked for JSON."""
    texts = (value.get(key) for key in ("message", "detail", "msg"))
    if "choices" in value or not any(text and isinstance(text, (str, list, dict)) for text in texts):
        return False
    if _class_in_stream(value, "") is not None or ("detail" in value and len(value) <= 2):  # FastAPI's {"detail": …}
        return True
    return bool(value.get("code")) and str(value["code"]) not in ("200", "ok", "success")


def in_band(value: Any) -> ChatError | None:
    """The error that a JSON value (or plain text) inside a good answer tells of, or None where it tells of none.

    It has the class that its HTTP status would have had; an error whose code fits no status is a ProviderRefused.
    """
    whole = _loads(value) if isinstance(value, str) else value
    error = error_in(whole)
    return None if error is None else of_error(error, whole)


def of_event(event: Any, value: Any) -> ChatError | None:
    """The error that an event of a stream tells of: by its value's shape, or by being of the type "error"."""
    error = error_in(value)
    if error is None and event == "error":
        error = value
    return None if error is None else of_error(error, value)


def of_error(error: Any, whole: Any = None) -> ChatError:
    """The ChatError for an error object found inside a stream, whatever its shape; `whole`: the value that it is in."""
    if not isinstance(error, dict):
        return ProviderRefused(str(error))
    message, codes = _message(error), _codes(error)
    found = _class_in_stream(error, message)
    if found is None:
        return ProviderRefused(message, **codes)
    # platform.claude.com/docs/en/api/errors: the event has the request's id
    request_id = nonempty(object_of(whole).get("request_id"))
    body = excerpt(_message({"error": whole or error}))
    return found(None, message, body=body, request_id=request_id, retry_after=_delay(error, message, found), **codes)


def of_response(status: int, headers: Headers, body: bytes) -> HTTPStatusError:
    """The error for an error response: by its status, its headers and a bounded piece of its body."""
    # A bounded piece may end inside a character.
    text = body.decode(errors="replace")
    value = _loads(text)
    error = error_in(value)
    if error is None:
        error = value  # an object that has no shape of an error is one all the same: the status says so
    known = error if isinstance(error, dict) else {}
    message = _message(known) if known else ""
    said = message or text
    found = _class_of_response(known, said, status) or status_class(status)
    return found(
        status,
        message,
        body=excerpt(text_of_html(text) if is_html(text) else text),
        request_id=excerpt(request_id(headers) or "") or None,
        retry_after=_delay(known, said, found) if (asked := retry_after(headers)) is None else asked,
        **_codes(known),
    )


def status_class(status: int) -> type[HTTPStatusError]:
    """The error class for an HTTP status of 300 and above.

    BadRequest also stands for a status below 300, where a provider sends a status as a number inside a stream.
    """
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 300 <= status < 400:  # one that the exchange could follow never comes here
        return UnexpectedRedirect
    return ServerFailed if status >= 500 else BadRequest


def _codes(error: dict[str, Any]) -> dict[str, Any]:
    """The provider's own code and kind of an error, and the field that it is about, as HTTPStatusError keeps them."""
    # Google's kind is its `status`, a word such as INVALID_ARGUMENT; its `code` is a number.
    kind = error.get("type") or error.get("status")
    violations = (each for detail in _details(error) for each in objects(detail.get("fieldViolations")))
    param = error.get("param") or next(violations, {}).get("field")
    return {"code": _code(error.get("code")), "kind": _code(kind), "param": _code(param)}


def _details(error: Any) -> list[dict[str, Any]]:
    """Google's details of an error (cloud.google.com/apis/design/errors#error_details), of bounded length."""
    details = object_of(error).get("details")
    return list(objects(details[:8] if isinstance(details, list) else None))


def _delay(error: dict[str, Any], message: str, kind: type[HTTPStatusError]) -> float | None:
    """The seconds to wait that the body of an error asks for."""
    if kind is QuotaExhausted:  # what Gemini asks then is of its quota for a minute: the day's does not come back by it
        return None
    # google.rpc.RetryInfo: "34s" or "34.074824224s". Where it is missing, Gemini says "Please retry in 34.07s.", OpenAI
    # and Groq "Please try again in 7m12s." (within a stream, where no Retry-After can be).
    delays = [str(detail.get("retryDelay")) for detail in _details(error)]
    delays += re.findall(r"\b(?:retry|try again) in ((?:[0-9.]+[a-z\u00b5]+)+)", message)[:1]
    return next((seconds for text in delays if (seconds := duration(text)) is not None), None)


def _class_in_stream(error: dict[str, Any], message: str) -> type[HTTPStatusError] | None:
    """The class of an error that has no HTTP status: by its codes, and by any number in them that is one."""
    # Words before numbers: invalid_api_key says more than a 400 beside it.
    kinds = [*_classes(error), *map(status_class, _statuses(error))]
    return _quota_class(kinds, error, message) or _fine_class(kinds, message) or next(iter(kinds), None)


def _class_of_response(error: dict[str, Any], message: str, status: int) -> type[HTTPStatusError] | None:
    """A finer class than the status has, by the error object; None where the status says all."""
    kinds = _classes(error)
    if 400 <= status < 500 and (quota := _quota_class(kinds, error, message)):
        return quota
    if status == 402 and RateLimited in kinds:  # OpenRouter's, of what is not yet charged: it comes with a Retry-After
        return RateLimited
    if status not in _REFINED_STATUSES:
        return None
    # Google answers a wrong key with 400 and says API_KEY_INVALID in the details: ai.google.dev/gemini-api/docs/api-key
    wrong_key = AuthenticationFailed if status == 400 and AuthenticationFailed in kinds else None
    return _fine_class(kinds, message if status in _TOO_LONG_STATUSES else "") or wrong_key


def _quota_class(
    kinds: list[type[HTTPStatusError]], error: dict[str, Any], message: str
) -> type[HTTPStatusError] | None:
    """QuotaExhausted for an error that says so, RateLimited for one that only sounds like it, None for any other."""
    said = message.lower()
    # help.aliyun.com/en/model-studio/rate-limit: Alibaba's insufficient_quota is its limit of tokens a minute.
    alibaba = "aliyun.com" in said or "alibabacloud.com" in said
    if said.lstrip().startswith("allocated quota exceeded") or (alibaba and "exceeded your current quota" in said):
        return RateLimited
    return QuotaExhausted if QuotaExhausted in kinds or _is_daily(error) or re.search(_USED_UP, said) else None


def _is_daily(error: dict[str, Any]) -> bool:
    """Whether Gemini names a day's quota: it comes back at midnight in California (ai.google.dev/gemini-api/docs/
    rate-limits). The RetryInfo beside it names some seconds all the same, after which every request fails until then.
    """
    violations = (each for detail in _details(error) for each in objects(detail.get("violations")))
    return any("PerDay" in str(each.get("quotaId")) for each in violations)


def _fine_class(kinds: list[type[HTTPStatusError]], message: str) -> type[HTTPStatusError] | None:
    """What an error's codes or its message say that no HTTP status does."""
    fine = next((kind for kind in kinds if kind in _FINE_CLASSES), None)
    return ContextTooLong if fine is None and _TOO_LONG.search(message) else fine


def _classes(error: dict[str, Any]) -> list[type[HTTPStatusError]]:
    """The classes that an error's codes stand for, wherever vendors put codes."""
    codes = [error.get(key) for key in ("code", "type", "status", "reason")]
    # learn.microsoft.com/azure/ai-services/openai/concepts/content-filter: the filter's code is one level down
    inner = error.get("innererror")
    codes.append(inner.get("code") if isinstance(inner, dict) else None)
    codes += [detail.get("reason") for detail in _details(error)]  # google.rpc.ErrorInfo
    codes.append(object_of(error.get("details")).get("error_code"))  # Anthropic's, of a tier's spend limit
    codes.append(object_of(error.get("metadata")).get("limit_source"))  # OpenRouter's, beside a number as the code
    words = (code.lower() for code in map(_code, codes) if code)
    return [_CLASSES[word] for word in words if word in _CLASSES]


def _statuses(error: dict[str, Any]) -> list[int]:
    """The HTTP statuses of an error that an error object names: Google's code, Fastify's statusCode, and the like."""
    numbers = (error.get(key) for key in ("code", "status", "statusCode", "status_code"))
    # 400 to 599 only: the numbers of google.rpc.Code end at 16, and a status below 400 is no error.
    return [int(n) for n in numbers if isinstance(n, (int, str)) and re.fullmatch(r"[45][0-9]{2}", str(n))]


def _message(error: dict[str, Any]) -> str:
    try:
        return _text_of(error)
    except RecursionError:  # json.dumps gives up on nesting that decoding still took
        return "an error that is nested too deeply to be shown"


def _text_of(error: dict[str, Any]) -> str:
    """The sentence of an error object under whichever name it has one, else all of the object as JSON."""
    values = (error.get(key) for key in ("message", "msg", "detail", "error", "reason"))
    found = next((value for value in values if value and isinstance(value, (str, dict, list))), error)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _code(value: Any) -> str | None:
    """A code as text: some vendors send it as a number. True and "" are no codes."""
    told = isinstance(value, (str, int)) and not isinstance(value, bool) and value != ""
    return excerpt(str(value)) if told else None


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
