"""What a provider's streams learn of text events, what of it is kept, and that it is used."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from text_streams import DIALECTS, decoded, openai_event, usual

from sansio_core import TextDelta, providers
from sansio_core.dialects.text_template import RawEvent


def test_the_newest_templates_are_kept() -> None:
    provider = providers.create("openai", api_key="k")
    for kind in range(9):
        parser = provider.parser()
        for _ in range(4):
            parser.feed(openai_event("a", id="c", **{f"k{kind}": None}))
        assert len(provider.templates.known) <= 4
        newest = openai_event("b", id="c", **{f"k{kind}": None}).decode()
        assert provider.templates.known[0].match(RawEvent("message", newest, 6, len(newest) - 2))


def test_streams_that_begin_together_learn_one_template() -> None:
    provider = providers.create("openai", api_key="k")
    parsers = [provider.parser() for _ in range(5)]
    for event in usual("openai", 1, ["a", "b", "c", "d"]):
        for parser in parsers:
            parser.feed(event)
    assert len(provider.templates.known) == 1


def test_long_events_are_not_kept() -> None:
    for size, known in ((3000, 1), (5000, 0)):
        provider = providers.create("openai", api_key="k")
        parser = provider.parser()
        for _ in range(5):
            parser.feed(openai_event("a", id="c", x="x" * size))
        assert len(provider.templates.known) == known


def test_no_text_of_a_feed_waits_for_learning() -> None:
    provider = providers.create("openai", api_key="k")
    parser, text = provider.parser(), openai_event("a", id="c")
    parser.feed(text * 5)
    assert provider.templates.known == ()
    parser.feed(text)
    assert provider.templates.known


def test_an_answer_in_one_feed_is_learnt_from_by_the_next_stream() -> None:
    provider = providers.create("openai", api_key="k")
    texts = [f"word{n} " for n in range(20)]
    whole = b"".join(usual("openai", 1, texts)) + b"data: [DONE]\n\n"
    events = []
    for _ in range(3):
        parser = provider.parser()
        events.append([*parser.feed(whole), *parser.close()])
        assert provider.templates.pair is None or len(events) == 1
    assert provider.templates.known
    assert events[0] == events[1] == events[2]


def test_what_never_becomes_a_template_is_seldom_tried() -> None:
    provider = providers.create("openai", api_key="k")
    whole = b"".join(openai_event("a", id="c", x="x" * 1000, logprobs={"n": n}) for n in range(3))
    whole += b'data: {"x": 1}\n\n'
    tried = 0
    for _ in range(64):
        provider.parser().feed(whole)
        tried += provider.templates.pair is not None
    assert tried <= 7


@DIALECTS
@pytest.mark.parametrize("step", [0, 50, 100, 300, 1448, 10**6])
def test_text_is_decoded_in_a_streams_first_events_alone(name: str, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"word{n} \n" for n in range(400)]
    provider = providers.create(name, api_key="k")
    parser = provider.parser()
    for event in usual(name, 1, texts[:5]):
        parser.feed(event)
    seen = decoded(parser, monkeypatch)
    feeds = usual(name, 2, texts)
    if step:
        body = b"".join(feeds)
        feeds = [body[at : at + step] for at in range(0, len(body), step)]
    parser = provider.parser()
    told = [event for data in feeds for event in parser.feed(data)]
    assert [event.text for event in told if type(event) is TextDelta] == texts
    most = 1 + (len(texts) // 30 if name == "gemini" else 0)  # a CRLF that is cut in two goes by the plain rules
    assert len(seen) <= most


def test_behind_the_first_words_of_an_answer_nothing_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = providers.create("openai", api_key="k")
    parser = provider.parser()
    for event in usual("openai", 1, ["a"] * 4):
        parser.feed(event)
    parser = provider.parser()
    seen = decoded(parser, monkeypatch)
    feeds = [openai_event(None, id="c"), *usual("openai", 2, ["a"] * 3), b": c\n\n", *usual("openai", 2, ["b"] * 3)]
    told = [event for data in feeds for event in parser.feed(data)]
    assert [event.text for event in told if type(event) is TextDelta] == ["a", "a", "a", "b", "b", "b"]
    assert len(seen) == 1


@pytest.mark.parametrize("empty", ['"id": ""', '"id": 0', '"system_fingerprint": "", "created": 0', '"x": {"id": "1"}'])
def test_empty_names_are_a_shape_too(empty: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = providers.create("openai", api_key="k")
    feeds = [
        f'data: {{{empty}, "choices": [{{"index": 0, "delta": {{"content": "a{n}"}}}}]}}\n\n'.encode() for n in range(9)
    ]
    parser = provider.parser()
    seen = decoded(parser, monkeypatch)
    told = [event for data in feeds for event in parser.feed(data)]
    assert [event.text for event in told if type(event) is TextDelta] == [f"a{n}" for n in range(9)]
    assert len(seen) < 7  # of them four or less to learn from


def test_padding_before_the_last_brace(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = providers.create("anthropic", api_key="k").parser()
    feeds = [data[:-3] + b" " * (n % 5) + data[-3:] for n, data in enumerate(usual("anthropic", 1, ["a"] * 20))]
    seen = decoded(parser, monkeypatch)
    assert [event for data in feeds for event in parser.feed(data)] == [TextDelta("a")] * 20
    assert len(seen) < 6


def test_a_large_feed_is_learnt_from_in_its_midst(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = providers.create("openai", api_key="k").parser()
    seen = decoded(parser, monkeypatch)
    assert len(parser.feed(b"".join(usual("openai", 1, ["x"] * 10_000)))) == 10_001
    assert len(seen) < 800


@DIALECTS
def test_what_is_kept_is_bounded_and_holds_no_text(name: str) -> None:
    provider = providers.create(name, api_key="k")
    for number in range(20):
        parser = provider.parser()
        for event in usual(name, number, ["secret-one", "secret-two", "secret-three"]):
            parser.feed(event.replace(b'"data', b'"data').replace(b'"role"', b'"role%d"' % number))
    known = provider.templates.known
    kept = [match.__self__.pattern for each in known for match in (each._match_head, each._match_tail)]
    assert 0 < len(kept) <= 8
    assert not any("secret" in pattern for pattern in kept)


def test_text_that_stands_twice_in_an_event_is_not_kept() -> None:
    provider = providers.create("openai", api_key="k")
    parser, so_far = provider.parser(), ""
    for n in range(9):
        so_far += f"secret{n}"
        choice = {"index": 0, "delta": {"content": f"secret{n}"}, "message": {"so_far": so_far}}
        parser.feed(f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n".encode())
    assert provider.templates.known == ()


def test_events_that_never_become_a_template_are_rarely_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = providers.create("openai", api_key="k").parser()
    seen = decoded(parser, monkeypatch)
    for n in range(64):
        parser.feed(openai_event(f"a{n}", id="c", message=f"a{n}"))
    assert len(seen) < 64 + 30


def test_many_threads_share_a_provider() -> None:
    provider = providers.create("openai", api_key="k")
    wrong: list[Any] = []

    def stream(number: int) -> None:
        for again in range(30):
            texts = [f"{number} {again} {n}" for n in range(8)]
            feeds = usual("openai", number * 100 + again, texts)
            if again % 3 == 0:  # another shape
                feeds = [data.replace(b'"m"', b'"m", "k%d": null' % number) for data in feeds]
            parser = provider.parser()
            told = [event for data in feeds for event in parser.feed(data)]
            if [event.text for event in told if type(event) is TextDelta] != texts or len(told) != 9:
                wrong.append(told)

    threads = [threading.Thread(target=stream, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_parser_is_freed_at_once() -> None:
    import gc
    import weakref

    gc.disable()
    try:
        parser = providers.create("openai", api_key="k").parser()
        for event in usual("openai", 1, ["a", "b", "c", "d"]):
            parser.feed(event)
        known = weakref.ref(parser)
        del parser
        assert known() is None
    finally:
        gc.enable()
