"""A take without secrets: header fields by allow-list, texts blotted, and what still looks like a key refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import accumulate, islice, pairwise
from typing import Any, AnyStr

from ..dialects.error_mapping import REQUEST_IDS
from ..errors import InvalidRequest
from ..http_request import Headers
from ..redact import PUBLIC_FIELDS, redact_field, redact_url, secrets_of_fields
from .blots import Blots, Secret
from .errors import UnsafeTape
from .model import End, Head, Piece, Step, Take

HIDDEN = "[hidden]"
_ANSWER_FIELDS = PUBLIC_FIELDS.union(
    REQUEST_IDS,
    (
        # what the body is, and what its reader needs to know of its length
        "content-encoding", "content-length", "content-language", "transfer-encoding", "vary",
        # when to come again, and who answered
        "age", "date", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms", "server",
        "x-should-retry",
    ),
)  # fmt: skip
"""The response's header fields that stay readable: a replay needs them, or gives the same messages by them."""
_COOKIE = 16  # characters: what a response sets and is shorter may be an everyday word
# A field of JSON, with a text as long as keys are. In JSON within a string, there are backslashes before the quotes.
_FIELD = re.compile(r'"([^"\\]{1,64})"\s*:\s*"([^"\\\s]{16,256})"')
_MOST = 100  # such fields: each is looked for everywhere, and a hostile tape may have any number
_DIGIT = re.compile("[0-9]")
_NO_SECRETS = frozenset(
    {
        # what the documentations of local servers and of clients, and tests, give where no key is needed
        "anything", "dummy", "emulated", "empty", "fake", "lm-studio", "no-key", "not-needed", "ollama", "placeholder",
        "sk-no-key-required", "test", "unused",
        # and what cookies say of a visitor's choices
        "false", "none", "null", "true",
    }
)  # fmt: skip
_LIMITS = re.compile(r"(?:x-|anthropic-)?ratelimit")
_AMOUNT = re.compile(r"[0-9][0-9A-Za-z.:+-]{0,39}\Z")  # 100, 6m0s, 2026-11-22T10:00:00Z


def checked_redact(redact: object) -> tuple[Secret, ...]:
    """The texts and patterns that a user gave as `redact=`: one of them, or several. Raises InvalidRequest."""
    several = redact if isinstance(redact, Iterable) and not isinstance(redact, (str, bytes, Mapping)) else (redact,)
    return tuple(map(_checked, several))


def _checked(secret: object) -> Secret:
    match secret:
        case str():
            if len(secret.strip()) > 1:
                return secret
            raise InvalidRequest("redact= takes texts of two characters or more: a shorter one stands in every answer")
        case re.Pattern(pattern=str()):
            if secret.search("") is None:
                return secret
            raise InvalidRequest(
                f"the pattern {secret.pattern!r} for redact= matches the empty text, which is everywhere: "
                "have it match one character at least"
            )
    kind = "a pattern of bytes" if isinstance(secret, re.Pattern) else type(secret).__name__
    raise InvalidRequest(f"redact= takes a str, a compiled pattern of str, or a list of them, not {kind}")


def redacted(take: Take, secrets: Iterable[str], redact: Iterable[Secret] = ()) -> Take:
    """`take` without secrets: those of the exchange, `secrets`, and what `redact` names.

    What is blotted keeps its length in bytes, and the body its pieces. Raises UnsafeTape for what looks like a key.
    """
    redaction = _Redaction(Blots((*_worth(secrets), *_set(take), *secrets_of_body(take.body)), redact))
    del secrets, redact  # a traceback may show what its functions were given, and pytest does
    try:
        return redaction.take(take)
    except UnsafeTape as error:
        raise error.with_traceback(None) from None


def secrets_of_body(body: bytes) -> Iterator[str]:
    """The values of fields in a JSON `body` whose names mark a secret: those that look like keys."""
    fields = _FIELD.findall(body.decode("utf-8", "replace"))
    return islice((value for name, value in fields if redact_field(name, "") and _DIGIT.search(value)), _MOST)


def _worth(secrets: Iterable[str]) -> list[str]:
    """Those of `secrets` that are secret: what stands for a key may stand in any answer."""
    return [secret for secret in secrets if secret.lower() not in _NO_SECRETS]


def _set(take: Take) -> list[str]:
    """What the response sets, in cookies and the like."""
    fields = [field for step in take.steps if isinstance(step, Head) for field in step.headers]
    return [secret for secret in secrets_of_fields(fields, ()) if len(secret) >= _COOKIE][:_MOST]


class _Redaction:
    def __init__(self, blots: Blots) -> None:
        self._blots = blots

    def take(self, take: Take) -> Take:
        headers = tuple(self._fields(take.headers, PUBLIC_FIELDS, "request"))
        return replace(
            take,
            url=self._text(_url(take.url), "the URL of the request"),
            base=self._text(_url(take.base), "the base URL"),
            headers=headers,
            body=self._body(take.body, "the body of the request"),
            steps=tuple(self._steps(take)),
        )

    def _steps(self, take: Take) -> Iterator[Step]:
        data = [step.data for step in take.steps if isinstance(step, Piece)]
        whole = b"".join(data)
        body = self._body(whole, "the answer", cut=take.end.what != "end")
        places = pairwise(accumulate(map(len, data), initial=0))
        for step in take.steps:
            if isinstance(step, Piece):
                if body is not whole:
                    begin, end = next(places)
                    step = Piece(step.after, body[begin:end])
            elif isinstance(step, Head):
                step = replace(step, headers=tuple(self._fields(step.headers, _ANSWER_FIELDS, "response")))
            elif isinstance(step, End):
                step = replace(step, attributes=self._plain(dict(step.attributes)))
            yield step

    def _fields(self, headers: Headers, public: frozenset[str], whose: str) -> Iterator[tuple[str, str]]:
        for name, value in headers:
            lower = name.lower()
            if lower == "location":
                shown = _url(value)
            elif lower in public or (_LIMITS.match(lower) and _AMOUNT.match(value)):
                shown = value
            else:
                shown = HIDDEN
            yield name, self._text(shown, f"the {whose}'s header {name}")

    def _plain(self, value: Any) -> Any:
        """A plain value, its texts blotted."""
        match value:
            case str():
                return self._text(value, "the error")
            case Mapping():
                return {name: self._plain(inner) for name, inner in value.items()}
            case list() | tuple():
                return [self._plain(inner) for inner in value]
        return value

    def _text(self, text: str, where: str) -> str:
        blotted, key = self._blots.text(text)
        return _safe(blotted, key, where)

    def _body(self, data: bytes, where: str, *, cut: bool = False) -> bytes:
        blotted, key = self._blots.body(data, cut)
        return _safe(blotted, key, where)


def _safe(blotted: AnyStr, key: str | None, where: str) -> AnyStr:
    if key is not None:
        raise UnsafeTape(where, key)
    return blotted


def _url(value: str) -> str:
    try:
        return redact_url(value)
    except ValueError:
        return "//[hidden"  # an address that cannot be read, either: by that the answer is refused
