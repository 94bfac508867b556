"""Hints in errors: what the user may do. An exchange gives them, as it knows the request and the provider."""

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
from .model_facts import FACTS, facts_of
from .providers import Provider
from .redact import excerpt, redact_url

# In the names of header fields that carry a key: authorization, x-api-key, x-goog-api-key, api-key, and fields for a
# gateway that the user gives by headers=. ChatgptFree's `authority` carries none.
_KEY = re.compile("auth(?!ority)|key|token", re.I)


def advise(error: ChatError, provider: Provider, request: HttpRequest | None) -> None:
    """Set the `hint` of `error`, with which `request` to `provider` ended, and the `url` of an error response."""
    info = provider.info
    if isinstance(error, HTTPStatusError):
        # An error within an answer came after the URL, the key and the model had been accepted.
        if request is not None and not error.in_band:
            _advise_on_response(error, provider, request)
    elif not _unreached(error):
        return
    elif provider.base_url_from:  # which may have been set long ago, and for another program
        error.hint = f"the base URL is from {provider.base_url_from}"
    # Under another base_url, that the public endpoint is gone explains nothing.
    elif not info.working and not provider.custom_base_url:
        error.hint = (
            f"the public endpoint of {info.name} was last known not to work: "
            "give base_url= for another host, or the emulator's"
        )


def _advise_on_response(error: HTTPStatusError, provider: Provider, request: HttpRequest) -> None:
    error.url = redact_url(request.url)
    if isinstance(error, NotFound) and provider.models_request() is not None:
        error.hint = "see base_url= and model=; a client's models(), or ModelList, lists what the host offers"
        if ended := _shut_down(excerpt(error.detail)):
            error.hint = f"{ended}; {error.hint}"
    # Not for its subclass PermissionDenied: 403 means that a key does not suffice (RFC 9110 15.5.4). Nor if a key was
    # sent: none is missing.
    elif type(error) is AuthenticationFailed and not any(_KEY.search(name) for name, _ in request.headers):
        error.key_sent = False
        if variable := provider.info.api_key_env:
            error.hint = f"give api_key=, or set the environment variable {variable}"


def _shut_down(text: str) -> str:
    """The day on which the vendor shuts down the model that `text` names; "" where nothing is known of an end."""
    # The vendors name the model in the error; the exchange knows no date, so that a day to come is told as well.
    for word in re.findall(r"[\w./:-]+", text):
        for vendor in FACTS:
            facts = facts_of(vendor, word)
            if facts is not None and facts.shut_down:
                return f"{word} is shut down on {facts.shut_down}: {facts.source}"
    return ""


def _unreached(error: ChatError) -> bool:
    """Whether `error` may mean that the host is gone; a proxy's own failure says nothing about the host."""
    if isinstance(error, TimedOut):
        return error.clock == "connect"
    return isinstance(error, TransportFailure) and not isinstance(error, ProxyFailed)
