"""Providers of one's own: what a writer gets by a few lines, on each kind of wire, and what `register` wants."""

from __future__ import annotations

import json
import pickle
import re
import threading
import warnings
from dataclasses import replace
from textwrap import dedent
from typing import Any, ClassVar

import pytest
from dialect_harness import comparable, fed
from dialect_harness import sse as escaped
from exchange_driver import JSON, SSE, TEXT, Answer, Run, sse

from sansio_core import (
    AuthenticationFailed,
    ChatError,
    ChatEvent,
    ChatRequest,
    Exchange,
    Failed,
    Finished,
    InvalidRequest,
    KeepAlive,
    OptionIgnored,
    RateLimited,
    Reply,
    StreamTruncated,
    TextDelta,
    UnexpectedContent,
    UnknownFrame,
    UsageReport,
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
from sansio_core.providers import Call, JSONProvider, Payload, Provider, ProviderInfo

INFO = ProviderInfo("acme", "https://api.acme.example/v2", "acme-1", api_key_env="ACME_API_KEY", needs_key=True)


class Events(EventStreamParser):
    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        match value:
            case {"say": str(text)}:
                out.append(TextDelta(text))
            case {"end": str(word)}:
                self.finish("stop", out, word)
            case {"tokens": [int(read), int(written)]}:
                out.append(UsageReport(read, written))
            case _:
                self.unknown(value, out, event)


class Lines(NDJSONChatParser):
    ends_with_body = True

    def decode(self, value: Any, out: list[ChatEvent]) -> None:
        match value:
            case {"say": str(text)}:
                out.append(TextDelta(text))
            case _:
                self.unknown(value, out)


class Acme(JSONProvider):
    info = INFO
    path = "talk"
    option_fields: ClassVar = {"max_tokens": "limits.tokens", "temperature": "warmth", "persona": "persona"}
    parser_class = Events

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any] | Payload:
        return {"model": model, "turns": [[message.role, message.text] for message in request.messages], "warmth": 1}


class AcmeLines(Acme):
    parser_class = Lines


class AcmeText(Acme):
    parser_class = PlainTextParser

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any] | Payload:
        return Payload({"prompt": prompt_of(request.messages)}, unsupported_in_text(request.messages))


BODY = escaped({"say": "Grüß "}, {"say": "Gott😀"}, {"end": "done"}, {"tokens": [3, 2]}, {"odd": 1})


def sent(provider: Provider, messages: Any = "Hello", **options: Any) -> tuple[str, dict[str, str], Any]:
    """The URL, the header fields and the JSON of a question."""
    request = provider.begin(ChatRequest(messages, **options), lambda: 0.5).request()
    return request.url, dict(request.headers), json.loads(request.body)


# --- one kind of wire after another ----------------------------------------------------------------------------------


def test_an_event_stream_is_the_same_for_every_cut() -> None:
    whole = fed(Events(), BODY)
    assert Reply.of(whole).text == "Grüß Gott😀"
    assert whole[2:] == [
        Finished("stop", "done"),
        UsageReport(3, 2),
        UnknownFrame('{"odd": 1}', "a value that Events does not know"),
    ]
    for at in range(1, len(BODY)):
        parser = Events()
        assert parser.feed(BODY[:at]) + parser.feed(BODY[at:]) + parser.end() == whole
    assert fed(Events(), BODY, 1) == whole


def test_json_lines() -> None:
    body = b'{"say":"a"}\n{"say":"b"}\n'
    whole = [TextDelta("a"), TextDelta("b"), Finished()]
    assert all(fed(Lines(), body, step) == whole for step in range(1, len(body)))
    cut = Lines()
    cut.feed(body)
    (failed,) = cut.end(proper=False)
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, StreamTruncated)


class Unmarked(Events):
    ends_with_body = True


@pytest.mark.parametrize(
    ("parser", "body", "complete"),
    [
        (Lines, b'{"say":"a"}\n{"say', False),
        (Lines, b'{"say', False),
        (Lines, b'{"say":"a"}', True),
        (Lines, b'{"say":"a"}\n{"odd":1}', True),
        (Unmarked, b'data: {"say":"a"}\n\ndata: {"sa', False),
        (Unmarked, b'data: {"say":"a"}\n\n', True),
        (Unmarked, b'data: {"say":"a"}\n\ndata: {"odd":1}', True),
        (Unmarked, b"upstream has gone", False),
    ],
)
def test_a_body_that_ends_within_a_value_proves_nothing(parser: type[ChatParser], body: bytes, complete: bool) -> None:
    """A proper end of the body it may be, as that of a connection without a length."""
    events = fed(parser(), body)
    assert isinstance(events[-1], Finished) is complete
    assert complete or comparable(events)[-1][0] is StreamTruncated


