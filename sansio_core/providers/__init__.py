"""The providers by name. A provider's module is loaded when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import InvalidRequest, suggestion
from .base import SETTINGS, Call, Provider, ProviderInfo
from .hosts import HOSTS

_WHERE = {
    "free_netfly": "free_netfly:FreeNetfly",
    "chatgpt_free": "chatgpt_free:ChatgptFree",
    "yqcloud": "yqcloud:Yqcloud",
    "acytoo": "acytoo:Acytoo",
    "anthropic": "anthropic:Anthropic",
    "gemini": "gemini:Gemini",
    "ollama": "ollama:Ollama",
    "openai_responses": "openai_responses:OpenAIResponses",
    **{name: f"openai:{name}" for name in HOSTS},
}


def names() -> tuple[str, ...]:
    """The names that `create` knows."""
    return tuple(_WHERE)


def create(name: str, **config: Any) -> Provider:
    """The provider called `name` (see `names`); case, `-` and `_` do not matter, so `FreeNetfly` is found too.

    `config` is Provider's: api_key, base_url, model, headers, cookies. Raises InvalidRequest for an unknown name, an
    unknown setting or a bad one.
    """
    provider_class = _load(name)
    for setting in config:
        if setting not in SETTINGS:
            near = suggestion(setting, SETTINGS)
            raise InvalidRequest(f"a provider has no setting {setting!r}{near}; known are {', '.join(SETTINGS)}")
    provider: Provider = provider_class(**config)
    return provider


def info(name: str) -> ProviderInfo:
    """The facts about the provider called `name`, without setting one up."""
    found: ProviderInfo = _load(name).info
    return found


def _load(name: str) -> Any:
    plain = {_plain(known): known for known in _WHERE}
    known = plain.get(_plain(name)) if isinstance(name, str) else None
    if known is None:
        raise InvalidRequest(f"there is no provider {name!r}{suggestion(name, _WHERE)}; known are {', '.join(_WHERE)}")
    module, _, attribute = _WHERE[known].partition(":")
    return getattr(import_module(f".{module}", __name__), attribute)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


__all__ = ["Call", "Provider", "ProviderInfo", "create", "info", "names"]
