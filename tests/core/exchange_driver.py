"""What the tests of the core share: an exchange driven by hand, with a clock that only they move."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sansio_core import ChatEvent, ChatRequest, Exchange, Finish, HttpRequest, NeedKey, Send, TextDelta, Wait, providers

SSE = (("content-type", "text/event-stream"),)
TEXT = (("content-type", "text/plain; charset=utf-8"),)
JSON = (("content-type", "application/json"),)
HTML = (("content-type", "text/html"),)

PAGE = b'<html><div data-nonce="a1b2c3d4e5" class="chat" data-post-id="1437"></div></html>'


def exchange(name: str, messages: Any = "Hello", *, config: dict[str, Any] | None = None, **settings: Any) -> Exchange:
    """An exchange with the provider called `name`."""
    return Exchange(providers.create(name, **(config or {})), ChatRequest(messages), **settings)


def chunk(text: str | None = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    """An OpenAI chat chunk."""
    return {
        "choices": [{"index": 0, "delta": {} if text is None else {"content": text}, "finish_reason": reason}],
        **more,
    }


def sse(*data: Any, end: str = "\n") -> bytes:
    """An event stream of `data`, JSON values or text."""
    texts = [item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in data]
    return "".join(f"data: {text}{end}{end}" for text in texts).encode()


def stream(*texts: str) -> bytes:
    """A whole, good OpenAI stream of `texts`."""
    return sse(*map(chunk, texts), chunk(None, "stop"), "[DONE]")


def text_of(events: Iterable[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def cuts(body: bytes) -> Iterator[list[bytes]]:
    """`body` in one piece, in two at every place, and byte by byte."""
    yield [body]
    for at in range(1, len(body)):
        yield [body[:at], body[at:]]
    yield [body[at : at + 1] for at in range(len(body))]


@dataclass
class Answer:
    """A response to one Send; `end` is b"" for a proper end, or an error for a broken one."""

    body: bytes | Sequence[bytes] = b""
    status: int = 200
    headers: Sequence[tuple[str, str]] = SSE
    end: Any = b""

    @property
    def pieces(self) -> Sequence[bytes]:
        return [self.body] if isinstance(self.body, bytes) and self.body else list(self.body) if self.body else []


@dataclass
class Run:
    """Drives `exchange` over `answers` (an Answer, or an error in place of a head); the clock moves by Waits only."""

    exchange: Exchange
    now: float = 0.0
    sent: list[Send] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    events: list[ChatEvent] = field(default_factory=list)

    @property
    def requests(self) -> list[HttpRequest]:
        return [send.request for send in self.sent]

    @property
    def text(self) -> str:
        return text_of(self.events)

    def over(self, *answers: Any) -> Run:
        """To the end; raises what ends it."""
        left = iter(answers)
        while True:
            match self.exchange.next_action(self.now):
                case Send() as send:
                    self.sent.append(send)
                    self.answer(next(left))
                case NeedKey():
                    self.exchange.receive_key(self.exchange.provider.api_key(), self.now)  # type: ignore[operator]
                case Wait(seconds):
                    self.waits.append(seconds)
                    self.now += seconds
                case Finish():
                    assert next(left, None) is None, "an answer was not asked for"
                    return self

    def answer(self, answer: Any) -> None:
        ours = self.exchange
        if not isinstance(answer, Answer):
            self.events += ours.receive_failure(answer, self.now)
            return
        ours.receive_head(answer.status, answer.headers, self.now)
        for piece in answer.pieces:
            if ours.reading:
                self.events += ours.receive_data(piece, self.now)
        if ours.reading:
            if isinstance(answer.end, bytes):
                self.events += ours.receive_data(answer.end, self.now)
            else:
                self.events += ours.receive_failure(answer.end, self.now)


def sent_json(request: HttpRequest) -> Any:
    return json.loads(request.body)
