"""The emulated systems, by provider name. A new one is one file with one class, and its row here."""

from __future__ import annotations

from .acytoo import Acytoo
from .base import Refused, System
from .chatgpt_free import ChatgptFree
from .free_netfly import FreeNetfly
from .yqcloud import Yqcloud

SYSTEMS: dict[str, type[System]] = {system.name: system for system in (FreeNetfly, ChatgptFree, Yqcloud, Acytoo)}

__all__ = ["SYSTEMS", "Refused", "System"]
