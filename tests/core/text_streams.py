"""Streams of text events as the services write them, and the events of a parser that decodes each of them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from dialect_harness import comparable
from parsers_cuts import SlowPath

from sansio_core import ChatEvent, providers

NAMES = ["openai", "openai_responses", "anthropic", "gemini"]
DIALECTS = pytest.mark.parametrize("name", NAMES)


def events(parser: Any, body: bytes, cuts: list[int]) -> list[Any]:
    places = [0, *sorted(at for at in cuts if at < len(body)), len(body)]
    found: list[ChatEvent] = []
    for start, end in pairwise(places):
        found += parser.feed(body[start:end])
    return comparable(found + parser.end())


def slow(name: str, body: bytes) -> list[Any]:
    """The events of a parser that decodes each event: without a template, and without any other fast path."""
    parser: Any = providers.create(name, api_key="k").parser()
    parser._frames = SlowPath()
    return events(parser, body, [])


def openai_event(said: str | None, **more: Any) -> bytes:
    delta = {} if said is None else {"content": said}
    return f"data: {json.dumps({**more, 'choices': [{'index': 0, 'delta': delta}]})}\n\n".encode()


def of_one_that_knows(name: str, known: list[bytes], feeds: list[bytes]) -> list[Any]:
    """The events of a stream whose provider had another stream before, after a look whether they are those of one."""
    provider = providers.create(name, api_key="k")
    first = provider.parser()
    for data in known:
        first.feed(data)
    assert provider.templates.known
    found = events(provider.parser(), b"".join(feeds), [])
    assert found == slow(name, b"".join(feeds))
    parser = provider.parser()
    assert found == comparable([event for data in feeds for event in parser.feed(data)] + parser.end())
    return found


def usual(name: str, number: int, texts: list[str]) -> list[bytes]:
    """A stream's text events as the service writes them, with ids and times of its own."""

    def value(n: int, text: str) -> dict[str, Any]:
        match name:
            case "openai":
                choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
                return {"id": f"chatcmpl-{number}", "created": 1_700_000_000 + n, "model": "m", "choices": [choice]}
            case "openai_responses":
                at = {"sequence_number": n, "item_id": f"msg_{number}", "output_index": 0, "content_index": 0}
                return {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []}
            case "anthropic":
                return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
            case _:
                candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
                usage = {"promptTokenCount": number, "candidatesTokenCount": n, "totalTokenCount": n + number}
                return {"candidates": [candidate], "usageMetadata": usage, "responseId": f"r{number}"}

    values = [value(n, text) for n, text in enumerate(texts)]
    heads = [f"event: {value['type']}\n" if "type" in value else "" for value in values]
    end = "\r\n\r\n" if name == "gemini" else "\n\n"
    return [f"{head}data: {json.dumps(value)}{end}".encode() for head, value in zip(heads, values, strict=True)]


def decoded(parser: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The values that the parser will decode."""
    seen: list[Any] = []
    real = type(parser).decode
    monkeypatch.setattr(type(parser), "decode", lambda self, *args: (seen.append(args[1]), real(self, *args)))
    return seen
