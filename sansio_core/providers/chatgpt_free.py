"""ChatgptFree: a WordPress page gives a nonce, then one prompt is answered as an event stream or one JSON object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from weakref import ref

from ..dialects import ChatParser
from ..dialects.base import MAX_FRAME
from ..dialects.history import prompt_of, unsupported_in_text
from ..dialects.wpaicg import NonceRefused, WpaicgParser, form
from ..errors import ChatError, HTTPStatusError, UnexpectedContent
from ..http_request import Headers, HttpRequest, is_cookie
from ..redact import redact_url
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import Call, Provider, ProviderInfo

_CLAIM = 30.0  # seconds after which a call that fetches the page and is not driven on no longer holds up the others
_POLL = 0.02  # seconds between two looks at whether it came


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page gave, to be sent with the question."""

    post_id: str = field(repr=False)
    nonce: str = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)


class Pages:
    """The page, shared by all calls of one provider object, from several threads or tasks: fetched once.

    Provider objects may share one, as long as they ask the same host as the same visitor.
    """

    def __init__(self) -> None:
        self.page: _Page | None = None
        self._claims: dict[str, tuple[ref[_PageCall], float]] = {}  # of at most one claim; setdefault is atomic

    def claim(self, call: _PageCall, now: float) -> bool:
        """Whether `call` may fetch it: nobody else does, or who did is gone."""
        holder, until = claim = self._claims.setdefault("page", (ref(call), now + _CLAIM))
        if holder() is call:
            return True
        if (holder() is None or until <= now) and self._claims.get("page") is claim:
            self._claims.pop("page", None)  # free at the next look
        return False

    def release(self, call: _PageCall) -> None:
        claim = self._claims.get("page")
        if claim is not None and claim[0]() is call:
            self._claims.pop("page", None)


class _PageCall(Call):
    def __init__(self, provider: ChatgptFree, request: ChatRequest) -> None:
        self.unsupported = unsupported_in_text(request.messages)
        self._provider, self._chat, self._prompt = provider, request, prompt_of(request.messages)
        self._page: _Page | None = None
        self._renewed = False
        self._page_request = provider.http(request, "GET", f"{provider.base_url}/")

    def setup_request(self, now: float) -> HttpRequest | float | None:
        pages = self._provider.pages
        self._page = pages.page
        if self._page is not None:
            return None
        if not pages.claim(self, now):
            return _POLL
        self._page = pages.page  # it may have come between the look and the claim
        if self._page is None:
            return self._page_request
        pages.release(self)
        return None

    def receive_setup(self, headers: Headers, body: bytes) -> None:
        pages = self._provider.pages
        try:
            pages.page = _read(body.decode(errors="replace"), headers, self._page_request.url)
        finally:
            pages.release(self)

    def request(self) -> HttpRequest:
        page = self._page
        assert page is not None, "the setup request comes first"
        return self._provider.http(
            self._chat,
            "POST",
            self._provider.endpoint("wp-admin/admin-ajax.php"),
            form(message=self._prompt, nonce=page.nonce, post_id=page.post_id, page_url=self._provider.base_url),
            (("content-type", "application/x-www-form-urlencoded"),),
            cookies=page.cookies,
        )

    def renew(self, error: ChatError) -> bool:
        stale = self._page is not None and _refuses_nonce(error)
        if stale and self._provider.pages.page is self._page:
            self._provider.pages.page = None  # another call may already have a newer one: keep that
        first, self._renewed = stale and not self._renewed, self._renewed or stale
        return first

    def answered(self) -> None:
        del self._chat, self._prompt, self._page_request

    def abandon(self) -> None:
        self._provider.pages.release(self)


class ChatgptFree(Provider):
    """chatgptfree.ai. One attempt unless the caller asks for more; 120 seconds for everything.

    The page is fetched by the first call, kept for the later ones, and fetched again when its nonce has gone stale
    (WordPress then answers 403, or a body of `-1` or `0`).
    """

    info = ProviderInfo(
        name="chatgpt_free",
        url="https://chatgptfree.ai",
        default_model="gpt-4o-mini-2024-07-18",
        models=("gpt-4o-mini-2024-07-18",),
        model_aliases={"gpt-4o-mini": "gpt-4o-mini-2024-07-18"},
        working=False,
    )
    retry = RetryPolicy(attempts=1)
    timeouts = Timeouts(total=120)
    base_headers = (
        ("authority", "chatgptfree.ai"),
        ("accept", "*/*"),
        ("accept-language", "en,fr-FR;q=0.9,fr;q=0.8,es-ES;q=0.7,es;q=0.6,en-US;q=0.5,am;q=0.4,de;q=0.3"),
        ("origin", "https://chatgptfree.ai"),
        ("referer", "https://chatgptfree.ai/chat/"),
        ("sec-ch-ua", '"Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"'),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", '"macOS"'),
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-site", "same-origin"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
        ),
    )

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        model: str | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(api_key=api_key, base_url=base_url, model=model, headers=headers, cookies=cookies)
        self.pages = Pages()

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        self.resolve_model(request.model)
        return _PageCall(self, request)

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return WpaicgParser(max_frame_size, self.templates)


def _read(html: str, headers: Headers, url: str) -> _Page:
    post_id, nonce = _attribute(html, "data-post-id"), _attribute(html, "data-nonce")
    wrong = [] if re.fullmatch(r"[0-9]+", post_id) else ["data-post-id"]
    if not nonce:
        wrong.append("data-nonce")
    if wrong:
        raise UnexpectedContent(
            f"the page {redact_url(url)} has no usable {' and no usable '.join(wrong)}: "
            "the site has changed, or it shows a bot check in place of its chat page"
        )
    return _Page(post_id, nonce, _cookies_of(headers))


def _attribute(html: str, name: str) -> str:
    values = re.findall(rf"""(?<![\w-]){name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", html, re.I)
    return next((unescape(a or b).strip() for a, b in values if (a or b).strip()), "")


def _cookies_of(headers: Headers) -> dict[str, str]:
    """The name and value of each Set-Cookie field (RFC 6265 5.2).

    What cannot be sent as a cookie is left out, and so is one that the field deletes (Max-Age of 0 or less).
    """
    cookies: dict[str, str] = {}
    for field_name, field_value in headers:
        if field_name.lower() != "set-cookie":
            continue
        pair, *attributes = field_value.split(";")
        name, _, value = (piece.strip() for piece in pair.partition("="))
        if any(re.fullmatch(r"\s*max-age\s*=\s*(0|-[0-9]+)\s*", attribute, re.I) for attribute in attributes):
            cookies.pop(name, None)
        elif is_cookie(name, value):
            cookies[name] = value
    return cookies


def _refuses_nonce(error: ChatError) -> bool:
    """What WordPress makes of a stale nonce: 403, or a body of -1 or 0, with the status 200 or 400."""
    if isinstance(error, HTTPStatusError):
        return error.status == 403 or (error.status == 400 and error.body.strip() in ("-1", "0"))
    return isinstance(error, NonceRefused)
