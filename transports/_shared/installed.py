"""Providers of other packages that are installed: their entry points of the group `sansio_chat.providers`.

    [project.entry-points."sansio_chat.providers"]
    acme = "acme_chat:Acme"                 # the provider's name, and where its class is

They are loaded once, when a name is unknown or all names are listed, in whatever has imported this module: that is both
clients and the command.
"""

from __future__ import annotations

from sansio_core import providers
from sansio_core.warning import warn

GROUP = "sansio_chat.providers"


def _register_installed() -> None:
    from importlib.metadata import entry_points  # here, as it takes longer to import than the core

    broken = []
    for point in entry_points(group=GROUP):
        try:
            providers.register(point.name, point.load())
        except Exception as error:  # noqa: BLE001  # whatever another package's module raises: the others are loaded
            package = point.dist.name if point.dist else "?"
            broken.append(f"{point.name!r} of the package {package} ({type(error).__name__}: {error})")
    # Last, as a warning may be an exception.
    if broken:
        warn(f"providers that cannot be used: {'; '.join(broken)}", RuntimeWarning)


providers.add_source(_register_installed)
