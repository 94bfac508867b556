"""The public API as a user types it. Nobody runs this: `mypy --strict` reads it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import requests

from sansio_core import (
    ChatError,
    ChatEvent,
    ChatRequest,
    Exchange,
    Finish,
    FinishReason,
    HttpRequest,
    HTTPStatusError,
    Limits,
    ModelInfo,
    RateLimited,
    Reply,
    RetryPolicy,
    Send,
    TextDelta,
    TimedOut,
    Timeouts,
    ToolCall,
    UsageReport,
    Wait,
    providers,
)
from sansio_core.parsers import Comment, NDJSONParser, ServerSentEvent, SSEParser, TextParser
from transports import AsyncClient, AsyncStream, Client, Stream
from transports.emulator import Emulator
from transports.g4f_compat import FreeNetfly


def blocking() -> None:
    with Client(
        "free_netfly",
        base_url="http://127.0.0.1:8000",
        timeout=Timeouts(connect=5, idle=30, total=None),
        retry=RetryPolicy(attempts=2, jitter=0),
        headers={"x-tenant": "a"},
        cookies={"a": "b"},
        verify=ssl.create_default_context(),
        ssl_context=ssl.create_default_context(),
        session=requests.Session(),
        max_connections=10,
        limits=Limits(frame=1024),
        proxy="http://proxy.example:3128",
    ) as client:
        stream = client.stream("Hello", temperature=0.2, timeout=10)
        assert_type(stream, Stream)
        with stream:
            for chunk in stream:
                assert_type(chunk, str)
            for event in stream.events():
                assert_type(event, ChatEvent)
                if isinstance(event, TextDelta):
                    assert_type(event.text, str)
        reply = client.complete([{"role": "user", "content": "Hello"}])
        assert_type(reply, Reply)
        client.complete([{"role": "user", "content": "Hello"}, reply.message, {"role": "user", "content": "More"}])
        assert_type(client.models(), list[str])
        assert_type(client.models(details=True), list[ModelInfo])


def connections() -> None:
    def connect(host: str, port: int, timeout: float | None) -> socket.socket:
        return socket.create_connection((host, port), timeout)

    async def aconnect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(host, port)

    def resolver(host: str, port: int) -> list[str]:
        return ["192.0.2.7"]

    async def aresolver(host: str, port: int) -> list[str]:
        return ["192.0.2.7"]

    Client("ollama", uds="/run/ollama.sock")
    Client("ollama", connect=connect)
    Client("ollama", connect=lambda host, port, timeout: ssl.create_default_context().wrap_socket(socket.socket()))
    Client("ollama", resolver=resolver)
    AsyncClient("ollama", uds=Path("/run/ollama.sock"), max_connections=10)
    AsyncClient("ollama", connect=aconnect)
    AsyncClient("ollama", connect=asyncio.open_connection)
    AsyncClient("ollama", resolver=resolver)
    AsyncClient("ollama", resolver=aresolver)


async def asynchronous() -> None:
    async with AsyncClient("yqcloud", ssl_context=ssl.create_default_context()) as client:
        async with client.stream([{"role": "user", "content": "Hello"}]) as stream:
            assert_type(stream, AsyncStream)
            async for chunk in stream:
                assert_type(chunk, str)
            await stream.close()
        assert_type(await client.complete("Hello"), Reply)
        assert_type(await client.models(details=False), list[str])
        assert_type(await client.models(details=True), list[ModelInfo])
    async for text in FreeNetfly.create_async_generator("", [{"role": "user", "content": "Hello"}]):
        assert_type(text, str)


def own_io(read: Iterator[bytes], head: tuple[int, list[tuple[str, str]]]) -> None:
    exchange = Exchange(providers.create("yqcloud"), ChatRequest("Hello"), timeouts=30, retry=2)
    while True:
        match exchange.next_action(time.monotonic()):
            case Send(request):
                assert_type(request, HttpRequest)
                exchange.receive_head(*head, time.monotonic())
                while exchange.reading:
                    for event in exchange.receive_data(next(read), time.monotonic()):
                        assert_type(event, ChatEvent)
            case Wait(seconds):
                assert_type(seconds, float)
            case Finish():
                break


def parsers_alone(data: bytes) -> None:
    assert_type(providers.create("free_netfly").parser().feed(data), list[ChatEvent])
    for frame in SSEParser(max_frame_size=1024).feed(data):
        match frame:
            case ServerSentEvent(event, text, id):
                assert_type((event, text, id), tuple[str, str, str])
            case Comment(text):
                assert_type(text, str)
    assert_type(NDJSONParser().feed(data), list[str])
    assert_type(TextParser().feed(data), list[str])


def the_reply(reply: Reply) -> None:
    assert_type(reply.text, str)
    assert_type(reply.tool_calls, list[ToolCall])
    assert_type(reply.usage, UsageReport | None)
    assert_type(reply.finish_reason, FinishReason | None)
    assert_type(reply.complete, bool)


def failures(client: Client) -> None:
    try:
        client.complete("Hello")
    except RateLimited as error:
        assert_type(error.retry_after, float | None)
    except HTTPStatusError as error:
        assert_type(error.status, int | None)
    except TimedOut as error:
        assert_type(error.clock, str)
    except ChatError as error:
        assert_type(error.reply, Reply | None)


def emulated() -> None:
    with Emulator(reply="Hello") as emulator:
        assert_type(emulator.base_url("acytoo"), str)
