"""A base URL out of the vendor's own environment variable: when it is read, where it is told, whose key goes there."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import requests
from ports import closed_port
from seats import Blocking, Seat

from sansio_core import ConnectFailed, InvalidRequest, providers
from transports._shared.environment import base_url_of
from transports.cli import main
from transports.emulator import DEFAULT_TEXT, Emulator

VARIABLES = {
    "openai": "OPENAI_BASE_URL",
    "openai_responses": "OPENAI_BASE_URL",
    "anthropic": "ANTHROPIC_BASE_URL",
    "gemini": "GOOGLE_GEMINI_BASE_URL",
    "ollama": "OLLAMA_HOST",
    "ollama_openai": "OLLAMA_HOST",
    "groq": "GROQ_BASE_URL",
    "together": "TOGETHER_BASE_URL",
    "fireworks": "FIREWORKS_BASE_URL",
    "cerebras": "CEREBRAS_BASE_URL",
    "azure_openai": "AZURE_OPENAI_ENDPOINT",
}
KEY = "sk-planted-0123456789abcdef"


def test_which_variable_is_whose() -> None:
    assert {name: found for name in providers.names() if (found := providers.info(name).base_url_env)} == VARIABLES


@pytest.mark.parametrize("name", ["openai", "openai_responses", "anthropic", "gemini", "ollama"])
def test_the_vendors_variable_names_the_host(
    name: str, seat: Seat, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "transports.calls")
    monkeypatch.setenv(VARIABLES[name], f" {emulator.base_url(name)} ")
    monkeypatch.setenv(providers.info(name).api_key_env or "", KEY)
    client = seat.client(name, model="m")
    assert repr(client).endswith(f"(from {VARIABLES[name]})>")
    assert seat.complete(client).text == DEFAULT_TEXT
    (request,) = emulator.requests
    assert KEY in str(dict(request.headers))
    assert f"(base URL from {VARIABLES[name]})" in caplog.messages[0]


def test_it_is_read_only_where_the_user_leaves_the_place_open(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gate.example/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def place(provider: Any, **settings: Any) -> str:
        found: str = seat.client(provider, **settings).provider.base_url
        return found

    assert place("openai") == "https://gate.example/v1"
    assert place("openai", base_url="https://other.example/v1") == "https://other.example/v1"
    assert place("openai", base_url="") == "https://api.openai.com/v1"
    assert place(providers.create("openai")) == "https://api.openai.com/v1"
    # No other vendor's key goes there.
    assert place("groq", api_key="k-123") == "https://api.groq.com/openai/v1"
    assert "from" not in repr(seat.client("groq", api_key="k-123"))
    monkeypatch.setenv("OPENAI_BASE_URL", "  ")
    assert place("openai") == "https://api.openai.com/v1"


def test_a_host_that_is_not_reached_and_why_it_was_asked(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{closed_port()}")
    for base_url, told in ((None, True), (f"http://127.0.0.1:{closed_port()}", False)):
        with pytest.raises(ConnectFailed) as caught:
            seat.complete(seat.client("ollama", model="m", base_url=base_url, retry=1))
        assert ("refused (the base URL is from OLLAMA_HOST)" in str(caught.value)) is told


@pytest.mark.parametrize(
    "value", [KEY, "gate.example/v1", "ftp://gate.example", f"https://me:{KEY}@gate.example", f"https://g.example?k={KEY}"]
)
def test_a_value_that_is_no_base_url(value: str, seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", value)
    with pytest.raises(InvalidRequest, match="the environment variable ANTHROPIC_BASE_URL holds no base URL") as caught:
        seat.client("anthropic", api_key="k-123")
    assert "planted" not in str(caught.value)
    assert seat.client("anthropic", api_key="k-123", base_url="https://gate.example")


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("http://0.0.0.0", "http://127.0.0.1:80"),
        (":8080", "http://127.0.0.1:8080"),
        ("box", "http://box:11434"),
        ("box:8080", "http://box:8080"),
        ("box/", "http://box:11434"),
        ("box:8080/ollama/", "http://box:8080/ollama"),
        ("http://box", "http://box:80"),
        ("https://box.example", "https://box.example:443"),
        ("https://box.example:8443/ollama", "https://box.example:8443/ollama"),
        ("ollama.com", "https://ollama.com:443"),
        ("'box'", "http://box:11434"),
        ("::1", "http://[::1]:11434"),
        ("::", "http://[::1]:11434"),
        ("[::]:8080", "http://[::1]:8080"),
        ("[fe80::1]", "http://[fe80::1]:11434"),
        ("https://[fe80::1]", "https://[fe80::1]:443"),
        ("box:port", None),
        ("box:99999", None),
        ("unix:///run/ollama.sock", None),
        ("a b", None),
        (f"me:{KEY}@box", None),
    ],
)
def test_ollamas_own_grammar(value: str, url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", value)
    if url is None:
        with pytest.raises(InvalidRequest, match="OLLAMA_HOST holds no base URL") as caught:
            base_url_of("ollama", None)
        assert "planted" not in str(caught.value)
        return
    found, variable = base_url_of("ollama", None)
    assert variable == "OLLAMA_HOST"
    assert providers.create("ollama", base_url=found).base_url == f"{url}/api"
    assert providers.create("ollama_openai", base_url=found).base_url == f"{url}/v1"


@pytest.mark.parametrize("tail", ["", "/openai/deployments/d?api-version=2024-10-21"])
def test_azures_endpoint(tail: str, seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"https://r.openai.azure.com{tail}")
    client = seat.client("azure_openai", api_key="k-123", model="d")
    assert client.provider.base_url == "https://r.openai.azure.com"
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT")
    with pytest.raises(InvalidRequest, match="or the environment variable AZURE_OPENAI_ENDPOINT"):
        seat.client("azure_openai", api_key="k-123", model="d")


def test_a_sessions_cookies_are_for_the_host_that_is_asked(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", emulator.base_url("openai"))
    seat = Blocking()
    with requests.Session() as session:
        session.cookies.set("there", "1", domain="127.0.0.1")
        session.cookies.set("vendor", "2", domain="api.openai.com")
        seat.complete(seat.client("openai", api_key="k-123", model="m", session=session))
    assert emulator.requests[0].headers["cookie"] == "there=1"
    seat.end()


def test_on_the_command_line(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", emulator.base_url("openai"))
    assert main(["ask", "-p", "openai", "-m", "m", "Hi"]) == 5  # asked without a key: a gateway may need none
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert main(["ask", "-v", "-p", "openai", "-m", "m", "Hi"]) == 0
    printed = capsys.readouterr()
    assert printed.out.rstrip("\n") == DEFAULT_TEXT.rstrip("\n")
    assert "(base URL from OPENAI_BASE_URL)" in printed.err
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{closed_port()}/nobody")
    assert main(["ask", "--emulate", "-p", "openai", "Hi"]) == 0
    capsys.readouterr()
    assert main(["ask", "-p", "openai", "-m", "m", "--retry", "1", "Hi"]) == 3
    assert "refused (the base URL is from OPENAI_BASE_URL)" in capsys.readouterr().err
    monkeypatch.setenv("OPENAI_BASE_URL", "nonsense")
    assert main(["ask", "-p", "openai", "Hi"]) == 2
    assert "OPENAI_BASE_URL holds no base URL" in capsys.readouterr().err
