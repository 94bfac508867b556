"""The soak: a hundred thousand short exchanges and more, most of them with a fault, and nothing may grow.

python -m tests.load.soak --transport blocking|asyncio [--exchanges N]

Runs under `-X dev`, with every warning an error, on one client that is shared by threads or tasks. Each exchange must
end as its fault says, with no word lost. At the end, and against a tenth of the way: memory, file descriptors, threads,
tasks, idle connections, objects.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import sys
import threading
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from load_server import SHORT, text  # noqa: E402
from loads import server  # noqa: E402

from sansio_core import (  # noqa: E402
    AuthenticationFailed,
    Cancelled,
    ChatError,
    ConnectionLost,
    LimitExceeded,
    ProtocolViolation,
    ProviderRefused,
    RateLimited,
    RetryPolicy,
    ServerFailed,
    StreamTruncated,
    TimedOut,
    Timeouts,
    UnexpectedContent,
)
from transports import AsyncClient, Client  # noqa: E402

WHOLE = ("good", "joined", "sized", "until-close", "then-close", "gzip", "interim", "too-much", "bytes")
ENDS: dict[str, tuple[type[ChatError], ...]] = {
    "status-503": (ServerFailed,),
    "status-429": (RateLimited,),
    "status-401": (AuthenticationFailed,),
    "html": (UnexpectedContent,),
    "in-band": (ProviderRefused, ServerFailed),
    "no-end": (StreamTruncated,),
    "reset-head": (ConnectionLost,),
    "reset-body": (ConnectionLost,),
    "cut-chunk": (StreamTruncated,),
    "cut-gzip": (StreamTruncated,),
    "bad-chunk": (ProtocolViolation,),
    "huge-head": (LimitExceeded,),
    "not-http": (ProtocolViolation,),
    "silence": (TimedOut,),
}
LEFT, CANCELLED = "left", "cancelled"
"""Two more: the caller leaves after the first word; or cancels from elsewhere while waiting for the second."""
KINDS = (*(WHOLE * 2), *ENDS, LEFT, CANCELLED)
AT_ONCE = {"blocking": 8, "asyncio": 50}
SETTINGS: dict[str, Any] = {
    "api_key": "k",
    "retry": RetryPolicy(attempts=1),
    "timeout": Timeouts(connect=10, first_event=10, idle=None, progress=None, total=30),
}
HASTY = Timeouts(connect=10, first_event=10, idle=0.05, progress=None, total=30)


@dataclass
class Tally:
    """What was done, and what was wrong."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def take(self, kind: str, name: str, got: str, error: ChatError | None, complete: bool) -> None:
        self.done[kind] += 1
        whole = text(name, SHORT)
        if kind in WHOLE:
            good = error is None and got == whole and complete
        elif kind == LEFT:
            good = error is None and bool(got) and not complete
        else:
            good = isinstance(error, (Cancelled,) if kind == CANCELLED else ENDS[kind]) and not complete
        if not good or not whole.startswith(got):
            self.wrong.append(f"{kind} {name}: {got[:40]!r} {error!r} complete={complete}")


def question(kind: str, name: str) -> tuple[str, dict[str, Any]]:
    """What to ask for, and with which options."""
    form = {LEFT: "silence", CANCELLED: "silence"}.get(kind, kind)
    return f"{form} {name}", {"timeout": HASTY} if kind == "silence" else {}


def blocking_one(client: Client, kind: str, name: str, tally: Tally) -> None:
    asked, options = question(kind, name)
    got, error = "", None
    with client.stream(asked, **options) as stream:
        try:
            for piece in stream:
                got += piece
                if kind == LEFT:
                    break
                if kind == CANCELLED:
                    threading.Thread(target=stream.cancel).start()
        except ChatError as caught:
            error = caught
        tally.take(kind, name, got, error, stream.reply.complete)


async def asyncio_one(client: AsyncClient, kind: str, name: str, tally: Tally) -> None:
    asked, options = question(kind, name)
    got, error = "", None
    async with client.stream(asked, **options) as stream:
        try:
            async for piece in stream:
                got += piece
                if kind == LEFT:
                    break
                if kind == CANCELLED:
                    asyncio.get_running_loop().call_soon(stream.cancel)
        except ChatError as caught:
            error = caught
        tally.take(kind, name, got, error, stream.reply.complete)


def plan(exchanges: int) -> list[tuple[str, str]]:
    """The kinds in random order, the same each time; and names, no two alike."""
    rng = random.Random(5)
    return [(rng.choice(KINDS), f"n{number}") for number in range(exchanges)]


