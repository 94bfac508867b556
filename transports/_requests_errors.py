"""Every foreign exception of the blocking transport, and what it becomes: here and nowhere else.

No text of a foreign exception is passed on where it may quote a URL: those of proxies carry credentials.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from sansio_core.errors import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ProtocolViolation,
    ProxyFailed,
    StreamTruncated,
    TLSFailed,
    excerpt,
)


def no_connection(error: Exception, peer: str, proxy: bool = False) -> ChatError:
    """What a failed look-up or connect to `peer` (host:port) is; `proxy` says that it is one."""
    host = peer.rpartition(":")[0]
    if isinstance(error, (socket.gaierror, UnicodeError)):
        detail = f"the name {host!r} was not found"
    elif isinstance(error, ConnectionRefusedError):
        detail = f"connection to {peer} refused"
    elif isinstance(error, TimeoutError):
        detail = f"no answer from {peer}"
    else:
        detail = f"no connection to {peer}: {_reason(error)}"
    return ProxyFailed(f"the proxy: {detail}") if proxy else ConnectFailed(detail)


def no_tls(error: OSError | ValueError, peer: str, proxy: bool = False) -> ChatError:
    """What a failed TLS handshake with `peer` is: TLSFailed for what was said in it, ConnectFailed if it broke off."""
    kind: type[ChatError] = TLSFailed
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate was not accepted: {error.verify_message} (see verify=)"
    elif isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
        why = "no certificate can be for that name"
    elif isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or not isinstance(error, ssl.SSLError):
        kind, why = ConnectFailed, "it ended the connection in the handshake"
    elif error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        why = "it does not speak TLS there (is it http:// ?)"
    else:
        why = _reason(error)
    detail = f"no TLS with {peer}: {why}"
    return ProxyFailed(f"the proxy: {detail}") if proxy else kind(detail)


def no_socks(error: OSError, proxy: str) -> ChatError:
    """What a failed connect through a SOCKS proxy is; PySocks' own errors begin with the protocol's number."""
    inner = getattr(error, "socket_err", None)
    words = _reason(inner) if isinstance(inner, Exception) else str(error)
    return ProxyFailed(f"the proxy {proxy} made no connection: {words}")


def lost(error: OSError, where: str, reused: bool = False) -> ConnectionLost:
    """What an error of a connection in use is; `where` ends the sentence."""
    what = "reset" if isinstance(error, (ConnectionResetError, BrokenPipeError)) else f"lost ({_reason(error)})"
    return ConnectionLost(f"the connection was {what} {where}", reused)


def _reason(error: Exception) -> str:
    """The system's own words, which quote nothing of ours."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "TLS error").lower().replace("_", " ")
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


_USER = re.compile(r"//[^/\s]*@")
_NESTED = ("reason", "__cause__", "__context__")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it wraps, from the outside in (requests and urllib3 wrap up to four deep)."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        one = todo.pop(0)
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            todo += [*one.args, *(getattr(one, name, None) for name in _NESTED)]


_U, _R = urllib3.exceptions, requests.exceptions
_TABLE: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], type[ChatError], str], ...] = (
    ((_U.ReadTimeoutError, _R.ReadTimeout, _R.ConnectTimeout), ChatError, ""),  # a timeout: see foreign()
    ((_U.ProxyError, _R.ProxyError, _R.InvalidProxyURL), ProxyFailed, "the proxy could not be used"),
    (ssl.SSLCertVerificationError, TLSFailed, "the certificate of {peer} was not accepted (see verify=)"),
    ((ssl.SSLError, _U.SSLError, _R.SSLError), TLSFailed, "no TLS with {peer}"),
    ((socket.gaierror, _U.NameResolutionError), ConnectFailed, "the name of {peer} was not found"),
    (ConnectionRefusedError, ConnectFailed, "connection to {peer} refused"),
    ((_U.NewConnectionError, _U.ConnectTimeoutError), ConnectFailed, "no connection to {peer}"),
    ((_R.InvalidURL, _R.InvalidSchema, _R.MissingSchema), InvalidRequest, "requests cannot send to this URL"),
    ((_R.InvalidHeader, _U.InvalidHeader), InvalidRequest, "requests cannot send these header fields"),
    ((_R.ContentDecodingError, _U.DecodeError), ProtocolViolation, "the answer's content coding is corrupt"),
    ((_U.InvalidChunkLength, http.client.LineTooLong), ProtocolViolation, "the answer's framing is broken"),
    ((_U.IncompleteRead, http.client.IncompleteRead), StreamTruncated, "the connection ended before the answer's end"),
    (http.client.RemoteDisconnected, ConnectionLost, "{peer} closed the connection without an answer"),
    (http.client.BadStatusLine, ProtocolViolation, "the answer of {peer} is not HTTP"),
    (ConnectionError, ConnectionLost, "the connection to {peer} was reset"),
    ((http.client.HTTPException, _U.HTTPError, _R.RequestException, OSError), ConnectionLost, "no answer from {peer}"),
)


def foreign(error: Exception, peer: str) -> ChatError | TimeoutError | None:
    """What an exception out of somebody else's adapter is: of ours, or a TimeoutError; None for one of no library."""
    chain = list(_chain(error))
    for known in chain:
        if isinstance(known, ChatError):
            return known
    if type(error) is requests.ConnectionError and error.args and isinstance(error.args[0], str):
        # requests itself gives no text here, but `responses` does, and says which request it does not know
        return ConnectionLost(f"no answer from {peer}: {excerpt(_USER.sub('//', error.args[0]))}")
    for kinds, ours, text in _TABLE:
        if any(isinstance(one, kinds) for one in chain):
            return ours(text.format(peer=peer)) if text else TimeoutError(f"no answer from {peer} in time")
    return None
