"""What foreign exceptions become, beyond those that the servers of the other tests bring about."""

from __future__ import annotations

import ssl

import pytest
import requests
import urllib3.exceptions

from sansio_core.errors import ConnectionLost, InvalidRequest, ProxyFailed, TLSFailed
from transports._requests.foreign import foreign

PEER = "a.example:443"


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


def test_what_the_user_is_just_handling_does_not_name_another_exception() -> None:
    """A signal handler's exception comes out as it is, also amid an `except ConnectionResetError:` of the user's."""

    class SoftTimeLimit(Exception):
        pass

    error = SoftTimeLimit(ConnectionResetError())
    error.__context__ = ConnectionResetError()
    assert foreign(error, PEER) is None
    lost = requests.exceptions.ConnectionError()
    lost.__context__ = ssl.SSLCertVerificationError()
    assert type(foreign(lost, PEER)) is ConnectionLost
