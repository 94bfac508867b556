"""In a browser (Pyodide): an Exchange over the page's own fetch(). The core is plain Python; its folder is on sys.path.

    exchange = Exchange(providers.create("yqcloud", base_url="https://chat.example"), ChatRequest("Hello"))
    await chat(exchange, print)
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from js import AbortController, Object, clearTimeout, fetch, setTimeout
from pyodide.ffi import JsException, to_js

import sansio_core as core


async def within(deadline: float | None, leave: Any, promise: Awaitable[Any]) -> Any:
    """What `promise` gives; at the deadline `leave` aborts the request."""
    seconds = min(1e6, 1e6 if deadline is None else deadline - monotonic())
    timer = setTimeout(leave.abort.bind(leave), 1000 * seconds)
    try:
        return await promise
    finally:
        clearTimeout(timer)


async def converse(exchange: core.Exchange, request: core.HttpRequest, show: Callable[[str], object]) -> None:
    leave = AbortController.new()
    # A browser names itself. Where it lets a page do so, CORS asks the host for leave first, and few hosts give it.
    fields = {name: value for name, value in request.headers if name.lower() != "user-agent"}
    headers = to_js(fields, dict_converter=Object.fromEntries)
    options = {"method": request.method, "headers": headers, "redirect": "manual", "signal": leave.signal}
    if request.body:
        options["body"] = to_js(request.body)
    try:
        response = await within(exchange.deadline, leave, fetch(request.url, **options))
        exchange.receive_head(response.status, [(name, value) for name, value in response.headers], monotonic())
        reader = response.body.getReader()
        while exchange.reading:
            piece = await within(exchange.deadline, leave, reader.read())
            data = b"" if piece.done else piece.value.to_bytes()
            for event in exchange.receive_data(data, monotonic()):
                if isinstance(event, core.TextDelta):
                    show(event.text)
    except JsException as error:
        if leave.signal.aborted:
            exchange.receive_timeout(monotonic())
        else:
            exchange.receive_failure(core.ConnectionLost(str(error)), monotonic())
    finally:
        leave.abort()


async def chat(exchange: core.Exchange, show: Callable[[str], object]) -> None:
    """Do what the exchange says until the answer is complete. Raises ChatError."""
    while True:
        match exchange.next_action(monotonic()):
            case core.Send(request):
                await converse(exchange, request, show)
            case core.Wait(seconds):
                await asyncio.sleep(seconds)
            case core.Finish():
                return
