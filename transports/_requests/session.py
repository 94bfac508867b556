"""What of a user's requests.Session goes with every call, and what does not. `blocking.py` asks once, for a new Client.

The adapters, `proxies`, `verify`, `cert` and `trust_env` are the matter of `wire.py`. A request is the provider's: a
session adds to it, and replaces nothing in it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import requests
from requests.auth import HTTPBasicAuth
from requests.cookies import get_cookie_header
from requests.utils import default_headers

from sansio_core import InvalidRequest, OptionIgnored, providers
from sansio_core.providers import Provider
from sansio_core.request import header_pairs

from .._shared.client import HeaderFields, key_of

_OF_THE_REQUEST = frozenset(
    {
        "accept", "accept-encoding", "api-key", "connection", "content-encoding", "content-length", "content-type",
        "cookie", "expect", "host", "transfer-encoding", "upgrade", "x-api-key", "x-goog-api-key",
    }
)  # fmt: skip
"""The provider's and the transport's own fields: a session's would break the request, or its key."""


def settings(
    session: requests.Session,
    provider: str | Provider,
    api_key: str | None,
    base_url: str | None,
    headers: HeaderFields | None,
    cookies: Mapping[str, str] | None,
) -> dict[str, Any]:
    """The Client's `headers` and `cookies`, which come first, with what the session adds to them.

    One OptionIgnored warning names all that it has and nothing here can use. Raises InvalidRequest for what is no
    session.
    """
    if not isinstance(session, requests.Session):
        raise InvalidRequest(f"session must be a requests.Session, not {type(session).__name__}")
    unused = [name for name in ("params", "hooks") if _is_set(getattr(session, name))]
    fields = {name.lower(): (name, value) for name, value in _own_headers(session)}
    if _has_key(provider, api_key):
        unused += ["auth"] if session.auth else []
        unused += ["headers['Authorization']"] if fields.pop("authorization", None) else []
    elif session.auth and (basic := _basic(session.auth)) and "authorization" not in fields:
        fields["authorization"] = ("Authorization", basic)
    elif session.auth:
        unused.append("auth")
    unused += [f"headers[{name!r}]" for key, (name, _) in sorted(fields.items()) if key in _OF_THE_REQUEST]
    fields = {key: field for key, field in fields.items() if key not in _OF_THE_REQUEST}
    if isinstance(provider, Provider):
        unused += [name for name, found in (("headers", fields), ("cookies", session.cookies)) if len(found)]
    if unused:
        _tell(unused)
    if isinstance(provider, Provider):
        return {"headers": headers, "cookies": cookies}
    fields |= {name.lower(): (name, value) for name, value in header_pairs(headers)}
    jar = _cookies(session, base_url or providers.info(provider).url) | dict(cookies or {})
    return {"headers": tuple(fields.values()) or None, "cookies": jar or None}


def _own_headers(session: requests.Session) -> list[tuple[str, str]]:
    """Those that are not requests' own."""
    usual = default_headers()
    return [
        (name, value.decode("latin-1") if isinstance(value, bytes) else value)
        for name, value in session.headers.items()
        if value is not None and usual.get(name) != value
    ]


def _basic(auth: Any) -> str:
    """The value of an Authorization field for a user name and a password; "" for any other kind of `auth`."""
    auth = HTTPBasicAuth(*auth) if isinstance(auth, tuple) else auth
    if type(auth) is not HTTPBasicAuth:
        return ""
    return str(auth(requests.Request("POST", "http://any.example").prepare()).headers["Authorization"])


def _has_key(provider: str | Provider, api_key: str | None) -> bool:
    return bool(provider.api_key if isinstance(provider, Provider) else key_of(provider, api_key))


def _cookies(session: requests.Session, url: str) -> dict[str, str]:
    """Those of the jar that are for `url`, by the rules of http.cookiejar."""
    request = requests.Request("GET", url).prepare()
    line = get_cookie_header(session.cookies, request) or ""  # type: ignore[no-untyped-call]  # requests' stubs
    pairs = [pair.partition("=") for pair in line.split("; ") if pair]
    return {name: value for name, _, value in pairs}


def _is_set(value: Any) -> bool:
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _tell(unused: list[str]) -> None:
    message = f"of the session nothing here uses {', '.join(unused)}: give it as api_key=, headers= or cookies="
    warnings.warn(message, OptionIgnored, stacklevel=4)