@pytest.mark.parametrize("parser", [Events, Lines])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, RateLimited),
        ({"error": "no", "code": 401}, AuthenticationFailed),
    ],
)
def test_errors_in_the_usual_shapes_need_no_rule(parser: type[ChatParser], value: Any, error: type) -> None:
    frame = sse({"say": "a"}, value) if parser is Events else b'{"say":"a"}\n' + json.dumps(value).encode()
    first, failed = fed(parser(), frame)
    assert first == TextDelta("a")
    assert isinstance(failed, Failed)
    assert type(failed.error) is error


def test_done_ends_what_has_no_word_for_it() -> None:
    assert fed(Events(), sse({"say": "a"}, "[DONE]", {"say": "b"})) == [TextDelta("a"), Finished()]
    assert fed(Events(), sse({"end": "x"}, "[DONE]")) == [Finished("stop", "x")]


def test_without_a_proof_of_its_end_an_answer_is_cut() -> None:
    assert isinstance(fed(Events(), sse({"say": "a"}))[-1], Failed)
    assert not Lines.ends_with_body or not Events.ends_with_body


class Letters(ChatParser):
    """A wire that no other class reads: texts with a letter before each."""

    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        for byte in bytes(data):
            match chr(byte):
                case ".":
                    self.finish(None, out)
                case "~":
                    out.append(KeepAlive())
                case letter:
                    out.append(TextDelta(letter))

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        """Nothing waits."""


def test_a_framing_of_ones_own() -> None:
    assert fed(Letters(), b"a~b.", 1) == [TextDelta("a"), KeepAlive(), TextDelta("b"), Finished()]
    assert comparable(fed(Letters(), b"a"))[1][0] is StreamTruncated


class Wrong(Events):
    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        out.append(TextDelta(value["text"]))


def test_a_mistake_of_the_writer_is_not_hidden() -> None:
    with pytest.raises(KeyError, match="text"):
        Wrong().feed(BODY)


class Raising(Events):
    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        if "busy" in value:
            raise RateLimited(429, value["busy"])
        super().decode(event, value, out)


class RaisingLines(Lines):
    def decode(self, value: Any, out: list[ChatEvent]) -> None:
        if "busy" in value:
            raise RateLimited(429, value["busy"])
        super().decode(value, out)


def test_an_error_that_decode_raises_ends_the_answer() -> None:
    """As by fail(), for every cut: also where it is the last line, which only the body's end completes."""
    body = escaped({"say": "Grüß"}, {"busy": "later"}, {"say": "more"})
    whole = comparable(fed(Raising(), body))
    assert whole[0] == TextDelta("Grüß")
    assert whole[1][0] is RateLimited
    assert len(whole) == 2
    for at in range(1, len(body)):
        parser = Raising()
        assert comparable(parser.feed(body[:at]) + parser.feed(body[at:]) + parser.end()) == whole
    (failed,) = fed(RaisingLines(), b'{"busy": "later"}')
    assert isinstance(failed, Failed)
    assert type(failed.error) is RateLimited


# --- a question ------------------------------------------------------------------------------------------------------


def test_a_question_by_its_payload_alone() -> None:
    provider = Acme(api_key="k-123", headers={"x-team": "blue"})
    url, fields, body = sent(provider, max_tokens=9, persona="pirate", extra={"limits": {"words": 3}})
    assert url == "https://api.acme.example/v2/talk"
    assert (fields["authorization"], fields["x-team"], fields["content-type"]) == (
        "Bearer k-123", "blue", "application/json",
    )  # fmt: skip
    assert body == {
        "model": "acme-1", "turns": [["user", "Hello"]], "warmth": 1, "limits": {"tokens": 9, "words": 3},
        "persona": "pirate",
    }  # fmt: skip
    assert sent(provider, temperature=0.25, model="acme-2")[2] == {
        "model": "acme-2", "turns": [["user", "Hello"]], "warmth": 0.25,
    }  # fmt: skip
    assert sent(Acme(base_url="http://127.0.0.1:1/"))[0] == "http://127.0.0.1:1/v2/talk"


@pytest.mark.parametrize("url", ["https://api.acme.example/v2", "https://api.acme.example/v2/"])
@pytest.mark.parametrize("path", ["talk", "/talk"])
def test_slashes_between_url_and_path(url: str, path: str) -> None:
    cls = type("Slashes", (Acme,), {"info": replace(INFO, url=url), "path": path})
    assert sent(cls(api_key="k-123"))[0] == "https://api.acme.example/v2/talk"
    assert sent(cls(base_url="http://127.0.0.1:1/"))[0] == "http://127.0.0.1:1/v2/talk"


