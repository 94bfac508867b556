"""A server on a Unix socket: the blocking client and the asyncio client.

    python examples/unix_socket.py                                     # a small server on this machine answers
    python examples/unix_socket.py --uds /run/ollama.sock --provider ollama "Hello"

`uds=` is all that is new. The URL still says whether TLS is spoken, the path, and the Host field.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

from sansio_core import ChatError
from transports import AsyncClient, Client


def blocking(uds: Path, provider: str, prompt: str) -> str:
    with Client(provider, uds=uds) as client:
        return client.complete(prompt).text


async def asynchronous(uds: Path, provider: str, prompt: str) -> str:
    async with AsyncClient(provider, uds=uds) as client:
        return (await client.complete(prompt)).text


class Answer(BaseHTTPRequestHandler):
    """Ollama, as far as one answer goes."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        host = self.headers["Host"]
        self.wfile.write(b'{"message": {"content": "Hello from a socket file, %s."}}\n' % host.encode())
        self.wfile.write(b'{"done": true, "done_reason": "stop"}\n')

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@contextmanager
def small_server() -> Iterator[Path]:
    """The path of a socket on which somebody answers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "chat.sock")
        with Server(str(path), Answer) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield path
            server.shutdown()
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description="A server on a Unix socket.")
    parser.add_argument("prompt", nargs="?", default="Hello")
    parser.add_argument("--provider", default="ollama")
    parser.add_argument("--uds", type=Path, help="the socket of a real server; without it, a small one answers")
    args = parser.parse_args()
    try:
        if args.uds:
            print(blocking(args.uds, args.provider, args.prompt))
            return
        with small_server() as uds:
            print(blocking(uds, args.provider, args.prompt))
            print(asyncio.run(asynchronous(uds, args.provider, args.prompt)))
    except ChatError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
