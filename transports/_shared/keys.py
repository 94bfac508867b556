"""The key for one request from the user's function, for the two loops of `drive.py`, and in two colours as they are.

What the function raises is the user's own: it passes unchanged to whoever reads the stream. A ChatError is then the
error of the stream as well, which each later reading raises.
"""

from __future__ import annotations

from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from sansio_core import ChatError, Exchange

if TYPE_CHECKING:
    from ..drive import AWire, Wire


def give_key(exchange: Exchange, wire: Wire) -> None:
    """Ask the function that is the provider's `api_key`, and give the exchange what it gives."""
    wire.leave()  # the connection may carry another request meanwhile, perhaps the function's own
    try:
        key = wire.call(partial(_ask, exchange.provider.api_key), exchange.deadline)
    except TimeoutError:
        exchange.receive_timeout(wire.now())
    except ChatError as error:
        exchange.receive_failure(error, wire.now())
    else:
        if isinstance(key, TimeoutError):
            raise key
        exchange.receive_key(key, wire.now())


async def agive_key(exchange: Exchange, wire: AWire) -> None:
    """Ask the function that is the provider's `api_key`, and give the exchange what it gives."""
    wire.leave()  # the connection may carry another request meanwhile, perhaps the function's own
    try:
        key = await wire.call(partial(_aask, exchange.provider.api_key), exchange.deadline)
    except TimeoutError:
        exchange.receive_timeout(wire.now())
    except ChatError as error:
        exchange.receive_failure(error, wire.now())
    else:
        if isinstance(key, TimeoutError):
            raise key
        exchange.receive_key(key, wire.now())


# A TimeoutError of the function's own is given back as a value: raised, it would mean that the wire's deadline passed.


def _ask(function: Any) -> Any:
    try:
        return function()
    except TimeoutError as error:
        return error


async def _aask(function: Any) -> Any:
    try:
        key = function()
        return await key if isawaitable(key) else key
    except TimeoutError as error:
        return error
