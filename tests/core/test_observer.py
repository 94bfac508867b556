"""What an exchange tells its observers: which notice when, with which figures, and never a secret."""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from exchange_driver import HTML, JSON, PAGE, SSE, Answer, Run, chunk, exchange, sse, stream

from sansio_core import (
    Asked,
    AttemptBegan,
    Cancelled,
    ChatError,
    ChatRequest,
    Connected,
    ConnectionLost,
    Ended,
    Exchange,
    FirstEvent,
    FirstText,
    HeadReceived,
    InvalidRequest,
    ModelList,
    Notice,
    PlaceAwaited,
    RetryPolicy,
    ServerFailed,
    UsageReport,
    UsageReported,
    Waiting,
    providers,
)

QUICK = RetryPolicy(attempts=3, first_wait=2, jitter=0)
LOST = ConnectionLost("reset")


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.all: list[Notice] = []

    def __call__(self, exchange: Exchange, notice: Notice) -> None:
        self.all.append(notice)

    @property
    def kinds(self) -> list[str]:
        return [type(notice).__name__ for notice in self.all]

    def one(self, kind: type[Any]) -> Any:
        (found,) = (notice for notice in self.all if type(notice) is kind)
        return found


def watched(name: str = "free_netfly", **settings: Any) -> tuple[Exchange, Notes]:
    notes = Notes()
    return exchange(name, observer=notes, **({"retry": QUICK} | settings)), notes


# --- which, when, with which figures ---------------------------------------------------------------------------------


def test_a_good_answer_from_the_question_to_its_end() -> None:
    ours, notes = watched()
    ours.next_action(10)
    ours.receive_place(False, 11)
    ours.receive_place(True, 13)
    ours.receive_connection(True, 14)
    ours.receive_head(200, SSE, 15)
    ours.receive_data(b": ping\n\n" + sse({"id": "c1", "model": "m", "choices": []}), 16)
    ours.receive_data(sse(chunk("Hel")), 17)
    ours.receive_data(sse(chunk("lo")), 18)
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    ours.receive_data(sse(chunk(None, "stop"), {"choices": [], "usage": usage}, "[DONE]"), 19)
    ours.receive_data(b"", 20)
    ours.next_action(21)
    asked, began, *rest = notes.all
    assert isinstance(asked, Asked)
    assert [message.text for message in asked.request.messages] == ["Hello"]
    assert isinstance(began, AttemptBegan)
    assert (began.attempt, began.of, began.request.method) == (1, 3, "POST")
    said = ours.reply.usage
    assert said is not None
    assert rest == [
        PlaceAwaited(None), PlaceAwaited(2), Connected(True, 4), HeadReceived(200, SSE, 5), FirstEvent(6),
        FirstText(7), UsageReported(said), Ended(10, None, ours.reply),
    ]  # fmt: skip
    assert said.output == 2


def test_keep_alives_are_no_first_event_and_other_content_is_no_first_text() -> None:
    ours, notes = watched("openai", config={"api_key": "key"})
    ours.next_action(0)
    ours.receive_head(200, SSE, 1)
    ours.receive_data(b": ping\n\n", 2)
    assert "FirstEvent" not in notes.kinds
    ours.receive_data(sse({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]}), 3)
    assert notes.one(FirstEvent) == FirstEvent(3)
    assert "FirstText" not in notes.kinds
    ours.receive_data(sse(chunk("x")), 4)
    assert notes.one(FirstText) == FirstText(4)


def test_an_error_is_no_first_event() -> None:
    ours, notes = watched(retry=1)
    ours.next_action(0)
    ours.receive_head(200, SSE, 1)
    ours.receive_data(sse({"error": {"message": "no"}}), 2)
    assert notes.kinds == ["Asked", "AttemptBegan", "HeadReceived", "Ended"]


def test_each_attempt_and_each_wait() -> None:
    ours, notes = watched()
    run = Run(ours, now=100.0).over(Answer(b"", 503), LOST, Answer(stream("Hello")))
    assert notes.kinds == [
        "Asked", "AttemptBegan", "HeadReceived", "Waiting", "AttemptBegan", "Waiting", "AttemptBegan", "HeadReceived",
        "FirstEvent", "FirstText", "Ended",
    ]  # fmt: skip
    first, second = (notice for notice in notes.all if isinstance(notice, Waiting))
    assert (first.seconds, type(first.error), first.attempt, first.of) == (2, ServerFailed, 1, 3)
    assert (second.seconds, second.error, second.attempt) == (4, LOST, 2)
    assert [notice.attempt for notice in notes.all if isinstance(notice, AttemptBegan)] == [1, 2, 3]
    assert run.waits == [2, 4]
    ended = notes.one(Ended)
    assert (ended.seconds, ended.error, ended.reply) == (6, None, ours.reply)


