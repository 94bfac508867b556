"""Files that are given by their paths: the clients read them, and say which one they cannot read."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from seats import Seat

from sansio_core import FilePart, InvalidRequest, Message, TextPart
from transports.emulator import DEFAULT_TEXT, Emulator
from transports.g4f_compat import Yqcloud

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)


def client_of(seat: Seat, emulator: Emulator, name: str = "ollama", **settings: Any) -> Any:
    return seat.client(name, base_url=emulator.base_url(name), retry=1, **settings)


def body(emulator: Emulator) -> dict[str, Any]:
    """The last question that the emulator received."""
    received: dict[str, Any] = emulator.requests[-1].json
    return received


@pytest.mark.parametrize("as_message", [False, True])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_read(seat: Seat, emulator: Emulator, tmp_path: Path, kind: Any, as_message: bool) -> None:
    (tmp_path / "notes.txt").write_text("Größe: 5")
    (tmp_path / "pixel").write_bytes(PNG)
    parts = ["Read:", FilePart(kind(tmp_path / "notes.txt")), FilePart(kind(tmp_path / "pixel"))]
    question: Any = {"role": "user", "content": parts}
    if as_message:
        question = Message("user", (TextPart("Read:"), *parts[1:]))  # type: ignore[arg-type]
    reply = seat.complete(client_of(seat, emulator), [{"role": "system", "content": "Be brief."}, question])
    assert reply.text == DEFAULT_TEXT
    (sent,) = body(emulator)["messages"][1:]
    assert sent["content"] == "Read:\n\nnotes.txt:\nGröße: 5"
    assert [b64decode(image) for image in sent["images"]] == [PNG]


def test_the_home_directory(seat: Seat, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "a.md").write_text("# A")
    seat.complete(client_of(seat, emulator), [{"role": "user", "content": [FilePart("~/a.md")]}])
    assert body(emulator)["messages"][0]["content"] == "a.md:\n# A"


def test_a_name_that_tells_no_type(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "main.rs").write_text("fn größe() {}")
    seat.complete(client_of(seat, emulator), [{"role": "user", "content": [FilePart(tmp_path / "main.rs")]}])
    assert body(emulator)["messages"][0]["content"] == "main.rs:\nfn größe() {}"
    (tmp_path / "data").write_bytes(b"text\0")
    with pytest.raises(InvalidRequest, match=r"media type of .*'data'.* is not known"):
        seat.complete(client_of(seat, emulator), [{"role": "user", "content": [FilePart(tmp_path / "data")]}])


def test_what_stands_beside_a_file_is_kept(seat: Seat, emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"{}")
    part = FilePart(path, "application/json", "b.json")
    headers = iter([("x-a", "1")])
    reply = seat.complete(
        client_of(seat, emulator),
        [{"role": "user", "content": (part for _ in "a")}],
        model="qwen3", headers=headers, cookies={"c": "2"}, temperature=0.5,
    )  # fmt: skip
    assert reply.complete
    sent = body(emulator)
    assert (sent["model"], sent["options"]) == ("qwen3", {"temperature": 0.5})
    assert sent["messages"][0]["content"] == "b.json:\n{}"
    received = emulator.requests[-1].headers
    assert (received["x-a"], received["cookie"]) == ("1", "c=2")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("none.txt", "No such file"),
        ("", "Is a directory|Permission denied"),
        ("a\0b", "null"),
        ("empty", "nothing in it"),
    ],
)
def test_a_file_that_cannot_be_read(seat: Seat, emulator: Emulator, tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "empty").touch()
    whole = f"{tmp_path}/{path}"
    before = len(emulator.requests)
    history = [{"role": "user", "content": "Hi"}, {"role": "user", "content": [FilePart(whole)]}]
    with pytest.raises(InvalidRequest, match=rf"^messages\[1\] has a file .*({words})") as caught:
        seat.complete(client_of(seat, emulator), history)
    assert repr(whole) in str(caught.value)
    assert len(emulator.requests) == before


def test_bytes_and_links_are_not_read(seat: Seat, emulator: Emulator) -> None:
    parts = [FilePart(b"a", "text/plain"), FilePart("data:text/plain;base64,Yg==")]
    seat.complete(client_of(seat, emulator), [{"role": "user", "content": parts}])
    assert body(emulator)["messages"][0]["content"] == "a\n\nb"
    with pytest.raises(InvalidRequest, match="takes no file"):
        seat.complete(client_of(seat, emulator), [{"role": "user", "content": [FilePart("https://x.example/a.txt")]}])


@pytest.mark.parametrize(
    "part",
    [
        {"type": "document", "source": {"type": "url", "url": "{}"}},
        {"fileData": {"fileUri": "{}", "mimeType": "text/plain"}},
        {"fileData": {"fileUri": "{}"}},
        {"type": "video_url", "video_url": {"url": "{}"}},
        {"type": "file", "file": {"file_data": "{}", "filename": "a.txt"}},
        {"type": "input_file", "file_url": "{}"},
        {"type": "image_url", "image_url": "{}"},
    ],
)
def test_no_mapping_has_a_file_read(seat: Seat, emulator: Emulator, tmp_path: Path, part: Any) -> None:
    """Mappings may come from strangers: the callers of a server that passes questions on."""
    path = tmp_path / "secret.txt"
    path.write_text("the secret")
    foreign = json.loads(json.dumps(part).replace("{}", str(path)))
    with pytest.raises(InvalidRequest):
        seat.complete(client_of(seat, emulator), [{"role": "user", "content": [foreign]}])


def test_gpt4frees_classes_read_files(emulator: Emulator, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A")
    messages: Any = [{"role": "user", "content": [FilePart(tmp_path / "a.txt"), "What is it?"]}]
    pieces = Yqcloud.create_completion("", messages, base_url=emulator.base_url("yqcloud"))
    assert "".join(pieces) == DEFAULT_TEXT
    assert body(emulator)["prompt"] == "a.txt:\nA\n\nWhat is it?"
