"""A request as the emulator got it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole.

    `system` is the provider's name, from the first segment of the path; `path` is what follows, as the provider knows
    it; `base` is the base URL the client used (by its Host field). Header names are lower-case; fields of one name are
    joined with ", ". `json` and `form` are the body decoded, or None when it is not that. `version` is HTTP's, "1.1" or
    "1.0"; `connection` counts from 1.
    """

    system: str
    method: str
    path: str
    query: str
    base: str
    headers: dict[str, str]
    raw_headers: tuple[tuple[str, str], ...]
    body: bytes
    version: str
    connection: int
    json: Any = field(init=False, default=None)
    form: dict[str, str] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            parsed = None
        object.__setattr__(self, "json", parsed)
        if self.media_type == "application/x-www-form-urlencoded":
            pairs = parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)
            object.__setattr__(self, "form", dict(pairs))

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def keep_alive(self) -> bool:
        """Whether the client lets the connection be used again (RFC 9112 9.3); HTTP/1.0 is not asked for its leave."""
        return self.version == "1.1" and "close" not in self.headers.get("connection", "").lower()

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies that came with it (RFC 6265 5.4)."""
        pairs = (pair.strip().partition("=") for pair in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    @classmethod
    def received(
        cls,
        method: str,
        target: str,
        pairs: list[tuple[str, str]],
        body: bytes,
        *,
        version: str,
        scheme: str,
        connection: int,
    ) -> Request:
        """A request from its parts on the wire; `target` in origin or absolute form (RFC 9112 3.2)."""
        parts = urlsplit(target)
        system, slash, path = parts.path.lstrip("/").partition("/")
        headers: dict[str, str] = {}
        for name, value in pairs:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        base = f"{scheme}://{headers.get('host', '')}/{system}"
        return cls(system, method, slash + path, parts.query, base, headers, tuple(pairs), body, version, connection)
