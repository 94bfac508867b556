"""Many streams at once, each of which must bring every one of its own words and no other's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from load_server import text

from sansio_core import ChatError, RetryPolicy
from transports import AsyncClient, Client

ONCE = RetryPolicy(attempts=1)


@contextmanager
def server() -> Iterator[str]:
    """The base URL of a server of this module's own."""
    path = str(Path(__file__).with_name("load_server.py"))
    with subprocess.Popen([sys.executable, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.stdin.close()
            process.wait(20)


@dataclass
class Figures:
    """How a load went."""

    complete: int = 0
    wrong: list[str] = field(default_factory=list)
    """Names of streams whose text was not theirs, or not all of it, with the beginning of that text."""
    errors: list[ChatError] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    def take(self, name: str, got: str, count: int, complete: bool) -> None:
        if got != text(name, count):
            self.wrong.append(f"{name}: {got[:60]!r}")
        self.complete += complete


@contextmanager
def timed(figures: Figures) -> Iterator[None]:
    wall, cpu = time.monotonic(), time.process_time()
    yield
    figures.seconds, figures.cpu = time.monotonic() - wall, time.process_time() - cpu


async def asyncio_streams(url: str, streams: int, count: int, seconds: float) -> Figures:
    """That many tasks with one client."""
    figures = Figures()

    async def one(client: AsyncClient, name: str) -> None:
        stream = client.stream(f"ticks {name} {count} {seconds}")
        got = ""
        try:
            async with stream:
                async for piece in stream:
                    got += piece
            figures.take(name, got, count, stream.reply.complete)
        except ChatError as error:
            figures.errors.append(error)

    with timed(figures):
        async with AsyncClient("openai", api_key="k", base_url=url, retry=ONCE, timeout=120) as client:
            await asyncio.gather(*(one(client, f"task-{number}") for number in range(streams)))
    return figures


def blocking_streams(url: str, streams: int, count: int, seconds: float) -> Figures:
    """That many threads with one client."""
    figures = Figures()
    lock = threading.Lock()

    def one(client: Client, name: str) -> None:
        got = ""
        try:
            with client.stream(f"ticks {name} {count} {seconds}") as stream:
                for piece in stream:
                    got += piece
            with lock:
                figures.take(name, got, count, stream.reply.complete)
        except ChatError as error:
            with lock:
                figures.errors.append(error)

    with timed(figures), Client("openai", api_key="k", base_url=url, retry=ONCE, timeout=120) as client:
        threads = [threading.Thread(target=one, args=(client, f"thread-{number}")) for number in range(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return figures
