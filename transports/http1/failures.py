"""The errors, and their texts, for what fails below the answer: look-up, connection, TLS, proxies, malformed HTTP/1.1.

Both transports raise these. Of a foreign exception only the system's and OpenSSL's own text is passed on: any other
may quote a URL, and with it credentials.
"""

from __future__ import annotations

import os
import socket
import ssl

from sansio_core.errors import ChatError, ConnectFailed, ConnectionLost, ProxyFailed, TimedOut, TLSFailed

from .routes import Proxy

BEFORE_HEAD = "before the answer's head was in"
IN_BODY = "in the middle of the answer"

NOT_HTTP = "the answer does not begin as HTTP/1.1 does: is this the right host, port and scheme?"
SWITCHED = "the server switched to another protocol (status 101), which nobody asked for"
BAD_HEAD = "the answer's head has a line that is no header field"
BAD_LENGTH = "the answer's Content-Length is no number, or says two different things"
BAD_CODING = "the answer has a transfer coding that was not asked for (only chunked is understood)"
BAD_CHUNK = "the answer's chunked framing is broken: no chunk size where one must be"
BAD_TRAILER = "the answer's trailer has a line that is no header field"
CUT_CHUNKED = "the connection ended in the middle of the answer (its last chunk is missing)"
CUT_TLS = "the TLS connection ended without close_notify, so that the answer may have been cut (RFC 9112 9.8)"
TUNNEL_CLOSED = "it ended the connection"
TUNNEL_EXCESS = "it sent bytes of its own into the tunnel"
NOT_SOCKS = "it does not speak SOCKS5 there"
SOCKS_PASSWORD = "it did not accept the user name and password of the proxy's URL"
SOCKS_WANTS_PASSWORD = "it wants a user name and password: put them into the proxy's URL, percent-encoded"
# RFC 1928 6
SOCKS_REPLIES = {
    1: "general failure", 2: "not allowed by its ruleset", 3: "network unreachable", 4: "host unreachable",
    5: "connection refused", 6: "TTL expired", 7: "command not supported", 8: "address type not supported",
}  # fmt: skip

# The resolver's codes for a name that does not exist or has no address; any other code is the resolver's own failure.
_NO_SUCH_NAME = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


def cut_short(missing: int) -> str:
    """The text for a body that lacks `missing` bytes of its Content-Length."""
    return f"the connection ended {missing} bytes before the answer's Content-Length"


def reason(error: BaseException) -> str:
    """Why a system call or a TLS operation failed, in a few words."""
    match error:
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError() | BrokenPipeError():
            return "reset"
        case ssl.SSLError():
            return (error.reason or "TLS error").lower().replace("_", " ")
        case OSError(errno=int(number)):
            return os.strerror(number)  # also for "too many open files", a limit of this machine and not of the peer
        case OSError(strerror=str(words)):
            return words
        case TimeoutError():
            return "no answer"
        case _:
            return type(error).__name__


def no_connection(error: Exception, peer: str, proxy: Proxy | None = None) -> ChatError:
    """The error for a failed look-up or connect: to `proxy` if given, else to `peer` (host:port)."""
    why = reason(error)
    if isinstance(error, (socket.gaierror, UnicodeError)):
        unsure = isinstance(error, socket.gaierror) and error.errno not in _NO_SUCH_NAME
        what = f"looked up: {error.args[-1]}" if unsure else "found"
        why = f"the name {(proxy.host if proxy else peer.rpartition(':')[0])!r} was not {what}"
    if proxy is not None:
        return ProxyFailed(f"no connection to the proxy {proxy}: {why}")
    return ConnectFailed(f"no connection to {peer}: {why}")


def no_place(total: float | None) -> TimedOut:
    """The error where the total clock, of that many seconds, fired while a stream waited for a free connection."""
    error = TimedOut("total", total)
    error.hint = "it waited for a free connection: see max_connections=, and close streams that are not read on"
    return error


def no_tls(error: OSError | ValueError, peer: str, proxy: Proxy | None = None) -> ChatError:
    """The error for a failed TLS handshake: with `proxy` if given, else with `peer`.

    TLSFailed where the handshake itself failed, ConnectFailed where the connection broke; ProxyFailed with a proxy.
    """
    kind: type[ChatError] = TLSFailed
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate was not accepted: {error.verify_message} (see verify=)"
    elif isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
        why = "no certificate can be for that name"
    elif isinstance(error, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        kind, why = ConnectFailed, "it ended the connection in the TLS handshake"
    elif not isinstance(error, ssl.SSLError):
        kind, why = ConnectFailed, reason(error)
    elif error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        why = "it does not speak TLS there (is it http:// ?)"
    else:
        why = reason(error)
    if proxy is not None:
        return ProxyFailed(f"no TLS with the proxy {proxy}: {why}")
    return kind(f"no TLS with {peer}: {why}")


def lost(error: OSError, where: str, reused: bool = False) -> ConnectionLost:
    """The error for a connection that failed while it was in use; `where` is BEFORE_HEAD or IN_BODY."""
    why = reason(error)
    return ConnectionLost(f"the connection was {why if why == 'reset' else f'lost ({why})'} {where}", reused)


def closed_early(peer: str, began: bool, reused: bool) -> ConnectionLost:
    """The error where `peer` closed the connection before its answer; `began`: inside the answer's head.

    `reused` makes it safe to send again: servers close an idle connection just when the next request is on its way.
    """
    where = "inside the head of its answer" if began else "without an answer"
    return ConnectionLost(f"{peer} closed the connection {where}", reused and not began)


def proxy_error_status(proxy: Proxy, status: int, what: str) -> ProxyFailed:
    """The error for a proxy that answered `what` with an error response of that `status`."""
    advice = ""
    if status == 407:
        advice = " (put its user name and password into the proxy's URL, percent-encoded)"
        if proxy.username is not None:
            advice = " (it did not accept the user name and password of the proxy's URL)"
    return ProxyFailed(f"the proxy {proxy} refused {what} with status {status}{advice}", status)


def no_tunnel(proxy: Proxy, target: str, why: str) -> ProxyFailed:
    """The error for a proxy that opened no tunnel to `target`."""
    return ProxyFailed(f"the proxy {proxy} opened no connection to {target}: {why}")
