"""A provider of your own: an invented wire of server-sent events with JSON. A small server on this machine answers it.

The provider is all that stands before `class Server`; examples/providers.md says more.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sansio_core import ChatEvent, ChatRequest, TextDelta, UsageReport, providers
from sansio_core.dialects import EventStreamParser
from sansio_core.providers import JSONProvider, ProviderInfo
from transports import Client


class AcmeParser(EventStreamParser):
    def decode(self, event: str, value: Any, out: list[ChatEvent]) -> None:
        match value:
            case {"say": str(text)}:
                out.append(TextDelta(text))
            case {"end": word, "tokens": [int(read), int(written)]}:
                out.append(UsageReport(read, written))
                self.finish("length" if word == "full" else "stop", out, word)
            case _:
                self.unknown(value, out, event)  # an error in one of the usual shapes, or something new


class Acme(JSONProvider):
    info = ProviderInfo("acme", "https://api.acme.example/v2", "acme-1", api_key_env="ACME_API_KEY", needs_key=True)
    path = "talk"
    parser_class = AcmeParser

    def payload(self, request: ChatRequest, model: str | None) -> dict[str, Any]:
        return {"model": model, "turns": [[message.role, message.text] for message in request.messages]}


providers.register("acme", Acme)


class Server(BaseHTTPRequestHandler):
    """Answers as api.acme.example would."""

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["content-length"])))
        words = ["You ", "said: ", question["turns"][-1][1]]
        frames = [*({"say": word} for word in words), {"end": "done", "tokens": [len(question["turns"]), len(words)]}]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for frame in frames:
            self.wfile.write(f"data: {json.dumps(frame)}\n\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


def main() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with Client("acme", api_key="any", base_url=f"http://127.0.0.1:{server.server_port}") as client:
            for chunk in client.stream("Grüß Gott"):
                print(chunk, end="", flush=True)
        print()
        server.shutdown()


if __name__ == "__main__":
    main()
