"""Wire dialects: frames in, events out; a dialect knows no endpoint.

For a dialect of one's own: EventStreamParser, NDJSONChatParser and PlainTextParser are the wires of server-sent events
with JSON, of JSON lines, and of text alone; ChatParser is any other. `prompt_of` makes one prompt of a history, and
`unsupported_in_text` says what that loses.
"""

from typing import TYPE_CHECKING

from .base import ChatParser, EventStreamParser

if TYPE_CHECKING:
    from .history import prompt_of, unsupported_in_text
    from .json_lines import NDJSONChatParser
    from .plain_text import PlainTextParser

__all__ = [
    "ChatParser", "EventStreamParser", "NDJSONChatParser", "PlainTextParser", "prompt_of", "unsupported_in_text",
]  # fmt: skip


def __getattr__(name: str) -> object:
    # What few use is loaded when it is used.
    if name == "NDJSONChatParser":
        from .json_lines import NDJSONChatParser

        return NDJSONChatParser
    if name == "PlainTextParser":
        from .plain_text import PlainTextParser

        return PlainTextParser
    if name in ("prompt_of", "unsupported_in_text"):
        from . import history

        return getattr(history, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
