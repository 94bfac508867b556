"""Who is measured: each makes, for a server's URL, a function that asks once and gives every text to `use`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from floors import AsyncioFloor, BlockingFloor, Use

Asker = Callable[[Use], None]
AsyncAsker = Callable[[Use], Awaitable[None]]
PROMPT = [{"role": "user", "content": "Hello"}]
QUESTION: dict[str, Any] = {"model": "m", "messages": PROMPT, "stream": True}


@dataclass(frozen=True)
class Peer:
    """One contestant. `make(url)` is called with what it needs imported; `needs` are those modules."""

    name: str
    make: Callable[[str], Any]
    needs: tuple[str, ...] = ()
    wire: str = "openai"
    fast: bool = False
    uvloop: bool = False

    @property
    def there(self) -> bool:
        needs = (*self.needs, *(("msgspec",) if self.fast else ()), *(("uvloop",) if self.uvloop else ()))
        return all(importlib.util.find_spec(name) for name in needs)


def _path(url: str) -> str:
    return f"{url}/v1/chat/completions"


def _said(data: str | bytes) -> str | None:
    """The text of one OpenAI chunk, as a user of a plain HTTP client would read it."""
    choices = json.loads(data)["choices"]
    return choices[0]["delta"].get("content") if choices else None


# --- blocking ----------------------------------------------------------------------------------------------------


def ours(provider: str) -> Callable[[str], Asker]:
    def make(url: str) -> Asker:
        from transports import Client

        client = Client(provider, base_url=url, model="m", api_key="k")

        def ask(use: Use) -> None:
            with client.stream(PROMPT) as stream:
                for text in stream:
                    use(text)

        return ask

    return make


def requests_lines(url: str) -> Asker:
    import requests

    session = requests.Session()

    def ask(use: Use) -> None:
        with session.post(_path(url), json=QUESTION, stream=True) as response:
            for line in response.iter_lines():
                if line.startswith(b"data: {") and (text := _said(line[6:])):
                    use(text)

    return ask


def httpx_sse(url: str) -> Asker:
    import httpx
    from httpx_sse import connect_sse

    client = httpx.Client(timeout=60)

    def ask(use: Use) -> None:
        with connect_sse(client, "POST", _path(url), json=QUESTION) as source:
            for event in source.iter_sse():
                if event.data != "[DONE]" and (text := _said(event.data)):
                    use(text)

    return ask


def openai(url: str) -> Asker:
    from openai import OpenAI

    client = OpenAI(base_url=f"{url}/v1", api_key="k")

    def ask(use: Use) -> None:
        for chunk in client.chat.completions.create(**QUESTION):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                use(text)

    return ask


def anthropic(url: str) -> Asker:
    from anthropic import Anthropic

    client = Anthropic(base_url=url, api_key="k")

    def ask(use: Use) -> None:
        for event in client.messages.create(**QUESTION, max_tokens=9):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                use(event.delta.text)

    return ask


def ollama(url: str) -> Asker:
    from ollama import Client

    client = Client(host=url)

    def ask(use: Use) -> None:
        for chunk in client.chat(**QUESTION):
            if text := chunk.message.content:
                use(text)

    return ask


BLOCKING = (
    Peer("floor: bare socket", BlockingFloor),
    Peer("ours", ours("openai")),
    Peer("ours + fast", ours("openai"), fast=True),
    Peer("requests iter_lines", requests_lines, ("requests",)),
    Peer("httpx + httpx-sse", httpx_sse, ("httpx", "httpx_sse")),
    Peer("openai", openai, ("openai",)),
    Peer("ours, anthropic", ours("anthropic"), wire="anthropic"),
    Peer("anthropic", anthropic, ("anthropic",), wire="anthropic"),
    Peer("ours, ollama", ours("ollama"), wire="ollama"),
    Peer("ollama", ollama, ("ollama",), wire="ollama"),
)


# --- asyncio -----------------------------------------------------------------------------------------------------


def ours_async(url: str) -> AsyncAsker:
    from transports import AsyncClient

    client = AsyncClient("openai", base_url=url, model="m", api_key="k")

    async def ask(use: Use) -> None:
        async with client.stream(PROMPT) as stream:
            async for text in stream:
                use(text)

    return ask


def aiohttp_lines(url: str) -> AsyncAsker:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def ask(use: Use) -> None:
        async with session.post(_path(url), json=QUESTION) as response:
            async for line in response.content:
                if line.startswith(b"data: {") and (text := _said(line[6:])):
                    use(text)

    return ask


def httpx_sse_async(url: str) -> AsyncAsker:
    import httpx
    from httpx_sse import aconnect_sse

    client = httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None))

    async def ask(use: Use) -> None:
        async with aconnect_sse(client, "POST", _path(url), json=QUESTION) as source:
            async for event in source.aiter_sse():
                if event.data != "[DONE]" and (text := _said(event.data)):
                    use(text)

    return ask


def openai_async(url: str) -> AsyncAsker:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="k")

    async def ask(use: Use) -> None:
        async for chunk in await client.chat.completions.create(**QUESTION):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                use(text)

    return ask


ASYNCIO = (
    Peer("floor: asyncio streams", AsyncioFloor),
    Peer("ours", ours_async),
    Peer("ours + fast", ours_async, fast=True),
    Peer("aiohttp lines", aiohttp_lines, ("aiohttp",)),
    Peer("httpx + httpx-sse", httpx_sse_async, ("httpx", "httpx_sse")),
    Peer("openai", openai_async, ("openai",)),
    Peer("floor on uvloop", AsyncioFloor, uvloop=True),
    Peer("ours on uvloop", ours_async, uvloop=True),
)
