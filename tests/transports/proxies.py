"""Proxies on loopback that do their work, and keep what they were asked."""

from __future__ import annotations

import socket

from servers import OK, Peer, join


class Recorder:
    """An origin, or a proxy that is asked to forward: answers OK, and keeps first lines and header fields."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, peer: Peer) -> None:
        while True:
            self.note(peer)
            peer.send(OK)

    def note(self, peer: Peer) -> None:
        peer.request()
        self.asked.append((peer.first, peer.fields))


class Tunnels(Recorder):
    """An HTTP proxy that connects its clients through."""

    def __call__(self, peer: Peer) -> None:
        self.note(peer)
        host, _, port = peer.target.rpartition(":")
        peer.send(b"HTTP/1.1 200 Connected\r\nContent-Length: 5\r\n\r\n")  # a length has no meaning here
        join(peer, host, int(port))


class Socks:
    """A SOCKS5 proxy (RFC 1928, with RFC 1929's names and passwords) to whom every name is this machine's."""

    def __init__(self, user: bytes = b"", reply: int = 0) -> None:
        self.user = user
        self.reply = reply
        self.targets: list[tuple[str, int]] = []

    def __call__(self, peer: Peer) -> None:
        _, count = peer.exactly(2)
        method = 2 if self.user else 0
        if method not in peer.exactly(count):
            peer.send(b"\x05\xff")
            return
        peer.send(bytes([5, method]))
        if self.user:
            _, size = peer.exactly(2)
            user = peer.exactly(size) + b":"
            user += peer.exactly(peer.exactly(1)[0])
            peer.send(bytes([1, user != self.user]))
            if user != self.user:
                return
        by_name = peer.exactly(4)[3] == 3
        host = peer.exactly(peer.exactly(1)[0]).decode() if by_name else socket.inet_ntoa(peer.exactly(4))
        port = int.from_bytes(peer.exactly(2), "big")
        self.targets.append((host, port))
        peer.send(bytes([5, self.reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if self.reply:
            peer.gone()
        join(peer, "127.0.0.1", port)
