"""Request: one request, as the emulator received it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole.

    `system`: the provider's name, from the first segment of the path. `path`: the rest of the path, as the provider
    knows it. `base`: the base URL that the client used (by its Host field). `headers`: names in lower case; fields of
    one name are joined with ", ". `json`, `form`: the body decoded, or None if it is not of that kind. `version`: of
    HTTP, "1.1" or "1.0". `connection`: the number of its connection, from 1.
    """

    system: str
    method: str
    path: str
    query: str = field(repr=False)  # not shown: whatever may hold a client's key
    base: str
    headers: dict[str, str] = field(repr=False)
    raw_headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    version: str
    connection: int
    json: Any = field(init=False, default=None, repr=False)
    form: dict[str, str] | None = field(init=False, default=None, repr=False)

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
    def target(self) -> str:
        """Path and query, as the client sent them, with the provider's name."""
        return f"/{self.system}{self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def media_type(self) -> str:
        """The Content-Type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def keep_alive(self) -> bool:
        """Whether the connection may be used again (RFC 9112 9.3); never with HTTP/1.0, even if the client asks."""
        return self.version == "1.1" and "close" not in self.headers.get("connection", "").lower()

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the Cookie field (RFC 6265 5.4)."""
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
