"""Every vendor's form of a message's part, as the common part that it means; and anything else."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import FilePart, ImagePart, InvalidRequest, TextPart
from sansio_core.part_forms import _FORMS, part_of
from sansio_core.parts import Part, RawPart, kind_of, text_of

PDF = b"%PDF-1.7"
PDF64 = b64encode(PDF).decode()
PDF_URL = f"data:application/pdf;base64,{PDF64}"
MARK = {"type": "ephemeral", "ttl": "1h"}

IMAGE, LINK = "data:image/png;base64,aGk=", "https://x.example/a.png"
DOC = "https://x.example/a.pdf"
FORMS: list[tuple[Any, Part]] = [
    ("a", TextPart("a")),
    ({"type": "text", "text": "a"}, TextPart("a")),
    ({"type": "input_text", "text": "a"}, TextPart("a")),
    ({"type": "output_text", "text": "a", "annotations": [], "logprobs": None}, TextPart("a")),
    ({"type": "text", "text": "a", "citations": None}, TextPart("a")),
    ({"text": "a"}, TextPart("a")),
    # OpenAI chat, OpenAI Responses, Mistral
    ({"type": "image_url", "image_url": {"url": LINK, "detail": "low"}}, ImagePart(LINK, "low")),
    ({"type": "image_url", "image_url": {"url": LINK, "detail": None}}, ImagePart(LINK)),
    ({"type": "input_image", "image_url": LINK, "detail": "high", "file_id": None}, ImagePart(LINK, "high")),
    ({"type": "image_url", "image_url": LINK}, ImagePart(LINK)),
    ({"type": "file", "file": {"file_data": PDF_URL, "filename": "a.pdf"}}, FilePart(PDF_URL, None, "a.pdf")),
    ({"type": "file", "file": {"file_data": PDF64, "filename": "a.pdf"}}, FilePart(PDF, None, "a.pdf")),
    ({"type": "file", "file": {"file_data": DOC}}, FilePart(DOC)),
    ({"type": "input_file", "file_data": PDF_URL, "filename": "a.pdf"}, FilePart(PDF_URL, None, "a.pdf")),
    ({"type": "input_file", "file_url": DOC, "file_id": None}, FilePart(DOC)),
    (
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
        FilePart("data:audio/mpeg;base64,aGk="),
    ),
    ({"type": "input_audio", "input_audio": {"data": "aGk=", "format": "odd"}}, FilePart("data:audio/odd;base64,aGk=")),
    ({"type": "video_url", "video_url": {"url": "https://x.example/v"}}, FilePart("https://x.example/v", "video/mp4")),
    (
        {"type": "video_url", "video_url": {"url": "data:video/webm;base64,aGk="}},
        FilePart("data:video/webm;base64,aGk="),
    ),
    # Anthropic
    ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}, ImagePart(IMAGE)),
    ({"type": "image", "source": {"type": "url", "url": LINK}}, ImagePart(LINK)),
    (
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF64},
            "title": "T",
        },
        FilePart(PDF_URL, None, "T"),
    ),
    ({"type": "document", "source": {"type": "url", "url": DOC}}, FilePart(DOC, "application/pdf")),
    (
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "é"}, "context": None},
        FilePart("é".encode(), "text/plain"),
    ),
    ({"type": "document", "source": {"type": "text", "data": "é"}}, FilePart("é".encode(), "text/plain")),
    # Gemini
    ({"inlineData": {"mimeType": "application/pdf", "data": PDF64}}, FilePart(PDF_URL)),
    ({"fileData": {"fileUri": "gs://b/v", "mimeType": "video/mp4"}}, FilePart("gs://b/v", "video/mp4")),
    ({"fileData": {"fileUri": "https://youtu.be/x"}}, FilePart("https://youtu.be/x")),
]


@pytest.mark.parametrize(("form", "part"), FORMS)
def test_a_vendors_form(form: Any, part: Part) -> None:
    assert part_of(form) == part
    assert part_of(part) is part
    if isinstance(form, dict):
        before = repr(form)
        assert part_of(MappingProxyType(form)) == part
        marked: Any = part_of({**form, "cache_control": MARK})
        assert marked.cache_control == MARK
        assert repr(form) == before


def test_every_form_is_in_the_table() -> None:
    kinds = {form.get("type", "") for form, _ in FORMS if isinstance(form, dict)}
    assert kinds == _FORMS.keys()


@pytest.mark.parametrize(
    "form",
    [
        {"type": "text", "text": "a", "citations": [{"type": "char_location"}]},
        {"type": "output_text", "text": "a", "annotations": [{"type": "url_citation"}]},
        {"type": "image_url", "image_url": {"url": LINK, "more": 1}},
        {"type": "input_image", "image_url": LINK, "file_id": "f"},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b"raw"}},
        {"type": "image", "source": {"type": "url", "url": LINK, "more": 1}},
        {"type": "document", "source": {"type": "content", "content": []}},
        {"type": "document", "source": {"type": "url", "url": DOC}, "citations": {"enabled": True}},
        {"type": "document", "source": {"type": "base64", "media_type": None, "data": None}},
        {"type": "document", "source": {"type": "text", "media_type": "text/html", "data": "a"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "input_file", "file_id": "f"},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3", "more": 1}},
        {"type": "input_audio"},
        {"type": "video_url", "video_url": {"url": "https://h/v", "fps": 2}},
        {"type": "refusal", "refusal": "No."},
        {"type": "thinking", "thinking": "Hm"},
    ],
)
def test_what_has_no_common_form_stays_as_it_is(form: dict[str, Any]) -> None:
    """A field that a common form lacks would be lost."""
    assert part_of(form) == RawPart(form)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (None, "a part without a 'type'; a text part is"),
        (5, "a part without a 'type'"),
        (b"a", "a part without a 'type'"),
        ([], "a part without a 'type'"),
        ({}, "a part without a 'type'"),
        ({"type": 5}, "a part without a 'type'"),
        ({"type": ["text"]}, "a part without a 'type'"),
        ({"text": "a", "thought": True}, "a part without a 'type'"),
        ({"type": "text"}, "text that is no str but NoneType"),
        ({"type": "text", "text": 5}, "text that is no str but int"),
        ({"type": "image_url"}, "an image without its URL"),
        ({"type": "image_url", "image_url": {}}, "an image without its URL"),
        ({"type": "image_url", "image_url": ""}, "an image without its URL"),
        ({"type": "image_url", "image_url": {"url": LINK, "detail": 5}}, "an image without its URL"),
        ({"type": "file", "file": {"file_data": "no base64!"}}, "neither a data URL nor base64"),
        ({"type": "file", "file": {"file_data": PDF64, "filename": 5}}, "a file's name must be a str"),
        ({"type": "document", "source": {"type": "text", "data": ""}}, "a file's source is empty"),
        ({"type": "document", "source": {"type": "text", "data": "\ud800"}}, "a lone surrogate at 0"),
        ({"type": "document", "source": {"type": "url", "url": DOC}, "title": 5}, "a file's name must be a str"),
        # never a path: whoever writes a mapping may not be whoever runs this machine
        *(
            (form, "has no scheme")
            for form in (
                {"type": "document", "source": {"type": "url", "url": "/etc/passwd"}},
                {"type": "video_url", "video_url": {"url": "a.mp4"}},
                {"fileData": {"fileUri": "~/a", "mimeType": "text/plain"}},
                {"fileData": {"fileUri": "files/abc"}},
            )
        ),
    ],
)
def test_what_is_no_part(form: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        part_of(form)


# --- anything at all -------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=6)
    | st.sampled_from(["base64", "url", "text", "data:a/b;base64,aGk=", "data:,", "https://h/a.pdf", "a.pdf", "C:\\a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
NAMES = st.sampled_from(
    ["type", "text", "source", "data", "media_type", "url", "title", "file", "file_data", "file_url", "filename",
     "file_id", "image_url", "detail", "input_audio", "format", "video_url", "inlineData", "mimeType", "fileData",
     "fileUri", "cache_control"]
)  # fmt: skip
INNER = st.dictionaries(NAMES, VALUES, max_size=4)
MAPPINGS = st.builds(
    lambda kind, fields: {**fields, **({"type": kind} if kind is not None else {})},
    st.none() | st.sampled_from(sorted(_FORMS)) | VALUES,
    st.dictionaries(NAMES, VALUES | INNER, max_size=4),
)


@given(VALUES | MAPPINGS)
def test_anything_is_a_part_or_refused(form: Any) -> None:
    with suppress(InvalidRequest):
        part = part_of(form)
        assert isinstance(part, Part)
        assert isinstance(kind_of(part), str)
        assert isinstance(repr(part), str)
        if isinstance(part, FilePart):
            assert part.path is None
        if isinstance(part, (FilePart, ImagePart)):
            _ = part.data
        text_of(part)
