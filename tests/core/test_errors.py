"""One tree of errors: whose fault it is, said from attributes, without secrets."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest
from every_error import ERRORS, made
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    AuthenticationFailed,
    BadRequest,
    Cancelled,
    ChatError,
    ClientClosed,
    ConnectFailed,
    ConnectionLost,
    HTTPStatusError,
    IPBlocked,
    LimitExceeded,
    NotFound,
    PermissionDenied,
    ProviderRefused,
    ProxyFailed,
    RateLimited,
    ServerFailed,
    StreamTruncated,
    TimedOut,
    UnexpectedRedirect,
)
from sansio_core.dialects.error_mapping import status_class
from sansio_core.errors import safe_repr, suggestion
from sansio_core.redact import EXCERPT, excerpt, redact


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_is_said_and_can_be_copied_and_pickled(kind: type[ChatError]) -> None:
    error = made(kind)
    assert str(error)
    assert error.reply is None
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is kind
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ChatError(), "ChatError"),
        (ConnectFailed("refused"), "refused"),
        (TimedOut("first_event", 2.5),
         "no event of the answer came within 2.5 s (the 'first_event' clock; see Timeouts)"),
        (TimedOut("total"), "the whole answer was not in (the 'total' clock; see Timeouts)"),
        (TimedOut("grace", None), "timed out (the 'grace' clock; see Timeouts)"),
        (Cancelled(), "the stream was cancelled"),
        (Cancelled("by you"), "by you"),
        (ClientClosed(), "the client is closed: make a new one"),
        (ClientClosed("gone"), "gone"),
        (StreamTruncated(), "the answer stopped before its end"),
        (LimitExceeded("head", 9), "the answer passed the limit 'head' of 9 bytes (see Limits)"),
        (ProviderRefused("no"), "the provider refused in its answer: no"),
        (IPBlocked("no"), "the provider has blocked this network address: no"),
        (RateLimited(429, "slow", retry_after=2.5, request_id="r1"),
         "the provider's rate limit was reached (status 429): slow [it asks to wait 2.5 s] [request id r1]"),
        (ServerFailed(None, "sick"), "the provider failed (in its stream): sick"),
        (NotFound(404), "the provider does not know this address or model (status 404)"),
        (BadRequest(400, body="a\n  body"), "the provider could not use the request (status 400): a body"),
        (HTTPStatusError(302), "the provider refused the request (status 302)"),
    ],
)  # fmt: skip
def test_what_they_say(error: ChatError, said: str) -> None:
    assert str(error) == said


@pytest.mark.parametrize(
    ("error", "brackets"),
    [(ConnectFailed("refused"), "()"), (TimedOut("connect", 5), "()"), (ServerFailed(500, "sick"), "[]")],
)
def test_a_hint_is_said_too(error: ChatError, brackets: str) -> None:
    before, error = str(error), copy.copy(error)
    error.hint = "try that"
    assert str(error) == f"{before} {brackets[0]}try that{brackets[1]}"


def test_what_the_exchange_knows_is_said() -> None:
    missing, wrong = NotFound(404), AuthenticationFailed(401, "no such key")
    missing.url = "https://h/v2"
    assert str(missing) == "the provider does not know this address or model (status 404, https://h/v2)"
    assert str(wrong) == "the provider did not accept the key (status 401): no such key"
    wrong.key_sent = False
    assert str(wrong) == "the provider wants a key, and none was sent (status 401): no such key"


ALL_KNOWN = {"body": "b", "request_id": "r", "retry_after": 1.5, "code": "c", "kind": "k", "param": "p"}


@pytest.mark.parametrize(
    ("kind", "args", "named", "data"),
    [
        (ProxyFailed, (), {}, {"detail": "", "status": None}),
        (ProxyFailed, ("no", 502), {}, {"detail": "no", "status": 502}),
        (ConnectionLost, (), {}, {"detail": "", "reused": False}),
        (ConnectionLost, ("cut", True), {}, {"detail": "cut", "reused": True}),
        (TimedOut, ("idle", 5), {}, {"detail": "", "clock": "idle", "seconds": 5}),
        (LimitExceeded, ("frame", 5), {}, {"detail": "", "limit": "frame", "size": 5}),
        (RateLimited, (429,), {}, {**dict.fromkeys(ALL_KNOWN), "status": 429, "detail": "", "body": ""}),
        (RateLimited, (429, "d"), ALL_KNOWN, {**ALL_KNOWN, "status": 429, "detail": "d"}),
    ],
)
def test_what_they_carry(kind: Any, args: Any, named: dict[str, Any], data: dict[str, Any]) -> None:
    assert vars(kind(*args, **named)) == data


def test_the_message_is_made_from_the_attributes() -> None:
    error = RateLimited(429, "slow")
    error.detail, error.retry_after = "slower", 3
    assert "slower [it asks to wait 3 s]" in str(error)
    assert (error.in_band, RateLimited(None).in_band) == (False, True)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, UnexpectedRedirect), (399, UnexpectedRedirect), (400, BadRequest), (401, AuthenticationFailed),
        (402, PermissionDenied), (403, PermissionDenied), (404, NotFound), (410, NotFound), (418, BadRequest),
        (429, RateLimited), (500, ServerFailed), (529, ServerFailed), (200, BadRequest),
    ],
)  # fmt: skip
def test_a_status_has_its_class(status: int, kind: type[ChatError]) -> None:
    assert status_class(status) is kind


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt(" a\n\tb \u2028c ") == "a b c"
    assert excerpt("x" * EXCERPT) == "x" * EXCERPT
    assert excerpt(excerpt("x" * 501)) == excerpt("x" * 501) == "x" * EXCERPT + "… (501 characters)"


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("a key s3cr3t b", ("s3cr3t",), "a key [hidden] b"),
        ("s3cr3t-long s3cr3t", ("s3cr3t", "s3cr3t-long"), "[hidden] [hidden]"),
        ("the one s3cr3t", ("cr3t", "s3cr3t"), "the one [hidden]"),
        ("as3cr3ty", ("s3cr3t", "as3cr3ty"), "[hidden]"),
        ("cut at s3cr", ("s3cr3t",), "cut at [hidden]"),
        ("cut at s3cr3", ("s3cr3t",), "cut at [hidden]"),
        ("s3cr", ("s3cr3t",), "[hidden]"),
        ("s3cr3t, cut at s3c", ("s3cr3t",), "[hidden], cut at s3c"),
        ("cut at s3c", ("s3cr3t",), "cut at s3c"),
        ("cut at s3cr… (999 characters)", ("other-one", "s3cr3t"), "cut at [hidden]… (999 characters)"),
        ("s3cr… (1 characters) s3cr… (2 characters)", ("s3cr3t",), "s3cr… (1 characters) [hidden]… (2 characters)"),
        ("nothing", (), "nothing"),
        ("", ("s3cr3t",), ""),
    ],
)
def test_secrets_are_redacted(text: str, secrets: tuple[str, ...], expected: str) -> None:
    assert redact(text, secrets) == expected


def plainly(text: str, secrets: tuple[str, ...]) -> str:
    """What redact gives, without a look first at whether there is anything to do."""
    secrets = tuple(sorted(secrets, key=len, reverse=True))
    for secret in secrets:
        text = text.replace(secret, "[hidden]")
    for cut in [found.start() for found in re.finditer(r"… \([0-9]+ characters\)|\Z", text)][:-3:-1]:
        for secret in secrets:
            left = max((n for n in range(4, len(secret)) if text.endswith(secret[:n], 0, cut)), default=0)
            if left:
                text = f"{text[: cut - left]}[hidden]{text[cut:]}"
                break
    return text


@given(
    st.lists(st.sampled_from(["a", "b", "abba", "… (9 characters)", "[hidden]", "hidd", "den]", "é"])).map("".join),
    st.lists(st.text("abé", max_size=9) | st.sampled_from(["hidden", "den] abba"]), max_size=3).map(tuple),
)
def test_the_quick_way_redacts_as_the_plain_one(text: str, secrets: tuple[str, ...]) -> None:
    assert redact(text, secrets) == plainly(text, secrets)


def test_an_error_is_redacted_wherever_it_holds_text() -> None:
    error = ServerFailed(500, "said s3cr3t", body="body s3cr3t", request_id="s3cr3t", code="s3cr3t", kind="s3cr3t")
    error.redact(("s3cr3t",))
    assert "s3cr3t" not in repr(vars(error)) + repr(error.args) + str(error)
    assert error.args == (500, "said [hidden]")
    proxy = ProxyFailed("via s3cr3t", 407)
    proxy.redact(("s3cr3t",))
    assert proxy.args == ("via [hidden]", 407)


def test_the_error_in_place_of_which_it_was_raised_is_forgotten_with_it() -> None:
    """It quotes the peer as well, and is within reach though `from None` does not print it."""
    error, other = ConnectFailed("refused"), ConnectFailed("refused")
    for one in (error, other):
        one.__context__ = OSError("s3cr3t")
        one.__suppress_context__ = one is error
        one.redact(("s3cr3t",))
    assert error.__context__ is None
    assert other.__context__ is not None, "it is the other error's own: printed with it"


@pytest.mark.parametrize(
    ("word", "said"),
    [("opnai", " (did you mean 'openai'?)"), ("OPENAI", " (did you mean 'openai'?)"), ("zai", ""), ("", ""), (5, "")],
)
def test_a_word_like_it_is_suggested(word: Any, said: str) -> None:
    assert suggestion(word, ["ollama", "openai", "xai", "openrouter"]) == said


def test_a_number_too_long_to_print_is_shown_all_the_same() -> None:
    assert safe_repr(10**5000) == "a huge number"
    assert safe_repr("x" * 100) == "'" + "x" * 49
    assert safe_repr([]) == "a value of type list"
