"""Google's Gemini wire."""

from .parser import GeminiParser, VertexParser
from .request import NAME, OPTIONS, payload

__all__ = ["NAME", "OPTIONS", "GeminiParser", "VertexParser", "payload"]
