"""A client of the emulator that is nothing but a socket and h11, and right requests to each system, stated anew."""

from __future__ import annotations

import html
import json
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import h11

from transports.emulator import Emulator

TEXT = "Hello, wörld: 山 and 🌞!"
MESSAGES = [{"role": "user", "content": "Hi"}]
PROVIDERS = ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"]
Pairs = dict[str, str]


@dataclass
class Answer:
    """What came back, as h11 understood it; `ended` when the message's end was proven."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    interim: list[int] = field(default_factory=list)
    ended: bool = False
    error: Exception | None = None

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    @property
    def text(self) -> str:
        """The reply, whichever the format, and nothing else."""
        if self.header("content-type") != "text/event-stream":
            return self.body.decode()
        return "".join(
            choice["delta"].get("content", "")
            for line in re.split(rb"\r\n|\r|\n", self.body)
            if line.startswith(b"data: {") and line.endswith(b"}")
            for choice in json.loads(line[6:]).get("choices", [])
        )


class Caller:
    """One kept-alive connection."""

    def __init__(self, emulator: Emulator, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", emulator.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            plain = self.socket
            try:
                self.socket = context.wrap_socket(plain, server_hostname="localhost")
            except OSError:
                plain.close()
                raise
        self.http = h11.Connection(h11.CLIENT)

    def send(self, method: str, target: str, headers: Pairs, body: bytes) -> None:
        if self.http.our_state is h11.DONE:
            self.http.start_next_cycle()
        pairs = [*headers.items(), ("content-length", str(len(body)))]
        events = (h11.Request(method=method, target=target, headers=pairs), h11.Data(body), h11.EndOfMessage())
        self.socket.sendall(b"".join(self.http.send(event) or b"" for event in events))

    def events(self) -> Iterator[h11.Event]:
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(self.socket.recv(65536))
                continue
            assert isinstance(event, h11.Event)
            yield event
            if isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return

    def receive(self) -> Answer:
        answer = Answer()
        try:
            for event in self.events():
                if isinstance(event, h11.InformationalResponse):
                    answer.interim.append(event.status_code)
                elif isinstance(event, h11.Response):
                    answer.status = event.status_code
                    answer.headers = [(name.decode(), value.decode()) for name, value in event.headers]
                elif isinstance(event, h11.Data):
                    answer.chunks.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    answer.ended = True
        except (OSError, h11.RemoteProtocolError) as error:
            answer.error = error
        return answer

    def ask(self, emulator: Emulator, provider: str, **changes: Any) -> Answer:
        if provider == "chatgpt_free" and "nonce" not in changes:
            changes["page"] = page = self.page(emulator)
            assert page.status == 200, page.body
        self.send(*question(emulator, provider, **changes))
        return self.receive()

    def page(self, emulator: Emulator, **changes: str) -> Answer:
        headers = {"host": f"127.0.0.1:{emulator.port}", **WORDPRESS, **changes}
        self.send("GET", urlsplit(emulator.base_url("chatgpt_free")).path + "/", headers, b"")
        return self.receive()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()


BROWSER = {
    "accept-language": "en-US,en;q=0.9",
    "sec-ch-ua": '"Chromium";v="126"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
    "user-agent": "Mozilla/5.0",
}
WORDPRESS = {
    **BROWSER,
    "authority": "chatgptfree.ai",
    "accept": "*/*",
    "origin": "https://chatgptfree.ai",
    "referer": "https://chatgptfree.ai/chat/",
}


def question(
    emulator: Emulator,
    provider: str,
    *,
    method: str = "POST",
    path: str | None = None,
    headers: Pairs | None = None,
    without: str = "",
    fields: dict[str, Any] | None = None,
    page: Answer | None = None,
    nonce: str | None = None,
    cookie: str | None = None,
) -> tuple[str, str, Pairs, bytes]:
    """A right request, but for the changes."""
    base = emulator.base_url(provider)
    own: Pairs = {"content-type": "application/json"}
    body: dict[str, Any] = {}
    match provider:
        case "free_netfly":
            target = "/api/openai/v1/chat/completions"
            own |= {**BROWSER, "accept": "application/json, text/event-stream", "dnt": "1"}
            own |= {"origin": base, "referer": f"{base}/"}
            body = {"messages": MESSAGES, "stream": True, "model": "gpt-3.5-turbo", "temperature": 0.5}
            body |= {"presence_penalty": 0, "frequency_penalty": 0, "top_p": 1}
        case "yqcloud":
            target = "/api/generateStream"
            own |= {"accept": "application/json, text/plain, */*"}
            own |= {"origin": "https://chat9.yqcloud.top", "referer": "https://chat9.yqcloud.top/"}
            body = {"prompt": "Hi", "network": True, "system": "", "withoutContext": False, "stream": True}
            body |= {"userId": "#/chat/1690000544336"}
        case "acytoo":
            target = "/api/completions"
            own |= {"accept": "*/*"}
            body = {"key": "", "model": "gpt-3.5-turbo", "messages": MESSAGES, "temperature": 0.5, "password": ""}
        case _:
            target = "/wp-admin/admin-ajax.php"
            own = {**WORDPRESS, "content-type": "application/x-www-form-urlencoded"}
            found = html.unescape(page.body.decode()) if page else ""
            given = [value.partition(";")[0] for name, value in page.headers if name == "set-cookie"] if page else []
            own["cookie"] = "; ".join(given) if cookie is None else cookie
            nonces = re.findall('data-nonce="(.*?)"', found)
            body = {"_wpnonce": nonce or nonces[0], "post_id": "".join(re.findall(r'data-post-id="(\d+)"', found))}
            body |= {"url": base, "action": "wpaicg_chat_shortcode_message", "message": "Hi", "bot_id": "0"}
    own = {"host": f"127.0.0.1:{emulator.port}", **own, **(headers or {})}
    own.pop(without, None)
    body |= fields or {}
    body.pop(without, None)
    content = urlencode(body) if provider == "chatgpt_free" else json.dumps(body)
    return method, urlsplit(base).path + (target if path is None else path), own, content.encode()
