"""What the core costs apart from its speed on long answers: each step of a call, and a stream that says nothing."""

from __future__ import annotations

import gc
import resource
import tracemalloc
from itertools import pairwise
from pathlib import Path
from random import random
from statistics import median
from time import process_time_ns
from typing import Any

from wires import events

from sansio_core import ChatRequest, Exchange, Limits, RetryPolicy, Timeouts, providers

KIB = 1024
CALLS = ("openai", "free_netfly", "anthropic")
QUIET = ("openai", "anthropic")
STATES = ("made", "head", "quiet")
"""An exchange that was made; whose response's head came; and of which two pieces of text came as well."""
HEAD = (
    ("Date", "Mon, 01 Jan 2024 00:00:00 GMT"), ("Content-Type", "text/event-stream; charset=utf-8"),
    ("Transfer-Encoding", "chunked"), ("Connection", "keep-alive"), ("openai-version", "2020-10-01"),
    ("x-request-id", "req_0123456789"), ("x-ratelimit-limit-requests", "500"),
    ("x-ratelimit-remaining-requests", "499"), ("Server", "cloudflare"), ("cf-cache-status", "DYNAMIC"),
)  # fmt: skip
SETTINGS: dict[str, Any] = {"retry": RetryPolicy(), "timeouts": Timeouts(), "limits": Limits(), "random": random}


def _provider(name: str) -> providers.Provider:
    return providers.create(name, api_key=None if name == "free_netfly" else "sk-0123456789abcdef")


def _answer(name: str) -> list[bytes]:
    """An answer's first text, with what comes before it; and the rest."""
    wire = "openai" if name == "free_netfly" else name
    said = events(wire, ["Hello", " you", "!"])
    first = next(at for at, event in enumerate(said) if b"Hello" in event) + 1
    return [b"".join(said[:first]), b"".join(said[first:])]


def call(name: str, count: int) -> dict[str, float]:
    """Microseconds of CPU of the core's part of a call to the provider `name`, step by step."""
    provider, (first, rest), now = _provider(name), _answer(name), process_time_ns
    clock = median(-(now() - now()) for _ in range(1000))
    steps: list[tuple[int, ...]] = []
    for _ in range(count):
        begun = now()
        request = ChatRequest("Hello, who are you?")
        asked = now()
        exchange = Exchange(provider, request, **SETTINGS)
        made = now()
        exchange.next_action(1.0)
        sent = now()
        exchange.receive_head(200, HEAD, 1.1)
        head = now()
        exchange.receive_data(first, 1.2)
        text = now()
        for data in (rest, b""):
            if exchange.reading:
                exchange.receive_data(data, 1.3)
        exchange.next_action(1.4)
        times = (begun, asked, made, sent, head, text, now())
        assert exchange.reply.text == "Hello you!"
        steps.append(tuple(after - before for before, after in pairwise(times)))
    names = ("ChatRequest", "Exchange", "next_action", "receive_head", "first text", "the rest")
    figures = {step: (median(taken) - clock) / 1e3 for step, taken in zip(names, zip(*steps, strict=True), strict=True)}
    return {"µs CPU": sum(figures.values()), "to first text": sum(figures.values()) - figures["the rest"], **figures}


def idle(name: str, state: str, count: int) -> dict[str, float]:
    """KiB of memory for each of `count` exchanges with the provider `name` that are left in that state.

    Without the response's header fields, which are the transport's.
    """
    provider, texts = _provider(name), _answer(name)[0]
    again = events(name, ["Hello", " you"])[-3 - (name == "anthropic")]

    def one(number: int) -> Exchange:
        exchange = Exchange(provider, ChatRequest(f"Hello {number}"), **SETTINGS)
        if state != "made":
            exchange.next_action(float(number))
            exchange.receive_head(200, HEAD, number + 0.1)
        if state == "quiet":
            assert exchange.receive_data(texts, number + 0.2)
            assert exchange.receive_data(again, number + 0.3)
            assert exchange.reply.text == "Hello you"
        return exchange

    warm = [one(number) for number in range(50)]
    gc.collect()
    before = _resident()
    held = [one(number) for number in range(count)]
    resident = _resident() - before
    held.clear()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held += [one(number) for number in range(count)]
    gc.collect()
    allocated = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del held, warm
    return {"KiB resident": resident / count / KIB, "KiB allocated": allocated / count / KIB}


def _resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
