"""The values that arguments take: durations, rates, ports and the like. `arguments.py` and the subcommands use it."""

from __future__ import annotations

import os
import re
from argparse import ArgumentTypeError
from contextlib import suppress
from typing import NamedTuple

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MOST = 1e9
"""Seconds: MAX_SECONDS of sansio_core.timing, whose import takes longer than all of the command's arguments."""


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    requests: float
    seconds: int

    @property
    def per_second(self) -> float:
        """The requests of one second."""
        return self.requests / self.seconds


def rate(text: str) -> Rate:
    """`100/s`, `500/m`, `10000/d`."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)/([smhd])", text)
    if not found or not (requests := float(found[1])):
        raise ArgumentTypeError(f"{text!r} is no rate: N/s, N/m, N/h or N/d, as 500/m for 500 requests a minute")
    return Rate(requests, _SECONDS[found[2]])


def duration(text: str) -> float:
    """The seconds of `90`, `0.5`, `30s`, `10m`, `1h`, `2d`."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _SECONDS else (text, "s")
    with suppress(ValueError):
        if 0 <= (seconds := float(number) * _SECONDS[unit]) <= _MOST:
            return seconds
    raise ArgumentTypeError(f"{text!r} is no duration: a number of seconds, or 30s, 10m, 1h, 2d")


def timeout(text: str) -> float:
    """A duration above 0."""
    if not (seconds := duration(text)):
        raise ArgumentTypeError(f"{text!r} leaves no time for an answer: a number of seconds, or 30s, 10m, 1h, 2d")
    return seconds


def count(text: str) -> int:
    """A number from 1."""
    if not re.fullmatch("[0-9]{1,9}", text) or not (number := int(text)):
        raise ArgumentTypeError(f"{text!r} is no whole number from 1")
    return number


def names(text: str) -> list[str]:
    """`text,label`: names with commas between them."""
    return [name for each in text.split(",") if (name := each.strip())]


def speed(text: str) -> float:
    """How many times as fast."""
    with suppress(ValueError):
        if (number := float(text)) == 0 or 0.001 <= number <= 1000:
            return number
    raise ArgumentTypeError(f"{text!r} is no speed: from 0.001 to 1000, or 0 for at once")


def utf8(word: str) -> str:
    """A text, which Python may have decoded by another encoding."""
    if word.isascii() or not re.search("[\udc80-\udcff]", word):
        return word
    try:
        return os.fsencode(word).decode()  # Python had another locale's encoding in mind
    except UnicodeDecodeError:
        raise ArgumentTypeError("it is not UTF-8; pipe it in, through iconv") from None


def port(text: str) -> int:
    """The number of a port; 0 is any free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)
