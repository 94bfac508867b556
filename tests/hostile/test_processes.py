"""What a client is to its process: freed when it is forgotten, untouched by a fork, clear when descriptors run out."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_rows_network import TRUSTED
from hostile_server import Server
from matrix import GOOD, head, sized, sse
from servers import Peer

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="Unix alone has these")


def program(text: str, *arguments: object, flags: tuple[str, ...] = ("-X", "dev", "-W", "error")) -> str:
    """Run `text` in a process of its own; gives what it printed."""
    done = subprocess.run(
        [sys.executable, *flags, "-c", text, *map(str, arguments)],
        capture_output=True, text=True, timeout=50, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    return done.stdout


# --- forgotten -----------------------------------------------------------------------------------------------------

_FORGET = """
import asyncio, gc, os, resource, sys
from transports import AsyncClient, Client

def sockets():
    places = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return sum(os.path.exists(place) and os.readlink(place).startswith("socket:") for place in places)

def blocking(url):
    for _ in range(80):
        assert Client("free_netfly", base_url=url).complete("Hello").complete

async def coloured(url):
    for _ in range(80):
        assert (await AsyncClient("free_netfly", base_url=url).complete("Hello")).complete

kind, url = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
blocking(url) if kind == "blocking" else asyncio.run(coloured(url))
gc.collect()
print("left:", sockets())
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors in /proc")
@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_forgotten_clients_leave_no_socket(server: Server, kind: str) -> None:
    assert program(_FORGET, kind, f"http://127.0.0.1:{server.port}") == "left: 0\n"
    assert server.settled(0)


def test_a_forgotten_client_is_freed_without_a_collection(server: Server) -> None:
    """Nothing of it is in a circle: its connection is closed at once."""
    text = """
import gc, sys, weakref
from transports import Client
gc.disable()
client = Client("free_netfly", base_url=sys.argv[1])
client.complete("Hello")
connections = weakref.ref(client._connections)
del client
print(connections())
"""
    assert program(text, f"http://127.0.0.1:{server.port}") == "None\n"


# --- fork ----------------------------------------------------------------------------------------------------------

_FORK = """
import asyncio, gc, os, sys, threading
from sansio_core import StreamMisused
from transports import AsyncClient, Client

kind, url, *ca = sys.argv[1:]
COUNT = 20
HOW = ("closes", "exits", "collects", "reads")
verify = ca[0] if ca else True
runner = asyncio.Runner()

def client():
    return (Client if kind == "blocking" else AsyncClient)("free_netfly", base_url=url, verify=verify)

async def next_of(stream):
    return await anext(stream, None)

def read(stream):
    return next(stream, None) if kind == "blocking" else runner.run(next_of(stream))

def in_child(how, client, streams):
    if how == "exits":
        sys.exit(0)  # by way of `with`, and of the interpreter's own end
    if how == "closes":
        client.close()
    if how == "collects":
        client, streams[:] = None, []
        gc.collect()
    if how == "reads":
        for stream in streams:
            try:
                if kind == "blocking":
                    next(stream)
                else:
                    asyncio.run(next_of(stream))
            except StreamMisused as error:
                assert "in another process" in str(error), error
            else:
                os._exit(1)
            assert stream.reply.text == "Hello"
            stream.close()
        if kind == "blocking":
            assert client.complete("last").text == "Hello, world"
        else:
            assert asyncio.run(client.complete("last")).text == "Hello, world"
    os._exit(0)

def lost(how, client):
    streams = [client.stream("Hello") for _ in range(COUNT)]
    assert [read(stream) for stream in streams] == ["Hello"] * COUNT
    child = os.fork()
    if not child:
        in_child(how, client, streams)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ask = client.complete("go on") if kind == "blocking" else runner.run(client.complete("go on"))
    return sum((read(stream), read(stream)) != (", world", None) for stream in streams)

found = {}
for how in HOW:
    if kind == "blocking":
        with client() as made:
            found[how] = lost(how, made)
    else:
        made = client()
        found[how] = lost(how, made)
        runner.run(made.aclose())
runner.close()
print(found)  # at the end: a child would print again what waits in a buffer
"""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_a_forked_process_leaves_its_parents_streams_alone(kind: str, tls: bool, tmp_path: Path) -> None:
    """However the child ends."""
    going_on = []

    def answer(peer: Peer) -> None:
        if b"Hello" not in peer.last:  # the parent asks once more when its child has ended; a child may ask too
            peer.send(GOOD["free_netfly"])
            if b"go on" in peer.last:
                for held in going_on:
                    held.send(sse(", world"))
                    socket.socket.shutdown(held.sock, socket.SHUT_RDWR)  # its own thread still reads it
                going_on.clear()
            return
        peer.send(head(), sse("Hello", end=False))
        going_on.append(peer)
        peer.gone()

    flags = () if kind == "asyncio" else ("-X", "dev", "-W", "error")  # a loop that is forked complains of itself
    ca = tmp_path / "ca.pem"
    TRUSTED.ca.cert_pem.write_to_path(str(ca))
    with Server(answer, b"", tls=TRUSTED.server() if tls else None) as server:
        url = f"http{'s' if tls else ''}://127.0.0.1:{server.port}"
        found = program(_FORK, kind, url, *([ca] if tls else []), flags=flags)
        assert ast.literal_eval(found) == {"closes": 0, "exits": 0, "collects": 0, "reads": 0}


