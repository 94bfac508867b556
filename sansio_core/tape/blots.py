"""Blotting: each secret in a text replaced by `*` of the same length, in whatever form and over however many frames."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from ..redact import MIN_SECRET
from . import alike
from .frames import Frames, Place
from .keys import keylike
from .views import Joined, View, decoded, unescaped, web_text

Secret = str | re.Pattern[str]

_DEPTH = 3  # how often what was read is read again: a tool's arguments are JSON in JSON, and may hold an address
_MASK = re.compile(r"\*{3,}|•{3,}|…|\.{3,}|[xX]{4,}")  # what a host shows in place of a key's middle
_MASKS = ("***", "•••", "…", "...", "xxxx", "XXXX")  # the least of each: to look for these alone is quick
_KEY = 8  # characters: what is shorter is no key of which a beginning and an end are shown
_DIGIT = re.compile("[0-9]")
_LINE = re.compile("[^\r\n]+")
_REPEATS = 500  # no key needs more; nor what is between the two ends of an escape
_SHOWN = 12  # characters that a host shows of a key before the mask


class Blots:
    """What is to be blotted: `secrets`, of which hosts quote the ends too, and what the user's `redact` names."""

    def __init__(self, secrets: Iterable[str] = (), redact: Iterable[Secret] = ()) -> None:
        secrets, redact = tuple(secrets), tuple(redact)
        named = [form for each in redact if isinstance(each, str) for form in _forms(each)]
        texts = [*secrets, *named]
        known = set(secrets)  # of `Bearer KEY` and KEY, the latter finds both
        bare = [each for each in secrets if " " not in each or each.rpartition(" ")[2] not in known]
        texts += chain.from_iterable(map(_in_base64, [*named, *bare]))
        # A text that was decoded once too often is still found, as its secret was decoded likewise.
        self.texts = tuple(dict.fromkeys([*texts, *map(web_text, texts)]))
        spaced = [re.compile(r"\s+".join(map(re.escape, form.split()))) for form in named if len(form.split()) > 1]
        patterns = [each for each in redact if not isinstance(each, str)]
        self.patterns = (*spaced, *patterns)
        self.keys = tuple(secret for secret in secrets if len(secret) >= _KEY)
        # As often is a text repeated in which they are looked for, at least; a pattern may ask for any number.
        self.repeats = 0 if patterns else _REPEATS + max(map(len, self.texts), default=0)

    def body(self, data: bytes, cut: bool = False) -> tuple[bytes, str | None]:
        """`data` blotted, and how what looks like a key in it begins, or None; `cut`: it may end amid a secret."""
        before = data.decode("utf-8", "surrogateescape")
        text, key = self._blotted(before, cut, "surrogateescape")
        return (data if text is before else text.encode("utf-8", "surrogateescape")), key

    def text(self, text: str) -> tuple[str, str | None]:
        """The same for a text that is no body."""
        return self._blotted(text, False, "surrogatepass")

    def _blotted(self, text: str, cut: bool, errors: str) -> tuple[str, str | None]:
        search = _Search(self, text, cut, quick=True)
        if search.found or search.key:
            search = _Search(self, text, cut)  # which tells where
        if not search.found:
            return text, search.key
        text = _starred(text, search.found, search.digits, errors)
        return text, search.key and _Search(Blots(), text, False).key


def _forms(text: str) -> set[str]:
    """`text` with its accents as letters' own and as characters behind them, which look alike."""
    if text.isascii():
        return {text}
    from unicodedata import normalize

    return {text, normalize("NFC", text), normalize("NFD", text)}


