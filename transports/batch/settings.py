"""Setup: the parameters that Batch, map_prompts, amap_prompts and AskBatch share, checked, and made into what asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from ..aio import AsyncClient, keep_idle
from .asking import Asking
from .rows import RowReader

if TYPE_CHECKING:
    from sansio_core import ProviderName
    from sansio_core.providers import Provider

_SPARE = 64
"""File descriptors for all else that a process has open."""


class Setup:
    """The provider, the pace and the texts that all rows of a run share.

    `settings`: those of AsyncClient, and options. `caller`: the public function or class that was given all this: its
    own parameters are suggested for unknown settings. Raises InvalidRequest for a number out of its range, and for a
    template or names to keep that are wrong.
    """

    def __init__(
        self, caller: Callable[..., Any], provider: ProviderName | str | Provider, settings: Mapping[str, Any],
        concurrency: int, rate: float | None, max_wait: float, system: str | None, template: str | None,
        keep: Sequence[str] = (),
    ) -> None:  # fmt: skip
        Pacing(concurrency, rate=rate)  # raises for what is out of its range
        if not within(max_wait, inf):
            raise InvalidRequest(f"max_wait must be a number of seconds from 0, not {safe_repr(max_wait)}")
        RowReader(template=template, keep=keep)  # raises for a wrong one
        self.concurrency, self.template, self.system = concurrency, template, system
        self._caller, self._provider, self._settings = caller, provider, settings
        self._rate, self._max_wait, self._keep = rate, max_wait, keep
        # The provider warns once of each option that it does not take, not once for each row.
        self._warned: set[str] = set()

    def client(self, **stand_in: Any) -> AsyncClient:
        """A client for `concurrency` requests at once; `stand_in`: settings in place of those not given.

        Raises InvalidRequest for settings with which no row can be asked.
        """
        self._check_names()
        needed = self.concurrency + _SPARE
        if (allowed := allow_open_files(needed)) < needed:
            raise InvalidRequest(
                f"concurrency={self.concurrency} needs {needed} open files, and this process may have {allowed}: give "
                "a lower concurrency, or raise the system's limit (ulimit -Hn)"
            )
        given: dict[str, Any] = {"max_connections": self.concurrency, **stand_in}
        given |= {name: value for name, value in self._settings.items() if value is not None}
        client = AsyncClient(self._provider, **given)
        keep_idle(client, self.concurrency)  # all of them are idle while everybody waits
        client.provider = copy(client.provider)
        client.provider.warned = self._warned
        if client.provider.model or client.provider.any_model:  # else each row must name one
            client.stream("?", system=self.system).close()
        return client

    def asking(self, client: AsyncClient) -> Asking:
        """What asks rows over `client`, at a pace of its own."""
        return Asking(client, Pacing(self.concurrency, rate=self._rate), max_wait=self._max_wait)

    def reader(self, client: AsyncClient) -> RowReader:
        """What makes rows for `client`."""
        own_options = client.provider.own_options
        return RowReader(template=self.template, system=self.system, keep=self._keep, own_options=own_options)

    def _check_names(self) -> None:
        """Raises InvalidRequest for a setting that is spelled like a parameter of the caller."""
        known = {*signature(AsyncClient).parameters, *OPTIONS}
        own = signature(self._caller).parameters.keys() - {"settings"}
        for name in self._settings.keys() - known:
            near = suggestion(name, known | own)
            if any(repr(each) in near for each in own):
                raise InvalidRequest(f"there is no setting {name!r}{near}")
