"""The questions of a tape, asked again by whoever has nothing but the tape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

from .. import providers
from ..errors import AuthenticationFailed, ChatError, InvalidRequest
from ..exchange import Exchange
from ..http_request import HttpRequest
from ..providers import Call, Provider
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .match import Deck
from .model import Take
from .play import KEY

_NO_CLOCKS = Timeouts(connect=None, first_event=None, idle=None, progress=None, total=None)


def questions(deck: Deck) -> Iterator[Exchange]:
    """For each question on the tape, an exchange that sends what was sent; what plays it shows what its asker saw.

        deck = Deck(tape)
        for exchange in questions(deck):
            for event in play(deck, exchange):
                ...

    It retries where there are further takes of the same request, and has no clocks: those that fired are on the tape.
    Setup pages and lists of models, which are asked for by GET, are passed over. Raises InvalidRequest for a take whose
    provider is not known here.
    """
    for number, take in enumerate(deck.takes):
        if take.method != "GET" and deck.has(number):
            taped = _Taped(deck, number)
            yield CallExchange(taped.provider, taped, _WhileLeft(taped.provider.retry, taped.left))


class CallExchange(Exchange):
    """The exchange of a call that is there already, without clocks. The question that it keeps is never sent."""

    __slots__ = ("_given",)

    def __init__(self, provider: Provider, call: Call, retry: RetryPolicy | int) -> None:
        self._given = call
        super().__init__(provider, ChatRequest("asked elsewhere"), retry=retry, timeouts=_NO_CLOCKS)

    def _begin(self, request: ChatRequest) -> Call:
        return self._given


class _WhileLeft(RetryPolicy):
    """Tries again only while `left` gives a take for it: the tape does not say how many attempts there might be."""

    __slots__ = ("_left",)
    _left: Callable[[], list[int]]

    def __init__(self, policy: RetryPolicy, left: Callable[[], list[int]]) -> None:
        super().__init__(**{**asdict(policy), "attempts": len(left())})
        object.__setattr__(self, "_left", left)  # it is frozen

    def retries(self, error: ChatError) -> bool:
        return super().retries(error) and bool(self._left())


class _Taped(Call):
    """The taped request. Where it was sent again at once, for another key or page, the exchange sends it again."""

    __slots__ = ("_deck", "_number", "_same", "provider")

    def __init__(self, deck: Deck, number: int) -> None:
        take = deck.takes[number]
        self._deck, self._number, self.provider = deck, number, _provider(take, number)
        self._same = HttpRequest(take.method, take.url, take.headers, take.body)
        super().__init__(self._same)

    def left(self) -> list[int]:
        """The takes that this request may still be answered with, as indexes."""
        return self._deck.left(self._same, self.provider)

    def renew(self, error: ChatError) -> bool:
        left = self.left()
        if not left or self.provider.retry.retries(error):
            return False
        # A key function was called once more after such an error; a page was fetched before the question went again.
        between = self._deck.takes[self._number : left[0]]
        return isinstance(error, AuthenticationFailed) or any(take.method == "GET" for take in between)


def _provider(take: Take, number: int) -> Provider:
    """The provider that a take names. Raises InvalidRequest where it is not known here."""
    if take.provider in providers.names():
        return providers.create(take.provider, api_key=KEY, base_url=take.base or None)
    if not take.provider:
        raise InvalidRequest(f"take {number + 1} names no provider: add it, as a line like `> provider: openai`")
    raise InvalidRequest(
        f"take {number + 1} is of the provider {take.provider!r}, which is not known here: "
        "register it first (providers.register, or register_host)"
    )
