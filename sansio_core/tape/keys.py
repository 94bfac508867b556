"""What looks like a key, whosesoever it is."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator

_WORD = r"[A-Za-z0-9_-]"
_BEGINNINGS = (
    # OpenAI's, and as sk-ant-, sk-or-, sk-proj- Anthropic's and others'
    "sk-", "sess-", "ek_",
    # other hosts' of models, and of what is used with them
    "GOCSPX-", "api_org_", "csk-", "flp_", "fw_", "gsk_", "hf_", "jina_", "lsv2_", "nvapi-", "pcsk_", "pplx-", "r8_",
    "sk_", "tgp_", "tvly-", "vck_", "xai-",
    # GitHub's, GitLab's, and of registries of packages
    "ghp_", "gho_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "npm_", "pypi-", "dckr_pat_",
    # Slack's, Stripe's, and of further services
    "xapp-", "xoxb-", "xoxp-", "rk_live_", "dop_v1_", "lin_api_", "ntn_", "sbp_", "shpat_",
)  # fmt: skip
"""With what keys begin that have `-` or `_` there: to look at each of these is quicker than to look for each beginning.
"""
_REST = re.compile(rf"({_WORD}{{16,}})")  # as short as the shortest in use
# What other keys begin with, and the rest of them: patterns that few processes compile.
_KINDS: tuple[tuple[str, str, str], ...] = (
    *((f"{begins}…", begins, rf"({_WORD}{{16,}})") for begins in ("AIza", "AQ.", "ya29.", "ABSK", "dapi", "SG.")),
    *((f"{begins}…", begins, r"([0-9A-Z]{16})(?![A-Za-z0-9])") for begins in ("AKIA", "ASIA")),  # AWS's
    ("eyJ… (a JWT)", "eyJ", rf"({_WORD}{{8,}}\.eyJ{_WORD}{{8,}}\.{_WORD}{{8,}})"),  # RFC 7519 3.1
    ("PRIVATE KEY-----…", "PRIVATE KEY-----", r"\s+([A-Za-z0-9+/]{16,})"),  # RFC 7468 10
    # RFC 6750 2.1, RFC 7617 2
    *(("Bearer …", word, r"[ \t]+([\w.~+/-]{16,})") for word in ("Bearer", "bearer", "BEARER")),
    *(("Basic …", word, r"[ \t]+([A-Za-z0-9+/]{8,}=*)") for word in ("Basic", "basic", "BASIC")),
)
_INNER = re.compile(_WORD)  # before a beginning: that stands in the midst of a word, such as task-based
# Names are words with hyphens, where keys have letters and digits mixed. A word of 16 characters counts as a key.
_LONG = re.compile(r"[A-Za-z0-9]{16,}")
_MIXED = re.compile(
    r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{6,}|(?=[A-Za-z]*[a-z][A-Z])(?=[A-Za-z]*[A-Z][a-z])[A-Za-z]{6,}"
)
_PLACEHOLDER = frozenset("xX0")  # what stands in the place of a key, as sk-xxxxxxxxxxxxxxxxxxxx


def keylike(text: str) -> str | None:
    """How the first thing in `text` that looks like a key begins, as "sk-…"; None where nothing does."""
    return next(_found(text), None)


def _found(text: str) -> Iterator[str]:
    for mark in ("-", "_"):
        for at in _places(text, mark):
            if not text.endswith(_BEGINNINGS, 0, at + 1):
                continue
            begins = max((each for each in _BEGINNINGS if text.endswith(each, 0, at + 1)), key=len)
            begun = _is_begun(text, at + 1 - len(begins))
            if begun and (found := _REST.match(text, at + 1)) and _is_random(found[1]):
                yield f"{begins}…"
    for shown, begins, pattern in _KINDS:
        is_key = _is_basic if shown == "Basic …" else _is_random
        for at in _places(text, begins):
            rest = re.compile(pattern).match(text, at + len(begins))
            if rest and _is_begun(text, at) and is_key(rest[1]):
                yield shown


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _is_begun(text: str, at: int) -> bool:
    return at == 0 or not _INNER.match(text, at - 1)


def _is_random(text: str) -> bool:
    words = [*_LONG.findall(text), *_MIXED.findall(_LONG.sub("-", text))]  # looking for mixed ones in long ones is slow
    return not all(map(_PLACEHOLDER.issuperset, words))


def _is_basic(text: str) -> bool:
    """Whether `text` is a user's name and a password."""
    try:
        return b":" in a2b_base64(text)
    except Error:
        return False
