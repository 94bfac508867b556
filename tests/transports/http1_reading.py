"""One response read as both wires read it, from pieces instead of a socket; and the ways to cut bytes into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

import h11
from hypothesis import strategies as st

from sansio_core import Limits
from sansio_core.errors import ChatError
from sansio_core.http_request import HttpRequest
from transports.http1.response import Response
from transports.http1.routes import Route

ASKED = HttpRequest("GET", "http://a.example/")
DIRECT = Route("http", "a.example", 80)
SMALL = Limits(head=300, decompressed=5000)


class Outcome(NamedTuple):
    """All that can be told of a response, which no cut may change."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    error: str
    keep: bool
    """Whether the connection is kept: after an error it never is, and a pool looks for bytes that nobody asked for."""


def fed(data: bytes, request: HttpRequest = ASKED, route: Route = DIRECT, *, reused: bool = False) -> Response:
    """A response whose head is in; `data` came in one piece."""
    response = Response(request, route, SMALL, reused)
    assert response.feed_head(data)
    return response


def read(
    pieces: Sequence[bytes],
    request: HttpRequest = ASKED,
    route: Route = DIRECT,
    *,
    limits: Limits = SMALL,
    ragged: bool = False,
    reused: bool = False,
) -> Outcome:
    """What `pieces` give that arrive one after another before the connection ends."""
    arriving = iter([piece for piece in pieces if piece])
    response = Response(request, route, limits, reused)
    body, error = b"", ""
    try:
        while not response.feed_head(next(arriving, b"")):
            assert not response.reusable
        while True:
            piece = response.pending()
            while piece is None:  # more of the connection is needed
                data = next(arriving, b"")
                piece = response.feed(data, ragged and not data)
            if not piece:
                break
            body += piece
        assert response.pending() == b"", "an end stays an end"
    except ChatError as caught:
        error = said(caught)
    keep = response.reusable and not error and not b"".join(arriving)
    return Outcome(response.status, response.headers, body, error, keep)


def h11_reads(data: bytes, method: str = "GET") -> tuple[int, list[tuple[str, str]], bytes] | None:
    """What h11 makes of a whole response; None for what it does not take for one."""
    theirs = h11.Connection(h11.CLIENT)
    theirs.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    theirs.send(h11.EndOfMessage())
    theirs.receive_data(data)
    head, body, ended = None, b"", False
    try:
        while not isinstance(event := theirs.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA and not ended:
                ended = True
                theirs.receive_data(b"")
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.Response):
                head = event
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    assert head is not None
    return head.status_code, [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers], body


def said(error: ChatError) -> str:
    """An error as an Outcome has it."""
    return f"{type(error).__name__}: {error}"


def cuts(data: bytes, places: int = 1) -> Iterator[list[bytes]]:
    """`data` in one piece, by the byte, and cut at up to `places` places, in every way."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for number in range(1, places + 1):
        for chosen in combinations(range(1, len(data)), number):
            yield cut(data, chosen)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """`data` cut at these `places`."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


PLACES = st.lists(st.integers(0, 4000), max_size=8)
"""Where to cut, for `cut`."""
