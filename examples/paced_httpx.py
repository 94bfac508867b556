"""The pacing alone, over httpx: many requests at once to a server whose limit nobody knows.

python examples/paced_httpx.py                                        # an emulator on this machine refuses above 200/s
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import httpx

from sansio_core.pacing import Pacing
from sansio_core.quota import wait_of
from sansio_core.retry_after import retry_after
from transports.emulator import Emulator, Limit


async def paced(pacing: Pacing, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The response to `send`, which is called when the pacing allows it, and again where the server refuses."""
    while True:
        if (wait := pacing.ready(monotonic()) - monotonic()) > 0:
            await asyncio.sleep(min(wait, 0.02))  # infinite: until another one has ended
            continue
        ticket = pacing.sent(monotonic())
        try:
            response = await send()
        except BaseException:
            pacing.done(ticket, monotonic())
            raise
        fields = tuple(response.headers.multi_items())
        if response.status_code not in (429, 503, 529):
            pacing.head(ticket, monotonic(), wait_of(fields))
            pacing.done(ticket, monotonic())
            return response
        pacing.refused(ticket, monotonic(), retry_after(fields))


async def main(url: str, count: int = 60) -> None:
    pacing = Pacing(concurrency=32)
    async with httpx.AsyncClient(headers={"authorization": "Bearer test"}, timeout=60) as client:

        async def ask(number: int) -> httpx.Response:
            body = {"model": "m", "messages": [{"role": "user", "content": f"What is {number}?"}]}
            return await paced(pacing, lambda: client.post(f"{url}/chat/completions", json=body))

        answers = await asyncio.gather(*map(ask, range(count)))
    print(sum(answer.is_success for answer in answers), "answers, at last with", pacing.window, "at once")


if __name__ == "__main__":
    with Emulator(limit=Limit(rate=200, burst=20)) as emulator:
        asyncio.run(main(emulator.base_url("openai")))
