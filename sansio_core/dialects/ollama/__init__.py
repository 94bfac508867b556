"""Ollama's chat wire."""

from .parser import NAME, OllamaParser

__all__ = ["NAME", "OllamaParser"]
