"""Adapters that are not ours, and libraries that replace the network in tests: `wire.py` uses this for both.

`foreign` turns an exception of requests, urllib3 or http.client into one of ours; ForeignAnswer is a response whose
framing another library has parsed.

The text of a foreign exception is not passed on, as it may quote a URL, and a proxy's URL carries credentials.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import urllib3.exceptions
from urllib3 import HTTPResponse

from sansio_core.errors import (
    ChatError,
    ConnectFailed,
    ConnectionLost,
    InvalidRequest,
    ProtocolViolation,
    ProxyFailed,
    StreamTruncated,
    TLSFailed,
)
from sansio_core.redact import excerpt

from ..http1.response import Response
from .call import Call
from .guard import RECEIVE, Expired, Guard

_USER = re.compile(r"//[^/\s]*@")
_NESTED = ("reason", "__cause__")  # not __context__, which may be an exception that the user's own code is handling


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and the exceptions that it wraps, from the outside in (requests and urllib3 wrap up to four deep)."""
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


_FOREIGN = (ChatError, OSError, http.client.HTTPException, _U.HTTPError, _R.RequestException)


def foreign(error: Exception, peer: str) -> ChatError | TimeoutError | None:
    """The error of ours for an exception out of an adapter that is not ours, or a TimeoutError.

    None for an exception of no library: a signal handler, or the adapter's own code, has raised it.
    """
    if not isinstance(error, _FOREIGN):
        return None
    chain = list(_chain(error))
    known = next((one for one in chain if isinstance(one, ChatError)), None)
    if known is not None:
        return known
    match error:
        case requests.ConnectionError(args=[str(text), *_]) if type(error) is requests.ConnectionError:
            # requests itself gives no text here, but the library `responses` does: it names the unexpected request
            return ConnectionLost(f"no answer from {peer}: {excerpt(_USER.sub('//', text))}")
    for kinds, ours, text in _TABLE:
        if any(isinstance(one, kinds) for one in chain):
            return ours(text.format(peer=peer)) if text else TimeoutError(f"no answer from {peer} in time")
    return None


class ForeignAnswer:
    """A response of an adapter that is not ours, or of a library that replaces the network in tests."""

    ragged = False

    def __init__(self, response: requests.Response, call: Call) -> None:
        self.connection = self
        self._answer = response
        self._raw = response.raw
        fields: Mapping[str, str] = getattr(self._raw, "headers", None) or response.headers
        headers = [(name.lower(), value) for name, value in fields.items()]
        self.response = Response.unframed(response.status_code, headers, call.route, call.limits)
        self._peer = call.route.peer
        # The socket of a urllib3 response. It is taken from the response's file, as http.client's connection forgets
        # it where the response closes the connection.
        reader = getattr(getattr(getattr(self._raw, "_fp", None), "fp", None), "raw", None)
        self._sock: Any = getattr(reader, "_sock", None)
        if self._sock is not None:
            call.guard.hold(self._sock)

    def receive(self, guard: Guard) -> bytes:
        """The body's next bytes. (urllib3's iterators and `read` would wait for a full buffer if it is not chunked.)"""
        raw = self._raw
        try:
            if self._sock is not None:
                guard.arm(self._sock, exact=True)
            if isinstance(raw, HTTPResponse):
                return raw.read1(RECEIVE, decode_content=False)
            return bytes(raw.read(RECEIVE))
        except (ChatError, Expired):
            raise
        except Exception as error:
            guard.left()
            known = foreign(error, self._peer)
            if known is None:
                raise
            raise known from None

    def abandon(self) -> None:
        """In a forked process: close this process's descriptor."""
        self._answer.close()

    def release(self, guard: Guard) -> None:
        """Close the response; if the body was read to its end, urllib3 has taken the connection back already."""
        guard.let_go()
        self._answer.close()
