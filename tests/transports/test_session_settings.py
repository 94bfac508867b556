"""What of a user's Session goes with the calls of a Client, and what a warning names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.auth import HTTPDigestAuth

from sansio_core import InvalidRequest, OptionIgnored, providers
from transports import Client
from transports.emulator import DEFAULT_TEXT, Emulator

KEY = "sk-planted-0123456789abcdef"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def asked(emulator: Emulator, session: requests.Session, name: str = "acytoo", **settings: Any) -> dict[str, str]:
    """The header fields of the call that a client with this session sends."""
    with Client(name, base_url=emulator.base_url(name), session=session, **settings) as client:
        assert client.complete("Hello").text == DEFAULT_TEXT
    return dict(emulator.requests[-1].headers)


def told(recorded: pytest.WarningsRecorder) -> list[str]:
    return [str(warning.message) for warning in recorded if warning.category is OptionIgnored]


def test_a_new_session_adds_nothing(emulator: Emulator, session: requests.Session) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_session = asked(emulator, session)
    with Client("acytoo", base_url=emulator.base_url("acytoo")) as client:
        client.complete("Hello")
    assert with_session == dict(emulator.requests[-1].headers)


def test_its_headers_and_cookies_go_along(emulator: Emulator, session: requests.Session) -> None:
    session.headers.update({"X-Team": "blue", "User-Agent": "mine/1", "X-Both": "session"})
    session.cookies.set("visitor", "7", domain="127.0.0.1")
    session.cookies.set("other", "8", domain="elsewhere.example")
    fields = asked(emulator, session, headers={"x-both": "client"}, cookies={"mine": "9"})
    assert (fields["x-team"], fields["user-agent"], fields["x-both"]) == ("blue", "mine/1", "client")
    assert fields["cookie"] == "visitor=7; mine=9"


def test_what_the_user_gave_by_the_session_is_no_less_secret(emulator: Emulator, session: requests.Session) -> None:
    session.headers["X-Gateway"] = KEY
    url = emulator.base_url("acytoo")
    with Client("acytoo", base_url=url, session=session) as client, client.stream("Hi") as stream:
        next(stream)
        assert KEY in stream._exchange.secrets


def test_a_user_name_and_a_password_are_used_where_there_is_no_key(
    emulator: Emulator, session: requests.Session
) -> None:
    session.auth = ("user", "password")
    assert asked(emulator, session)["authorization"] == "Basic dXNlcjpwYXNzd29yZA=="


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"auth": ("user", KEY)}, "auth"),
        ({"headers": {"Authorization": f"Bearer {KEY}"}}, "headers['Authorization']"),
        ({"headers": {"Accept": "text/plain", "X-API-Key": KEY}}, "headers['Accept'], headers['X-API-Key']"),
        ({"params": {"a": "b"}, "hooks": {"response": [print]}}, "params, hooks"),
    ],
)
def test_what_is_not_used_is_told(
    emulator: Emulator, session: requests.Session, change: dict[str, Any], named: str, recwarn: pytest.WarningsRecorder
) -> None:
    for name, value in change.items():
        (session.headers.update if name == "headers" else lambda new, of=name: setattr(session, of, new))(value)
    fields = asked(emulator, session, "openai", api_key="sk-of-the-client")
    assert fields["authorization"] == "Bearer sk-of-the-client"
    assert KEY not in str(fields)
    messages = told(recwarn)
    assert messages == [f"not used of the session: {named} (give it as api_key=, headers= or cookies=)"]
    assert recwarn.list[0].filename == __file__


def test_another_kind_of_auth_is_told(
    emulator: Emulator, session: requests.Session, recwarn: pytest.WarningsRecorder
) -> None:
    session.auth = HTTPDigestAuth("user", "password")
    assert "authorization" not in asked(emulator, session)
    assert "session: auth (" in told(recwarn)[0]


def test_with_a_provider_object_it_adds_nothing_and_says_so(
    emulator: Emulator, session: requests.Session, recwarn: pytest.WarningsRecorder
) -> None:
    session.headers["X-Team"] = "blue"
    provider = providers.create("acytoo", base_url=emulator.base_url("acytoo"))
    with Client(provider, session=session) as client:
        assert client.complete("Hello").text == DEFAULT_TEXT
    assert "x-team" not in emulator.requests[-1].headers
    assert "session: headers (" in told(recwarn)[0]


def test_what_is_no_session() -> None:
    with pytest.raises(InvalidRequest, match=r"session must be a requests\.Session, not str"):
        Client("acytoo", session="mine")  # type: ignore[arg-type]


def test_a_header_that_is_no_text(session: requests.Session) -> None:
    session.headers["X-Team"] = 5  # type: ignore[assignment]
    with pytest.raises(InvalidRequest, match="X-Team"):
        Client("acytoo", session=session)
