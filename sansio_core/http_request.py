"""What goes over a wire, as values: HttpRequest, header fields, URLs, cookies; and which redirects are followed.

Everything is checked here before it can reach a wire. A line end in a header's value would let whoever chose the value
write a header field of their own; a `..` in a model's name would let them ask another URL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from urllib.parse import quote, urljoin, urlsplit

from .errors import InvalidRequest, UnexpectedRedirect, safe_repr
from .redact import (
    URL_FIELDS,
    longest_first,
    private,
    redact,
    redact_field,
    redact_url,
    secrets_of_fields,
    secrets_of_query,
)

Headers = tuple[tuple[str, str], ...]
"""Header fields in order; names are compared without regard to case (RFC 9110 5.1)."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")  # RFC 9110 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e]*\Z")  # RFC 9110 5.5, less obs-text: servers disagree on its encoding
# RFC 6265 4.1.1 less `;`, with blanks, quotes and commas, which browsers send as well: a server that set such a cookie
# wants it back.
_COOKIE = re.compile(r"[\x20-\x3a\x3c-\x7e]*\Z")
_URL = re.compile(r"[\x21-\x7e]+\Z")  # what RFC 3986 2 allows is among these; urlsplit says what is no URL
_LENGTH = re.compile(r"[0-9]{1,18}\Z")  # RFC 9110 8.6; int() alone would take "1_0", "+1" and Arabic digits


class Fields(tuple[tuple[str, str], ...]):
    """Header fields that were checked, to be shared by requests. Raises InvalidRequest for what must not reach a wire.

    Nearly all calls of a client have the same fields, so that a provider makes them once and no call checks them or
    looks for secrets again. Measured: a request of thirteen fields is made in 0.5 µs in place of 5.5, and its secrets
    are found in 0.2 µs in place of 3.4.
    """

    def __init__(self, _: Headers) -> None:  # the tuple itself was made by __new__
        # Checked though ChatRequest and Provider check what users give, as early as they can: these are the merged
        # fields, with the provider's own, such as a key that was set later or a nonce out of a page.
        for name, value in self:
            check_header(name, value)
        self.form = header(self, "content-type").startswith("application/x-www-form-urlencoded")
        """Whether they announce a form as the body, the other place where secrets stand as `name=value`."""
        self.names = frozenset([name.lower() for name, _ in self])
        self.lines = "".join([f"{name}: {value}\r\n" for name, value in self])
        """As HTTP/1.1 writes them (RFC 9112 5), for transports that write the request themselves."""
        self.plain = all(value and value == value.strip(" \t") and "\t" not in value for _, value in self)
        """Whether no value is empty, begins or ends with white space, or has a tab: such values are left to h11."""
        # by `given`, of which a client has one or two kinds: its own headers, and these with a call's
        self._secrets: dict[tuple[str, ...], tuple[str, ...]] = {}

    def secrets(self, given: tuple[str, ...]) -> tuple[str, ...]:
        """The secret values in them, longest first, where the user gave the fields named `given`."""
        found = self._secrets.get(given)
        if found is None:
            found = self._secrets[given] = longest_first(secrets_of_fields(self, given))
        return found


