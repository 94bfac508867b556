"""Conversations for OpenAI's Responses API: messages, files, calls, answers of other wires."""

from typing import Any

import pytest
from dialect_harness import PIXEL, asked, sent
from openai_responses_frames import NAME, warned

from sansio_core import FilePart, InvalidRequest, ToolCall

NOT_SENT = "openai_responses does not take {}: not sent"
PDF = b"%PDF-1.7"
DATA = "data:application/pdf;base64,JVBERi0xLjc="
MARK = {"type": "ephemeral"}


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    ("part", "wire"),
    [
        (FilePart(PDF, name="a.pdf"), {"type": "input_file", "filename": "a.pdf", "file_data": DATA}),
        (FilePart(PDF), {"type": "input_file", "filename": "file.pdf", "file_data": DATA}),
        (
            FilePart(b"a,b", "text/csv"),
            {"type": "input_file", "filename": "file.txt", "file_data": "data:text/csv;base64,YSxi"},
        ),
        (FilePart("https://x.example/a.pdf"), {"type": "input_file", "file_url": "https://x.example/a.pdf"}),
        (FilePart("https://x.example/a"), {"type": "input_file", "file_url": "https://x.example/a"}),
        (
            FilePart("https://x.example/a.png"),
            {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "auto"},
        ),
        (FilePart(PIXEL), {"type": "input_image", "image_url": PIXEL, "detail": "auto"}),
        (
            {"type": "document", "source": {"type": "url", "url": "https://x/a"}},
            {"type": "input_file", "file_url": "https://x/a"},
        ),
        (
            {"type": "file", "file": {"file_id": "f", "filename": "a"}},
            {"type": "input_file", "file_id": "f", "filename": "a"},
        ),
        (
            {"type": "input_image", "file_id": "f"},
            {"type": "input_image", "detail": "auto", "file_id": "f"},
        ),
        (
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
            {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        ),
        ({"type": "refusal", "refusal": "No."}, {"type": "input_text", "text": "No."}),
    ],
)
def test_a_part_of_a_question_and_of_a_tools_answer(part: Any, wire: dict[str, Any]) -> None:
    assert sent(NAME, user(part))["input"] == [{"role": "user", "content": [wire]}]
    result = {"role": "tool", "tool_call_id": "c1", "content": [part]}
    output = {"type": "function_call_output", "call_id": "c1", "output": [wire]}
    assert sent(NAME, [asked(), result])["input"][1] == output


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (FilePart(b"ID3", name="a.mp3"), r"takes no file \(audio/mpeg\) in a message; it takes texts, images and doc"),
        (FilePart("https://x/a.mp4"), "takes no file"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, r"takes no file \(audio/wav\)"),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {}}, "takes no part of type 'tool_use'"),
        ({"type": "image_url", "image_url": {"url": PIXEL, "detail": "ultra"}}, "no detail of an image 'ultra'"),
        ({"type": "file", "file": {"file_id": "f", "pages": 2}}, "takes no part of type 'file'"),
        (FilePart("a.pdf"), "the core reads no files"),
    ],
)
def test_a_part_that_the_wire_does_not_have(part: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        sent(NAME, user(part))


@pytest.mark.parametrize("part", [FilePart(PDF), {"type": "image_url", "image_url": {"url": PIXEL}}])
def test_a_model_that_reads_text_alone(part: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"o3-mini takes no (files|images): leave them out"):
        sent(NAME, user(part), model="o3-mini")
    assert sent(NAME, user(part), model="o3-mini", base_url="http://h")


@pytest.mark.parametrize(
    ("mark", "wire"),
    [
        (True, {"mode": "explicit"}),
        ({**MARK, "ttl": "5m"}, {"mode": "explicit"}),
        ({**MARK, "ttl": "1h"}, {"mode": "explicit", "ttl": "12h"}),
    ],
)
def test_a_mark_for_the_cache(mark: Any, wire: dict[str, Any]) -> None:
    parts = [{"type": "text", "text": "a", "cache_control": mark}, FilePart(PDF, name="a.pdf", cache_control=mark)]
    body = sent(NAME, user(*parts), model="gpt-5.6-sol")
    assert [part["prompt_cache_breakpoint"] for part in body["input"][0]["content"]] == [wire, wire]
    lost = NOT_SENT.format("cache_control of parts")
    for model in ("gpt-5.5", "a-new-model"):
        unmarked = warned(user(*parts), lost, model=model)["input"][0]["content"]
        assert [set(part) for part in unmarked] == [{"type", "text"}, {"type", "filename", "file_data"}]
    said = [{"role": "assistant", "content": parts[:1]}]
    assert warned(said, NOT_SENT.format("cache_control of answers"), model="gpt-5.6-sol")["input"] == [
        {"role": "assistant", "content": "a"}
    ]


# --- answers of other wires ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "short", "long"),
    [
        ({"content": "Hi"}, "Hi", [{"type": "output_text", "text": "Hi", "annotations": []}]),
        ({"content": ["a", "b"]}, "ab", [{"type": "output_text", "text": "ab", "annotations": []}]),
        ({"content": None, "refusal": "No."}, "No.", [{"type": "refusal", "refusal": "No."}]),
        (
            {"content": "Well.", "refusal": "No."},
            "Well.\n\nNo.",
            [{"type": "output_text", "text": "Well.", "annotations": []}, {"type": "refusal", "refusal": "No."}],
        ),
        ({"content": ""}, "", [{"type": "output_text", "text": "", "annotations": []}]),
    ],
)
def test_an_answer_is_short_at_openai_and_whole_elsewhere(message: Any, short: str, long: list[Any]) -> None:
    conversation = [{"role": "user", "content": "?"}, {"role": "assistant", "phase": "commentary", **message}]
    assert sent(NAME, conversation)["input"][1] == {"role": "assistant", "content": short, "phase": "commentary"}
    assert sent(NAME, conversation, base_url="http://h")["input"][1] == {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": long,
        "phase": "commentary",
    }


