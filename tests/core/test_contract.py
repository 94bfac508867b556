"""The public names of the core as they are promised: what there is, how it is called, what it carries."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, get_args

import pytest
from exchange_driver import SSE, sse, stream

import sansio_core
from sansio_core import (
    Cancelled,
    ChatError,
    ChatEvent,
    ChatRequest,
    ConnectFailed,
    Exchange,
    Failed,
    Finish,
    HttpRequest,
    HTTPStatusError,
    InvalidRequest,
    IPBlocked,
    Limits,
    Reply,
    RetryPolicy,
    Send,
    ServerFailed,
    StreamTruncated,
    TextDelta,
    TimedOut,
    Timeouts,
    Wait,
    parsers,
    providers,
)
from sansio_core.parsers import Comment, NDJSONParser, ServerSentEvent, SSEParser, TextParser

KEYWORD, POSITIONAL, REST = (
    inspect.Parameter.KEYWORD_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_KEYWORD,
)


def parameters(called: Any, kind: Any) -> list[str]:
    """The names of the parameters of that kind, in order."""
    signature = inspect.signature(called)
    return [name for name, parameter in signature.parameters.items() if parameter.kind is kind and name != "self"]


# --- what is called how ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("called", "positional", "keywords", "rest"),
    [
        (ChatRequest, ["messages"], {"model"}, ["options"]),
        (Exchange, ["provider", "request"], {"retry", "timeouts", "limits", "random"}, []),
        (Exchange.next_action, ["now"], set(), []),
        (Exchange.receive_head, ["status", "headers", "now"], set(), []),
        (Exchange.receive_data, ["data", "now"], set(), []),
        (Exchange.receive_failure, ["error"], set(), []),
        (Exchange.receive_timeout, ["now"], set(), []),
        (SSEParser, [], {"lenient", "max_frame_size"}, []),
        (NDJSONParser, [], {"max_frame_size"}, []),
        (TextParser, [], set(), []),
        (providers.create, ["name"], set(), ["config"]),
        (providers.names, [], set(), []),
        (RetryPolicy, ["attempts", "first_wait", "factor", "max_wait", "jitter"], set(), []),
        (Timeouts, ["connect", "first_event", "idle", "progress", "total"], set(), []),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_signatures(called: Any, positional: list[str], keywords: set[str], rest: list[str]) -> None:
    assert parameters(called, POSITIONAL)[: len(positional)] == positional
    assert keywords <= set(parameters(called, KEYWORD))
    assert parameters(called, REST) == rest


def test_what_is_optional() -> None:
    for called in (ChatRequest, Exchange, SSEParser, NDJSONParser, RetryPolicy, Timeouts, Limits):
        needed = [p.name for p in inspect.signature(called).parameters.values() if p.default is p.empty]
        assert set(needed) <= {"messages", "provider", "request", "options"}, called
    assert inspect.signature(SSEParser).parameters["lenient"].default is False
    assert inspect.signature(SSEParser).parameters["max_frame_size"].default == 16 * 1024 * 1024


def test_all_that_is_named_is_there() -> None:
    for module in (sansio_core, parsers, providers):
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)
        assert module.__doc__


# --- what is carried -------------------------------------------------------------------------------------------------


def test_a_request_is_plain_data() -> None:
    exchange = Exchange(providers.create("yqcloud"), ChatRequest("Hello"))
    send = exchange.next_action(0)
    assert isinstance(send, Send)
    request = send.request
    assert isinstance(request, HttpRequest)
    assert (type(request.method), type(request.url), type(request.body)) == (str, str, bytes)
    assert all((type(name), type(value)) == (str, str) for name, value in request.headers)


def test_events_are_frozen_and_slotted() -> None:
    names = {event.__name__ for event in get_args(ChatEvent)}
    assert names >= {
        "TextDelta", "ReasoningDelta", "RefusalDelta", "ToolCallDelta", "UsageReport", "Finished", "KeepAlive",
        "UnknownFrame", "Failed",
    }  # fmt: skip
    for kind in (*get_args(ChatEvent), Send, Wait, Finish, HttpRequest, Timeouts, RetryPolicy, Limits, ChatRequest):
        assert kind.__name__ in sansio_core.__all__
        assert dataclasses.is_dataclass(kind)
        assert "__slots__" in vars(kind)
        assert "__dict__" not in dir(kind)
        assert getattr(kind, "__dataclass_params__").frozen  # noqa: B009  mypy knows no such attribute


@pytest.mark.parametrize(
    "name",
    ["text", "reasoning", "refusal", "tool_calls", "finish_reason", "usage", "model", "request_id", "complete",
     "message"],
)  # fmt: skip
def test_a_reply_has_at_any_time(name: str) -> None:
    assert hasattr(Reply(), name)
    assert hasattr(Reply.of([TextDelta("Hello")]), name)


@pytest.mark.parametrize("name", providers.names())
def test_the_facts_of_every_provider(name: str) -> None:
    info = providers.info(name)
    assert info.name == name
    assert info.url.startswith(("http://", "https://"))
    assert isinstance(info.working, bool)
    assert info.default_model is None or not info.models or info.default_model in info.models
    assert isinstance(info.models, tuple)
    assert set(info.model_aliases.values()) <= set(info.models)
    assert isinstance(info.supports_message_history, bool)
    assert isinstance(info.supports_system_message, bool)
    assert info.api_key_env is None or info.api_key_env.isupper()
    settings = {"base_url": "https://r.openai.azure.com", "model": "m"} if name == "azure_openai" else {}
    provider = providers.create(name, **settings)
    assert provider.info == info
    assert provider.parser() is not provider.parser()


# --- errors ----------------------------------------------------------------------------------------------------------

TREE: dict[tuple[str, ...], tuple[str, ...]] = {
    ("Plain", "Exception"): ("ChatError",),
    ("ChatError",): (
        "Cancelled", "HTTPStatusError", "ProtocolViolation", "ProviderRefused", "StreamTruncated", "TimedOut",
        "TransportFailure",
    ),
    ("ChatError", "RuntimeError"): ("StreamMisused",),
    ("ChatError", "ValueError"): ("InvalidRequest",),
    ("Cancelled",): ("ClientClosed",),
    ("TransportFailure",): ("ConnectFailed", "ConnectionLost", "ProxyFailed", "TLSFailed"),
    ("HTTPStatusError",): (
        "AuthenticationFailed", "BadRequest", "NotFound", "RateLimited", "ServerFailed", "UnexpectedRedirect",
    ),
    ("AuthenticationFailed",): ("PermissionDenied",),
    ("BadRequest",): ("ContentFiltered", "ContextTooLong"),
    ("RateLimited",): ("QuotaExhausted",),
    ("ProviderRefused",): ("IPBlocked",),
    ("ProtocolViolation",): ("LimitExceeded", "UnexpectedContent"),
}  # fmt: skip
"""The errors by their base classes."""


def test_the_tree_of_errors() -> None:
    found: dict[tuple[str, ...], list[str]] = {}
    for name, value in ((name, getattr(sansio_core, name)) for name in sansio_core.__all__):
        if inspect.isclass(value) and issubclass(value, ChatError):
            found.setdefault(tuple(base.__name__ for base in value.__bases__), []).append(name)
    assert {bases: tuple(sorted(kinds)) for bases, kinds in found.items()} == TREE


def test_errors_carry_what_is_known() -> None:
    assert TimedOut("idle", 3).clock == "idle"
    error = HTTPStatusError(500, "oops", body="page", request_id="r-1", retry_after=2)
    assert (error.status, error.request_id, error.body, error.retry_after) == (500, "r-1", "page", 2)
    assert ChatError().reply is None
    assert StreamTruncated().events == ()
    assert IPBlocked("go away").detail == "go away"


def test_an_error_that_ends_a_stream_carries_the_partial_reply() -> None:
    exchange = Exchange(providers.create("free_netfly"), ChatRequest("Hello"))
    exchange.next_action(0)
    exchange.receive_head(200, SSE, 0)
    body = sse({"choices": [{"delta": {"content": "Hel"}}]}, {"error": {"message": "busy", "code": "server_error"}})
    events = exchange.receive_data(body, 0)
    assert not any(isinstance(event, Failed) for event in events), "an exchange raises it instead"
    assert exchange.reading is False
    with pytest.raises(ServerFailed) as caught:
        exchange.next_action(0)
    assert caught.value.reply is exchange.reply
    assert (exchange.reply.text, exchange.reply.complete) == ("Hel", False)


@pytest.mark.parametrize("name", providers.names())
@pytest.mark.parametrize("relocated", [False, True])
def test_an_endpoint_last_known_not_to_work_is_told_with_what_to_do(name: str, relocated: bool) -> None:
    if name == "azure_openai":
        return
    settings = {"base_url": "http://127.0.0.1:9"} if relocated else {}
    provider = providers.create(name, api_key="sk-abcdef", model="gpt-4" if name == "free_netfly" else None, **settings)
    model = None if provider.model or name in ("vllm", "llama_cpp", "lm_studio") else "m"
    exchange = Exchange(provider, ChatRequest("Hello", model=model), retry=1)
    exchange.next_action(0)
    exchange.receive_failure(ConnectFailed("refused"), 0)
    with pytest.raises(ConnectFailed) as caught:
        exchange.next_action(0)
    told = "last known not to work" in str(caught.value)
    assert told is (not provider.info.working and not relocated)
    assert ("base_url" in str(caught.value) and "emulator" in str(caught.value)) is told


# --- the core alone, as one writes it --------------------------------------------------------------------------------


def test_ones_own_io() -> None:
    """The loop of a user who has a socket of any kind, word for word but for what reads."""
    body = iter([stream("Hel", "lo"), b""])
    times = iter(range(100))
    status, headers, got = 200, SSE, list[ChatEvent]()

    def now() -> float:
        return float(next(times))

    def read(deadline: float | None) -> bytes:
        assert deadline is not None
        return next(body)

    exchange = Exchange(providers.create("free_netfly"), ChatRequest("Hello"))
    while True:
        match exchange.next_action(now()):
            case Send(request):
                assert request.method == "POST"
                exchange.receive_head(status, headers, now())
                while exchange.reading:
                    for event in exchange.receive_data(read(exchange.deadline), now()):
                        got.append(event)
            case Wait(seconds):
                raise AssertionError(seconds)
            case Finish():
                break
    assert Reply.of(got).text == exchange.reply.text == "Hello"


def test_a_failure_is_reported_and_waited_for_by_the_policy() -> None:
    exchange = Exchange(
        providers.create("yqcloud"),
        ChatRequest("Hello", model="gpt-3.5-turbo"),
        retry=RetryPolicy(attempts=2, first_wait=2, factor=3, max_wait=9, jitter=0.5),
        timeouts=Timeouts(connect=1, first_event=2, idle=3, progress=4, total=50),
        limits=Limits(frame=100),
        random=lambda: 0.0,
    )
    exchange.next_action(0)
    assert exchange.deadline == 2
    exchange.receive_timeout(2)
    assert exchange.next_action(2) == Wait(1)
    assert isinstance(exchange.next_action(3), Send)
    exchange.receive_failure(Cancelled("enough"), 0)
    with pytest.raises(Cancelled, match="enough"):
        exchange.next_action(4)


def test_only_the_parser() -> None:
    parser = providers.create("free_netfly").parser()
    events = parser.feed(stream("Hel", "lo"))
    assert isinstance(events, list)
    assert Reply.of([*events, *parser.close()]).text == "Hello"
    cut = providers.create("free_netfly").parser()
    cut.feed(sse({"choices": [{"delta": {"content": "Hel"}}]}))
    with pytest.raises(StreamTruncated):
        cut.close()
    failed = providers.create("free_netfly").parser().feed(sse({"error": {"message": "no", "code": "server_error"}}))
    assert isinstance(failed[-1], Failed), "a parser alone gives it as its last event"


def test_only_the_framing() -> None:
    parser = SSEParser()
    assert parser.feed(b": hi\nid: 7\nretry: 10\nevent: e\ndata: a\ndata: b\n\n") == [
        Comment("hi"), ServerSentEvent("e", "a\nb", "7"),
    ]  # fmt: skip
    assert (parser.retry, parser.last_event_id) == (10, "7")
    assert parser.feed(b"data: unfinished") == parser.close() == []
    lenient = SSEParser(lenient=True, max_frame_size=100)
    assert [*lenient.feed(b"data: unfinished"), *lenient.close()] == [ServerSentEvent("message", "unfinished", "")]
    assert lenient.close() == []
    lines = NDJSONParser(max_frame_size=100)
    assert [*lines.feed(b'{"a":1}\r\n\n{"b":'), *lines.feed(b"2}"), *lines.close()] == ['{"a":1}', '{"b":2}']
    text = TextParser()
    assert [*text.feed("é".encode()[:1]), *text.feed("é".encode()[1:]), *text.close()] == ["é"]


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("opnai", "openai"),
        ("Antropic", "anthropic"),
        ("free_netfli", "free_netfly"),
        ("olama", "ollama"),
        ("zzz", None),
    ],
)
def test_the_nearest_name_is_suggested(name: str, near: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        providers.create(name)
    assert (f"(did you mean {near!r}?)" in str(caught.value)) is (near is not None)
    assert ("did you mean" in str(caught.value)) is (near is not None)
    assert "known are free_netfly" in str(caught.value)


@pytest.mark.parametrize(
    ("provider", "options", "said"),
    [
        ("openai", {"max_tokenz": 1}, "'max_tokenz' (did you mean 'max_tokens'?)"),
        ("openai", {"timeouts": 1}, "'timeouts' (did you mean 'timeout'?)"),
        ("openai", {"zeal": 1}, "any other field of its wire goes in extra={…}"),
        ("yqcloud", {"userid": 1}, "'userid' (did you mean 'user_id'?)"),
    ],
)
def test_an_option_misspelled(provider: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Exchange(providers.create(provider, api_key="sk-abcdef"), ChatRequest("Hello", **options))
    assert said in str(caught.value)


def test_where_a_wire_has_no_place_for_extra_it_is_not_advised() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Exchange(providers.create("chatgpt_free"), ChatRequest("Hello", zeal=1))
    assert "extra={" not in str(caught.value)


def test_an_empty_base_url_is_none() -> None:
    provider = providers.create("acytoo", base_url="")
    assert (provider.base_url, provider.custom_base_url) == ("https://chat.acytoo.com", False)


@pytest.mark.parametrize("key", ["sk-abc\n", "sk-\xe9", 5])
def test_a_key_that_cannot_be_sent_is_not_quoted(key: Any) -> None:
    with pytest.raises(InvalidRequest, match="the key ") as caught:
        providers.create("openai", api_key=key)
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("provider", "request_", "said"),
    [
        ("openai", ChatRequest("Hello"), "provider must be what providers.create() gives, not str"),
        (providers.create("acytoo"), "Hello", "request must be a ChatRequest, not str"),
        (providers.create("acytoo"), [{"role": "user", "content": "Hello"}], "request must be a ChatRequest, not list"),
    ],
)
def test_an_exchange_of_something_else(provider: Any, request_: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Exchange(provider, request_)
    assert said in str(caught.value)
