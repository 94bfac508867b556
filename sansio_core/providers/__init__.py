"""The providers by name, and the door for more of them. A provider's module is loaded when its name is asked for.

A provider of one's own is a class: `JSONProvider` with a `payload`, or `Provider` with a `call`, and a parser of
`sansio_core.dialects`. `register` gives it a name; `register_host` names a host that speaks a wire which is known.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..dialects.forms import Payload
from ..errors import InvalidRequest, safe_repr, suggestion
from .base import SETTINGS, KeySource, Provider, ProviderInfo, no_provider
from .call import Call

if TYPE_CHECKING:
    from ..typed import ProviderName
    from .json_provider import JSONProvider
    from .registering import Registered

# The class of each provider that has a module of its own; the others are the rows of hosts.HOSTS. Classes are named and
# not imported, so that `import sansio_core` loads no dialect: it is loaded with the first provider that needs it.
_CLASSES = {
    "free_netfly": "FreeNetfly",
    "chatgpt_free": "ChatgptFree",
    "yqcloud": "Yqcloud",
    "acytoo": "Acytoo",
    "anthropic": "Anthropic",
    "gemini": "Gemini",
    "ollama": "Ollama",
    "openai_responses": "OpenAIResponses",
}
# Those whose wire another host may speak. Azure's address is made from the names of a resource and a deployment; the
# first four are one site each.
_NO_WIRES = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo", "azure_openai")

_registered: dict[str, Registered] = {}  # by plain names
_sources: dict[Callable[[], None], None] = {}  # those that were not asked yet


@cache
def _built_in() -> dict[str, str]:
    """The names of the providers of this package, by plain names."""
    from .hosts import HOSTS  # here, as the rows load a dialect

    return {_plain(name): name for name in (*_CLASSES, *HOSTS)}


def names() -> tuple[str, ...]:
    """The names that `create` knows."""
    _ask_sources()
    return (*_built_in().values(), *(found.name for found in _registered.values()))


def create(name: ProviderName | str, **config: Any) -> Provider:
    """The provider called `name` (see `names`); case, `-` and `_` do not matter, so `FreeNetfly` is found too.

    `config` is Provider's: api_key, base_url, model, headers, cookies. Raises InvalidRequest for an unknown name, an
    unknown setting or a bad one.
    """
    make, _ = _find(name)
    # Checked here: the TypeError of a constructor would not say what is known, and OpenAI's takes `host` besides.
    for setting in config:
        if setting not in SETTINGS:
            near = suggestion(setting, SETTINGS)
            raise InvalidRequest(f"a provider has no setting {setting!r}{near}; known are {', '.join(SETTINGS)}")
    return make(**config)


def info(name: ProviderName | str) -> ProviderInfo:
    """The facts about the provider called `name`, without setting one up."""
    return _find(name)[1]


def register(name: str, provider: type[Provider]) -> None:
    """Make the class `provider` known under its name, `provider.info.name`: to `create`, `info` and `names`, and so to
    the clients and the command.

    Any thread may call it, and again for the same class. Raises InvalidRequest for a class with something missing, and
    for a name that cannot be one or is another provider's.
    """
    from .registering import of_class

    _add(of_class(name, provider))


def register_host(
    name: str, *, url: str, key: str | None = None, model: str | None = None, wire: str = "openai"
) -> None:
    """Make a host known by `name` that speaks the wire of a provider which is known: OpenAI's chat wire, as most do.

    `url` is its base URL, as its pages show it for the vendor's clients (mostly with "/v1" on OpenAI's wire); `key` the
    NAME of the environment variable that holds its key, None where it wants none; `model` its default model; `wire` the
    provider whose wire it speaks: "openai", "openai_responses", "anthropic", "gemini", "ollama", or a host of OpenAI's
    wire that is known, such as "vllm", with that one's options.

    Raises InvalidRequest for a value that cannot be used, and for a name that is another provider's.
    """
    from .registering import of_host

    known = _built_in().get(_plain(wire)) if isinstance(wire, str) else None
    if known is None or known in _NO_WIRES:
        wires = [name for name in _built_in().values() if name not in _NO_WIRES]
        near = suggestion(wire, wires)
        raise InvalidRequest(f"no other host speaks the wire {safe_repr(wire)}{near}; known are {', '.join(wires)}")
    facts = ProviderInfo(name, url, model, api_key_env=key, needs_key=key is not None)
    _add(of_host(_find(known)[0], known, facts))


def add_source(load: Callable[[], None]) -> None:
    """Have `load` called once, before a name is unknown and before all names are listed: it registers more providers.

    The transports load the entry points of the group `sansio_chat.providers` so.
    """
    _sources[load] = None


def _ask_sources() -> None:
    for load in tuple(_sources):
        load()
        # Not before: another thread, which finds no source left, must find the names. Loading twice does no harm.
        _sources.pop(load, None)


def _add(new: Registered) -> None:
    plain = _plain(new.name)
    # setdefault() is atomic: of two threads with one name, one gets it.
    known = _registered.setdefault(plain, new) if plain not in _built_in() else None
    if known is None or not known.is_as(new):
        raise InvalidRequest(f"the name {new.name!r} is taken, by another provider: choose another one")
    _registered[plain] = new


def _find(name: str) -> tuple[Callable[..., Provider], ProviderInfo]:
    """What makes the provider called `name`, and the facts about it. Raises InvalidRequest for an unknown name."""
    if not isinstance(name, str):
        raise no_provider(name, "a name")
    plain = _plain(name)  # gpt4free's users write FreeNetfly, and command lines free-netfly
    known = _built_in().get(plain)
    if known is None:
        if plain not in _registered:
            _ask_sources()
        found = _registered.get(plain)
        if found is None:
            near, known_ones = suggestion(name, names()), ", ".join(names())
            raise InvalidRequest(f"there is no provider {name!r}{near}; known are {known_ones}")
        return found.make, found.info
    if known in _CLASSES:
        # a class's `info` is a class attribute: info() makes no provider, which might lack a key or a base_url
        provider: type[Provider] = getattr(import_module(f".{known}", __name__), _CLASSES[known])
        return provider, provider.info
    from .hosts import HOSTS
    from .openai import AzureOpenAI, OpenAI, info_of

    host = HOSTS[known]
    return partial(AzureOpenAI if known == "azure_openai" else OpenAI, host=host), info_of(host)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def __getattr__(name: str) -> object:
    if name != "JSONProvider":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .json_provider import JSONProvider  # here: of the providers of this package, nearly none is one

    return JSONProvider


__all__ = [
    "Call", "JSONProvider", "KeySource", "Payload", "Provider", "ProviderInfo", "add_source", "create", "info", "names",
    "register", "register_host",
]  # fmt: skip
