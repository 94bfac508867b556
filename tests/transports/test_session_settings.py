"""What of a user's Session goes with the calls of a Client, and what a warning names."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Iterator
from typing import Any

import certifi
import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from urllib3 import Retry

from sansio_core import InvalidRequest, OptionIgnored, providers
from transports import Client
from transports.blocking import Adapter
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


def adapted(adapter: HTTPAdapter, **settings: Any) -> requests.Session:
    """A session with this adapter for every URL, and these attributes."""
    session = requests.Session()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    for name, value in settings.items():
        setattr(session, name, value)
    return session


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
        ({"max_redirects": 3}, "max_redirects"),
        ({"get": print}, "Session.get()"),
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
    assert [message.partition(" (")[0] for message in messages] == [f"not used of the session: {named}"]
    assert ("(give it as api_key=, headers= or cookies=)" in messages[0]) is ("auth" in named or "headers" in named)
    assert recwarn.list[0].filename == __file__


class Cached(requests.Session):
    """A session that does more than requests' own."""

    def send(self, request: Any, **options: Any) -> requests.Response:
        return super().send(request, **options)


class Own(HTTPAdapter):
    """An adapter that sends by itself."""


@pytest.mark.parametrize(
    ("session", "verify", "named"),
    [
        (Cached(), True, "Cached.send() (a provider, or an adapter, of your own can do what a method"),
        (adapted(HTTPAdapter(max_retries=3)), True, "max_retries of its adapter (give retry=)"),
        (adapted(Adapter(max_retries=Retry(None, connect=2))), True, "max_retries of its adapter (give retry=)"),
        (
            adapted(HTTPAdapter(pool_maxsize=7, pool_block=True)), True,
            "pool_maxsize of its adapter, pool_block of its adapter (mount a transports.blocking.Adapter of that size)",
        ),
        (adapted(HTTPAdapter(), verify=False), certifi.where(), "verify"),
        (adapted(HTTPAdapter(), cert="me.pem"), ssl.create_default_context(), "cert (give the certificate to the SSL"),
        (adapted(Own(max_retries=3)), True, ""),
        (adapted(Adapter(pool_maxsize=7)), True, ""),
        (adapted(HTTPAdapter(), stream=True, trust_env=False, proxies={"http": "http://p"}), True, ""),
        (adapted(HTTPAdapter(), verify=False), True, ""),
    ],
)  # fmt: skip
def test_what_its_adapter_and_its_class_have(
    session: requests.Session, verify: Any, named: str, recwarn: pytest.WarningsRecorder
) -> None:
    Client("acytoo", session=session, verify=verify).close()
    messages = told(recwarn)
    assert messages == ([] if not named else messages[:1])
    assert not named or messages[0].startswith(f"not used of the session: {named}")


def test_a_session_without_an_adapter_for_the_url(session: requests.Session) -> None:
    session.adapters.clear()
    with Client("acytoo", session=session) as client, pytest.raises(InvalidRequest, match="cannot send to this URL"):
        client.complete("Hello")


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
