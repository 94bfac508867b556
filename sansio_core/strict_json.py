"""JSON of which nothing is guessed: written as servers take it, and read with the place of what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from .errors import InvalidRequest

# json.dumps with arguments makes a new encoder for every call. NaN and infinity are no JSON (RFC 8259 6), and servers
# reject them with errors that do not say where they stood.
_ENCODER = partial(json.JSONEncoder, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_JSON = _ENCODER()


def dump_json(value: Any, what: str = "the request", default: Callable[[Any], Any] | None = None) -> bytes:
    """`value` as UTF-8 JSON; `default` gives what stands for an object, or raises TypeError.

    Raises InvalidRequest for NaN, infinity, other objects, lone surrogates, deep nesting, and calls the whole `what`.
    """
    encoder = _ENCODER(default=default) if default else _JSON
    try:
        return encoder.encode(value).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest(f"{what} cannot be written as JSON: {error}") from None


def parse_json(text: str, what: str) -> Any:
    """The value of the JSON `text`. Raises InvalidRequest, which says "`what` not JSON" and quotes the place."""
    try:
        return json.loads(text)
    except ValueError as error:
        near = text[max(0, getattr(error, "pos", 0) - 20) :][:40]  # a number of too many digits has no `pos`
        raise InvalidRequest(f"{what} not JSON: {error}, near {near!r}") from None
    except RecursionError:
        raise InvalidRequest(f"{what} nested too deeply") from None
