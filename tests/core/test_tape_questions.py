"""The questions of a tape are asked again by whoever has nothing but the tape."""

from __future__ import annotations

import pytest
from exchange_driver import JSON, text_of
from tape_courses import CLOCKS, COURSES, GOOD, HELLO, SICK, Make, clocks, making
from tape_driver import H, Live, Step, played

from sansio_core import ChatEvent, InvalidRequest, ServerFailed, providers
from sansio_core.tape import Deck, Take, Tape, play, questions

# These ended by a setting of the recording's, which the tape does not say; or no question was asked.
OTHERS = {
    "error body too long", "a frame too long", "retry-after too long", "page without a nonce",
    "redirect that hangs until the total",
}  # fmt: skip
ALL: dict[str, tuple[Make, list[list[Step]]]] = {
    **{name: course for name, course in COURSES.items() if name not in OTHERS},
    **{name: (making(timeouts=clocks(**row[2]), retry=1), [row[3]]) for name, row in CLOCKS.items()},
}


@pytest.mark.parametrize("name", ALL)
def test_what_plays_a_question_shows_what_its_asker_saw(name: str) -> None:
    make, responses = ALL[name]
    live = Live(make(), responses)
    events: list[ChatEvent] = []
    errors = []
    deck = Deck(live.tape)
    for exchange in questions(deck):
        found, error = played(deck, exchange)
        events += found
        errors += [] if error is None else [(type(error), str(error))]
    assert [event.to_dict() for event in events] == [event.to_dict() for event in live.events]
    assert errors == ([] if live.error is None else [(type(live.error), str(live.error))])
    assert all(take.method == "GET" for take in deck.unused)


def test_several_questions_one_after_another() -> None:
    live = [Live(making(question=text)(), responses) for text, *responses in (
        ("one", GOOD), ("two", SICK, GOOD), ("three", SICK, SICK, SICK), ("one", GOOD)
    )]  # fmt: skip
    deck = Deck(Tape.of(take for run in live for take in run.takes))
    found = [(text_of(events), type(error)) for events, error in (played(deck, each) for each in questions(deck))]
    assert found == [("Hello", type(None)), ("Hello", type(None)), ("", ServerFailed), ("Hello", type(None))]


def test_a_list_of_models_between_two_attempts_is_no_page() -> None:
    make, responses = COURSES["models"]
    first, second = Live(making(retry=2)(), [SICK]).takes
    deck = Deck(Tape.of([first, *Live(make(), responses).takes, second]))
    _, error = played(deck, next(questions(deck)))
    assert "(after 2 attempts)" in str(error)


def test_a_question_that_is_not_played_is_passed_over() -> None:
    tape = Tape.of(take for text in "ab" for take in Live(making(question=text)(), [GOOD]).takes)
    assert len(list(questions(Deck(tape)))) == 2


@pytest.mark.parametrize("name", providers.names())
def test_each_provider_is_made_again_from_what_the_tape_says(name: str) -> None:
    base = "https://r.openai.azure.com" if name == "azure_openai" else None
    provider = providers.create(name, api_key="any", base_url=base)
    for base_url in (provider.base_url, "http://127.0.0.1:9/base"):
        there = providers.create(name, api_key="any", base_url=base_url).base_url
        (exchange,) = questions(Deck(Tape.of([Take("POST", f"{there}/x", there, name)])))
        assert (exchange.provider.info.name, exchange.provider.base_url) == (name, there)


def test_a_provider_that_is_not_known() -> None:
    for name, says in (("acme", "take 1 is of the provider 'acme', which is not known here: register it"),
                       ("", "take 1 names no provider: add it, as a line like `> provider: openai`")):  # fmt: skip
        with pytest.raises(InvalidRequest, match=says):
            list(questions(Deck(Tape.of([Take("POST", "https://acme.example/x", "https://acme.example", name)]))))


def test_an_answer_with_usage_and_headers_is_a_whole_reply() -> None:
    response: list[Step] = [(0.1, H(200, [("x-request-id", "r1"), *JSON])), (0.1, HELLO), *GOOD[2:]]
    deck = Deck(Live(making()(), [response]).tape)
    (exchange,) = questions(deck)
    assert text_of(play(deck, exchange)) == "Hello"
    assert (exchange.reply.complete, exchange.reply.request_id) == (True, "r1")
