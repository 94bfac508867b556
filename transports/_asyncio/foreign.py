"""Readers and writers that are not asyncio's own, as a user's `connect=` may return: an SSH channel's, or in memory.

`opening.py` and `connection.py` use it where they meet such a pair. A reader must have `read(size)`, a coroutine, and
`at_eof()`; a writer `write(data)`, `close()`, `is_closing()` and `get_extra_info(name)`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Protocol

from sansio_core import InvalidRequest

READER = ("read", "at_eof")
WRITER = ("write", "close", "is_closing", "get_extra_info")
_SIZE = 64 * 1024


class AnyReader(Protocol):
    """What is needed of a reader."""

    async def read(self, n: int, /) -> bytes: ...
    def at_eof(self) -> bool: ...


class AnyWriter(Protocol):
    """What is needed of a writer."""

    def write(self, data: bytes, /) -> Any: ...
    def close(self) -> Any: ...
    def is_closing(self) -> bool: ...
    def get_extra_info(self, name: str, /) -> Any: ...


def checked_pair(pair: object) -> tuple[Any, Any]:
    """The reader and writer that `connect=` has returned. Raises InvalidRequest for anything else."""
    match pair:
        case (reader, writer) if all(callable(getattr(reader, name, None)) for name in READER):
            if all(callable(getattr(writer, name, None)) for name in WRITER):
                own = isinstance(reader, asyncio.StreamReader)
                return (reader if own else Interruptible(reader)), writer
    kind = type(pair).__name__
    raise InvalidRequest(f"connect= must return a pair of a StreamReader and a StreamWriter, or their like, not {kind}")


class Interruptible:
    """A reader whose read can be ended by `set_exception`, as a StreamReader's can."""

    def __init__(self, reader: Any) -> None:
        self.at_eof = reader.at_eof
        self._reader = reader
        self._scope: asyncio.Timeout | None = None
        self._error: Exception | None = None

    async def read(self, size: int) -> bytes:
        """The next bytes; b"" at the end."""
        if self._error is not None:
            raise self._error
        try:
            async with asyncio.timeout(None) as self._scope:
                data: bytes = await self._reader.read(size)
                return data
        except TimeoutError:
            raise (self._error or ConnectionResetError()) from None
        finally:
            self._scope = None

    def set_exception(self, error: Exception) -> None:
        """Have the read under way, and all later ones, raise `error`."""
        self._error = error
        if self._scope is not None and not self._scope.expired():
            self._scope.reschedule(0)


class TLSPair:
    """TLS over a pair of which asyncio's start_tls knows nothing. It is reader and writer in one."""

    def __init__(self, reader: Any, writer: Any, context: ssl.SSLContext, host: str) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._ended = False
        self.is_closing, self.close = writer.is_closing, writer.close
        self.set_exception = reader.set_exception
        self.transport = getattr(writer, "transport", None)

    async def handshake(self) -> None:
        """Raises SSLError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._receive()
            else:
                return
            finally:
                self._flush()

    async def read(self, size: int) -> bytes:
        """The next bytes; b"" at the end, of which `ssl_object` tells whether it was announced by close_notify."""
        while not self._ended:
            try:
                if data := self._tls.read(size):
                    return data
                self._ended = True
            except ssl.SSLWantReadError:
                await self._receive()
            except ssl.SSLEOFError:
                self._ended = True
            finally:
                self._flush()
        return b""

    def at_eof(self) -> bool:
        """Whether the end was read, here or below."""
        return self._ended or self._reader.at_eof()

    def write(self, data: bytes) -> None:
        """Send `data`."""
        self._tls.write(data)
        self._flush()

    def get_extra_info(self, name: str) -> Any:
        """As a StreamWriter's."""
        return self._tls if name == "ssl_object" else self._writer.get_extra_info(name)

    async def _receive(self) -> None:
        self._flush()
        if data := await self._reader.read(_SIZE):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if (data := self._outgoing.read()) and not self._writer.is_closing():
            self._writer.write(data)