def test_a_wire_without_models() -> None:
    provider = with_info(default_model=None, needs_key=False)()
    assert sent(provider)[2]["model"] is None
    assert sent(provider, model="acme-2")[2]["model"] == "acme-2"


def test_without_a_path_the_url_is_the_whole_address() -> None:
    class Whole(AcmeText):
        info = replace(INFO, url="https://acme.example/api/chat")
        path = ""

    assert sent(Whole(api_key="k-123"))[0] == "https://acme.example/api/chat"
    assert sent(Whole(base_url="http://127.0.0.1:1"))[0] == "http://127.0.0.1:1/api/chat"


def test_nothing_is_lost_silently() -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "user", "content": "And?"},
    ]
    for provider in (Acme(api_key="k-123"), AcmeText(api_key="k-123")):
        with pytest.warns(OptionIgnored, match="acme does not take top_p and the tool calls"):
            sent(provider, messages, top_p=1)
    with pytest.raises(InvalidRequest, match=r"does not know the option 'personna' \(did you mean 'persona'\?\)"):
        sent(Acme(api_key="k-123"), personna="pirate")
    with pytest.raises(InvalidRequest, match="acme has no role 'tool'"):
        sent(Acme(api_key="k-123"), [{"role": "tool", "content": "4", "tool_call_id": "1"}])
    with pytest.raises(InvalidRequest, match=r"acme needs a key: give api_key=, or set .* ACME_API_KEY"):
        sent(Acme())
    with pytest.raises(InvalidRequest, match=r"acme needs a key: give api_key=$"):
        sent(with_info(api_key_env=None)())


def test_through_the_bare_core() -> None:
    run = Run(Exchange(Acme(api_key="k-123"), ChatRequest("Hello"))).over(Answer(BODY, headers=SSE))
    assert run.text == "Grüß Gott😀"
    assert run.exchange.reply.finish_reason == "stop"


def test_a_request_before_the_question() -> None:
    """As the docstring of Call writes it."""
    names = {"Call": Call, "JSONProvider": JSONProvider, "UnexpectedContent": UnexpectedContent}
    names |= {"re": re, "replace": replace}  # type: ignore[dict-item]
    exec(dedent("        class SessionCall" + (Call.__doc__ or "").partition("        class SessionCall")[2]), names)
    provider = type("Opened", (names["Session"], AcmeText), {})(api_key="k-123")
    token, answer = Answer(b'{"token": "t-secret"}', headers=JSON), Answer(b"Hello", headers=TEXT)
    run = Run(Exchange(provider, ChatRequest("Hi"))).over(token, Answer(b"", status=503), answer)
    setup, question, again = run.requests
    assert run.text == "Hello"
    assert (setup.url, setup.body) == ("https://api.acme.example/v2/session", b"")
    assert question.headers == again.headers
    assert dict(question.headers)["x-session-token"] == "t-secret"
    assert "t-secret" in question.secrets

    class Always(names["SessionCall"]):  # type: ignore[name-defined, misc]
        def renew(self, error: ChatError) -> bool:
            self.token = None
            return True

    naive = Always(setup, AcmeText(api_key="k-123").call(ChatRequest("Hi"), float))
    provider.call = lambda request, random: naive
    twice = Run(Exchange(provider, ChatRequest("Hi"), retry=1))
    with pytest.raises(AuthenticationFailed):
        twice.over(*[token, Answer(b"", status=401)] * 2)
    assert len(twice.sent) == 4
    del provider.call
    with pytest.raises(UnexpectedContent, match="the session has no token"):
        Run(Exchange(provider, ChatRequest("Hi"), retry=1)).over(Answer(b"{}", headers=JSON))


# --- a name ----------------------------------------------------------------------------------------------------------


def test_a_registered_name_is_as_any_other() -> None:
    assert "acme" not in providers.names()
    providers.register("acme", Acme)
    providers.register("acme", Acme)
    assert providers.names()[-1] == "acme"
    assert providers.info("Acme") is INFO
    provider = providers.create("ACME", api_key="k-123")
    assert type(provider) is Acme
    assert repr(provider) == "<provider acme at https://api.acme.example/v2>"
    with pytest.raises(InvalidRequest, match=r"no provider 'acmee' \(did you mean 'acme'\?\); known are .*acme$"):
        providers.create("acmee")


