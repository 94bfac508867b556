"""Files, tools' answers, signatures and answers that go on, in requests to Google's Gemini API."""

from base64 import b64encode
from typing import Any

import pytest
from dialect_harness import PIXEL, asked, events_of, refused, sent, sse, told
from gemini_frames import chunk, text

from sansio_core import (
    ChatRequest,
    FilePart,
    ImagePart,
    InvalidRequest,
    OptionIgnored,
    Reply,
    TextPart,
    ToolCall,
    providers,
)
from sansio_core.parts import RawPart

OLD = "gemini-2.5-flash"
PNG = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def parts_of(*content: Any, **options: Any) -> list[dict[str, Any]]:
    """The parts of one message of the user."""
    (only,) = sent("gemini", [{"role": "user", "content": list(content)}], **options)["contents"]
    found: list[dict[str, Any]] = only["parts"]
    return found


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (ImagePart(PIXEL), PNG),
        (FilePart(PIXEL), PNG),
        (FilePart(b"%PDF-1"), {"inlineData": {"mimeType": "application/pdf", "data": base64(b"%PDF-1")}}),
        (FilePart(b"x", "audio/wav"), {"inlineData": {"mimeType": "audio/wav", "data": base64(b"x")}}),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
         {"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}),
        # text, of whatever type, without the mark of its encoding
        (FilePart(b"\xef\xbb\xbfa: 1", name="a.yaml"),
         {"inlineData": {"mimeType": "text/plain", "data": base64(b"a: 1")}}),
        (FilePart(b"{}", "application/json"), {"inlineData": {"mimeType": "text/plain", "data": base64(b"{}")}}),
        (FilePart("gs://bucket/talk.mp4"), {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/talk.mp4"}}),
        (FilePart("https://youtu.be/abc"), {"fileData": {"fileUri": "https://youtu.be/abc"}}),
        (FilePart("https://x.example/f?id=1", "application/pdf"),
         {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.example/f?id=1"}}),
        ({"type": "video_url", "video_url": {"url": "https://x.example/v"}},
         {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.example/v"}}),
        ({**PNG, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}},
         {**PNG, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}),
        (RawPart({"text": "hm", "thought": None, "thoughtSignature": "s"}), {"text": "hm", "thoughtSignature": "s"}),
        ({"type": "refusal", "refusal": "No."}, {"text": "No."}),
    ],
)  # fmt: skip
def test_parts(part: Any, expected: dict[str, Any]) -> None:
    assert parts_of(part) == [expected]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (
            {"type": "hologram", "data": 1},
            "gemini takes no part of type 'hologram' in a message; it takes texts, images",
        ),
        ({**PNG, "other": 1}, "gemini takes no part with inlineData, other in a message"),
        ({"type": "file", "file": {"file_id": "f"}}, "gemini takes no part of type 'file'"),
        (FilePart(b"\x00\x01"), "media type"),
        (FilePart(b"\xff", "text/plain"), "no text in UTF-8"),
        (RawPart({}), "gemini takes no part with"),
    ],
)
def test_parts_that_cannot_be_sent(part: Any, message: str) -> None:
    assert message in refused("gemini", [{"role": "user", "content": [part]}])


def test_the_system_instruction_is_text() -> None:
    system = {"role": "system", "content": ["", FilePart(b"a,b", name="t.csv"), {"type": "refusal", "refusal": "No."}]}
    wire = sent("gemini", [system, {"role": "user", "content": "?"}])
    assert wire["systemInstruction"] == {"parts": [{"text": "t.csv:\na,b"}, {"text": "No."}]}
    with pytest.raises(InvalidRequest, match="gemini's system instruction takes no image in a message; it takes texts"):
        sent("gemini", [{"role": "system", "content": [ImagePart(PIXEL)]}, {"role": "user", "content": "?"}])


@pytest.mark.parametrize("messages", [[{"role": "system", "content": "Be brief."}], [{"role": "user", "content": ""}]])
def test_a_question_that_asks_nothing(messages: Any) -> None:
    with pytest.raises(InvalidRequest, match="gemini needs a message beside the system's"):
        sent("gemini", messages)


def test_marks_and_hints_on_parts_are_told() -> None:
    parts = [TextPart("a", cache_control=True), ImagePart(PIXEL, "low"), ImagePart(PIXEL, "auto")]
    message = {"role": "user", "content": parts, "name": "ann"}
    lost = "the name of messages and cache_control of parts and detail of images"
    assert told("gemini", [message]) == lost
    assert parts_of(ImagePart(PIXEL, "auto")) == [PNG]


# --- tools' answers --------------------------------------------------------------------------------------------------


def answered(content: Any, model: str = OLD, **rest: Any) -> list[dict[str, Any]]:
    """The contents behind the call."""
    message = {"role": "tool", "tool_call_id": "c1", "content": content, **rest}
    found: list[dict[str, Any]] = sent("gemini", [asked("c1"), message], model=model)["contents"][1:]
    return found


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("rain", {"output": "rain"}),
        ("", {"output": ""}),
        ('{"sky": "grey"}', {"sky": "grey"}),
        ('{"output": 1}', {"output": 1}),
        ('{"output": 1, "error": 2}', {"output": 1, "error": 2}),
        ('{"output": 1, "more": 2}', {"output": {"output": 1, "more": 2}}),  # beside it, `more` would not be read
        ("[1]", {"output": [1]}),
        # what JSON, or this field, cannot carry goes as the text that it is
        ("NaN", {"output": "NaN"}),
        ('{"a": Infinity}', {"output": '{"a": Infinity}'}),
        ('{"a": "\\ud800"}', {"output": '{"a": "\\ud800"}'}),
        ('{"a": [{"$ref": "#/b"}]}', {"output": '{"a": [{"$ref": "#/b"}]}'}),
        ('{"a": "$ref"}', {"a": "$ref"}),
    ],
)
def test_answers(content: str, response: dict[str, Any]) -> None:
    answer = {"id": "c1", "name": "weather", "response": response}
    assert answered(content) == [{"role": "user", "parts": [{"functionResponse": answer}]}]


