"""Anthropic's Messages wire."""

from .parser import AnthropicParser
from .request import NAME, OPTIONS, payload

__all__ = ["NAME", "OPTIONS", "AnthropicParser", "payload"]
