"""ClientSettings: what `**settings` may hold, for type checkers and editors. No other module loads this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sansio_core import Options

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from sansio_core import Limits, Observer, RetryPolicy, Timeouts
    from sansio_core.providers import KeySource

    from .._shared.client import HeaderFields
    from .._shared.ways import PathLike
    from ..aio import Connect, Resolver
    from ..http1.routes import ProxySetting
    from ..http1.tls import Verify


class ClientSettings(Options, total=False):
    """The settings of AsyncClient, and the options of every row that does not give its own; None is as not given.

    A function of your own passes them on with `**settings: Unpack[ClientSettings]` (PEP 692).
    """

    api_key: str | KeySource | None
    base_url: str | None
    model: str | None
    proxy: ProxySetting
    timeout: Timeouts | float | None
    """Of each attempt at a row."""
    retry: RetryPolicy | int | None
    """Attempts at each row; those that the server refuses, as there are too many, do not count."""
    headers: HeaderFields | None
    cookies: Mapping[str, str] | None
    verify: Verify
    ssl_context: ssl.SSLContext | None
    limits: Limits | None
    connect: Connect | None
    uds: PathLike | None
    resolver: Resolver | None
    max_connections: int
    """As `concurrency`, if not given."""
    observer: Observer | None
