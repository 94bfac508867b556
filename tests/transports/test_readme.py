"""The README is true: each of its code blocks runs as it stands."""

from __future__ import annotations

import gc
import json
import os
import re
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from ports import closed_port
from processes import complaints

from sansio_core import (
    ChatError,
    ChatRequest,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    PermissionDenied,
    ProviderRefused,
    RetryPolicy,
    TimedOut,
    Timeouts,
    providers,
)
from transports.emulator import DEFAULT_TEXT, Emulator, InBandError, Reset, Stall, Status, TruncatedFraming

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)


def _named(language: str) -> list[str]:
    return [code for name, code in BLOCKS if name == language]


@pytest.mark.parametrize("code", _named("python"), ids=lambda code: code.strip().splitlines()[-1][:40])
def test_python_block(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=50,
    )
    assert complaints(done.stderr) == ""
    assert done.returncode == 0
    assert done.stdout.strip()


def test_the_two_commands_are_one_line_each() -> None:
    for title in ("Try it", "Test it"):
        section = README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
        blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
        assert len(blocks) == 1
        assert blocks[0].count("\n") == 1


def test_every_block_is_one_that_a_test_runs() -> None:
    """Python blocks run above; shell blocks are the two commands (run by CI) and those of the command's own tests."""
    assert {name for name, _ in BLOCKS} <= {"python", "sh", "text"}


FILES = next(code for code in _named("sh") if "in.jsonl" in code)  # its lines write files that the next ones read
LINES = [line for code in _named("sh") if code != FILES for line in code.splitlines() if "pip install" not in line]


@pytest.mark.parametrize("line", LINES)
def test_shell_line(line: str, tmp_path: Path) -> None:
    """A command line of the README, with our own interpreter in place of an installed command."""
    command = line.replace("sansio-chat ", f"{sys.executable} -m transports ")
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_lines_about_files(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-e", "-c", FILES.replace("sansio-chat ", f"{sys.executable} -m transports ")],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((row["id"], row["text"]) for row in rows) == [(1, DEFAULT_TEXT), (2, DEFAULT_TEXT)]
    assert (tmp_path / "out.html").stat().st_size > 1000


def test_the_table_of_providers_names_them_all() -> None:
    table = README.split("## Providers\n", 1)[1].strip().split("\n\n", 1)[0]
    assert set(re.findall(r"`(\w+)`", table)) >= set(providers.names())
    for row in table.splitlines()[2:]:
        names, _, model, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        if model.startswith("`"):
            assert {providers.info(name).default_model for name in re.findall(r"\w+", names)} == {model.strip("`")}


# --- the block of one's own I/O: its very text, asked to do what it will have to do with a real host -----------------

OWN_IO = next(code for code in _named("python") if code.startswith("import http.client\n"))
QUICK = RetryPolicy(attempts=2, first_wait=0.01, jitter=0)


def own_io(exchange: Exchange) -> None:
    """Runs the block's text with this exchange in place of its own."""
    code = OWN_IO
    for part, other in (
        ("with Emulator() as emulator:", "if True:"),
        ('providers.create("yqcloud", base_url=emulator.base_url("yqcloud"))', "given.provider"),
        ('Exchange(provider, ChatRequest("Hello"))', "given"),
    ):
        assert code.count(part) == 1
        code = code.replace(part, other)
    exec(compile(code, "README.md", "exec"), {"given": exchange})


def asked(base_url: str, provider: str = "gemini", **settings: Any) -> Exchange:
    there = providers.create(provider, base_url=base_url, api_key="test")
    return Exchange(there, ChatRequest("Hello"), **{"retry": QUICK, **settings})


@pytest.fixture(params=["http", "https"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator, over TLS with an authority that this machine trusts."""
    context = None
    if request.param == "https":
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with Emulator(ssl_context=context) as emulator:
        yield emulator
        emulator.wait_for(lambda e: e.open_connections == 0)


@pytest.mark.parametrize("provider", ["free_netfly", "chatgpt_free", "yqcloud", "acytoo", "gemini", "anthropic"])
def test_own_io_asks(provider: str, place: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    own_io(asked(place.base_url(provider), provider))
    assert capsys.readouterr().out == DEFAULT_TEXT
    assert {request.headers["accept-encoding"] for request in place.requests} == {"identity"}
    assert place.requests[-1].query == ("alt=sse" if provider == "gemini" else "")


@pytest.mark.parametrize("framing", ["chunked", "content-length", "close"])
def test_own_io_reads_every_framing(framing: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with Emulator(framing=framing) as emulator:
        own_io(asked(emulator.base_url("gemini")))
    assert capsys.readouterr().out == DEFAULT_TEXT


@pytest.mark.parametrize(
    "fault", [Reset(on="connect"), Reset(before="headers"), Reset(after_pieces=0), Status(500), Status(429)]
)
def test_own_io_tries_again(fault: Any, place: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    place.order(fault)
    with warnings.catch_warnings():
        # ssl.SSLSocket._create leaves its socket open when the peer resets the connection just before the handshake.
        warnings.simplefilter("ignore", ResourceWarning)
        own_io(asked(place.base_url("gemini")))
        gc.collect()
    assert capsys.readouterr().out == DEFAULT_TEXT
    assert place.connections == 2


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Reset(after_pieces=2), ConnectionLost, True),
        (TruncatedFraming(after_pieces=2), ConnectionLost, True),
        (Status(403), PermissionDenied, False),
        (InBandError(after_pieces=2), (ChatError, ProviderRefused), True),
        (Stall("headers"), TimedOut, False),
        (Stall(after_pieces=2), TimedOut, True),
    ],
)
def test_own_io_fails_as_it_should(
    fault: Any, error: Any, text: bool, place: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    place.order(fault, fault)
    stalls = isinstance(fault, Stall)
    clocks = Timeouts(first_event=0.3 if fault == Stall("headers") else 30, idle=0.4 if stalls else 30)
    with pytest.raises(error) as caught:
        own_io(asked(place.base_url("gemini"), timeouts=clocks))
    assert capsys.readouterr().out == (DEFAULT_TEXT[: len(caught.value.reply.text)] if text else "")
    assert bool(caught.value.reply.text) is text


@pytest.mark.parametrize(("connect", "total", "clock"), [(0.2, 30, "connect"), (30, 0.2, "total")])
def test_own_io_bounds_its_connecting(connect: float, total: float, clock: str) -> None:
    with Emulator(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as emulator:
        emulator.order(Stall("headers", on="connect"))
        with pytest.raises(TimedOut) as caught:
            own_io(asked(emulator.base_url("gemini"), retry=1, timeouts=Timeouts(connect=connect, total=total)))
        assert caught.value.clock == clock


def test_own_io_that_cannot_connect() -> None:
    with pytest.raises(ConnectFailed, match="refused"):
        own_io(asked(f"http://127.0.0.1:{closed_port()}"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Emulator(ssl_context=context) as emulator:
        with pytest.raises(ConnectFailed, match="certificate"):
            own_io(asked(emulator.base_url("gemini")))
        assert emulator.requests == []  # nobody vouches for it, so it gets no key
