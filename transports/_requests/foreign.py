"""What an exception out of an adapter that is not ours becomes: requests', urllib3's and http.client's, as ours.

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
