"""A file's source, what tells its media type, its data and its text; a message's parts as text."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sansio_core import FilePart, ImagePart, InvalidRequest, Message, TextPart
from sansio_core.parts import _SIGNATURES, TYPES, Part, RawPart, kind_of, text_of

PDF = b"%PDF-1.7"
PDF64 = b64encode(PDF).decode()
PDF_URL = f"data:application/pdf;base64,{PDF64}"

# --- what a source is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "path", "url", "name"),
    [
        ("report.pdf", "report.pdf", None, "report.pdf"),
        ("~/a/report.pdf", "~/a/report.pdf", None, "report.pdf"),
        ("C:\\a\\report.pdf", "C:\\a\\report.pdf", None, "report.pdf"),
        ("/tmp/", "/tmp/", None, None),
        (Path("a/report.pdf"), str(Path("a/report.pdf")), None, "report.pdf"),
        # a path's object is always a path
        (PurePosixPath("ab:c.txt"), "ab:c.txt", None, "ab:c.txt"),
        (
            "https://x.example/a/report.pdf?b=/c.txt#d/e",
            None,
            "https://x.example/a/report.pdf?b=/c.txt#d/e",
            "report.pdf",
        ),
        ("https://x.example/", None, "https://x.example/", None),
        ("gs://bucket/a.mp4", None, "gs://bucket/a.mp4", "a.mp4"),
        (PDF_URL, None, None, None),
        (PDF, None, None, None),
    ],
)
def test_sources(source: Any, path: str | None, url: str | None, name: str | None) -> None:
    part = FilePart(source)
    assert (part.path, part.url, part.file_name) == (path, url, name)
    named = FilePart(source, name="mine.txt")
    assert (named.path, named.url, named.file_name) == (path, url, "mine.txt")


class BytesPath:
    def __fspath__(self) -> Any:
        return b"a"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"source": 5}, "a file's source must be bytes, a URL or a path, not int"),
        ({"source": None}, "not NoneType"),
        ({"source": bytearray(b"a")}, "not bytearray"),
        ({"source": BytesPath()}, "not BytesPath"),
        ({"source": ""}, "a file's source is empty"),
        ({"source": b""}, "a file's source is empty"),
        ({"source": b"a", "media_type": 5}, "a file's media_type must be a str, not int"),
        ({"source": b"a", "name": b"a"}, "a file's name must be a str, not bytes"),
    ],
)
def test_what_is_no_file(settings: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        FilePart(**settings)


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (FilePart(b"secret"), "FilePart(6 bytes, media_type=None, name=None)"),
        (FilePart("a/b.txt"), "FilePart('a/b.txt', media_type=None, name='b.txt')"),
        (FilePart("https://h/b.txt"), "FilePart('https://h/b.txt', media_type=None, name='b.txt')"),
        (FilePart(PDF_URL, name="n"), "FilePart('data:', media_type=None, name='n')"),
    ],
)
def test_a_repr_has_no_contents(part: FilePart, shown: str) -> None:
    assert repr(part) == shown


# --- media types -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "known"),
    [
        (FilePart(PDF), "application/pdf"),
        (FilePart(b"\x89PNG\r\n\x1a\nxx"), "image/png"),
        (FilePart(b"\xff\xd8\xff\xe0"), "image/jpeg"),
        (FilePart(b"GIF89a"), "image/gif"),
        (FilePart(b"GIF88a"), None),
        (FilePart(b"RIFF\n\n\n\nWEBPVP8 "), "image/webp"),
        (FilePart(b"RIFF....WAVE"), "audio/wav"),
        (FilePart(b"ID3\x04"), "audio/mpeg"),
        (FilePart(b"OggS\x00"), "audio/ogg"),
        (FilePart(b"fLaC"), "audio/flac"),
        (FilePart(b"\x1aE\xdf\xa3"), "video/webm"),
        (FilePart(b"\x00\x00\x00\x18ftypmp42"), "video/mp4"),
        (FilePart(b"x%PDF-"), None),
        # the bytes before the name, what the user says before both
        (FilePart(PDF, name="a.txt"), "application/pdf"),
        (FilePart(PDF, "text/plain", "a.md"), "text/plain"),
        (FilePart(b"a", name="A.TXT"), "text/plain"),
        (FilePart(b"a", name="txt"), "text/plain"),
        (FilePart(b"a", name="a.unknown"), None),
        (FilePart("a.tar.json"), "application/json"),
        (FilePart("https://x.example/a.mp3?x=.pdf"), "audio/mpeg"),
        (FilePart("https://x.example/a"), None),
        (FilePart("https://x.example/a", "video/mp4"), "video/mp4"),
        (FilePart("data:text/plain;charset=utf-8;base64,YQ=="), "text/plain"),
        (FilePart("DATA:audio/webm;codecs=opus;Base64,YQ=="), "audio/webm"),
        (FilePart("data:application/pdf;filename=g.txt;base64,YQ=="), "application/pdf"),
        (FilePart("data:;base64,JVBERi0xLjc="), "application/pdf"),
        (FilePart("data:application/octet-stream;base64,iVBORw0KGgo="), "image/png"),
        (FilePart("data:application/octet-stream;base64,YQ==", None, "a.csv"), "text/csv"),
        (FilePart("data:;base64,YQ=="), "application/octet-stream"),
        (FilePart(PDF_URL, "application/x-own", "a.txt"), "application/x-own"),
    ],
)
def test_the_media_type(part: FilePart, known: str | None) -> None:
    assert part.known_type == known
    if known:
        assert part.type == known
    else:
        with pytest.raises(InvalidRequest, match=r"the media type of FilePart.* is not known: give media_type="):
            _ = part.type


def test_the_tables_of_types() -> None:
    assert all(len(end) <= 4 and end == end.lower() and "/" in kind for end, kind in TYPES.items())
    assert {kind for _, kind in _SIGNATURES} <= set(TYPES.values())


# --- data and text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "data"),
    [
        (FilePart(PDF), ("application/pdf", PDF64)),
        (FilePart(PDF_URL), ("application/pdf", PDF64)),
        (FilePart(PDF_URL, "application/x-own"), ("application/x-own", PDF64)),
        (FilePart("https://x.example/a.pdf"), None),
        (ImagePart("https://x.example/a.png"), None),
        (ImagePart("data:image/png;base64,aGk="), ("image/png", "aGk=")),
        # lines, as base64.encodebytes() makes them
        (ImagePart("data:image/png;base64,aG\r\nk=\n"), ("image/png", "aGk=")),
    ],
)
def test_data(part: FilePart | ImagePart, data: Any) -> None:
    assert part.data == data


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (FilePart("a.pdf"), "the core reads no files: give the bytes of 'a.pdf' and its name"),
        (FilePart(Path("a.pdf")), "the core reads no files"),
        (FilePart("data:text/plain,hello"), "a data URL must read data:TYPE/SUBTYPE;base64,DATA"),
        (FilePart("data:text/plain;base64,"), "a data URL must read"),
        (ImagePart("data:image/png,x"), "a data URL must read"),
        *(
            (ImagePart(f"data:image/png;base64,{wrong}"), "is no base64")
            for wrong in ("!!", "aGk", "a===", "=aGk", "aGk=aGk=", "a-k_", "aGké", "   ")
        ),
        (FilePart("data:image/png;base64,a"), "is no base64"),
    ],
)
def test_data_that_is_none(part: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        _ = part.data


@given(st.binary(min_size=1))
def test_data_is_base64_of_the_bytes(data: bytes) -> None:
    text = b64encode(data).decode()
    assert FilePart(data, "a/b").data == ("a/b", text)
    assert FilePart(f"data:a/b;base64,{text}").data == ("a/b", text)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (FilePart("Größe".encode(), "text/plain"), "Größe"),
        (FilePart(b"\xef\xbb\xbfa", name="a.csv"), "a"),
        (FilePart(b"{}", name="a.json"), "{}"),
        (FilePart("data:text/html;base64,YQ=="), "a"),
        (FilePart(PDF), None),
        (FilePart("https://x.example/a.txt"), None),
    ],
)
def test_the_text_of_a_file(part: FilePart, text: str | None) -> None:
    assert part.text == text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (FilePart(b"\xff", "text/plain"), r"FilePart\(1 bytes, .* is no text in UTF-8: encode it so"),
        (FilePart(b"?"), "the media type of .* is not known"),
        (FilePart("a.txt"), "the core reads no files"),
        (FilePart("data:text/plain;base64,!"), "no base64"),
    ],
)
def test_a_file_without_its_text(part: FilePart, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        _ = part.text


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ((TextPart("a"), TextPart("b")), "ab"),
        ((TextPart("a"), FilePart(b"b", "text/plain"), TextPart("c"), TextPart("d")), "a\n\nb\n\ncd"),
        ((FilePart(b"b", name="b.txt"), FilePart(b"c", name="c.md")), "b.txt:\nb\n\nc.md:\nc"),
        ((RawPart({"type": "refusal", "refusal": "No."}),), "No."),
        ((), ""),
    ],
)
def test_a_message_as_text(parts: tuple[Part, ...], text: str) -> None:
    assert Message("user", parts).text == text


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (ImagePart("https://x.example/a.png"), "an image"),
        (FilePart(PDF), r"a file \(application/pdf\)"),
        (FilePart("https://x.example/a.xyz"), r"a file \(a.xyz\)"),
        (FilePart("https://x.example/"), r"a file \(of an unknown type\)"),
        (RawPart({"type": "odd"}), "a part of type 'odd'"),
        (RawPart({"type": "refusal", "refusal": 5}), "a part of type 'refusal'"),
    ],
)
def test_a_message_that_is_no_text(part: Part, kind: str) -> None:
    with pytest.raises(InvalidRequest, match=f"takes text only, and a message holds {kind}: leave it out"):
        _ = Message("user", (part,)).text
    assert text_of(part) is None
    assert kind_of(TextPart("a")) == "a text"


@given(
    st.text() | st.binary() | st.builds(PurePosixPath, st.text(max_size=9)),
    st.none() | st.text(),
    st.none() | st.text(),
)
def test_any_file_is_described_or_refused(source: Any, media_type: str | None, name: str | None) -> None:
    with suppress(InvalidRequest):
        part = FilePart(source, media_type, name)
        assert isinstance(repr(part), str)
        assert (part.path is None) + (part.url is None) + isinstance(source, bytes) >= 1
        assert part.file_name is None or part.file_name
        for read in ("known_type", "type", "data", "text"):
            with suppress(InvalidRequest):
                getattr(part, read)


def test_of_the_url_of_an_image_the_type_alone_counts() -> None:
    assert ImagePart("Data:image/png;name=a.png;base64,YQ==").data == ("image/png", "YQ==")
    assert ImagePart("data:;base64,/9j/4AA=").data == ("image/jpeg", "/9j/4AA=")
    assert FilePart("data:;base64,YQ==", None, "a.csv").data == ("text/csv", "YQ==")


@pytest.mark.parametrize("url", ["/tmp/p.png", "p.png", r"C:\p.png", ""])
def test_the_path_of_an_image_is_one_of_a_file(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"has no scheme: an image of this machine is a FilePart\(path\)"):
        ImagePart(url)
    with pytest.raises(InvalidRequest, match="URL must be a str, not PosixPath"):
        ImagePart(Path("p.png"))  # type: ignore[arg-type]


def test_a_raw_part_is_a_mapping() -> None:
    with pytest.raises(InvalidRequest, match="a RawPart must hold a mapping, not str"):
        RawPart("text")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://u:s3cret@x.example/a.png?sig=s3cret&w=9", "https://x.example/a.png?sig=[hidden]&w=9"),
        ("data:image/png;base64,s3cret==", "data:"),
        ("http://[x", "http:…"),
    ],
)
def test_no_url_shows_a_secret(url: str, words: str) -> None:
    assert repr(ImagePart(url)) == f"ImagePart({words!r}, detail=None)"
    assert repr(FilePart(url)).startswith(f"FilePart({words!r}, ")
    with suppress(InvalidRequest):
        assert "s3cret" not in kind_of(FilePart(url))
    with pytest.raises(InvalidRequest) as caught:
        Message("user", (FilePart(url, "application/pdf"),)).text  # noqa: B018
    assert "s3cret" not in str(caught.value)
