"""ChatgptFree's page: read in any shape, fetched once for all calls of a provider, fetched again when it is stale."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from exchange_driver import HTML, JSON, PAGE, SSE, Answer, Run, chunk, cuts, exchange, sse, stream

from sansio_core import (
    BadRequest,
    ChatError,
    ChatRequest,
    Exchange,
    HttpRequest,
    LimitExceeded,
    Limits,
    PermissionDenied,
    ProviderRefused,
    Send,
    StreamTruncated,
    UnexpectedContent,
    providers,
)

GOOD = Answer(stream("Hello"))
FETCHED = Answer(PAGE, headers=HTML)
FRESH = Answer(PAGE.replace(b"a1b2c3d4e5", b"f6f7f8f9f0"), headers=HTML)


def run(*answers: Any, **settings: Any) -> Run:
    return Run(exchange("chatgpt_free", **settings)).over(*answers)


def failing(*answers: Any, **settings: Any) -> tuple[ChatError, Run]:
    started = Run(exchange("chatgpt_free", **settings))
    with pytest.raises(ChatError) as caught:
        started.over(*answers)
    return caught.value, started


def field(request: HttpRequest, name: str) -> str:
    return parse_qs(request.body.decode("ascii"), keep_blank_values=True)[name][0]


def cookie(request: HttpRequest) -> str:
    return dict(request.headers).get("cookie", "")


# --- reading the page ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "post_id", "nonce"),
    [
        ('<p data-post-id="12" data-nonce="ab">', "12", "ab"),
        ("<p data-nonce='ab'\n  class=x data-post-id='12'>", "12", "ab"),
        ('<p DATA-NONCE = "ab"><i data-post-id\n=\n"12">', "12", "ab"),
        ('<p data-nonce="a&amp;b&#39;&quot;&eacute;+ ä" data-post-id=" 12 ">', "12", "a&b'\"é+ ä"),
        ('<p data-nonce="" data-post-id=""><p data-post-id="12" data-nonce="ab">', "12", "ab"),
        ('<p x-data-nonce="no" data-nonce-old="no" data-nonce="ab" data-post-id="12">', "12", "ab"),
    ],
)
def test_the_attributes_in_any_shape(page: str, post_id: str, nonce: str) -> None:
    for pieces in cuts(page.encode()):
        sent = run(Answer(pieces, headers=HTML), GOOD).requests[1]
        assert (field(sent, "post_id"), field(sent, "_wpnonce")) == (post_id, nonce)


@pytest.mark.parametrize(
    ("page", "named", "unnamed"),
    [
        ('<p data-post-id="12">', ["data-nonce"], ["data-post-id"]),
        ('<p data-post-id="12" data-nonce="">', ["data-nonce"], ["data-post-id"]),
        ('<p data-nonce="ab">', ["data-post-id"], ["data-nonce"]),
        ('<p data-nonce="ab" data-post-id=" ">', ["data-post-id"], ["data-nonce"]),
        ('<p data-nonce="ab" data-post-id="x1">', ["data-post-id"], ["data-nonce"]),
        ('<p data-nonce="ab" data-post-id="\u0661">', ["data-post-id"], ["data-nonce"]),
        ("<title>Just a moment</title>", ["data-post-id", "data-nonce"], []),
        ("", ["data-post-id", "data-nonce"], []),
    ],
)
def test_a_page_without_them_says_which_and_nothing_is_posted(page: str, named: list[str], unnamed: list[str]) -> None:
    error, started = failing(Answer(page.encode(), headers=HTML), retry=5)
    assert isinstance(error, UnexpectedContent)
    assert all(name in str(error) for name in named)
    assert not any(name in str(error) for name in unnamed)
    assert [request.method for request in started.requests] == ["GET"]


def test_the_page_is_bounded() -> None:
    error, _ = failing(Answer([b"x" * 50, b"x" * 51, b"x"]), limits=Limits(page=100))
    assert isinstance(error, LimitExceeded)
    assert error.limit == "page"
    run(Answer(PAGE), GOOD, limits=Limits(page=len(PAGE)))


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_page_that_is_refused(status: int) -> None:
    error, started = failing(Answer(b"<title>no</title>", status, HTML))
    assert getattr(error, "status", None) == status
    assert len(started.sent) == 1
    assert "no" in str(error)


def test_a_page_cut_short() -> None:
    error, _ = failing(Answer(PAGE[:20], end=StreamTruncated("the body ended in mid-chunk")))
    assert isinstance(error, StreamTruncated)


# --- cookies ---------------------------------------------------------------------------------------------------------


def test_cookies_of_the_caller_and_of_the_page() -> None:
    headers = [
        ("Set-Cookie", "session=s1; Path=/; HttpOnly"),
        ("set-cookie", "mine=theirs"),
        ("set-cookie", "gone=1"),
        ("set-cookie", "gone=; Max-Age=0; path=/"),
        ("set-cookie", "never=1; max-age = -5"),
        ("set-cookie", "nor=1; Max-Age=0 ; path=/"),
        ("set-cookie", "kept=a=b; Max-Age=60"),
        ("set-cookie", "bad name=1"),
        ("set-cookie", "tab=a\tb"),
        ("set-cookie", "umlaut=\u00e4"),
        ("set-cookie", "=nameless"),
        ("set-cookie", ""),
    ]
    ours = Exchange(
        providers.create("chatgpt_free", cookies={"client": "c", "mine": "m"}),
        ChatRequest("Hello", cookies={"call": "d"}),
    )
    page, question = Run(ours).over(Answer(PAGE, headers=headers), GOOD).requests
    assert cookie(page) == "client=c; mine=m; call=d"
    assert cookie(question) == "client=c; mine=theirs; call=d; session=s1; kept=a=b"


# --- stale nonces ----------------------------------------------------------------------------------------------------

STALE = [
    Answer(b"<title>403 Forbidden</title>", 403, HTML),
    Answer(b"-1", headers=HTML),
    Answer(b"0\n", headers=HTML),
    Answer(b"\xef\xbb\xbf-1\r\n", headers=SSE),
    Answer(b"0", 400, HTML),
    Answer(b"-1", 403, HTML),
]


@pytest.mark.parametrize("stale", STALE)
def test_a_stale_nonce_is_renewed_once(stale: Answer) -> None:
    renewed = run(FETCHED, stale, FRESH, GOOD)
    assert [request.method for request in renewed.requests] == ["GET", "POST", "GET", "POST"]
    assert field(renewed.requests[3], "_wpnonce") == "f6f7f8f9f0"
    assert renewed.waits == []
    assert renewed.exchange.attempts == 1
    assert renewed.text == "Hello"


@pytest.mark.parametrize("stale", STALE)
def test_a_second_refusal_is_an_error(stale: Answer) -> None:
    ours = exchange("chatgpt_free", retry=5)
    started = Run(ours)
    with pytest.raises((PermissionDenied, ProviderRefused, BadRequest)) as caught:
        started.over(FETCHED, stale, FRESH, stale)
    assert len(started.sent) == 4
    assert "a1b2c3d4e5" not in str(caught.value)
    later = Run(Exchange(ours.provider, ChatRequest("Again"))).over(FETCHED, GOOD)
    assert later.requests[0].method == "GET", "the page that was refused is not kept"


@pytest.mark.parametrize("stale", ["-1", "0"])
def test_a_stale_nonce_in_every_cut(stale: str) -> None:
    for pieces in cuts(f"\n{stale}\n\n".encode()):
        assert len(run(FETCHED, Answer(pieces), FRESH, GOOD).sent) == 4


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(b"0 results"), StreamTruncated),
        (Answer(b"", 402), PermissionDenied),
        (Answer(b"no such action", 400), BadRequest),
        (Answer(sse({"error": {"message": "no", "type": "permission_error"}})), PermissionDenied),
        (Answer(sse(chunk("Hello")) + b"0\n"), StreamTruncated),
        (Answer(b"Hello\n0\n"), StreamTruncated),
    ],
)
def test_other_refusals_are_not_the_nonces(answer: Answer, kind: type[ChatError]) -> None:
    error, started = failing(FETCHED, answer)
    assert isinstance(error, kind)
    assert len(started.sent) == 2


def test_a_stale_page_that_was_renewed_by_another_is_not_fetched_again() -> None:
    provider = providers.create("chatgpt_free")
    first, second = (Run(Exchange(provider, ChatRequest("Hello"))) for _ in range(2))
    assert isinstance(first.exchange.next_action(0), Send)
    first.answer(FETCHED)
    asked = [first.exchange.next_action(0), second.exchange.next_action(0)]
    assert [action.request.method for action in asked if isinstance(action, Send)] == ["POST", "POST"]
    first.answer(STALE[0])
    assert first.over(FRESH, GOOD).requests[0].method == "GET"
    second.answer(STALE[0])
    assert [request.method for request in second.over(GOOD).requests] == ["POST"]
    assert field(second.requests[0], "_wpnonce") == "f6f7f8f9f0"


# --- the JSON answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        '{"data": "He said: \\"hi\\"\\n世界\u2028"}',
        '{\n  "status": "success",\n  "data":\n\n    "He said: \\"hi\\"\\n世界\u2028",\n  "msg": null\n}\n',
        '\ufeff \r\n{"data": "He said: \\"hi\\"\\n世界\u2028", "success": true}\r\n',
    ],
)
@pytest.mark.parametrize("headers", [JSON, HTML, SSE])
def test_a_json_answer_over_any_lines_in_any_cut(body: str, headers: Any) -> None:
    for pieces in cuts(body.encode()):
        answered = run(FETCHED, Answer(pieces, headers=headers))
        assert answered.text == 'He said: "hi"\n世界\u2028'
        assert answered.exchange.reply.complete


def test_an_empty_json_answer_is_an_answer() -> None:
    answered = run(FETCHED, Answer(b'{"data": ""}', headers=JSON))
    assert (answered.text, answered.exchange.reply.complete) == ("", True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"status": "error", "msg": "No credits"}', "No credits"),
        ('{\n"status": "error",\n"data": "x",\n"msg": "No credits"}', "No credits"),
        ('{"data": null}', "without data"),
        ('{"data": null, "msg": "Nothing today"}', "Nothing today"),
        ('{"success": false, "data": "Nonce check failed"}', "Nonce check failed"),
        ('{"data": ["x"]}', "without data"),
        ('{"error": "Overworked"}', "Overworked"),
    ],
)
def test_a_json_refusal(body: str, said: str) -> None:
    for pieces in cuts(body.encode()):
        error, started = failing(FETCHED, Answer(pieces, headers=JSON))
        assert isinstance(error, ProviderRefused)
        assert said in str(error)
        assert started.text == ""
