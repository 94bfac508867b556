"""Deck: the takes of a tape, and which of them answers a request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from ..errors import InvalidRequest, safe_repr
from ..http_request import HttpRequest
from ..providers import Provider
from ..redact import longest_first, redact, redact_field
from .blots import Blots
from .compare import NOTHING, Asked, Found, Path, differences
from .errors import Difference, UnmatchedRequest
from .keys import keylike
from .model import Take, Tape
from .redact import secrets_of_body

_SHOWN = 10
"""How many differences a message names."""
_WIDTH = 60
"""How many characters it quotes of a value."""
_LOOKED_AT = 200
"""How many differences are counted, at most, to find the nearest take."""


class Deck:
    """The takes of `tape` that are still to be played; each answers one request, equal ones in their order.

    A take answers a request with its method, its target relative to the base URL, and its body: as JSON or a form the
    same values in any order, and any text where one was blotted out of the tape. Not compared are secret fields of the
    query, the provider's `volatile` fields, and those that `ignore` names: "metadata.run", "messages.*.id" (`*` is any
    key or index), or the name of a form's field; each with all that is in it. Raises InvalidRequest for a bad `ignore`.

    `takes`: all of them. `unmatched`: the errors that `take` has raised. Any thread may call `take` at any time.
    """

    # Without a lock, which the core may not have: a take is claimed by dict.pop, which is atomic, also in free-threaded
    # Python. All that is shared besides is never changed once it is made; two threads may both make it.

    def __init__(self, tape: Tape, *, ignore: Iterable[str] = ()) -> None:
        if not isinstance(tape, Tape):
            raise InvalidRequest(f"a Tape is played, as Tape.loads(data) gives one, not {safe_repr(tape)}")
        self.takes = tape.takes
        self.ignore = _paths(ignore)
        self.unmatched: list[UnmatchedRequest] = []
        self._left = dict.fromkeys(range(len(tape.takes)))
        self._indexes: dict[frozenset[str], _Index] = {}

    @property
    def unused(self) -> tuple[Take, ...]:
        """The takes that answered no request so far."""
        return tuple(take for number, take in enumerate(self.takes) if self.has(number))

    def has(self, number: int) -> bool:
        """Whether the take of that index answered no request so far."""
        return number in self._left

    def take(self, request: HttpRequest, provider: Provider) -> Take:
        """The take that answers `request`, which is one to `provider`. Raises UnmatchedRequest."""
        for number in self._answering(request, provider):
            if self._left.pop(number, self) is None:  # not if another thread was quicker
                return self.takes[number]
        error = self._unmatched(request, provider)
        self.unmatched.append(error)
        raise error

    def left(self, request: HttpRequest, provider: Provider) -> list[int]:
        """The indexes, in `takes`, of those that are left and answer `request`."""
        return sorted(self._answering(request, provider))

    def _answering(self, request: HttpRequest, provider: Provider) -> Iterator[int]:
        """Those of the takes that are left; first those of the same provider, last those with a text blotted out."""
        index = self._index(provider)
        asked = index.asked(request, provider)
        same = index.same.get(asked.key, [])
        for number in sorted(same, key=lambda number: self.takes[number].provider != provider.info.name):
            if self.has(number):
                yield number
        # What a user calls a key may be a common word, such as "test": as it stands, the request matches as well.
        blotted = _blotted(request, _secrets(request, provider))
        both = [asked] if blotted is request else [asked, index.asked(blotted, provider)]
        for number in index.loose:
            if self.has(number) and number not in same:
                taped = index.taped[number]
                if any(next(differences(taped, each, index.ignored), None) is None for each in both):
                    yield number

    def _index(self, provider: Provider) -> _Index:
        index = self._indexes.get(provider.volatile)
        if index is None:
            ignored = (*self.ignore, *_paths(provider.volatile))
            index = self._indexes[provider.volatile] = _Index(self.takes, ignored)
        return index

    def _unmatched(self, request: HttpRequest, provider: Provider) -> UnmatchedRequest:
        index, secrets = self._index(provider), _secrets(request, provider)
        asked = index.asked(request, provider)
        ranked = []
        for number, taped in enumerate(index.taped):
            found = list(islice(differences(taped, asked, index.ignored), _LOOKED_AT))
            # Where another method or target was asked, the bodies say nothing.
            found = [each for each in found if each[0][0] != "body"] or found
            ranked.append((_distance(found), not self.has(number), number, found))
        secrets = (*secrets, *(_text(secret)[1:-1] for secret in secrets))
        target = redact(asked.target, secrets)
        if not ranked:
            return UnmatchedRequest(asked.method, target)
        _, used, number, found = min(ranked)
        found.sort(key=lambda difference: len(difference[0]))
        shown = [_shown(difference, secrets) for difference in found[:_SHOWN]]
        more = len(found) - len(shown)
        return UnmatchedRequest(asked.method, target, len(ranked), number + 1, used, shown, more)


class _Index:
    """The takes of a tape as they are compared: made once, as it takes as long as reading a tape of long bodies."""

    def __init__(self, takes: tuple[Take, ...], ignored: tuple[Path, ...]) -> None:
        self.ignored = ignored
        self.taped = [Asked(take.method, take.url, take.base, take.headers, take.body, ignored) for take in takes]
        self.same: dict[Any, list[int]] = {}
        for number, taped in enumerate(self.taped):
            self.same.setdefault(taped.key, []).append(number)
        self.loose = [number for number, taped in enumerate(self.taped) if taped.loose]

    def asked(self, request: HttpRequest, provider: Provider) -> Asked:
        return Asked(request.method, request.url, provider.base_url, request.headers, request.body, self.ignored)


def _secrets(request: HttpRequest, provider: Provider) -> tuple[str, ...]:
    """Those of the request, as a tape's are blotted out; also a key that no header field carries."""
    key = None if provider.key_header else provider.api_key
    found = {*request.secrets, *secrets_of_body(request.body)}
    return longest_first({*found, key} if isinstance(key, str) else found)