def run_blocking(work: list[tuple[str, str]], tally: Tally, client: Client) -> None:
    """The work by some threads."""
    left = iter(work)
    lock = threading.Lock()

    def worker() -> None:
        while True:
            with lock:
                item = next(left, None)
            if item is None:
                return
            blocking_one(client, *item, tally)

    threads = [threading.Thread(target=worker) for _ in range(AT_ONCE["blocking"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def run_asyncio(work: list[tuple[str, str]], tally: Tally, client: AsyncClient) -> None:
    """The work by some tasks."""
    left = iter(work)

    async def worker() -> None:
        for item in left:
            await asyncio_one(client, *item, tally)

    await asyncio.gather(*(worker() for _ in range(AT_ONCE["asyncio"])))


@dataclass
class Holdings:
    """What the process holds at a moment when nothing is under way."""

    memory: int
    descriptors: int
    threads: int
    tasks: int
    objects: int

    @classmethod
    def now(cls, tasks: int = 0) -> Holdings:
        gc.collect()
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
        return cls(memory, len(os.listdir("/proc/self/fd")), threading.active_count(), tasks, len(gc.get_objects()))

    def __str__(self) -> str:
        return (
            f"{self.memory / 2**20:.1f} MiB, {self.descriptors} descriptors, {self.threads} threads, "
            f"{self.tasks} tasks, {self.objects} objects"
        )


class Soak:
    """One soak: a tenth to warm up, then the rest, and what is held after each."""

    def __init__(self, transport: str, exchanges: int, url: str) -> None:
        self.transport = transport
        self.url = url
        self.work = plan(exchanges)
        self.tally = Tally()
        self.held: list[Holdings] = []
        self.seconds = 0.0

    def run(self) -> None:
        begun = time.monotonic()
        if self.transport == "blocking":
            self.blocking()
        else:
            asyncio.run(self.asyncio())
        self.seconds = time.monotonic() - begun

    def parts(self) -> list[list[tuple[str, str]]]:
        """Ten of them, so that growth is seen as a line."""
        size = max(1, len(self.work) // 10)
        return [self.work[at : at + size] for at in range(0, len(self.work), size)]

    def blocking(self) -> None:
        with Client("openai", base_url=self.url, **SETTINGS) as client:
            for part in self.parts():
                run_blocking(part, self.tally, client)
                self.note(Holdings.now())

    async def asyncio(self) -> None:
        asyncio.get_running_loop().slow_callback_duration = 10  # how busy the machine is, is not the matter here
        async with AsyncClient("openai", base_url=self.url, **SETTINGS) as client:
            for part in self.parts():
                await run_asyncio(part, self.tally, client)
                await asyncio.sleep(0)
                self.note(Holdings.now(len(asyncio.all_tasks()) - 1))

    def note(self, held: Holdings) -> None:
        self.held.append(held)
        print(f"{sum(self.tally.done.values()):8,} {held}", flush=True)

    def complaints(self) -> list[str]:
        """What grew, or went wrong."""
        early, late = self.held[len(self.held) // 5], self.held[-1]
        found = self.tally.wrong[:10]
        if late.memory > early.memory + 4 * 2**20:
            found.append(f"memory grew from {early.memory} to {late.memory}")
        if late.objects > early.objects * 1.02 + 500:
            found.append(f"objects grew from {early.objects} to {late.objects}")
        most = AT_ONCE[self.transport]
        if late.descriptors > early.descriptors + most:  # idle connections, of which there may be that many
            found.append(f"descriptors grew from {early.descriptors} to {late.descriptors}")
        if late.threads != 1 or late.tasks:
            found.append(f"{late.threads} threads and {late.tasks} tasks are left")
        return found


def soak(transport: str, exchanges: int) -> list[str]:
    """Run one, print its figures, give its complaints."""
    told: list[str] = []
    unraisable = sys.unraisablehook
    sys.unraisablehook = lambda what: told.append(f"{what.exc_value!r} in {what.object!r}")
    before = Holdings.now()
    try:
        with server() as url:
            one = Soak(transport, exchanges, url)
            one.run()
            gc.collect()
        complaints = one.complaints()
    finally:
        sys.unraisablehook = unraisable
    after = Holdings.now()
    if after.descriptors > before.descriptors:
        complaints.append(f"{after.descriptors - before.descriptors} descriptors are left after close()")
    complaints += told
    done = sum(one.tally.done.values())
    faulty = done - sum(one.tally.done[kind] for kind in WHOLE)
    print(f"{transport}: {done:,} exchanges, {faulty:,} of them broken, in {one.seconds:.0f} s; at the end {after}")
    print(", ".join(f"{kind} {count:,}" for kind, count in sorted(one.tally.done.items())))
    return complaints


def main() -> None:
    """The command."""
    arguments = argparse.ArgumentParser(prog="python -m tests.load.soak", description="Many exchanges; nothing grows.")
    arguments.add_argument("--transport", choices=["blocking", "asyncio"], required=True)
    arguments.add_argument("--exchanges", type=int, default=100_000, help="how many (%(default)s)")
    options = arguments.parse_args()
    if not sys.flags.dev_mode:
        os.execv(sys.executable, [sys.executable, "-X", "dev", "-W", "error", __file__, *sys.argv[1:]])
    warnings.simplefilter("error")
    complaints = soak(options.transport, options.exchanges)
    print("\n".join(complaints) or "nothing grew, nothing was lost, no warning")
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