def test_an_answer_that_is_asked_again_has_its_first_event_again() -> None:
    ours, notes = watched()
    Run(ours).over(Answer(sse({"id": "c1", "choices": []}), end=LOST), Answer(stream("Hello")))
    assert [notice.seconds for notice in notes.all if isinstance(notice, FirstEvent)] == [0, 2]
    assert notes.one(FirstText) == FirstText(2)


def test_a_setup_request_and_a_redirect_belong_to_their_attempt() -> None:
    ours, notes = watched("chatgpt_free")
    moved = Answer(b"", 307, [("location", "/elsewhere")])
    Run(ours).over(Answer(PAGE, headers=HTML), moved, Answer(stream("Hello")))
    began = [notice for notice in notes.all if isinstance(notice, AttemptBegan)]
    assert [(notice.attempt, notice.request.method) for notice in began] == [(1, "GET"), (1, "POST"), (1, "POST")]
    assert [notice.status for notice in notes.all if isinstance(notice, HeadReceived)] == [200, 307, 200]


def test_a_connection_that_was_stale_is_no_further_attempt() -> None:
    ours, notes = watched()
    Run(ours).over(ConnectionLost("reset", reused=True), Answer(stream("Hello")))
    assert notes.kinds[:4] == ["Asked", "AttemptBegan", "AttemptBegan", "HeadReceived"]
    assert [notice.attempt for notice in notes.all if isinstance(notice, AttemptBegan)] == [1, 1]


def test_interim_responses_are_not_told_and_heads_that_fail_are() -> None:
    ours, notes = watched(retry=1)
    ours.next_action(0)
    ours.receive_head(103, [("link", "x")], 1)
    ours.receive_head(204, [], 2)
    assert notes.one(HeadReceived) == HeadReceived(204, (), 2)
    assert notes.kinds[-1] == "Ended"


@pytest.mark.parametrize(
    "end",
    [
        lambda ours: ours.receive_failure(Cancelled(), 7),
        lambda ours: ours.receive_data(b"", 7),
        lambda ours: ours.receive_failure(LOST, 7),
        lambda ours: ours.receive_timeout(7),
        lambda ours: ours.receive_data(sse(chunk(None, "stop"), "[DONE]"), 7) + ours.receive_data(b"", 7),
    ],
)
def test_it_ends_once(end: Callable[[Exchange], Any]) -> None:
    ours, notes = watched()
    ours.next_action(1)
    ours.receive_head(200, SSE, 2)
    ours.receive_data(sse(chunk("Hel")), 3)
    end(ours)
    for _ in range(2):
        ours.receive_failure(Cancelled(), 9)
        with suppress(ChatError):
            ours.next_action(9)
    ended = notes.one(Ended)
    assert (ended.seconds, ended.reply.text) == (6, "Hel")
    assert (ended.error is None) is ended.reply.complete
    assert ended.error is ours.error


def test_a_wait_that_is_cancelled_ends_it_and_time_never_runs_back() -> None:
    """Whoever closes a stream may have no clock at hand, and give 0."""
    ours, notes = watched()
    ours.next_action(5)
    ours.receive_failure(LOST, 8)
    ours.receive_failure(Cancelled(), 0)
    ended = notes.one(Ended)
    assert (ended.seconds, type(ended.error)) == (3, Cancelled)


def test_what_never_began_never_ends() -> None:
    ours, notes = watched()
    ours.receive_failure(Cancelled(), 0)
    assert not notes.all


def test_a_total_that_fires_before_another_attempt_is_its_end() -> None:
    ours, notes = watched(timeouts=3.0)
    ours.next_action(0)
    ours.receive_head(503, JSON, 1)
    ours.receive_data(b"", 2)
    assert notes.kinds[-2:] == ["HeadReceived", "Ended"]
    assert isinstance(notes.one(Ended).error, ServerFailed)


def test_a_list_of_models_is_observed_too() -> None:
    notes = Notes()
    listing = ModelList(providers.create("openai", api_key="key"), observer=notes)
    Run(listing).over(Answer(b'{"data": [{"id": "m"}]}', headers=JSON))
    assert notes.kinds == ["Asked", "AttemptBegan", "HeadReceived", "Ended"]


