"""The five clocks of an exchange: each fires when it should, names itself, and counts only what counts."""

from __future__ import annotations

import pytest
from exchange_driver import JSON, PAGE, SSE, chunk, exchange, sse, text_of

from sansio_core import (
    ChatError,
    ConnectionLost,
    Exchange,
    KeepAlive,
    NotFound,
    Send,
    ServerFailed,
    State,
    StreamTruncated,
    TimedOut,
    Timeouts,
    Wait,
)

CLOCKS = Timeouts(connect=3, first_event=20, idle=7, progress=11, total=100)


def started(name: str = "free_netfly", *, timeouts: Timeouts = CLOCKS, retry: int = 1, now: float = 1000) -> Exchange:
    ours = exchange(name, timeouts=timeouts, retry=retry)
    assert ours.deadline is None, "no clock runs before the first action"
    assert isinstance(ours.next_action(now), Send)
    return ours


def streaming(**settings: object) -> Exchange:
    ours = started(**settings)  # type: ignore[arg-type]
    ours.receive_head(200, SSE, 1001)
    return ours


def fires(ours: Exchange, clock: str, at: float, seconds: float) -> TimedOut:
    assert ours.deadline == at
    return tells(ours, clock, at, seconds)


def tells(ours: Exchange, clock: str, at: float, seconds: float) -> TimedOut:
    assert text_of(ours.receive_timeout(at)) == ""
    with pytest.raises(TimedOut) as caught:
        ours.next_action(at)
    error = caught.value
    assert (error.clock, error.seconds) == (clock, seconds)
    assert f"{clock!r} clock" in str(error)
    assert f"{seconds:g} s" in str(error)
    return error


def test_connect_is_the_transports_to_watch() -> None:
    ours = exchange("free_netfly", timeouts=CLOCKS, retry=1)
    send = ours.next_action(1000)
    assert isinstance(send, Send)
    assert send.connect_deadline == 1003
    ours.receive_failure(TimedOut("connect", 3), 1003)
    with pytest.raises(TimedOut, match=r"no connection was made within 3 s \(the 'connect' clock"):
        ours.next_action(1003)


@pytest.mark.parametrize("late", [-0.01, 0, 0.01, 1])
def test_a_transport_that_only_tells_that_time_is_up_is_understood(late: float) -> None:
    ours = started(timeouts=Timeouts(connect=3, first_event=10, total=20))
    assert ours.under_way
    tells(ours, "connect", 1003 + late, 3)
    assert not ours.under_way


def test_when_two_clocks_fire_at_once_it_was_not_the_connecting() -> None:
    tells(started(timeouts=Timeouts(connect=10, total=10)), "total", 1010, 10)
    tells(started(timeouts=Timeouts(connect=9.99, first_event=10)), "first_event", 1010, 10)
    tells(started(timeouts=Timeouts(connect=None, first_event=10)), "first_event", 1009.99, 10)


def test_a_timer_that_fires_early_is_the_nearest_clocks() -> None:
    tells(started(timeouts=Timeouts(connect=3, first_event=10)), "first_event", 1009.99, 10)
    tells(started(timeouts=Timeouts(connect=3, first_event=10)), "connect", 1006.4, 3)
    tells(started(timeouts=Timeouts(connect=3, first_event=10)), "first_event", 1006.5, 10)


def test_each_attempt_waits_for_its_own_first_event() -> None:
    ours = started(retry=2)
    ours.receive_head(200, SSE, 1001)
    ours.receive_data(sse({"id": "c1", "choices": []}), 1002)
    ours.receive_failure(ConnectionLost("reset"), 1003)
    assert isinstance(ours.next_action(1005), Send)
    fires(ours, "first_event", 1025, 20)


def test_once_the_head_is_there_it_was_not_the_connecting() -> None:
    tells(streaming(), "idle", 1003, 7)


def test_without_another_clock_it_was_the_connecting() -> None:
    alone = Timeouts(connect=3, first_event=None, idle=None, progress=None)
    ours = started(timeouts=alone)
    assert ours.deadline is None
    tells(ours, "connect", 1003, 3)


def test_first_event_waits_for_the_head() -> None:
    fires(started(), "first_event", 1020, 20)


def test_first_event_waits_on_after_the_head_and_after_keep_alives() -> None:
    ours = streaming(timeouts=Timeouts(idle=None, first_event=20, progress=11, total=None))
    ours.receive_data(b": ping\n\n" * 5, 1015)
    ours.receive_data(b"data: {", 1019)
    fires(ours, "first_event", 1020, 20)


def test_while_a_connection_is_waited_for_the_total_alone_runs() -> None:
    ours = started()
    ours.receive_place(False, 1002)
    fires(ours, "total", 1100, 100)
    ours = started(timeouts=Timeouts(connect=3, first_event=20, total=None))
    ours.receive_place(False, 1002)
    assert ours.deadline is None
    ours.receive_place(True, 1050)
    assert ours.deadline == 1070
    tells(ours, "connect", 1053, 3)


