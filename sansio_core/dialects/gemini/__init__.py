"""Google's Gemini wire."""

from .parser import NAME, GeminiParser

__all__ = ["NAME", "GeminiParser"]
