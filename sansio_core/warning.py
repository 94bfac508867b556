"""Warnings that name the caller's line, not one of this package or of a layer over it."""

from __future__ import annotations

import warnings
from inspect import currentframe
from sys import modules
from types import FrameType

from .errors import OptionIgnored


def warn(message: str, category: type[Warning] = OptionIgnored) -> None:
    """One warning, at the line that called this package, or a layer over it, from outside.

    A package is such a layer if it has a true `__sansio_layer__`.
    """
    # A line within a client is of no use to whoever is warned, and Python shows the same warning once for each line: it
    # would be once for all callers. A fixed stacklevel cannot find the line, as a client, an own loop and a
    # compatibility layer call from different depths. (warnings.warn has skip_file_prefixes from Python 3.12 on.)
    frame, level = currentframe(), 1
    while frame is not None and _is_layer(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_layer(frame: FrameType) -> bool:
    package = modules.get(frame.f_globals.get("__name__", "").partition(".")[0])
    return bool(getattr(package, "__sansio_layer__", False))
