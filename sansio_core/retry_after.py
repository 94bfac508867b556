"""What a response asks to wait: Retry-After as a number or a date, and the finer retry-after-ms."""

from __future__ import annotations

import re

from .http_request import Headers, header

_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: i for i, name in enumerate(_MONTH_NAMES, 1)}
# RFC 9110 5.6.7: IMF-fixdate, then RFC 850's two-digit year, then asctime
_DATES = (
    re.compile(r"\w{3}, (?P<d>\d\d) (?P<m>\w{3}) (?P<y>\d{4}) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) GMT\Z", re.A),
    re.compile(r"\w+, (?P<d>\d\d)-(?P<m>\w{3})-(?P<y>\d\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) GMT\Z", re.A),
    re.compile(r"\w{3} (?P<m>\w{3}) (?P<d>[ \d]\d) (?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d) (?P<y>\d{4})\Z", re.A),
)
_SECONDS = re.compile(r"[0-9]{1,18}\Z")
_MILLISECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?\Z")


def retry_after(headers: Headers) -> float | None:
    """The seconds that a response asks to wait, or None.

    `Retry-After` is a whole number of seconds or a date (RFC 9110 10.2.3), which is held against the response's own
    `Date`, as our clock may be wrong. `retry-after-ms` is OpenAI's and Azure's finer form of it.
    """
    value = header(headers, "retry-after-ms").strip()
    if _MILLISECONDS.match(value):
        return float(value) / 1000
    value = header(headers, "retry-after").strip()
    if _SECONDS.match(value):
        return float(value)
    then, now = _timestamp(value), _timestamp(header(headers, "date").strip())
    return None if then is None or now is None else max(0.0, float(then - now))


def _timestamp(text: str) -> int | None:
    """Seconds since 1970 of an HTTP date. (`email.utils` would do it, and pulls in socket and random.)"""
    for pattern in _DATES:
        if found := pattern.match(text):
            month = _MONTHS.get(found["m"])
            if month is None:
                return None
            year = int(found["y"])
            if len(found["y"]) == 2:
                year += 1900 if year >= 70 else 2000
            return (
                _days(year, month, int(found["d"])) * 86400
                + int(found["H"]) * 3600 + int(found["M"]) * 60 + int(found["S"])
            )  # fmt: skip
    return None


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the Gregorian calendar, the year taken to begin in March."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