def _in_base64(secret: str) -> Iterator[str]:
    """The characters that `secret` alone decides wherever it stands in base64 (RFC 4648 4 and 5): in a file, say."""
    data = secret.encode("utf-8", "surrogatepass")
    for before in range(3):
        text = b2a_base64(bytes(before) + data, newline=False).decode()
        text = text[-(-before * 4 // 3) : (before + len(data)) * 4 // 3]
        if len(text) >= _KEY:
            yield from {text, text.replace("+", "-").replace("/", "_")}


class _Search:
    """Where the secrets stand in `text`; a `quick` one finds as much, and not where."""

    def __init__(self, blots: Blots, text: str, cut: bool, *, quick: bool = False) -> None:
        self._blots, self._cut, self._quick = blots, cut, quick
        self.found: list[Place] = []
        self.digits: list[Place] = []  # of these, those within a number of JSON
        self.key: str | None = None
        self._frames(View(text), 0)

    def _frames(self, view: View, depth: int) -> None:
        """Search a text that may be JSON, or have lines of it."""
        self._texts(view)
        if self._quick and (parts := alike.parts(view.text, self._blots.repeats)) is not None:
            for kind, text in parts:
                self._part(kind, View(text), depth)
            return
        for part in Frames(view.text):
            before = len(self.found)
            self._part(part.kind, Joined(view, part.places, part.between), depth)
            if part.kind == "number":
                self.digits += self.found[before:]
            elif part.kind == "name" and len(self.found) > before:
                for again in Frames(view.text, every_name=True):
                    if again.kind == "name":
                        self._part(again.kind, Joined(view, again.places, again.between), depth)

    def _part(self, kind: str, view: View, depth: int) -> None:
        plain = next(unescaped(view), view) if kind in ("string", "name") else view
        if kind == "string" and depth < _DEPTH and plain.text.lstrip()[:1] in ("{", "["):
            self._frames(plain, depth + 1)
        elif plain.text:
            self._said(plain, depth)

    def _said(self, view: View, depth: int) -> None:
        """Search a text that is no JSON; in it, there may be escapes all the same."""
        self._texts(view)
        self._found(view, self._others(view.text))
        self.key = self.key or keylike(view.text)
        if depth < _DEPTH:
            for inner in chain(unescaped(view), decoded(view)):
                self._said(inner, depth + 1)

    def _others(self, text: str) -> Iterator[Place]:
        """Where patterns match, where a host shows the ends of a key, and where a secret is cut."""
        blots = self._blots
        for pattern in blots.patterns:
            yield from (found.span() for found in pattern.finditer(text) if found[0])
        if blots.keys and any(mask in text for mask in _MASKS):
            yield from _masked(text, blots.keys)
        if self._cut:
            yield from _begun(text, blots.texts)

    def _texts(self, view: View) -> None:
        for secret in self._blots.texts:
            if secret in view.text:
                self._found(view, _places(view.text, secret))

    def _found(self, view: View, places: Iterable[Place]) -> None:
        for begin, end in places:
            self.found += view.spans(begin, end)


def _places(text: str, secret: str) -> Iterator[Place]:
    at = text.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = text.find(secret, at + 1)


def _masked(text: str, keys: tuple[str, ...]) -> Iterator[Place]:
    """What hosts show of a key that they refuse: `sk-w***ong`, `Your api key: ****a1b2`."""
    for mask in _MASK.finditer(text):
        for key in keys:
            lengths = range(min(len(key), _SHOWN), 0, -1)
            before = next((n for n in lengths if text.endswith(key[:n], 0, mask.start())), 0)
            after = next((n for n in lengths if text.startswith(key[-n:], mask.end())), 0)
            if before + after >= MIN_SECRET:
                yield mask.start() - before, mask.end() + after


def _begun(text: str, secrets: tuple[str, ...]) -> Iterator[Place]:
    """The beginning of a secret with which `text` ends."""
    for secret in secrets:
        lengths = range(len(secret) - 1, MIN_SECRET - 1, -1)
        if length := next((n for n in lengths if text.endswith(secret[:n])), 0):
            yield len(text) - length, len(text)


def _starred(text: str, found: list[Place], digits: list[Place], errors: str) -> str:
    """`text` with `*` for each byte in the places `found`, but `1` for a digit of a number: JSON stays JSON."""
    if digits:
        text = _replaced(text, digits, lambda piece: _DIGIT.sub("1", piece))
        found = _without(_merged(found), _merged(digits))
    def stars(line: re.Match[str]) -> str:
        return "*" * len(line[0].encode("utf-8", errors))

    return _replaced(text, found, lambda piece: _LINE.sub(stars, piece))


def _replaced(text: str, places: list[Place], by: Callable[[str], str]) -> str:
    pieces: list[str] = []
    at = 0
    for begin, end in _merged(places):
        pieces += text[at:begin], by(text[begin:end])
        at = end
    return "".join([*pieces, text[at:]])


def _merged(places: list[Place]) -> list[Place]:
    """`places` in order, those that meet as one."""
    merged: list[Place] = []
    for begin, end in sorted(places):
        if merged and begin <= merged[-1][1]:
            begin, end = merged[-1][0], max(end, merged.pop()[1])
        merged.append((begin, end))
    return merged


def _without(places: list[Place], holes: list[Place]) -> list[Place]:
    """What of `places` is not in `holes`; both are merged."""
    left: list[Place] = []
    at = 0
    for begin, end in places:
        while at < len(holes) and holes[at][1] <= begin:
            at += 1
        inside = at
        while inside < len(holes) and holes[inside][0] < end:
            if begin < holes[inside][0]:
                left.append((begin, holes[inside][0]))
            begin = holes[inside][1]
            inside += 1
        if begin < end:
            left.append((begin, end))
    return left
