"""The parts of a message: texts, images, and files in the form that a host has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import InvalidRequest
from ...parts import CacheControl, FilePart, ImagePart, Part, RawPart, shown, text_of
from ..forms import cache_mark, no_such_part, one_of
from .quirks import Target

_DETAILS = ("auto", "low", "high", "original")
# Parts of Anthropic's wire, of Responses and of Mistral; Gemini's have no type
_FOREIGN = (
    "tool_use", "tool_result", "server_tool_use", "thinking", "redacted_thinking", "reasoning", "image", "document",
    "input_image", "input_file", "search_result", "document_url",
)  # fmt: skip
_TAKES = {"assistant": "texts and refusals"}
_MARK = "prompt_cache_breakpoint"
# The words for a format of sound: OpenAI has wav and mp3, openrouter.ai/docs/features/multimodal/audio the others.
_FORMATS = {
    "audio/x-wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav", "audio/mpeg": "mp3", "audio/mp4": "m4a",
    "audio/x-m4a": "m4a", "audio/x-aiff": "aiff", "audio/x-flac": "flac",
}  # fmt: skip


def wire_part(part: Part, role: str, target: Target) -> dict[str, Any]:
    """`part` of a message of `role`. Raises InvalidRequest where the host or the model has none such."""
    if isinstance(part, RawPart):
        return _raw(part, role, target)
    text = text_of(part)
    match part:
        case _ if text is not None:
            wire: dict[str, Any] = {"type": "text", "text": text}
        case ImagePart():
            wire = _image(part, role, target)
        case FilePart() if (part.known_type or "").startswith("image/"):
            wire = _image(ImagePart(_url(part, part.type, target)), role, target)
        case FilePart():
            wire = _file(part, role, target)
    return wire | _mark(part.cache_control, target) if part.cache_control else wire


def is_text(part: Part) -> bool:
    """Whether `part` is one that a tool's answer may have."""
    if isinstance(part, RawPart):
        return part.raw.get("type") in ("text", "input_text", "output_text", "refusal")
    return text_of(part) is not None


def _check_role(part: Part, role: str, target: Target) -> None:
    if target.quirks.strict and role != "user":
        raise no_such_part(part, f"the role {role!r} of {target.host}", "texts: put it in a user's message")


def _mark(given: CacheControl, target: Target) -> dict[str, Any]:
    mark = cache_mark(given) or {}
    if target.quirks.marks == "cache_control":
        # openrouter.ai/docs/features/prompt-caching: Anthropic's own mark
        one_of("ttl of cache_control", mark.get("ttl", "5m"), ("5m", "1h"), target.host)
        return {"cache_control": mark}
    if target.quirks.marks != _MARK or target.facts is None or "breakpoints" not in target.facts.can:
        target.lose("cache_control of parts")
        return {}
    # …/guides/prompt-caching, explicit breakpoints: on this endpoint the `ttl` is "30m", which it is without one.
    if mark.get("ttl", "30m") != "30m":
        target.lose("the ttl of cache_control")
    return {_MARK: {"mode": "explicit"}}


# --- parts in a wire's own form --------------------------------------------------------------------------------------


def _raw(part: RawPart, role: str, target: Target) -> dict[str, Any]:
    raw, quirks = part.raw, target.quirks
    match raw:
        case {"type": "text", "text": str()} if not quirks.closed:
            return dict(raw)
        case {"type": "text" | "input_text" | "output_text", "text": str()}:
            return _known(raw, "text", target)
        case {"type": "refusal", "refusal": str(text)}:
            own = quirks.strict and role == "assistant"
            return _known(raw, "refusal", target) if own else {"type": "text", "text": text}
        case {"type": str(kind)} if isinstance(raw.get(kind), quirks.parts.get(kind, ())):
            _check_role(part, role, target)
            return _known(raw, kind, target) if quirks.strict else dict(raw)
        case {"type": str(kind)} if not quirks.closed and kind not in (*quirks.parts, *_FOREIGN):
            return dict(raw)
    raise no_such_part(part, target.host, _TAKES.get(role, _takes(target)))