@dataclass(frozen=True, slots=True, init=False)
class HttpRequest:
    """One HTTP request to send: method, absolute URL, header fields as pairs of str, body as bytes.

    `given` names the fields that the user gave by `headers=`. The transport adds what belongs to the connection (Host,
    Content-Length, Accept-Encoding, Connection) and nothing else. Raises InvalidRequest for what must not reach a wire:
    a line end or other control character, a scheme other than http and https, credentials in the URL.

    `repr`, and `redacted_headers` for a log, show `[hidden]` for the value of every field whose name marks a secret,
    and of every field that the user gave: nobody here can know what a gateway's own field carries.
    """

    method: str
    url: str
    headers: Fields
    body: bytes = field(default=b"", repr=False)
    given: tuple[str, ...] = ()

    # Written by hand, as the parameter `headers` takes any pairs and the attribute has checked Fields: a generated one
    # with __post_init__ would set it twice, and give the attribute the parameter's wider type.
    def __init__(
        self, method: str, url: str, headers: Headers = (), body: bytes = b"", given: tuple[str, ...] = ()
    ) -> None:
        put = object.__setattr__  # the class is frozen: its own __setattr__ raises
        check_url(url)
        put(self, "method", method)
        put(self, "url", url)
        put(self, "headers", headers if isinstance(headers, Fields) else Fields(headers))
        put(self, "body", body)
        put(self, "given", given)

    def __repr__(self) -> str:
        url = redact_url(self.url)
        return (
            f"HttpRequest({self.method!r}, {url!r}, headers={self.redacted_headers!r}, body=<{len(self.body)} bytes>)"
        )

    @property
    def redacted_headers(self) -> Headers:
        """The header fields for a log, with `[hidden]` for secrets and for the user's own values."""
        mine = private(self.given)
        return tuple(
            (name, "[hidden]" if name.lower() in mine else redact_field(name, value)) for name, value in self.headers
        )

    @property
    def redacted(self) -> HttpRequest:
        """The same request with `[hidden]` in place of each secret, in a form's body too: for observers."""
        body = self.body
        if self.headers.form:
            body = redact(body.decode("utf-8", "replace"), self.secrets).encode()
        return HttpRequest(self.method, redact_url(self.url), self.redacted_headers, body, self.given)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: the server to connect to."""
        return origin(self.url)

    @property
    def authority(self) -> str:
        """The value of the field Host (RFC 9110 7.2): the host, and the port where the URL names one."""
        return urlsplit(self.url).netloc

    @property
    def target(self) -> str:
        """The request line's target in origin form (RFC 9112 3.2.1): path and query, without the fragment."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value in the request, longest first, to be redacted where a peer quotes it.

        Keys, cookies and nonces of at least 4 characters. Of a field that the user gave under a name that marks no
        secret, only words as long as keys are (see `secrets_of_fields`).
        """
        found = self.headers.secrets(self.given)
        if not self.headers.form and "?" not in self.url:
            return found
        fields = urlsplit(self.url).query
        if self.headers.form:
            fields += "&" + self.body.decode("ascii", "replace")  # a form is ASCII, unless the body is something else
        return longest_first({*found, *secrets_of_query(fields)})


def header(headers: Headers | list[tuple[str, str]], name: str, default: str = "") -> str:
    """The value of the first field named `name` (given in lower case), else `default`."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return default


def merge(*layers: Headers) -> Headers:
    """The fields of all `layers`; one of a later layer replaces an earlier layer's of the same name, in its place."""
    merged: dict[str, tuple[str, str]] = {}
    for layer in layers:
        merged |= {name.lower(): (name, value) for name, value in layer}
    return tuple(merged.values())


def check_header(name: str, value: str) -> None:
    """Raises InvalidRequest unless name and value are safe on a wire. The message does not quote the value."""
    if not isinstance(name, str) or not _TOKEN.match(name):
        # `Authorization: Bearer …` given whole as a name is an easy mistake: the part behind the colon is a secret
        name = name.partition(":")[0] if isinstance(name, str) else name
        raise InvalidRequest(f"{safe_repr(name)} is not a header name: use letters, digits and - only")
    if not isinstance(value, str) or not _VALUE.match(value):
        raise InvalidRequest(
            f"the value for the header {name!r} has a line end, control or non-ASCII character (or is no str): "
            "check it for a stray newline, and percent-encode other characters"
        )


def check_url(url: str) -> None:
    """Raises InvalidRequest unless `url` is an absolute http or https URL, safe to send as it is."""
    _check_url(url if isinstance(url, str) else "")


