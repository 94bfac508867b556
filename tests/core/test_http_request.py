"""What goes over a wire: checked before it does, and shown without its secrets."""

from __future__ import annotations

from typing import Any

import pytest

from sansio_core import HttpRequest, InvalidRequest, UnexpectedRedirect
from sansio_core.http_request import (
    Fields,
    body_length,
    check_base_url,
    check_url,
    cookie_header,
    header,
    is_cookie,
    merge,
    origin,
    quote_segment,
    redirect,
)
from sansio_core.redact import redact_field, redact_url

URL = "https://chat.example/v1"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/", "file:///etc/passwd", "host/path", "", "https://", "https:///x", "https://ho st/", "https://h\nost/",
        "https://h\x00/", "https://h\u00f6st/", "https://user:pw@host/", "https://user@host/", "https://host:x/",
        "https://host:99999/", "http://[::1", "javascript:x", " https://host/", "https://host/\r\nx: y", None, 5, b"https://h/",
    ],
)  # fmt: skip
def test_a_url_that_is_not_sent(url: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        HttpRequest("GET", url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://h", "https://[::1]:8080/x?y=%20#z", "HTTP://Host:80/", "http://xn--hst-sna/"])
def test_a_url_that_is(url: str) -> None:
    check_url(url)
    assert HttpRequest("GET", url).url == url


@pytest.mark.parametrize(
    ("given", "kept"), [(URL, URL), (URL + "/", URL), (URL + "//", URL), ("http://h/X/", "http://h/X")]
)
def test_a_base_url_has_no_slash_at_its_end(given: str, kept: str) -> None:
    assert check_base_url(given) == kept


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (URL + "?key=s3cret", f"a base URL has no query or fragment: '{URL}?key=[hidden]'"),
        (URL + "#x", f"a base URL has no query or fragment: '{URL}'"),
        ("nohost", "'nohost' is not an http:// or https:// URL with a host"),
    ],
)
def test_a_base_url_is_no_more_than_that(url: str, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_base_url(url)
    assert str(caught.value) == said


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\n", "\u00e4", "a\x00", None, 5, b"a"])
def test_a_header_name_that_is_not_sent(name: Any) -> None:
    with pytest.raises(InvalidRequest, match="header name"):
        HttpRequest("GET", URL, ((name, "x"),))


@pytest.mark.parametrize(
    "value", ["s3cret\n", "s3cret\r\nx: y", "s3cret\x00", "s3cret\u00e4", "s3cret\x7f", None, 5, b"x"]
)
def test_a_header_value_that_is_not_sent(value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        HttpRequest("GET", URL, (("x-one", value),))
    assert str(caught.value) == (
        "the value for the header 'x-one' has a line end, control or non-ASCII character (or is no str): "
        "check it for a stray newline, and percent-encode other characters"
    )


def test_what_a_request_has_by_itself() -> None:
    request = HttpRequest("GET", URL)
    assert (request.headers, request.body, request.given) == ((), b"", ())
    fields = Fields((("authorization", "Bearer s3cret"), ("x", "tab\tand blank")))
    assert HttpRequest("GET", URL, fields).headers is fields, "checked once"
    assert fields.secrets(()) is fields.secrets(()), "looked for once"


def test_what_transports_read_of_checked_fields() -> None:
    form = Fields((("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("X-A", "b c")))
    assert (form.form, form.plain, form.names) == (True, True, {"content-type", "x-a"})
    assert form.lines == "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nX-A: b c\r\n"
    for value in ("", " b", "b ", "\tb", "b\tc"):
        fields = Fields((("x-a", value), ("x-b", "c")))
        assert (fields.form, fields.plain) == (False, False)


def test_headers_are_found_and_laid_over_one_another_without_regard_to_case() -> None:
    headers = (("Content-Type", "a"), ("content-type", "b"))
    assert header(headers, "content-type") == "a"
    assert header([], "content-type") == ""
    assert header([], "content-type", "c") == "c"
    assert merge((("A", "1"), ("B", "2")), (), (("a", "3"),), (("C", "4"),)) == (("a", "3"), ("B", "2"), ("C", "4"))


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://H:443/x", True), ("https://h/y?z", True), ("http://h/", False), ("https://h:444/", False),
        ("https://h.evil/", False), ("https://www.h/", False), ("https://h./", False),
    ],
)  # fmt: skip
def test_an_origin_is_scheme_host_and_port(url: str, same: bool) -> None:
    assert (origin(url) == origin("https://h/")) is same
    assert origin("http://h") == ("http", "h", 80)


@pytest.mark.parametrize(
    ("url", "origin", "authority", "target"),
    [
        ("https://chat.example", ("https", "chat.example", 443), "chat.example", "/"),
        ("http://chat.example:81/v1/chat?k=1&a=", ("http", "chat.example", 81), "chat.example:81", "/v1/chat?k=1&a="),
        ("http://[::1]:80/a#b", ("http", "::1", 80), "[::1]:80", "/a"),
        ("http://chat.example?a", ("http", "chat.example", 80), "chat.example", "/?a"),
    ],
)
def test_what_a_transport_connects_to_and_asks_for(url: str, origin: Any, authority: str, target: str) -> None:
    request = HttpRequest("GET", url)
    assert (request.origin, request.authority, request.target) == (origin, authority, target)


def test_cookies() -> None:
    assert cookie_header({}) == ()
    assert cookie_header({"a": "1", "b": 'x=y "z"'}) == (("cookie", 'a=1; b=x=y "z"'),)
    for name, value in (("a", "1;b=2"), ("a b", "1"), ("a", "\n"), ("", "1"), ("a=", "1"), ("a", "\u00e4")):
        assert not is_cookie(name, value)
        with pytest.raises(InvalidRequest) as caught:
            cookie_header({name: value})
        said = f"the cookie {name!r} has a character that cannot be sent: percent-encode it"
        assert str(caught.value) == said
    for pair in ((5, "1"), ("a", 5), ("a", None)):
        assert not is_cookie(*pair)


def test_a_model_cannot_leave_its_place_in_a_url() -> None:
    assert quote_segment("a/../b?c#d e\u00e4") == "a%2F..%2Fb%3Fc%23d%20e%C3%A4"
    assert quote_segment("gpt-4o:free@x") == "gpt-4o:free@x"
    assert quote_segment("...:@!$&'()*+,;=~-._") == "...:@!$&'()*+,;=~-._"
    for step in (".", ".."):
        with pytest.raises(InvalidRequest) as caught:
            quote_segment(step)
        assert str(caught.value) == f"{step!r} cannot be the name of a model: it would be a step in the URL's path"


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_repr_shows_no_secret() -> None:
    request = HttpRequest(
        "POST",
        "https://h/x?key=AIzaSecret&alt=sse&api_key=&token=t0ken#frag",
        (
            ("Authorization", "Bearer sk-secret"), ("X-Api-Key", "sk-secret"), ("api-key", "sk-secret"),
            ("x-goog-api-key", "sk-secret"), ("Cookie", "a=sk-secret"), ("Proxy-Authorization", "Basic sk-secret"),
            ("accept", "*/*"),
        ),
        b"_wpnonce=sk-secret",
    )  # fmt: skip
    text = repr(request)
    assert not any(secret in text for secret in ("secret", "Secret", "t0ken"))
    assert "alt=sse" in text
    assert "('accept', '*/*')" in text
    assert "<18 bytes>" in text


def test_a_log_shows_a_url_without_what_is_secret_in_it() -> None:
    assert redact_url("https://u:p@h:1/x?key=k&a=b") == "https://h:1/x?key=[hidden]&a=b"
    assert redact_url("https://h/x") == "https://h/x"


@pytest.mark.parametrize("url", ["jttps>//user:a-password@h/", "ftp://user:a-password@h/", "user:a-password@h"])
def test_what_is_no_url_is_not_quoted_with_its_password(url: str) -> None:
    with pytest.raises(InvalidRequest, match="h") as caught:
        check_url(url)
    assert "a-password" not in str(caught.value)


def test_every_secret_of_a_request_is_known_longest_first() -> None:
    request = HttpRequest(
        "POST",
        "https://h/?key=url-key&alt=not-secret",
        (
            ("authorization", "Bearer auth-key"),
            ("cookie", "a=cookie-one; b=c2; c=cookie=three"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("accept", "not-secret-either"),
        ),
        b"_wpnonce=a%26b%C3%A4&message=not-secret",
    )
    assert set(request.secrets) == {
        "url-key", "Bearer auth-key", "auth-key", "cookie-one", "cookie=three", "a&b\u00e4", "a%26b%C3%A4",
        "a=cookie-one; b=c2; c=cookie=three", "b=c2; c=cookie=three",
    }  # fmt: skip
    assert [len(secret) for secret in request.secrets] == sorted(map(len, request.secrets), reverse=True)


GATEWAYS = [
    "ocp-apim-subscription-key", "Helicone-Auth", "cf-aig-authorization", "x-portkey-api-key", "x-auth-token",
    "x-amz-security-token", "cf-access-client-secret", "api_key", "ApiKey", "x-goog-iap-jwt-assertion", "Session_ID",
    "x-app-password", "x-amz-signature", "x-credential", "wp-nonce", "set-cookie", "authentication-info",
    "x-passphrase",
]  # fmt: skip
READABLE = [
    "x-request-id", "retry-after", "anthropic-version", "content-type", "x-ratelimit-remaining-tokens", "authority",
    "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-input-tokens-reset", "x-prompt-tokens", "x-author",
    "x-amzn-bedrock-output-token-count", "www-authenticate", "openai-processing-ms", "cf-ray", "keyword",
    "x-keyboard",
]  # fmt: skip


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_field_says_by_its_name_that_it_is_secret(name: str) -> None:
    request = HttpRequest("POST", URL, ((name, "s3cret"),))
    assert "s3cret" not in repr(request)
    assert request.redacted_headers == ((name, "[hidden]"),)
    assert "s3cret" in request.secrets
    assert redact_field(name, "s3cret") == "[hidden]"


@pytest.mark.parametrize("name", READABLE)
def test_a_field_that_is_no_secret_stays_readable(name: str) -> None:
    request = HttpRequest("POST", URL, ((name, "a-value-that-a-person-reads"),))
    assert "a-value-that-a-person-reads" in repr(request)
    assert request.secrets == ()
    assert redact_field(name, "1500") == "1500"


def test_what_the_user_gave_is_hidden_whatever_its_name() -> None:
    headers = (
        ("X-Team", "chat"), ("x-route", "0123456789abcdef"), ("x-site", "https://my.example.com"), ("x-old", "a b c d"),
        ("x-many", "one=fedcba9876543210, two words"), ("User-Agent", "my-own-program/1.0"),
        ("x-short", "0123456789abcde"), ("x-semicolon", "a;fedcba9876543211"), ("x-query", "https://h/?k=12345"),
        ("x-login", "https://me:12345@h/"),
    )  # fmt: skip
    request = HttpRequest("POST", URL, (*headers, ("x-ours", "visible")), given=tuple(name for name, _ in headers))
    assert request.redacted_headers == (
        ("X-Team", "[hidden]"), ("x-route", "[hidden]"), ("x-site", "[hidden]"), ("x-old", "[hidden]"),
        ("x-many", "[hidden]"), ("User-Agent", "my-own-program/1.0"), ("x-short", "[hidden]"),
        ("x-semicolon", "[hidden]"), ("x-query", "[hidden]"), ("x-login", "[hidden]"), ("x-ours", "visible"),
    )  # fmt: skip
    assert not any(value in repr(request) for value in ("chat'", "0123", "my.example", "a b c", "fedc"))
    assert set(request.secrets) == {
        "0123456789abcdef", "fedcba9876543210", "fedcba9876543211", "a;fedcba9876543211", "https://h/?k=12345",
        "https://me:12345@h/",
    }, "short words and addresses are no keys"  # fmt: skip
    assert redirect(request, 307, "/other", 1).redacted_headers == request.redacted_headers


@pytest.mark.parametrize(
    "name",
    ["accept", "Accept-Encoding", "accept-language", "anthropic-beta", "anthropic-version", "cache-control",
     "connection", "content-type", "host", "openai-beta", "x-request-id"],
)  # fmt: skip
def test_what_the_user_gave_and_a_log_needs_stays_readable(name: str) -> None:
    request = HttpRequest("POST", URL, ((name, "a-value-that-a-person-reads"),), given=(name,))
    assert (request.redacted_headers, request.secrets) == (request.headers, ())


@pytest.mark.parametrize(
    "name",
    ["key", "api_key", "apiKey", "subscription-key", "access_token", "sig", "code", "X-Amz-Signature", "password",
     "X-Amz-Credential", "s%69g", "_wpnonce", "auth"],
)  # fmt: skip
def test_a_field_of_a_url_or_a_form_says_it_too(name: str) -> None:
    url = f"{URL}?alt=sse&{name}=s3%2Fcret&api-version=1&maxTokens=5"
    request = HttpRequest("POST", url)
    assert redact_url(url) == f"{URL}?alt=sse&{name}=[hidden]&api-version=1&maxTokens=5"
    assert "cret" not in repr(request)
    assert request.secrets == ("s3%2Fcret", "s3/cret")
    form = (("content-type", "application/x-www-form-urlencoded"),)
    body = f"message=four+words&{name}=s3%2Fcret&design=long-enough&country_code=1234".encode()
    assert HttpRequest("POST", URL, form, body).secrets == ("s3%2Fcret", "s3/cret")


def test_a_whole_field_that_was_given_as_a_name_is_not_quoted() -> None:
    with pytest.raises(InvalidRequest, match="'Authorization' is not a header name") as caught:
        HttpRequest("GET", URL, (("Authorization: Bearer s3cret: x", ""),))
    assert "s3cret" not in str(caught.value)


def test_a_body_that_only_calls_itself_a_form_is_no_fault() -> None:
    headers = (("content-type", "application/x-www-form-urlencoded"),)
    assert HttpRequest("POST", URL, headers, '{"\u00e4": 1}'.encode()).secrets == ()
    assert HttpRequest("POST", URL, headers, b"%FF&&=&_wpnonce").secrets == ()


# --- the length of a body --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ([], None),
        ([("Content-Length", "0")], 0),
        ([("content-type", "text/plain"), ("CONTENT-LENGTH", " 12 ")], 12),
        ([("content-length", "12"), ("Content-Length", "12")], 12),
        ([("content-length", "12, 12")], 12),
        ([("content-length", "12, 13")], None),
        ([("content-length", "12"), ("content-length", "13")], None),
        ([("content-length", "")], None),
        *[([("content-length", wrong)], None) for wrong in ("+1", "1_0", "-1", "0x1", "1.0", "\u0661", "9" * 19)],
        ([("content-length", "9" * 18)], 10**18 - 1),
        ([("content-length", "12"), ("Content-Encoding", "gzip")], None),
        ([("content-length", "12"), ("content-encoding", " Identity "), ("content-encoding", "")], 12),
        ([("content-length", "12"), ("Transfer-Encoding", "identity")], None),
    ],
)
def test_how_many_bytes_a_response_announces(headers: list[tuple[str, str]], length: int | None) -> None:
    assert body_length(tuple(headers)) == length


# --- redirects -------------------------------------------------------------------------------------------------------


def test_a_redirect_keeps_all_but_the_address() -> None:
    request = HttpRequest("POST", "https://h/a/b?c=d", (("x", "y"),), b"body")
    assert redirect(request, 307, "../e#f", 1) == HttpRequest("POST", "https://h/e", (("x", "y"),), b"body")
    assert redirect(request, 308, "?g", 5).url == "https://h/a/b?g"


@pytest.mark.parametrize(
    ("method", "status", "location", "count", "said"),
    [
        ("GET", 302, "https://evil/?key=s3cret", 1, "another origin, https://evil/?key=[hidden]"),
        ("GET", 302, "file:///etc/passwd", 1, "cannot be used"),
        ("GET", 302, "https://a:s3cret@h/", 1, "cannot be used"),
        ("GET", 302, "http://[", 1, ": to an address that cannot be read"),
        ("POST", 302, "/x", 1, "only 307 and 308"),
        ("GET", 302, "/x", 6, "more than 5 times"),
    ],
)
def test_a_redirect_that_is_not_followed(method: str, status: int, location: str, count: int, said: str) -> None:
    with pytest.raises(UnexpectedRedirect) as caught:
        redirect(HttpRequest(method, "https://h/a"), status, location, count)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.status == status
