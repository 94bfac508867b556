"""The parts of a message's content: texts, images and files, from users' objects or from any vendor's mappings."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Protocol

from .errors import InvalidRequest

CacheControl = Mapping[str, Any] | bool | None
"""The marker "the prompt up to here is worth caching", as Anthropic has it: {"type": "ephemeral", "ttl": "5m" or "1h"},
or True for that without a `ttl`."""

# What vendors take, by the ends of files' names: ai.google.dev/gemini-api/docs/{document-processing,audio,
# video-understanding}, developers.openai.com/api/docs/guides/file-inputs. (mimetypes reads files of the system.)
_TYPES = {
    "pdf": "application/pdf", "json": "application/json", "xml": "text/xml", "rtf": "text/rtf", "txt": "text/plain",
    "log": "text/plain", "md": "text/markdown", "csv": "text/csv", "tsv": "text/tab-separated-values",
    "html": "text/html", "htm": "text/html", "css": "text/css", "yaml": "text/yaml", "yml": "text/yaml",
    "py": "text/x-python", "js": "text/javascript", "ts": "text/x-typescript", "sh": "text/x-shellscript",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heif": "image/heif", "wav": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4",
    "aac": "audio/aac", "ogg": "audio/ogg", "flac": "audio/flac", "aiff": "audio/aiff", "mp4": "video/mp4",
    "mov": "video/quicktime", "webm": "video/webm", "mpeg": "video/mpeg", "mpg": "video/mpeg", "avi": "video/x-msvideo",
    "mkv": "video/x-matroska", "wmv": "video/x-ms-wmv", "flv": "video/x-flv", "3gp": "video/3gpp",
}  # fmt: skip
# The first bytes of files: mimesniff.spec.whatwg.org 6 and 7.
_SIGNATURES = (
    (rb"%PDF-", "application/pdf"), (rb"\x89PNG\r\n\x1a\n", "image/png"), (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"), (rb"RIFF....WEBPVP", "image/webp"), (rb"RIFF....WAVE", "audio/wav"),
    (rb"ID3", "audio/mpeg"), (rb"OggS\x00", "audio/ogg"), (rb"fLaC", "audio/flac"), (rb"\x1aE\xdf\xa3", "video/webm"),
    (rb"....ftyp(mp4|iso|avc)", "video/mp4"),
)  # fmt: skip
# RFC 3986 3.1; of two letters or more, as C:\ is a path.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")  # RFC 4648 4; a tenth faster than json.dumps, b64decode is slower than it


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of a message's text; `cache_control` marks the end of a prompt's part that is worth caching."""

    text: str
    cache_control: CacheControl = None


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image by its URL or as a data URL; `detail` is OpenAI's hint ("low", "high", "auto")."""

    url: str
    detail: str | None = None
    cache_control: CacheControl = None

    @property
    def data(self) -> tuple[str, str] | None:
        """The media type and the base64 text of a data URL (RFC 2397); None for the URL of an image elsewhere.

        Raises InvalidRequest for a data URL that is not in base64: Anthropic, Gemini and Ollama take no other encoding.
        """
        found = _data_of(self.url)
        return None if found is None else (found[0], _base64(found[1]))


class PathLike(Protocol):
    """A path as an object, such as pathlib.Path."""

    def __fspath__(self) -> str: ...


@dataclass(frozen=True, slots=True, repr=False)
class FilePart:
    """A file: a PDF, an audio, a video, a text, an image or another document.

    `source`: its bytes; its URL, or a data URL; or its path, which the clients read, and the core does not.
    `media_type`: where it is None, the data URL's, that of the file's first bytes, or that of the name's end. `name`:
    where it is None, the last step of the path or URL. `cache_control`: as for TextPart.
    """

    source: str | bytes | PathLike
    media_type: str | None = None
    name: str | None = None
    cache_control: CacheControl = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        source = self.source if isinstance(self.source, (str, bytes)) else _path_of(self.source)
        if not source:
            raise InvalidRequest("a file's source is empty: give its bytes, its URL or its path")
        for what, value in (("media_type", self.media_type), ("name", self.name)):
            if not isinstance(value, (str, NoneType)):
                raise InvalidRequest(f"a file's {what} must be a str, not {type(value).__name__}")

    def __repr__(self) -> str:
        # Without the contents: a repr ends up in logs.
        what = f"{len(self.source)} bytes" if isinstance(self.source, bytes) else repr(self.path or self.url or "data:")
        return f"FilePart({what}, media_type={self.media_type!r}, name={self.file_name!r})"

    @property
    def path(self) -> str | None:
        """The path of a file that is still to be read; None where its bytes or its URL are given."""
        if isinstance(self.source, str):
            return None if _SCHEME.match(self.source) else self.source
        return None if isinstance(self.source, bytes) else _path_of(self.source)

    @property
    def url(self) -> str | None:
        """The URL of a file elsewhere; None for a data URL, for bytes and for a path."""
        is_url = isinstance(self.source, str) and _SCHEME.match(self.source) and not self.source.startswith("data:")
        return str(self.source) if is_url else None

    @property
    def data(self) -> tuple[str, str] | None:
        """The media type and the base64 text of the file's bytes; None for a URL. Raises InvalidRequest for a path."""
        if isinstance(self.source, bytes):
            return self.type, b64encode(self.source).decode()
        if self.path is not None:
            raise InvalidRequest(
                f"the core reads no files: give the bytes of {self.path!r} and its name (the clients read paths)"
            )
        found = _data_of(str(self.source))
        return None if found is None else (self.media_type or found[0], _base64(found[1]))

    @property
    def text(self) -> str | None:
        """The text of a file of text, in UTF-8; None for any other file, and for a URL."""
        if self.url is not None or not (self.type.startswith("text/") or self.type == "application/json"):
            return None
        data = self.data
        try:
            return (_decoded(data[1]) if data else b"").decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InvalidRequest(f"{self!r} is no text in UTF-8: encode it so, or give another media_type=") from None

    @property
    def type(self) -> str:
        """The media type. Raises InvalidRequest where nothing tells it."""
        found = self.known_type
        if found is None:
            raise InvalidRequest(f"the media type of {self!r} is not known: give media_type=")
        return found

    @property
    def known_type(self) -> str | None:
        """The media type; None where nothing tells it, as for most links."""
        if self.media_type:
            return self.media_type
        if isinstance(self.source, str) and self.source.startswith("data:"):
            return (_data_of(self.source) or ("", ""))[0]
        if isinstance(self.source, bytes):
            for signature, media_type in _SIGNATURES:
                if re.match(signature, self.source, re.DOTALL):
                    return media_type
        return _TYPES.get((self.file_name or "").rpartition(".")[2].lower())

    @property
    def file_name(self) -> str | None:
        """The name; of a path or URL its last step; None for bytes without a name."""
        if self.name or isinstance(self.source, bytes):
            return self.name or None
        if (path := self.path) is not None:
            return re.split(r"[/\\]", path)[-1] or None
        return (self.url or "").partition("?")[0].partition("#")[0].rpartition("/")[2] or None


