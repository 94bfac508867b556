"""OpenAI's Chat Completions wire, which most hosts speak."""

from .parser import OpenAIChatParser
from .request import NAME, Quirks, messages, payload, unsupported

__all__ = ["NAME", "OpenAIChatParser", "Quirks", "messages", "payload", "unsupported"]