def _blotted(request: HttpRequest, secrets: tuple[str, ...]) -> HttpRequest:
    """`request` with `*` in place of `secrets`, as on a tape; itself where its body has none."""
    if not any(secret.encode() in request.body for secret in secrets):
        return request
    return replace(request, body=Blots(secrets).body(request.body)[0])


def _distance(found: list[Found]) -> int:
    """How unlike a take is: the least is the nearest. A field more or less is not as much as another value."""
    elsewhere = any(path[0] != "body" for path, _, _ in found)
    return elsewhere * 1000 * _LOOKED_AT + sum(1 if NOTHING in (one, other) else 2 for _, one, other in found)


def _paths(ignore: Iterable[str]) -> tuple[Path, ...]:
    """The paths that are written with dots."""
    paths = (ignore,) if isinstance(ignore, str) else tuple(ignore) if isinstance(ignore, Iterable) else (ignore,)
    for path in paths:
        if not isinstance(path, str) or not all(path.split(".")):
            raise InvalidRequest(
                f'ignore= names fields of the body, as in ("metadata.run", "messages.*.id"), not {safe_repr(path)}'
            )
    return tuple(tuple(path.split(".")) for path in paths)


def _shown(difference: Found, secrets: tuple[str, ...]) -> Difference:
    path, taped, asked = difference
    where = path[1:] if path[0] == "body" else path
    secret = bool(where) and redact_field(where[-1], "") != ""
    one, other = (None if value is NOTHING else _safe(_text(value), secrets, secret) for value in (taped, asked))
    begin = 0
    if one is not None and other is not None:  # what is the same in both says nothing: some of it leads up to the rest
        same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
        begin = max(same - _WIDTH // 3, 0)
    return Difference(printed(_safe(".".join(where), secrets, False)), _cut(one, begin), _cut(other, begin))


def _safe(text: str, secrets: tuple[str, ...], secret: bool) -> str:
    text = redact(text, secrets)
    return "[hidden]" if secret or keylike(text) else text


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str | None, begin: int) -> str | None:
    if text is None:
        return None
    line = text if len(text) <= _WIDTH else text[begin : begin + _WIDTH] + "…" * (begin + _WIDTH < len(text))
    return printed("…" + line if begin and len(text) > _WIDTH else line)


def printed(text: str) -> str:
    """`text` without what a terminal may take for commands: others may have written the tape."""
    return "".join([letter if letter.isprintable() else "�" for letter in text])