@pytest.mark.parametrize("kind", ["blocking", "asyncio"])
def test_text_that_had_come_is_the_parents_to_hand_out(kind: str) -> None:
    """And so is the answer's end to be told to its observers."""
    text = """
import asyncio, os, sys
from sansio_core import Ended, StreamMisused
from transports import AsyncClient, Client

kind, url = sys.argv[1:]
told = []

def observer(_, notice):
    told.append(type(notice))

client = (Client if kind == "blocking" else AsyncClient)("free_netfly", base_url=url, observer=observer)
stream = client.stream("Hello")
runner = asyncio.Runner()

async def next_of(stream):
    return await anext(stream, None)

def read(run=runner.run):
    return next(stream, None) if kind == "blocking" else run(next_of(stream))

assert read() == "one"
child = os.fork()
if not child:
    try:
        read(asyncio.run)
    except StreamMisused:
        stream.close()
        os._exit(Ended in told)
    os._exit(1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(read(), read(), read(), told.count(Ended))
"""
    answer = sized(sse("one", "two", "three"))
    with Server(answer, answer) as server:
        assert program(text, kind, f"http://127.0.0.1:{server.port}", flags=()) == "two three None 1\n"


def test_a_fork_amid_the_work_of_another_thread(server: Server) -> None:
    """Whatever locks that thread holds, the child asks and closes."""
    text = """
import os, sys, threading
from transports import Client
client = Client("free_netfly", base_url=sys.argv[1])
client.complete("Hello")  # a module that another thread is just loading stays locked in a child: that is Python's
over = threading.Event()

def work():
    while not over.is_set():
        client.complete("Hello")

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(20):
    child = os.fork()
    if not child:
        assert client.complete("Hello").complete
        client.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
over.set()
for thread in threads:
    thread.join()
print("well")
"""
    assert program(text, f"http://127.0.0.1:{server.port}", flags=()) == "well\n"


# --- descriptors ---------------------------------------------------------------------------------------------------

_EXHAUST = """
import asyncio, os, resource, ssl, sys
from sansio_core import ConnectFailed
from transports import AsyncClient, Client

kind, left, url, ca = sys.argv[1:]
settings = {"base_url": url, "verify": ssl.create_default_context(cafile=ca), "retry": 1}
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
taken = []

def take():
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        for _ in range(int(left)):
            os.close(taken.pop())

def blocking():
    with Client("free_netfly", **settings) as client:
        client.complete("Hello")  # so that everything is loaded
        take()
        client.complete("Hello")

async def coloured():
    async with AsyncClient("free_netfly", **settings) as client:
        await client.complete("Hello")
        take()
        await client.complete("Hello")

try:
    blocking() if kind == "blocking" else asyncio.run(coloured())
except ConnectFailed as error:
    print(error)
    for _ in range(int(left)):
        taken.append(os.open("/dev/null", os.O_RDONLY))  # what was left is left again
"""


@pytest.mark.parametrize(("kind", "left"), [("blocking", 0), ("blocking", 1), ("asyncio", 0)])
def test_too_many_open_files_are_named(kind: str, left: int, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    TRUSTED.ca.cert_pem.write_to_path(str(ca))
    good = GOOD["free_netfly"].replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
    with Server(good, good, tls=TRUSTED.server()) as server:
        url = f"https://127.0.0.1:{server.port}"
        said = program(_EXHAUST, kind, left, url, ca)
        assert said == f"no connection to 127.0.0.1:{server.port}: Too many open files\n"
        assert server.settled(0)
        assert len(server.requests) == 1
