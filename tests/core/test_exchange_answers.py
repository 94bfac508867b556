"""What any answer of the four systems means, in every cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from exchange_driver import HTML, JSON, PAGE, SSE, TEXT, Answer, Run, chunk, cuts, exchange, sse, stream

from sansio_core import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ChatEvent,
    ConnectionLost,
    Failed,
    Finished,
    HTTPStatusError,
    KeepAlive,
    LimitExceeded,
    Limits,
    ProtocolViolation,
    ProviderRefused,
    RateLimited,
    ReasoningDelta,
    ServerFailed,
    StreamTruncated,
    TextDelta,
    UnexpectedContent,
    UnknownFrame,
    providers,
)
from sansio_core.dialects.base import EventStreamParser

FOUR = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo")


# --- answers: how long they may be ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "enough"),
    [
        ("acytoo", b"Green hills", 11),
        ("free_netfly", BODY := stream("Green ", "hills"), BODY.index(b"data: [DONE]")),  # the finish reason is the end
    ],
)
def test_a_body_may_have_so_many_bytes_and_not_one_more(name: str, body: bytes, enough: int) -> None:
    cut = body.index(b"hills")
    for pieces in cuts(body):
        assert Run(exchange(name, limits=Limits(decompressed=enough))).over(Answer(pieces)).text == "Green hills"
        run = Run(exchange(name, limits=Limits(decompressed=cut)))
        with pytest.raises(LimitExceeded) as caught:
            run.over(Answer(pieces))
        assert (caught.value.limit, caught.value.size) == ("decompressed", cut)
        assert (run.text, run.exchange.reply.text, len(run.sent)) == ("Green ", "Green ", 1)


# --- answers: event streams ------------------------------------------------------------------------------------------

NOISE = (
    b": hello\n\n"
    b"id: 7\nretry: 10\nevent: message\n"
    + sse(chunk(""), end="\n")
    + sse({"choices": []}, {"choices": [{"delta": None}]}, {"choices": [{"delta": {"content": None}}]})
    + sse({"choices": [{"delta": {"reasoning_content": "hmm"}}]})
)
WORDS = ("Hé", "llo ", "世界 🌍", "\u2028!")
USAGE = {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("space", [True, False])
def test_an_event_stream_in_every_cut(end: str, space: bool) -> None:
    body = NOISE + sse(*map(chunk, WORDS), chunk(None, "stop"), USAGE, "[DONE]")
    body = b"\xef\xbb\xbf" + body.replace(b"\n", end.encode())
    if not space:
        body = body.replace(b"data: ", b"data:")
    for pieces in cuts(body):
        run = Run(exchange("free_netfly")).over(Answer(pieces))
        reply = run.exchange.reply
        assert run.text == reply.text == "".join(WORDS)
        assert reply.reasoning == "hmm"
        assert run.events.count(ReasoningDelta("hmm")) == 1
        assert (reply.finish_reason, reply.complete) == ("stop", True)
        assert reply.usage is not None
        assert reply.usage.output_tokens == 4
        assert KeepAlive("hello") in run.events


def test_data_over_several_lines_and_bytes_that_are_no_text() -> None:
    body = b'data: {"choices":[{"delta":\ndata: {"content": "a\xff\xe4\xb8b"}}]}\n\n' + sse("[DONE]")
    for pieces in cuts(body):
        assert Run(exchange("free_netfly")).over(Answer(pieces)).text == "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    "garbage", ['{"choices": [{"delta": {"content": "x', "not json", "{}", "null", "5", '"x"', "[1]"]
)
def test_a_malformed_line_is_reported_and_never_printed(garbage: str) -> None:
    for pieces in cuts(sse(chunk("a"), garbage, chunk("b"), "[DONE]")):
        run = Run(exchange("free_netfly")).over(Answer(pieces))
        assert run.text == "ab"
        assert len([event for event in run.events if isinstance(event, UnknownFrame)]) == 1
        assert run.exchange.reply.complete


@pytest.mark.parametrize("name", FOUR[:2])
@pytest.mark.parametrize(
    ("body", "headers", "kind", "said"),
    [
        (sse(chunk("a"), {"error": {"message": "slow", "type": "rate_limit_error"}}), SSE, RateLimited, "slow"),
        (b'event: error\ndata: {"message": "over"}\n\n', SSE, ProviderRefused, "over"),
        (b"event: error\ndata: just words\n\n", SSE, ProviderRefused, "just words"),
        (b'{"error": {"message": "sick", "code": 500}}', JSON, ServerFailed, "sick"),
        (b'{\n "error": {\n  "message": "sick",\n  "code": "server_error"\n }\n}\n', JSON, ServerFailed, "sick"),
        (sse(chunk("a")) + b'{"error": {"message": "sick", "code": 500}}', SSE, ServerFailed, "sick"),
        (b"\n\n<!DOCTYPE html>\n<title>Just a moment</title>", HTML, UnexpectedContent, "HTML page"),
        (b"", SSE, StreamTruncated, "answer is empty: its body has not a single byte"),
        (b"garbage\n", SSE, StreamTruncated, "end marker"),
        (b'{"choices": [{"message": {"content"', JSON, StreamTruncated, "end marker"),
    ],
)
def test_an_error_within_a_good_answer(name: str, body: bytes, headers: Any, kind: type[ChatError], said: str) -> None:
    page = [Answer(PAGE)] if name == "chatgpt_free" else []
    for pieces in cuts(body):
        run = Run(exchange(name, retry=1))
        with pytest.raises(kind, match=said) as caught:
            run.over(*page, Answer(pieces, headers=headers))
        assert "200" not in str(caught.value)
        assert run.text == ("a" if body.startswith(b"data") else "")
        assert caught.value.reply is run.exchange.reply
        assert not run.exchange.reply.complete


def test_raw_text_in_every_cut() -> None:
    for name in FOUR[2:]:
        for headers in (TEXT, JSON, (), (("content-type", "application/octet-stream"),)):
            for pieces in cuts("Grüße, 世界\r\n🌍".encode()):
                run = Run(exchange(name)).over(Answer(pieces, headers=headers))
                assert run.text == run.exchange.reply.text == "Grüße, 世界\r\n🌍"
                assert run.exchange.reply.complete


# --- a parser by itself ----------------------------------------------------------------------------------------------


def test_a_parser_closes_with_the_last_events_or_says_that_they_are_not_the_end() -> None:
    parser = providers.create("free_netfly").parser()
    assert parser.feed(stream("Hello"))[-1] == Finished("stop", "stop")
    assert parser.close() == []
    parser = providers.create("free_netfly").parser()
    parser.feed(sse(chunk("a")))
    parser.feed(sse(chunk("b")).rstrip())
    with pytest.raises(StreamTruncated) as caught:
        parser.close()
    assert caught.value.events == (TextDelta("b"),)
    parser = providers.create("free_netfly").parser()
    assert isinstance(parser.feed(sse({"error": "no"}))[-1], Failed)
    assert parser.close() == [], "the failure was told"


def test_json_that_is_none_among_stray_lines_is_reported() -> None:
    run = Run(exchange("free_netfly")).over(Answer(b"{'single': 'quotes'}\n{}\n" + stream("Hello")))
    assert run.text == "Hello"
    assert UnknownFrame("{'single': 'quotes'}", "not JSON") in run.events


class Bottomless(EventStreamParser):
    """A dialect that goes as deep as the JSON does."""

    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        self.decode(event, value, out)

    def done(self, out: list[ChatEvent]) -> None:
        """Nothing: another dialect's end."""