@pytest.mark.parametrize(
    ("content", "response"),
    [
        ("no such city", {"error": "no such city"}),
        ('{"error": "no such city"}', {"error": "no such city"}),
        ('{"code": 4}', {"error": {"code": 4}}),
        ('{"error": "x", "code": 4}', {"error": {"error": "x", "code": 4}}),
    ],
)
def test_answers_that_are_errors(content: str, response: dict[str, Any]) -> None:
    assert answered(content, is_error=True)[0]["parts"][0]["functionResponse"]["response"] == response


def test_files_in_answers() -> None:
    pdf = FilePart(b"%PDF-1")
    sound, link = FilePart(b"x", "audio/wav"), ImagePart("https://x.example/a.png")
    as_pdf = {"inlineData": {"mimeType": "application/pdf", "data": base64(b"%PDF-1")}}
    as_sound = {"inlineData": {"mimeType": "audio/wav", "data": base64(b"x")}}
    as_link = {"fileData": {"mimeType": "image/png", "fileUri": "https://x.example/a.png"}}
    answer = {"id": "c1", "name": "weather", "response": {"output": "See:"}}
    new = answered(["See:", pdf, sound, link], "gemini-3.8-flash")
    assert new == [
        {"role": "user", "parts": [{"functionResponse": {**answer, "parts": [as_pdf]}}]},
        {"role": "user", "parts": [as_sound, as_link]},
    ]
    old = answered(["See:", pdf, sound, link])
    assert old == [
        {"role": "user", "parts": [{"functionResponse": answer}]},
        {"role": "user", "parts": [as_pdf, as_sound, as_link]},
    ]


def test_a_file_with_more_to_it_is_no_part_of_an_answer() -> None:
    detailed = {**PNG, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}
    assert answered([detailed], "gemini-3.8-flash")[1:] == [{"role": "user", "parts": [detailed]}]


def test_all_answers_come_before_the_files() -> None:
    calls = [ToolCall("a", "f"), ToolCall("b", "g")]
    results = [calls[0].answer(ImagePart(PIXEL)), calls[1].answer("done")]
    contents = sent("gemini", [{"role": "assistant", "tool_calls": calls}, *results], model=OLD)["contents"]
    assert [[*part] for content in contents[1:] for part in content["parts"]] == [
        ["functionResponse"], ["functionResponse"], ["inlineData"],
    ]  # fmt: skip


# --- signatures ------------------------------------------------------------------------------------------------------

SENTINEL = "skip_thought_signature_validator"


def signed(call_id: str, signature: str) -> dict[str, Any]:
    """A call as Gemini's endpoint of OpenAI's wire gives it."""
    (call,) = asked(call_id)["tool_calls"]
    return {**call, "extra_content": {"google": {"thought_signature": signature}}}


