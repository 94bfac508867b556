"""Secrets out of every text: which header fields, query fields and form fields hold them, and how they are replaced.

A secret is known by the name of its field, as every gateway has header fields of its own. Two ways lead from there:
`redact_field` and `redact_url` replace the values of such fields where a request or response is shown. `redact`
replaces the values themselves in any text, for a server may echo a key in its error message. `excerpt` cuts such a
text to what a message may quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote_plus, urlsplit, urlunsplit

# Words inside a name that mark a secret. The look-aheads leave readable what only looks like one: the challenge
# WWW-Authenticate, `authority`, `author`, `keyword`, and counts such as x-ratelimit-remaining-tokens.
_SECRET = (
    r"auth(?!enticate|ority|ors?\b)|key(?!word|board)|token(?!s|[-_]?count)|secret|passw|passphrase|cookie|session"
    r"|credential|signature|nonce|jwt"
)
_SECRET_HEADER = re.compile(_SECRET, re.I)
"""Names of header fields with a secret, in requests and responses alike."""
_SECRET_FIELD = re.compile(rf"{_SECRET}|(?<![a-z])sig(?![a-z])|\Acode\Z", re.I)
"""Names of query and form fields with a secret; Azure's URLs carry keys as `sig` (storage) and `code` (functions)."""
PUBLIC_FIELDS = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "anthropic-beta", "anthropic-version", "cache-control",
        "connection", "content-type", "host", "openai-beta", "user-agent", "x-request-id",
    }
)  # fmt: skip
"""Header fields that stay readable even where the user gave them: a log needs them, and none is meant for a key."""
_PIECES = re.compile(r"[\s,;=]+")  # what stands between the parts of a field's value
# As long as keys are (16 characters), and no plain URL; a URL with a user's name, a query or a fragment may hold a key.
_KEYLIKE = re.compile(r"(?!https?://[^@?#]*\Z)\S{16,}\Z")
# `data-nonce="…"`, `nonce: '…'`, `{"token":"…"}`, and the same JSON within a string. (Texts: few processes need them.)
_GIVEN = r"""(?<![\w-])([\w-]{1,64})(?:\\?["'])?\s*[=:]\s*(?:\\?"([^"\\<>]*)|\\?'([^'\\<>]*)|([^\s"'\\<>;,]+))"""
_VALUE = r".{8}|(?=.{4}).*[0-9]"  # a shorter word would be found by chance
# A name is looked for where one may begin alone, and not given back: else a long text without `=` takes hours.
_PAIR = re.compile(r"(?<![^&=])([^&=]++)=([^&]*)")

