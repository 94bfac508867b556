"""The wires and TLS: what verify may be, what is not accepted, and where a body in TLS ends."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from servers import Authority, Peer, Server, ok, plain
from wires import Wires, secure, soon

from sansio_core.errors import ChatError, ConnectFailed, InvalidRequest, StreamTruncated, TLSFailed
from transports.http1.tls import VARIABLES


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_what_verify_may_be(
    wires: Wires, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, empty, junk = tmp_path / "ca.pem", tmp_path / "folder", tmp_path / "junk.pem"
    authority.ca.cert_pem.write_to_path(str(ca))
    empty.mkdir()
    junk.write_text("no certificate")
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with Server(ok, authority.server()) as server:

        def works(**settings: Any) -> bool:
            wire = wires.wire(**settings)
            try:
                return wire.fetch(secure(server.port)) == wire.fetch(secure(server.port)) == b"ok"
            except TLSFailed:
                return False

        assert [works(verify=verify) for verify in (authority.client(), str(ca), ca, False)] == [True] * 4
        assert [works(), works(verify=str(empty))] == [False] * 2
        with pytest.raises(InvalidRequest, match="cannot be used"):
            works(verify=str(junk))
        with pytest.raises(InvalidRequest, match="no CA file"):
            works(verify=str(tmp_path / "missing"))
        for name in reversed(VARIABLES):  # the first that is set counts
            monkeypatch.setenv(name, str(ca))
            assert works()
            assert not works(verify=str(empty))
            monkeypatch.setenv(name, str(empty))
            assert not works()


def resets(peer: Peer) -> None:
    peer.more()
    peer.reset()


_PAST = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
FAILURES: dict[str, tuple[Callable[[Peer], None], Callable[[Authority], ssl.SSLContext | None], type[ChatError], str]]
FAILURES = {
    "name": (ok, lambda ca: ca.server("chat.example"), TLSFailed, "was not accepted: .*not valid for|mismatch"),
    "expired": (ok, lambda ca: ca.server(not_after=_PAST), TLSFailed, "was not accepted: .*expired.*verify="),
    "unknown": (ok, lambda _: Authority().server(), TLSFailed, "was not accepted: .*verify="),
    "plain": (plain, lambda _: None, TLSFailed, "does not speak TLS .*is it http://"),
    "ends": (Peer.more, lambda _: None, ConnectFailed, "ended the connection in the TLS handshake"),
    "resets": (resets, lambda _: None, ConnectFailed, "handshake"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_no_tls(wires: Wires, authority: Authority, case: str) -> None:
    script, settings, kind, words = FAILURES[case]
    with Server(script, settings(authority)) as server, pytest.raises(kind, match=words) as raised:
        wires.wire(verify=authority.client()).send(secure(server.port), soon())
    assert f"127.0.0.1:{server.port}" in str(raised.value)
    assert raised.value.__suppress_context__, "no exception of a library is shown"


def test_no_certificate_can_be_for_such_a_name(wires: Wires, resolve: Callable[..., None]) -> None:
    resolve("127.0.0.1")
    with Server(Peer.gone) as server, pytest.raises(TLSFailed, match="no certificate can be for that name"):
        wires.wire().send(secure(server.port, ".chat.example"), soon())
    if wires.kind == "uvloop":  # which reports a handshake that fails so to its loop as well
        wires.complaints.clear()


@pytest.mark.parametrize(
    ("framing", "said", "whole"),
    [
        ("Content-Length: 9\r\n", False, True),  # its length proves it, whatever comes then
        ("Content-Length: 99\r\n", True, False),
        ("", False, False),
        ("Connection: close\r\n", False, False),
        ("Connection: close\r\n", True, True),
    ],
)
def test_an_end_of_tls_is_one_only_with_close_notify(
    wires: Wires, authority: Authority, framing: str, said: bool, whole: bool
) -> None:
    """RFC 9112 9.8: a body that the connection ends is incomplete without it."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(f"HTTP/1.1 200 OK\r\n{framing}\r\nall of it".encode())
        if said:
            with suppress(OSError):  # an answer to it, for which nobody waits
                peer.sock.unwrap()
        # else the socket's close ends TCP without a word of TLS

    with Server(script, authority.server()) as server:
        wire = wires.wire(verify=authority.client())
        wire.send(secure(server.port), soon())
        assert wire.read(soon()) == b"all of it"
        if whole:
            assert wire.read(soon()) == b""
        else:
            with pytest.raises(StreamTruncated):
                wire.read(soon())
