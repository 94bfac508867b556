"""Raw text: every cut gives the same text; an error, a page or a ban in its place is told, and never handed out."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from exchange_driver import cuts, text_of
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import (
    AuthenticationFailed,
    ChatEvent,
    Failed,
    Finished,
    IPBlocked,
    ProviderRefused,
    RateLimited,
    StreamTruncated,
    TextDelta,
    UnexpectedContent,
    providers,
)
from sansio_core.dialects.plain_text import PlainTextParser

BAN = "sorry, 您的ip已由于触发防滥用检测而被封禁"


def yqcloud(content_type: str = "") -> PlainTextParser:
    parser = providers.create("yqcloud").parser(content_type)
    assert isinstance(parser, PlainTextParser)
    return parser


def read(parser: PlainTextParser, pieces: list[bytes], *, proper: bool = True) -> list[ChatEvent]:
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.end(proper=proper)


def failure(events: list[ChatEvent]) -> Exception:
    assert isinstance(events[-1], Failed)
    assert sum(isinstance(event, Failed) for event in events) == 1
    return events[-1].error


@pytest.mark.parametrize(
    "body",
    [
        "Grüße, 世界 🌍.\r\nNext.\n\rEnd",
        "\ufeffwith a mark",
        "  \n  indented",
        "sorry, 您的ip没事 sorry, 您的ip已由于触发防",
        "ssorry, sorry, 您",
        '{"answer": 42}',
        '{"errors_found": 0}',
        '{"answer": 1, "error": "no"}',
        "{not json}",
        "<html> is a tag",
        '{ "mess": 1}',
        "{",
        '{"',
        "data: no event stream\n\n",
    ],
)
def test_text_is_the_same_for_every_cut(body: str) -> None:
    for pieces in cuts(body.encode()):
        events = read(yqcloud(), pieces)
        assert text_of(events) == body.removeprefix("\ufeff")
        assert events[-1] == Finished()
        assert all(event.text for event in events if isinstance(event, TextDelta))


def test_invalid_bytes_are_replaced() -> None:
    body = b"a\xff\xc3(\xe4\xb8z\xf0\x9f"
    for pieces in cuts(body):
        assert text_of(read(yqcloud(), pieces)) == body.decode(errors="replace")


def test_the_proof_is_the_end_of_the_framing() -> None:
    for proper in (True, False):
        parser = yqcloud()
        events = read(parser, [b"half"], proper=proper)
        assert parser.complete is proper
        assert text_of(events) == "half"
        assert (Finished() in events) is proper
        if not proper:
            assert isinstance(failure(events), StreamTruncated)
    parser = yqcloud()
    parser.feed(b"a")
    assert parser.close() == [Finished()]
    assert parser.feed(b"b") == parser.end() == []


@pytest.mark.parametrize("before", ["", "Well: ", "sorry, ", "sorry, 您的ip已由于sorry, sorry", " \n", '{"answer": "'])
def test_a_ban_in_any_cut_hands_out_nothing_of_it(before: str) -> None:
    for pieces in cuts((before + BAN + "!").encode()):
        events = read(yqcloud(), pieces)
        assert text_of(events) == before
        assert TextDelta("") not in events
        error = failure(events)
        assert isinstance(error, IPBlocked)
        assert "封禁" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"code": 403, "msg": "{BAN}"}}',
        json.dumps({"error": {"message": BAN}}),
        f'{{"message": "x", "a": "{BAN}"',
        f'{{"error": {{"message": "x"}}, "hint": "{BAN}"}}',
    ],
)
def test_a_ban_within_json_is_a_ban(body: str) -> None:
    for pieces in cuts(body.encode()):
        assert isinstance(failure(read(yqcloud(), pieces)), IPBlocked)


def test_text_near_a_ban_is_out_as_soon_as_it_can_be_none() -> None:
    parser = yqcloud()
    assert parser.feed(b"oh, sorry, ") == [TextDelta("oh, ")]
    assert parser.feed(b"but") == [TextDelta("sorry, but")]
    assert parser.feed(BAN[:-1].encode()) == []
    assert parser.feed(b"s") == [TextDelta(BAN[:-1])], "the new s may begin one"
    assert parser.feed(b"s") == [TextDelta("s")]
    assert parser.end() == [TextDelta("s"), Finished()]


@given(st.text(alphabet="sory, 您ip已", max_size=30), st.booleans(), st.data())
def test_any_text_around_a_ban(before: str, banned: bool, data: st.DataObject) -> None:
    body = (before + (BAN if banned else "")).encode()
    at = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[i:j] for i, j in zip([0, *at], [*at, len(body)], strict=True)]
    events = read(yqcloud(), pieces)
    assert text_of(events) == before
    assert isinstance(events[-1], Failed) is banned


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ('{"error": {"message": "slow", "type": "rate_limit_error"}}', RateLimited, "slow"),
        ('\n {\n "error" : "no key", "code": 401}\n', AuthenticationFailed, "no key"),
        ('{"detail": "gone"}', ProviderRefused, "gone"),
        ('{"status": "error", "msg": "busy"}', ProviderRefused, "busy"),
        ('{"success": false, "message": "bad"}', ProviderRefused, "bad"),
        ('{"code": 429, "msg": "slow"}', RateLimited, "slow"),
        ('{"timestamp": "2024", "status": 429, "error": "Too Many", "path": "/"}', RateLimited, "Too Many"),
    ],
)
def test_a_json_error_in_place_of_text(body: str, kind: type[Exception], said: str) -> None:
    for pieces in cuts(body.encode()):
        events = read(yqcloud(), pieces)
        error = failure(events)
        assert isinstance(error, kind)
        assert said in str(error)
        assert "200" not in str(error)
        assert not text_of(events)


def test_a_json_error_that_is_cut_off_is_not_handed_out() -> None:
    for pieces in cuts(b'{"error": {"message": "overl'):
        events = read(yqcloud(), pieces, proper=False)
        assert not text_of(events)
        assert "overl" in str(failure(events))


def test_json_that_is_no_error_is_text_when_it_is_over() -> None:
    body = '{"message": "Hello", "type": "greeting"}'
    for pieces in cuts(body.encode()):
        assert text_of(read(yqcloud(), pieces)) == body


@pytest.mark.parametrize(
    "feeds",
    [['{"mess": 1'], ['{"type', 'd": 1'], ["{x"], ["{ ", "x"], ['{"', "answer"], ["\n <", "b>"], [" ", "<html"]],
)
def test_text_is_out_as_soon_as_it_can_be_no_error(feeds: list[str]) -> None:
    parser = yqcloud("text/plain" if "<html" in feeds else "text/html")
    *before, last = [parser.feed(piece.encode()) for piece in feeds]
    assert not any(before)
    assert last == [TextDelta("".join(feeds))]


def test_any_object_is_held_back_where_the_server_says_json() -> None:
    body = b'{"result": null, "error": "no quota"}'
    for pieces in cuts(body):
        assert not text_of(read(yqcloud("Application/JSON; charset=utf-8"), pieces))
    parser = yqcloud("application/json")
    assert parser.feed(b"Plain ") == [TextDelta("Plain ")]
    answer = b'{"result": 1}'
    for pieces in cuts(answer):
        assert text_of(read(yqcloud("application/json"), pieces)) == answer.decode()


@pytest.mark.parametrize("filling", ['{"error": "', '{"message": "', " "])
def test_what_is_held_back_is_bounded(filling: str) -> None:
    body = filling.encode() + b" " * 70_000 + b"end"
    whole, pieces = yqcloud(), yqcloud()
    events = whole.feed(body)
    in_pieces = [event for i in range(0, len(body), 1000) for event in pieces.feed(body[i : i + 1000])]
    assert text_of(events) == text_of(in_pieces)
    assert isinstance(events[-1], Failed) is isinstance(in_pieces[-1], Failed) is ("error" in filling)


@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html><title>Just a moment</title>", "\n<HTML>Just a moment", "<!-- x --> Just a moment"]
)
def test_a_page_in_place_of_text(page: str) -> None:
    for pieces in cuts(page.encode()):
        events = read(yqcloud("text/html; charset=utf-8"), pieces)
        assert isinstance(failure(events), UnexpectedContent)
        assert "moment" in str(failure(events))
        assert not text_of(events)
    assert yqcloud("text/plain").feed(page.encode()) == [TextDelta(page)]


@pytest.mark.parametrize("body", ["<b>bold</b>", "<!d", "<", "plain", "{}"])
def test_text_under_the_wrong_name_is_text(body: str) -> None:
    for pieces in cuts(body.encode()):
        assert text_of(read(yqcloud("text/html"), pieces)) == body


def test_without_sentences_nothing_is_held_back() -> None:
    parser = providers.create("acytoo").parser()
    assert parser.feed("sorry, 您".encode()) == [TextDelta("sorry, 您")]
    assert parser.feed(b"") == []


def saying(sentences: Mapping[str, type[ProviderRefused]]) -> PlainTextParser:
    """A parser that knows these sentences."""
    return type("Saying", (PlainTextParser,), {"error_sentences": sentences})()


def test_two_sentences_the_earlier_counts() -> None:
    parser = saying({"blocked": IPBlocked, "refused": ProviderRefused})
    assert parser.feed(b"a refused b blocked")[0] == TextDelta("a ")
    assert parser.ended


def test_the_longest_beginning_of_a_sentence_is_held_back() -> None:
    parser = saying({"blocked": IPBlocked, "kedgeree": ProviderRefused})
    assert parser.feed(b"a bloc") == [TextDelta("a ")]
    assert parser.feed(b"ke") == []
    assert parser.feed(b"y") == [TextDelta("blockey")]
