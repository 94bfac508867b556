"""A server that we did not write, in a process group of its own: started, waited for, and ended for sure."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit


class ServerProcess:
    """`command` prints its URL once it listens on a port of its own choice, and ends when its standard input does.

    `log` is the file that takes what it prints. Ready when `health` answers 200 there. Raises RuntimeError, with the
    log's end, where that takes longer than `seconds`.
    """

    def __init__(self, command: Sequence[str], log: Path, *, health: str, seconds: float = 30) -> None:
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=out, start_new_session=True, cwd=log.parent,
                env={**os.environ, "GGML_NO_BACKTRACE": "1", "NO_COLOR": "1"},
            )  # fmt: skip
        try:
            self.url = self._wait_for_url(time.monotonic() + seconds, health)
        except BaseException:
            self.kill()
            raise

    def _wait_for_url(self, deadline: float, health: str) -> str:
        while time.monotonic() < deadline and self._process.poll() is None:
            found = re.search(r"\bhttp://127\.0\.0\.1:\d+\b", self._log.read_text(errors="replace"))
            if found and _answers(found[0], health):
                return found[0]
            time.sleep(0.02)
        raise RuntimeError(f"{self._process.args!r} does not serve: …{self._log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """End it at once, as a crash would, and everything that it started."""
        self._signal(signal.SIGKILL)
        self._process.wait(10)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def pause(self) -> None:
        """Let it hang: connections stay open, and nothing more comes."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def __enter__(self) -> ServerProcess:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.kill()


def _answers(url: str, path: str) -> bool:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
