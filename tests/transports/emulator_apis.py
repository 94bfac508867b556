"""Right requests to the vendors' APIs, stated anew, sent with nothing but http.client; and what comes back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from sansio_core import ChatEvent, Reply, providers
from transports.emulator import Emulator

APIS = ["openai", "azure_openai", "openai_responses", "anthropic", "gemini", "ollama"]
TEXT = "Hello, wörld: 山 and 🌞!"
SAID = [{"role": "user", "content": "Hi"}]
BEARER = {"authorization": "Bearer test"}
PATHS = {
    "openai": "/chat/completions",
    "azure_openai": "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
    "openai_responses": "/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    "ollama": "/api/chat",
}
KEYS = {
    "openai": BEARER,
    "azure_openai": {"api-key": "test"},
    "openai_responses": BEARER,
    "anthropic": {"x-api-key": "test", "anthropic-version": "2023-06-01"},
    "gemini": {"x-goog-api-key": "test"},
    "ollama": {},
}
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "gpt-4.1-mini", "messages": SAID, "stream": True},
    "azure_openai": {"messages": SAID, "stream": True},
    "openai_responses": {"model": "gpt-5-mini", "input": "Hi", "stream": True},
    "anthropic": {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": SAID, "stream": True},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "ollama": {"model": "llama3.2", "messages": SAID},
}
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
TOOLS: dict[str, list[dict[str, Any]]] = {
    "openai": [FUNCTION],
    "azure_openai": [FUNCTION],
    "openai_responses": [{"type": "function", "name": "weather", "parameters": WEATHER}],
    "anthropic": [{"name": "weather", "input_schema": WEATHER}],
    "gemini": [{"functionDeclarations": [{"name": "weather", "parameters": WEATHER}]}],
    "ollama": [FUNCTION],
}


@dataclass
class Answer:
    """What came back, whole."""

    name: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def said(self) -> list[Any]:
        """The JSON of every event, or of every line."""
        if self.headers["content-type"] == "application/x-ndjson":
            return [json.loads(line) for line in self.body.splitlines()]
        found = re.findall(rb"^data: (\{.*\})\r?$", self.body, re.M)
        return [json.loads(data) for data in found]

    @property
    def events(self) -> list[ChatEvent]:
        """What the core's parser makes of it."""
        settings = {"base_url": "http://127.0.0.1", "model": "x"} if self.name == "azure_openai" else {}
        parser = providers.create(self.name, **settings).parser(self.headers.get("content-type", ""))
        return parser.feed(self.body) + parser.end()

    @property
    def reply(self) -> Reply:
        return Reply.of(self.events)


def ask(
    emulator: Emulator,
    name: str,
    *,
    method: str = "POST",
    path: str | None = None,
    headers: dict[str, str] | None = None,
    without: str = "",
    **fields: Any,
) -> Answer:
    """Send a right request, but for the changes."""
    wire = name if name in APIS else "openai"
    own = {"content-type": "application/json", **KEYS[wire], **(headers or {})}
    body = {**BODIES[wire], **fields}
    own.pop(without, None)
    body.pop(without, None)
    content = json.dumps(body) if method == "POST" else None
    base = urlsplit(emulator.base_url(name))
    assert base.hostname is not None
    connection = HTTPConnection(base.hostname, base.port, timeout=10)
    try:
        connection.request(method, base.path + (PATHS[wire] if path is None else path), content, own)
        response = connection.getresponse()
        found = {key.lower(): value for key, value in response.getheaders()}
        return Answer(name, response.status, found, response.read())
    finally:
        connection.close()