@dataclass(frozen=True, slots=True)
class RawPart:
    """A part in a wire's own shape that has no common form: sent unchanged on that wire, rejected by the others."""

    raw: Mapping[str, Any]


Part = TextPart | ImagePart | FilePart | RawPart


def _data_of(url: str) -> tuple[str, str] | None:
    if not url.startswith("data:"):
        return None
    head, _, payload = url[5:].partition(",")
    # From the right: RFC 2397 allows parameters of the media type before `;base64`.
    media_type, _, encoding = head.rpartition(";")
    if encoding != "base64" or not payload:
        raise InvalidRequest("a data URL must read data:TYPE/SUBTYPE;base64,DATA")
    return media_type or "application/octet-stream", payload  # not RFC 2397's text/plain: hardly any file is that


def _base64(text: str) -> str:
    """`text` without blanks and line ends, as which vendors take it. Raises InvalidRequest if it is no base64."""
    joined = text if _BASE64.fullmatch(text) else "".join(text.split())
    if len(joined) % 4 or not _BASE64.fullmatch(joined):
        raise InvalidRequest("the data of an image or a file is no base64 (RFC 4648 4, with its padding)")
    return joined


def _path_of(source: Any) -> str:
    path = source.__fspath__() if hasattr(source, "__fspath__") else None
    if not isinstance(path, str):
        raise InvalidRequest(f"a file's source must be bytes, a URL or a path, not {type(source).__name__}")
    return path


def kind_of(part: Part) -> str:
    """What `part` is, in words for an error."""
    match part:
        case ImagePart():
            return "an image"
        case FilePart():
            return f"a file ({part.known_type or part.file_name or 'of an unknown type'})"
        case RawPart(raw):
            return f"a part of type {raw['type']!r}" if "type" in raw else f"a part with {', '.join(map(str, raw))}"
    return "a text"


def text_of(part: Part) -> str | None:
    """`part` on a wire that carries nothing but text; None for one that is no text, a refusal or a file of text."""
    match part:
        case TextPart(text):
            return text
        case RawPart({"type": "refusal", "refusal": str(text)}):  # OpenAI's part of an assistant's message
            return text
        case FilePart():
            file = part.text
            return file if file is None or not part.file_name else f"{part.file_name}:\n{file}"
    return None


# --- users' mappings -------------------------------------------------------------------------------------------------


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
    data = source if _SCHEME.match(source) else _decoded(source)
    return FilePart(data, None, file.get("filename"), cache_control=mark)


def _audio(fields: dict[str, Any], mark: CacheControl) -> FilePart | None:
    match _inner(fields, "input_audio"):
        case {"data": str(data), "format": str(form), **rest} if not rest:
            return FilePart(f"data:{_TYPES.get(form, f'audio/{form}')};base64,{data}", cache_control=mark)
    return None


def _video(fields: dict[str, Any], mark: CacheControl) -> FilePart | None:
    """OpenRouter's and vLLM's."""
    match _inner(fields, "video_url"):
        case {"url": str(url), **rest} if not rest:
            return FilePart(_url(url), None if url.startswith("data:") else "video/mp4", cache_control=mark)
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
    if not _SCHEME.match(url):
        raise InvalidRequest(f"a file whose URL {url[:80]!r} has no scheme: a file of this machine is a FilePart(path)")
    return url


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(f"a lone surrogate at {error.start}: it is not text") from None


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise InvalidRequest("a file whose data is neither a data URL nor base64") from None
