"""What moves the bytes under sansio_core: Client (blocking, on requests) and AsyncClient (asyncio streams and h11).

Each is loaded when it is first used, with what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aio import AsyncClient, AsyncStream
    from .blocking import Client, Stream

_WHERE = {"Client": "blocking", "Stream": "blocking", "AsyncClient": "aio", "AsyncStream": "aio"}

__sansio_layer__ = True
"""The core's warnings pass over this package's frames, to the line of whoever called it."""

__all__ = ["AsyncClient", "AsyncStream", "Client", "Stream"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
