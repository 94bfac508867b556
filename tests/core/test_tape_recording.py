"""Recording: what an exchange sends and receives becomes takes, whoever drives it, with times, errors and no secret."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Sequence
from typing import Any

import pytest
from exchange_driver import HTML, JSON, PAGE, SSE, Answer, chunk, exchange, sse, stream

from sansio_core import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ChatRequest,
    ClientClosed,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Finish,
    InvalidRequest,
    NeedKey,
    ProxyFailed,
    RetryPolicy,
    Send,
    Timeouts,
    Wait,
)
from sansio_core.tape import End, Head, Mark, Piece, Recording, Take, Tape, UnsafeTape

KEY = "key-0123456789abcdef"
QUICK = RetryPolicy(attempts=3, first_wait=2, jitter=0)


class Recorded:
    """Drives `exchange` over `answers`, as Run does, and records it; each piece takes `pace` seconds."""

    def __init__(self, driven: Exchange, *, pace: float = 0.125, redact: Any = ()) -> None:
        self.exchange, self.pace, self.now = driven, pace, 100.0
        self.recording = Recording(driven, redact=redact)
        self.takes: list[Take] = []
        self.error: ChatError | None = None

    def over(self, *answers: Any) -> Recorded:
        left = iter(answers)
        try:
            while True:
                match self.exchange.next_action(self.now):
                    case Send(request):
                        self.keep()
                        self.recording.sent(request, self.now)
                        self.answer(next(left))
                    case NeedKey():
                        self.exchange.receive_key(KEY, self.now)
                    case Wait(seconds):
                        self.now += seconds
                    case Finish():
                        break
        except ChatError as error:
            self.error = error
        self.keep()
        return self

    def keep(self) -> None:
        take = self.recording.take(self.now)
        self.takes += [take] if take else []

    def answer(self, answer: Any) -> None:
        ours = self.exchange
        if not isinstance(answer, Answer):
            self.fail(answer)
            return
        self.now += self.pace
        self.recording.head(answer.status, tuple(answer.headers), self.now)
        ours.receive_head(answer.status, answer.headers, self.now)
        for piece in [*answer.pieces, answer.end]:
            if ours.reading:
                self.now += self.pace
                if isinstance(piece, BaseException):
                    self.fail(piece)
                else:
                    self.recording.data(piece, self.now)
                    ours.receive_data(piece, self.now)

    def fail(self, error: BaseException) -> None:
        self.recording.failed(error, self.now)
        if isinstance(error, TimeoutError):
            self.exchange.receive_timeout(self.now)
        else:
            self.exchange.receive_failure(error if isinstance(error, ChatError) else Cancelled(), self.now)


def openai(**settings: Any) -> Exchange:
    return exchange("openai", config={"api_key": KEY}, **{"retry": QUICK, **settings})


def shape(take: Take) -> list[str]:
    return [type(step).__name__ for step in take.steps]


def body(take: Take) -> bytes:
    return b"".join(step.data for step in take.steps if isinstance(step, Piece))


def test_one_request_and_its_answer() -> None:
    whole = stream("Hello", " world")
    (take,) = Recorded(openai()).over(Answer([whole[:40], whole[40:]])).takes
    assert (take.method, take.url) == ("POST", "https://api.openai.com/v1/chat/completions")
    assert (take.base, take.provider) == ("https://api.openai.com/v1", "openai")
    assert b'"Hello"' in take.body
    assert dict(take.headers)["authorization"] == "[hidden]"
    assert take.steps == (
        Head(0.125, 200, SSE), Piece(0.125, whole[:40]), Piece(0.125, whole[40:]), End(0.125)
    )  # fmt: skip
    assert KEY.encode() not in Tape((take,)).dumps()


def test_rounding_does_not_add_up() -> None:
    (take,) = Recorded(openai(), pace=0.0004).over(Answer([b":\n"] * 1000 + [stream("Hi")])).takes
    assert take.seconds == pytest.approx(1003 * 0.0004, abs=0.001)
    assert {step.after for step in take.steps} == {0.0, 0.001}


def test_each_request_is_a_take() -> None:
    redirect = Answer(status=307, headers=[("location", "/v2/there?key=abcdefgh")])
    limited = Answer(b'{"error":{"message":"slow down"}}', 429, [("retry-after", "1"), ("set-cookie", "a=b")])
    lost = ConnectionLost("reset", reused=True)
    recorded = Recorded(openai()).over(redirect, lost, limited, ConnectFailed("no route"), Answer(stream("Hi")))
    assert recorded.error is None
    first, second, third, fourth, fifth = recorded.takes
    assert first.steps[0] == Head(0.125, 307, (("location", "/v2/there?key=[hidden]"),))
    assert second.target == "https://api.openai.com/v2/there?key=[hidden]"
    assert second.end == End(0.0, "ConnectionLost", {"detail": "reset", "reused": True})
    assert third.steps[0] == Head(0.125, 429, (("retry-after", "1"), ("set-cookie", "[hidden]")))
    assert fourth.end == End(0.0, "ConnectFailed", {"detail": "no route"})
    assert shape(fifth) == ["Head", "Piece", "End"]


def test_marks_come_in_order_and_a_new_request_has_its_own() -> None:
    ours = openai()
    recording = Recording(ours)
    takes = []
    for begin in (5.0, 9.0):
        action = ours.next_action(begin)
        assert isinstance(action, Send)
        recording.sent(action.request, begin)
        ours.receive_place(False, begin)
        ours.receive_place(True, begin + 0.5)
        ours.receive_connection(begin > 6, begin + 0.75)
        recording.failed(ConnectionLost("reset"), begin + 1)
        ours.receive_failure(ConnectionLost("reset"), begin + 1)
        takes.append(recording.take(begin + 1))
        assert isinstance(ours.next_action(begin + 1), Wait)
    lost = End(0.25, "ConnectionLost", {"detail": "reset", "reused": False})
    assert [take and take.steps for take in takes] == [
        (Mark(0.0, "waiting"), Mark(0.5, "place"), Mark(0.25, last), lost) for last in ("connected", "reused")
    ]
    assert recording.take(11.0) is None


def test_a_take_that_was_not_taken_is_not_lost_silently() -> None:
    ours = openai()
    recording = Recording(ours)
    action = ours.next_action(0.0)
    assert isinstance(action, Send)
    recording.sent(action.request, 0.0)
    with pytest.raises(RuntimeError, match=r"ask take\(\) for the take of the request before"):
        recording.sent(action.request, 1.0)
    assert recording.take(1.0) is not None


def test_interim_responses_leave_no_trace() -> None:
    ours = openai()
    recorded = Recorded(ours)
    action = ours.next_action(0.0)
    assert isinstance(action, Send)
    recorded.recording.sent(action.request, 0.0)
    recorded.recording.head(103, (("link", "</a>"),), 0.5)
    recorded.recording.head(200, SSE, 1.0)
    take = recorded.recording.take(1.5)
    assert take
    assert take.steps == (Head(1.0, 200, SSE), End(0.5, "closed"))


@pytest.mark.parametrize("made", [bytearray, memoryview])
def test_a_buffer_is_copied(made: Any) -> None:
    ours = openai()
    recorded = Recorded(ours)
    action = ours.next_action(0.0)
    assert isinstance(action, Send)
    recorded.recording.sent(action.request, 0.0)
    recorded.recording.head(200, (), 0.0)
    buffer = bytearray(b"abc")
    recorded.recording.data(made(buffer), 0.0)
    buffer[:] = b"xyz"
    recorded.recording.data(made(b""), 0.0)
    take = recorded.recording.take(0.0)
    assert take
    assert take.steps[1:] == (Piece(0.0, b"abc"), End(0.0))


class OwnFailure(ConnectionLost):
    """As a wire of somebody else may raise."""


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ConnectionLost("reset", True), End(0.125, "ConnectionLost", {"detail": "reset", "reused": True})),
        (ProxyFailed("no", 407), End(0.125, "ProxyFailed", {"detail": "no", "status": 407})),
        (Cancelled(), End(0.125, "Cancelled", {"detail": ""})),
        (ClientClosed(), End(0.125, "ClientClosed", {"detail": ""})),
        (KeyboardInterrupt(), End(0.125, "closed")),
        (ValueError("the user's own"), End(0.125, "closed")),
        (TimeoutError(), End(0.125, "TimeoutError", {"clock": "idle", "seconds": 0.15})),
        (
            OwnFailure("gone"),
            End(0.125, "OwnFailure", {
                "detail": "gone", "reused": False, "bases": ["ConnectionLost", "TransportFailure"], "message": "gone",
            }),
        ),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_an_error_is_kept_as_it_was_raised(error: BaseException, end: End) -> None:
    driven = openai(timeouts=Timeouts(idle=0.15), retry=1)
    recorded = Recorded(driven).over(Answer(stream("Hi")[:60], end=error))
    assert recorded.takes[0].end == end
    if isinstance(error, ChatError):
        again = recorded.takes[0].end.error
        assert again is not None
        assert isinstance(again, ConnectionLost if type(error) is OwnFailure else type(error))
        assert (str(again), again.attempts, again.reply) == (type(again)(*error.args)._text(), 0, None)


def test_what_is_read_after_the_end_is_no_part_of_it() -> None:
    recorded = Recorded(openai())
    recorded.over(Answer(stream("Hi")))
    assert recorded.recording.take(0.0) is None


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("echo", [KEY, f"{KEY[:5]}***{KEY[-3:]}", f"Bearer {KEY}"])
def test_an_echoed_key_is_blotted(echo: str) -> None:
    recorded = Recorded(openai()).over(Answer(f'{{"message":"bad key: {echo}."}}'.encode(), 401, JSON))
    assert type(recorded.error) is AuthenticationFailed
    (take,) = recorded.takes
    assert body(take) == f'{{"message":"bad key: {"*" * len(echo)}."}}'.encode()


def test_the_key_of_a_function_and_of_gemini() -> None:
    recorded = Recorded(exchange("openai", config={"api_key": lambda: "unused"})).over(
        Answer(sse(chunk(f"I saw {KEY[:9]}"), chunk(KEY[9:]), chunk(None, "stop"), "[DONE]"))
    )
    assert KEY[9:].encode() not in Tape.of(recorded.takes).dumps()
    assert b"I saw *********" in body(recorded.takes[0])


def test_the_users_own_and_a_wrong_redact() -> None:
    recorded = Recorded(openai(messages="I am Ana Novak"), redact="Ana Novak").over(Answer(stream("Hi Ana", " Novak!")))
    assert b"I am *********" in recorded.takes[0].body
    assert b"Ana" not in body(recorded.takes[0])
    with pytest.raises(InvalidRequest, match="two characters or more"):
        Recording(openai(), redact=["Ana", ""])


def test_an_unsafe_take_is_refused_and_the_next_is_not() -> None:
    recorded = Recorded(openai())
    with pytest.raises(UnsafeTape, match=r"the answer has what looks like a key \(hf_…\)"):
        recorded.over(Answer(stream("Use hf_AbCdEfGhIjKl", "MnOpQr.")))
    assert recorded.recording.take(0.0) is None


# --- a page before the question --------------------------------------------------------------------------------------

NONCE, SESSION = "a1b2c3d4e5", "5e55100000000000"
FETCHED = Answer(PAGE, headers=(*HTML, ("set-cookie", f"session={SESSION}; Path=/"), ("set-cookie", "lang=en")))


def secrets_in(takes: Sequence[Take]) -> list[str]:
    return [secret for secret in (NONCE, SESSION) if secret.encode() in Tape.of(takes).dumps()]


def test_a_page_and_its_question() -> None:
    echo = sse(chunk(f"{NONCE[:4]}"), chunk(f"{NONCE[4:]} and {SESSION}"), chunk(None, "stop"), "[DONE]")
    recorded = Recorded(exchange("chatgpt_free")).over(FETCHED, Answer(echo))
    page, question = recorded.takes
    assert body(page) == PAGE.replace(NONCE.encode(), b"**********")
    assert page.steps[0] == Head(0.125, 200, (*HTML, ("set-cookie", "[hidden]"), ("set-cookie", "[hidden]")))
    assert b"_wpnonce=**********" in question.body
    assert not secrets_in(recorded.takes)


def test_a_page_that_two_calls_share() -> None:
    first = exchange("chatgpt_free")
    second = Recorded(Exchange(first.provider, ChatRequest("Hello")))
    fetching = Recorded(first).over(FETCHED, Answer(stream("Hi")))
    second.over(Answer(stream(f"It is {NONCE}")))
    assert [len(each.takes) for each in (fetching, second)] == [2, 1]
    assert not secrets_in(fetching.takes + second.takes)


@pytest.mark.parametrize(
    "page",
    [
        Answer(PAGE, headers=FETCHED.headers, end=ConnectionLost("reset")),
        Answer([PAGE[:20], PAGE[20:28]], headers=FETCHED.headers, end=TimeoutError()),
        Answer(PAGE.replace(b'data-post-id="1437"', b""), headers=FETCHED.headers),
        Answer(b"<i nonce=a1b2c3d4e5>{'rest_nonce': 'a1b2c3d4e5'}", headers=HTML),
        Answer(b'<p data-nonce="a1b2c3d4e5&amp;x">a1b2c3d4e5&x</p>', headers=HTML),
        Answer(b'{"session_token": "a1b2c3d4e5", "cut": {"key": "5e55100000000000', headers=JSON),
        Answer(b'<script>load("{\\"nonce\\":\\"a1b2c3d4e5\\"}")</script>', headers=HTML),
    ],
)  # fmt: skip
def test_a_page_whose_question_is_never_sent(page: Answer) -> None:
    recorded = Recorded(exchange("chatgpt_free")).over(page)
    assert recorded.error is not None
    assert len(recorded.takes) == 1
    assert body(recorded.takes[0])
    assert not secrets_in(recorded.takes)


def test_a_call_that_is_cancelled_behind_its_page() -> None:
    recorded = Recorded(exchange("chatgpt_free"))
    ours = recorded.exchange
    action = ours.next_action(0.0)
    assert isinstance(action, Send)
    recorded.recording.sent(action.request, 0.0)
    recorded.answer(FETCHED)
    ours.receive_failure(Cancelled(), 0.0)
    recorded.keep()
    assert [shape(take) for take in recorded.takes] == [["Head", "Piece", "End"]]
    assert not secrets_in(recorded.takes)


def test_no_circle_keeps_an_exchange() -> None:
    recorded = Recorded(openai()).over(Answer(stream("Hi")))
    there = weakref.ref(recorded.exchange)
    gc.disable()
    try:
        del recorded
        assert there() is None
    finally:
        gc.enable()
