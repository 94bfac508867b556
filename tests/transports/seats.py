"""The two seats that every client case is tested from, with one face: a case is written once and run on both."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

from sansio_core import ChatError, ChatEvent, Exchange, Reply
from transports import AsyncClient, Client


class Blocking:
    """The blocking client, as it is."""

    name = "blocking"

    def __init__(self) -> None:
        self.clients: list[Client] = []

    def client(self, provider: Any, **settings: Any) -> Client:
        """A client, which is closed at the test's end if the test does not close it."""
        self.clients.append(Client(provider, **settings))
        return self.clients[-1]

    def stream(self, client: Any, messages: Any = "Hello", **options: Any) -> BlockingStream:
        return BlockingStream(client.stream(messages, **options))

    def complete(self, client: Any, messages: Any = "Hello", **options: Any) -> Reply:
        reply: Reply = client.complete(messages, **options)
        return reply

    def many(self, client: Any, count: int) -> list[Reply]:
        """That many calls at once: threads here, tasks there."""
        replies: list[Reply] = []
        threads = [threading.Thread(target=lambda: replies.append(client.complete("Hello"))) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return replies

    def close_client(self, client: Any) -> None:
        client.close()

    def end(self) -> None:
        for client in self.clients:
            client.close()
        self.clients.clear()
        gc.collect()


class BlockingStream:
    def __init__(self, stream: Any) -> None:
        self.raw = stream

    def next(self) -> str | None:
        """The next text, None at the end."""
        return next(self.raw, None)

    def next_event(self) -> ChatEvent | None:
        return next(self.raw.events(), None)

    def close(self) -> None:
        self.raw.close()

    def in_background(self) -> Callable[[], BaseException | None]:
        """Read on in another thread; the function given back waits for its end and gives the error."""
        result: list[BaseException | None] = []

        def read() -> None:
            try:
                while next(self.raw, None) is not None:
                    pass
                result.append(None)
            except BaseException as error:  # noqa: BLE001  it is given back
                result.append(error)

        thread = threading.Thread(target=read)
        return _waiting(thread, result)


def _waiting(thread: threading.Thread, result: list[BaseException | None]) -> Callable[[], BaseException | None]:
    """Start the thread; the function given back waits for its end and gives its result."""
    thread.start()

    def wait() -> BaseException | None:
        thread.join(10)
        assert not thread.is_alive(), "the read did not end"
        return result[0]

    return wait


class Asyncio:
    """The asyncio client on one event loop, which runs while a case waits for something."""

    name = "asyncio"

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.clients: list[AsyncClient] = []

    def run(self, awaitable: Any) -> Any:
        async def main() -> Any:
            return await awaitable

        return self.runner.run(main())

    def client(self, provider: Any, **settings: Any) -> AsyncClient:
        self.clients.append(AsyncClient(provider, **settings))
        return self.clients[-1]

    def stream(self, client: Any, messages: Any = "Hello", **options: Any) -> AsyncioStream:
        return AsyncioStream(self, client.stream(messages, **options))

    def complete(self, client: Any, messages: Any = "Hello", **options: Any) -> Reply:
        reply: Reply = self.run(client.complete(messages, **options))
        return reply

    def many(self, client: Any, count: int) -> list[Reply]:
        async def gather() -> list[Reply]:
            return await asyncio.gather(*(client.complete("Hello") for _ in range(count)))

        replies: list[Reply] = self.run(gather())
        return replies

    def close_client(self, client: Any) -> None:
        self.run(client.aclose())

    def end(self) -> None:
        for client in self.clients:
            self.close_client(client)
        self.clients.clear()
        self.run(asyncio.sleep(0))
        assert not asyncio.all_tasks(self.runner.get_loop()), "a task was left behind"
        self.runner.close()
        gc.collect()


class AsyncioStream:
    def __init__(self, seat: Asyncio, stream: Any) -> None:
        self.seat, self.raw = seat, stream

    def next(self) -> str | None:
        return self.seat.run(anext(self.raw, None))  # type: ignore[no-any-return]

    def next_event(self) -> ChatEvent | None:
        return self.seat.run(anext(self.raw.events(), None))  # type: ignore[no-any-return]

    def close(self) -> None:
        self.seat.run(self.raw.aclose())

    def in_background(self) -> Callable[[], BaseException | None]:
        """Read on in a task of a loop that runs in another thread: cancel() and close() then come from outside."""

        async def read() -> BaseException | None:
            try:
                async for _ in self.raw:
                    pass
            except BaseException as error:  # noqa: BLE001  it is given back
                return error
            return None

        result: list[BaseException | None] = []
        thread = threading.Thread(target=lambda: result.append(self.seat.run(read())))
        return _waiting(thread, result)


Seat = Blocking | Asyncio


class Outcome:
    """How one call went: what was handed out, how it ended."""

    def __init__(self, seat: Seat, client: Any, messages: Any = "Hello", **options: Any) -> None:
        stream = seat.stream(client, messages, **options)
        self.pieces: list[str] = []
        self.error: ChatError | None = None
        try:
            while (piece := stream.next()) is not None:
                self.pieces.append(piece)
        except ChatError as error:
            self.error = error
        self.reply: Reply = stream.raw.reply
        self.exchange: Exchange = stream.raw._exchange
        stream.close()

    @property
    def text(self) -> str:
        return "".join(self.pieces)