def test_a_class_that_is_defined_anew_takes_its_own_place() -> None:
    def cell() -> type[Provider]:
        class Again(Acme):
            """What a notebook's cell defines."""

        return Again

    first, second = cell(), cell()
    providers.register("acme", first)
    providers.register("acme", second)
    assert type(providers.create("acme")) is second
    with pytest.raises(InvalidRequest, match="the name 'acme' is taken"):
        providers.register("acme", Acme)


class NoInfo(Acme):
    info = None  # type: ignore[assignment]


class NoPayload(JSONProvider):
    info = INFO
    parser_class = Events


class NoCall(Provider):
    info = INFO
    parser_class = Events


class NoParser(JSONProvider):
    info = INFO

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any]:
        return {}


class Undecided(EventStreamParser):
    """Without decode()."""


HALF = type("Half", (Acme,), {"parser_class": Undecided})


def with_info(**changes: Any) -> type[Provider]:
    """Acme with other facts."""
    return type("Other", (Acme,), {"info": replace(INFO, **changes)})


@pytest.mark.parametrize(
    ("name", "provider", "said"),
    [
        ("", Acme, "'' cannot be one"),
        ("my acme", Acme, "'my acme' cannot be one"),
        (5, Acme, "5 cannot be one"),
        ("openai", with_info(name="openai"), "the name 'openai' is taken, by another provider"),
        ("open-AI", with_info(name="open-AI"), "the name 'open-AI' is taken"),
        ("acme", Acme(), "register() takes the class Acme, not an object of it"),
        ("acme", dict, "register() takes a subclass of providers.Provider, not dict"),
        ("acme", "Acme", "register() takes a subclass of providers.Provider, not 'Acme'"),
        ("acme", NoInfo, "NoInfo has no `info`: write info = ProviderInfo('acme', 'https://…') in it"),
        ("acme2", Acme, "Acme is called 'acme' in its info: register it by that name, not by 'acme2'"),
        ("acme", NoPayload, "NoPayload lacks payload()"),
        ("acme", NoCall, "NoCall lacks call()"),
        ("acme", NoParser, "NoParser has no `parser_class`: write parser_class = …"),
        ("acme", type("Made", (Acme,), {"parser_class": Events()}), "Made has no `parser_class`"),
        ("acme", type("Odd", (Acme,), {"parser_class": dict}), "Odd has no `parser_class`"),
        ("acme", type("Odd", (Acme,), {"key_header": "x-api-key"}), "key_header is one, as in ('x-api-key', '')"),
        ("acme", type("Odd", (Acme,), {"base_headers": {"accept": "*/*"}}), "Odd: base_headers has pairs, as in"),
        ("acme", type("Odd", (Acme,), {"base_headers": (("a b", ""),)}), "'a b' is not a header name"),
        ("acme", HALF, "Undecided, the parser_class of Half, lacks decode()"),
        ("acme", with_info(url="api.acme.example"), "'api.acme.example' is not an http:// or https:// URL"),
        ("acme", with_info(api_key_env="k-0123456789abcdef"), "variable for the key of acme must be given by its NAME"),
        ("acme", with_info(base_url_env="https://x"), "variable for the base URL of acme must be given by its NAME"),
        ("acme", with_info(default_model=5), "the default model of acme must be a str, not 5"),
        ("acme", with_info(models=("acme-1")), "the models of acme must be a tuple of names, not 'acme-1'"),
    ],
)  # fmt: skip
def test_what_cannot_be_registered(name: Any, provider: Any, said: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        providers.register(name, provider)
    assert said in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)
    assert providers._registered == {}