def _known(raw: Mapping[str, Any], kind: str, target: Target) -> dict[str, Any]:
    """A part of OpenAI's own with the fields that OpenAI has; the others are lost."""
    marked = target.quirks.marks == _MARK and target.takes("breakpoints")
    known = (kind, _MARK) if marked else (kind,)
    target.lose(
        *(f"the field {name} of parts" for name, value in raw.items() if value and name not in ("type", *known))
    )
    return {"type": kind, **{name: raw[name] for name in known if name in raw}}


# --- images and files ------------------------------------------------------------------------------------------------


def _image(part: ImagePart, role: str, target: Target) -> dict[str, Any]:
    _check_role(part, role, target)
    if not target.takes("images"):
        raise no_such_part(part, target.model, "texts")
    if not target.quirks.image_urls and not part.url.startswith("data:"):
        raise InvalidRequest(f"{target.host} takes images as data only: give the bytes of {part.url}")
    # …/guides/images-vision: `detail` is optional, and not every host has it
    if part.detail is None:
        return {"type": "image_url", "image_url": {"url": part.url}}
    if target.quirks.strict:
        one_of("detail of images", part.detail, _DETAILS, target.host)
    return {"type": "image_url", "image_url": {"url": part.url, "detail": part.detail}}


def _file(part: FilePart, role: str, target: Target) -> dict[str, Any]:
    _check_role(part, role, target)
    # of a link nothing may tell the type: most are of documents
    kind = part.known_type or ("application/pdf" if part.url else part.type)
    form = next((form for begin, form in target.quirks.files.items() if kind.startswith(begin)), None)
    if form is None:
        raise no_such_part(part, target.host, _takes(target))
    word = {"file": "pdf", "input_audio": "audio"}.get(form)
    if word and not target.takes(word):
        raise no_such_part(part, target.model, "texts and images" if target.takes("images") else "texts")
    return _in_form(form, part, kind, target)


def _takes(target: Target) -> str:
    kinds = ", ".join(sorted({begin.rstrip("/") for begin in target.quirks.files}))
    other = "; the provider 'openai_responses' takes more kinds of files" if target.quirks.strict else ""
    return f"texts, images{' and ' + kinds if kinds else ''}{other}"


def _in_form(form: str, part: FilePart, kind: str, target: Target) -> dict[str, Any]:
    links = target.quirks.file_urls
    match form:
        case "file":
            # developers.openai.com/api/docs/guides/file-inputs: a data URL, and a name; "External file URL … Not
            # supported" here. openrouter.ai/docs/features/multimodal/pdfs: a URL as well.
            name = part.file_name or f"file.{kind.rpartition('/')[2]}"
            return {"type": "file", "file": {"filename": name, "file_data": _url(part, kind, target, links)}}
        case "input_audio" if part.url and links:
            # docs.vllm.ai/en/latest/features/multimodal_inputs.html
            return {"type": "audio_url", "audio_url": {"url": part.url}}
        case "input_audio":
            sound = {"data": _data(part, target), "format": _FORMATS.get(kind, kind.rpartition("/")[2])}
            return {"type": "input_audio", "input_audio": sound}
        case "video_url":
            # openrouter.ai/docs/features/multimodal/videos; vLLM, Together and Fireworks have the same
            return {"type": "video_url", "video_url": {"url": _url(part, kind, target)}}
        case "document_url":
            # docs.mistral.ai/api/#tag/chat, DocumentURLChunk
            named = {"document_name": part.file_name} if part.file_name else {}
            return {"type": "document_url", "document_url": _url(part, kind, target), **named}
    # docs.mistral.ai/api/#tag/chat, AudioChunk: a URL, or base64
    return {"type": "input_audio", "input_audio": part.url or _data(part, target)}


def _url(part: FilePart, kind: str, target: Target, links: bool = True) -> str:
    """The file's URL, where the form takes `links`, else a data URL."""
    return part.url if part.url and links else f"data:{kind};base64,{_data(part, target)}"


def _data(part: FilePart, target: Target) -> str:
    """The base64 text of a file's bytes."""
    data = part.data
    if data is None:
        url = shown(part.url or "")
        raise InvalidRequest(f"{target.host} takes such a file as bytes only: give these in place of {url}")
    return data[1]
