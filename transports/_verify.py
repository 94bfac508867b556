"""What `verify=` means, the same for both transports."""

from __future__ import annotations

import os
import ssl

from sansio_core.errors import InvalidRequest

Verify = bool | str | os.PathLike[str] | ssl.SSLContext
"""True, to check against the known authorities; False, for no check; a CA file or directory; or an SSLContext."""

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Where the environment names a CA file or directory; the first that is set counts."""


def settled(verify: Verify, trust_env: bool) -> bool | str | ssl.SSLContext:
    """`verify` with the environment's authorities in place of True (with `trust_env`), and a path as a str.

    Raises InvalidRequest for a path that does not exist, and for what is none of the four.
    """
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
