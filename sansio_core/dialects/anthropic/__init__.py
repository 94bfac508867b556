"""Anthropic's Messages wire."""

from .content import NAME
from .parser import AnthropicParser
from .request import OPTIONS, VERSION, payload

__all__ = ["NAME", "OPTIONS", "VERSION", "AnthropicParser", "payload"]
