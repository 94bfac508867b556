"""The providers by name. A provider's module is loaded when its name is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any

from ..errors import InvalidRequest, suggestion
from .base import SETTINGS, Call, KeySource, Provider, ProviderInfo

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


@cache
def names() -> tuple[str, ...]:
    """The names that `create` knows."""
    from .hosts import HOSTS  # here, as the rows load a dialect

    return (*_CLASSES, *HOSTS)


def create(name: str, **config: Any) -> Provider:
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


def info(name: str) -> ProviderInfo:
    """The facts about the provider called `name`, without setting one up."""
    return _find(name)[1]


def _find(name: str) -> tuple[Callable[..., Provider], ProviderInfo]:
    """What makes the provider called `name`, and the facts about it. Raises InvalidRequest for an unknown name."""
    # gpt4free's users write FreeNetfly, and command lines free-netfly.
    plain = {_plain(known): known for known in names()}
    known = plain.get(_plain(name)) if isinstance(name, str) else None
    if known is None:
        near = suggestion(name, names())
        raise InvalidRequest(f"there is no provider {name!r}{near}; known are {', '.join(names())}")
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


__all__ = ["Call", "KeySource", "Provider", "ProviderInfo", "create", "info", "names"]
