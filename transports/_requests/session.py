"""Which settings of a user's requests.Session go with every call. `blocking.py` calls `settings` once for each Client.

(`wire.py` uses the adapters, `proxies`, `verify`, `cert` and `trust_env`.) A session's header fields and cookies are
added to the provider's request, and replace nothing in it. `stream` asks for nothing: every answer is streamed.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import DEFAULT_POOLBLOCK, DEFAULT_POOLSIZE, HTTPAdapter
from requests.auth import HTTPBasicAuth
from requests.cookies import get_cookie_header
from requests.models import DEFAULT_REDIRECT_LIMIT
from requests.utils import default_headers

from sansio_core import InvalidRequest, providers
from sansio_core.http_request import check_url
from sansio_core.providers.base import KeySource, Provider
from sansio_core.request import header_pairs
from sansio_core.warning import warn

from .._shared.client import HeaderFields
from .._shared.environment import base_url_of, key_of
from ..http1.tls import Verify
from .adapter import Adapter

_OF_THE_REQUEST = frozenset(
    {
        "accept", "accept-encoding", "api-key", "connection", "content-encoding", "content-length", "content-type",
        "cookie", "expect", "host", "transfer-encoding", "upgrade", "x-api-key", "x-goog-api-key",
    }
)  # fmt: skip
"""The provider's and the transport's own fields: a session's would break the request, or its key."""
_USED = frozenset({"get_adapter", "mount", "close"})
"""The methods of a session that are called, or called by its owner alone."""
_SIZES = {"_pool_connections": DEFAULT_POOLSIZE, "_pool_maxsize": DEFAULT_POOLSIZE, "_pool_block": DEFAULT_POOLBLOCK}


def settings(
    session: requests.Session,
    provider: str | Provider,
    api_key: str | KeySource | None,
    base_url: str | None,
    headers: HeaderFields | None,
    cookies: Mapping[str, str] | None,
    verify: Verify,
) -> dict[str, Any]:
    """The Client's `headers` and `cookies` with the session's added; where both name one, the Client's is taken.

    One OptionIgnored warning names all settings of the session that are not used. Raises InvalidRequest where `session`
    is no requests.Session.
    """
    if not isinstance(session, requests.Session):
        raise InvalidRequest(f"session must be a requests.Session, not {type(session).__name__}")
    fields, unused = _usable(session, _has_key(provider, api_key))
    if isinstance(provider, Provider):  # an object has its headers and cookies already
        unused += [name for name, found in (("headers", fields), ("cookies", session.cookies)) if len(found)]
        url = provider.base_url
    else:
        fields |= {name.lower(): (name, value) for name, value in header_pairs(headers)}
        headers = tuple(fields.values())
        url = base_url_of(provider, base_url)[0] or providers.info(provider).url
        check_url(url)  # which cookies and which adapter are for it?
        cookies = _cookies(session, url) | dict(cookies or {})
    unused += _methods(session) + _of_tls(session, verify) + _of_adapter(session, url)
    if unused:
        warn(f"not used of the session: {', '.join(unused)}{_remedy(unused)}")
    return {"headers": headers, "cookies": cookies}


_Field = tuple[str, str]


def _usable(session: requests.Session, has_key: bool) -> tuple[dict[str, _Field], list[str]]:
    """The session's header fields that go with each request, by lower-case name; and the names of unused settings."""
    fields = {name.lower(): (name, value) for name, value in _own_headers(session)}
    unused = [name for name in ("params", "hooks") if _is_set(getattr(session, name))]
    if session.max_redirects != DEFAULT_REDIRECT_LIMIT:  # the core follows those that keep the question, five at most
        unused.append("max_redirects")
    unused += _authorize(fields, session, has_key)
    unused += [f"headers[{name!r}]" for key, (name, _) in sorted(fields.items()) if key in _OF_THE_REQUEST]
    return {key: field for key, field in fields.items() if key not in _OF_THE_REQUEST}, unused


