"""Whether a live request asks what a taped one asked, and where the two differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote_plus, urlsplit

from ..http_request import Headers, header, origin
from ..redact import redact_url

Path: TypeAlias = tuple[str, ...]
"""Where a value stands in a body: the keys and indexes that lead to it. In a pattern of such paths, `*` is any."""
Found: TypeAlias = tuple[Path, Any, Any]
"""A difference: where it is, and the value on the tape and in the live request; NOTHING where there is none."""
NOTHING = object()

_STARS = re.compile(rb"\*+")
_ONES = re.compile(r"-?(?=.{4})1+(\.1+)?")  # shorter ones are rather the numbers that they look like
_FORM_FIELD = re.compile(r"([^&=]+)=?([^&]*)")


class Asked:
    """A request as it is compared. `key`: of two requests that are the same, the keys are equal.

    The method; the path, relative to the base URL or, where a redirect led elsewhere, from the origin on; the fields of
    the query but secret ones; and the body: the value of JSON, the fields of a form, or its bytes. `starred`: whether a
    text may have been blotted out of it.
    """

    __slots__ = ("body", "form", "key", "method", "path", "query", "starred", "value")

    def __init__(
        self, method: str, url: str, base: str, headers: Headers, body: bytes, ignored: tuple[Path, ...] = ()
    ) -> None:
        self.method, self.body = method, body
        self.path, self.query = _relative(redact_url(url), redact_url(base))
        self.form = header(headers, "content-type").startswith("application/x-www-form-urlencoded")
        self.value: Any = body
        try:
            self.value = _form(body.decode()) if self.form else json.loads(body)
            plain = _key(self.value, ignored, self.form)
        except (ValueError, RecursionError):
            self.value = plain = body
        self.key = (method, self.path, self.query, plain)
        self.starred = b"*" in body or "*" in url or b"1111" in body

    @property
    def target(self) -> str:
        """The path and the query, for a message."""
        return self.path + ("?" if self.query else "") + "&".join(f"{name}={value}" for name, value in self.query)


def differences(taped: Asked, asked: Asked, ignored: tuple[Path, ...] = ()) -> Iterator[Found]:
    """Where `asked` differs from `taped`; nowhere, if the take of `taped` answers it."""
    if taped.method != asked.method:
        yield ("method",), taped.method, asked.method
    if not (_blotted_alike(taped.path, asked.path) and _alike_queries(taped.query, asked.query)):
        yield ("target",), taped.target, asked.target
    # Of JSON in which a number was blotted out, the bytes alone can be compared.
    as_bytes = taped.form is not asked.form or bytes in (type(taped.value), type(asked.value))
    bodies: tuple[Any, Any] = (taped.body, asked.body) if as_bytes else (taped.value, asked.value)
    for path, one, other in _differences(*bodies, (), ignored, form=taped.form):
        yield ("body", *path), one, other


def blotted_alike(taped: bytes, asked: bytes) -> bool:
    """Whether `asked` is `taped`, but for what was blotted out of that: a run of `*`.

    It stands for a run of any length, as of a key blotted out of both, or for as many bytes of anything.
    """
    begin, ends = 0, {0}
    for run in _STARS.finditer(taped):
        text, begin = taped[begin : run.start()], run.end()
        found = {end + len(text) for end in ends if asked.startswith(text, end)}
        if not found:
            return False
        ends = {at + len(run[0]) for at in found} | {stars.end() for at in found if (stars := _STARS.match(asked, at))}
    rest = taped[begin:]
    return any(end + len(rest) == len(asked) and asked.startswith(rest, end) for end in ends)


def _relative(url: str, base: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The path of `url` without that of `base`, and the fields of its query without secret ones, in order."""
    address, _, query = url.partition("?")
    if address.startswith(base):
        path = address.removeprefix(base)
    else:
        path = urlsplit(address).path if origin(address) == origin(base) else address
    return path, tuple(sorted(field for field in _FORM_FIELD.findall(query) if field[1] != "[hidden]"))