EXCERPT = 500
"""How many characters of a peer's text an error message quotes."""
MIN_SECRET = 4
"""Characters: a shorter value is not looked for in texts, as it would be found by chance in the midst of words."""


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with each of `secrets` replaced by `[hidden]`, also where the text was cut in the middle of one."""
    # Nearly no text has a secret. Looking for their beginnings alone takes 0.2 µs, all that follows 8.7.
    for secret in secrets:
        if secret[:MIN_SECRET] in text:
            break
    else:
        return text
    secrets = tuple(sorted(secrets, key=len, reverse=True))  # the longest first, as one may be a part of another
    for secret in secrets:
        text = text.replace(secret, "[hidden]")
    # A text may be cut at its end (a bounded body) and before the last mark that excerpt() left, each time in the midst
    # of a secret: its beginning there is replaced too. From the end on, so that earlier positions stay as they are.
    for cut in [found.start() for found in re.finditer(r"… \([0-9]+ characters\)|\Z", text)][:-3:-1]:
        for secret in secrets:
            lengths = range(len(secret) - 1, MIN_SECRET - 1, -1)
            left = next((n for n in lengths if text.endswith(secret[:n], 0, cut)), 0)
            if left:
                text = f"{text[: cut - left]}[hidden]{text[cut:]}"
                break
    return text


def private(given: tuple[str, ...]) -> set[str]:
    """The names, in lower case, of the header fields `given` by the user whose meaning only the user knows."""
    return {name.lower() for name in given} - PUBLIC_FIELDS


def secrets_of_fields(headers: Iterable[tuple[str, str]], given: tuple[str, ...]) -> set[str]:
    """The secret values in `headers`, of which the user gave those named `given`."""
    found, unclear = set[str](), private(given)
    for name, value in headers:
        secret = _is_secret_header(name)
        if secret:
            # `Bearer KEY`, `Basic …`: a server may echo the credentials without their scheme (RFC 9110 11.4)
            scheme, _, credentials = value.partition(" ")
            found |= {value, credentials}
            if scheme.lower() == "basic":
                found.add(_password(credentials))
            if name.lower() == "cookie":
                found |= {pair.partition("=")[2] for pair in value.split("; ")}
        # A gateway's own field may join several values, as "team=chat; pass=…". Only pieces that look like keys are
        # secrets: a short word would be redacted wherever an error message uses that word.
        if secret or name.lower() in unclear:
            found |= {piece for piece in (value, *_PIECES.split(value)) if _KEYLIKE.match(piece)}
    return found


def _password(credentials: str) -> str:
    """The password in the `credentials` of the scheme Basic (RFC 7617 2); "" where there is none."""
    from binascii import Error, a2b_base64  # here, as few requests have such

    try:
        return a2b_base64(credentials).decode("utf-8", "replace").partition(":")[2]
    except Error:
        return ""


def secrets_of_query(text: str) -> set[str]:
    """The secret values in a URL's query or a form's body, percent-encoded as they are sent, and decoded."""
    values = {value for name, value in _PAIR.findall(text) if _is_secret_field(name)}
    return values | set(map(unquote_plus, values))


def secrets_of_page(text: str) -> set[str]:
    """The values that a page, a script or JSON gives to names which mark a secret; `text` may be cut within one."""
    found = (("".join(values), name) for name, *values in re.findall(_GIVEN, text))
    return {value for value, name in found if _is_secret_field(name) and re.search(_VALUE, value)}


def longest_first(values: Iterable[str]) -> tuple[str, ...]:
    """Those of `values` with MIN_SECRET characters or more, the longest first."""
    return tuple(sorted((value for value in values if len(value) >= MIN_SECRET), key=len, reverse=True))


def redact_field(name: str, value: str) -> str:
    """`value`, or `[hidden]` where the header field's `name` marks a secret."""
    return "[hidden]" if _is_secret_header(name) else value


URL_FIELDS = frozenset({"location", "content-location", "link", "refresh"})
"""The response's header fields that hold URLs, which may have keys in them; names in lower case."""


def redact_response(headers: Iterable[tuple[str, str]], secrets: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """A response's header fields for a log: `[hidden]` for fields that mark a secret, and in place of `secrets`."""
    return tuple((name, redact(_shown(name.lower(), value), secrets)) for name, value in headers)


def _shown(name: str, value: str) -> str:
    if name not in URL_FIELDS:
        return redact_field(name, value)
    try:
        return redact_url(value) if name.endswith("location") else "[hidden]"
    except ValueError:
        return "[hidden]"


def redact_url(url: str) -> str:
    """`url` for a log: without credentials and fragment, and with `[hidden]` for the values of `key=` and the like."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = _PAIR.sub(lambda pair: f"{pair[1]}=[hidden]" if _is_secret_field(pair[1]) else pair[0], parts.query)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


@lru_cache(256)  # only names are kept, never values, and requests have the same names every time
def _is_secret_header(name: str) -> bool:
    return _SECRET_HEADER.search(name) is not None


def _is_secret_field(name: str) -> bool:
    return _SECRET_FIELD.search(unquote_plus(name)) is not None  # a name may be percent-encoded as well: `s%69g`


def excerpt(text: str) -> str:
    """`text` on one line, cut to EXCERPT characters: as much as a message quotes of a peer."""
    line = " ".join(text.split())
    # An excerpt stays as it is when it is made again: `body` is cut when the error is made, and `str` cuts it again.
    # (The pattern is not compiled at import: few processes ever need it.)
    if len(line) <= EXCERPT or re.fullmatch(rf".{{{EXCERPT}}}… \([0-9]+ characters\)", line):
        return line
    return f"{line[:EXCERPT]}… ({len(line)} characters)"
