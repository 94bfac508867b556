"""A tape that is played in its own time gives the events, the error and the reply of the live run."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
from exchange_driver import HTML, JSON, PAGE, TEXT, chunk, exchange, sse, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from tape_driver import CLOSE, Busy, H, Live, Step, played, same

from sansio_core import (
    Cancelled,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    Limits,
    ModelList,
    RateLimited,
    RetryPolicy,
    Send,
    ServerFailed,
    StreamTruncated,
    TextDelta,
    TimedOut,
    Timeouts,
    TLSFailed,
    providers,
)
from sansio_core.tape import Deck, End, Head, Mark, Piece, Reel, Take, Tape, UnmatchedRequest, play
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


# --- each clock ------------------------------------------------------------------------------------------------------

CONNECTED: list[Step] = [(0.3, "connected")]
CLOCKS: dict[str, tuple[str, float, dict[str, float], list[Step]]] = {
    # the clock, the seconds after which it fires, the settings, the response to each attempt
    "connect": ("connect", 3.3, {"connect": 3.3}, [(5, H())]),
    "connect, behind the wait for a place": (
        "connect", 6.3, {"connect": 3.3}, [(0, "waiting"), (3, "place"), (4, "connected"), (0, H())]
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


@pytest.mark.parametrize("name", CLOCKS)
@pytest.mark.parametrize("attempts", [1, 2])
def test_each_clock(name: str, attempts: int) -> None:
    clock, seconds, given, response = CLOCKS[name]
    policy = RetryPolicy(attempts, first_wait=0.3, jitter=0)
    again = attempts > 1 and (clock in ("connect", "first_event") or name == "idle, behind a piece of an event")
    live = same(making(timeouts=clocks(**given), retry=policy), *[response] * (2 if again else 1))
    assert isinstance(live.error, TimedOut)
    assert live.error.clock == clock
    assert live.exchange.reply.elapsed == pytest.approx(seconds * 2 + 0.3 if again else seconds)


def test_the_hint_of_a_wire_is_kept() -> None:
    live = same(making(timeouts=1), [(0, "waiting"), (1.004, no_place(1))])
    assert "a free connection" in str(live.error)


def test_a_total_that_a_retry_wait_would_pass() -> None:
    live = same(making(timeouts=5, retry=3), LIMITED)
    assert isinstance(live.error, RateLimited)
    assert "left of the total" in str(live.error)


def test_a_total_that_leaves_no_time_for_a_retry() -> None:
    policy = RetryPolicy(3, first_wait=1, jitter=0)
    same(making(timeouts=5, retry=policy), SICK, [(3.7, H(503, JSON)), (0, b"")])
    same(making(timeouts=5, retry=policy), SICK, [(3, H(503, JSON)), (9, b"")])


@pytest.mark.parametrize("gap", [0.0002, 0.0007, 0.02])
def test_a_peer_that_sends_without_a_pause_past_a_clock(gap: float) -> None:
    steps: list[Step] = [(0.01, H()), *[(gap, PING), (0.0, Busy())] * int(3 / gap)]
    live = same(making(timeouts=clocks(progress=1, first_event=0.5), retry=1), steps)
    assert isinstance(live.error, TimedOut)


def test_a_client_that_was_busy_finds_what_came_meanwhile() -> None:
    busy: list[Step] = [(6, Busy()), (-5, HELLO), (5.5, HELLO)]
    steps = [(0.1, H()), (0.1, HELLO), (0.5, HELLO), *busy, (0.1, STOP + DONE), (0, b"")]
    live = same(making(timeouts=clocks(idle=2, progress=2)), steps)
    assert live.error is None
    assert Mark(0, "late") in [Mark(0, step.what) for step in live.takes[0].steps if isinstance(step, Mark)]


def test_more_bytes_than_a_connection_holds_end_the_patience_with_a_late_reader() -> None:
    big = b":" * (4 * 1024 * 1024 + 1)
    late: list[Step] = [(0.1, H()), (3, Busy()), (-2.5, big), (0, big), (0.1, HELLO)]
    live = same(making(timeouts=clocks(first_event=2), retry=1), late)
    assert isinstance(live.error, TimedOut)
    assert live.exchange.reply.elapsed == pytest.approx(3.1)


# --- whatever else ends a response -----------------------------------------------------------------------------------

PAGED: list[Step] = [(0.1, H(200, HTML)), (0.1, PAGE), (0, b"")]
REFUSED: list[Step] = [(0.1, H(403, HTML)), (0.1, b"-1"), (0, b"")]
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
    "stale nonce twice": (making("chatgpt_free"), [PAGED, REFUSED, PAGED, REFUSED]),
    "models": (lambda: ModelList(providers.create("openai", api_key="any")), [MODELS]),
    "models, at the second attempt": (lambda: ModelList(providers.create("openai", api_key="any")), [SICK, MODELS]),
}  # fmt: skip


@pytest.mark.parametrize("name", COURSES)
def test_each_course(name: str) -> None:
    make, responses = COURSES[name]
    same(make, *responses)


def test_the_models_of_a_taped_list() -> None:
    make, responses = COURSES["models"]
    listing = make()
    assert played(Live(make(), responses).tape, listing) == ([], None)
    assert isinstance(listing, ModelList)
    assert listing.models == ["m1", "m2"]


# --- settings other than the recording's -----------------------------------------------------------------------------

SLOW: list[Step] = [(0.5, "connected"), (1, H()), (1, HELLO), (4, HELLO), (2, STOP + DONE), (0, b"")]


@pytest.mark.parametrize(
    ("given", "clock", "seconds"),
    [
        ({"connect": 0.4}, "connect", 0.4), ({"first_event": 1.2}, "first_event", 1.7), ({"idle": 3}, "idle", 5.5),
        ({"progress": 3.5}, "progress", 6), ({"total": 7}, "total", 7),
    ],
)  # fmt: skip
def test_a_shorter_clock_fires_at_its_time(given: dict[str, float], clock: str, seconds: float) -> None:
    tape = Live(making(timeouts=clocks())(), [SLOW]).tape
    ours = making(timeouts=clocks(**given), retry=1)()
    _, error = played(tape, ours)
    assert isinstance(error, TimedOut)
    assert (error.clock, error.seconds) == (clock, given[clock])
    assert ours.reply.elapsed == pytest.approx(seconds)


def test_a_longer_clock_still_gives_the_error_on_the_tape() -> None:
    tape = Live(making(timeouts=clocks(idle=3), retry=1)(), [SLOW]).tape
    ours = making(timeouts=clocks(idle=30), retry=1)()
    events, error = played(tape, ours)
    assert isinstance(error, TimedOut)
    assert (error.clock, error.seconds, text_of(events)) == ("idle", 3, "Hello")
    assert ours.reply.elapsed == pytest.approx(5.5)


def test_fewer_attempts_leave_takes_unused() -> None:
    deck = Deck(Live(making(retry=3)(), [SICK, SICK, GOOD]).tape)
    _, error = played(deck, making(retry=1)())
    assert isinstance(error, ServerFailed)
    assert len(deck.unused) == 2


def test_more_attempts_than_takes_match_none() -> None:
    deck = Deck(Live(making(retry=1)(), [SICK]).tape)
    ours = making(retry=2)()
    with pytest.raises(UnmatchedRequest, match="take 1 of 1 would, and was played already") as caught:
        played(deck, ours)
    assert deck.unmatched == [caught.value]


def test_no_key_is_asked_for() -> None:
    tape = Live(making()(), [GOOD]).tape
    events, _ = played(tape, making(key=lambda: 1 / 0)())
    assert text_of(events) == "Hello"


# --- play, and a reel ------------------------------------------------------------------------------------------------


def test_a_deck_is_played_to_several_exchanges() -> None:
    tape = Tape.of(Live(making()(), [GOOD]).takes * 2)
    deck = Deck(tape)
    assert [text_of(play(deck, making()())) for _ in range(2)] == ["Hello"] * 2
    assert deck.unused == ()
    assert len(Deck(tape).unused) == 2, "a tape is not used up"


@pytest.mark.filterwarnings("error")
def test_whoever_stops_reading_is_not_warned() -> None:
    for event in play(Live(making()(), [GOOD]).tape, making()()):
        assert isinstance(event, TextDelta)
        break
    gc.collect()


def reel(*steps: Any, settings: Timeouts | None = None) -> tuple[Exchange, Reel]:
    """A reel that is played from the second 100 on."""
    ours = making(timeouts=settings or clocks())()
    action = ours.next_action(100)
    assert isinstance(action, Send)
    return ours, Reel(Take("POST", action.request.url, steps=steps), ours, action, 100)


def test_the_schedule_is_the_tapes_however_late_its_reader_comes() -> None:
    ours, playing = reel(Mark(1, "connected"), Head(2, 200), Piece(3, b"a"), Piece(4, b"b"), End(5))
    found = []
    for _ in range(5):
        due = playing.due
        step = playing.step(150)
        found.append((due, step.status if isinstance(step, Head) else step))
        if isinstance(step, Head):
            ours.receive_head(200, (), 150)
    assert found == [(101, None), (103, 200), (106, b"a"), (110, b"b"), (115, b"")]


def test_a_reader_behind_the_end_gets_it_again() -> None:
    _, playing = reel(Head(1, 200), End(1))
    playing.step()
    assert [playing.step(), playing.step()] == [b"", b""]
    _, playing = reel(Head(1, 200), End(1, "ConnectionLost", {"detail": "gone", "reused": False}))
    playing.step()
    for _ in range(2):
        with pytest.raises(ConnectionLost, match="gone"):
            playing.step()


def test_a_late_reader_gets_what_is_there_as_from_a_socket() -> None:
    for since, there in ((0, False), (105, False), (106, True)):
        ours, playing = reel(Head(1, 200), Piece(5, b"a"), End(5), settings=clocks(idle=3))
        playing.step()
        ours.receive_head(200, (), 101)
        assert playing.due == 104
        if there:
            assert playing.step(since) == b"a"
        else:
            with pytest.raises(TimeoutError):
                playing.step(since)


# --- any script ------------------------------------------------------------------------------------------------------

PIECES = [HELLO, STOP, DONE, PING, HELLO[:9], HELLO[9:], sse("{"), sse(chunk("世")), b"\xe4", b"\r", b"x"]
GAPS = st.sampled_from([0, 0, 0.001, 0.1, 0.5, 1, 3, 7])
STEPS = st.lists(
    st.tuples(
        GAPS,
        st.sampled_from(PIECES)
        | st.just(b"")
        | st.just(Busy())
        | st.builds(lost, st.booleans())
        | st.just(CLOSE)
        | st.builds(Cancelled),
    ),
    max_size=12,
)
RESPONSES = st.lists(
    st.tuples(
        st.lists(st.tuples(GAPS, st.sampled_from(["connected", "reused"])), max_size=1),
        GAPS,
        st.sampled_from([*[H()] * 6, H(503, JSON), H(429, [("retry-after", "2")]), H(401, JSON), *MOVED[0][1:]]),
        STEPS,
    ).map(lambda parts: [*parts[0], (parts[1], parts[2]), *parts[3], (9999.0, b"")]),
    min_size=3,
    max_size=6,
)


@settings(max_examples=120)
@given(responses=RESPONSES, first=st.sampled_from([None, 2.05]), idle=st.sampled_from([2.05, 20]))
def test_any_course(responses: list[list[Step]], first: float | None, idle: float) -> None:
    times = clocks(first_event=first, idle=idle, progress=idle * 2 + 0.03, total=30.5)
    same(making(timeouts=times, retry=RetryPolicy(2, jitter=0, first_wait=0.07)), *responses, all_asked=False)
