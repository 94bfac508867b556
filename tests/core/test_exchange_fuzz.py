"""Whatever a peer sends and a network does, in any legal order: an exchange ends, and only with errors of its own."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_driver import PAGE, chunk, cuts, sse, text_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sansio_core import (
    Cancelled,
    ChatError,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Finish,
    Limits,
    ModelList,
    NeedKey,
    ProtocolViolation,
    ProxyFailed,
    RetryPolicy,
    Send,
    State,
    StreamTruncated,
    TextDelta,
    TimedOut,
    Timeouts,
    TLSFailed,
    Wait,
    providers,
)

FOUR = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo")
PROVIDERS = (*FOUR, "openai", "openai_responses", "anthropic", "gemini", "ollama")
KEY = "key-of-the-machine"
PIECES = [
    sse(chunk("Hello")), sse(chunk("世", "stop")), sse("[DONE]"), sse("garbage"), sse({"choices": []}),
    sse(chunk(None, "stop")), sse({"error": {"message": "sick", "code": 503}}),
    sse({"choices": [{"index": 1, "delta": {"content": "x"}}]}),
    sse({"choices": [{"delta": {"content": None}, "error": {"message": "x"}}], "usage": {"prompt_tokens": 1}}),
    sse({"choices": [5, {"delta": 7}, {"delta": {"content": [1], "tool_calls": [{"index": None}]}}]}),
    sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}),
    sse({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}),
    sse({"type": "response.output_text.delta", "delta": "Hi"}),
    sse({"type": "response.completed", "response": {"status": "completed"}}),
    sse({"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}),
    b'{"message": {"content": "Hi"}, "done": false}\n', b'{"done": true, "done_reason": "stop"}\n',
    b'{"data": [{"id": "m1"}], "models": [{"name": "m2"}]}',
    b": ping\n\n", b"event: error\n", b"data:", b"\r", b"\n", b"\r\n\r\n", b"\xe4", b"\xb8\x96", b"\xff\xfe\x00",
    b"\xef\xbb\xbf", b"-1", b"0", b'{"data": "x"', b"}", b'{"error": {"message": "m"}}', b'{"status": "error", ',
    b'"msg": null}', b"[", b"<html><title>x", "sorry, 您的ip已由于触发防".encode(), "滥用检测而被封禁".encode(),
    PAGE, PAGE[:30], PAGE[30:], b"[" * 990, b"x" * 300, b'data: {"choices": ' + b"[" * 985 + b"]" * 985 + b"}\n\n",
    b'data: {"error": ' + b'{"error":' * 900 + b"1" + b"}" * 901 + b"\n\n",
]  # fmt: skip
DATA = (
    st.sampled_from(PIECES)
    | st.binary(min_size=1, max_size=20)
    | st.lists(st.sampled_from(PIECES), min_size=1).map(b"".join)
)
STATUSES = st.sampled_from(
    [
        *[200] * 8, 100, 101, 103, 204, 205, 206, 301, 302, 304, 307, 308, 400, 401, 403, 408, 429, 500, 503, 999, 0,
    ]
)  # fmt: skip
NAMES = ["content-type", "Location", "retry-after", "Retry-After-Ms", "set-cookie", "x-request-id", "date"]
VALUES = [
    "text/html", "application/json", "text/event-stream", "/x", "//evil/", "http://[", "5",
    "Sun, 06 Nov 1994 08:49:37 GMT", "a=b; Max-Age=1", "",
]  # fmt: skip
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(VALUES) | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=12),
    ),
    max_size=4,
)
FAILURES = st.sampled_from(
    [
        lambda: ConnectFailed("refused"), lambda: ConnectionLost("reset"), lambda: ConnectionLost("old", reused=True),
        lambda: StreamTruncated("mid-chunk"), lambda: TLSFailed("expired"), lambda: ProxyFailed("no", 502),
        lambda: TimedOut("connect", 1), lambda: ProtocolViolation("bad chunk"), lambda: Cancelled(),
    ]
)  # fmt: skip


class AnyExchange(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.provider: Any = None
        self.ours: Exchange | None = None
        self.now = 0.0
        self.text = ""
        self.resends = 0

    def state(self) -> State | None:
        return self.ours.state if self.ours is not None else None

    @precondition(lambda self: self.state() in (None, State.DONE, State.FAILED))
    @rule(
        name=st.sampled_from(PROVIDERS),
        attempts=st.integers(1, 3),
        frame=st.sampled_from([50, 10**6]),
        total=st.sampled_from([None, 100]),
        listing=st.booleans(),
        asked=st.booleans(),
    )
    def begin(self, name: str, attempts: int, frame: int, total: float | None, listing: bool, asked: bool) -> None:
        if self.provider is None or self.provider.info.name != name or callable(self.provider.api_key) is not asked:
            self.provider = providers.create(name, api_key=(lambda: KEY) if asked else KEY)
        settings: dict[str, Any] = {
            "retry": RetryPolicy(attempts),
            "timeouts": Timeouts(first_event=30, idle=20, progress=25, total=total),
            "limits": Limits(frame=frame, page=200, error_body=100),
            "random": lambda: 0.3,
        }
        if listing and self.provider.models_request() is not None:
            self.ours = ModelList(self.provider, **settings)
        else:
            self.ours = Exchange(self.provider, ChatRequest("Hello"), **settings)
        self.text, self.resends = "", 0

    @precondition(lambda self: self.state() in (State.READY, State.WAITING, State.DONE, State.FAILED))
    @rule()
    def next_action(self) -> None:
        assert self.ours is not None
        handed_out = self.text
        try:
            action = self.ours.next_action(self.now)
        except ChatError as error:
            self.ended(error)
            return
        assert isinstance(action, (Send, NeedKey, Wait, Finish))
        assert repr(action)
        if isinstance(action, Wait):
            assert 0 < action.seconds <= 60
            self.now += action.seconds
        elif isinstance(action, Send):
            self.resends += 1
            assert not handed_out, "nothing is sent again once text was handed out"
            assert self.ours.attempts <= self.ours.retry.attempts
        elif isinstance(action, Finish):
            assert self.ours.reply.text == self.text

    @precondition(lambda self: self.state() is State.KEYLESS)
    @rule(key=st.sampled_from([KEY, KEY, KEY, "", None, "a\nb", 5]))
    def key(self, key: Any) -> None:
        assert self.ours is not None
        self.ours.receive_key(key, self.now)

    def ended(self, error: ChatError) -> None:
        assert self.ours is not None
        assert self.ours.state is State.FAILED
        assert str(error)
        assert KEY not in f"{error} {error!r}"
        assert error.reply is self.ours.reply
        assert not self.ours.reply.complete

    @precondition(lambda self: self.state() is State.SENT)
    @rule(told=st.sampled_from(["waits", "has its place", "connected"]))
    def connection(self, told: str) -> None:
        assert self.ours is not None
        if told == "connected":
            self.ours.receive_connection(True, self.now)
        else:
            self.ours.receive_place(told != "waits", self.now)

    @precondition(lambda self: self.state() is State.SENT)
    @rule(status=STATUSES, headers=HEADERS)
    def head(self, status: int, headers: list[tuple[str, str]]) -> None:
        assert self.ours is not None
        self.ours.receive_head(status, headers, self.now)

    @precondition(lambda self: self.ours is not None and self.ours.reading)
    @rule(data=DATA | st.just(b""), whole=st.booleans())
    def body(self, data: bytes, whole: bool) -> None:
        assert self.ours is not None
        for piece in [data] if whole else [data[i : i + 1] for i in range(len(data))] or [b""]:
            if self.ours.reading:
                self.take(self.ours.receive_data(piece, self.now))

    @precondition(lambda self: self.state() not in (None, State.READY, State.WAITING))
    @rule(failure=FAILURES)
    def failure(self, failure: Any) -> None:
        assert self.ours is not None
        self.take(self.ours.receive_failure(failure(), self.now))

    @precondition(
        lambda self: self.state() not in (None, State.READY, State.WAITING) and self.ours.deadline is not None
    )  # type: ignore[union-attr]
    @rule()
    def timeout(self) -> None:
        assert self.ours is not None
        assert self.ours.deadline is not None
        self.now = max(self.now, self.ours.deadline)
        self.take(self.ours.receive_timeout(self.now))

    @precondition(lambda self: self.ours is not None)
    @rule(seconds=st.floats(0, 10))
    def time_goes_by(self, seconds: float) -> None:
        self.now += seconds

    def take(self, events: list[Any]) -> None:
        self.text += "".join(e.text for e in events if isinstance(e, TextDelta) and not e.choice)

    @invariant()
    def what_holds_always(self) -> None:
        if self.ours is None:
            return
        assert self.ours.reading is (self.ours.state.name in ("SETUP", "ERROR_RESPONSE", "STREAM", "DRAIN"))
        assert repr(self.ours)
        if self.ours.state in (State.STREAM, State.DRAIN, State.DONE):
            assert self.ours.reply.text == self.text

    def teardown(self) -> None:
        """From wherever it is, it ends when the network does nothing but fail."""
        if self.ours is None:
            return
        for _ in range(200):
            if self.ours.state in (State.READY, State.WAITING):
                self.next_action()
            elif self.ours.state not in (State.DONE, State.FAILED):
                self.take(self.ours.receive_failure(ConnectFailed("refused"), self.now))
            else:
                return
        raise AssertionError("it does not end")


TestAnyExchange = AnyExchange.TestCase
TestAnyExchange.settings = settings(max_examples=150, stateful_step_count=25, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("name", FOUR)
@settings(max_examples=60)
@given(
    pieces=st.lists(st.sampled_from(PIECES) | st.binary(max_size=10), max_size=8), proper=st.booleans(), data=st.data()
)
def test_any_body_means_the_same_at_any_cut(name: str, pieces: list[bytes], proper: bool, data: st.DataObject) -> None:
    body = b"".join(pieces)
    provider = providers.create(name)
    kind = data.draw(st.sampled_from(["text/event-stream", "text/html", "application/json", ""]))

    def read(pieces: list[bytes]) -> tuple[str, Any, bool]:
        parser = provider.parser(kind, max_frame_size=2000)
        events = [event for piece in pieces for event in parser.feed(piece)] + parser.end(proper=proper)
        failed = [event.error for event in events if hasattr(event, "error")]
        assert len(failed) <= 1
        assert failed == [] or events[-1].error is failed[0]  # type: ignore[union-attr]
        assert parser.ended
        return text_of(events), [(type(error), str(error)) for error in failed], parser.complete

    at = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=5)))
    wanted = read([body])
    assert read([body[i:j] for i, j in zip([0, *at], [*at, len(body)], strict=True)]) == wanted
    assert read([body[i : i + 1] for i in range(len(body))]) == wanted


def test_the_cuts_of_the_tests_are_all_cuts() -> None:
    assert list(cuts(b"abc")) == [[b"abc"], [b"a", b"bc"], [b"ab", b"c"], [b"a", b"b", b"c"]]
