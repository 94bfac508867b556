"""Whether a live request asks what a taped one asked, and where the two differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote_plus, urlsplit

from ..http_request import Headers, header
from .model import shown_url

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

    The method; the target, relative to the base URL or, where a redirect led elsewhere, from the origin on, without
    secret fields of its query, the others in order; and the body: the value of JSON, the fields of a form, or its
    bytes. `loose`: whether the take of it may answer requests with other keys: a text was blotted out, or the base URL
    left out by whoever wrote the tape by hand.
    """

    __slots__ = ("base", "body", "form", "key", "loose", "method", "target", "value")

    def __init__(
        self, method: str, url: str, base: str, headers: Headers, body: bytes, ignored: tuple[Path, ...] = ()
    ) -> None:
        self.method, self.base, self.body = method, base, body
        self.target = _relative(shown_url(url), shown_url(base).rstrip("/"))
        self.form = header(headers, "content-type").startswith("application/x-www-form-urlencoded")
        self.value: Any = body
        try:
            self.value = _form(body.decode()) if self.form else json.loads(body)
            plain = _key(self.value, ignored, self.form)
        except (ValueError, RecursionError):
            self.value = plain = body
        self.key = (method, self.target, plain)
        self.loose = b"*" in body or "*" in url or b"1111" in body or not base


def differences(taped: Asked, asked: Asked, ignored: tuple[Path, ...] = ()) -> Iterator[Found]:
    """Where `asked` differs from `taped`; nowhere, if the take of `taped` answers it."""
    if taped.method != asked.method:
        yield ("method",), taped.method, asked.method
    if not (_same_text(taped.target, asked.target) or (not taped.base and taped.target.endswith(asked.target))):
        yield ("target",), taped.target, asked.target
    bodies: tuple[Any, Any] = taped.value, asked.value
    if taped.form is not asked.form or bytes in map(type, bodies):
        bodies = taped.body or NOTHING, asked.body or NOTHING
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


def _relative(url: str, base: str) -> str:
    """`url` without `base`, its query in order and without secret fields."""
    address, _, query = url.partition("?")
    if address.startswith(base):
        address = address.removeprefix(base)
    elif urlsplit(address)[:2] == urlsplit(base)[:2]:  # scheme and host
        address = urlsplit(address).path
    fields = sorted(f"{name}={value}" for name, value in _FORM_FIELD.findall(query) if value != "[hidden]")
    return address + ("?" if fields else "") + "&".join(fields)


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


def _fields(value: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """What an object or a list has, by its names or indexes."""
    return value if isinstance(value, dict) else {str(index): each for index, each in enumerate(value)}


def _key(value: Any, ignored: tuple[Path, ...], form: bool) -> Any:
    """`value` as one that can be hashed, without the order of its keys and without what is `ignored`.

    1 and 1.0 are equal and have equal hashes; so has True, which is another value in JSON.
    """
    if isinstance(value, str):
        return unquote_plus(value) if form else value
    if isinstance(value, (dict, list)):
        fields = ((name, each, _below(ignored, name)) for name, each in sorted(_fields(value).items()))
        return type(value), tuple((name, _key(each, below, form)) for name, each, below in fields if below is not None)
    return (bool, value) if isinstance(value, bool) else value


def _differences(taped: Any, asked: Any, path: Path, ignored: tuple[Path, ...], *, form: bool) -> Iterator[Found]:
    if type(taped) is type(asked) and isinstance(taped, (dict, list)):
        for step, one, other in _pairs(_fields(taped), _fields(asked)):
            below = _below(ignored, step)
            if below is not None:
                yield from _differences(one, other, (*path, step), below, form=form)
    elif not _alike(taped, asked, form):
        yield path, taped, asked


def _pairs(taped: dict[str, Any], asked: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The fields of both objects with both values. A name may have been blotted out, too."""
    alone = {name: value for name, value in asked.items() if name not in taped}
    for name, value in taped.items():
        other = name
        if name not in asked and "*" in name:
            other = next((each for each in alone if _same_text(name, each)), name)
            alone.pop(other, None)
        yield other, value, asked.get(other, NOTHING)
    for name, value in alone.items():
        yield name, NOTHING, value


def _alike(taped: Any, asked: Any, form: bool) -> bool:
    if isinstance(taped, str) and isinstance(asked, str):
        return _same_text(taped, asked, form)
    if isinstance(taped, bytes) and isinstance(asked, bytes):
        return blotted_alike(taped, asked)
    if isinstance(taped, bool) or isinstance(asked, bool):
        return taped is asked
    return bool(taped == asked) or (_ONES.fullmatch(str(taped)) is not None and _digits(taped) == _digits(asked))


def _digits(number: Any) -> str:
    """As a number is blotted: a `1` for each digit, as JSON has no `*` for them."""
    return re.sub("[0-9]", "1", str(number))


def _same_text(taped: str, asked: str, form: bool = False) -> bool:
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
