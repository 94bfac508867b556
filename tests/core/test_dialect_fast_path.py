"""The fast paths of text change no event: each dialect against itself without one."""

import json
from typing import Any

import gemini_frames as gemini
import pytest
from dialect_harness import comparable, fed, ndjson, sse
from hypothesis import given, settings
from hypothesis import strategies as st
from ollama_frames import DONE
from openai_chat_frames import DONE as DONE_MARK
from openai_chat_frames import chunk
from openai_responses_frames import completed, ev, text

from sansio_core import ChatEvent, ReasoningDelta, Started, TextDelta, UsageReport
from sansio_core.dialects.base import EventStreamParser
from sansio_core.dialects.gemini import GeminiParser
from sansio_core.dialects.ollama import OllamaParser
from sansio_core.dialects.openai_chat import OpenAIChatParser
from sansio_core.dialects.openai_responses import OpenAIResponsesParser
from sansio_core.dialects.text_template import Templates
from sansio_core.parsers import SSEJSONParser


def decoded(kind: type[EventStreamParser], body: bytes, step: int = 0) -> list[Any]:
    """The events where every event of the stream is decoded."""
    parser = kind()
    parser._frames = SSEJSONParser()
    return comparable(fed(parser, body, step))


def same_as_decoded(kind: type[EventStreamParser], body: bytes, *steps: int) -> None:
    whole = decoded(kind, body)
    for step in (len(body), *steps):
        assert comparable(fed(kind(), body, step)) == whole, step


# --- OpenAI's two APIs ------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(['{"content":"x"}', "\\", '"', "\n", "\u2028", "é", "\ud83d", "\x00"])
)
PADDED = st.fixed_dictionaries(
    {}, optional={"obfuscation": st.sampled_from(["", "ab", "xyz1", 'q"', 5]), "p": st.just("x")}
)
ODD_DELTAS: list[Any] = [
    {"role": "assistant"},
    {"reasoning": "r"},
    {"content": None},
    {"content": "a", "content ": 1},
    {"audio": {"obfuscation": "x"}, "content": "a"},
]
CHUNKS = st.builds(
    lambda name, delta, index, reason, padding, same: {
        **name,
        "choices": [{"index": index, "delta": delta, "finish_reason": reason}],
        **padding,
        **same,
    },
    st.sampled_from([{"id": "c"}, {"id": "c"}, {"id": "d"}, {"id": "d", "created": 5}, {"id": "", "model": "m"}, {}]),
    st.one_of(st.builds(lambda text: {"content": text}, TEXTS), st.sampled_from(ODD_DELTAS)),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([None, None, None, "stop"]),
    PADDED,
    st.sampled_from(
        [
            {},
            {},
            {"created": 1},
            {"x": {"p": "1"}},
            {"content": "outer"},
            {"x": {"obfuscation": "y"}},
            {"service_tier": "flex"},
            {"service_tier": "auto"},
            {"system_fingerprint": "f"},
            {"system_fingerprint": "g", "timings": {"p": "1"}},
        ]
    ),
)


