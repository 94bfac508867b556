"""What looks like a key, whosesoever it is."""

from __future__ import annotations

import re

_WORD = r"[A-Za-z0-9_-]"
# What a key begins with, and the rest of it: as short as the shortest in use, which is 16 characters.
_KINDS: tuple[tuple[str, str, re.Pattern[str]], ...] = tuple(
    (shown, begins, re.compile(pattern))
    for shown, begins, pattern in (
        ("sk-…", "sk-", rf"sk-({_WORD}{{16,}})"),  # OpenAI's, and as sk-ant-, sk-or-, sk-proj- Anthropic's and others'
        ("AIza…", "AIza", rf"AIza({_WORD}{{16,}})"),  # Google's
        ("gsk_…", "gsk_", r"gsk_([A-Za-z0-9]{16,})"),  # Groq's
        ("xai-…", "xai-", rf"xai-({_WORD}{{16,}})"),
        ("hf_…", "hf_", r"hf_([A-Za-z0-9]{16,})"),  # Hugging Face's
        ("ghp_…", "gh", r"gh[oprsu]_([A-Za-z0-9]{16,})"),  # GitHub's
        ("github_pat_…", "github_pat_", r"github_pat_(\w{16,})"),
        ("AKIA…", "AKIA", r"AKIA([0-9A-Z]{16})(?![A-Za-z0-9])"),  # AWS's
        ("eyJ… (a JWT)", "eyJ", rf"eyJ({_WORD}{{8,}}\.eyJ{_WORD}{{8,}}\.{_WORD}{{8,}})"),  # RFC 7519 3.1
        # RFC 6750 2.1
        *(("Bearer …", word, rf"{word}[ \t]+([\w.~+/-]{{16,}})") for word in ("Bearer", "bearer", "BEARER")),
    )
)
_INNER = re.compile(_WORD)  # before a beginning: that stands in the midst of a word, such as task-based
# Names are words with hyphens, where keys have letters and digits mixed. A word of 16 characters counts as a key.
_LONG = re.compile(r"[A-Za-z0-9]{16}")
_MIXED = re.compile(
    r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{6,}|(?=[A-Za-z]*[a-z][A-Z])(?=[A-Za-z]*[A-Z][a-z])[A-Za-z]{6,}"
)
_FEWEST = 5  # different characters: fewer stand in the place of a key, as sk-xxxxxxxxxxxxxxxxxxxx


def keylike(text: str) -> str | None:
    """How the first thing in `text` that looks like a key begins, as "sk-…"; None where nothing does."""
    for shown, begins, pattern in _KINDS:
        at = text.find(begins)
        while at >= 0:
            begun = at == 0 or not _INNER.match(text, at - 1)
            if begun and (found := pattern.match(text, at)) and _is_random(found[1]):
                return shown
            at = text.find(begins, at + 1)
    return None


def _is_random(text: str) -> bool:
    return len(set(text)) >= _FEWEST and bool(_LONG.search(text) or _MIXED.search(text))