@pytest.mark.parametrize(
    ("model", "first", "signatures"),
    [
        ("gemini-3.8-flash", signed("a", "s1"), ["s1", "s2"]),
        ("gemini-3.8-flash", asked("a")["tool_calls"][0], [SENTINEL, "s2"]),
        ("gemini-9", asked("a")["tool_calls"][0], [SENTINEL, "s2"]),
        (OLD, signed("a", "s1"), ["s1", "s2"]),
        (OLD, asked("a")["tool_calls"][0], [None, "s2"]),
        ("gemma-4-31b-it", asked("a")["tool_calls"][0], [None, "s2"]),
    ],
)
def test_signatures_of_the_other_endpoint(model: str, first: dict[str, Any], signatures: list[str | None]) -> None:
    answer = {"role": "assistant", "tool_calls": [first, signed("b", "s2")]}
    (content,) = sent("gemini", [answer], model=model)["contents"]
    assert [part.get("thoughtSignature") for part in content["parts"]] == signatures


def test_other_fields_of_calls_are_told() -> None:
    calls = [{**signed("a", "s1"), "note": 1}, {**asked("b")["tool_calls"][0], "extra_content": {"google": {}}}]
    lost = "extra_content, note of tool calls"
    assert told("gemini", [{"role": "assistant", "tool_calls": calls}]) == lost


def test_gemini_2_5s_own_calls_get_a_stand_in_for_gemini_3() -> None:
    calls: list[dict[str, Any]] = [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "g"}}]
    items = [text("a"), *calls, {"thoughtSignature": "alone"}]
    answer = {"role": "assistant", "content": "a", "native": {"dialect": "gemini", "items": items}}
    (old,) = sent("gemini", [answer], model=OLD)["contents"]
    assert old["parts"] == [text("a"), *calls]
    (new,) = sent("gemini", [answer])["contents"]
    assert new["parts"] == [text("a"), {**calls[0], "thoughtSignature": SENTINEL}, calls[1]]


def test_calls_that_were_cut_and_custom_ones() -> None:
    calls = [ToolCall("a", "f", '{"x": "1'), ToolCall("b", "sql", "select 1", custom=True)]
    history = [{"role": "assistant", "tool_calls": calls}]
    assert "the open end of a tool call's arguments, which were cut" in told("gemini", history)
    with pytest.warns(OptionIgnored):
        parts = providers.create("gemini", api_key="k").begin(ChatRequest(history), lambda: 0.5).request().body
    assert b'"args":{"x":"1"}' in parts
    assert b'"args":{"input":"select 1"}' in parts


# --- answers that go on ----------------------------------------------------------------------------------------------


def paused(said: str, token: str | None, word: str = "CONTINUATION") -> Reply:
    last = chunk(text(said), finish=word)
    if token:
        last["candidates"][0]["continuationToken"] = token
    return Reply.of(events_of("gemini", sse(last)))


def test_an_answer_that_pauses_goes_on_by_its_token() -> None:
    question = {"role": "user", "content": "A novel, please."}
    first, second = paused("Once", "t1"), paused(" upon", "t2")
    assert (first.finish_reason, first.metadata) == ("pause", {"continuationToken": "t1"})
    options: dict[str, Any] = {"model": "gemini-4-argon", "max_tokens": 100_000}
    plain = sent("gemini", [question], **options)
    assert sent("gemini", [question, first.message], **options) == {**plain, "continuationToken": "t1"}
    both = [question, first.message, second.message]
    assert sent("gemini", both, **options) == {**plain, "continuationToken": "t2"}
    # once the answer is whole, all of it is history
    last = paused(" a time.", None, "STOP")
    wire = sent("gemini", [*both, last.message, {"role": "user", "content": "More."}], **options)
    assert "continuationToken" not in wire
    said = [part["text"] for content in wire["contents"] if content["role"] == "model" for part in content["parts"]]
    assert said == ["Once", " upon", " a time."]


def test_an_answer_that_max_tokens_ended_goes_on_where_it_has_a_token() -> None:
    question = {"role": "user", "content": "A novel, please."}
    reply = paused("Once", "t1", "MAX_TOKENS")
    assert reply.finish_reason == "length"
    assert sent("gemini", [question, reply.message])["continuationToken"] == "t1"
    assert "continuationToken" not in sent("gemini", [question, paused("Once", None, "MAX_TOKENS").message])


def test_a_pause_without_a_token_is_an_end() -> None:
    reply = paused("Once", None)
    assert (reply.finish_reason, reply.provider_reason) == ("length", "CONTINUATION")
    assert "continuationToken" not in paused("Once", "t1", "STOP").message["native"]["items"][-1]


def test_a_token_may_come_before_the_end() -> None:
    first = chunk(text("Once"))
    first["candidates"][0]["continuationToken"] = "t1"
    reply = Reply.of(events_of("gemini", sse(first, chunk(text(" upon"), finish="CONTINUATION"))))
    assert reply.finish_reason == "pause"
    assert reply.message["native"]["items"] == [text("Once upon"), {"continuationToken": "t1"}]
