"""Where a request goes and through which proxy, and what a proxy's URL means. Both transports ask here."""

from __future__ import annotations

import os
import re
import sys
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from sansio_core.errors import InvalidRequest

ProxySetting = str | Literal[False] | None
"""A proxy's URL; False for no proxy; None for the one that the environment names."""

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_URL = re.compile(r"[\x21-\x7e]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_VARIABLES = tuple(name for kind in ("http", "https", "all") for name in (f"{kind}_proxy", f"{kind}_PROXY".upper()))


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: `scheme` is http, https, socks5 (names are resolved here) or socks5h (names are resolved there).

    `repr` and `str` show no credentials.
    """

    scheme: str
    host: str
    port: int
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def socks(self) -> bool:
        """Whether the proxy speaks SOCKS5, and not HTTP."""
        return self.scheme.startswith("socks")

    @property
    def authorization(self) -> tuple[tuple[str, str], ...]:
        """The Proxy-Authorization field (Basic, RFC 7617, in UTF-8); none without credentials."""
        if self.username is None:
            return ()
        credentials = f"{self.username}:{self.password or ''}".encode()
        return (("Proxy-Authorization", f"Basic {b64encode(credentials).decode('ascii')}"),)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts to redact everywhere: a proxy may pass its credentials on, and an origin echo them."""
        if self.username is None:
            return ()
        value = self.authorization[0][1]
        # shorter passwords are not redacted, as they would be found in the middle of ordinary words
        return tuple(secret for secret in (value, value.partition(" ")[2], self.password or "") if len(secret) >= 4)

    def __str__(self) -> str:
        return f"{self.scheme}://{authority(self.host, self.port)}"


class Route(NamedTuple):
    """The origin that a connection leads to, and the proxy on the way. Equal routes may share connections."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None

    @property
    def tls(self) -> bool:
        """Whether the connection speaks TLS with the origin."""
        return self.scheme == "https"

    @property
    def peer(self) -> str:
        """The origin's host and port, as CONNECT and our errors name them."""
        return authority(self.host, self.port)

    @property
    def forwarded(self) -> bool:
        """Whether the proxy reads the request and forwards it, without a tunnel: http:// through an HTTP proxy."""
        return self.proxy is not None and not self.tls and not self.proxy.socks

    @property
    def first_hop(self) -> tuple[str, int]:
        """The host and port that a TCP connection is made to: the proxy's, if there is one."""
        return (self.host, self.port) if self.proxy is None else (self.proxy.host, self.proxy.port)


def authority(host: str, port: int) -> str:
    """`host:port` for a Host field or a CONNECT; an IPv6 address stands in brackets (RFC 3986 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def checked(proxy: ProxySetting) -> ProxySetting:
    """`proxy`, unchanged. Raises InvalidRequest for one that cannot be used."""
    if proxy:
        parse_proxy(proxy)
    return proxy


def parse_proxy(url: str) -> Proxy:
    """The proxy that `url` means: http://, https://, socks5:// or socks5h://; `host:port` alone means http://.

    Credentials stand before the host, percent-encoded. Raises InvalidRequest, which quotes none of the URL's secrets.
    """
    if not isinstance(url, str):
        kind = type(url).__name__
        raise InvalidRequest(f"proxy must be a URL, False for none, or None for the environment's, not {kind}")
    if not _URL.match(url):
        raise InvalidRequest(
            "a proxy's URL must be plain ASCII without spaces or control characters (percent-encode the password)"
        )
    parts, port = _split(url)
    if parts.scheme not in _PORTS:
        raise InvalidRequest(f"a proxy's URL cannot begin with {parts.scheme!r}: known are {', '.join(_PORTS)}")
    if not parts.hostname:
        raise InvalidRequest("the proxy's URL names no host: write http://host:port")
    username, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    _check_credentials(parts.scheme, username, password)
    return Proxy(parts.scheme, parts.hostname, _PORTS[parts.scheme] if port is None else port, username, password)


def _split(url: str) -> tuple[SplitResult, int | None]:
    """The parts of a proxy's URL, and its port. Raises InvalidRequest."""
    try:
        parts = urlsplit(url if _HAS_SCHEME.match(url) else f"http://{url}")
        if "@" in parts.path + parts.query + parts.fragment:  # then credentials were taken for the host and port
            raise ValueError
        return parts, parts.port
    except ValueError:
        raise InvalidRequest(
            "the proxy's URL is malformed: write http://user:password@host:port, with / ? # in them percent-encoded"
        ) from None


def _check_credentials(scheme: str, username: str | None, password: str | None) -> None:
    """Raises InvalidRequest for a user name or a password that the proxy's protocol cannot carry."""
    for part in (username or "", password or ""):
        if _CONTROL.search(part):
            raise InvalidRequest("the proxy's user name or password has a line end or other control character")
        if scheme.startswith("socks") and len(part.encode()) > 255:  # RFC 1929: one byte for the length
            raise InvalidRequest("a SOCKS proxy takes a user name and a password of at most 255 bytes each")
    if ":" in (username or "") and not scheme.startswith("socks"):  # RFC 7617 2
        raise InvalidRequest("the proxy's user name has a colon, which Basic authentication cannot carry")


def environment_proxy(url: str) -> str | None:
    """The URL of the proxy that the environment names for `url`, or None. The rules are those of requests:

    http_proxy, https_proxy and all_proxy, each before its form in capitals; NO_PROXY with names and their suffixes,
    ports, IP addresses, IPv4 networks, or `*` for all hosts. Under CGI HTTP_PROXY in capitals is not used, as a client
    sets it by a `Proxy` header field. On macOS and Windows the system's own proxy settings count as well.
    """
    # Most environments name no proxy, and loading requests takes long.
    if sys.platform not in ("darwin", "win32") and not any(map(os.environ.get, _VARIABLES)):
        return None
    from requests.utils import get_environ_proxies, select_proxy

    return select_proxy(url, get_environ_proxies(url)) or None