# --- observers -------------------------------------------------------------------------------------------------------


def test_several_are_told_in_their_order() -> None:
    ours, notes = watched()
    told: list[str] = []
    ours.observe(lambda given, notice: told.append(f"second {type(notice).__name__} {given is ours}"))
    ours.next_action(0)
    assert notes.kinds == ["Asked", "AttemptBegan"]
    assert told == ["second Asked True", "second AttemptBegan True"]


def test_what_cannot_be_called_is_refused_and_so_is_who_comes_too_late() -> None:
    with pytest.raises(InvalidRequest, match="observer must be callable with an exchange and a notice, not 'print'"):
        exchange("free_netfly", observer="print")
    ours = exchange("free_netfly")
    ours.next_action(0)
    with pytest.raises(RuntimeError, match="has begun"):
        ours.observe(print)


def test_an_observer_that_fails_ends_nothing_and_is_told_of_once() -> None:
    def fails(ours: Exchange, notice: Notice) -> None:
        raise LookupError("key-of-the-user is not there")

    ours = exchange("openai", observer=fails, config={"api_key": "key-of-the-user"})
    notes = Notes()
    ours.observe(notes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert Run(ours).over(Answer(stream("Hello"))).text == "Hello"
    (warning,) = caught
    assert warning.category is RuntimeWarning
    assert str(warning.message) == (
        f"the observer {fails.__qualname__} failed at Asked (LookupError: key-of-the-user is not there); "
        "the exchange goes on"
    )
    assert warning.filename == __file__
    assert notes.kinds[-1] == "Ended"


def test_no_interrupt_is_swallowed() -> None:
    def interrupted(ours: Exchange, notice: Notice) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exchange("free_netfly", observer=interrupted).next_action(0)


def test_whoever_is_not_observed_keeps_nothing_for_it() -> None:
    ours = exchange("free_netfly")
    ours.next_action(0)
    assert ours._watch is None
    assert ours._question is None


# --- secrets, and what a notice shows --------------------------------------------------------------------------------

SECRETS = ("key-4711-abcdef", "cookie-4711-abcdef", "header-4711-abcdef", "nonce47110", "set-4711-abcdef")


def every_text(value: Any) -> str:
    """All that can be read in a notice: its repr, and its fields to the bottom."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (getattr(value, field.name) for field in dataclasses.fields(value))
        return repr(value) + "".join(map(every_text, fields))
    if isinstance(value, (tuple, list)):
        return "".join(map(every_text, value))
    return value.decode() if isinstance(value, bytes) else f"{value!r}{value}"


@pytest.mark.parametrize("name", ["openai", "gemini", "chatgpt_free"])
def test_no_notice_holds_a_secret(name: str) -> None:
    key, cookie, header, nonce, planted = SECRETS
    notes = Notes()
    request = ChatRequest("Hello", headers={"x-gateway": header}, cookies={"session": cookie})
    provider = providers.create(name, **({} if name == "chatgpt_free" else {"api_key": key}))
    ours = Exchange(provider, request, observer=notes, retry=QUICK)
    sent = f"{nonce if name == 'chatgpt_free' else key} {cookie} {header}"
    echo = [("set-cookie", planted), ("x-echo", sent), ("location", f"https://h/?token={planted}")]
    page = PAGE.replace(b"a1b2c3d4e5", nonce.encode())
    answers = [Answer(page, headers=HTML)] * (name == "chatgpt_free")
    refused = Answer(sent.encode(), 503, echo)
    with pytest.raises(ServerFailed):
        Run(ours).over(*answers, *[refused] * 3)
    assert {"Asked", "AttemptBegan", "HeadReceived", "Waiting", "Ended"} == set(notes.kinds)
    told = "".join(map(every_text, notes.all))
    assert not [secret for secret in SECRETS if secret in told]
    assert told.count("[hidden]") > 10


def test_what_notices_show_and_that_they_are_values() -> None:
    ours, notes = watched()
    Run(ours).over(Answer(stream("Hello")))
    assert repr(notes.all[0]) == "Asked(messages=1, model=None)"
    assert "Hello" not in "".join(map(repr, notes.all))
    for notice in notes.all:
        assert not hasattr(notice, "__dict__")
        if not isinstance(notice, Ended):
            assert pickle.loads(pickle.dumps(notice)) == notice
    with pytest.raises(dataclasses.FrozenInstanceError):
        FirstText(1.0).seconds = 2.0  # type: ignore[misc]
    assert UsageReported(UsageReport(1, 2)).usage.total == 3
