"""The folders of the user in which the command keeps its files. `config.py` and `conversation.py` ask for them."""

from __future__ import annotations

import os
import sys

_FOLDERS = {
    "settings": ("XDG_CONFIG_HOME", "~/.config", "APPDATA"),
    "data": ("XDG_DATA_HOME", "~/.local/share", "LOCALAPPDATA"),
}


def user_folder(kind: str) -> str | None:
    """Ours for "settings" or "data", whether it is there or not; None for a user without a home."""
    variable, usual, windows = _FOLDERS[kind]
    # specifications.freedesktop.org/basedir-spec: a path that is not absolute is to be ignored
    folder = os.environ.get(variable, "")
    if not os.path.isabs(folder):
        if sys.platform == "win32":
            folder = os.environ.get(windows, "")
        else:
            folder = os.path.expanduser("~/Library/Application Support" if sys.platform == "darwin" else usual)
    return os.path.join(folder, "sansio-chat") if os.path.isabs(folder) else None
