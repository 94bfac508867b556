"""OpenAI's Responses wire."""

from .parser import OpenAIResponsesParser
from .request import NAME, payload

__all__ = ["NAME", "OpenAIResponsesParser", "payload"]
