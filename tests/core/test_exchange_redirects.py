"""Where a request may go, and what an error may tell."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_driver import HTML, JSON, PAGE, TEXT, Answer, Run, exchange, sent_json, sse, stream

from sansio_core import (
    ChatError,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Limits,
    NotFound,
    ProxyFailed,
    ServerFailed,
    TimedOut,
    TLSFailed,
    UnexpectedRedirect,
    providers,
)

GOOD = Answer(stream("Hello"))
LOST = ConnectionLost("reset by peer")


def failing(*answers: Any, name: str = "free_netfly", **settings: Any) -> tuple[ChatError, Run]:
    run = Run(exchange(name, **settings))
    with pytest.raises(ChatError) as caught:
        run.over(*answers)
    return caught.value, run


# --- redirects -------------------------------------------------------------------------------------------------------


def moved(location: str, status: int = 307) -> Answer:
    return Answer(b"moved", status, [("Location", location)])


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/v2?x=1#part", "https://free.netfly.top/v2?x=1"),
        ("https://FREE.netfly.top:443/v2", "https://FREE.netfly.top:443/v2"),
        ("//free.netfly.top/v2", "https://free.netfly.top/v2"),
        ("other", "https://free.netfly.top/api/openai/v1/chat/other"),
    ],
)
def test_a_post_follows_within_its_origin(status: int, location: str, target: str) -> None:
    run = Run(exchange("free_netfly")).over(moved(location, status), GOOD)
    first, second = run.requests
    assert (second.method, second.url, second.body, second.headers) == ("POST", target, first.body, first.headers)
    assert (run.exchange.attempts, run.waits, run.text) == (1, [], "Hello")
    assert sent_json(second)["stream"] is True


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/", "http://free.netfly.top/", "https://free.netfly.top:444/", "//evil.example/x",
        "file:///etc/passwd", "ftp://free.netfly.top/", "https://user:pw@free.netfly.top/", "https://a@evil.example/",
        "http://[", "https://free.netfly.top:x/", "javascript:alert(1)", "/\u4e16", "https://\\evil.example",
    ],
)  # fmt: skip
def test_a_redirect_elsewhere_is_refused(location: str) -> None:
    for name, answers in (("free_netfly", []), ("chatgpt_free", []), ("chatgpt_free", [Answer(PAGE)])):
        target = location.replace("free.netfly.top", "free.netfly.top" if name == "free_netfly" else "chatgptfree.ai")
        error, run = failing(*answers, moved(target), name=name, retry=5)
        assert isinstance(error, UnexpectedRedirect)
        assert error.status == 307
        assert len(run.sent) == len(answers) + 1
        assert "pw" not in str(error)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_does_not_follow_what_would_make_it_a_get(status: int) -> None:
    error, run = failing(moved("/v2", status))
    assert isinstance(error, UnexpectedRedirect)
    assert "307" in str(error)
    assert len(run.sent) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_page_is_followed(status: int) -> None:
    run = Run(exchange("chatgpt_free", config={"cookies": {"a": "b"}}))
    run.over(moved("/home", status), moved("/chat/", status), Answer(PAGE, headers=HTML), GOOD)
    assert [request.url.removeprefix("https://chatgptfree.ai") for request in run.requests] == [
        "/", "/home", "/chat/", "/wp-admin/admin-ajax.php",
    ]  # fmt: skip
    assert all(dict(request.headers)["cookie"] == "a=b" for request in run.requests)


@pytest.mark.parametrize("name", ["free_netfly", "chatgpt_free"])
def test_a_loop_is_bounded(name: str) -> None:
    error, run = failing(*[moved("/again")] * 6, name=name)
    assert isinstance(error, UnexpectedRedirect)
    assert "more than 5" in str(error)
    assert len(run.sent) == 6


def test_each_attempt_begins_at_its_own_address() -> None:
    run = Run(exchange("free_netfly")).over(moved("/v2"), LOST, *[moved("/v2")] * 5, GOOD)
    assert [request.url.endswith("/v2") for request in run.requests] == [False, True, False, *[True] * 5]


def test_a_redirect_that_says_not_where() -> None:
    error, _ = failing(Answer(b"<title>Moved</title>", 307, HTML))
    assert isinstance(error, UnexpectedRedirect)
    assert "Moved" in str(error)


# --- hints -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure", [ConnectFailed("refused"), TLSFailed("expired"), ConnectionLost("reset"), TimedOut("connect", 10)]
)
def test_an_endpoint_last_known_not_to_work_says_so(failure: ChatError) -> None:
    error, _ = failing(failure, name="acytoo")
    assert "acytoo" in error.hint
    assert "last known not to work" in str(error)
    assert "base_url" in str(error)
    assert "emulat" in str(error)


@pytest.mark.parametrize(
    ("name", "config", "failure"),
    [
        ("acytoo", {"base_url": "http://127.0.0.1:9"}, ConnectFailed("refused")),
        ("yqcloud", {}, ConnectFailed("refused")),
        ("acytoo", {}, ProxyFailed("the proxy refused", 407)),
        ("acytoo", {}, TimedOut("idle", 10)),
        ("acytoo", {}, Answer(b"", 500)),
    ],
)
def test_otherwise_there_is_no_such_hint(name: str, config: dict[str, Any], failure: Any) -> None:
    error, _ = failing(failure, name=name, config=config)
    assert error.hint == ""
    assert "emulat" not in str(error)


# --- secrets ---------------------------------------------------------------------------------------------------------

KEY = "sk-s3cr3t-key-of-some-length"


def seen(error: ChatError) -> str:
    """Whatever of an error may reach a log."""
    return " ".join([str(error), repr(error), repr(error.args), repr(vars(error)), repr(error.reply)])


@pytest.mark.parametrize("status", [401, 500, 200])
@pytest.mark.parametrize("before", ["", "x" * 480, "<html><title>" + "x" * 480, "y" * 1000])
@pytest.mark.parametrize(
    "shape", ['{"error": {"message": "%s", "code": "%s", "type": "%s"}}', "%s", "Bearer %s is bad"]
)
def test_a_secret_that_the_server_echoes_is_blotted_out(status: int, before: str, shape: str) -> None:
    provider = providers.create(
        "free_netfly", headers={"Authorization": f"Bearer {KEY}", "X-Api-Key": KEY[:12]}, cookies={"c": "cookie-value"}
    )
    said = (
        before + shape.replace("%s", KEY) + " cookie-value" if "{" not in shape else shape.replace("%s", before + KEY)
    )
    body = said.encode() if status != 200 else sse({"error": {"message": said}})
    run = Run(Exchange(provider, ChatRequest("Hello"), retry=1, limits=Limits(error_body=1010)))
    with pytest.raises(ChatError) as caught:
        run.over(Answer(body, status, JSON))
    text = seen(caught.value)
    assert KEY[:6] not in text
    assert "cookie-value" not in text
    assert KEY not in repr(run.exchange) + repr(run.sent) + repr(run.requests)


def test_the_nonce_and_the_pages_cookies_are_secrets_too() -> None:
    page = Answer(PAGE, headers=[("set-cookie", "session=page-cookie")])
    echo = f"a1b2c3d4e5 page-cookie {'z' * 600}".encode()
    for answer in (Answer(echo, 500), Answer(sse({"error": echo.decode()}))):
        error, run = failing(page, answer, name="chatgpt_free")
        assert "a1b2c3d4e5" not in seen(error) + repr(run.sent)
        assert "page-cookie" not in seen(error) + repr(run.sent)
        assert "[hidden]" in str(error)
        assert "zzz" in str(error)


def test_a_secret_that_is_part_of_another_is_blotted_out_after_it() -> None:
    provider = providers.create("acytoo", headers={"x-api-key": "abcd", "api-key": "abcdefgh", "cookie": "x=efgh-ijkl"})
    for _ in range(5):
        run = Run(Exchange(provider, ChatRequest("Hello")))
        with pytest.raises(ServerFailed) as caught:
            run.over(Answer(b"you sent abcdefgh, abcd and x=efgh-ijkl", 500, TEXT))
        assert caught.value.body == "you sent [hidden], [hidden] and [hidden]"


def test_a_location_matters_in_a_redirect_alone() -> None:
    """RFC 9110 10.2.2: with 201 it names what was made; elsewhere it means nothing."""
    run = Run(exchange("free_netfly", retry=1))
    with pytest.raises(NotFound):
        run.over(Answer(b"", 404, [("location", "/elsewhere")]))
    assert len(run.sent) == 1
