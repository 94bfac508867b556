"""What foreign exceptions become, beyond those that the servers of the other tests bring about."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
import requests
import urllib3.exceptions

from sansio_core.errors import ChatError, ConnectFailed, ConnectionLost, InvalidRequest, ProxyFailed, TLSFailed
from transports._requests_errors import foreign, lost, no_connection, no_socks, no_tls

PEER = "a.example:443"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "whatever"), "the name 'a.example' was not found"),
        (UnicodeError("label too long"), "the name 'a.example' was not found"),
        (ConnectionRefusedError(), "connection to a.example:443 refused"),
        (TimeoutError(), "no answer from a.example:443"),
        (OSError(errno.ENETUNREACH, "No network"), "no connection to a.example:443: No network"),
        (OSError(), "no connection to a.example:443: OSError"),
    ],
)
def test_no_connection(error: Exception, words: str) -> None:
    assert str(no_connection(error, PEER)) == words
    assert type(no_connection(error, PEER)) is ConnectFailed
    assert str(no_connection(error, PEER, proxy=True)) == f"the proxy: {words}"
    assert type(no_connection(error, PEER, proxy=True)) is ProxyFailed


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "text with a path")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (tls_error("WRONG_VERSION_NUMBER"), TLSFailed, "does not speak TLS"),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), TLSFailed, "tlsv1 alert protocol version"),
        (ssl.SSLEOFError(8, "EOF"), ConnectFailed, "in the handshake"),
        (ConnectionResetError(), ConnectFailed, "in the handshake"),
        (ValueError("server_hostname cannot be an empty string"), TLSFailed, "no certificate can be for that name"),
    ],
)
def test_no_tls(error: OSError | ValueError, kind: type[ChatError], words: str) -> None:
    assert type(no_tls(error, PEER)) is kind
    assert words in str(no_tls(error, PEER))
    assert type(no_tls(error, PEER, proxy=True)) is ProxyFailed


def test_lost_and_no_socks() -> None:
    assert lost(BrokenPipeError(), "here", reused=True).reused
    assert str(lost(tls_error("BAD_RECORD_MAC"), "here")) == "the connection was lost (bad record mac) here"
    wrapped = OSError("Socket error")
    wrapped.socket_err = ConnectionResetError(104, "reset by peer")  # type: ignore[attr-defined]  # as PySocks' have it
    assert str(no_socks(wrapped, "socks5://p")) == "the proxy socks5://p made no connection: reset by peer"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.exceptions.ReadTimeout(), TimeoutError),
        (requests.exceptions.ConnectionError(urllib3.exceptions.ReadTimeoutError(None, None, "x")), TimeoutError),  # type: ignore[arg-type]
        (requests.exceptions.InvalidSchema("no adapter"), InvalidRequest),
        (requests.exceptions.ProxyError("to http://user:secret@proxy"), ProxyFailed),
        (requests.exceptions.ConnectionError("to http://user:secret@proxy"), ConnectionLost),
        (urllib3.exceptions.ProxyError("to http://user:secret@proxy", OSError()), ProxyFailed),
        (urllib3.exceptions.ProtocolError("aborted", ConnectionResetError()), ConnectionLost),
        (ssl.SSLError(1, "x"), TLSFailed),
        (OSError("x"), ConnectionLost),
    ],
)
def test_foreign(error: Exception, kind: type[Exception]) -> None:
    known = foreign(error, PEER)
    assert type(known) is kind
    assert "secret" not in str(known)


def test_foreign_leaves_a_bug_and_our_own_alone() -> None:
    assert foreign(KeyError("a bug of an adapter's"), PEER) is None
    ours = InvalidRequest("said inside")
    assert foreign(requests.exceptions.RequestException(ours), PEER) is ours
