"""The questions of a tape, asked again by whoever has nothing but the tape."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import AuthenticationFailed, ChatError, InvalidRequest
from ..exchange import Exchange
from ..http_request import HttpRequest, origin
from ..providers import Call, Provider, create, info, names
from ..request import ChatRequest
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
    Setup pages and lists of models, which are asked for by GET, are passed over. Raises InvalidRequest for a take of a
    provider that is not known here.
    """
    for number, take in enumerate(deck.takes):
        if take.method != "GET" and deck.has(number):
            yield _Question(deck, number, _provider(take, number))


class _Question(Exchange):
    """The question of one take. The request that an exchange keeps says nothing: this one is never sent."""

    __slots__ = ("_deck", "_number")

    def __init__(self, deck: Deck, number: int, provider: Provider) -> None:
        self._deck, self._number = deck, number
        attempts = len(deck.left(_request(deck.takes[number]), provider))
        super().__init__(provider, ChatRequest("a tape's"), retry=attempts, timeouts=_NO_CLOCKS)

    def _begin(self, request: ChatRequest) -> Call:
        return _Taped(self._deck, self._number, self.provider)


class _Taped(Call):
    """The taped request. Where it was sent again at once, for another key or page, the exchange sends it again."""

    __slots__ = ("_again", "_deck", "_number", "_provider")

    def __init__(self, deck: Deck, number: int, provider: Provider) -> None:
        self._again = _request(deck.takes[number])
        super().__init__(self._again)
        self._deck, self._number, self._provider = deck, number, provider

    def renew(self, error: ChatError) -> bool:
        left = self._deck.left(self._again, self._provider)
        if not left or self._provider.retry.retries(error):
            return False
        # A key function was called once more after such an error; a page was fetched before the question went again.
        between = self._deck.takes[self._number : left[0]]
        return isinstance(error, AuthenticationFailed) or any(take.method == "GET" for take in between)


def _request(take: Take) -> HttpRequest:
    return HttpRequest(take.method, take.url, take.headers, take.body)


def _provider(take: Take, number: int) -> Provider:
    """The provider of a take by its name, or by its host. Raises InvalidRequest where neither is known."""
    known = names()
    at_host = (name for name in known if take.base and origin(info(name).url) == origin(take.base))
    name = take.provider if take.provider in known else next(at_host, None)
    if name is not None:
        return create(name, api_key=KEY, base_url=take.base or None)
    of = f"of the provider {take.provider!r}, which is not known here" if take.provider else "of no provider known here"
    raise InvalidRequest(
        f"take {number + 1} is {of}: register it first (providers.register, or register_host), as the program did that "
        "recorded the tape"
    )