def test_what_counts_from_the_sending_counts_from_the_connection() -> None:
    ours = started()
    ours.receive_connection(False, 1002)
    fires(ours, "first_event", 1022, 20)
    ours = started()
    ours.receive_connection(True, 1002)
    tells(ours, "first_event", 1003, 20)  # not the connecting, which is over
    ours = started()
    ours.receive_connection(False, 1090)
    ours.receive_head(200, SSE, 1090)
    fires(ours, "idle", 1097, 7)


def test_idle_after_the_head() -> None:
    fires(streaming(), "idle", 1008, 7)


def test_idle_is_of_bytes_whatever_they_mean() -> None:
    ours = streaming()
    for now in range(1002, 1015, 3):
        ours.receive_data(b":", now)
    fires(ours, "first_event", 1020, 20)
    ours = streaming()
    ours.receive_data(b":", 1008)
    fires(ours, "idle", 1015, 7)


def test_progress_is_of_content_and_keep_alives_do_not_count() -> None:
    ours = streaming()
    ours.receive_data(sse(chunk("a")), 1005)
    for now in (1008, 1011, 1014):
        ours.receive_data(b": ping\n\n" + sse({"choices": []}, chunk("")) + b"data: garbage\n\n", now)
    error = fires(ours, "progress", 1016, 11)
    assert error.reply is not None
    assert error.reply.text == "a"


def test_text_behind_keep_alives_that_came_in_time_is_found_by_a_slow_reader() -> None:
    ours = streaming()
    ours.receive_data(sse(chunk("a")), 1005)
    for _ in range(100):  # the reader comes back late, and reads on without a pause
        assert ours.receive_data(b": " + b"p" * 65_533 + b"\n", 1090) == [KeepAlive("p" * 65_533)]
    assert ours.deadline == 1016, "whoever finds nothing to read knows at once"
    assert text_of(ours.receive_data(sse(chunk("b")), 1090.1)) == "b"
    fires(ours, "idle", 1097.1, 7)


def test_a_reader_that_was_late_once_is_given_as_long_again() -> None:
    """What it read late counts no more once content came in time."""
    pings = b": " + b"p" * (5 * 1024 * 1024) + b"\n"
    ours = streaming()
    ours.receive_data(sse(chunk("a")), 1005)
    ours.receive_data(pings, 1020)
    ours.receive_data(sse(chunk("b")), 1020.1)
    ours.receive_data(b": ping\n", 1026)
    ours.receive_data(pings, 1032)
    assert ours.reading


def test_a_peer_that_always_has_one_more_keep_alive_is_left_all_the_same() -> None:
    flood = b":" * 1023 + b"\n"
    ours, sent = streaming(), 0
    while ours.reading:
        ours.receive_data(flood * 64, 1025)
        sent += len(flood) * 64
        assert sent < 9 * 1024 * 1024
    with pytest.raises(TimedOut, match="'first_event'"):
        ours.next_action(1025)
    ours = streaming()
    ours.receive_data(sse(chunk("a")), 1005)
    for now in range(1006, 1027):  # by an embedder that keeps to no deadline
        ours.receive_data(b": ping\n\n", now)
    assert ours.reading
    ours.receive_data(b": ping\n\n", 1027)
    with pytest.raises(TimedOut, match="'progress'"):
        ours.next_action(1027)


def test_progress_is_made_by_content() -> None:
    ours = streaming()
    for now in range(1003, 1095, 4):
        ours.receive_data(sse({"choices": [{"delta": {"reasoning_content": "hm"}}]}), now)
        assert ours.deadline == min(now + 7, 1100)
    ours.receive_data(b": ping\n\n", 1097)
    fires(ours, "total", 1100, 100)


def test_the_first_event_that_is_no_content_starts_progress() -> None:
    ours = streaming()
    ours.receive_data(sse({"id": "c1", "choices": []}), 1002)
    for now in (1006, 1010):
        ours.receive_data(b": ping\n\n", now)
    fires(ours, "progress", 1013, 11)


def test_total_goes_over_attempts_and_waits() -> None:
    ours = started(retry=9, timeouts=Timeouts(total=10))
    ours.receive_failure(ConnectionLost("reset"), 1002)
    assert ours.next_action(1002) == Wait(2)
    assert ours.deadline == 1010
    assert isinstance(ours.next_action(1004), Send)
    fires(ours, "total", 1010, 10)


def test_a_wait_may_end_just_before_the_total_and_not_on_it() -> None:
    for left, waits in ((2.5, True), (2, False), (1, False)):
        ours = started(retry=9, timeouts=Timeouts(total=10))
        ours.receive_failure(ConnectionLost("reset"), 1010 - left)
        if waits:
            assert ours.next_action(1010 - left) == Wait(2)
        else:
            with pytest.raises(ConnectionLost):
                ours.next_action(1010 - left)


def test_after_the_total_nothing_is_sent() -> None:
    ours = started("chatgpt_free")
    ours.receive_head(200, SSE, 1001)
    ours.receive_data(PAGE, 1002)
    ours.receive_data(b"", 1003)
    with pytest.raises(TimedOut, match="total"):
        ours.next_action(1100)
    assert ours.state is State.FAILED


