"""What `blocking.py` and `aio.py` share: a client's settings, and a stream apart from its blocking or async calls."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from random import random
from typing import TYPE_CHECKING, Any, Generic, NoReturn, SupportsIndex, TypeVar
from warnings import warn

from sansio_core import (
    Cancelled,
    ChatEvent,
    ChatRequest,
    ClientClosed,
    Exchange,
    InvalidRequest,
    Limits,
    Messages,
    ModelList,
    Reply,
    RetryPolicy,
    State,
    StreamMisused,
    Timeouts,
    providers,
)
from sansio_core.http_request import public_headers
from sansio_core.options import checked_options, types_out
from sansio_core.providers.base import KeySource, Provider, no_provider

from ..drive import AWire, Wire
from .environment import base_url_of, key_of
from .files import with_files
from .forks import watch_forks
from .taping import asked, note

if TYPE_CHECKING:
    from sansio_core import Observer, ProviderName

HeaderFields = Mapping[str, str] | Iterable[tuple[str, str]]
W = TypeVar("W", Wire, AWire)


class _Live:
    """An object that holds connections: it cannot be pickled or copied, as no other process could use them."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"this {type(self).__name__} holds connections and cannot be pickled or copied: "
            "make a new one there, from its provider, Timeouts and RetryPolicy, which can"
        )


class BaseClient(_Live):
    """A provider and the settings that every call shares; the subclasses add the transport."""

    options: Mapping[str, Any]
    """The options that a call has where it does not give its own."""

    def __init__(
        self,
        provider: ProviderName | str | Provider,
        *,
        api_key: str | KeySource | None,
        base_url: str | None,
        model: str | None,
        timeout: Timeouts | float | None,
        retry: RetryPolicy | int | None,
        headers: HeaderFields | None,
        cookies: Mapping[str, str] | None,
        limits: Limits | None,
        observer: Observer | None,
        options: Mapping[str, Any],
    ) -> None:
        self.limits = Limits.of(limits)
        self.provider = _provider(
            provider, api_key=api_key, base_url=base_url, model=model, headers=headers, cookies=cookies
        )
        self.timeouts = Timeouts.of(timeout, self.provider.timeouts)
        self.retry = RetryPolicy.of(retry, self.provider.retry)
        if observer is not None:
            from sansio_core.observer import check_observer  # imported here: few clients are observed

            check_observer(observer)
        self.observer = observer
        self.options = checked_options(options)
        self.provider.check_options(self.options)
        types_out(dict(self.options))  # raises for a function or a class that no call could take
        self.closed = False

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        return f"<{type(self).__name__} of {self.provider.info.name} at {self.provider.place}{closed}>"

    def _exchange(
        self,
        messages: Messages,
        *,
        model: str | None,
        system: str | None,
        timeout: Timeouts | float | None,
        retry: RetryPolicy | int | None,
        limits: Limits | None,
        headers: HeaderFields | None,
        cookies: Mapping[str, str] | None,
        observer: Observer | None,
        options: Mapping[str, Any],
    ) -> Exchange:
        self._check_open()
        if self.options:  # None is as not given here too: callers pass their own optional parameters on
            options = {**self.options, **{name: value for name, value in options.items() if value is not None}}
        request = ChatRequest(messages, model=model, system=system, headers=headers, cookies=cookies, **options)
        exchange = Exchange(
            asked(self.provider),
            with_files(request),
            retry=RetryPolicy.of(retry, self.retry),
            timeouts=Timeouts.of(timeout, self.timeouts),
            limits=Limits.of(limits, self.limits),
            random=random,
            observer=self.observer,
        )
        if observer is not None:
            exchange.observe(observer)
        return exchange

    def _listing(self, timeout: Timeouts | float | None, observer: Observer | None) -> ModelList:
        self._check_open()
        timeouts = Timeouts.of(timeout, self.timeouts)
        listing = ModelList(
            asked(self.provider), retry=self.retry, timeouts=timeouts, limits=self.limits, random=random,
            observer=self.observer,
        )  # fmt: skip
        if observer is not None:
            listing.observe(observer)
        return listing

    def _check_open(self) -> None:
        if self.closed:
            raise ClientClosed


