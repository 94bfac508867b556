"""Providers of one's own under both clients and the command: the example's, those of other packages, named hosts."""

from __future__ import annotations

import re
import threading
import tomllib
import warnings
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from programs import EXAMPLES, load, run
from seats import Seat

from sansio_core import ChatEvent, InvalidRequest, Reply, TextDelta, UsageReport, providers
from transports._shared import installed
from transports.cli import main
from transports.emulator import DEFAULT_TEXT, Emulator


def test_the_example_runs_and_its_provider_is_short() -> None:
    done = run("own_provider.py")
    assert (done.returncode, done.stdout) == (0, "You said: Grüß Gott\n"), done.stderr
    page = (EXAMPLES / "own_provider.py").read_text(encoding="utf-8")
    provider = page[page.index("import json") : page.index("class Server")]
    of_the_server = ("import json", "from http", "from threading", "from transports")
    lines = [line for line in provider.splitlines() if line and not line.startswith(of_the_server)]
    assert len(lines) <= 25


def test_the_page_for_writers_is_true() -> None:
    """Its blocks run one after another, as they stand."""
    page = (EXAMPLES / "providers.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page, re.M | re.S)
    names: dict[str, Any] = {"__name__": "page"}
    exec("".join(block for language, block in blocks if language == "python"), names)
    assert providers.info("gate").api_key_env == "GATE_API_KEY"
    assert repr(providers.create("box")) == "<provider box at http://box.local:11434/api>"
    lines = names["LinesParser"]()
    assert Reply.of(lines.feed(b'{"token": "Hi"}\n') + lines.end()).text == "Hi"
    (package,) = (tomllib.loads(block) for language, block in blocks if language == "toml")
    assert package == {"project": {"entry-points": {installed.GROUP: {"acme": "acme_chat:Acme"}}}}


@pytest.fixture
def acme() -> Iterator[str]:
    """The example's provider, registered, and the base URL of its server."""
    module = load("own_provider.py")
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Server)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_registered_name_in_both_clients(seat: Seat, acme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "k-123")
    client = seat.client("Acme", base_url=acme)
    assert client.provider.api_key == "k-123"
    reply: Reply = seat.complete(client, "Grüß Gott")
    assert (reply.text, reply.finish_reason, reply.usage) == ("You said: Grüß Gott", "stop", UsageReport(1, 3))
    given = seat.client(type(client.provider)(base_url=acme, api_key="k-123"))
    assert seat.complete(given, "Grüß Gott").text == reply.text


def test_a_registered_name_on_the_command_line(
    acme: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "k-123")
    assert main(["ask", "-p", "acme", "--base-url", acme, "Grüß Gott"]) == 0
    assert capsys.readouterr().out == "You said: Grüß Gott\n"
    assert main(["providers"]) == 0
    assert "acme " in capsys.readouterr().out


def test_the_class_in_place_of_a_name(seat: Seat, acme: str) -> None:
    cls = type(providers.create("acme"))
    with pytest.raises(InvalidRequest, match=r"Acme is a class: give an object of it, Acme\(…\), or register it with"):
        seat.client(cls)
    with pytest.raises(InvalidRequest, match="provider must be a name or a provider object, not int"):
        seat.client(5)
    with pytest.raises(InvalidRequest, match="provider must be a name or a provider object, not the class AcmeParser"):
        seat.client(cls.parser_class)


def test_a_mistake_in_a_parser_comes_out_as_it_is(seat: Seat, acme: str) -> None:
    class Wrong(type(providers.create("acme").parser())):  # type: ignore[misc]
        def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
            out.append(TextDelta(value["text"]))

    provider = providers.create("acme", base_url=acme, api_key="k-123")
    type(provider).parser_class, right = Wrong, type(provider).parser_class
    client = seat.client(provider)
    with pytest.raises(KeyError, match="text"):
        seat.complete(client)
    type(provider).parser_class = right
    assert seat.complete(client, "Hi").text == "You said: Hi"


# --- other packages --------------------------------------------------------------------------------------------------

PACKAGE = """
from sansio_core.dialects import PlainTextParser
from sansio_core.providers import JSONProvider, ProviderInfo

class Inst(JSONProvider):
    info = ProviderInfo("inst", "https://inst.example", any_model := "m", api_key_env="INST_KEY")
    parser_class = PlainTextParser

    def payload(self, request, model):
        return {"prompt": request.messages[-1].text}

not_a_class = 5
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package with a provider, and three entry points that are broken."""
    (tmp_path / "inst_chat.py").write_text(PACKAGE)
    facts = tmp_path / "inst_chat-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: inst-chat\nVersion: 1.0\n")
    points = "gone = inst_nowhere:Gone\nodd = inst_chat:not_a_class\ninst = inst_chat:Inst\nopenai = inst_chat:Inst\n"
    (facts / "entry_points.txt").write_text(f"[{installed.GROUP}]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path))
    providers.add_source(installed._register_installed)
    yield
    providers._sources.pop(installed._register_installed, None)


@pytest.mark.usefixtures("package")
def test_an_installed_provider_is_found_by_its_name(seat: Seat) -> None:
    with pytest.warns(RuntimeWarning, match="providers that cannot be used: ") as caught:
        client = seat.client("inst")
    assert repr(client).endswith("Client of inst at https://inst.example>")
    (warning,) = caught
    said = str(warning.message)
    assert "'gone' of the package inst-chat (ModuleNotFoundError: No module named 'inst_nowhere')" in said
    assert "'odd' of the package inst-chat (InvalidRequest: register() takes a subclass" in said
    assert "'openai' of the package inst-chat (InvalidRequest: Inst is called 'inst' in its info" in said
    assert warning.filename.endswith("seats.py")  # the line that made the client
    assert "inst" in providers.names()


@pytest.mark.usefixtures("package")
def test_the_command_lists_an_installed_provider(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main(["providers", "--json"]) == 0
    printed = capsys.readouterr()
    assert '"name": "inst"' in printed.out
    assert printed.err.startswith("sansio-chat: warning: providers that cannot be used: 'gone' of the package")


@pytest.mark.usefixtures("package")
def test_known_names_ask_no_package() -> None:
    providers.create("openai", api_key="k-123")
    assert installed._register_installed in providers._sources


# --- named hosts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", ["openai", "anthropic", "ollama"])
def test_a_named_host(seat: Seat, emulator: Emulator, wire: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_KEY", "k-123")
    providers.register_host("gate", url=emulator.base_url(wire), key="GATE_KEY", model="m", wire=wire)
    assert seat.complete(seat.client("gate")).text == DEFAULT_TEXT
    (request,) = emulator.requests
    assert "k-123" in str(dict(request.headers))
    assert b'"m"' in request.body
