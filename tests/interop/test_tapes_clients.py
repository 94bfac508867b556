"""Clients of others make a tape through the relay, and a served tape streams to them as the network did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import pytest

from transports import Client, tapes
from transports.emulator import Emulator

pytestmark = [
    pytest.mark.interop,
    pytest.mark.filterwarnings("ignore"),  # the SDKs' own are not ours to mend
]
WORDS = 40
PACE = 0.02
HELLO: Any = [{"role": "user", "content": "Hello"}]
BODY = {"model": "m", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}


def openai_chat(url: str) -> Iterator[str]:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=url, api_key="any") as client:
        for chunk in client.chat.completions.create(**BODY):
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content


def openai_responses(url: str) -> Iterator[str]:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=url, api_key="any") as client:
        for event in client.responses.create(model="m", input=HELLO, stream=True):
            if event.type == "response.output_text.delta":
                yield event.delta


def anthropic(url: str) -> Iterator[str]:
    module = pytest.importorskip("anthropic")
    with (
        module.Anthropic(base_url=url, api_key="any") as client,
        client.messages.stream(model="m", max_tokens=8192, messages=HELLO) as stream,
    ):
        yield from stream.text_stream


def gemini(url: str) -> Iterator[str]:
    genai = pytest.importorskip("google.genai")
    with genai.Client(api_key="any", http_options={"base_url": url}) as client:
        for chunk in client.models.generate_content_stream(model="m", contents="Hello"):
            if chunk.text:
                yield chunk.text


def ollama(url: str) -> Iterator[str]:
    module = pytest.importorskip("ollama")
    with module.Client(host=url) as client:
        for chunk in client.chat(model="m", messages=HELLO, stream=True):
            if chunk.message.content:
                yield chunk.message.content


def by_httpx(url: str) -> Iterator[str]:
    httpx = pytest.importorskip("httpx")
    with httpx.stream("POST", f"{url}/chat/completions", json=BODY) as response:
        yield from (text for text in response.iter_text() if '"content":"w' in text or '"content":" w' in text)


def by_requests(url: str) -> Iterator[str]:
    import requests

    with requests.post(f"{url}/chat/completions", json=BODY, stream=True) as got:
        yield from (text.decode() for text in got.iter_content(None) if b'"content":' in text)


CLIENTS: dict[str, tuple[str, Callable[[str], Iterator[str]]]] = {
    "openai": ("openai", openai_chat),
    "openai-responses": ("openai_responses", openai_responses),
    "anthropic": ("anthropic", anthropic),
    "google-genai": ("gemini", gemini),
    "ollama": ("ollama", ollama),
    "httpx": ("vllm", by_httpx),
    "requests": ("vllm", by_requests),
}


def timed(client: Callable[[str], Iterator[str]], url: str) -> tuple[list[str], list[float]]:
    """What the client hands out, and the seconds between."""
    texts, times = [], []
    for text in client(url):
        texts.append(text)
        times.append(monotonic())
    return texts, [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_makes_a_tape_and_has_it_again_at_its_pace(name: str, tmp_path: Path) -> None:
    provider, client = CLIENTS[name]
    path = tmp_path / "t.tape"
    with Emulator(reply="word") as emulator:
        timed(client, emulator.base_url(provider))  # so that what an SDK loads and builds once is no gap of the tape's
    with (
        Emulator(reply="word " * WORDS, pace=PACE) as emulator,
        tapes.relay(path, base_urls={provider: emulator.base_url(provider)}) as relay,
    ):
        texts, gaps = timed(client, relay.base_url(provider))
    with tapes.serve(path) as server:
        again, played = timed(client, server.base_url(provider))
        assert (server.unused, server.unmatched) == ((), [])
    assert again == texts
    assert len(texts) >= WORDS
    assert sum(played) == pytest.approx(sum(gaps), rel=0.1)
    assert median(abs(one - other) for one, other in zip(gaps, played, strict=True)) < 0.005
    print(f"{name}: {sum(gaps):.4f} s then {sum(played):.4f} s")


IGNORED = {"ollama": ("tools",)}
"""What a client sends besides the same question of ours."""


@pytest.mark.parametrize("name", CLIENTS)
def test_a_tape_of_our_client_answers_a_foreign_one_that_asks_the_same(name: str, tmp_path: Path) -> None:
    provider, client = CLIENTS[name]
    with Emulator(reply="word " * 3) as emulator:
        ours = Client(provider, base_url=emulator.base_url(provider), api_key="any", model="m")
        with ours:
            ours.complete("Hello", record=tmp_path / "t.tape")
    with tapes.serve(tmp_path / "t.tape", speed=0, ignore=IGNORED.get(name, ())) as server:
        assert "word" in "".join(client(server.base_url(provider)))
