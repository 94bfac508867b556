"""Messages of Chat Completions: files, tools' answers with images, marks for the cache, sound, custom calls."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from dialect_harness import PIXEL, asked, sent
from openai_chat_frames import calls as calls_of
from openai_chat_frames import chunk, said
from test_openai_chat_models import ELSEWHERE, body, refused

from sansio_core import FilePart, ImagePart, InvalidRequest, Reply, TextPart, ToolCall

PDF = b"%PDF-1.7"
PDF_URL = f"data:application/pdf;base64,{b64encode(PDF).decode()}"
LINK = FilePart("https://x.example/a.pdf")
WAV = FilePart(b"RIFF....WAVE")
FILM = FilePart("https://x.example/a.mp4")


def part(host: str, given: Any, model: str = "m", role: str = "user", **options: Any) -> Any:
    """The part in the body."""
    wire, told = body(model, [{"role": role, "content": ["See:", given]}], host=host, **options)
    assert told == []
    text, other = wire["messages"][0]["content"]
    assert text == {"type": "text", "text": "See:"}
    return other


def no_part(host: str, given: Any, model: str = "m", role: str = "user") -> str:
    return refused(model, messages=[{"role": role, "content": ["See:", given]}], host=host)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "given", "wire"),
    [
        ("openai", FilePart(PDF, name="a.pdf"), {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF_URL}}),
        ("openai", FilePart(PDF), {"type": "file", "file": {"filename": "file.pdf", "file_data": PDF_URL}}),
        ("openai", WAV, {"type": "input_audio", "input_audio": {"data": "UklGRi4uLi5XQVZF", "format": "wav"}}),
        (
            "openai",
            FilePart(b"ID3", name="a.mp3"),
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        ),
        ("openai", FilePart(PIXEL), {"type": "image_url", "image_url": {"url": PIXEL}}),
        ("openai", FilePart("https://x/a.png"), {"type": "image_url", "image_url": {"url": "https://x/a.png"}}),
        ("openai", FilePart(b"a,b", name="t.csv"), {"type": "text", "text": "t.csv:\na,b"}),
        ("groq", FilePart(b"{}", "application/json"), {"type": "text", "text": "{}"}),
        ("openai", {"type": "file", "file": {"file_id": "f1"}}, {"type": "file", "file": {"file_id": "f1"}}),
        (
            "openrouter",
            LINK,
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "https://x.example/a.pdf"}},
        ),
        ("openrouter", FILM, {"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}}),
        (
            "openrouter",
            FilePart("data:audio/ogg;base64,T2dn"),
            {"type": "input_audio", "input_audio": {"data": "T2dn", "format": "ogg"}},
        ),
        (
            "mistral",
            LINK,
            {"type": "document_url", "document_url": "https://x.example/a.pdf", "document_name": "a.pdf"},
        ),
        ("mistral", FilePart("https://x/a.mp3"), {"type": "input_audio", "input_audio": "https://x/a.mp3"}),
        ("mistral", WAV, {"type": "input_audio", "input_audio": "UklGRi4uLi5XQVZF"}),
        ("vllm", FilePart("https://x/a.wav"), {"type": "audio_url", "audio_url": {"url": "https://x/a.wav"}}),
        ("fireworks", FILM, {"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}}),
    ],
)
def test_a_file_in_the_hosts_form(host: str, given: Any, wire: dict[str, Any]) -> None:
    assert part(host, given) == wire


@pytest.mark.parametrize(
    ("host", "given", "words"),
    [
        ("openai", LINK, "takes such a file as bytes only: give these in place of https://x.example/a.pdf"),
        ("openai", FILM, "takes no file (video/mp4) in a message; it takes texts, images and application/pdf, audio/"),
        ("openai", FilePart(b"PK", name="a.docx"), "the provider 'openai_responses' takes more kinds of files"),
        ("azure_openai", FilePart(PDF), "azure_openai takes no file (application/pdf)"),
        ("groq", FilePart(PDF), "groq takes no file (application/pdf) in a message; it takes texts, images"),
        ("openai", FilePart(b"??"), "is not known: give media_type="),
        ("openai", {"type": "tool_result", "tool_use_id": "t"}, "openai takes no part of type 'tool_result'"),
        ("vllm", {"type": "tool_use", "id": "t"}, "vllm takes no part of type 'tool_use'"),
        ("vllm", {"type": "thinking", "thinking": "Hm", "signature": "s"}, "takes no part of type 'thinking'"),
        ("openai", {"type": "file", "file_id": "f1"}, "openai takes no part of type 'file'"),
        ("vllm", {"type": "thinking"}, "takes no part of type 'thinking'"),
        ("openai", ImagePart(PIXEL, "ultra"), "no detail of images 'ultra'"),
        ("ollama_openai", ImagePart("https://x/a.png"), "takes images as data only: give the bytes of https://x/a.png"),
        ("ollama_openai", FilePart("https://x/a.png"), "takes images as data only"),
    ],
)
def test_a_file_that_a_host_cannot_take(host: str, given: Any, words: str) -> None:
    config = {"base_url": "https://res.openai.azure.com"} if host == "azure_openai" else {}
    assert words in refused("m", messages=[{"role": "user", "content": ["See:", given]}], host=host, **config)


SOUND_OF_MISTRAL = {"type": "input_audio", "input_audio": "https://x.example/a.mp3"}
FILE_OF_GEMINI = {"fileData": {"fileUri": "gs://b/a.mp4"}, "videoMetadata": {"fps": 1}}
DOCUMENT_OF_MISTRAL = {"type": "document_url", "document_url": "https://x.example/a.pdf", "document_name": "a"}
SOUND_OF_VLLM = {"type": "audio_url", "audio_url": {"url": "https://x.example/a.mp3"}}
OWN = {"type": "own", "own": 1}
DOCUMENT_OF_GROQ = {"type": "document", "document": {"data": {"a": 1}}}
THINKING_OF_MISTRAL = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}


@pytest.mark.parametrize(
    ("given", "takers"),
    [
        (SOUND_OF_MISTRAL, {"mistral"}),
        (FILE_OF_GEMINI, set()),
        (DOCUMENT_OF_MISTRAL, {"mistral"}),
        (THINKING_OF_MISTRAL, {"mistral"}),
        (DOCUMENT_OF_GROQ, {"groq"}),
        (SOUND_OF_VLLM, {"vllm", "together", "huggingface"}),
        (OWN, {"vllm", "together", "huggingface"}),
        ({"type": "file", "file": {"file_id": "f"}}, {"openai", "vllm", "together", "huggingface"}),
        ({"type": "file", "file_id": "f"}, {"mistral"}),
    ],
)
def test_parts_in_a_wires_own_form(given: dict[str, Any], takers: set[str]) -> None:
    hosts = ("openai", "azure_openai", "groq", "mistral", "cerebras", "fireworks", "vllm", "together", "huggingface")
    for host in hosts:
        config = {"base_url": "https://res.openai.azure.com"} if host == "azure_openai" else {}
        if host in takers:
            assert part(host, given, **config) == given
        else:
            messages = [{"role": "user", "content": ["See:", given]}]
            assert f"{host} takes no part" in refused("m", messages=messages, host=host, **config)


def test_a_gateway_may_have_mistrals_models() -> None:
    for given in (DOCUMENT_OF_MISTRAL, THINKING_OF_MISTRAL):
        assert part("openai", given, base_url=ELSEWHERE) == given


def test_a_text_has_no_notes_where_unknown_fields_are_refused() -> None:
    noted = {"type": "text", "text": "Rain.", "citations": [{"url": "https://x.example"}]}
    for host in ("groq", "mistral", "cerebras", "fireworks"):
        wire, told = body("m", [{"role": "user", "content": [noted]}], host=host)
        assert wire["messages"][0]["content"] == "Rain."
        assert told == [f"{host} does not take the field citations of parts: not sent"]


def test_parts_that_a_model_cannot_read() -> None:
    assert "gpt-5.4 takes no file (audio/wav) in a message; it takes texts and images" in no_part(
        "openai", WAV, "gpt-5.4"
    )
    assert "gpt-audio-1.5 takes no image" in no_part("openai", ImagePart(PIXEL), "gpt-audio-1.5")
    assert part("openai", WAV, "gpt-audio-1.5")["type"] == "input_audio"


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
def test_images_are_a_users_at_openai(role: str) -> None:
    for given in (ImagePart(PIXEL), FilePart(PDF), {"type": "file", "file": {"file_id": "f1"}}):
        assert f"the role '{role}' of openai takes no" in no_part("openai", given, role=role)
    assert part("vllm", ImagePart(PIXEL), role=role)["type"] == "image_url"


def test_texts_of_other_wires_are_texts() -> None:
    noted = {"type": "output_text", "text": "Rain.", "annotations": [{"type": "url_citation"}]}
    wire, told = body("m", [{"role": "assistant", "content": [noted, {"type": "refusal", "refusal": "No."}]}])
    assert wire["messages"][0]["content"] == [{"type": "text", "text": "Rain."}, {"type": "refusal", "refusal": "No."}]
    assert told == ["openai does not take the field annotations of parts: not sent"]
    assert part("openai", {"type": "refusal", "refusal": "No."}) == {"type": "text", "text": "No."}
    own = {"type": "text", "text": "a", "own": 1}
    assert part("vllm", own) == own


# --- tools' answers ---------------------------------------------------------------------------------------------------


def calls(*ids: str) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [asked(call_id)["tool_calls"][0] for call_id in ids]}


def test_images_of_tools_answers_follow_all_answers_of_the_turn() -> None:
    history = [
        {"role": "user", "content": "?"},
        calls("a", "b"),
        ToolCall("a", "weather").answer([TextPart("rain"), ImagePart(PIXEL)]),
        ToolCall("b", "weather").answer([FilePart(PDF, name="b.pdf")]),
        {"role": "user", "content": "And?"},
        calls("c"),
        ToolCall("c", "weather").answer(ImagePart(PIXEL)),
    ]
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    messages = sent("openai", history, model="m")["messages"]
    assert [message["role"] for message in messages] == [
        "user", "assistant", "tool", "tool", "user", "user", "assistant", "tool", "user"
    ]  # fmt: skip
    assert messages[2] == {"role": "tool", "tool_call_id": "a", "content": "rain"}
    assert messages[3]["content"] == "It is in the next message of the user."
    assert messages[4]["content"] == [
        {"type": "text", "text": "From the tool weather (a):"},
        image,
        {"type": "text", "text": "From the tool weather (b):"},
        {"type": "file", "file": {"filename": "b.pdf", "file_data": PDF_URL}},
    ]
    assert messages[8]["content"] == [{"type": "text", "text": "From the tool weather (c):"}, image]
    # these take images in the answer itself
    for host in ("openrouter", "mistral"):
        messages = sent(host, history[:3], model="m")["messages"]
        assert messages[2]["content"] == [{"type": "text", "text": "rain"}, image]
        assert len(messages) == 3


def test_an_answer_to_no_call() -> None:
    history = [{"role": "tool", "content": "rain"}]
    assert "a tool's answer answers no call" in refused("m", messages=history)
    assert sent("vllm", history)["messages"] == history


# --- custom calls, and what else an earlier answer has ----------------------------------------------------------------


def test_a_custom_call_goes_back() -> None:
    deltas: list[dict[str, Any]] = [
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "select"}},
        {"index": 0, "custom": {"input": " 1"}},
    ]
    reply = Reply.of(said(*(chunk({"tool_calls": [delta]}) for delta in deltas), chunk(None, "tool_calls")))
    assert reply.tool_calls == [ToolCall("a", "sql", "select 1", custom=True)]
    del deltas[0]["type"]
    assert calls_of(*deltas) == reply.tool_calls
    history = [{"role": "user", "content": "?"}, reply.message, reply.tool_calls[0].answer("1")]
    (call,) = sent("openai", history)["messages"][1]["tool_calls"]
    assert call == {"id": "a", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    (call,) = sent("groq", history)["messages"][1]["tool_calls"]  # which has functions alone
    assert call["function"] == {"name": "sql", "arguments": '{"input":"select 1"}'}


def test_a_refusal_goes_back() -> None:
    history = [{"role": "assistant", "content": None, "refusal": "No."}, {"role": "user", "content": "Why?"}]
    assert sent("openai", history)["messages"][0] == {"role": "assistant", "content": None, "refusal": "No."}
    assert sent("groq", history)["messages"][0] == {"role": "assistant", "content": "No."}


def test_a_spoken_answer_goes_back_by_its_id() -> None:
    pieces = [{"id": "audio_1", "transcript": "Hel"}, {"data": "AAA=", "transcript": "lo"}, {"expires_at": 9}]
    events = said(*(chunk({"audio": piece}) for piece in pieces), chunk(None, "stop"))
    reply = Reply.of(events)
    assert reply.text == "Hello"
    assert reply.message["native"] == {
        "dialect": "openai_chat",
        "items": [{"type": "audio", "id": "audio_1", "transcript": "Hello", "expires_at": 9}],
    }
    sdk = {"role": "assistant", "content": None, "tool_calls": None, "audio": {"id": "audio_1", "transcript": "Hello"}}
    for answer in (reply.message, {**sdk, "content": ""}):
        history = [{"role": "user", "content": "?"}, answer, {"role": "user", "content": "Go on."}]
        for model in ("gpt-audio-1.5", "a-new-model"):
            assert sent("openai", history, model=model)["messages"][1] == {
                "role": "assistant",
                "audio": {"id": "audio_1"},
            }
        for host, model in (("openai", "gpt-5.4"), ("groq", "m")):
            wire, told = body(model, history, host=host)
            assert wire["messages"][1] == {"role": "assistant", "content": "Hello"}
            assert told == [f"{host} does not take the sound of messages: not sent"]


def test_fields_of_messages() -> None:
    history = [{"role": "assistant", "content": "{", "prefix": True, "tokens": 5}]
    wire, told = body("m", history, host="mistral")
    assert wire["messages"] == [{"role": "assistant", "content": "{", "prefix": True}]
    assert told == ["mistral does not take the field tokens of messages: not sent"]
    details = [{"type": "reasoning.text", "text": "Hm"}]
    own = [{"role": "assistant", "content": "Hi", "reasoning_details": details}]  # as OpenRouter's SDK has it
    assert sent("openrouter", own)["messages"] == own


@pytest.mark.parametrize(
    ("host", "field"),
    [("deepseek", "reasoning_content"), ("fireworks", "reasoning_content"), ("groq", "reasoning"),
     ("cerebras", "reasoning"), ("together", "reasoning"), ("ollama_openai", "reasoning"), ("xai", None)],
)  # fmt: skip
def test_the_reasoning_goes_back_with_its_calls(host: str, field: str | None) -> None:
    wire = sent(host, [{**calls("a"), "reasoning": "Hm."}, {"role": "assistant", "content": "a", "reasoning": "Oh."}])
    assert {name: wire["messages"][0][name] for name in wire["messages"][0] if "reasoning" in name} == (
        {field: "Hm."} if field else {}
    )
    assert wire["messages"][1] == {"role": "assistant", "content": "a"}


# --- marks for the cache ----------------------------------------------------------------------------------------------


def test_marks_of_what_is_worth_caching() -> None:
    marked = [
        {"role": "user", "content": [TextPart("Long.", True), ImagePart(PIXEL, cache_control={"type": "ephemeral"})]}
    ]
    mark = {"prompt_cache_breakpoint": {"mode": "explicit"}}
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    (message,) = sent("openai", marked, model="gpt-5.6-sol")["messages"]
    assert message["content"] == [{"type": "text", "text": "Long.", **mark}, {**image, **mark}]
    (message,) = sent("openrouter", marked)["messages"]
    anthropic = {"cache_control": {"type": "ephemeral"}}
    assert message["content"] == [{"type": "text", "text": "Long.", **anthropic}, {**image, **anthropic}]
    for host, model in (("openai", "gpt-5.4"), ("groq", "m"), ("openai", "a-new-model")):
        wire, told = body(model, marked, host=host)
        assert wire["messages"][0]["content"] == [{"type": "text", "text": "Long."}, image]
        assert told == [f"{host} does not take cache_control of parts: not sent"]


def test_the_ttl_of_a_mark() -> None:
    hour = [{"role": "user", "content": [TextPart("Long.", {"type": "ephemeral", "ttl": "1h"})]}]
    wire, told = body("gpt-6-sol", hour)
    assert wire["messages"][0]["content"][0]["prompt_cache_breakpoint"] == {"mode": "explicit"}
    assert told == ["openai does not take the ttl of cache_control: not sent"]
    with pytest.raises(InvalidRequest, match="cache_control must be"):
        body("gpt-6-sol", [{"role": "user", "content": [TextPart("a", {"type": "eternal"})]}])
    own = {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    assert part("openai", own, "gpt-5.6") == own
    wire, told = body("gpt-5.4", [{"role": "user", "content": [own]}])
    assert wire["messages"][0]["content"] == "a"
    assert told == ["openai does not take the field prompt_cache_breakpoint of parts: not sent"]


def test_the_ttl_of_openrouters_marks() -> None:
    marked = TextPart("Long.", {"type": "ephemeral", "ttl": "1h"})
    assert part("openrouter", marked)["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "known are 5m, 1h" in no_part("openrouter", TextPart("Long.", {"type": "ephemeral", "ttl": "30m"}))


def test_the_ids_of_calls_at_mistral() -> None:
    ids = ("toolu_01A", "D681PevKs")
    history = [calls(*ids), *(ToolCall(call_id, "weather").answer("1") for call_id in ids)]
    answer, first, second = sent("mistral", history)["messages"]
    foreign, own = (call["id"] for call in answer["tool_calls"])
    assert foreign.isalnum()
    assert len(foreign) == 9
    assert own == "D681PevKs"
    assert [first["tool_call_id"], second["tool_call_id"]] == [foreign, own]
    assert sent("mistral", history)["messages"][0] == answer
    assert sent("groq", history)["messages"][0]["tool_calls"][0]["id"] == "toolu_01A"