def _authorize(fields: dict[str, _Field], session: requests.Session, has_key: bool) -> list[str]:
    """Put the session's user name and password into `fields`, unless there is a key; the names of unused settings."""
    if has_key:
        header = fields.pop("authorization", None)
        return [name for name, found in (("auth", session.auth), ("headers['Authorization']", header)) if found]
    if session.auth:
        basic = _basic(session.auth)
        if not basic or "authorization" in fields:
            return ["auth"]
        fields["authorization"] = ("Authorization", basic)
    return []


def _own_headers(session: requests.Session) -> list[_Field]:
    """The session's header fields, without those that requests gives to every session."""
    usual = default_headers()
    return [
        (name, value.decode("latin-1") if isinstance(value, bytes) else value)
        for name, value in session.headers.items()
        if value is not None and usual.get(name) != value
    ]


def _basic(auth: Any) -> str:
    """The value of an Authorization field for a user name and a password; "" for any other kind of `auth`."""
    auth = HTTPBasicAuth(*auth) if isinstance(auth, tuple) and len(auth) == 2 else auth
    if type(auth) is not HTTPBasicAuth:
        return ""
    return str(auth(requests.Request("POST", "http://any.example").prepare()).headers["Authorization"])


def _has_key(provider: str | Provider, api_key: str | KeySource | None) -> bool:
    return bool(provider.api_key if isinstance(provider, Provider) else key_of(provider, api_key))


def _cookies(session: requests.Session, url: str) -> dict[str, str]:
    """The cookies of the session's jar that are for `url`, by the rules of http.cookiejar."""
    request = requests.Request("GET", url).prepare()
    line = get_cookie_header(session.cookies, request) or ""  # type: ignore[no-untyped-call]  # requests' stubs
    pairs = [pair.partition("=") for pair in line.split("; ") if pair]
    return {name: value for name, _, value in pairs}


def _is_set(value: Any) -> bool:
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _methods(session: requests.Session) -> list[str]:
    """The methods that a subclass, or the session itself, has in place of requests' own: sending goes by none."""
    public = (name for name in dir(requests.Session) if not name.startswith("_") and name not in _USED)
    return [
        f"{type(session).__name__}.{name}()"
        for name in public
        if name in vars(session) or getattr(type(session), name) is not getattr(requests.Session, name)
    ]


def _of_tls(session: requests.Session, verify: Verify) -> list[str]:
    """The settings of TLS that the Client's `verify` takes the place of."""
    replaced = verify is not True and session.verify not in (True, None, verify)
    settings = {"verify": replaced, "cert": isinstance(verify, ssl.SSLContext) and session.cert}
    return [name for name, unused in settings.items() if unused]


def _of_adapter(session: requests.Session, url: str) -> list[str]:
    """The settings of the adapter for `url` that nobody reads."""
    try:
        adapter = session.get_adapter(url)
    except requests.exceptions.InvalidSchema:  # there is none: whatever is sent fails with this
        return []
    plain = type(adapter) is HTTPAdapter  # ours takes its place
    if not (plain or isinstance(adapter, Adapter)):  # it sends by itself, with its own settings
        return []
    assert isinstance(adapter, HTTPAdapter)
    retries = adapter.max_retries
    retried = any((retries.total, retries.connect, retries.read, retries.status, retries.other))
    unused = ["max_retries"] if retried else []
    if plain:
        unused += [name[1:] for name, usual in _SIZES.items() if getattr(adapter, name) != usual]
    return [f"{name} of its adapter" for name in unused]


def _remedy(unused: list[str]) -> str:
    """Where else those settings go that have another place."""
    named = " ".join(unused)
    places = [
        (r"\bauth\b|headers|cookies", "give it as api_key=, headers= or cookies="),
        (r"\bcert\b", "give the certificate to the SSLContext"),
        (r"max_retries", "give retry="),
        (r"\bpool_", "mount a transports.blocking.Adapter of that size"),
        (r"\(\)", "a provider, or an adapter, of your own can do what a method of the session does"),
    ]
    found = [place for pattern, place in places if re.search(pattern, named)]
    return f" ({'; '.join(found)})" if found else ""
