"""What a response's quota fields say: for how long no further request is worth sending.

Where such fields name a remaining count, they name the time of its reset in a field of the same name with `reset` in
place of `remaining`:

    x-ratelimit-{remaining,reset}-{requests,tokens}     OpenAI and Azure (developers.openai.com/api/docs/guides/
                                    rate-limits), Groq, whose requests count a day (console.groq.com/docs/rate-limits)
    x-ratelimit-{remaining,reset}-{requests-day,tokens-minute}          inference-docs.cerebras.ai/support/rate-limits
    anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{remaining,reset}
                                                                        platform.claude.com/docs/en/api/rate-limits
    x-ratelimit-{remaining,reset}   OpenRouter (openrouter.ai/docs/api_reference/limits), Together (docs.together.ai/
                                    docs/rate-limits), GitHub (docs.github.com/en/rest, "Rate limits for the REST API")
    x-tokenlimit-{remaining,reset}, ratelimitbysize-{remaining,reset}   Together, Mistral
    ratelimit-{remaining,reset}     draft-ietf-httpapi-ratelimit-headers-06; from -08 on both stand in `ratelimit`

Mistral's counts of a minute, Fireworks's and xAI's have no reset beside them, and so give no reason to wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from .http_request import Headers
from .retry_after import days_before, duration, timestamp

LONGEST = 31 * 86400.0
"""Seconds: a reset that is further away is not believed. The longest period for which vendors count is a month."""

# The name must say that it is of a limit: Anthropic's anthropic-priority-…-remaining is of a better service, without
# which requests are answered as well.
_COUNT = re.compile("[Ll]imit.*[Rr]emaining")
# RFC 3339 5.6, which takes a small t and z too.
_RFC3339 = re.compile(
    r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d{1,18})?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.A,
)
_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?")
_QUOTED = re.compile(r'"[^"]*"?')
# RFC 9651 3.1.2: `;r=0;t=30` in any order; draft -07 wrote `limit=100, remaining=0, reset=50`.
_PARAMETER = re.compile(r"(?:\A|[;, ])(r|t|remaining|reset)=([0-9]{1,15})(?![^;, ])")
_EPOCH = timestamp("Thu, 01 Jan 1970 00:00:00 GMT") or 0


def wait_of(headers: Headers) -> float | None:
    """The seconds until another request is worth sending; None where the quota fields give no reason to wait.

    A reason is a remaining count of 0 with its reset in the future: of several, the longest wait counts. Any other
    count, a reset that cannot be read, or one more than LONGEST away, is none. The resets of a day are among them, so
    that a wait may take hours. An absolute time is compared with the response's own `Date`, as in `retry_after`.

    Most vendors name the time until the quota is whole again, not until it has room for one request. No throughput is
    lost by it, as what came back meanwhile may be spent at once; a rate cannot be read from it.

    An error response without Retry-After may have such fields, as OpenRouter's 429 has. `RateLimited.retry_after` stays
    None then, for the server asked for no wait; a caller who holds back many requests may take this in its place.
    """
    # Called for every good response, nearly all of which have quota left: this loop is then all of the cost.
    for name, value in headers:
        if value == "0" or (name in ("ratelimit", "RateLimit") and "=0" in value):
            break
    else:
        return None
    fields = dict(headers)
    waits = (wait for name, value in headers for wait in _waits(name, value, fields) if wait <= LONGEST)
    return max(waits, default=0.0) or None


def _waits(name: str, value: str, fields: Mapping[str, str]) -> Iterator[float]:
    """The seconds until the resets of the counts of 0 in a field, one of `fields`; 0 for one that cannot be read."""
    if value == "0" and _COUNT.search(name):
        # so that a name keeps its case: x-ratelimit-remaining has x-ratelimit-reset, X-RateLimit-Remaining …-Reset
        reset = fields.get(name.replace("emaining", "eset"), "")
        yield _wait(reset, fields.get("date") or fields.get("Date", ""))
    elif name in ("ratelimit", "RateLimit"):
        yield from _structured(value)


def _wait(reset: str, date: str) -> float:
    """The seconds until `reset`, a length of time or a point in time in any of the vendors' forms; 0 for no such."""
    if reset[-1:] in "smh":  # a duration's last letter, or nothing
        return duration(reset) or 0.0
    if not _NUMBER.fullmatch(reset):
        then = _instant(reset)
    elif (seconds := float(reset)) < 1e9:
        return seconds
    else:  # the time since the epoch, as it is since 2001: in seconds, or as OpenRouter's in milliseconds
        then = _EPOCH + (seconds / 1000 if seconds > 1e11 else seconds)
    now = _moment(date)
    return 0.0 if then is None or now is None else max(0.0, then - now)


@lru_cache(8)  # all responses of a second have the same
def _moment(date: str) -> int | None:
    return timestamp(date)


@lru_cache(8)
def _instant(text: str) -> float | None:
    """The seconds from the fixed day of `timestamp` to a time in RFC 3339's form; None for another text."""
    if not (found := _RFC3339.fullmatch(text)):
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    ahead = (int(found[9]) * 60 + int(found[10])) * (-1 if found[8] == "-" else 1) if found[8] else 0
    minutes = (days_before(year, month, day) * 24 + hour) * 60 + minute - ahead
    return minutes * 60 + second + float(found[7] or 0)


def _structured(value: str) -> Iterator[float]:
    """The waits of the members of a `RateLimit` field that have nothing left."""
    # The names and partition keys in quotes may hold what separates the rest.
    members = _QUOTED.sub("", value).split(",") if "remaining=" not in value else [value]
    for given in (dict(_PARAMETER.findall(member)) for member in members):
        if given.get("r", given.get("remaining")) == "0":
            yield float(given.get("t") or given.get("reset") or 0)