def _form(text: str) -> dict[str, Any]:
    """The fields of a form, with their values as they stand on the wire; several of one name as a list."""
    fields: dict[str, list[str]] = {}
    for name, value in _FORM_FIELD.findall(text):
        fields.setdefault(unquote_plus(name), []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def _below(ignored: tuple[Path, ...], step: str) -> tuple[Path, ...] | None:
    """The patterns for what is below `step`; None where one names `step` itself."""
    if not ignored:
        return ignored
    below = tuple(path[1:] for path in ignored if path[0] in ("*", step))
    return None if () in below else below


def _key(value: Any, ignored: tuple[Path, ...], form: bool) -> Any:
    """`value` as one that can be hashed, without the order of its keys and without what is `ignored`.

    1 and 1.0 are equal and have equal hashes; so has True, which is another value in JSON.
    """
    if isinstance(value, str):
        return unquote_plus(value) if form else value
    if isinstance(value, dict):
        fields = ((name, each, _below(ignored, name)) for name, each in sorted(value.items()))
        return "{}", tuple((name, _key(each, below, form)) for name, each, below in fields if below is not None)
    if isinstance(value, list):
        items = ((each, _below(ignored, str(index))) for index, each in enumerate(value))
        return "[]", tuple(_key(each, below, form) for each, below in items if below is not None)
    return ("bool", value) if isinstance(value, bool) else value


def _differences(taped: Any, asked: Any, path: Path, ignored: tuple[Path, ...], *, form: bool) -> Iterator[Found]:
    pairs: Iterator[tuple[str, Any, Any]]
    if isinstance(taped, dict) and isinstance(asked, dict):
        pairs = _pairs(taped, asked)
    elif isinstance(taped, list) and isinstance(asked, list):
        pairs = _pairs(dict(zip(map(str, range(len(taped))), taped, strict=True)),
                       dict(zip(map(str, range(len(asked))), asked, strict=True)))  # fmt: skip
    else:
        if not _alike(taped, asked, form):
            yield path, taped, asked
        return
    for step, one, other in pairs:
        below = _below(ignored, step)
        if below is not None:
            yield from _differences(one, other, (*path, step), below, form=form)


def _pairs(taped: dict[str, Any], asked: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The fields of both objects with both values. A name may have been blotted out, too."""
    alone = [name for name in asked if name not in taped]
    for name, value in taped.items():
        other = name
        if name not in asked and "*" in name:
            other = next((each for each in alone if _blotted_alike(name, each)), name)
            alone = [each for each in alone if each != other]
        yield other, value, asked.get(other, NOTHING)
    for name in alone:
        yield name, NOTHING, asked[name]


def _alike(taped: Any, asked: Any, form: bool) -> bool:
    if isinstance(taped, str) and isinstance(asked, str):
        return _blotted_alike(taped, asked, form)
    if isinstance(taped, bytes) and isinstance(asked, bytes):
        return blotted_alike(taped, asked)
    if isinstance(taped, bool) or isinstance(asked, bool):
        return taped is asked
    return bool(taped == asked) or (_ONES.fullmatch(str(taped)) is not None and _digits(taped) == _digits(asked))


def _digits(number: Any) -> str:
    """As a number is blotted: a `1` for each digit, as JSON has no `*` for them."""
    return re.sub("[0-9]", "1", str(number))


def _blotted_alike(taped: str, asked: str, form: bool = False) -> bool:
    """As `blotted_alike`, of texts: what was blotted out was as long as the text on the wire."""
    if taped == asked or (form and unquote_plus(taped) == unquote_plus(asked)):
        return True
    # What stands before the first `*` tells nearly all others apart, and is found quickly.
    if "*" not in taped or not asked.startswith(taped[: taped.index("*")]):
        return False
    # A client may write a letter outside ASCII as it is, or as a JSON escape; a form's values are as on the wire.
    return any(blotted_alike(_wire(taped, ascii), _wire(asked, ascii)) for ascii in (False, True))


def _wire(text: str, ascii: bool) -> bytes:
    return json.dumps(text, ensure_ascii=ascii).encode(errors="surrogatepass")[1:-1]


def _alike_queries(taped: tuple[tuple[str, str], ...], asked: tuple[tuple[str, str], ...]) -> bool:
    return len(taped) == len(asked) and all(
        one[0] == other[0] and _blotted_alike(one[1], other[1]) for one, other in zip(taped, asked, strict=True)
    )
