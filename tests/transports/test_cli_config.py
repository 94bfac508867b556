"""The command's own settings: hosts by name, the default, and what reads them: `models`, `providers`, completion."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from sansio_core import InvalidRequest, providers
from transports.cli import config as config_module
from transports.cli import main
from transports.emulator import DEFAULT_TEXT, Emulator

Capture = pytest.CaptureFixture[str]
KEY = "sk-planted-0123456789"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, which is not there yet; names that a test registers are forgotten after it."""
    monkeypatch.setattr(providers, "_registered", dict(providers._registered))
    monkeypatch.setenv("SANSIO_CHAT_CONFIG", str(tmp_path / "folder" / "config.toml"))
    return tmp_path / "folder" / "config.toml"


def run(capsys: Capture, *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("client", [[], ["--async"]], ids=["blocking", "asyncio"])
def test_a_host_is_added_asked_and_removed(
    client: list[str], config: Path, emulator: Emulator, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = ["--url", emulator.base_url("openai"), "--key", "ACME_API_KEY", "--model", "acme-large"]
    code, out, err = run(capsys, "providers", "--add", "acme", *host)
    assert (code, out.splitlines()[-1]) == (0, "ask it with: sansio-chat ask -p acme PROMPT")
    assert err == "sansio-chat: its key is still to be set: export ACME_API_KEY=...\n"
    written = f'[hosts.acme]\nurl = "{emulator.base_url("openai")}"\nkey = "ACME_API_KEY"\nmodel = "acme-large"\n'
    assert config.read_text() == written
    monkeypatch.setenv("ACME_API_KEY", KEY)
    assert run(capsys, "ask", "-p", "acme", *client, "Hi") == (0, DEFAULT_TEXT, "")
    request = emulator.requests[-1]
    assert (request.json["model"], request.headers["authorization"]) == ("acme-large", f"Bearer {KEY}")
    assert "acme" in run(capsys, "providers")[1]
    assert run(capsys, "providers", "--add", "acme", *host)[0] == 2
    assert run(capsys, "providers", "--remove", "acme")[0] == 0
    assert config.read_text() == ""
    assert run(capsys, "providers", "--remove", "acme")[2].endswith("config.toml: it has none\n")


def test_a_host_of_another_wire(config: Path, emulator: Emulator, capsys: Capture) -> None:
    url = emulator.base_url("ollama")
    assert run(capsys, "providers", "--add", "box", "--url", url, "--wire", "ollama", "--model", "llama3.2")[0] == 0
    assert run(capsys, "ask", "-p", "box", "Hi") == (0, DEFAULT_TEXT, "")


def test_what_the_user_wrote_stays(config: Path, capsys: Capture) -> None:
    mine = '# mine\n\n[hosts.box]  # at home\nurl = "http://box:8000/v1"\n\n# last\n[hosts.old]\nurl = "http://old/v1"'
    config.parent.mkdir()
    config.write_text(mine)
    assert run(capsys, "default", "box", "-m", "tiny") == (0, "box -m tiny\n", "")
    assert config.read_text() == mine + '\n\n[default]\nprovider = "box"\nmodel = "tiny"\n'
    config.write_text(config.read_text().replace("[default]\n", "[default]  # for now\n# so\n"))
    assert run(capsys, "default", "-m", "big")[1] == "box -m big\n"
    assert config.read_text().endswith('\n[default]  # for now\nprovider = "box"\nmodel = "big"\n# so\n')
    assert run(capsys, "providers", "--remove", "old")[0] == 0
    code, _, err = run(capsys, "providers", "--remove", "box")
    assert (code, err.partition(" (")[0]) == (0, "sansio-chat: it was the default: there is none now")
    assert config.read_text() == "# mine\n\n# last\n"


@pytest.mark.parametrize(
    "text", ['hosts.box.url = "http://box/v1"\n', 'hosts = {box = {url = "http://box/v1"}}\n'], ids=["dotted", "inline"]
)
def test_what_is_written_otherwise_is_left_to_a_person(text: str, config: Path, capsys: Capture) -> None:
    config.parent.mkdir()
    config.write_text(text)
    assert "box" in run(capsys, "providers")[1]
    code, _, err = run(capsys, "providers", "--remove", "box")
    assert (code, err) == (2, f"sansio-chat: {config}: [hosts.box] is written in a way that needs a person: edit it\n")
    assert config.read_text() == text


def test_the_default(config: Path, emulator: Emulator, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    unset = (0, "", "sansio-chat: no default is set: `sansio-chat default PROVIDER [-m MODEL]` sets one\n")
    assert run(capsys, "default") == unset
    assert run(capsys, "ask", "Hi")[0] == 2
    for name, wire in (("one", "vllm"), ("two", "ollama")):
        url = emulator.base_url(wire)
        assert run(capsys, "providers", "--add", name, "--url", url, "--wire", wire, "--model", f"{name}-s")[0] == 0
    assert run(capsys, "default", "One", "-m", "one-l") == (0, "one -m one-l\n", "")

    def model(*arguments: str) -> str:
        assert run(capsys, "ask", *arguments, "Hi")[:2] == (0, DEFAULT_TEXT)
        named: str = emulator.requests[-1].json["model"]
        return named

    assert model() == "one-l"
    assert model("-p", "ONE") == "one-l"
    assert model("-m", "one-x") == "one-x"
    assert model("-p", "two") == "two-s"
    monkeypatch.setenv("OPENAI_API_KEY", "given")
    assert model("--base-url", emulator.base_url("openai")) == providers.info("openai").default_model
    assert run(capsys, "models")[1].splitlines()[0] == "NAME"
    assert run(capsys, "default", "nobody")[0] == 2
    assert run(capsys, "default", "yqcloud", "-m", "gpt-99")[2].startswith("sansio-chat: yqcloud has no model 'gpt-99'")
    assert run(capsys, "default", "--unset") == unset


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default\n", ", line 1: this is no TOML: "),
        ("# mine\nurl = 3\n", ", line 2: there is no setting of that name; known are the tables "),
        ('[defalt]\nprovider = "openai"\n', ", line 1: there is no setting of that name (did you mean 'default'?)"),
        ('[default]\nmodel = "x"\n', ", line 1: [default] lacks provider = "),
        ('\n[default]\nprovider = "opnai"\n', ", line 3: [default] there is no provider 'opnai' (did you mean 'openai"),
        ("[hosts.acme]\n", ", line 1: [hosts.acme] lacks url = "),
        ("[hosts]\nacme = 3\n", ", line 2: [hosts] takes tables alone: [hosts.NAME]"),
        (f'[hosts.acme]\nurl = "http://a"\napi_key = "{KEY}"\n', ", line 3: [hosts.acme] takes url, key, "),
        (f'[hosts.acme]\nurl = "http://a"\nkey = "{KEY}"\n', ", line 3: [hosts.acme] key must be the NAME of the env"),
        (f'[hosts.acme]\nurl = ["{KEY}"]\n', ", line 2: [hosts.acme] url must be a text: "),
        (f'[hosts.acme]\nurl = "http://me:{KEY}@a"\n', ", line 1: [hosts.acme] credentials do not belong in the URL"),
        ('[hosts.openai]\nurl = "http://a"\n', ", line 1: [hosts.openai] the name 'openai' is taken"),
        ('[hosts.acme]\nurl = "http://a"\nwire = "x"\n', ", line 1: [hosts.acme] no other host speaks the wire 'x'"),
    ],
)  # fmt: skip
def test_what_a_file_cannot_say(text: str, message: str, config: Path, capsys: Capture) -> None:
    config.parent.mkdir()
    config.write_text(text)
    code, out, err = run(capsys, "ask", "Hi")
    assert (code, out) == (2, "")
    assert err.startswith(f"sansio-chat: {config}{message}")
    assert "planted" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--add", "acme"], "--add NAME needs the host's --url URL"),
        (["--add", "acme", "--url", "acme.example"], "'acme.example' is not an http:// or https:// URL with a host"),
        (["--add", "acme", "--url", "http://a", "--key", KEY], "--key must be the NAME of the environment variable"),
        (["--add", "acme", "--url", "http://a", f"--key={KEY}"], "--key must be the NAME of the environment variable"),
        (["--add", "no name", "--url", "http://a"], "a provider's name has letters, digits"),
        (["--add", "open-ai", "--url", "http://a"], "the name 'open-ai' is taken"),
        (["--model", "x"], "--url, --key, --model and --wire go with --add NAME"),
    ],
)  # fmt: skip
def test_what_cannot_be_added(arguments: list[str], message: str, config: Path, capsys: Capture) -> None:
    code, out, err = run(capsys, "providers", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"sansio-chat: {message}")
    assert "planted" not in err
    assert not config.exists()


