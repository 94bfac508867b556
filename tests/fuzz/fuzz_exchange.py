"""An exchange under any sequence of what its owner may tell it: it ends, and only with errors of ours."""

from __future__ import annotations

from typing import Any

from cutting import Target

from sansio_core import (
    Cancelled,
    ChatError,
    ChatEvent,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Finish,
    Limits,
    ModelList,
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

NAMES = (
    "free_netfly", "chatgpt_free", "yqcloud", "acytoo", "openai", "anthropic", "gemini", "ollama",
)  # fmt: skip
STATUSES = (200, 200, 200, 200, 100, 101, 204, 206, 302, 307, 308, 401, 403, 408, 429, 503)
FAILURES = (
    lambda: ConnectFailed("refused"), lambda: ConnectionLost("reset"), lambda: ConnectionLost("closed", reused=True),
    lambda: StreamTruncated("mid-chunk"), lambda: TLSFailed("expired"), lambda: ProxyFailed("no", 502),
    lambda: TimedOut("connect", 1), lambda: ProtocolViolation("bad chunk"), Cancelled,
)  # fmt: skip


class Course:
    """One exchange, told what the bytes of the input say; what must always hold is looked at after each step."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.now = 0.0
        self.text = ""
        kind, attempts, frame = self.byte(), 1 + self.byte() % 3, (50, 10**6)[self.byte() & 1]
        provider = providers.create(NAMES[kind % 8], api_key="key-of-the-fuzzer")
        settings: dict[str, Any] = {
            "retry": RetryPolicy(attempts),
            "timeouts": Timeouts(first_event=30, idle=20, progress=25, total=(None, 100)[kind >> 7]),
            "limits": Limits(frame=frame, page=200, error_body=100),
            "random": lambda: 0.3,
        }
        listing = bool(kind & 64) and provider.models_request() is not None
        self.ours: Exchange = (
            ModelList(provider, **settings) if listing else Exchange(provider, ChatRequest("Hello"), **settings)
        )

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        self.at += size
        return piece

    def run(self) -> None:
        while self.at < len(self.data) and self.ours.state not in (State.DONE, State.FAILED):
            self.step(self.byte())
            self.holds()
        for _ in range(100):  # from wherever it is, it ends when the network does nothing but fail
            if self.ours.state in (State.READY, State.WAITING):
                self.act()
            elif self.ours.state in (State.DONE, State.FAILED):
                self.act()
                return
            else:
                self.events(self.ours.receive_failure(ConnectFailed("refused"), self.now))
        raise AssertionError("it does not end")

    def step(self, what: int) -> None:
        ours = self.ours
        if what >= 0xF8:
            self.now += 1 << (what & 7)
        elif ours.state in (State.READY, State.WAITING):
            self.act()
        elif what >= 0xF0 and ours.deadline is not None:
            self.now = max(self.now, ours.deadline)
            self.events(ours.receive_timeout(self.now))
        elif what >= 0xE0:
            self.events(ours.receive_failure(FAILURES[what % len(FAILURES)](), self.now))
        elif ours.state is State.SENT:
            lines = self.take(self.byte() & 63).decode("latin-1").split("\n")
            fields = [(name, value) for name, _, value in (line.partition(":") for line in lines)]
            ours.receive_head(STATUSES[what & 15], fields, self.now)
        elif ours.reading:
            self.events(ours.receive_data(self.take(what), self.now))

    def act(self) -> None:
        try:
            action = self.ours.next_action(self.now)
        except ChatError as error:
            self.failed(error)
            return
        assert repr(action)
        if isinstance(action, Send):
            assert not self.text, "nothing is sent again once text was handed out"
            assert self.ours.attempts <= self.ours.retry.attempts
        elif isinstance(action, Wait):
            assert 0 < action.seconds <= 60
            self.now += action.seconds
        elif isinstance(action, Finish):
            assert self.ours.state is State.DONE

    def failed(self, error: ChatError) -> None:
        assert self.ours.state is State.FAILED
        assert str(error)
        assert "key-of-the-fuzzer" not in f"{error} {error!r}"
        assert error.reply is self.ours.reply
        assert not self.ours.reply.complete

    def events(self, events: list[ChatEvent]) -> None:
        self.text += "".join(event.text for event in events if isinstance(event, TextDelta) and not event.choice)

    def holds(self) -> None:
        ours = self.ours
        assert ours.reading is (ours.state.name in ("SETUP", "ERROR_RESPONSE", "STREAM", "DRAIN"))
        assert repr(ours)
        if ours.state in (State.STREAM, State.DRAIN, State.DONE):
            assert ours.reply.text == self.text


def exchange(data: bytes) -> None:
    Course(data).run()


TARGETS: dict[str, Target] = {"exchange": exchange}
