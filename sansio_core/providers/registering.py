"""What `register` and `register_host` check and make. `providers/__init__.py` loads it when one of them is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import isabstract
from typing import Any, NamedTuple

from ..dialects import ChatParser
from ..errors import InvalidRequest, safe_repr
from ..http_request import check_base_url, check_header
from .base import BEARER, Provider, ProviderInfo, versioned

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")  # keys have small letters, or a hyphen


class Registered(NamedTuple):
    """A provider that was registered. `what` tells it from others: its class, or the wire and the facts of a host."""

    name: str
    make: Callable[..., Provider]
    info: ProviderInfo
    what: Any

    def is_as(self, other: Registered) -> bool:
        """Whether `other` is this one, or its class, defined anew: as by a notebook's cell that was run again."""
        return self.what == other.what or _place(self.what) == _place(other.what) is not None


def _place(what: Any) -> tuple[str, str] | None:
    return (what.__module__, what.__qualname__) if isinstance(what, type) else None


def of_class(name: str, provider: type[Provider]) -> Registered:
    """The class `provider`, checked, as `name`. Raises InvalidRequest, which says what to mend."""
    _check_name(name)
    if isinstance(provider, Provider):
        raise InvalidRequest(f"register() takes the class {type(provider).__name__}, not an object of it")
    if not (isinstance(provider, type) and issubclass(provider, Provider)):
        given = provider.__name__ if isinstance(provider, type) else safe_repr(provider)
        raise InvalidRequest(f"register() takes a subclass of providers.Provider, not {given}")
    cls, info = provider.__name__, getattr(provider, "info", None)
    if not isinstance(info, ProviderInfo):
        raise InvalidRequest(f"{cls} has no `info`: write info = ProviderInfo({name!r}, 'https://…') in it")
    if info.name != name:
        raise InvalidRequest(f"{cls} is called {info.name!r} in its info: register it by that name, not by {name!r}")
    if isabstract(provider):
        raise InvalidRequest(f"{cls} lacks {_methods(provider)}")
    if provider.parser is Provider.parser:  # a class may make its parsers itself
        _check_parser(cls, getattr(provider, "parser_class", None))
    _check_fields(cls, provider)
    _check_info(info)
    return Registered(name, provider, info, provider)


def of_host(make: Callable[..., Provider], wire: str, info: ProviderInfo) -> Registered:
    """The host of `info`, checked; `make` makes the provider `wire`. Raises InvalidRequest, which says what to mend."""
    _check_name(info.name)
    _check_info(info)
    # Hosts' pages also show the address of an endpoint, to be copied.
    info = replace(info, url=versioned(check_base_url(info.url), "", openai_wire=True))
    return Registered(info.name, partial(make, info=info), info, (wire, info))


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"a provider's name has letters, digits, '_', '-' and '.', and begins with one of the first two; "
            f"{safe_repr(name)} cannot be one"
        )


def _check_parser(cls: str, parser: object) -> None:
    if not (isinstance(parser, type) and issubclass(parser, ChatParser)):
        raise InvalidRequest(f"{cls} has no `parser_class`: write parser_class = …, a subclass of ChatParser")
    if isabstract(parser):
        raise InvalidRequest(f"{parser.__name__}, the parser_class of {cls}, lacks {_methods(parser)}")


def _check_fields(cls: str, provider: type[Provider]) -> None:
    """Header fields that are no pairs are found here, and not deep in the first call."""
    for field in (*provider.base_headers, provider.key_header or BEARER):
        if not (isinstance(field, tuple) and len(field) == 2):
            raise InvalidRequest(
                f"{cls}: base_headers has pairs, as in (('accept', '*/*'),), and key_header is one, as in "
                f"('x-api-key', ''); {safe_repr(field)} is none"
            )
        check_header(*field)


def is_variable(name: object) -> bool:
    """Whether `name` can be the name of an environment variable that holds a key, and is no key itself."""
    return isinstance(name, str) and _VARIABLE.fullmatch(name) is not None


def _check_info(info: ProviderInfo) -> None:
    check_base_url(info.url)
    for held, variable in (("key", info.api_key_env), ("base URL", info.base_url_env)):
        # Not quoted: people give the key itself where a variable's name belongs.
        if variable is not None and not is_variable(variable):
            raise InvalidRequest(
                f"the environment variable for the {held} of {info.name} must be given by its NAME, in capitals, like "
                "'ACME_API_KEY' (a key itself goes to Client(…, api_key=…))"
            )
    if not isinstance(info.models, tuple):  # of a str, each letter would be a model
        raise InvalidRequest(f"the models of {info.name} must be a tuple of names, not {safe_repr(info.models)}")
    if info.default_model is not None and not (isinstance(info.default_model, str) and info.default_model):
        raise InvalidRequest(f"the default model of {info.name} must be a str, not {safe_repr(info.default_model)}")


def _methods(cls: type) -> str:
    """The methods that an abstract class has not defined."""
    return " and ".join(f"{name}()" for name in sorted(getattr(cls, "__abstractmethods__", ())))