def test_the_page_has_the_same_clocks_and_each_request_begins_anew() -> None:
    fires(started("chatgpt_free"), "first_event", 1020, 20)
    ours = started("chatgpt_free")
    ours.receive_head(200, SSE, 1001)
    fires(ours, "idle", 1008, 7)
    ours = started("chatgpt_free")
    ours.receive_head(200, SSE, 1015)
    ours.receive_data(PAGE, 1016)
    ours.receive_data(b"", 1016)
    send = ours.next_action(1017)
    assert isinstance(send, Send)
    assert (send.connect_deadline, ours.deadline) == (1020, 1037)


@pytest.mark.parametrize("clock", ["first_event", "idle", "progress"])
def test_a_timeout_is_tried_again_before_content(clock: str) -> None:
    ours = streaming(retry=2)
    if clock == "first_event":
        ours = started(retry=2)
    elif clock == "progress":
        ours.receive_data(sse({"choices": []}), 1002)
        ours.receive_data(b":", 1006)
        ours.receive_data(b":", 1012)
    deadline = ours.deadline
    assert deadline is not None
    ours.receive_timeout(deadline)
    assert ours.next_action(deadline) == Wait(2)


def test_the_total_is_not_tried_again() -> None:
    ours = streaming(retry=5, timeouts=Timeouts(total=5))
    fires(ours, "total", 1005, 5)


@pytest.mark.parametrize(
    ("clock", "timeouts"),
    [
        ("first_event", Timeouts(None, 4, None, None, None)),
        ("idle", Timeouts(None, None, 4, None, None)),
        ("total", Timeouts(None, None, None, None, 5)),
    ],
)
def test_each_clock_runs_alone(clock: str, timeouts: Timeouts) -> None:
    ours = streaming(timeouts=timeouts)
    deadline = ours.deadline
    assert deadline is not None
    fires(ours, clock, deadline, 5 if clock == "total" else 4)
    ours = streaming(timeouts=Timeouts(None, None, None, 4, None))
    assert ours.deadline is None
    ours.receive_data(sse(chunk("a")), 1001)
    fires(ours, "progress", 1005, 4)


def test_a_timeout_gives_what_still_stood_unterminated() -> None:
    ours = streaming()
    ours.receive_data(sse(chunk("a")) + sse(chunk("b")).rstrip(), 1002)
    assert len(ours.receive_timeout(1009)) == 1
    with pytest.raises(TimedOut) as caught:
        ours.next_action(1009)
    assert caught.value.reply is not None
    assert caught.value.reply.text == "ab"


# --- receive_timeout in every state ----------------------------------------------------------------------------------


def test_while_a_refusal_is_read_its_status_counts() -> None:
    ours = started(retry=2)
    ours.receive_head(503, JSON, 1001)
    ours.receive_data(b'{"error": "half', 1002)
    ours.receive_timeout(1012)
    assert ours.next_action(1012) == Wait(2)
    ours = started()
    ours.receive_head(404, JSON, 1099)
    assert ours.deadline == 1100, "the total bounds it too"
    ours.receive_timeout(1100)
    with pytest.raises(NotFound):
        ours.next_action(1100)


def test_a_redirect_that_is_late_is_followed_only_in_time() -> None:
    ours = started()
    ours.receive_head(307, [("location", "/v2")], 1095)
    ours.receive_timeout(1099)
    assert isinstance(ours.next_action(1099), Send)
    ours.receive_head(307, [("location", "/v3")], 1099)
    ours.receive_timeout(1100)
    with pytest.raises(TimedOut, match="total"):
        ours.next_action(1100)


def test_raw_text_is_never_complete_by_a_clock() -> None:
    ours = started("yqcloud")
    ours.receive_head(200, (), 1001)
    ours.receive_data(b"all of it?", 1002)
    fires(ours, "idle", 1009, 7)
    assert not ours.reply.complete


def test_an_error_that_the_stream_reports_late_is_that_error() -> None:
    """The total has fired, too, when the reader finds it; the stream's own words say more."""
    ours = streaming(retry=2)
    ours.receive_data(sse({"error": {"message": "busy", "type": "server_error"}}), 1101)
    assert ours.state is State.FAILED
    with pytest.raises(ServerFailed, match="busy"):
        ours.next_action(1101)


def test_an_answer_whose_end_is_found_late_is_whole() -> None:
    ours = streaming()
    ours.receive_data(sse(chunk("a", "stop"), "[DONE]"), 1101)
    assert ours.state is State.DRAIN


def test_when_it_is_over_no_timeout_matters() -> None:
    ours = streaming()
    ours.receive_data(b"", 1002)
    with pytest.raises(StreamTruncated):
        ours.next_action(1002)
    assert ours.receive_timeout(2000) == []
    assert ours.receive_failure(ServerFailed(500), 2000) == []
    with pytest.raises(ChatError, match="not a single byte"):
        ours.next_action(2000)
