"""The core in a browser's Python: Pyodide (CPython as WebAssembly), here under node; fetch() moves the bytes.

pytest -m interop tests/interop/test_pyodide.py     # has npm install pyodide (14 MB) in pytest's cache, once
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from transports.emulator import DEFAULT_TEXT, Emulator, Reset, Stall, Status

pytestmark = pytest.mark.interop
VERSION = "314.0.7"
ROOT = Path(__file__).parents[2]

Python = Callable[[str], Any]
CHAT = """
from sansio_core import ChatError, ChatRequest, Exchange, providers
from pyodide_chat import chat

chunks = []
exchange = Exchange(providers.create({name!r}, base_url={base_url!r}), ChatRequest("Hello"), **{settings!r})
try:
    await chat(exchange, chunks.append)
    error = None
except ChatError as caught:
    error = [type(caught).__name__, str(caught)]
result = [chunks, exchange.reply.complete, exchange.attempts, error]
"""


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest) -> Path:
    """The package's folder: PYODIDE names it, else it is in pytest's cache, where `-m interop` has npm install it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("pyodide: needs node")
    if "PYODIDE" in os.environ:
        return Path(os.environ["PYODIDE"])
    config = request.config
    if config.cache is None:
        pytest.skip("pyodide: PYODIDE names no folder, and pytest has no cache")
    place = Path(config.cache.mkdir("pyodide"))
    package = place / "node_modules" / "pyodide"
    if not package.exists():
        if npm is None or config.option.markexpr != "interop":
            pytest.skip("pyodide: not installed; `pytest -m interop` installs it, with npm")
        wanted = f"pyodide@{VERSION}"
        command = [npm, "install", "--prefix", str(place), "--no-fund", "--no-audit", "--ignore-scripts", wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50)
        if done.returncode != 0:
            pytest.skip(f"pyodide: npm could not install it: {done.stderr[-300:]}")
    return package


@pytest.fixture(scope="module")
def python(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Python]:
    """Runs source in Pyodide, one for the whole module as it starts slowly, and gives what it left in `result`."""
    script = Path(__file__).with_name("pyodide_run.mjs")
    command = [str(shutil.which("node")), str(script), str(package), str(ROOT)]
    log = tmp_path_factory.mktemp("pyodide") / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        ) as process,
    ):
        into, out = process.stdin, process.stdout
        assert into is not None
        assert out is not None

        def run(source: str) -> Any:
            into.write(json.dumps(source) + "\n")
            into.flush()
            answer = out.readline()
            assert answer, log.read_text()
            return json.loads(answer)

        yield run
        into.close()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def chat(python: Python, emulator: Emulator, name: str, **settings: Any) -> Any:
    return python(CHAT.format(name=name, base_url=emulator.base_url(name), settings=settings))


def test_a_parser(python: Python) -> None:
    assert python(
        """
import sys
from sansio_core import providers

parser = providers.create("free_netfly").parser()
body = 'data: {"choices": [{"delta": {"content": "Grüß Gott"}}]}\\n\\ndata: [DONE]\\n\\n'.encode()
events = [event for byte in body for event in parser.feed(bytes([byte]))]
result = [sys.platform, "".join(getattr(event, "text", "") for event in events), parser.close()]
"""
    ) == ["emscripten", "Grüß Gott", []]


@pytest.mark.parametrize("name", ["free_netfly", "chatgpt_free", "yqcloud", "ollama"])
def test_an_exchange_over_fetch(name: str, python: Python, emulator: Emulator) -> None:
    chunks, complete, attempts, error = chat(python, emulator, name)
    assert ("".join(chunks), complete, attempts, error) == (DEFAULT_TEXT, True, 1, None)


def test_it_tries_again(python: Python, emulator: Emulator) -> None:
    emulator.order(Status(status=503), Reset(before="headers"))
    chunks, complete, attempts, _ = chat(python, emulator, "yqcloud", retry=3)
    assert ("".join(chunks), complete, attempts) == (DEFAULT_TEXT, True, 3)


@pytest.mark.parametrize(
    ("fault", "settings", "error"),
    [
        (Status(status=401), {}, "AuthenticationFailed"),
        (Reset(after_pieces=2), {}, "ConnectionLost"),
        (Stall(after_pieces=2), {"timeouts": 0.5}, "TimedOut"),
    ],
)
def test_a_failure(fault: Any, settings: Any, error: str, python: Python, emulator: Emulator) -> None:
    emulator.order(fault)
    chunks, complete, _, (kind, _) = chat(python, emulator, "free_netfly", retry=1, **settings)
    assert ("".join(chunks), complete, kind) == ("" if "Auth" in error else "Green leaves", False, error)
    emulator.wait_for(lambda e: e.held == 0)
