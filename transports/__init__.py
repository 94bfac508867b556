"""Clients that move the bytes for `sansio_core`: Client (blocking, on requests), AsyncClient (asyncio and h11).

They decide nothing: retries, clocks and errors are the core's. Each is loaded when it is first used, with the libraries
that it needs. The map, in reading order:

blocking, aio            the two clients, and their streams
drive                    the two loops between an Exchange of the core and a wire; what a wire must offer
http1/                   HTTP/1.1, proxies and TLS without I/O, for both
_shared/                 what both clients share besides: settings, files, logging, look-ups, forks
_requests/, _asyncio/    one wire each: connections, waiting under a deadline, cancelling
batch/                   many prompts asked at once: from a file to a file, or from Python values
tapes                    what every client of a process sends and receives, recorded to a file; such a file played
pytest_plugin            the fixture `chat_tape`: a test's tape, recorded at its first run and played from then on
otel                     an observer that gives spans and metrics to OpenTelemetry
g4f_compat               the four free providers as gpt4free's classes
emulator/                a loopback server that speaks every provider's wire format, with faults to order
cli/                     the command `sansio-chat` (`python -m transports`)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .aio import AsyncClient, AsyncStream
    from .blocking import Client, Stream

_WHERE = {"Client": "blocking", "Stream": "blocking", "AsyncClient": "aio", "AsyncStream": "aio"}

__all__ = ["AsyncClient", "AsyncStream", "Client", "Stream"]

# The core's warnings pass over this package's frames to the line of whoever called it.
__sansio_layer__ = True


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
