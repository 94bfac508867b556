"""Anthropic's Messages wire."""

from .parser import NAME, AnthropicParser

__all__ = ["NAME", "AnthropicParser"]