@lru_cache(64)  # a client asks the same few URLs over and over; only good ones are kept, as an exception is no result
def _check_url(url: str) -> None:
    if not _URL.match(url):
        raise InvalidRequest(
            "a URL must be plain ASCII without spaces or control characters "
            "(write an international host name in its xn-- form)"
        )
    try:
        parts = urlsplit(url)
        _ = parts.port  # computed when it is read: a port that is no number from 0 to 65535 raises
    except ValueError:
        raise InvalidRequest("that is not a URL: its host or port cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        shown = redact_url(url).rpartition("@")[2]  # urlsplit found no host, so that a password may stand in the path
        raise InvalidRequest(f"{shown!r} is not an http:// or https:// URL with a host")
    if "@" in parts.netloc:  # they would stand in every log that shows a URL (RFC 9110 4.2.4)
        raise InvalidRequest(f"credentials do not belong in the URL {redact_url(url)!r}: use api_key= or headers=")


def check_base_url(url: str) -> str:
    """`url`, checked and without trailing slashes, as a base to append paths to."""
    check_url(url)
    if "?" in url or "#" in url:  # a path appended to it would become part of the query
        raise InvalidRequest(f"a base URL has no query or fragment: {redact_url(url)!r}")
    return url.rstrip("/")


@lru_cache(64)  # asked for every request and every redirect
def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port (RFC 6454 4): a request with secrets goes nowhere else."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def cookie_header(cookies: dict[str, str]) -> Headers:
    """The field Cookie for `cookies` (RFC 6265 4.2.1), or no field for none.

    Raises InvalidRequest, which does not quote the value, for a name or value that would end the pair or the field.
    """
    for name, value in cookies.items():
        if not is_cookie(name, value):
            raise InvalidRequest(f"the cookie {safe_repr(name)} has a character that cannot be sent: percent-encode it")
    return (("cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())),) if cookies else ()


def is_cookie(name: object, value: object) -> bool:
    """Whether `name` and `value` can stand in a Cookie field."""
    return bool(isinstance(name, str) and isinstance(value, str) and _TOKEN.match(name) and _COOKIE.match(value))


def quote_segment(text: str) -> str:
    """`text` as one path segment (RFC 3986 3.3): a model's name cannot leave its place in the URL.

    Raises InvalidRequest for "." and "..".
    """
    # Servers remove dot segments (RFC 3986 5.2.4), and take "%2E" for "." (6.2.2.2): quoting could not protect them.
    if text in (".", ".."):
        raise InvalidRequest(f"{text!r} cannot be the name of a model: it would be a step in the URL's path")
    return quote(text, safe=":@!$&'()*+,;=~-._")


def body_length(headers: Headers) -> int | None:
    """The Content-Length of a response, if its reader gets exactly that many bytes; otherwise None.

    None without a Content-Length, and with a transfer or content coding: the field then counts other bytes than a
    reader gets, or none at all (RFC 9112 6.3, RFC 9110 8.6). None for different lengths and for one that is no number:
    such a response is the transport's to reject.
    """
    lengths: set[str] = set()
    for name, value in headers:
        name = name.lower()
        if name == "content-length":  # RFC 9110 8.6: equal ones count as one; urllib3 joins several to a list
            lengths |= {member.strip() for member in value.split(",")}
        elif name == "transfer-encoding" or (name == "content-encoding" and value.strip().lower() not in _NO_CODING):
            return None
    length = lengths.pop() if len(lengths) == 1 else ""
    return int(length) if _LENGTH.match(length) else None


_NO_CODING = ("", "identity")
REDIRECTS = frozenset({301, 302, 303, 307, 308})  # RFC 9110 15.4; 300 and 304 name no URL to go on to
MAX_REDIRECTS = 5


def redirect(request: HttpRequest, status: int, location: str, count: int) -> HttpRequest:
    """`request` with the URL that `location` points to (RFC 9110 15.4), as the redirect number `count` of a question.

    Raises UnexpectedRedirect for another origin, which no secret may reach; for a POST by 301, 302 or 303, which would
    turn it into a GET without the question; and for more than MAX_REDIRECTS.
    """
    try:
        target = urljoin(request.url, location).partition("#")[0]  # a fragment is never sent
        moved = replace(request, url=target)
    except InvalidRequest as error:
        raise UnexpectedRedirect(status, f"to an address that cannot be used: {error}") from None
    except ValueError:  # urljoin raises it for brackets that are no IPv6 address
        raise UnexpectedRedirect(status, "to an address that cannot be read") from None
    if origin(target) != origin(request.url):  # https to http on the same host is another origin too
        raise UnexpectedRedirect(
            status, f"to another origin, {redact_url(target)}: if you trust it, give it as base_url="
        )
    if request.method != "GET" and status not in (307, 308):
        raise UnexpectedRedirect(status, f"{request.method} to {redact_url(target)}: only 307 and 308 may move it")
    if count > MAX_REDIRECTS:
        raise UnexpectedRedirect(status, f"more than {MAX_REDIRECTS} times, last to {redact_url(target)}")
    return moved


# The beginnings of the header fields in which providers and gateways tell of the account: rate limits, service tiers,
# costs. (OpenAI's, Anthropic's, Google's, Groq's and Azure's pages on rate limits; docs.litellm.ai/docs/proxy/headers.)
_ACCOUNT = (
    "x-ratelimit-", "ratelimit", "anthropic-", "openai-", "x-gemini-", "x-groq-", "x-ms-", "x-litellm-", "x-should-",
    "fireworks-",
)  # fmt: skip


def public_headers(headers: Headers, secrets: tuple[str, ...]) -> dict[str, str]:
    """Those of a response's header fields that anybody may see, with their names in lower case.

    Without cookies and whatever else a name marks as secret, and without fields of URLs; each of `secrets` is replaced
    by `[hidden]`. The values of a field that came several times are joined (RFC 9110 5.3).
    """
    found: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        if name not in URL_FIELDS and redact_field(name, "") == "":
            found[name] = f"{found[name]}, {value}" if name in found else value
    return {name: redact(value, secrets) for name, value in found.items()}


def account_headers(headers: Headers) -> list[tuple[str, str]]:
    """Those of a response's header fields that tell of the account, with their names in lower case.

    Of a field that came twice the first counts.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        if name.startswith(_ACCOUNT):
            found.setdefault(name, value)
    return list(found.items())