class BaseStream(_Live, Generic[W]):
    """An exchange and its wire, and the events that were parsed and not delivered yet."""

    __slots__ = ("__weakref__", "_driving", "_exchange", "_over", "_pending", "_wire")

    def __init__(self, exchange: Exchange, wire: W) -> None:
        self._exchange = exchange
        self._wire: W = wire
        self._pending: Iterator[ChatEvent] = iter(())
        self._driving = self._over = False
        watch_forks(self)

    def _forked(self) -> None:
        """In a forked process: the events that were parsed already are the parent's to deliver."""
        self._pending, self._driving = iter(()), False

    @property
    def reply(self) -> Reply:
        """The answer so far: every event that arrived, folded. It is `complete` once the answer's end was proven."""
        return self._exchange.reply

    @property
    def status(self) -> int | None:
        """The HTTP status of the last response; None until its head is in."""
        return self._exchange.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of the last response, names in lower case, without cookies, other secrets and links."""
        return public_headers(self._exchange.headers, self._exchange.secrets)

    @property
    def attempts(self) -> int:
        """How often the question was sent so far."""
        return self._exchange.attempts

    def partial(self) -> Any:
        """The value of a structured answer so far, as `reply.partial()` gives it; None before it begins."""
        return self.reply.partial()

    def cancel(self) -> None:
        """End the stream now; a blocked read ends at once with Cancelled. Any thread or task may call it."""
        self._wire.cancel()

    def _enter(self) -> bool:
        """Begin to drive the exchange; False when the stream has ended. After True, `_leave` must be called."""
        if self._driving:
            raise StreamMisused("this stream is already being read, by another thread or task")
        self._wire.check_place()
        if self._over:
            if self._exchange.state is State.FAILED:
                self._exchange.next_action(self._wire.now())  # raises the error that ended the exchange once more
            return False
        self._driving = True
        return True

    def _leave(self, events: Iterable[ChatEvent] | None) -> None:
        """End driving, with the events to deliver; none mean that the stream has ended, None that driving raised."""
        self._driving = False
        if events:
            self._pending = iter(events)
        elif events is None:
            self._wire.leave()  # an error response that was read to its end leaves a reusable connection
            self._shut(sys.exception())
        else:
            self._over = True

    def _shut(self, left_by: BaseException | None = None) -> None:
        """Close the wire, and end the exchange if it has not ended; `left_by`: what the driving has just raised."""
        if self._driving:  # another thread or task is reading: it gets Cancelled, and closes the wire itself
            self._wire.cancel()
            return
        self._over, self._pending = True, iter(())
        try:
            self._wire.close()
        except Exception as missed:
            if left_by is None:
                raise
            note(left_by, missed)
        finally:
            if not self._wire.abandoned:  # the exchange is the parent process's, and its end that process's to tell
                self._end(left_by)

    def _end(self, left_by: BaseException | None) -> None:
        # asyncio's clock is that of the loop in which the stream was begun.
        now = self._wire.now() if self._exchange.attempts or left_by is not None else 0.0
        closed = Cancelled("the stream was closed before its end")
        if isinstance(left_by, Exception):  # of a function of the user's, if the exchange does not know it yet
            closed = Cancelled(f"the stream was ended by {type(left_by).__name__}")
            closed.__cause__ = left_by
        self._exchange.receive_failure(closed, now)

    def __del__(self) -> None:
        if getattr(self, "_over", True) or self._exchange.attempts == 0 or self._wire.abandoned:
            return  # __init__ failed or all is closed; nothing was sent; or the stream is the parent process's
        warn(f"{self!r} was dropped unfinished: use `with`, or close it", ResourceWarning, source=self, stacklevel=2)
        self._shut()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._exchange.provider.info.name}: {self._exchange.state.value}>"


def _provider(
    provider: str | Provider, *, api_key: str | KeySource | None, base_url: str | None, **settings: Any
) -> Provider:
    """The provider object: made from a name, or the one that was given, which has its settings already."""
    if isinstance(provider, str):
        url, variable = base_url_of(provider, base_url)
        made = providers.create(provider, api_key=key_of(provider, api_key), base_url=url, **settings)
        made.base_url_from = variable
        return made
    if not isinstance(provider, Provider):
        raise no_provider(provider, "a name or a provider object")
    settings |= {"api_key": api_key, "base_url": base_url}
    given = [name for name, value in settings.items() if value is not None]
    if given:
        made_by = f"what made it: providers.create(), or {type(provider).__name__}()"
        raise InvalidRequest(f"the provider is an object already: give {', '.join(given)} to {made_by}")
    return provider
