"""Conversations as users write them: messages of all forms, and each answer of each wire sent back on every wire.

To add a form of a part, add a row to CONTENTS: it then stands in the messages of every role.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from bodies import BODIES
from vendor_corpus import FUNCTION, MODELS, Case
from vendor_frames import answers

from sansio_core import FilePart, ImagePart, Reply, TextPart, providers

PNG = "iVBORw0KGgo="
LINK = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
DATA = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
ASKED = {"role": "user", "content": "Weather in Graz?"}


def call(call_id: str | None, name: str = "weather", arguments: Any = '{"city": "Graz"}') -> dict[str, Any]:
    wire = {"type": "function", "function": {"name": name, "arguments": arguments}}
    return wire if call_id is None else {"id": call_id, **wire}


def answer(call_id: str | None = None, content: Any = "rain", **rest: Any) -> dict[str, Any]:
    return {"role": "tool", "content": content, **({} if call_id is None else {"tool_call_id": call_id}), **rest}


def called(*calls: Any, content: Any = None, **rest: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "tool_calls": list(calls), **rest}


def user(content: Any, **rest: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **rest}


def said(content: Any, **rest: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **rest}


def text(value: Any, **rest: Any) -> dict[str, Any]:
    return {"type": "text", "text": value, **rest}


EPHEMERAL = {"type": "ephemeral"}
AUDIO = {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}
FILE = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}}
DOCUMENT = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PNG}}

HOUR = {"type": "ephemeral", "ttl": "1h"}
FILES: dict[str, Any] = {
    "pdf": FilePart(b"%PDF-1.7"), "named-pdf": FilePart(b"%PDF-1.7", name="a.pdf"),
    "png": FilePart(b"\x89PNG\r\n\x1a\n"), "text": FilePart(b"Hi", "text/plain"),
    "csv": FilePart(b"a,b", name="a.csv"), "json": FilePart(b"{}", name="a.json"),
    "wav": FilePart(b"RIFF    WAVE"), "mp3": FilePart(b"ID3"), "ogg": FilePart(b"OggS\x00"),
    "mp4": FilePart(b"    ftypmp42"), "docx": FilePart(b"PK", name="a.docx"), "bmp": FilePart(b"BM", "image/bmp"),
    "link": FilePart("https://x.example/a.pdf"), "image-link": FilePart("https://x.example/a.png"),
    "typeless-link": FilePart("https://x.example/a"), "data": FilePart(f"data:application/pdf;base64,{PNG}"),
    "gs": FilePart("gs://bucket/a.pdf"), "path": FilePart("a.pdf"), "typeless": FilePart(b"\x00"),
    "cached": FilePart(b"%PDF-1.7", cache_control=True),
}  # fmt: skip

CONTENTS: dict[str, Any] = {
    "text": "Hi", "empty": "", "blank": " ", "no-parts": [], "text-part": [text("Hi")], "bare-text-part": ["Hi"],
    "two-texts": [text("a"), text("b")], "empty-text-part": [text("")], "empty-and-text": [text(""), text("a")],
    "cached-text": [text("Hi", cache_control=EPHEMERAL)],
    "link": [text("What is it?"), LINK], "data": [text("What is it?"), DATA], "image-alone": [DATA],
    "image-as-a-str": [{"type": "image_url", "image_url": f"data:image/png;base64,{PNG}"}],
    "image-of-another-type": [{"type": "image_url", "image_url": {"url": f"data:image/bmp;base64,{PNG}"}}],
    "image-of-no-type": [{"type": "image_url", "image_url": {"url": f"data:;base64,{PNG}"}}],
    "image-of-a-pdf": [{"type": "image_url", "image_url": {"url": f"data:application/pdf;base64,{PNG}"}}],
    "image-not-base64": [{"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg/%3E"}}],
    "image-of-bad-base64": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!!"}}],
    "image-detail-unknown": [{"type": "image_url", "image_url": {"url": "https://x.example/a.png", "detail": "ultra"}}],
    "audio": [AUDIO], "file": [FILE], "file-id": [{"type": "file", "file": {"file_id": "file-1"}}],
    "document": [DOCUMENT], "anthropic-image": [{"type": "image", "source": {"type": "url", "url": "https://x/a"}}],
    "input-text": [{"type": "input_text", "text": "Hi"}], "input-image": [{"type": "input_image", "image_url": "https://x/a"}],
    "output-text": [{"type": "output_text", "text": "Hi"}], "refusal": [{"type": "refusal", "refusal": "No."}],
    "unknown-part": [{"type": "hologram", "data": 1}],
    **{f"file-of-{name}": [TextPart("What is it?"), part] for name, part in FILES.items()},
    "text-object": [TextPart("Hi")], "cached-object": [TextPart("a", True), TextPart("b", HOUR), TextPart("c")],
    "cached-oddly": [TextPart("a", {"type": "eternal"})],
    "image-object": [ImagePart("https://x.example/a.png", "high")],
    "cached-image": [ImagePart(f"data:image/png;base64,{PNG}", cache_control=True)],
}  # fmt: skip

HISTORIES: dict[str, Any] = {
    "str": "Hi",
    **{f"user-{name}": [user(content)] for name, content in CONTENTS.items()},
    **{f"system-{name}": [{"role": "system", "content": content}, ASKED] for name, content in CONTENTS.items()},
    **{f"assistant-{name}": [ASKED, said(content), user("And?")] for name, content in CONTENTS.items()},
    **{f"tool-{name}": [ASKED, called(call("c1")), answer("c1", content)] for name, content in CONTENTS.items()},
    "developer": [{"role": "developer", "content": "Be brief."}, ASKED],
    "system-amid": [ASKED, said("Rain."), {"role": "system", "content": "Be brief."}, user("And?")],
    "developer-amid": [ASKED, said("Rain."), {"role": "developer", "content": "Be brief."}, user("And?")],
    "system-last": [ASKED, {"role": "system", "content": "Be brief."}],
    "system-alone": [{"role": "system", "content": "Be brief."}],
    "two-systems": [{"role": "system", "content": "a"}, {"role": "developer", "content": "b"}, ASKED],
    "system-named": [{"role": "system", "content": "a", "name": "boss"}, ASKED],
    "assistant-first": [said("Hello!"), ASKED],
    "assistant-last": [ASKED, said("It is")],
    "two-users": [ASKED, user("Or in Rome?")],
    "two-assistants": [ASKED, said("a"), said("b"), user("And?")],
    "user-named": [user("Hi", name="ann")],
    "assistant-named": [ASKED, said("Hi", name="bob"), user("And?")],
    "assistant-null": [ASKED, said(None), user("And?")],
    "reasoning": [ASKED, said("Rain.", reasoning="Hm"), user("And?")],
    "reasoning-alone": [ASKED, said("", reasoning="Hm"), user("And?")],
    "unknown-fields": [user("Hi", id=5, created_at="now", tokens=3)],
    "function-role": [ASKED, {"role": "function", "name": "weather", "content": "rain"}],
    "call-with-id": [ASKED, called(call("c1")), answer("c1")],
    "call-without-id": [ASKED, called(call(None)), answer()],
    "call-without-id-named": [ASKED, called(call(None)), answer(name="weather")],
    "call-null-id": [ASKED, called({**call("c1"), "id": None}), answer()],
    "call-empty-id": [ASKED, called({**call("c1"), "id": ""}), answer("")],
    "calls": [ASKED, called(call("c1"), call("c2", "now", "{}")), answer("c1"), answer("c2", "noon")],
    "calls-other-order": [ASKED, called(call("c1"), call("c2", "now", "{}")), answer("c2", "noon"), answer("c1")],
    "calls-without-ids": [ASKED, called(call(None), call(None, "now")), answer(), answer(content="noon")],
    "calls-alike-without-ids": [ASKED, called(call(None), call(None)), answer(name="weather"), answer(name="weather")],
    "calls-one-answered": [ASKED, called(call("c1"), call("c2", "now")), answer("c1"), user("And?")],
    "call-unanswered": [ASKED, called(call("c1"))],
    "call-with-text": [ASKED, called(call("c1"), content="Let me see."), answer("c1")],
    "call-empty-content": [ASKED, called(call("c1"), content=""), answer("c1")],
    "call-with-reasoning": [ASKED, called(call("c1"), reasoning="Hm"), answer("c1")],
    "call-arguments-object": [ASKED, called(call("c1", arguments={"city": "Graz"})), answer("c1")],
    "call-arguments-empty": [ASKED, called(call("c1", arguments="")), answer("c1")],
    "call-arguments-null": [ASKED, called(call("c1", arguments=None)), answer("c1")],
    "call-arguments-cut": [ASKED, called(call("c1", arguments='{"city": "Gr')), answer("c1")],
    "call-arguments-list": [ASKED, called(call("c1", arguments="[1]")), answer("c1")],
    "call-arguments-text": [ASKED, called(call("c1", arguments="select 1")), answer("c1")],
    "call-more-fields": [ASKED, called({**call("c1"), "extra_content": {"google": {"thought_signature": "c2ln"}}}),
                         answer("c1")],
    "call-index": [ASKED, called({**call("c1"), "index": 0}), answer("c1")],
    "custom-call": [ASKED, called({"id": "c1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}),
                    answer("c1")],
    "calls-empty-list": [ASKED, called(content="Rain."), user("And?")],
    "answer-to-nothing": [ASKED, answer("c9")],
    "answer-without-call": [ASKED, answer()],
    "answer-named-without-call": [ASKED, answer(name="weather")],
    "answer-json": [ASKED, called(call("c1")), answer("c1", '{"rain": true}')],
    "answer-list": [ASKED, called(call("c1")), answer("c1", "[1, 2]")],
    "answer-is-error": [ASKED, called(call("c1")), answer("c1", "no such city", is_error=True)],
    "cached-message": [user("Hi", cache_control=EPHEMERAL)],
    "cached-system": [{"role": "system", "content": "Be brief.", "cache_control": True}, ASKED],
    "cached-answer": [ASKED, called(call("c1")), answer("c1", cache_control=HOUR)],
    "cached-calls": [ASKED, called(call("c1"), cache_control=True), answer("c1")],
    "cached-five-times": [user("Hi", cache_control=True) for _ in range(5)],
    "refusal": [ASKED, said(None, refusal="No."), user("And?")],
    "reasoning-content": [ASKED, said("Rain.", reasoning_content="Hm"), user("And?")],
    "answer-is-no-error": [ASKED, called(call("c1")), answer("c1", is_error=False)],
    "answer-then-user": [ASKED, called(call("c1")), answer("c1"), user("And?")],
    "anthropic-tool-use": [ASKED, said([{"type": "tool_use", "id": "t1", "name": "weather", "input": {}}]),
                           user([{"type": "tool_result", "tool_use_id": "t1", "content": "rain"}])],
    "anthropic-thinking": [ASKED, said([{"type": "thinking", "thinking": "Hm", "signature": "c2ln"}, text("Rain.")]),
                           user("And?")],
    "gemini-parts": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "gemini-model-role": [user("Hi"), {"role": "model", "content": "Hello"}, user("And?")],
}  # fmt: skip


def history_cases(wire: str) -> Iterator[Case]:
    """Each history, for each model; with the tools that it names, and without."""
    for model in MODELS[wire]:
        for name, messages in HISTORIES.items():
            yield Case(name, wire, model, {}, messages)
    for name, messages in HISTORIES.items():
        yield Case(f"{name}, tools", wire, None, {"tools": [FUNCTION]}, messages)
        yield Case(f"{name}, store=False", wire, None, {"store": False}, messages)


# --- answers that go back ---

PROVIDERS = {
    "openai.chat": "openai",
    "anthropic.messages": "anthropic",
    "openai.responses": "openai_responses",
    "google.gemini": "gemini",
    "ollama.chat": "ollama",
}


@cache
def replies() -> dict[str, dict[str, Any]]:
    """The messages of whole answers, by the wire and the name of the answer; and of one of each kind that a vendor's
    SDK has a type for."""
    found = {}
    for dialect, bodies in BODIES.items():
        for name, body in bodies.items():
            found[f"{PROVIDERS[dialect]}/{name}"] = message_of(PROVIDERS[dialect], body)
    for frame in answers():
        found[f"{frame.wire}/{frame.kind}"] = message_of(frame.wire, frame.body)
    return found


def message_of(wire: str, body: bytes) -> dict[str, Any]:
    parser = providers.create(wire, api_key="k").parser()
    return Reply.of([*parser.feed(body), *parser.end()]).message


def reply_cases(wire: str) -> Iterator[Case]:
    """Each answer of each wire as a part of the history, with its calls answered."""
    for name, message in replies().items():
        calls = message.get("tool_calls", ())
        results = [answer(call["id"], "rain", name=call[call["type"]]["name"]) for call in calls]
        for model in MODELS[wire] if name.startswith(wire + "/") or wire == "gemini" else (None,):
            yield Case(name, wire, model, {}, [ASKED, message, *results, user("And?")])
            if wire == "openai_responses":
                yield Case(f"{name}, store=False", wire, model, {"store": False}, [ASKED, message, *results])
