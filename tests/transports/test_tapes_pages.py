"""A page's nonce and cookies are on no tape: not the page's, nor its question's, nor where no question follows."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest
from seats import Outcome, Seat
from servers import PATIENCE, Peer, Server

from sansio_core import StreamTruncated, TimedOut, UnexpectedContent
from sansio_core.tape import Tape
from transports import tapes
from transports.emulator import DEFAULT_TEXT, Emulator

NONCE, SESSION = b"0a1b2c3d4e", b"5e55104711ab"
COOKIE = b"Set-Cookie: wp_session=%b; Path=/\r\n" % SESSION
WHOLE = b"<p data-post-id='7' data-nonce=\"%b\"></p>" % NONCE
STRANGE = b"<p data-nonce=\"%b\"></p><script>chat={'nonce': '%b'}</script>" % (NONCE, NONCE)


def test_two_calls_that_share_a_page(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    client = seat.client("chatgpt_free", base_url=emulator.base_url("chatgpt_free"))
    with tapes.record(tmp_path / "t.tape"):
        assert [reply.text for reply in seat.many(client, 2)] == [DEFAULT_TEXT] * 2
    data = (tmp_path / "t.tape").read_bytes()
    assert sorted(take.method for take in Tape.loads(data).takes) == ["GET", "POST", "POST"]
    questions = [request for request in emulator.requests if request.method == "POST"]
    for question in questions:
        (nonce,) = parse_qs(question.body.decode())["_wpnonce"]
        cookies = [pair.partition("=")[2] for pair in dict(question.headers)["cookie"].split("; ")]
        sessions = [cookie for cookie in cookies if len(cookie) > 3]  # another says "en"
        assert sessions
        for secret in (nonce, *sessions):
            assert secret.encode() not in data
    again = seat.client("chatgpt_free", base_url=emulator.base_url("chatgpt_free"))
    with tapes.replay(tmp_path / "t.tape"):
        assert seat.complete(again).text == DEFAULT_TEXT


@pytest.mark.parametrize(
    ("page", "missing", "error"),
    [(STRANGE, 0, UnexpectedContent), (WHOLE, 1, StreamTruncated), (WHOLE[:-9], 9, TimedOut)],
)
def test_a_page_whose_question_is_never_sent(
    seat: Seat, tmp_path: Path, page: bytes, missing: int, error: type[Exception]
) -> None:
    """The page is of no use, or breaks off; the last one as it is left in the midst of its nonce."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%b" % COOKIE)
        peer.send(b"Content-Length: %d\r\n\r\n%b" % (len(page) + missing, page))
        if error is TimedOut:
            peer.gone()

    path = tmp_path / "t.tape"
    with Server(script) as server:
        timeout = 1 if error is TimedOut else PATIENCE
        client = seat.client("chatgpt_free", base_url=f"http://127.0.0.1:{server.port}", timeout=timeout)
        failed = Outcome(seat, client, record=path).error
    assert type(failed) is error
    [take] = Tape.loads(path.read_bytes()).takes
    assert take.answer.startswith(page[:12])
    for secret in (NONCE, NONCE[:4], SESSION):
        assert secret not in path.read_bytes()