@settings(max_examples=150)
@given(
    st.lists(st.one_of(CHUNKS, st.builds(lambda text: chunk({"content": text}), TEXTS)), min_size=1, max_size=12),
    st.data(),
)
def test_chunks_say_the_same(chunks: list[Any], data: st.DataObject) -> None:
    spaced = data.draw(st.booleans())
    ascii_only = data.draw(st.booleans())
    texts = [json.dumps(c, ensure_ascii=ascii_only, separators=None if spaced else (",", ":")) for c in chunks]
    body = "".join(f"data: {text}\n\n" for text in texts).encode("utf-8", "surrogatepass")
    per_event = max(1, len(body) // len(chunks))
    same_as_decoded(OpenAIChatParser, body, per_event, 2 * per_event, 7, data.draw(st.integers(1, len(body))))


KINDS = ["output_text", "output_text", "output_text", "refusal", "reasoning_text", "function_call_arguments"]
RESPONSE_DELTAS = st.builds(
    lambda kind, piece, index, number, padding: ev(
        f"{kind}.delta", sequence_number=number, output_index=index, delta=piece, **padding
    ),
    st.sampled_from(KINDS),
    st.text(max_size=5),
    st.sampled_from([0, 0, 0, 1]),
    st.one_of(st.integers(0, 10**17), st.sampled_from([1.5, -1, "x"])),
    st.sampled_from([{}, {"obfuscation": "abc"}, {"obfuscation": ""}, {"logprobs": []}, {"logprobs": [{"p": "x"}]}]),
)


@settings(max_examples=100)
@given(st.lists(RESPONSE_DELTAS, min_size=1, max_size=15), st.data())
def test_events_of_a_response_say_the_same(values: list[Any], data: st.DataObject) -> None:
    body = sse(*values, completed())
    per_event = max(1, len(body) // len(values))
    same_as_decoded(OpenAIResponsesParser, body, per_event, 2 * per_event, data.draw(st.integers(1, len(body))))


@pytest.mark.parametrize("varying", ["", "obfuscation", "id", "response"])
def test_the_fast_path_is_taken(varying: str) -> None:
    """Else the properties above compare the plain path with itself."""
    frames = (OpenAIResponsesParser if varying == "response" else OpenAIChatParser)()._frames
    taken = 0
    for i in range(20):
        more = {"id": "c"} | ({varying: "x" * i} if varying else {})
        value = chunk({"content": f"a{i}\n"}, **more)
        if varying == "response":
            value = text(f"a{i}", sequence_number=i, output_index=0, obfuscation="x" * (i % 5))
        (item,) = frames.feed(sse(value))
        assert isinstance(item, tuple)
        taken += type(item[1]) is TextDelta
    assert taken >= 17


@pytest.mark.parametrize("more", [{}, {"id": "c"}])
def test_a_later_stream_of_a_provider_begins_like_its_first(more: dict[str, str]) -> None:
    """Templates are shared by a provider's streams; Started and the choices are each stream's own."""
    templates = Templates()
    values = [chunk({"content": f"a{i}"}, index=i // 8, **more) for i in range(16)]
    for before in ([], [], [chunk({"content": "b"})], [chunk({"content": "b"}, "stop", id="d")]):
        body = sse(*before, *values) + DONE_MARK
        assert comparable(fed(OpenAIChatParser(templates=templates), body, 150)) == decoded(OpenAIChatParser, body)
    assert templates.known


@pytest.mark.parametrize("before", [0, 4])
@pytest.mark.parametrize("after", [0, 4])
def test_usage_is_that_of_the_last_chunk(before: int, after: int) -> None:
    """A chunk that took the fast path has usage of its own, which is decoded later; here before and after the end."""

    def value(i: int, **more: Any) -> Any:
        return gemini.chunk(gemini.text(f"w{i}"), usageMetadata={"promptTokenCount": i}, **more)

    values = [*map(value, range(before)), value(10, finish="STOP"), *map(value, range(20, 20 + after))]
    same_as_decoded(GeminiParser, sse(*values), 30, 150, len(sse(values[0])))
    reports = [event for event in fed(GeminiParser(), sse(*values), 150) if isinstance(event, UsageReport)]
    assert reports[-1].input_tokens == (20 + after - 1 if after else 10)


FIRST = sse(chunk({"content": "a"}))
CONTROL = FIRST.replace(b'"a"', b'"a\x01"')  # a control character within a string is no JSON
CUT = FIRST.replace(b'"a"', b'"a')
TWICE = sse(*(chunk({"content": "a"}, content=beside) for beside in "bbc"))


@pytest.mark.parametrize("bad", [CONTROL, CUT, FIRST[:-4] + b"\n\n"])
@pytest.mark.parametrize("before", [[FIRST, FIRST], [b": a comment\n\n"]])  # with a template, and without one yet
def test_what_follows_the_template_in_one_feed(before: list[bytes], bad: bytes) -> None:
    parser = OpenAIChatParser()
    events = [event for piece in [*before, bad + FIRST] for event in parser.feed(piece)] + parser.end()
    assert comparable(events) == decoded(OpenAIChatParser, b"".join(before) + bad + FIRST)


@pytest.mark.parametrize(
    "body",
    [
        FIRST * 3 + CONTROL,
        FIRST * 3 + CUT,
        FIRST * 3 + CONTROL * 2 + CUT * 2 + FIRST,
        TWICE,
        TWICE.replace(b'"finish_reason"', b'"\\u0066inish_reason"'),
    ],
)
def test_what_looks_like_the_template_and_is_not(body: bytes) -> None:
    for step in (len(FIRST), len(body) // 3, len(body)):
        assert comparable(fed(OpenAIChatParser(), body, step)) == decoded(OpenAIChatParser, body, step)


# --- chunks of text as Ollama writes them, which are not decoded as JSON ----------------------------------------------


class Decoding(OllamaParser):
    """Decodes every line."""

    def _usual(self, line: str, out: list[ChatEvent]) -> bool:
        return False


AT = '{"model":"m","created_at":"2025-10-26T17:15:24.097767Z",'
SAID = AT + '"message":{"role":"assistant","content":"a"},"done":false}'
THOUGHT = SAID.replace('"a"', '"","thinking":"a"')
GIVEN = AT + '"response":"a","done":false}'
REMOTE, OTHER = (SAID.replace('"m",', f'"m","remote_model":"{name}","remote_host":"h",') for name in "rs")
TOLD = (SAID, GIVEN, THOUGHT, REMOTE)
ODD_TEXTS = ["", "é日😀", "\\n", "\\", "\\ud83d", '"', "\x7f", "\x1f", "\t"]
ENDS = ["true", "null", 'false,"done_reason":"stop"', ""]
NEARLY = [
    *(line.replace('"a"', f'"{text}"') for line in TOLD for text in ODD_TEXTS),
    *(line.replace("false", end) for line in TOLD for end in ENDS),
    *(line + end for line in TOLD for end in (" ", "}", "{}", "\u2028", "\r", "1")),
    *(" " + line for line in TOLD),
    SAID.replace('"a"', '"a","thinking":"t"'),
    THOUGHT.replace('"thinking":"a"', '"thinking":null'),
    REMOTE.replace('"remote_host":"h",', ""),
    OTHER,
    SAID.replace('"a"', '"a","content":"b"'),
    SAID.replace('"a"}', '"a"'),
    SAID.replace("assistant", "tool"),
    GIVEN.replace('"a"', '"a"}'),
    AT.replace('"m"', "5") + '"response":"b","done":false}',
    "text",
    '{"response":',
    '"c"}',
    "[",
]


@pytest.mark.parametrize("first", [DONE, {"message": {}}, {"model": "m", "response": "b"}, None])
@pytest.mark.parametrize("line", NEARLY)
def test_a_chunk_of_text_says_the_same_undecoded(line: str, first: Any) -> None:
    same_undecoded(ndjson(first) + line.encode() + b"\n" + SAID.encode())


@given(st.lists(st.sampled_from([*TOLD, *NEARLY]), max_size=6))
def test_chunks_of_text_say_the_same_undecoded(lines: list[str]) -> None:
    same_undecoded("".join(f"{line}\n" for line in lines).encode())


def same_undecoded(body: bytes) -> None:
    for step in (1000, 100):
        quick, plain = (kind() for kind in (OllamaParser, Decoding))
        for at in range(0, len(body), step):
            assert comparable(quick.feed(body[at : at + step])) == comparable(plain.feed(body[at : at + step]))
        assert comparable(quick.end()) == comparable(plain.end())


def test_chunks_of_text_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the properties above compare the plain path with itself."""
    parser = OllamaParser()
    remote = OllamaParser()
    assert parser.feed(f"{SAID}\n".encode()) == [Started(None, "m"), TextDelta("a")]
    assert len(remote.feed(f"{REMOTE}\n".encode())) == 3
    monkeypatch.setattr(OllamaParser, "decode", None)
    assert parser.feed(f"{SAID}\n{GIVEN}\n{THOUGHT}\n".encode()) == [
        TextDelta("a"),
        TextDelta("a"),
        ReasoningDelta("a"),
    ]
    assert remote.feed(f"{REMOTE}\n".encode()) == [TextDelta("a")]
