"""The key that the user's function gives for one request, for both loops of `drive.py`.

What the function raises is the user's own: it passes unchanged to whoever reads the stream. A ChatError is then the
error of the stream as well, which each later reading raises.
"""

from __future__ import annotations

from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from sansio_core import ChatError, Exchange

if TYPE_CHECKING:
    from ..drive import AWire, Wire


def give_key(exchange: Exchange, wire: Wire) -> None:
    """Ask the function. Nothing can interrupt it: the total clock is looked at when it is back."""
    wire.leave()  # the connection may carry another request meanwhile, perhaps the function's own
    try:
        key = _ask(exchange)
    except ChatError as error:
        exchange.receive_failure(error, wire.now())
    else:
        exchange.receive_key(key)


async def agive_key(exchange: Exchange, wire: AWire) -> None:
    """Ask the function, and await what it gives where that is to be awaited, until the total clock fires."""
    wire.leave()
    try:
        key = await wire.bounded(lambda: _aask(exchange), exchange.deadline)
    except TimeoutError:
        exchange.receive_timeout(wire.now())
    except ChatError as error:
        exchange.receive_failure(error, wire.now())
    else:
        if isinstance(key, TimeoutError):
            raise key
        exchange.receive_key(key)


def _ask(exchange: Exchange) -> Any:
    source = exchange.provider.api_key
    assert callable(source), "an exchange with any other key gives no NeedKey"
    return source()


async def _aask(exchange: Exchange) -> Any:
    """The key. A TimeoutError of the function's own comes as a value: raised, it would mean the exchange's clock."""
    try:
        key = _ask(exchange)
        return await key if isawaitable(key) else key
    except TimeoutError as error:
        return error
