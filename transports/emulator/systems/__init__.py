"""The emulated systems, by provider name: the server side of each. A new one is a file with a class, and a row here.

Hosts that speak OpenAI's Chat Completions come from the core's table of hosts, and need no row. In reading order:

base                          System, and the checks that several share
answer                        Question and Answer, the same for all wire formats; signatures of reasoning
_api                          what the vendors' own APIs share: keys, models, tools
_openai_chat, _raw_text       two formats that several systems speak
openai, openai_responses, anthropic, gemini, ollama       the vendors' own APIs
free_netfly, chatgpt_free, yqcloud, acytoo                the free providers
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sansio_core.providers.hosts import HOSTS

from . import openai
from .acytoo import Acytoo
from .answer import Answer, Call, Question
from .anthropic import Anthropic
from .base import ErrorResponse, System
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

__all__ = ["SYSTEMS", "Answer", "Call", "ErrorResponse", "Question", "System"]
