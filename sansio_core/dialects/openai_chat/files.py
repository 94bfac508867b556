"""Files as parts of a user's message: PDFs, sound and films, in the form that a host has for them."""

from __future__ import annotations

from typing import Any

from ...errors import InvalidRequest
from ...parts import FilePart
from ..forms import no_such_part
from .quirks import Target

# The words for a format of sound: OpenAI has wav and mp3, openrouter.ai/docs/features/multimodal/audio the others.
_FORMATS = {
    "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav", "audio/mpeg": "mp3", "audio/mp4": "m4a",
    "audio/x-m4a": "m4a", "audio/x-aiff": "aiff", "audio/x-flac": "flac",
}  # fmt: skip


def file_part(part: FilePart, target: Target) -> dict[str, Any]:
    """The part for a file that is neither a text nor an image. Raises InvalidRequest where the host has none for it."""
    # of a link nothing may tell the type: most are of documents
    kind = part.known_type or ("application/pdf" if part.url else part.type)
    files = target.quirks.files
    form = next((form for begin, form in files.items() if kind.startswith(begin)), None)
    if form is None:
        raise no_such_part(part, target.host, _takes(target))
    word = {"file": "pdf", "input_audio": "audio"}.get(form)
    if word and not target.takes(word):
        raise no_such_part(part, target.model, "texts and images" if target.takes("images") else "texts")
    return _MAKE[form](part, kind, target)


def _takes(target: Target) -> str:
    kinds = ", ".join(sorted({begin.rstrip("/") for begin in target.quirks.files}))
    other = "; the provider 'openai_responses' takes more kinds of files" if target.quirks.strict else ""
    return f"texts, images{' and ' + kinds if kinds else ''}{other}"


def _data(part: FilePart, target: Target) -> str:
    """The base64 text of a file's bytes."""
    data = part.data
    if data is None:
        raise InvalidRequest(f"{target.host} takes such a file as bytes only: give these in place of {part.url}")
    return data[1]


def _url(part: FilePart, kind: str, target: Target) -> str:
    return part.url or f"data:{kind};base64,{_data(part, target)}"


def _file(part: FilePart, kind: str, target: Target) -> dict[str, Any]:
    # developers.openai.com/api/docs/guides/file-inputs: a data URL, and a name; "External file URL … Not supported"
    # here. openrouter.ai/docs/features/multimodal/pdfs: a URL as well.
    data = part.url if part.url and target.quirks.file_urls else f"data:{kind};base64,{_data(part, target)}"
    name = part.file_name or f"file.{kind.rpartition('/')[2]}"
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def _sound(part: FilePart, kind: str, target: Target) -> dict[str, Any]:
    # docs.vllm.ai/en/latest/features/multimodal_inputs.html: by its URL
    if part.url and target.quirks.file_urls:
        return {"type": "audio_url", "audio_url": {"url": part.url}}
    form = _FORMATS.get(kind, kind.rpartition("/")[2])
    return {"type": "input_audio", "input_audio": {"data": _data(part, target), "format": form}}


def _film(part: FilePart, kind: str, target: Target) -> dict[str, Any]:
    # openrouter.ai/docs/features/multimodal/videos; vLLM, Together and Fireworks have the same
    return {"type": "video_url", "video_url": {"url": _url(part, kind, target)}}


def _document(part: FilePart, kind: str, target: Target) -> dict[str, Any]:
    # docs.mistral.ai/api/#tag/chat, DocumentURLChunk
    name = {"document_name": part.file_name} if part.file_name else {}
    return {"type": "document_url", "document_url": _url(part, kind, target), **name}


def _bare_sound(part: FilePart, kind: str, target: Target) -> dict[str, Any]:
    # docs.mistral.ai/api/#tag/chat, AudioChunk: a URL, or base64
    return {"type": "input_audio", "input_audio": part.url or _data(part, target)}


_MAKE = {
    "file": _file,
    "input_audio": _sound,
    "video_url": _film,
    "document_url": _document,
    "audio": _bare_sound,
}
