"""A loopback server that answers every POST with the same bytes, whatever was asked."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Replay:
    """with Replay() as server: server.body = …; ask server.url."""

    def __init__(self) -> None:
        self.body = b""
        self.content_type = "text/event-stream"
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(200)
                self.send_header("Content-Type", replay.content_type)
                self.send_header("Content-Length", str(len(replay.body)))
                self.send_header("Connection", "close")  # no client that is left open holds up the end
                self.end_headers()
                self.wfile.write(replay.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Replay:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
