"""What `verify=` means, and the TLS settings that come of it. Both clients make one TLSSettings."""

from __future__ import annotations

import os
import ssl
import threading

from sansio_core.errors import InvalidRequest

from .words import reason

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
"""True, to check against the known authorities; False, for no check; a CA file or directory; or an SSLContext."""
Cert = str | tuple[str, str] | None
"""A client certificate, as requests takes it: a file with both, or a file with the certificate and one with its key."""

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Where the environment names a CA file or directory; the first that is set counts."""


class TLSSettings:
    """What a client's TLS connections share: `verify`, with `trust_env` also as the environment has it, and `cert`.

    Raises InvalidRequest for a CA path that does not exist, and for what `verify` cannot be.
    """

    def __init__(self, verify: Verify, trust_env: bool, cert: Cert = None) -> None:
        self.verify = _settled(verify, trust_env)
        self.cert = cert
        self._context: ssl.SSLContext | None = None
        self._lock = threading.RLock()

    @property
    def context(self) -> ssl.SSLContext:
        """Made when one is first needed, and once: reading the CA file costs more than a handshake.

        Raises InvalidRequest for files that cannot be read.
        """
        with self._lock:
            if self._context is None:
                self._context = ssl_context(self.verify, self.cert)
            return self._context

    def _forked(self) -> None:
        """In a forked process: a thread that is not here may hold the lock."""
        self._lock = threading.RLock()


def _settled(verify: Verify, trust_env: bool) -> bool | str | ssl.SSLContext:
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
    """The TLS settings that `verify` means; a context of the user's is used as it is.

    True: certifi's authorities, else the system's. False: no check at all. A str: a CA file or directory.
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
    # RFC 9112 9.8: an end without close_notify may be an attacker's, so it must not look like one with it
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    return context


def _trusting(path: str) -> ssl.SSLContext:
    """Settings with the authorities in a file or directory; "" for the system's."""
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
