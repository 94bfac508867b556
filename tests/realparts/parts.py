"""Proxies and servers that other people wrote, on loopback: started for the tests, ended for sure.

A part has a folder of its own with its configuration and its log. Where the binary is absent the test is skipped;
`.ci/install-parts` installs them all on Debian.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme

USER, PASSWORD = "planted-user", "planted-password"
PATIENCE = 15.0
"""Seconds after which a part that does not listen is a failure."""
SBIN = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin:/usr/local/bin"


def free_port() -> int:
    """A port on loopback that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def need(name: str) -> str:
    """Where the binary is; skips the test where it is not."""
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        pytest.skip(f"{name} is not installed here: .ci/install-parts installs it on Debian")
    return found


class Part:
    """A running program: the ports that it listens on by their names, and its folder."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, ports: dict[str, int]) -> None:
        self.process = process
        self.folder = folder
        self.ports = ports

    @property
    def port(self) -> int:
        """The first of its ports."""
        return next(iter(self.ports.values()))

    def logs(self) -> str:
        """All that it wrote into its logs."""
        return "\n".join(file.read_text(errors="replace") for file in self.folder.glob("*.log"))

    def logged(self, text: str, times: int = 1) -> str:
        """The same, once `text` stands in it so often (programs write their logs late)."""
        end = time.monotonic() + PATIENCE
        while (logs := self.logs()).count(text) < times and time.monotonic() < end:
            time.sleep(0.02)
        assert logs.count(text) >= times
        return logs

    def kill(self) -> None:
        """End it as a crash does, with all its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


@contextmanager
def running(binary: str, arguments: str, files: dict[str, str], **ports: int) -> Iterator[Part]:
    """Run `binary`; in its `arguments` and files `{folder}` and the names of the ports are filled in."""
    command = need(binary)
    with tempfile.TemporaryDirectory(prefix=f"realpart-{binary}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o777)  # some give up root's rights

        def fill(text: str) -> str:
            for key, value in {"folder": folder, "user": USER, "password": PASSWORD, **ports}.items():
                text = text.replace(f"{{{key}}}", str(value))
            return text

        for file, text in files.items():
            (folder / file).write_text(fill(text))
            (folder / file).chmod(0o755 if text.startswith("#!") else 0o644)
        with (folder / "out.log").open("wb") as out:
            process = subprocess.Popen(
                [command, *map(fill, arguments.split())],
                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=folder, start_new_session=True,
            )  # fmt: skip
        part = Part(process, folder, ports)
        try:
            for port in ports.values():
                _await_port(part, port)
            yield part
        finally:
            part.kill()


def _await_port(part: Part, port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if part.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{part.process.args!r} does not listen on {port}:\n{part.logs()}") from None
            time.sleep(0.02)
        else:
            return


class Authority:
    """A certificate authority of this test run, and one server certificate for loopback."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = str(folder / "ca.pem")
        self._ca.cert_pem.write_to_path(self.file)
        cert = self._ca.issue_cert("127.0.0.1", "localhost")
        self.pem = (cert.private_key_pem.bytes() + b"".join(blob.bytes() for blob in cert.cert_chain_pems)).decode()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cert.configure_cert(self.context)