def test_what_an_answer_cannot_carry() -> None:
    image = [{"role": "assistant", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]}]
    with pytest.raises(InvalidRequest, match="an answer on openai_responses takes no image in a message"):
        sent(NAME, image)
    noted = {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation", "url": "u"}]}
    body = warned([{"role": "assistant", "content": [noted]}], NOT_SENT.format("notes on the texts of answers"))
    assert body["input"] == [{"role": "assistant", "content": "a"}]


def test_fields_of_messages_that_the_wire_does_not_have() -> None:
    messages = [{"role": "user", "content": "?", "name": "bob", "tokens": 3}, asked(),
                {"role": "tool", "tool_call_id": "c1", "content": "no such city"}]  # fmt: skip
    lost = "the name of messages and the field tokens of messages"
    assert warned(messages, NOT_SENT.format(lost))["input"][0] == {"role": "user", "content": "?"}


# --- calls and items -------------------------------------------------------------------------------------------------


def test_a_custom_tool_call_of_another_wire() -> None:
    call = ToolCall("c1", "sql", "select 1", custom=True)
    messages = [{"role": "assistant", "content": "", "tool_calls": [call]}, call.answer(FilePart(PDF, name="a.pdf"))]
    assert sent(NAME, messages)["input"] == [
        {"type": "custom_tool_call", "call_id": "c1", "name": "sql", "input": "select 1"},
        {
            "type": "custom_tool_call_output",
            "call_id": "c1",
            "output": [{"type": "input_file", "filename": "a.pdf", "file_data": DATA}],
        },
    ]


def test_a_call_without_an_id_and_one_that_was_cut() -> None:
    messages = [asked(None, arguments='{"place":"Os'), {"role": "tool", "content": "?"}]
    call, output = sent(NAME, messages)["input"]
    assert call["arguments"] == '{"place":"Os'
    assert call["call_id"] == output["call_id"]


@pytest.mark.parametrize("result", [{"role": "tool", "content": "?"}, {"role": "tool", "name": "f", "content": "?"}])
def test_an_answer_to_no_call(result: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="give its tool_call_id"):
        sent(NAME, [result])


def answer(*items: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "native": {"dialect": NAME, "items": list(items)}}


@pytest.mark.parametrize(
    ("item", "wire"),
    [
        ({"type": "compaction", "encrypted_content": "E", "created_by": "a"},
         {"type": "compaction", "encrypted_content": "E"}),
        ({"type": "custom_tool_call_output", "call_id": "c", "output": "a", "status": "completed"},
         {"type": "custom_tool_call_output", "call_id": "c", "output": "a"}),
        ({"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a", "created_by": "b"}], "status": "s"},
         {"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a"}], "status": "s"}),
    ],
)  # fmt: skip
def test_an_item_goes_back_without_what_outputs_alone_have(item: dict[str, Any], wire: dict[str, Any]) -> None:
    assert sent(NAME, [answer(item)])["input"] == [wire]


def test_reasoning_that_nothing_follows() -> None:
    """Of an answer that max_tokens cut: the API rejects it."""
    thought = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "E"}
    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": []}
    lost = NOT_SENT.format("reasoning that no answer follows")
    question = {"role": "user", "content": "And?"}
    assert warned([answer(thought, thought), question], lost)["input"] == [question]
    assert warned([question, answer(said, thought)], lost)["input"] == [question, said]
    assert sent(NAME, [answer(thought, thought, said), question])["input"] == [thought, thought, said, question]
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    output = {"role": "tool", "tool_call_id": "c", "content": "?"}
    assert [item["type"] for item in warned([answer(call, thought), output], lost)["input"]] == [
        "function_call",
        "function_call_output",
    ]
    other = {"role": "assistant", "content": "Hi"}
    assert sent(NAME, [answer(thought), other])["input"] == [thought, other]


def test_reasoning_as_text_is_no_mere_reference() -> None:
    """Of servers that show it, and store nothing."""
    thought = {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm"}]}
    said = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": []}
    assert sent(NAME, [answer(thought, said)], store=False)["input"] == [thought, said]


def test_an_own_item_with_an_id_that_is_none_is_no_crash() -> None:
    item = {"type": "custom_tool_call", "call_id": ["c"], "name": "f", "input": "a"}
    own = {"role": "assistant", "content": "", "native": {"dialect": NAME, "items": [item]}}
    assert sent(NAME, [own, {"role": "user", "content": "q"}])["input"][0] == item
