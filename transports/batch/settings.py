"""The parameters that Batch, map_prompts, amap_prompts and AskBatch share: checked, and made into a client."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import copy
from inspect import signature
from math import inf
from typing import TYPE_CHECKING, Any

from sansio_core import InvalidRequest
from sansio_core.errors import safe_repr, suggestion
from sansio_core.options import OPTIONS
from sansio_core.pacing import Pacing
from sansio_core.timing import within

from .._shared.open_files import allow_open_files
from ..aio import AsyncClient

if TYPE_CHECKING:
    from sansio_core import ProviderName
    from sansio_core.providers import Provider

    from .rows import Row

_SPARE = 64
"""File descriptors for all else that a process has open."""


def check_pace(concurrency: int, rate: float | None, max_wait: float) -> None:
    """Raises InvalidRequest for what is no number, or out of its range."""
    Pacing(concurrency, rate=rate)
    if not within(max_wait, inf):
        raise InvalidRequest(f"max_wait must be a number of seconds from 0, not {safe_repr(max_wait)}")


def client_for(
    provider: ProviderName | str | Provider,
    concurrency: int,
    system: str | None,
    settings: Mapping[str, Any],
    own: Collection[str],
    warned: set[str],
) -> AsyncClient:
    """A client for `concurrency` requests at once. Raises InvalidRequest for settings with which no row can be asked.

    `own`: the caller's other parameters, for suggestions. `warned`: the warnings that were given already: the provider
    warns once of each option that it does not take, not once for each row.
    """
    known = {*signature(AsyncClient).parameters, *OPTIONS}
    for name in settings.keys() - known:
        near = suggestion(name, known.union(own))
        if any(repr(each) in near for each in own):
            raise InvalidRequest(f"there is no setting {name!r}{near}")
    needed = concurrency + _SPARE
    if (allowed := allow_open_files(needed)) < needed:
        raise InvalidRequest(
            f"concurrency={concurrency} needs {needed} open files, and this process may have {allowed}: give a lower "
            "concurrency, or raise the system's limit (ulimit -Hn)"
        )
    given: dict[str, Any] = {"max_connections": concurrency, **settings}
    client = AsyncClient(provider, **given)
    client.keep_idle(concurrency)  # all of them are idle while everybody waits
    client.provider = copy(client.provider)
    client.provider.warned = warned
    if client.provider.model or client.provider.any_model:  # else each row must name one
        client.stream("?", system=system).close()
    return client


def with_system(row: Row, system: str | None) -> Row:
    """`row`, with `system` as its system text where it has none of its own."""
    if system is not None and row.error is None and "system" not in row.question:
        messages = row.question["messages"]
        first = messages[0] if isinstance(messages, list) and messages else None
        if not (isinstance(first, Mapping) and first.get("role") in ("system", "developer")):
            row.question["system"] = system
    return row
