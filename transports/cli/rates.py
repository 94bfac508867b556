"""Rates on the command line: `100/s`, `500/m`, `10000/d`."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import NamedTuple

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    requests: float
    seconds: int

    @property
    def per_second(self) -> float:
        """The requests of one second."""
        return self.requests / self.seconds


def rate(text: str) -> Rate:
    """The rate that an argument gives."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)/([smhd])", text)
    if not found or not (requests := float(found[1])):
        raise ArgumentTypeError(f"{text!r} is no rate: N/s, N/m, N/h or N/d, as 500/m for 500 requests a minute")
    return Rate(requests, _SECONDS[found[2]])
