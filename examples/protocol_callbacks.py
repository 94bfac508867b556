"""Callbacks: an Exchange driven by an asyncio.Protocol's data_received and by timers, with h11. Nothing waits."""

import argparse
import asyncio
import sys

import h11

import sansio_core as core
from transports.emulator import Emulator


class Chat(asyncio.Protocol):
    """Asks, over one connection for each Send; `done` is the complete answer, or fails with what ended the exchange."""

    def __init__(self, exchange: core.Exchange) -> None:
        self.exchange = exchange
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.timer: asyncio.Handle = self.loop.call_soon(self.step)

    def step(self) -> None:
        try:
            match self.exchange.next_action(self.loop.time()):
                case core.Send() as send:
                    self.connecting = self.loop.create_task(self.connect(send))
                case core.Wait(seconds):
                    self.timer = self.loop.call_later(seconds, self.step)
                case core.Finish():
                    self.done.set_result(None)
        except core.ChatError as error:
            self.done.set_exception(error)

    async def connect(self, send: core.Send) -> None:  # asyncio has no callback for this
        self.http, self.request = h11.Connection(h11.CLIENT), send.request
        scheme, host, port = send.request.origin
        try:
            async with asyncio.timeout_at(self.exchange.deadline), asyncio.timeout_at(send.connect_deadline):
                await self.loop.create_connection(lambda: self, host, port, ssl=scheme == "https" or None)
        except TimeoutError as error:
            self.connection_lost(error)
        except OSError as error:
            self.exchange.receive_failure(core.ConnectFailed(str(error)), self.loop.time())
            self.step()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, sent = transport, self.request
        headers = [("host", sent.authority), ("content-length", str(len(sent.body))), *sent.headers]
        for part in (h11.Request(method=sent.method, target=sent.target, headers=headers), h11.Data(sent.body)):
            transport.write(self.http.send(part) or b"")
        self.http.send(h11.EndOfMessage())
        self.watch()

    def data_received(self, data: bytes) -> None:
        now = self.loop.time()
        try:
            self.http.receive_data(data)
            while self.exchange.under_way and (part := self.http.next_event()) is not h11.NEED_DATA:
                match part:
                    case h11.Response(status_code=status, headers=fields):
                        pairs = [(name.decode(), value.decode("latin-1")) for name, value in fields]
                        self.exchange.receive_head(status, pairs, now)
                    case h11.Data(data=body):
                        show(self.exchange.receive_data(body, now))
                    case h11.EndOfMessage():
                        show(self.exchange.receive_data(b"", now))
        except h11.RemoteProtocolError as error:  # the connection ended, and the response had not
            show(self.exchange.receive_failure(core.StreamTruncated(str(error)), self.loop.time()))
        self.watch()

    def eof_received(self) -> None:
        self.data_received(b"")

    def watch(self) -> None:
        """Bytes move the deadline; when the response is over, leave."""
        self.timer.cancel()
        if not self.exchange.under_way:
            self.transport.abort()
        elif self.exchange.deadline is not None:
            self.timer = self.loop.call_at(self.exchange.deadline, self.time_is_up)

    def time_is_up(self) -> None:
        show(self.exchange.receive_timeout(self.loop.time()))
        self.watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self.timer.cancel()
        if isinstance(exc, TimeoutError):
            show(self.exchange.receive_timeout(self.loop.time()))
        elif self.exchange.under_way:
            show(self.exchange.receive_failure(core.ConnectionLost(str(exc)), self.loop.time()))
        self.step()


def show(events: list[core.ChatEvent]) -> None:
    print("".join(event.text for event in events if isinstance(event, core.TextDelta)), end="", flush=True)


async def chat(exchange: core.Exchange) -> None:
    await Chat(exchange).done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt", nargs="?", default="Write a short poem about nature.")
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    args = parser.parse_args()
    with Emulator() as emulator:
        provider = core.providers.create(args.provider, base_url=args.base_url or emulator.base_url(args.provider))
        try:
            asyncio.run(chat(core.Exchange(provider, core.ChatRequest(args.prompt))))
            print()
        except core.ChatError as error:
            sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
