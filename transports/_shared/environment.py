"""What a client takes from the environment for a provider that is given by its name: its key, and another base URL."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from ipaddress import ip_address

from sansio_core import InvalidRequest, providers
from sansio_core.http_request import check_base_url
from sansio_core.providers import KeySource

from . import installed as installed  # so that the names of other packages' providers are known

_PLACE = r"(?:\[(.+)\]|([^:\[\]]*))(?::([0-9]+))?"


def key_of(provider: str, api_key: str | KeySource | None) -> str | KeySource | None:
    """`api_key`, or if that is None the value of the provider's own environment variable."""
    variable = providers.info(provider).api_key_env
    return os.environ.get(variable) or None if api_key is None and variable else api_key


def base_url_of(provider: str, base_url: str | None) -> tuple[str | None, str | None]:
    """`base_url`, or if that is None the one in the variable that the vendor's own clients read; and that one's name.

    The variable names where this vendor's key is sent, and no other vendor's key goes there. Raises InvalidRequest for
    a value that is no base URL.
    """
    variable = providers.info(provider).base_url_env if base_url is None else None
    value = os.environ.get(variable, "").strip() if variable else ""
    if not value:
        return base_url, None
    try:
        url = _of_ollama(value) if variable == "OLLAMA_HOST" else value
        check_base_url(url.partition("?")[0] if variable == "AZURE_OPENAI_ENDPOINT" else url)
    except InvalidRequest:
        # Neither quoted nor its fault told, which would quote it: it may hold a key.
        raise InvalidRequest(
            f"the environment variable {variable} holds no base URL, which is an http:// or https:// URL without "
            "credentials and query (base_url= takes its place)"
        ) from None
    return url, variable


def _of_ollama(value: str) -> str:
    """The URL that OLLAMA_HOST means: github.com/ollama/ollama envconfig/config.go, Host and ConnectableHost.

    It may lack the scheme and the port, and it may be the address that a server listens on, any of this machine's.
    """
    value = value.strip("\"' ")
    scheme, given, rest = value.partition("://")
    if not given:
        scheme, rest = "https" if value == "ollama.com" else "http", value
    place, slash, path = rest.partition("/")
    with suppress(ValueError):
        place = f"[{ip_address(place)}]"  # IPv6 may stand there without brackets
    found = re.fullmatch(_PLACE, place)
    if found is None:
        raise InvalidRequest("neither a host nor a host and port")
    port = found[3] or (443 if scheme == "https" else 80 if given else 11434)
    return f"{scheme}://{_reachable(found[1] or found[2] or '127.0.0.1')}:{port}{slash}{path}"


def _reachable(host: str) -> str:
    """`host` as a URL has it; this machine's own address in place of the one on which a server listens for all."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return "127.0.0.1" if address.is_unspecified else host
    return "[::1]" if address.is_unspecified else f"[{address}]"
