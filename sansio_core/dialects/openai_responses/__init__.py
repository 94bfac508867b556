"""OpenAI's Responses wire."""

from .parser import OpenAIResponsesParser
from .request import NAME, OPTIONS, payload

__all__ = ["NAME", "OPTIONS", "OpenAIResponsesParser", "payload"]
