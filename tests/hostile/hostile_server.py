"""A server that misbehaves as told, keeps what it was sent, and can be told to behave again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import servers
from servers import PATIENCE, Peer

Fault = bytes | Callable[[Peer], None]
"""What is done with a request: an answer as it stands, or anything else with the connection. EOFError closes it."""


class Server(servers.Server):
    """Every request gets `fault`, and `good` once the server was healed.

    `unread`: the fault is for connections, whose requests are not even read.
    """

    def __init__(
        self,
        fault: Fault,
        good: Fault,
        *,
        tls: ssl.SSLContext | None = None,
        listener: socket.socket | None = None,
        unread: bool = False,
    ) -> None:
        super().__init__(self._talk, tls, listener)
        self.fault, self.good, self.unread = fault, good, unread
        self.requests: list[tuple[int, bytes]] = []
        """The number of the connection, and the request as it came."""

    def heal(self) -> None:
        """From now on every request gets the good answer."""
        self.released.set()

    def seen(self, count: int) -> bool:
        """Wait until that many requests (connections, if `unread`) came; False if they never do."""
        with self._changed:
            return self._changed.wait_for(
                lambda: (self.connections if self.unread else len(self.requests)) >= count, PATIENCE
            )

    def _shakes_hands(self) -> bool:
        return not self.unread or self.released.is_set()

    def _talk(self, peer: Peer) -> None:
        while True:
            if self._shakes_hands():
                peer.request()
                with self._changed:
                    self.requests.append((peer.number, peer.last))
                    self._changed.notify_all()
            deed = self.good if self.released.is_set() else self.fault
            if isinstance(deed, bytes):
                peer.send(deed)
            else:
                deed(peer)
