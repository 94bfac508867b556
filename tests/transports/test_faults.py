"""The words for what fails below the answer, beyond those that the servers of the other tests bring about."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from sansio_core.errors import ChatError, ConnectFailed, ProxyFailed, TLSFailed
from transports.http1.failures import BEFORE_HEAD, lost, no_connection, no_tls
from transports.http1.routes import parse_proxy

PEER = "a.example:443"
PROXY = parse_proxy("http://user:secret@p.example:3128")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(), "refused"),
        (ConnectionResetError(), "reset"),
        (TimeoutError(), "no answer"),
        (OSError(errno.ENETUNREACH, "whatever"), "Network is unreachable"),
        (OSError(errno.EMFILE, "whatever"), "Too many open files"),
        (OSError(), "OSError"),
        (OSError(None, "in its own words"), "in its own words"),
    ],
)
def test_no_connection(error: Exception, words: str) -> None:
    assert str(no_connection(error, PEER)) == f"no connection to a.example:443: {words}"
    assert type(no_connection(error, PEER)) is ConnectFailed
    assert str(no_connection(error, PEER, PROXY)) == f"no connection to the proxy http://p.example:3128: {words}"
    assert type(no_connection(error, PEER, PROXY)) is ProxyFailed


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "whatever"), UnicodeError("label too long")])
def test_no_name(error: Exception) -> None:
    assert str(no_connection(error, PEER)) == "no connection to a.example:443: the name 'a.example' was not found"
    assert "the name 'p.example' was not found" in str(no_connection(error, PEER, PROXY))


def test_a_resolver_that_fails_says_nothing_of_the_name() -> None:
    error = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    assert str(no_connection(error, PEER)).endswith("was not looked up: Temporary failure in name resolution")


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "text with a path")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (tls_error("WRONG_VERSION_NUMBER"), TLSFailed, "does not speak TLS"),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), TLSFailed, "tlsv1 alert protocol version"),
        (ssl.SSLEOFError(8, "EOF"), ConnectFailed, "in the TLS handshake"),
        (ConnectionResetError(), ConnectFailed, "in the TLS handshake"),
        (OSError(errno.EMFILE, "whatever"), ConnectFailed, "Too many open files"),
        (ValueError("server_hostname cannot be an empty string"), TLSFailed, "no certificate can be for that name"),
    ],
)
def test_no_tls(error: OSError | ValueError, kind: type[ChatError], words: str) -> None:
    assert type(no_tls(error, PEER)) is kind
    assert words in str(no_tls(error, PEER))
    assert type(no_tls(error, PEER, PROXY)) is ProxyFailed
    assert "secret" not in str(no_tls(error, PEER, PROXY))


def test_lost() -> None:
    assert lost(BrokenPipeError(), BEFORE_HEAD, reused=True).reused
    words = "the connection was lost (bad record mac) before the answer's head was in"
    assert str(lost(tls_error("BAD_RECORD_MAC"), BEFORE_HEAD)) == words
