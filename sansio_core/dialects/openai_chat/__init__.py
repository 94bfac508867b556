"""OpenAI's Chat Completions wire, which most hosts speak."""

from .parser import OpenAIChatParser
from .request import NAME, Quirks, payload

__all__ = ["NAME", "OpenAIChatParser", "Quirks", "payload"]
