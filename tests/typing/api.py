"""The public API as a user types it. Nobody runs this: test_typing.py has mypy and pyright read it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Unpack, assert_never, assert_type

import requests

from sansio_core import (
    ChatError,
    ChatEvent,
    ChatRequest,
    Clock,
    Ended,
    Event,
    Exchange,
    Finish,
    Finished,
    FinishReason,
    HttpRequest,
    HTTPStatusError,
    Limits,
    ModelInfo,
    NeedKey,
    Notice,
    Options,
    ProviderName,
    ProviderRefused,
    QuotaExhausted,
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
    Waiting,
    providers,
)
from sansio_core.dialects import (
    ChatParser,
    EventStreamParser,
    NDJSONChatParser,
    PlainTextParser,
    prompt_of,
    unsupported_in_text,
)
from sansio_core.parsers import Comment, NDJSONParser, ServerSentEvent, SSEParser, TextParser
from sansio_core.providers import Call, JSONProvider, Payload, Provider, ProviderInfo
from transports import AsyncClient, AsyncStream, Client, Stream, otel, tapes
from transports import batch as bulk
from transports.batch import AskBatch, Batch, ClientSettings, Summary, amap_prompts, map_prompts
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


def many(**settings: Unpack[ClientSettings]) -> None:
    for answer in map_prompts(["One?", {"id": 7, "messages": [{"role": "user", "content": "Two?"}]}], "openai"):
        print(answer.id, answer.text, answer.error)
    conversations: list[list[dict[str, str]]] = [[{"role": "user", "content": "Three?"}]]
    for answer in map_prompts(conversations, "openai", response_format=dict):
        assert_type(answer.reply.parse(), Any)
        assert_type(answer.to_dict(), dict[str, Any])
    prompts = (f"What is {number}?" for number in range(9))
    with closing(map_prompts(prompts, "openai", concurrency=8, rate=0.5, order=True, **settings)) as answers:
        for answer in answers:
            assert_type(answer, bulk.Answer)
            assert_type(answer.text, str)
            assert_type(answer.error, ChatError | None)
            assert_type(answer.reply, Reply)
    batch = Batch(
        "in.jsonl", Path("out.jsonl"), provider="openai", template="Summarise: {text}", order="input", keep=["text"],
        temperature=0, retry=RetryPolicy(attempts=5), api_key=lambda: "k", progress=lambda summary: summary.rows,
    )  # fmt: skip
    assert_type(batch.run(), Summary)
    with AskBatch("openai", column="text", api_key_env="KEY", rate=5, retry=2, temperature=0) as ask:
        ask({"text": ["One?"]})


async def many_in_a_loop() -> None:
    async def prompts() -> AsyncIterator[str]:
        yield "One?"

    async with aclosing(amap_prompts(prompts(), "openai", max_tokens=5)) as answers:
        async for answer in answers:
            assert_type(answer, bulk.Answer)
    async for answer in amap_prompts(["One?"], "openai"):
        assert_type(answer, bulk.Answer)
    assert_type(await Batch("-", "out.jsonl", "openai").arun(), Summary)


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


def key() -> str:
    return "sk-1"


async def key_to_await() -> str:
    return "sk-1"


async def keys_and_heads() -> None:
    Client("openai", api_key=key_to_await)  # type: ignore[arg-type]
    with Client("openai", api_key=key) as client, client.stream("Hello").start() as stream:
        assert_type(stream, Stream)
        assert_type((stream.status, stream.headers, stream.attempts), tuple[int | None, Mapping[str, str], int])
        assert_type((stream.reply.attempts, stream.reply.elapsed), tuple[int, float | None])
    async with AsyncClient("openai", api_key=key_to_await) as aclient:
        assert_type(await aclient.stream("Hello").start(), AsyncStream)
    AsyncClient("openai", api_key=key)
    providers.create("openai", api_key=key_to_await)


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
            case NeedKey():
                exchange.receive_key("sk-1", time.monotonic())
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
    assert_type(reply.parse(City), City)
    assert_type(reply.parse(list[City]), list[City])
    assert_type(Reply.from_dict(reply.to_dict()), Reply)
    assert_type(reply.to_json(), str)
    for event in (TextDelta("a"), Finished("stop")):
        assert_type(event.to_dict(), dict[str, Any])
    assert_type(Event.from_dict({"type": "TextDelta", "text": "a"}), ChatEvent)
    assert_type(ChatError.from_dict({}), ChatError)


@dataclass
class City:
    name: str


def population(city: City) -> int:
    return len(city.name)


def structured(client: Client) -> None:
    reply = client.complete("Where?", response_format=City, tools=[population, {"type": "web_search"}])
    assert_type(reply.parse(City).name, str)
    for call in reply.tool_calls:
        call.answer(call.invoke([population]))
        call.answer(City("Graz"), is_error=True)
        call.invoke(population)


def weather(city: str) -> str:
    """The weather in a city."""
    return city


class Answer:
    """What an answer's JSON becomes."""


