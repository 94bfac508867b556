"""aiohttp: a server that relays chat answers as event streams of its own, with an Exchange over aiohttp's client.

    python examples/aiohttp_relay.py                                   # an emulator on this machine answers
    curl --no-buffer --data "Hello" http://127.0.0.1:8080/
"""

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import aiohttp
from aiohttp import web
from yarl import URL

import sansio_core as core
from transports.emulator import Emulator

PROVIDER = web.AppKey("provider", core.providers.Provider)
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def stream(exchange: core.Exchange, session: aiohttp.ClientSession) -> AsyncGenerator[list[core.ChatEvent], None]:
    """Do what the exchange says until the answer is complete. Raises ChatError."""
    now = asyncio.get_running_loop().time
    connect = aiohttp.ClientTimeout(connect=exchange.timeouts.connect)  # the other clocks are the exchange's own
    send = partial(session.request, allow_redirects=False, timeout=connect)
    while True:
        match exchange.next_action(now()):
            case core.Send(core.HttpRequest(method, url, headers, body)):
                try:
                    async with asyncio.timeout_at(exchange.deadline):
                        response = await send(method, URL(url, encoded=True), headers=headers, data=body)
                    async with response:
                        exchange.receive_head(response.status, response.headers.items(), now())
                        while exchange.reading:
                            async with asyncio.timeout_at(exchange.deadline):
                                data = await response.content.readany()
                            yield exchange.receive_data(data, now())
                except TimeoutError:
                    yield exchange.receive_timeout(now())
                except aiohttp.ClientConnectorError as error:
                    yield exchange.receive_failure(core.ConnectFailed(str(error)), now())
                except aiohttp.ClientError as error:
                    yield exchange.receive_failure(core.ConnectionLost(str(error)), now())
            case core.Wait(seconds):
                await asyncio.sleep(seconds)
            case core.Finish():
                return


async def relay(request: web.Request) -> web.StreamResponse:
    """The body is the question; the answer comes as `text` events, then one `done` or `error`."""
    exchange = core.Exchange(request.app[PROVIDER], core.ChatRequest(await request.text()))
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
    await response.prepare(request)
    try:
        async with aclosing(stream(exchange, request.app[SESSION])) as answer:
            async for events in answer:
                for event in events:
                    if isinstance(event, core.TextDelta):
                        await response.write(frame("text", event.text))
        await response.write(frame("done"))
    except core.ChatError as error:
        await response.write(frame("error", str(error)))
    return response


def frame(kind: str, data: str = "") -> bytes:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode()


async def session(app: web.Application) -> AsyncGenerator[None, None]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as app[SESSION]:
        yield


def application(provider: core.providers.Provider) -> web.Application:
    app = web.Application()
    app[PROVIDER] = provider
    app.cleanup_ctx.append(session)
    app.router.add_post("/", relay)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    parser.add_argument("--port", type=int, default=8080)
    args = parser.parse_args()
    with Emulator() as emulator:
        provider = core.providers.create(args.provider, base_url=args.base_url or emulator.base_url(args.provider))
        # cancelling: the answer to a caller who has left is asked for no more
        web.run_app(application(provider), host="127.0.0.1", port=args.port, handler_cancellation=True)


if __name__ == "__main__":
    main()
