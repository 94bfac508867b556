"""Wire dialects: frames in, events out. One dialect a file; a dialect knows no endpoint."""

from .base import ChatParser

__all__ = ["ChatParser"]
