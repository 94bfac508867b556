"""The courses that a question may take: which clock fires, how a response ends, what follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from exchange_driver import HTML, JSON, PAGE, TEXT, chunk, exchange, sse
from tape_driver import CLOSE, H, Step

from sansio_core import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Limits,
    ModelList,
    StreamTruncated,
    TimedOut,
    Timeouts,
    TLSFailed,
    providers,
)
from sansio_core.tape.play import KEY

HELLO = sse(chunk("Hello"))
STOP, DONE = sse(chunk(None, "stop")), sse("[DONE]")
PING = b": ping\n\n"
GOOD: list[Step] = [(0.1, H()), (0.2, HELLO), (0.1, STOP + DONE), (0, b"")]
LIMITED: list[Step] = [(0.1, H(429, [*JSON, ("retry-after", "7")])), (0, b'{"error": {"message": "slow"}}'), (0, b"")]
SICK: list[Step] = [(0.1, H(503, JSON)), (0.1, b"{}"), (0, b"")]
Make = Callable[[], Exchange]


def making(name: str = "openai", question: Any = "Hello", key: Any = "any", **settings: Any) -> Make:
    """What makes one exchange after another, each with a provider of its own."""

    def make() -> Exchange:
        return exchange(name, question, config={"api_key": key}, **settings)

    return make


def clocks(**seconds: float | None) -> Timeouts:
    return Timeouts(**{"connect": None, "first_event": None, "idle": None, "progress": None, "total": None, **seconds})


def no_place(seconds: float) -> TimedOut:
    error = TimedOut("total", seconds)
    error.hint = "it waited for a free connection"
    return error


def lost(reused: bool = False) -> ConnectionLost:
    return ConnectionLost("the peer reset the connection", reused=reused)


CONNECTED: list[Step] = [(0.3, "connected")]
CLOCKS: dict[str, tuple[str, float, dict[str, float], list[Step]]] = {
    # the clock, the seconds after which it fires, the settings, the response to each attempt
    "connect": ("connect", 3.3, {"connect": 3.3}, [(5, H())]),
    "connect, behind the wait for a place": (
        "connect", 7.3, {"connect": 3.3}, [(0, "waiting"), (4, "place"), (4, "connected"), (0, H())]
    ),
    "first event": ("first_event", 2, {"first_event": 2}, [(0.1, H()), (0.1, PING), (9, HELLO)]),
    "first event, before the head": ("first_event", 2, {"first_event": 2}, [(9, H())]),
    "first event, over a slow connection": (
        "first_event", 3.5, {"first_event": 2, "connect": 9}, [(1.5, "connected"), (0.5, H()), (9, HELLO)]
    ),
    "first event, behind the wait for a place": (
        "first_event", 52, {"first_event": 2}, [(0, "waiting"), (50, "place"), (0.5, H()), (9, HELLO)]
    ),
    "idle": ("idle", 2.6, {"idle": 2}, [(0.1, H()), (0.5, HELLO), (9, HELLO)]),
    "idle, behind a piece of an event": ("idle", 2.7, {"idle": 2}, [(0.2, H()), (0.5, HELLO[:5]), (9, HELLO[5:])]),
    "progress": ("progress", 3.6, {"progress": 3}, [(0.1, H()), (0.5, HELLO), *[(0.5, PING)] * 9]),
    "total": ("total", 1, {"total": 1}, [(0.1, H()), (0.5, HELLO), (0.3, HELLO), (3, HELLO)]),
    "total, in the wait for a place": ("total", 1, {"total": 1}, [(0, "waiting"), (1, no_place(1))]),
}  # fmt: skip


PAGED: list[Step] = [(0.1, H(200, HTML)), (0.1, PAGE), (0, b"")]
REFUSED: list[Step] = [(0.1, H(403, HTML)), (0.1, b"-1"), (0, b"")]
SAID: list[Step] = [(0.1, H(200, HTML)), (0.1, b"-1"), (0, b"")]
UNAUTHORIZED: list[Step] = [(0.1, H(401, JSON)), (0, b'{"error": {"message": "stale"}}'), (0, b"")]
MOVED: list[Step] = [(0.1, H(307, [("location", "/v2/chat")])), (0, b"")]
MODELS: list[Step] = [(0.1, H(200, JSON)), (0.1, b'{"data": [{"id": "m1"},'), (0.1, b'{"id": "m2"}]}'), (0, b"")]
PLAIN: list[Step] = [(0.1, H(200, TEXT)), (0.1, b"Hel"), (0.1, b"lo"), (0.1, b"")]

COURSES: dict[str, tuple[Make, list[list[Step]]]] = {
    "good": (making(), [GOOD]),
    "text": (making("acytoo"), [PLAIN]),
    "grace": (making(), [[(0.1, H()), (0.1, HELLO + STOP), (1, PING), (9, DONE)]]),
    "usage within the grace": (making(), [[(0.1, H()), (0.1, HELLO + STOP), (3, DONE), (0.1, b"")]]),
    "drain": (making(), [[(0.1, H()), (0.1, HELLO + STOP + DONE), (2, b"")]]),
    "drain too long": (making(), [[(0.1, H()), (0.1, HELLO + STOP + DONE), (0.1, b"x" * 70000)]]),
    "drain broken": (making(), [[(0.1, H()), (0.1, HELLO + STOP + DONE), (0.1, lost())]]),
    "error": (making(retry=1), [SICK]),
    "error body that hangs": (making(retry=1), [[(0.1, H(400, JSON)), (0.1, b'{"error": '), (99, b"{}}")]]),
    "error body that breaks": (making(retry=1), [[(0.1, H(400, JSON)), (0.1, b'{"error": '), (9, lost())]]),
    "error body too long": (making(retry=1, limits=Limits(error_body=5)), [[(0.1, H(400, JSON)), (0.1, b"x" * 20)]]),
    "retry-after": (making(retry=3), [LIMITED, LIMITED, GOOD]),
    "retry-after too long": (making(retry=3), [[(0.1, H(429, [("retry-after", "700")])), (0, b"")]]),
    "all attempts": (making(retry=3), [SICK, [(2, ConnectFailed("refused"))], SICK]),
    "redirect": (making(), [MOVED, GOOD]),
    "redirect that hangs until the total": (making(timeouts=0.7), [[(0.1, MOVED[0][1]), (9, b"")]]),
    "redirects without end": (making(), [MOVED] * 6),
    "redirect elsewhere": (making(), [[(0.1, H(307, [("location", "https://evil.example/")])), (0, b"")]]),
    "key refused": (making(), [UNAUTHORIZED]),
    "stale key of a function": (making(key=lambda: KEY), [UNAUTHORIZED, GOOD]),
    "key of a function refused twice": (making(key=lambda: KEY), [UNAUTHORIZED, UNAUTHORIZED]),
    "stale connection": (making(), [[(0, "reused"), (0.1, lost(True))], [(0.1, "connected"), *GOOD]]),
    "stale connection, then none": (making(retry=1), [[(0, "reused"), (0, lost(True))], [(1, ConnectFailed("no"))]]),
    "tls": (making(), [[(0.2, TLSFailed("expired"))]]),
    "truncated": (making(retry=1), [[(0.1, H()), (0.1, HELLO), (0.1, b"")]]),
    "truncated before any text": (making(retry=2), [[(0.1, H()), (0.1, b"")], GOOD]),
    "cut in its length": (making(retry=1), [[(0.1, H(200, [*TEXT, ("content-length", "9")])), (0.1, b"x"), (0, b"")]]),
    "lost": (making(retry=1), [[(0.1, H()), (0.1, HELLO), (0.1, lost())]]),
    "broken chunk": (making(retry=1), [[(0.1, H()), (0.1, HELLO), (0.1, StreamTruncated("mid-chunk"))]]),
    "garbage": (making(retry=1), [[(0.1, H()), (0.1, HELLO), (0.1, sse("{garbage")), (0, b"")]]),
    "an error inside": (making(retry=1), [[(0.1, H()), (0.1, HELLO), (0.1, sse({"error": {"message": "sick"}}))]]),
    "a frame too long": (making(retry=1, limits=Limits(frame=50)), [[(0.1, H()), (0.1, b"data: " + b"x" * 99)]]),
    "no content": (making(retry=1), [[(0.1, H(204))]]),
    "cancelled": (making(), [[(0.1, H()), (0.1, HELLO), (0.1, Cancelled())]]),
    "cancelled before the head": (making(), [[(0.1, Cancelled())]]),
    "closed": (making(), [[(0.1, H()), (0.1, HELLO), (0.1, CLOSE)]]),
    "closed behind the finish reason": (making(), [[(0.1, H()), (0.1, HELLO + STOP), (0.1, CLOSE)]]),
    "page": (making("chatgpt_free"), [PAGED, GOOD]),
    "page without a nonce": (making("chatgpt_free"), [[(0.1, H(200, HTML)), (0.1, b"<p>"), (0, b"")]]),
    "page that breaks": (making("chatgpt_free", retry=2), [[(0.1, H(200, HTML)), (0.1, lost())], PAGED, GOOD]),
    "stale nonce": (making("chatgpt_free"), [PAGED, REFUSED, PAGED, GOOD]),
    "stale nonce, said in words": (making("chatgpt_free"), [PAGED, SAID, PAGED, GOOD]),
    "stale nonce twice": (making("chatgpt_free"), [PAGED, REFUSED, PAGED, REFUSED]),
    "models": (lambda: ModelList(providers.create("openai", api_key="any")), [MODELS]),
    "models, at the second attempt": (lambda: ModelList(providers.create("openai", api_key="any")), [SICK, MODELS]),
}  # fmt: skip
