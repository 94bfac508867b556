"""Each provider's parser: the same events at every cut, no foreign exception, time that grows with the input only."""

from __future__ import annotations

import json
import warnings
from contextlib import suppress
from time import process_time
from typing import Any

from cutting import Input, Target, named, same

from sansio_core import ChatRequest, Failed, InvalidRequest, OptionIgnored, Reply, TextDelta, providers
from sansio_core.dialects import ChatParser
from sansio_core.providers import Provider

NAMES = (
    "openai", "chatgpt_free", "yqcloud", "acytoo", "openai_responses", "anthropic", "gemini", "ollama",
)  # fmt: skip
CONTENT_TYPES = ("", "text/event-stream", "application/json", "text/html", "application/x-ndjson", "text/plain")


def events_of(parser: ChatParser, pieces: list[bytes], proper: bool) -> tuple[list[Any], Reply]:
    """What it says, comparable: errors by their words, text that stands together as one."""
    reply, said = Reply(), list[Any]()
    events = [event for piece in pieces for event in parser.feed(piece)] + parser.end(proper=proper)
    reply.extend(events)
    assert parser.ended
    assert not parser.feed(b"more")
    assert not parser.end()
    for event in events:
        assert repr(event)
        if isinstance(event, Failed):
            said.append(named(event.error))
        elif isinstance(event, TextDelta) and (last := said[-1] if said else None) and follows(last, event):
            said[-1] = TextDelta(last.text + event.text, event.choice)
        else:
            said.append(event)
    failed = [event for event in events if isinstance(event, Failed)]
    assert failed in ([], events[-1:]), "a failure comes last and once"
    assert bool(failed) != parser.complete, "complete, or failed"
    return said, reply


def follows(last: object, event: TextDelta) -> bool:
    return isinstance(last, TextDelta) and last.choice == event.choice


def dialect(name: str) -> Target:
    provider = providers.create(name, api_key="key-of-the-fuzzer")
    others = [providers.create(other, api_key="key-of-the-fuzzer") for other in NAMES]

    def target(data: bytes) -> None:
        given = Input.of(data)
        kind = CONTENT_TYPES[given.choice % len(CONTENT_TYPES)]
        limit = 16 + given.size * 8 if given.size else 1 << 24
        proper = given.choice < 128
        wanted, reply = events_of(provider.parser(kind, max_frame_size=limit), [given.body], proper)
        said, _ = events_of(provider.parser(kind, max_frame_size=limit), given.pieces(), proper)
        same(said, wanted, "another cut")
        sent_back(provider, others[given.size % len(others)], reply)

    return target


def sent_back(provider: Provider, other: Provider, reply: Reply) -> None:
    """All that a user looks at of a reply, and the next turn with it, here and elsewhere: sent, or refused by us."""
    assert repr(reply)
    reply.partial()
    message = reply.message
    json.dumps(message)
    asked = {"role": "user", "content": "Hello"}
    answers = [call.answer(call.partial()) for call in reply.tool_calls]
    for again in (provider, other):
        with warnings.catch_warnings(), suppress(InvalidRequest):
            warnings.simplefilter("ignore", OptionIgnored)
            call = again.begin(ChatRequest([asked, message, *answers, asked]), lambda: 0.5)
            if call.setup_request(0.0) is None:
                assert repr(call.request())


def growth(data: bytes) -> None:
    """A unit repeated four times as often takes four times as long, not sixteen."""
    given = Input.of(data)
    provider = providers.create(NAMES[given.choice % 8], api_key="k")
    start, unit = given.body[64:128], given.body[:64] or b"x"
    times = 20_000 // len(unit)

    def seconds(times: int) -> float:
        body = start + unit * times
        step = 64 if given.choice & 8 else len(body)
        parser, reply = provider.parser(), Reply()
        begun = process_time()
        for at in range(0, len(body), step):
            reply.extend(parser.feed(body[at : at + step]))
        reply.extend(parser.end())
        return process_time() - begun

    for _ in range(4):  # other work on the machine may spoil one measurement
        few, many = seconds(times), seconds(4 * times)
        if many < 0.05 or many < 10 * few:
            return
    raise AssertionError(f"{times} of {unit!r} take {few:.3f} s, four times as many {many:.3f} s")


TARGETS: dict[str, Target] = {"growth": growth, **{f"dialect-{name}": dialect(name) for name in NAMES}}
