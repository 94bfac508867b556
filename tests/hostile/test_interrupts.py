"""An exception out of a signal handler (Ctrl-C, a soft time limit) may come between any two steps of Python code.

Whichever it is, the call ends with it, and the client works on: no lock stays taken, no connection is lost or mixed up.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import uvloop
from hostile_server import Server
from matrix import head, sse
from processes import until_it_waits
from servers import Peer

from sansio_core import Cancelled, Timeouts
from transports import AsyncClient, Client

ROOT = Path(__file__).parent.parent.parent


# A trace function raises where a handler could. What it interrupts is our code, and what ours calls of others' that
# waits, locks or keeps connections. A lock that stays taken hangs the next call: so it runs in a process of its own.
_PROGRAM = """
import random, signal, sys, warnings
from transports import Client

kind, url = sys.argv[1:]
PLACES = ("/transports/", "/urllib3/", "/requests/", "/threading.py", "/queue.py")
# a socket that is just being made belongs to nobody yet: Python closes it, and says so
warnings.simplefilter("ignore", ResourceWarning)
client = Client("free_netfly", base_url=url, retry=1)

class Interrupted(Exception):
    pass

def raised_at(step, work):
    # False if the work had fewer steps
    def trace(frame, event, argument):
        nonlocal step
        if event == "call" and not any(place in frame.f_code.co_filename for place in PLACES):
            return None
        if frame.f_code.co_name == "__del__":  # Python drops whatever is raised there
            return None
        step -= 1
        if not step:
            sys.settrace(None)
            raise Interrupted
        return trace

    sys.settrace(trace)
    try:
        work()
    except Interrupted:
        return True
    finally:
        sys.settrace(None)
    return step <= 0

def ask():
    assert client.complete("Hello").text == "Hello, world"

def read():
    with client.stream("Hello") as stream:
        assert "".join(stream) == "Hello, world"

def handler(*_):
    raise Interrupted

count = 0
if kind == "signals":
    signal.signal(signal.SIGALRM, handler)
    random.seed(1)
    for _ in range(600):
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00002, 0.0012))
            ask()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Interrupted:
            count += 1
else:
    while raised_at(count + 1, read if kind == "stream" else ask):
        if kind == "new":
            client._connections._adapter.close()
        else:
            ask()  # so that there is a connection to use again
        count += 1
ask()
client.close()
print(count)
"""


def interrupts(server: Server, kind: str) -> int:
    """How many interrupts the client survived."""
    url = f"http://127.0.0.1:{server.port}"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, kind, url],
        capture_output=True, text=True, timeout=50, cwd=ROOT, check=False,
    )  # fmt: skip
    # Python itself drops, and tells, what is raised in a callback of its collector: so a signal may end there
    assert done.returncode == 0, done.stderr
    assert server.settled(0)
    return int(done.stdout)


@pytest.mark.parametrize("kind", ["kept", "new", "stream"])
def test_an_exception_at_any_step(server: Server, kind: str) -> None:
    assert interrupts(server, kind) > 800


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no such timer here")
def test_a_handler_that_raises_at_any_time(server: Server) -> None:
    assert interrupts(server, "signals") > 100


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no such timer here")
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_a_handler_may_end_the_stream_that_it_interrupts(how: str) -> None:
    """cancel() and close() are called in the very thread that reads, wherever it is."""
    began = threading.Event()

    def silent(peer: Peer) -> None:
        peer.send(head(), sse("Hello", end=False))
        began.set()
        peer.gone()

    def handler(*_: object) -> None:
        getattr(stream, how)()

    with Server(silent, b"") as server, Client("free_netfly", base_url=f"http://127.0.0.1:{server.port}") as client:
        before = signal.signal(signal.SIGALRM, handler)
        try:
            for number in range(40):
                stream = client.stream("Hello")
                assert next(stream) == "Hello"
                # Again and again: one that comes right before a system call is seen only once that has ended.
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + number % 7 / 5000, 0.1)
                with pytest.raises(Cancelled):
                    next(stream)
                signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert server.settled(0)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="there is no such signal here")
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("how", ["cancel", "close", "close the client"])
def test_a_handler_wakes_the_loop_that_sleeps_under_it(how: str, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """No clock runs, and nothing else would wake it."""

    def silent(peer: Peer) -> None:
        peer.send(head(), sse("Hello", end=False))
        peer.gone()

    def interrupt(thread: int) -> None:
        until_it_waits(os.getpid())
        signal.pthread_kill(thread, signal.SIGUSR1)

    async def main(url: str) -> None:
        async with AsyncClient("free_netfly", base_url=url, timeout=Timeouts(5, None, None, None, None)) as client:
            stream = client.stream("Hello")
            assert await anext(stream) == "Hello"
            ends = {"cancel": stream.cancel, "close": stream.close, "close the client": client.close}
            signal.signal(signal.SIGUSR1, lambda *_: ends[how]())
            kill = threading.Thread(target=interrupt, args=[threading.get_ident()])
            kill.start()
            with pytest.raises(Cancelled):
                await anext(stream)
            kill.join()

    before = signal.getsignal(signal.SIGUSR1)
    try:
        with Server(silent, b"") as server, asyncio.Runner(loop_factory=loop) as runner:
            runner.run(main(f"http://127.0.0.1:{server.port}"))
            assert server.settled(0)
    finally:
        signal.signal(signal.SIGUSR1, before)
