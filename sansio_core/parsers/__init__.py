"""Bytes to frames: each parser cuts a stream into its events, lines, values or text, and knows no meaning of them.

Every parser takes bytes cut anywhere and gives the same frames for every cut, each as soon as it is complete, in time
linear in the input and with bounded memory. To read them: lines (what they share), ndjson, text, sse, json_values, and
last sse_json, the fast path.
"""

from .json_values import JSONValueScanner
from .lines import MAX_FRAME_SIZE
from .ndjson import NDJSONParser
from .sse import Comment, Frame, ServerSentEvent, SSEParser, StrayLine
from .sse_json import Item, SSEJSONParser
from .text import TextParser

__all__ = [
    "MAX_FRAME_SIZE",
    "Comment",
    "Frame",
    "Item",
    "JSONValueScanner",
    "NDJSONParser",
    "SSEJSONParser",
    "SSEParser",
    "ServerSentEvent",
    "StrayLine",
    "TextParser",
]
