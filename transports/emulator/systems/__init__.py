"""The emulated systems, by provider name. A new one is one file with one class, and its row here.

Hosts that speak OpenAI's wire come from the core's table of them, and need nothing here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sansio_core.providers.hosts import HOSTS

from . import openai
from .acytoo import Acytoo
from .answer import Answer, Call, Question
from .anthropic import Anthropic
from .base import Refused, System
from .chatgpt_free import ChatgptFree
from .free_netfly import FreeNetfly
from .gemini import Gemini
from .ollama import Ollama
from .openai_responses import OpenAIResponses
from .yqcloud import Yqcloud

SYSTEMS: dict[str, Callable[[], System]] = {
    **{
        system.name: system
        for system in (FreeNetfly, ChatgptFree, Yqcloud, Acytoo, Anthropic, Gemini, Ollama, OpenAIResponses)
    },
    **{name: partial(openai.make, host) for name, host in HOSTS.items()},
}

__all__ = ["SYSTEMS", "Answer", "Call", "Question", "Refused", "System"]
