"""The command `sansio-chat`."""

from .command import main

__all__ = ["main"]