def test_where_the_file_is(config: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("SANSIO_CHAT_CONFIG", str(tmp_path / "bytes.toml"))
    assert run(capsys, "default")[2] == f"sansio-chat: {tmp_path / 'bytes.toml'} is not UTF-8: save it as that\n"
    below = str(tmp_path / "bytes.toml" / "config.toml")
    monkeypatch.setenv("SANSIO_CHAT_CONFIG", below)
    code, _, err = run(capsys, "default", "openai")
    assert (code, err.startswith(f"sansio-chat: {below}: ")) == (1, True)

    monkeypatch.delenv("SANSIO_CHAT_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert run(capsys, "default", "openai")[0] == 0
    assert (tmp_path / "xdg" / "sansio-chat" / "config.toml").read_text() == '[default]\nprovider = "openai"\n'
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("APPDATA", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # a user without a home
    assert run(capsys, "default")[0] == 0
    code, _, err = run(capsys, "default", "openai")
    assert (code, err) == (
        2, "sansio-chat: this user has no folder for settings: name a file with SANSIO_CHAT_CONFIG\n"
    )  # fmt: skip


def test_a_file_of_another_user(config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "open", denied, raising=False)  # root may read every file
    assert run(capsys, "ask", "--emulate", "Hi")[0] == 1
    monkeypatch.delenv("SANSIO_CHAT_CONFIG")
    assert run(capsys, "ask", "--emulate", "Hi")[:2] == (0, DEFAULT_TEXT)
    warned, failed = run(capsys, "default", "openai")[2].splitlines()
    assert warned.endswith("config.toml: Permission denied; going on without it")
    assert failed.endswith("config.toml: Permission denied")


def denied(path: str, *_: object, **__: object) -> NoReturn:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def test_commands_at_once_lose_nothing(config: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "_TRIES", 1)
    one, two = config_module.Config(), config_module.Config()
    one.set(("hosts", "one"), {"url": "http://one"})
    two.set(("hosts", "two"), {"url": "http://two"})
    assert list(two.hosts) == ["one", "two"]
    with pytest.raises(InvalidRequest, match=r"\[hosts.two\] was changed by another command: try again"):
        one.set(("hosts", "two"), {"url": "http://three"})
    written = config.read_text()
    (new := config.with_name("config.toml.new")).touch()
    assert run(capsys, "default", "two")[2].endswith(f"{new}, or was killed while it did: then remove that file\n")
    assert config.read_text() == written
    new.unlink()
    assert run(capsys, "default", "two")[0] == 0
    assert not new.exists()


# --- what reads them -------------------------------------------------------------------------------------------------


def test_models(capsys: Capture) -> None:
    assert run(capsys, "models", "-p", "openrouter", "--emulate") == (
        0,
        "NAME              CONTEXT  OUTPUT  INPUT        SHUT DOWN\n"
        "openrouter/auto   200,000  64,000  text, image  2027-06-30\n"
        "emulated-model-2  200,000  64,000  text, image  2027-06-30\n",
        "",
    )
    assert run(capsys, "models", "-p", "yqcloud") == (0, "NAME\ngpt-3.5-turbo\n", "")
    code, out, _ = run(capsys, "models", "--emulate", "--json")
    assert (code, [model["name"] for model in json.loads(out)][1]) == (0, "emulated-model-2")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_name_is_ever_cut(columns: int, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    _, whole, _ = run(capsys, "providers")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, err = run(capsys, "providers")
    assert code == 0
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == [line.split()[0] for line in whole.splitlines()]
    assert max(map(len, lines)) <= columns
    assert ("KEY VARIABLE" in lines[0]) is (columns >= 40)
    assert (err == "") is (out == whole) is (columns == 200)
    assert not err or "BASE URL" in err


@pytest.mark.skipif(sys.platform == "win32", reason="argcomplete's scripts are for shells of Unix")
def test_completion(config: Path, capsys: Capture) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "sansio-chat" in run(capsys, "completion", shell)[1]
    config.parent.mkdir()
    config.write_text('[hosts.zebra]\nurl = "http://a"\n')
    line, file = "sansio-chat ask -p z", config.with_name("completions")
    shell = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_STDOUT_FILENAME": str(file), "COMP_LINE": line, "COMP_POINT": "20"}
    subprocess.run([sys.executable, "-m", "transports"], env={**os.environ, **shell}, check=True)
    assert file.read_text().strip() == "zebra"
