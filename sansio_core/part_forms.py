"""Users' mappings as parts, in the form of any vendor's wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any

from .errors import InvalidRequest
from .parts import SCHEME, TYPES, CacheControl, FilePart, ImagePart, Part, RawPart, TextPart, decoded, is_data, shown


def part_of(part: Any) -> Part:
    """The part that `part` means: a str, a part already, or a mapping in the form of any vendor's wire.

    A mapping that has fields without a common form stays as it is (RawPart). Raises InvalidRequest for what is no part.
    """
    match part:
        case str():
            return TextPart(part)
        case TextPart() | ImagePart() | FilePart() | RawPart():
            return part
        case Mapping() if (found := _of_mapping(part)) is not None:
            return found
    raise InvalidRequest("a part without a 'type'; a text part is {'type': 'text', 'text': …}")


def _of_mapping(part: Mapping[str, Any]) -> Part | None:
    fields = {name: value for name, value in part.items() if value is not None}
    kind, mark = fields.pop("type", ""), fields.pop("cache_control", None)
    form = _FORMS.get(kind) if isinstance(kind, str) else None
    common = form(fields, mark) if form else None
    if common is None and isinstance(kind, str) and (kind or fields.keys() & _GEMINI_KINDS):
        return RawPart(part)
    return common


# Each takes the fields beside `type` and `cache_control`, and gives None for a mapping with a field that has no common
# form, such as `citations`, which would be lost.
def _text(fields: dict[str, Any], mark: CacheControl) -> TextPart | None:
    text = fields.pop("text", None)
    # The lists of notes on an answer's text (`annotations`, `logprobs`) are empty for most answers.
    if any(fields.values()):
        return None
    if not isinstance(text, str):
        raise InvalidRequest(f"text that is no str but {type(text).__name__}")
    return TextPart(text, mark)


def _image(fields: dict[str, Any], mark: CacheControl) -> ImagePart | None:
    if fields.keys() - {"image_url", "detail"}:
        return None
    # A mapping on OpenAI's chat wire; Mistral's and the Responses wire take the bare URL too.
    image, detail = fields.get("image_url"), fields.get("detail")
    if isinstance(image, Mapping):
        if image.keys() - {"url", "detail"}:
            return None
        detail = image.get("detail")
        image = image.get("url")
    if not isinstance(image, str) or not image or not isinstance(detail, (str, NoneType)):
        raise InvalidRequest("an image without its URL: {'type': 'image_url', 'image_url': {'url': …}}")
    return ImagePart(image, detail, mark)


def _inner(fields: dict[str, Any], name: str) -> Mapping[str, Any] | None:
    """The object `name` of a part that has no other field."""
    inner = fields.get(name)
    return inner if len(fields) == 1 and isinstance(inner, Mapping) else None


def _anthropic_image(fields: dict[str, Any], mark: CacheControl) -> ImagePart | None:
    match _inner(fields, "source"):
        case {"type": "base64", "media_type": str(kind), "data": str(data), **rest} if not rest:
            return ImagePart(f"data:{kind};base64,{data}", None, mark)
        case {"type": "url", "url": str(url), **rest} if not rest:
            return ImagePart(url, None, mark)
    return None


def _anthropic_document(fields: dict[str, Any], mark: CacheControl) -> FilePart | None:
    name = fields.pop("title", None)
    match _inner(fields, "source"):
        case {"type": "base64", "media_type": str(kind), "data": str(data), **rest} if not rest:
            return FilePart(f"data:{kind};base64,{data}", None, name, cache_control=mark)
        # text/plain is the only media type here, and may be left out
        case {"type": "text", "data": str(text), **rest} if rest in ({}, {"media_type": "text/plain"}):
            return FilePart(_utf8(text), "text/plain", name, cache_control=mark)
        case {"type": "url", "url": str(url), **rest} if not rest:
            return FilePart(_url(url), "application/pdf", name, cache_control=mark)  # of documents, PDFs alone
    return None


def _file(fields: dict[str, Any], mark: CacheControl) -> FilePart | None:
    """OpenAI's: of the chat wire in an object `file`, of the Responses wire beside the type."""
    file = _inner(fields, "file") or fields
    source = file.get("file_data") or file.get("file_url")
    # `file_id` names a file in a vendor's own store.
    if not isinstance(source, str) or file.keys() - {"file_data", "file_url", "filename"}:
        return None
    # Some hosts take bare base64 in place of a data URL: the name tells its type.
    data = source if SCHEME.match(source) else decoded(source)
    return FilePart(data, None, file.get("filename"), cache_control=mark)


def _audio(fields: dict[str, Any], mark: CacheControl) -> FilePart | None:
    match _inner(fields, "input_audio"):
        case {"data": str(data), "format": str(form), **rest} if not rest:
            return FilePart(f"data:{TYPES.get(form, f'audio/{form}')};base64,{data}", cache_control=mark)
    return None


def _video(fields: dict[str, Any], mark: CacheControl) -> FilePart | None:
    """OpenRouter's and vLLM's."""
    match _inner(fields, "video_url"):
        case {"url": str(url), **rest} if not rest:
            return FilePart(_url(url), None if is_data(url) else "video/mp4", cache_control=mark)
    return None


def _gemini(fields: dict[str, Any], mark: CacheControl) -> TextPart | FilePart | None:
    """Gemini's parts, which have no type: they are told apart by their field."""
    if isinstance(fields.get("text"), str) and len(fields) == 1:
        return _text(fields, mark)
    match _inner(fields, "inlineData"):
        case {"mimeType": str(kind), "data": str(data), **rest} if not rest:
            return FilePart(f"data:{kind};base64,{data}", cache_control=mark)
    match _inner(fields, "fileData"):
        case {"fileUri": str(url), "mimeType": str(kind), **rest} if not rest:
            return FilePart(_url(url), kind, cache_control=mark)
        case {"fileUri": str(url), **rest} if not rest:
            return FilePart(_url(url), cache_control=mark)
    return None


# ai.google.dev/api/caching#Part: what Gemini's parts are told apart by, having no type.
_GEMINI_KINDS = frozenset(
    {
        "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
        "toolCall", "toolResponse",
    }
)  # fmt: skip
_FORMS: dict[str, Callable[[dict[str, Any], CacheControl], Part | None]] = {
    "": _gemini,
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "image_url": _image,
    "input_image": _image,
    "image": _anthropic_image,
    "document": _anthropic_document,
    "file": _file,
    "input_file": _file,
    "input_audio": _audio,
    "video_url": _video,
}


def _url(url: str) -> str:
    # Mappings come from strangers too, as a server's callers, who must not have files of this machine read and sent.
    if not SCHEME.match(url):
        url = shown(url)[:80]
        raise InvalidRequest(f"a file whose URL {url!r} has no scheme: a file of this machine is a FilePart(path)")
    return url


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"a lone surrogate at {error.start}: it is not text") from None
