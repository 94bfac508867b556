"""Ollama's chat wire."""

from .parser import OllamaParser
from .request import NAME, OPTIONS, payload

__all__ = ["NAME", "OPTIONS", "OllamaParser", "payload"]
