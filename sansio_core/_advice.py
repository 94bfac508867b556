"""What the user may do about an error, said with it: an exchange knows what was asked, and of whom."""

from __future__ import annotations

import re

from .errors import (
    AuthenticationFailed,
    ChatError,
    HTTPStatusError,
    NotFound,
    ProxyFailed,
    TimedOut,
    TransportFailure,
)
from .http_request import HttpRequest
from .providers import Provider
from .redact import redact_url

_KEY = re.compile("auth(?!ority)|key|token", re.I)
"""Names of header fields that a key goes in: each wire's own, and a gateway's that came by headers=."""


def advise(error: ChatError, provider: Provider, request: HttpRequest | None) -> None:
    """Give `error`, with which `request` to `provider` ended, its `hint`, and a refusal its `url`."""
    info = provider.info
    if isinstance(error, HTTPStatusError):
        if request is not None and not error.in_band:
            _advise_refused(error, provider, request)
    elif _unreached(error) and not info.working and not provider.custom_base_url:
        error.hint = (
            f"the public endpoint of {info.name} was last known not to work: "
            "give base_url= for another host, or the emulator's"
        )


def _advise_refused(error: HTTPStatusError, provider: Provider, request: HttpRequest) -> None:
    error.url = redact_url(request.url)
    if isinstance(error, NotFound) and provider.models_request() is not None:
        error.hint = "see base_url= and model=; a client's models(), or ModelList, lists what the host offers"
    elif type(error) is AuthenticationFailed and not any(_KEY.search(name) for name, _ in request.headers):
        error.key_sent = False
        if variable := provider.info.api_key_env:
            error.hint = f"give api_key=, or set the environment variable {variable}"


def _unreached(error: ChatError) -> bool:
    """Whether `error` may mean that the host is not there any more; a proxy's own failure tells nothing of it."""
    if isinstance(error, TimedOut):
        return error.clock == "connect"
    return isinstance(error, TransportFailure) and not isinstance(error, ProxyFailed)