@pytest.mark.parametrize("asked", [providers.create, providers.info, lambda cls: Exchange(cls, ChatRequest("Hi"))])
def test_a_class_in_place_of_a_name_says_what_to_do(asked: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(Acme)
    assert str(caught.value) == (
        "Acme is a class: give an object of it, Acme(…), or register it with providers.register('acme', Acme), and "
        "give the name 'acme'"
    )


def test_of_many_threads_with_one_name_one_gets_it() -> None:
    classes = [type(f"Acme{n}", (Acme,), {}) for n in range(8)]
    barrier, refused = threading.Barrier(8), list[type]()

    def register(provider: type[Provider]) -> None:
        barrier.wait()
        try:
            providers.register("acme", provider)
        except InvalidRequest:
            refused.append(provider)

    threads = [threading.Thread(target=register, args=(provider,)) for provider in classes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = set(classes) - set(refused)
    assert len(refused) == 7
    assert type(providers.create("acme")) is winner


def test_a_source_is_asked_once_and_only_for_what_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_sources", {})
    asked = []

    def load() -> None:
        asked.append("once")
        providers.register("acme", Acme)

    providers.add_source(load)
    providers.info("openai")
    assert asked == []
    assert providers.info("acme") is INFO
    with pytest.raises(InvalidRequest):
        providers.info("nobody")
    assert "acme" in providers.names()
    assert asked == ["once"]


# --- a host ----------------------------------------------------------------------------------------------------------


def test_a_host_by_name() -> None:
    for _ in range(2):
        providers.register_host("gate", url="https://gate.example/openai", key="GATE_KEY", model="m")
    assert providers.info("gate") == ProviderInfo(
        "gate", "https://gate.example/openai", "m", api_key_env="GATE_KEY", needs_key=True
    )
    provider = providers.create("gate", api_key="k-123")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        url, fields, body = sent(provider, reasoning_effort="low", max_tokens=9, service_tier="any")
    assert (url, fields["authorization"]) == ("https://gate.example/openai/chat/completions", "Bearer k-123")
    # As base_url= with the name "openai": what OpenAI alone wants of its own models is not asked of a gateway.
    assert {"max_tokens": 9, "reasoning_effort": "low", "model": "m"}.items() <= body.items()
    other = providers.create("openai", base_url="https://gate.example/openai", api_key="k-123", model="m")
    assert sent(other, reasoning_effort="low", max_tokens=9, service_tier="any")[2] == body
    assert type(pickle.loads(pickle.dumps(provider))) is type(provider)
    assert pickle.loads(pickle.dumps(provider)).info == provider.info
    with pytest.raises(InvalidRequest, match=r"gate needs a key: give api_key=, or set .* GATE_KEY"):
        sent(providers.create("gate"))


@pytest.mark.parametrize(
    ("wire", "url", "path"),
    [
        ("openai", "https://h.example/api", "/api/chat/completions"),
        ("openai", "https://h.example/api/v1/chat/completions", "/api/v1/chat/completions"),
        ("openai_responses", "https://h.example/v1/", "/v1/responses"),
        ("anthropic", "https://h.example/anthropic", "/anthropic/v1/messages"),
        ("gemini", "https://h.example/gemini", "/gemini/v1beta/models/m:streamGenerateContent?alt=sse"),
        ("Ollama", "http://box:11434", "/api/chat"),
        ("vllm", "http://box:8000/v1", "/v1/chat/completions"),
    ],
)
def test_a_host_of_another_wire(wire: str, url: str, path: str) -> None:
    providers.register_host("gate", url=url, wire=wire)
    provider = providers.create("gate", model="m")
    assert not provider.at_vendor
    assert sent(provider)[0].endswith(path)
    assert pickle.loads(pickle.dumps(provider)).at_vendor is False
    if wire != "vllm":
        with pytest.raises(InvalidRequest, match="gate needs a model: give model="):
            sent(providers.create("gate"))


def test_whose_thinking_it_is() -> None:
    """Thinking without a signature goes back to other hosts of Anthropic's wire, not to Anthropic."""
    providers.register_host("gate", url="https://h.example", wire="anthropic", model="m")
    assert providers.create("anthropic").at_vendor
    assert not providers.create("anthropic", base_url="https://h.example").at_vendor
    assert not providers.create("gate").at_vendor


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "openai"}, "the name 'openai' is taken"),
        ({"name": "a b"}, "'a b' cannot be one"),
        ({"url": "gate.example"}, "is not an http:// or https:// URL"),
        ({"url": 5}, "URL"),
        ({"key": "sk-0123456789abcdef"}, "must be given by its NAME, in capitals"),
        ({"key": "abcdef0123456789abcdef"}, "must be given by its NAME, in capitals"),
        ({"key": ""}, "must be given by its NAME"),
        ({"model": ""}, "the default model of gate must be a str, not ''"),
        ({"wire": "opnai"}, "no other host speaks the wire 'opnai' (did you mean 'openai'?); known are anthropic"),
        ({"wire": "azure_openai"}, "no other host speaks the wire 'azure_openai'"),
        ({"wire": None}, "no other host speaks the wire a value of type NoneType"),
    ],
)
def test_what_no_host_can_have(changes: dict[str, Any], said: str) -> None:
    settings = {"name": "gate", "url": "https://gate.example", **changes}
    with pytest.raises(InvalidRequest) as caught:
        providers.register_host(settings.pop("name"), **settings)
    assert said in str(caught.value)
    assert "0123456789abcdef" not in str(caught.value)


def test_a_host_keeps_its_name() -> None:
    providers.register_host("gate", url="https://gate.example", key="GATE_KEY")
    with pytest.raises(InvalidRequest, match="the name 'Gate' is taken"):
        providers.register_host("Gate", url="https://other.example", key="GATE_KEY")
    assert providers.info("gate").url == "https://gate.example"