def test_too_deep_is_the_peers_fault() -> None:
    fed, ended = Bottomless(), Bottomless()
    assert ended.feed(b"data: {}") == []
    for events in (fed.feed(b": hi\n\ndata: {}\n\n"), ended.end()):
        assert isinstance(events[-1], Failed)
        assert isinstance(events[-1].error, ProtocolViolation)
        assert "too deeply" in str(events[-1].error)
    assert (fed.complete, fed.ended, ended.ended) == (False, True, True)


@pytest.mark.parametrize("depth", [*range(850, 1000, 3), 100_000])
def test_deep_json_within_a_stream(depth: int) -> None:
    for opening, middle, closing in (
        ("[", "", "]"),
        ('{"a":', "1", "}"),
        ('{"choices":[', "", "]}"),
        ('{"error":', "1", "}"),
    ):
        body = opening * depth + middle + closing * depth
        parser = providers.create("free_netfly").parser()
        events = parser.feed(f"data: {body}\n\n".encode()) + parser.end()
        assert isinstance(events[-1], Failed)


# --- what a refusal says of the request


def refused(name: str, status: int, body: bytes = b"", **config: Any) -> HTTPStatusError:
    run = Run(exchange(name, config=config, retry=1))
    with pytest.raises(HTTPStatusError) as caught:
        run.over(Answer(body, status=status, headers=JSON))
    return caught.value


def test_a_wrong_address_is_named() -> None:
    error = refused("openai", 404, base_url="https://other.example/wrong", api_key="sk-secret")
    assert error.url == "https://other.example/wrong/v1/chat/completions"
    assert str(error).startswith(
        "the provider does not know this address or model (status 404, https://other.example/wrong/v1/chat/completions)"
    )
    assert "sk-secret" not in str(error)


@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "ollama", "groq"])
def test_a_model_that_is_not_there_says_how_to_list_those_that_are(name: str) -> None:
    error = refused(name, 404, b'{"error": {"message": "no such model"}}', api_key="k", model="gone")
    assert "no such model" in str(error)
    assert "models()" in error.hint
    assert error.hint in str(error)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("anthropic", "model: claude-3-opus-20240229", "claude-3-opus-20240229 is shut down on 2026-01-05: platform."),
        ("openai", "The model `gpt-4-turbo` does not exist", "gpt-4-turbo is shut down on 2026-10-23: developers."),
        ("gemini", "models/gemini-2.0-flash is not found", "models/gemini-2.0-flash is shut down on 2026-06-01: ai."),
        ("openai", "The model `gpt-6-sol` does not exist", "see base_url= and model="),
    ],
)
def test_a_model_that_has_ended_is_told(name: str, said: str, hint: str) -> None:
    error = refused(name, 404, json.dumps({"error": {"message": said}}).encode(), api_key="k")
    assert error.hint.startswith(hint)
    assert "models()" in error.hint


