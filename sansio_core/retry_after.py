"""How long a response asks to wait: Retry-After as a number or a date, and the finer retry-after-ms.

Also the texts that stand for a length of time or for a point in time elsewhere: in quota fields, in errors.
"""

from __future__ import annotations

import re
from functools import cache

from .http_request import Headers, header

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)"
# RFC 9110 5.6.7: IMF-fixdate, and the obsolete forms that a recipient must know: RFC 850's with two digits of the year,
# and asctime's. Texts, not patterns: few processes ever need them, and compiling all at import took 0.4 ms.
_DATES = (
    rf"\w{{3}}, (?P<d>\d\d) (?P<m>\w{{3}}) (?P<y>\d{{4}}) {_TIME} GMT",
    rf"\w+, (?P<d>\d\d)-(?P<m>\w{{3}})-(?P<y>\d\d) {_TIME} GMT",
    rf"\w{{3}} (?P<m>\w{{3}}) (?P<d>[ \d]\d) {_TIME} (?P<y>\d{{4}})",
)


def retry_after(headers: Headers) -> float | None:
    """The seconds that a response asks to wait; None where it asks for nothing that can be read.

    `Retry-After` is a whole number of seconds or a date (RFC 9110 10.2.3). A date is compared with the response's own
    `Date`, as the client's clock may be wrong. `retry-after-ms`, which OpenAI and Azure send beside it, is finer and
    comes first.
    """
    # Patterns, where float() and int() alone would also take "1_000", "+5", "inf" and digits of other scripts.
    value = header(headers, "retry-after-ms").strip()
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", value):
        return float(value) / 1000
    value = header(headers, "retry-after").strip()
    if re.fullmatch(r"[0-9]{1,18}", value):
        return float(value)
    then, now = timestamp(value), timestamp(header(headers, "date").strip())
    return None if then is None or now is None else max(0.0, float(then - now))  # a date in the past: wait no more


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "ns": 1e-9}


@cache  # compiled when it is first used, as above
def _part() -> re.Pattern[str]:
    return re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,18})?)(h|ms|m|s|[u\u00b5]s|ns)")


def duration(text: str) -> float | None:
    """The seconds of `7m12s`, `12ms` or `34.074824224s`; None for another text.

    Go's forms of a duration (pkg.go.dev/time#Duration.String), in which OpenAI and others write their resets; a
    duration in protobuf's JSON (protobuf.dev/programming-guides/json) is one of them.
    """
    seconds, at, part = 0.0, 0, _part()
    while found := part.match(text, at):
        seconds += float(found[1]) * _UNITS[found[2]]
        at = found.end()
    return seconds if text and at == len(text) else None


def timestamp(text: str) -> int | None:
    """The seconds from a fixed day to an HTTP date; None for another text.

    (`email.utils.parsedate` reads them too, but loads socket and random.)
    """
    for pattern in _DATES:
        # re.A: \d without it takes digits of any script
        if found := re.fullmatch(pattern, text, re.A):
            if found["m"] not in _MONTHS:
                return None
            year = int(found["y"])
            # RFC 9110 5.6.7: a year of two digits lies no more than 50 years in the future. The core has no clock to
            # ask for today; the years from 1970 on are those that a server can mean.
            if len(found["y"]) == 2:
                year += 1900 if year >= 70 else 2000
            days = days_before(year, _MONTHS.index(found["m"]) + 1, int(found["d"]))
            return ((days * 24 + int(found["H"])) * 60 + int(found["M"])) * 60 + int(found["S"])
    return None


def days_before(year: int, month: int, day: int) -> int:
    """The days from a fixed day to a date of the Gregorian calendar: only differences of them are used."""
    # Counted in years that begin in March, so that a leap day is the last of its year and moves no month. From there on
    # (153 * month + 2) // 5 days lie before a month, and 146097 days are 400 years. (H. Hinnant, "chrono-Compatible
    # Low-Level Date Algorithms", days_from_civil.)
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year
