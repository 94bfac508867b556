"""What `verify=` means, and the ssl.SSLContext for it. Each client has one TLSSettings."""

from __future__ import annotations

import os
import ssl
import threading

from sansio_core.errors import InvalidRequest

from .failures import reason

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
"""True: check against the known authorities; False: no check; a path: a CA file or directory; or an SSLContext."""
Cert = str | tuple[str, str] | None
"""A client certificate, as requests takes it: a file with certificate and key, or a file for each."""

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""The environment variables that name a CA file or directory; the first one that is set counts."""


def merged(verify: Verify, context: ssl.SSLContext | None) -> Verify:
    """What `verify=` and `ssl_context=` mean together; the latter is another name for a `verify` that is a context.

    Raises InvalidRequest where they say different things.
    """
    if context is None:
        return verify
    if not isinstance(context, ssl.SSLContext):
        raise InvalidRequest(f"ssl_context must be an ssl.SSLContext, not {type(context).__name__}")
    if verify is not True and verify is not context:
        raise InvalidRequest("verify= and ssl_context= say different things: give one of them")
    return context


class TLSSettings:
    """What a client's TLS connections share: `verify` and `cert`. With `trust_env` the environment may name the CA.

    Raises InvalidRequest for a CA path that does not exist, and for a `verify` of another kind.
    """

    def __init__(self, verify: Verify, trust_env: bool, cert: Cert = None) -> None:
        self.verify = _checked(verify, trust_env)
        self.cert = cert
        self._context: ssl.SSLContext | None = None
        self._lock = threading.RLock()

    @property
    def context(self) -> ssl.SSLContext:
        """The context, made at its first use and kept, as reading the CA file takes longer than a handshake.

        Raises InvalidRequest for files that cannot be read.
        """
        with self._lock:
            if self._context is None:
                self._context = ssl_context(self.verify, self.cert)
            return self._context

    def _forked(self) -> None:
        """In a forked process: a thread of the parent, which this process has not, may hold the lock."""
        self._lock = threading.RLock()


def _checked(verify: Verify, trust_env: bool) -> bool | str | ssl.SSLContext:
    if verify is True and trust_env:
        verify = next(filter(None, map(os.environ.get, VARIABLES)), True)
    if isinstance(verify, (bool, ssl.SSLContext)):
        return verify
    if not isinstance(verify, (str, os.PathLike)):
        kind = type(verify).__name__
        raise InvalidRequest(f"verify must be True, False, a CA file or directory, or an ssl.SSLContext, not {kind}")
    path = os.fspath(verify)
    if not os.path.exists(path):
        raise InvalidRequest(f"there is no CA file or directory {path!r} (verify=, or {', '.join(VARIABLES)})")
    return path


def ssl_context(verify: bool | str | ssl.SSLContext, cert: Cert = None) -> ssl.SSLContext:
    """The context that `verify` means; one of the user's own is used as it is.

    True: certifi's authorities, or the system's where certifi is not installed. False: no check. A str: a CA file or
    directory.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    context = _trusting(verify if isinstance(verify, str) else _authorities())
    try:
        if cert:
            context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    except OSError as error:
        raise InvalidRequest(f"the client certificate (cert of the session) cannot be used: {reason(error)}") from None
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    # An attacker can end the TCP connection, but not send close_notify: an end without it must show (RFC 9112 9.8).
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    return context


def _trusting(path: str) -> ssl.SSLContext:
    """A context that trusts the authorities in a file or directory; "" for the system's."""
    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path or None)
    except OSError as error:  # SSLError is one
        raise InvalidRequest(f"the CA file {path!r} cannot be used: {reason(error)}") from None


def _authorities() -> str:
    try:
        import certifi
    except ImportError:
        return ""
    return certifi.where()
