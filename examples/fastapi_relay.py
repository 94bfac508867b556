"""FastAPI: a relay that streams a provider's answer, hands refusals on as what they are, and leaves with its caller.

    python examples/fastapi_relay.py                                   # an emulator on this machine answers
    curl --no-buffer --json '{"question": "Hello"}' http://127.0.0.1:8000/chat
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from math import ceil
from typing import Annotated

import uvicorn
from fastapi import Body, Depends, FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from sansio_core import ChatError, InvalidRequest, TimedOut
from transports import AsyncClient, AsyncStream
from transports.emulator import Emulator


def relay(client: AsyncClient) -> FastAPI:
    app = FastAPI()

    async def answer(question: Annotated[str, Body(embed=True)]) -> AsyncIterator[AsyncStream]:
        async with client.stream(question) as stream:  # closed with the response, also when the caller leaves early
            yield await stream.start()  # raises a refusal here, where the response can still have its status

    @app.post("/chat")
    async def chat(stream: Annotated[AsyncStream, Depends(answer)]) -> StreamingResponse:
        return StreamingResponse(stream, media_type="text/plain")

    @app.exception_handler(ChatError)
    async def refused(_: Request, error: ChatError) -> PlainTextResponse:
        status = 400 if isinstance(error, InvalidRequest) else getattr(error, "status", None)
        # others, as of a key that is refused, are no fault of the relay's caller
        status = status if status in (400, 413, 422, 429, 503) else 504 if isinstance(error, TimedOut) else 502
        after = getattr(error, "retry_after", None)
        return PlainTextResponse(str(error), status, after and {"retry-after": str(ceil(after))})

    return app


async def serve(provider: str, base_url: str, port: int) -> None:
    async with AsyncClient(provider, base_url=base_url) as client:
        await uvicorn.Server(uvicorn.Config(relay(client), port=port)).serve()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    with Emulator() as emulator:
        asyncio.run(serve(args.provider, args.base_url or emulator.base_url(args.provider), args.port))


if __name__ == "__main__":
    main()