def every_option(client: Client, flag: bool) -> None:
    client.complete(
        "Hi", model="m", system="Be brief.", timeout=5, retry=RetryPolicy(attempts=1), limits=Limits(frame=1024),
        proxy=False, headers=[("x-one", "1")], cookies={"a": "b"}, temperature=0, top_p=0.5, top_k=-1, min_p=0.1,
        max_tokens=100, stop="END", seed=1, n=2, presence_penalty=1, frequency_penalty=0.5, repetition_penalty=1.1,
        reasoning_effort="low", verbosity="low", tools=[weather], tool_choice="auto", parallel_tool_calls=False,
        response_format=Answer, logprobs=True, top_logprobs=3, logit_bias={"50256": -100}, user="u",
        metadata={"a": "b"}, service_tier="flex", store=False, prompt_cache_key="k", prompt_cache_retention="24h",
        extra={"a": {"b": 1}}, user_id=5, system_message="s",
    )  # fmt: skip
    tools: list[dict[str, Any]] = [{"name": "weather", "parameters": {"type": "object"}}]
    client.complete("Hi", tools=tools, tool_choice={"type": "function", "function": {"name": "weather"}})
    client.complete("Hi", tools=({"googleSearch": {}}, weather), tool_choice="weather", stop=["a", "b"])
    client.complete("Hi", tools={weather, population})
    client.complete("Hi", reasoning_effort=1024, response_format={"type": "json_object"}, logit_bias={50256: -100})
    client.complete("Hi", reasoning_effort=True, service_tier="of a new vendor", verbosity="loud", retry=2)
    client.complete("Hi", temperature=None if flag else 0.5, system=None, tools=None, tool_choice=None, stop=None)
    own: dict[str, Any] = {"option_of_a_provider_of_ones_own": 1}
    client.stream("Hi", temperature=0, **own)


def ask(client: Client, question: str, **options: Unpack[Options]) -> str:
    """A function of a user's own that passes options on."""
    options.setdefault("temperature", 0)
    return client.complete(question, **options).text


async def defaults(provider: Provider) -> None:
    name: ProviderName = "openai"
    Client(name, temperature=0, max_tokens=100, tools=[weather], limits=None)
    Client(provider, reasoning_effort="high")
    client = AsyncClient("a_registered_provider", stop=["END"])
    await client.complete("Hi", temperature=1, retry=1, limits=Limits(), system="Be brief.")
    ChatRequest([{"role": "user", "content": "Hi"}], model="m", system="Be brief.", temperature=0, tools=[weather])
    assert_type(ask(Client("openai"), "Hi", temperature=1), str)


class AcmeParser(EventStreamParser):
    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        match value:
            case {"say": str(text)}:
                out.append(TextDelta(text))
            case "end":
                self.finish("stop", out, "end")
            case "bad":
                self.fail(ProviderRefused("bad"), out)
            case _:
                self.unknown(value, out, event)


class LinesParser(NDJSONChatParser):
    ends_with_body = True

    def decode(self, value: Any, out: list[ChatEvent]) -> None:
        self.unknown(value, out)


class Acme(JSONProvider):
    info = ProviderInfo("acme", "https://api.acme.example/v1", api_key_env="ACME_API_KEY")
    path = "talk"
    option_fields: ClassVar = {"max_tokens": "limit"}
    parser_class = AcmeParser
    key_header = ("x-api-key", "")
    retry = RetryPolicy(attempts=2)

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any] | Payload:
        return Payload({"prompt": prompt_of(request.messages)}, unsupported_in_text(request.messages))


class AcmeText(JSONProvider):
    info = Acme.info
    parser_class = PlainTextParser

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any]:
        return {"prompt": request.messages[-1].text}


class OwnFraming(ChatParser):
    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None: ...

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None: ...


class OwnEndpoint(Provider):
    info = Acme.info
    parser_class = OwnFraming

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        return Call(self.http(request, "POST", self.endpoint("talk"), b"{}"))


def own_providers() -> None:
    providers.register("acme", Acme)
    providers.register_host("gate", url="https://gate.example/v1", key="GATE_KEY", model="m", wire="openai")
    providers.add_source(own_providers)
    assert_type(providers.names(), tuple[str, ...])
    assert_type(providers.info("acme").base_url_env, str | None)
    assert_type(AcmeText(api_key="k").parser(), ChatParser)
    Client(Acme(api_key="k"))


def observed() -> None:
    def watch(exchange: Exchange, notice: Notice) -> None:
        match notice:
            case Waiting(seconds, error, attempt, of):
                assert_type((seconds, error, attempt, of), tuple[float, ChatError, int, int])
            case Ended(seconds, error, reply):
                assert_type((seconds, error, reply), tuple[float, ChatError | None, Reply])

    with Client("yqcloud", observer=watch) as client:
        client.stream("Hello", observer=otel.observer(content=True))
    Exchange(providers.create("yqcloud"), ChatRequest("Hello"), observer=print)


async def recorded(client: Client, other: AsyncClient) -> None:
    client.stream("Hello", record="hello.tape")
    await other.complete("Hello", record=Path("hello.tape"))
    with tapes.record("t.tape", redact=["Ana Novak", re.compile(r"[0-9]{16}")]) as recorder:
        assert_type(recorder, tapes.Recorder)
    other.stream("Hello", record=tapes.record("t.tape", redact="Ana Novak"))


def failures(client: Client) -> None:
    try:
        client.complete("Hello")
    except QuotaExhausted as error:
        assert_type(error.code, str | None)
    except RateLimited as error:
        assert_type(error.retry_after, float | None)
    except HTTPStatusError as error:
        assert_type(error.status, int | None)
    except TimedOut as error:
        match error.clock:
            case "connect" | "first_event" | "idle" | "progress" | "total":
                assert_type(error.clock, Clock)
            case _:
                assert_never(error.clock)
    except ChatError as error:
        assert_type((error.reply, error.attempts), tuple[Reply | None, int])


def emulated() -> None:
    with Emulator(reply="Hello") as emulator:
        assert_type(emulator.base_url("acytoo"), str)
    with tapes.serve("t.tape", speed=2, ignore=("tools",)) as server:
        assert_type(server.base_url("openai"), str)
    with tapes.relay("t.tape", redact="Ana Novak", base_urls={"openai": "https://gateway.example/v1"}) as relay:
        assert_type(relay.base_url("openai"), str)
