"""What a stream costs while it says next to nothing: memory, by the clock of tracemalloc and of the system."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path
from urllib.parse import urlsplit

from load_server import CHUNKED, chunk, event

from sansio_core import ChatRequest, Exchange, Send, Timeouts, providers
from transports import AsyncClient

QUIET = Timeouts(total=None, idle=None, progress=None, first_event=None)


def idle_exchanges(count: int, minutes: int) -> float:
    """Bytes for each of `count` exchanges with an event a minute, for so many minutes of a simulated clock."""
    provider = providers.create("openai", api_key="k", base_url="http://127.0.0.1:1/v1")
    gc.collect()
    tracemalloc.start()
    exchanges = []
    for number in range(count):
        exchange = Exchange(provider, ChatRequest(f"Hello {number}"), timeouts=QUIET)
        assert isinstance(exchange.next_action(0.0), Send)
        exchange.receive_head(200, [("content-type", "text/event-stream")], 0.0)
        exchanges.append(exchange)
    for minute in range(minutes):
        for number, exchange in enumerate(exchanges):
            assert exchange.receive_data(event(str(number), minute), 60.0 * minute)
            assert exchange.reading
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert all(exchange.reply.text.endswith(f"{number}:{minutes - 1} ") for number, exchange in enumerate(exchanges))
    return used / count


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def room() -> int:
    """How many connections this process may open, once it asked for all that it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - 100 if hard != resource.RLIM_INFINITY else 1_000_000


def in_a_fresh_process(kind: str, url: str, wanted: int) -> tuple[int, float]:
    """How many streams of that kind were open at once, and the bytes of memory for each."""
    command = [sys.executable, __file__, kind, url, str(wanted)]
    paths = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env={**os.environ, **paths}, check=True, capture_output=True, text=True)
    count, each = done.stdout.split()
    return int(count), float(each)


async def bare(url: str, count: int) -> float:
    """Streams of asyncio on which a first chunk was read, and the next is awaited."""
    place = urlsplit(url)
    question = b'{"messages": [{"content": "ticks bare 2 3600"}]}'
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(question), question)
    before = resident()
    held = []
    tasks = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(request)
        await reader.readexactly(len(CHUNKED + chunk(event("bare", 0))))
        held.append(writer)
        tasks.append(asyncio.ensure_future(reader.read(65536)))
    await asyncio.sleep(0)
    used = resident() - before
    for task in tasks:
        task.cancel()
    for writer in held:
        writer.transport.abort()
    await asyncio.gather(*tasks, return_exceptions=True)
    return used / count


async def ours(url: str, count: int) -> float:
    """Streams of AsyncClient of which the first text was read, and the next is awaited."""
    clients = [AsyncClient("openai", api_key="k", base_url=url, timeout=QUIET) for _ in range(-(-count // 1000))]
    before = resident()
    streams, tasks = [], []
    for number in range(count):
        stream = clients[number // 1000].stream(f"ticks quiet-{number} 2 3600")
        assert await anext(stream) == f"quiet-{number}:0 "
        streams.append(stream)
        tasks.append(asyncio.ensure_future(anext(stream)))
    await asyncio.sleep(0)
    used = resident() - before
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for stream in streams:
        await stream.aclose()
    for client in clients:
        await client.aclose()
    return used / count


if __name__ == "__main__":
    _, KIND, URL, WANTED = sys.argv
    COUNT = min(int(WANTED), room())
    print(COUNT, asyncio.run({"bare": bare, "ours": ours}[KIND](URL, COUNT)))
