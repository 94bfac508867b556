"""A tape that is played in its own time gives the events, the error and the reply of the live run."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from exchange_driver import JSON, chunk, sse, text_of
from hypothesis import given, settings
from hypothesis import strategies as st
from tape_courses import (
    CLOCKS,
    COURSES,
    DONE,
    GOOD,
    HELLO,
    LIMITED,
    MOVED,
    PING,
    SICK,
    STOP,
    clocks,
    lost,
    making,
    no_place,
)  # fmt: skip
from tape_driver import CLOSE, Busy, H, Live, Step, played, same

from sansio_core import (
    Cancelled,
    ConnectionLost,
    Exchange,
    ModelList,
    RateLimited,
    RetryPolicy,
    Send,
    ServerFailed,
    TextDelta,
    TimedOut,
    Timeouts,
)
from sansio_core.tape import Deck, End, Head, Mark, Piece, Reel, Take, Tape, UnmatchedRequest, play

# --- each clock ------------------------------------------------------------------------------------------------------

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


def test_what_a_wire_says_of_a_clock_is_kept() -> None:
    live = same(making(timeouts=1), [(0, "waiting"), (1.004, no_place(1))])
    assert "a free connection" in str(live.error)
    late = Live(making(timeouts=1)(), [[(0, "waiting"), (1.8, no_place(1))]])  # a busy machine's timer
    for seconds, words in ((1, "a free connection"), (0.5, "within 0.5 s")):
        for tape in (late.tape, live.tape):
            _, error = played(tape, making(timeouts=seconds)())
            assert words in str(error)


def test_a_client_that_was_busy_while_a_clock_fired_and_finds_nothing() -> None:
    live = same(making(timeouts=clocks(idle=2), retry=1), [(0.1, H()), (3, Busy()), (9, b"")])
    assert isinstance(live.error, TimedOut)
    assert live.exchange.reply.elapsed == pytest.approx(3.1)


def test_a_client_that_was_busy_while_a_clock_fired_and_closes() -> None:
    live = same(making(timeouts=clocks(idle=2), retry=2), [(0.1, H()), (3, Busy()), (0, CLOSE)])
    assert isinstance(live.error, Cancelled)


def test_a_connection_that_comes_as_a_clock_fires() -> None:
    policy = RetryPolicy(2, first_wait=0.07, jitter=0)
    late: list[Step] = [(2.0506, Busy()), (0, "connected"), *GOOD]
    same(making(timeouts=clocks(first_event=2.05), retry=policy), [(0, H()), (2.0507, Busy()), (9, b"")], late)


def test_a_transport_that_does_not_tell_of_its_connection() -> None:
    live = Live(making(timeouts=clocks())(), [[(15, H()), *GOOD[1:]]])
    assert played(live.tape, making(timeouts=clocks(connect=10))())[1] is None
    live = Live(making(timeouts=clocks(first_event=60), retry=1)(), [[(99, H())]])
    _, error = played(live.tape, making(timeouts=clocks(connect=10, first_event=60), retry=1)())
    assert isinstance(error, TimedOut)
    assert error.clock == "first_event"


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


@pytest.mark.parametrize(
    "connecting",
    [
        [(3, Busy()), (-0.1, "connected")],
        [(0.3, "waiting"), (9, Busy()), (-7, "place"), (0, "reused")],
        [(0.3, "waiting"), (1, "place"), (3, Busy()), (-2.5, "connected")],
    ],
)
@pytest.mark.parametrize("clock", ["connect", "first_event", "total"])
def test_a_client_that_was_busy_finds_its_connection_made_meanwhile(connecting: list[Step], clock: str) -> None:
    """Past the total it finds that, and no answer."""
    live = same(making(timeouts=clocks(**{clock: 2}), retry=1), [*connecting, *GOOD])
    assert (live.error is None) is (clock != "total")


@pytest.mark.parametrize(
    ("settings", "begun"),
    [
        ({"timeouts": 2}, HELLO),
        ({"timeouts": 2}, b"<html>"),  # it fails as what it is
        ({"timeouts": clocks(first_event=1), "retry": 1}, HELLO[:9]),  # what is half of an event is another one
    ],
)
def test_a_clock_that_the_exchange_finds_fired_ends_the_take(settings: dict[str, Any], begun: bytes) -> None:
    """The tape does not say what else was waited for, as for a user's key function: the total fires later there."""
    steps: list[Step] = [(0.1, H()), (0.1, begun), (4, Busy()), (-2, b"x"), (9, Busy()), (-1, b"x")]
    live = Live(making(**settings)(), [steps])
    assert live.takes[0].end.what == "TimeoutError"
    _, error = played(live.tape, making(timeouts=clocks(), retry=1)())
    assert (type(error), str(error)) == (type(live.error), str(live.error))


def test_more_bytes_than_a_connection_holds_end_the_patience_with_a_late_reader() -> None:
    big = b":" * (4 * 1024 * 1024 + 1)
    late: list[Step] = [(0.1, H()), (3, Busy()), (-2.5, big), (0, big), (0.1, HELLO)]
    live = same(making(timeouts=clocks(first_event=2), retry=1), late)
    assert isinstance(live.error, TimedOut)
    assert live.exchange.reply.elapsed == pytest.approx(3.1)


# --- whatever else ends a response -----------------------------------------------------------------------------------

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


def test_whoever_plays_at_a_pace_is_told_when_what_comes_next() -> None:
    make = making(retry=RetryPolicy(2, first_wait=2, jitter=0))
    times: list[float] = []
    assert text_of(play(Live(make(), [SICK, GOOD]).tape, make(), wait_until=times.append)) == "Hello"
    assert times == pytest.approx([0.1, 0.2, 0.2, 2.2, 2.3, 2.5, 2.6, 2.6])


def test_a_request_that_has_no_response_lost_its_connection() -> None:
    request = making()().next_action(0)
    assert isinstance(request, Send)
    take = Take("POST", request.request.url, body=request.request.body)
    _, error = played(Tape.of([take]), making(retry=1)())
    assert isinstance(error, ConnectionLost)
    assert str(error) == "the tape has no response to this request"


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
