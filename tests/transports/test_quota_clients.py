"""Both clients, every wire: a used-up quota is an error of its own, asked for once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from seats import Outcome, Seat

from sansio_core import QuotaExhausted, RateLimited, RetryPolicy
from sansio_core.quota import wait_of
from transports.cli.exit import ERROR_RESPONSE, code_of, message_of
from transports.emulator import DEFAULT_TEXT, Emulator, faults

NAMES = (
    "openai", "azure_openai", "openai_responses", "anthropic", "gemini", "ollama", "groq",
    "free_netfly", "chatgpt_free", "yqcloud", "acytoo",
)  # fmt: skip
QUICK = RetryPolicy(attempts=3, first_wait=0.01, jitter=0)
SPENT: dict[str, Any] = {
    "error": {
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "type": "insufficient_quota", "param": None, "code": "insufficient_quota",
    }
}  # fmt: skip
BODY = json.dumps(SPENT).encode()
LIMITED = {"error": {"code": 429, "message": "m", "details": [{"retryDelay": "0.012s"}]}}


@pytest.fixture(scope="module")
def server() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


def asked(seat: Seat, server: Emulator, name: str, *lot: Any) -> tuple[Outcome, int]:
    """How a call went whose requests met the faults of `lot` one after the other, and how many questions were sent."""
    server.order(*lot)
    before = len(server.requests)
    model = {"model": "gpt"} if name == "azure_openai" else {}
    client = seat.client(name, api_key="key", base_url=server.base_url(name), retry=QUICK, **model)
    outcome = Outcome(seat, client)
    seat.close_client(client)
    return outcome, len([request for request in server.requests[before:] if request.method == "POST"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "fault", [faults.Status(429, body=BODY), faults.Status(402, body=BODY), faults.InBandError(SPENT, after_pieces=0)]
)
def test_it_is_told_at_once(seat: Seat, server: Emulator, name: str, fault: Any) -> None:
    outcome, questions = asked(seat, server, name, fault)
    error = outcome.error
    assert type(error) is QuotaExhausted
    assert questions == 1
    assert (error.code, error.attempts, error.in_band) == ("insufficient_quota", 1, error.status is None)
    assert "[add credit or raise the limit at the provider;" in message_of(error)
    assert code_of(error) == ERROR_RESPONSE


@pytest.mark.parametrize("name", NAMES)
def test_after_the_first_text_too(seat: Seat, server: Emulator, name: str) -> None:
    if name in ("yqcloud", "acytoo"):
        pytest.skip("on a wire of plain text, all that stands behind text is text")
    outcome, questions = asked(seat, server, name, faults.InBandError(SPENT, after_pieces=2))
    assert type(outcome.error) is QuotaExhausted
    assert (bool(outcome.text), questions) == (True, 1)


@pytest.mark.parametrize(
    "fault", [faults.Status(429, body=json.dumps(LIMITED).encode()), faults.InBandError(LIMITED, after_pieces=0)]
)
def test_geminis_wait_is_waited_and_it_is_asked_again(seat: Seat, server: Emulator, fault: Any) -> None:
    outcome, questions = asked(seat, server, "gemini", fault)
    assert (outcome.error, outcome.text, questions) == (None, DEFAULT_TEXT, 2)


def test_quota_fields_are_read_as_the_clients_have_them(seat: Seat, server: Emulator) -> None:
    fields = {"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "7m12s"}
    server.order(*[faults.Status(429, fields)] * 3)
    client = seat.client("openai", api_key="key", base_url=server.base_url("openai"), retry=QUICK)
    stream = seat.stream(client, "Hello")
    with pytest.raises(RateLimited) as caught:
        stream.next()
    assert caught.value.retry_after is None
    assert wait_of(tuple(stream.raw.headers.items())) == wait_of(stream.raw._exchange.headers) == 432
    stream.close()
    seat.close_client(client)
