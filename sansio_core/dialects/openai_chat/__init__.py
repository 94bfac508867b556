"""OpenAI's Chat Completions wire, which most hosts speak."""

from .parser import OpenAIChatParser
from .quirks import NAME, PARTS, Quirks
from .request import payload

__all__ = ["NAME", "PARTS", "OpenAIChatParser", "Quirks", "payload"]
