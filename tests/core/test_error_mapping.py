"""What a provider's error means, in whatever shape it comes."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
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
)
from sansio_core.dialects.error_mapping import (
    error_in,
    in_band,
    is_html,
    of_error,
    of_response,
    request_id,
    text_of_html,
)


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ({"error": "out of luck"}, ProviderRefused, "out of luck"),
        ({"error": "slow", "code": 429}, RateLimited, "slow"),
        ({"error": {"message": "slow", "type": "rate_limit_error"}}, RateLimited, "slow"),
        ({"error": {"message": "busy", "code": "overloaded_error"}}, ServerFailed, "busy"),
        ({"error": {"message": "busy", "status": "UNAVAILABLE"}}, ServerFailed, "busy"),
        ({"error": {"message": "busy", "code": 529}}, ServerFailed, "busy"),
        ({"error": {"message": "who", "code": "401"}}, AuthenticationFailed, "who"),
        ({"error": {"message": "who", "status": 401}}, AuthenticationFailed, "who"),
        ({"error": {"message": "slow", "statusCode": "429"}}, RateLimited, "slow"),
        ({"error": {"message": "slow", "reason": "rate_limit_exceeded"}}, RateLimited, "slow"),
        ({"error": {"message": "busy", "status_code": 503}}, ServerFailed, "busy"),
        ({"error": {"message": "odd", "code": 4290}}, ProviderRefused, "odd"),
        ({"error": {"message": "odd", "code": 401.0}}, ProviderRefused, "odd"),
        ({"error": {"message": "who", "type": "authentication_error"}}, AuthenticationFailed, "who"),
        ({"error": {"message": "no", "type": "permission_error"}}, PermissionDenied, "no"),
        ({"error": {"message": "which", "code": "model_not_found"}}, NotFound, "which"),
        ({"error": {"message": "long", "code": "context_length_exceeded"}}, ContextTooLong, "long"),
        (
            {"error": {"message": "prompt is too long: 9 > 5", "type": "invalid_request_error"}},
            ContextTooLong,
            "too long",
        ),
        ({"error": {"message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, ContentFiltered, "no"),
        ({"error": {"message": "bad", "type": "invalid_request_error"}}, BadRequest, "bad"),
        ({"error": {"message": "odd", "code": "unheard_of"}}, ProviderRefused, "odd"),
        ({"error": {"detail": {"why": "x"}}}, ProviderRefused, '{"why": "x"}'),
        ({"error": {}, "type": "error"}, ProviderRefused, "error"),
        ({"error": True}, ProviderRefused, "True"),
        ({"errors": ["first", "second"]}, ProviderRefused, "first"),
        ({"errors": [{"message": "first", "code": 503}]}, ServerFailed, "first"),
        ({"errors": {"field": "bad"}}, ProviderRefused, "field"),
        ({"type": "error", "message": "x"}, ProviderRefused, "x"),
        ({"object": "error", "message": "x", "code": 404}, NotFound, "x"),
        ({"object": "error", "message": "x"}, ProviderRefused, "x"),
        ({"status": "error", "msg": "x"}, ProviderRefused, "x"),
        ({"success": False, "message": "x"}, ProviderRefused, "x"),
        ({"detail": "x"}, ProviderRefused, "x"),
        ({"detail": [{"loc": ["body"]}]}, ProviderRefused, "loc"),
        ({"message": "x", "code": "too_many_requests"}, RateLimited, "x"),
        ({"code": -1, "msg": "x"}, ProviderRefused, "x"),
        ([{"error": {"message": "x", "code": 500}}], ServerFailed, "x"),
        ([{}, {"error": "x"}], ProviderRefused, "x"),
    ],
)
def test_an_error_within_an_answer(value: Any, kind: type[ChatError], said: str) -> None:
    for given_as in (value, json.dumps(value)):
        error = in_band(given_as)
        assert type(error) is kind
        assert said in str(error)
        assert "200" not in str(error)
        if isinstance(error, HTTPStatusError):
            assert error.in_band


@pytest.mark.parametrize(
    "value",
    [
        None, 5, "words", [], {}, [1, [{"error": "deep"}]],
        [{}, {}, {}, {"error": "too far"}], {"error": None}, {"error": ""}, {"error": []},
        {"errors": 0}, {"choices": [], "error": None}, {"message": "Hello"}, {"message": "Hello", "code": 200},
        {"msg": "x", "code": "ok"}, {"message": "", "code": 500},
        {"detail": "x", "a": 1, "b": 2}, {"status": "success", "msg": "x"}, {"success": True, "message": "x"},
        {"message": "x", "choices": [], "code": 500},
    ],
)  # fmt: skip
def test_what_tells_of_no_error(value: Any) -> None:
    assert error_in(value) is None
    assert in_band(value) is None


def test_an_error_that_is_no_object() -> None:
    assert str(of_error("x")) == str(ProviderRefused("x"))


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, b"", BadRequest, "status 400"),
        (400, b'{"error": {"message": "m", "code": "context_length_exceeded"}}', ContextTooLong, "m"),
        (400, b"This model's maximum context length is 5 tokens", ContextTooLong, "maximum"),
        (500, b"This model's maximum context length is 5 tokens", ServerFailed, "maximum"),
        (400, b'{"error": {"message": "m", "code": "content_filter"}}', ContentFiltered, "m"),
        (401, b'{"error": {"message": "m", "type": "rate_limit_error"}}', AuthenticationFailed, "m"),
        (403, b'{"detail": "Not here"}', PermissionDenied, "Not here"),
        (403, b'{"error": {"message": "prompt is too long"}}', PermissionDenied, "too long"),
        (403, b'{"error": {"message": "m", "type": "authentication_error"}}', PermissionDenied, "m"),
        (400, b'{"error": {"message": "prompt is too long", "code": "content_filter"}}', ContentFiltered, "long"),
        (403, b'{"error": {"message": "m", "code": "content_filter"}}', ContentFiltered, "m"),
        (429, b'{"error": {"message": "m", "code": "context_length_exceeded"}}', RateLimited, "m"),
        (404, b'{"foo": "bar"}', NotFound, '{"foo": "bar"}'),
        (422, b'{"detail": [{"msg": "field required"}]}', BadRequest, "field required"),
        (429, b'[{"error": {"message": "m", "status": "RESOURCE_EXHAUSTED"}}]', RateLimited, "m"),
        (500, b'"just text"', ServerFailed, "just text"),
        (502, b"<html><head><title>502 Bad &amp; Gateway</title>", ServerFailed, "502 Bad & Gateway"),
        (503, b"  <!DOCTYPE HTML><p>Try <b>later</b>", ServerFailed, "Try later"),
        (500, b"\xff\x00 bytes", ServerFailed, "bytes"),
        (500, b"x" * 5000, ServerFailed, "(5000 characters)"),
    ],
)
def test_a_response_that_refuses(status: int, body: bytes, kind: type[HTTPStatusError], said: str) -> None:
    error = of_response(status, (("x-request-id", "r1"), ("retry-after", "3")), body)
    assert type(error) is kind
    assert (error.status, error.request_id, error.retry_after, error.in_band) == (status, "r1", 3, False)
    assert said in str(error)
    assert len(error.body) < 600


def test_the_providers_own_words_are_kept() -> None:
    error = of_response(429, (), b'{"error": {"message": "m", "code": 7, "type": "tokens"}}')
    assert (error.code, error.kind, error.detail) == ("7", "tokens", "m")
    error = of_response(429, (), b'{"error": {"message": "m", "code": true, "type": ""}}')
    assert (error.code, error.kind) == (None, None)
    assert of_response(429, (), b'{"error": {"message": "m", "code": ""}}').code is None
    assert str(of_error({"detail": [1], "x": 2})) == str(ProviderRefused("[1]"))
    error = of_response(500, (), b'{"code": "odd", "status": "broken"}')  # of no known shape
    assert (error.code, error.kind, error.detail) == ("odd", "broken", '{"code": "odd", "status": "broken"}')


def test_request_ids() -> None:
    assert request_id((("X-Request-ID", "a"), ("cf-ray", "b"))) == "a"
    assert request_id((("CF-Ray", "b"),)) == "b"
    assert request_id((("x-request-id", ""), ("cf-ray", "b"), ("cf-ray", "c"))) == "b"
    assert request_id(()) is None


@pytest.mark.parametrize(
    ("text", "html"), [("\n<!doctype HTML>", True), ("<html lang=x>", True), ("<htmlx", False), ("a <html>", False)]
)
def test_a_page_is_known_by_its_beginning(text: str, html: bool) -> None:
    assert is_html(text) is html


def test_a_pages_words() -> None:
    assert text_of_html("<html><TITLE a=b>\n Just a\n moment… </TITLE><p>x") == "Just a moment…"
    assert text_of_html("<html><script>let x</script><style>p</style><p>Go <b>away</b>") == "Go away"


@pytest.mark.parametrize(
    "text", ["<html>" + "<title" * 2_000_000, "<html>" + "<" * 10_000_000, "<html>" + " " * 10_000_000]
)
def test_a_page_that_is_made_to_be_slow(text: str) -> None:
    begin = process_time()
    assert is_html(text)
    assert len(text_of_html(text)) < 600
    assert process_time() - begin < 2


def nested(depth: int) -> str:
    return '{"error": ' + "[" * depth + "]" * depth + "}"


@pytest.mark.parametrize("depth", [*range(880, 1000, 7), 100_000])
def test_depth_is_no_fault_of_ours(depth: int) -> None:
    for text in (nested(depth), "[" * depth + "]" * depth, nested(depth).replace("error", "detail")):
        assert isinstance(of_response(500, (), text.encode()), ServerFailed)
        assert isinstance(in_band(text), ProviderRefused | None)


def test_what_is_too_deep_to_be_shown() -> None:
    value: Any = []
    for _ in range(20_000):
        value = [value]
    assert "too deeply" in str(in_band({"error": {"message": value}}))


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["error", "500", "429"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "errors", "message", "msg", "detail", "code", "type", "status", "success", "innererror", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(ANYTHING, st.integers(300, 999))
def test_anything_is_one_of_our_errors_or_none(value: Any, status: int) -> None:
    text = json.dumps(value)
    for error in (in_band(value), in_band(text), of_error(value), of_response(status, (), text.encode())):
        assert error is None or (isinstance(error, ChatError) and str(error))


def test_googles_wrong_key_is_a_400_that_says_so_in_its_details() -> None:
    body: dict[str, Any] = {
        "error": {
            "code": 400,
            "message": "API key not valid. Please pass a valid API key.",
            "status": "INVALID_ARGUMENT",
            "details": ["odd", {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
        }
    }
    error = of_response(400, (), json.dumps(body).encode())
    assert type(error) is AuthenticationFailed
    assert "API key not valid" in str(error)
    body["error"]["details"] = [{"reason": "other"}] * 8 + body["error"]["details"]  # of a bounded number
    assert type(of_response(400, (), json.dumps(body).encode())) is BadRequest


def test_an_error_in_a_stream_keeps_what_its_value_says() -> None:
    value = {"type": "error", "error": {"type": "overloaded_error", "message": "m", "x": 1}, "request_id": "req_1"}
    error = in_band(value)
    assert isinstance(error, ServerFailed)
    assert (error.request_id, json.loads(error.body)) == ("req_1", value)
    assert isinstance(error := of_error({"message": "m", "code": "rate_limited", "x": 1}), RateLimited)
    assert json.loads(error.body)["x"] == 1


def test_googles_details() -> None:
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    wrong = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": "contents[0]"}, {}]}
    value = {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [wrong, retry]}}
    for error in (of_response(429, (), json.dumps(value).encode()), in_band(value)):
        assert isinstance(error, RateLimited)
        assert (error.retry_after, error.param) == (34.5, "contents[0]")
    assert of_response(429, (("retry-after", "0"),), json.dumps(value).encode()).retry_after == 0
    retry["retryDelay"] = "soon"
    assert of_response(429, (), json.dumps(value).encode()).retry_after is None


def test_a_message_is_short_whatever_the_provider_sends() -> None:
    long = "x" * 10_000
    body = json.dumps({"error": {"message": long, "code": long, "type": long, "param": long}}).encode()
    error = of_response(400, (("x-request-id", long),), body)
    assert len(str(error)) < 2000
    assert max(len(value) for value in (error.code, error.kind, error.param, error.request_id) if value) < 600
