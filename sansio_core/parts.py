"""The parts of a message's content: texts, images and files."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Protocol

from .errors import InvalidRequest
from .redact import redact_url

CacheControl = Mapping[str, Any] | bool | None
"""The marker "the prompt up to here is worth caching", as Anthropic has it: {"type": "ephemeral", "ttl": "5m" or "1h"},
or True for that without a `ttl`."""

# What vendors take, by the ends of files' names: ai.google.dev/gemini-api/docs/{document-processing,audio,
# video-understanding}, developers.openai.com/api/docs/guides/file-inputs. (mimetypes reads files of the system.)
TYPES = {
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
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")  # RFC 4648 4; a tenth faster than json.dumps, b64decode is slower than it


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of a message's text; `cache_control` marks the end of a prompt's part that is worth caching."""

    text: str
    cache_control: CacheControl = None


@dataclass(frozen=True, slots=True, repr=False)
class ImagePart:
    """An image by its URL or as a data URL; `detail` is OpenAI's hint ("low", "high", "auto")."""

    url: str
    detail: str | None = None
    cache_control: CacheControl = None

    def __post_init__(self) -> None:
        if not isinstance(self.url, str):
            raise InvalidRequest(f"an image's URL must be a str, not {type(self.url).__name__}")
        if not SCHEME.match(self.url):
            raise InvalidRequest(
                f"an image whose URL {shown(self.url)[:80]!r} has no scheme: an image of this machine is a "
                "FilePart(path)"
            )

    def __repr__(self) -> str:
        return f"ImagePart({shown(self.url)!r}, detail={self.detail!r})"

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
    `media_type`: where it is None, the data URL's, that of the file's first bytes, or that of the name's end; the
    clients take any other file in UTF-8 for text/plain. `name`: where it is None, the last step of
    the path or URL. `cache_control`: as for TextPart.
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
        source = self.source
        what = f"{len(source)} bytes" if isinstance(source, bytes) else repr(self.path or shown(str(source)))
        return f"FilePart({what}, media_type={self.media_type!r}, name={self.file_name!r})"

    @property
    def path(self) -> str | None:
        """The path of a file that is still to be read; None where its bytes or its URL are given."""
        if isinstance(self.source, str):
            return None if SCHEME.match(self.source) else self.source
        return None if isinstance(self.source, bytes) else _path_of(self.source)

    @property
    def url(self) -> str | None:
        """The URL of a file elsewhere; None for a data URL, for bytes and for a path."""
        is_url = isinstance(self.source, str) and SCHEME.match(self.source) and not is_data(self.source)
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
        return None if found is None else (self.type, _base64(found[1]))

    @property
    def text(self) -> str | None:
        """The text of a file of text, in UTF-8; None for any other file, and for a URL."""
        if self.url is not None or not (self.type.startswith("text/") or self.type == "application/json"):
            return None
        data = self.data
        try:
            return (decoded(data[1]) if data else b"").decode("utf-8-sig")
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
        found = _sniffed(self.source) if isinstance(self.source, bytes) else None
        if isinstance(self.source, str) and is_data(self.source):
            found = (_data_of(self.source) or ("", ""))[0]
        named = TYPES.get((self.file_name or "").rpartition(".")[2].lower())
        return (named or found) if found in (None, _ANY) else found

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

    def __post_init__(self) -> None:
        if not isinstance(self.raw, Mapping):
            raise InvalidRequest(f"a RawPart must hold a mapping, not {type(self.raw).__name__}")


Part = TextPart | ImagePart | FilePart | RawPart


_ANY = "application/octet-stream"


def is_data(url: str) -> bool:
    """Whether `url` is a data URL (RFC 2397); a scheme may be in any case (RFC 3986 3.1)."""
    return url[:5].lower() == "data:"


def shown(url: str) -> str:
    """`url` in a text that may end up in a log: without secrets, and without the contents of a data URL."""
    if is_data(url):
        return "data:"
    try:
        return redact_url(url)
    except ValueError:  # what is no URL, as http://[
        return f"{url.partition(':')[0]}:…"


def _data_of(url: str) -> tuple[str, str] | None:
    if not is_data(url):
        return None
    head, _, payload = url[5:].partition(",")
    # RFC 2397 allows parameters of the media type before `;base64`: vendors take the type alone.
    media_type, *parameters = (word.strip() for word in head.split(";"))
    if not parameters or parameters[-1].lower() != "base64" or not payload:
        raise InvalidRequest("a data URL must read data:TYPE/SUBTYPE;base64,DATA")
    if media_type in ("", _ANY):  # without a type not RFC 2397's text/plain: hardly any file is that
        media_type = _sniffed(decoded(_base64(payload[:64]))) or _ANY
    return media_type.lower(), payload


def _sniffed(data: bytes) -> str | None:
    """The media type that the first bytes of a file tell."""
    return next((kind for signature, kind in _SIGNATURES if re.match(signature, data, re.DOTALL)), None)


def _base64(text: str) -> str:
    """`text` without blanks and line ends, as which vendors take it. Raises InvalidRequest if it is no base64."""
    joined = text if _BASE64.fullmatch(text) else "".join(text.split())
    if len(joined) % 4 or not _BASE64.fullmatch(joined):
        raise InvalidRequest("the data of an image or a file is no base64 (RFC 4648 4, with its padding)")
    return joined


def decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise InvalidRequest("a file whose data is neither a data URL nor base64") from None


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
        case RawPart({"text": str(), **fields}) if fields.keys() - {"type"}:  # else it would be a TextPart
            return f"a text with {', '.join(map(str, fields.keys() - {'type'}))}"
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
