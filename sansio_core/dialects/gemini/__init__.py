"""Google's Gemini wire."""

from .parser import GeminiParser
from .request import NAME, OPTIONS, payload

__all__ = ["NAME", "OPTIONS", "GeminiParser", "payload"]
