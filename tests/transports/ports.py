"""Addresses that answer in one way only, and that no other program of the machine is given meanwhile."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

_closed: list[socket.socket] = []


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens.

    Its socket stays bound for the life of the process: a free port may be another program's at the next instant.
    """
    if not _closed:
        _closed.append(socket.socket())
        _closed[0].bind(("127.0.0.1", 0))
    port: int = _closed[0].getsockname()[1]
    return port


@contextmanager
def silent_port(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port on which a connect gets no answer: its queue is full, and nobody accepts."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
