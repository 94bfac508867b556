"""Takes as they would have been recorded, made by hand: what a test of playing them needs."""

from __future__ import annotations

import json
from typing import Any

from sansio_core import ChatRequest, Exchange, ModelList, Send, providers
from sansio_core.providers import Provider
from sansio_core.tape import End, Head, Mark, Piece, Step, Take, Tape

HOST = "http://chat.test"
"""Where the clients of these tests would ask: a name that nobody has."""
SSE = (("content-type", "text/event-stream"),)
CONNECTED = Mark(0.001, "connected")
DONE = Piece(0.0, b"data: [DONE]\n\n")
WORDS = ("One ", "two ", "three.")


def take(*steps: Step, provider: Provider | None = None, messages: Any = "Hello", **options: Any) -> Take:
    """What came of the question `messages`; of the list of models, where that is None."""
    provider = provider or providers.create("free_netfly", base_url=HOST)
    asked = ModelList(provider) if messages is None else Exchange(provider, ChatRequest(messages, **options))
    action = asked.next_action(0.0)
    assert isinstance(action, Send)
    sent = action.request
    return Take(
        sent.method, sent.url, provider.base_url, provider.info.name, sent.headers, sent.body, (CONNECTED, *steps)
    )


def text(words: str, after: float = 0.1) -> Piece:
    """An event with that text."""
    event = json.dumps({"choices": [{"index": 0, "delta": {"content": words}}]})
    return Piece(after, f"data: {event}\n\n".encode())


def head(status: int = 200, after: float = 0.1, **fields: str) -> Head:
    """A response's head; `fields` with underscores for hyphens."""
    return Head(after, status, (*SSE, *((name.replace("_", "-"), value) for name, value in fields.items())))


def said(*words: str, gap: float = 0.1, **more: Any) -> Take:
    """A whole answer in these pieces."""
    return take(head(), *(text(word, gap) for word in words or WORDS), DONE, End(0.0), **more)


def refused(status: int, **fields: str) -> Take:
    """An error response."""
    return take(head(status, **fields), Piece(0.0, b'{"error": {"message": "told why"}}'), End(0.0))


def tape(*takes: Take) -> Tape:
    return Tape(takes or (said(),))