def test_a_host_without_a_list_of_models_promises_none() -> None:
    assert refused("yqcloud", 404).hint == ""


@pytest.mark.parametrize(
    ("name", "config", "sent"),
    [
        ("openai", {"base_url": "https://other.example"}, False),
        ("openai", {"base_url": "https://other.example", "api_key": "sk-wrong"}, True),
        ("openai", {"base_url": "https://other.example", "headers": {"x-portkey-api-key": "wrong"}}, True),
        ("openai", {"base_url": "https://other.example", "headers": {"x-anything": "a-value-of-some-length"}}, False),
        ("openai", {"base_url": "https://other.example", "cookies": {"session": "a-value-of-some-length"}}, False),
        ("anthropic", {"api_key": "k"}, True),
        ("gemini", {"api_key": "k"}, True),
        ("ollama", {}, False),
        ("free_netfly", {}, False),
    ],
)
def test_a_key_that_was_not_sent_was_not_refused(name: str, config: dict[str, Any], sent: bool) -> None:
    error = refused(name, 401, **config)
    assert isinstance(error, AuthenticationFailed)
    assert error.key_sent is sent
    start = "the provider did not accept the key" if sent else "the provider wants a key, and none was sent"
    assert str(error).startswith(f"{start} (status 401)")
    variable = providers.info(name).api_key_env
    assert error.hint == ("" if sent or not variable else f"give api_key=, or set the environment variable {variable}")


def test_permission_is_not_of_the_key_alone() -> None:
    assert "none was sent" not in str(refused("ollama", 403))


def test_a_page_without_words_is_named_without_a_colon() -> None:
    run = Run(exchange("openai", config={"api_key": "k"}, retry=1))
    with pytest.raises(UnexpectedContent, match=r"^an HTML page came in place of an answer$"):
        run.over(Answer(b"<html><script src='x'></script></html>", headers=HTML))


# --- what header fields tell of the account --------------------------------------------------------------------------


def test_header_fields_that_tell_of_the_account() -> None:
    told = {
        "x-ratelimit-remaining-tokens": "150000",
        "anthropic-ratelimit-requests-reset": "2026-11-22T00:00:00Z",
        "openai-processing-ms": "12",
        "x-litellm-response-cost": "0.01",
        "fireworks-prompt-tokens": "9",
    }
    others = [("Server", "cloudflare"), ("Set-Cookie", "a=b"), ("x-request-id", "r-1"), ("openai-processing-ms", "99")]
    run = Run(exchange("free_netfly")).over(
        Answer(stream("Hi"), headers=[*SSE, *((name.title(), value) for name, value in told.items()), *others])
    )
    assert run.exchange.reply.headers == told
    assert run.exchange.reply.request_id == "r-1"


def test_of_several_attempts_the_last_tells_and_a_page_tells_nothing() -> None:
    full, empty = ([*SSE, ("x-ratelimit-remaining", left)] for left in ("0", "9"))
    run = Run(exchange("free_netfly", retry=2)).over(
        Answer(b"slow down", 429, full), Answer(stream("Hi"), headers=empty)
    )
    assert run.exchange.reply.headers == {"x-ratelimit-remaining": "9"}
    page = [*HTML, ("x-ratelimit-remaining", "5")]
    run = Run(exchange("chatgpt_free")).over(Answer(PAGE, headers=page), Answer(stream("Hi")))
    assert run.exchange.reply.headers == {}
    failed = Run(exchange("free_netfly", retry=1))
    with pytest.raises(RateLimited) as caught:
        failed.over(Answer(b"slow down", 429, full))
    assert caught.value.reply is not None
    assert caught.value.reply.headers == {"x-ratelimit-remaining": "0"}


def test_a_key_in_such_a_field_is_taken_out() -> None:
    key = "sk-0123456789abcdef"
    ours = exchange("openai", config={"api_key": key})
    run = Run(ours).over(Answer(stream("Hi"), headers=[*SSE, ("x-litellm-key", f"key {key}")]))
    assert key not in str(run.exchange.reply.headers)
    assert run.exchange.reply.headers["x-litellm-key"].startswith("key ")


@pytest.mark.parametrize("end", ["proven", "the connection's", "cancelled", "cancelled before a finish reason"])
def test_a_key_in_the_names_of_an_answer_is_taken_out(end: str) -> None:
    key = "sk-0123456789abcdef"
    ours = exchange("openai", config={"api_key": key})
    ours.next_action(0)
    ours.receive_head(200, SSE, 0)
    reason = None if "before" in end else "stop"
    ours.receive_data(sse(chunk("Hi", reason, id=key, model=f"for {key}")), 1)
    if end == "proven":
        ours.receive_data(b"data: [DONE]\n\n", 2)
    else:
        ours.receive_failure(ConnectionLost() if end == "the connection's" else Cancelled(), 2)
    assert (ours.reply.id, ours.reply.model, ours.reply.text) == ("[hidden]", "for [hidden]", "Hi")
