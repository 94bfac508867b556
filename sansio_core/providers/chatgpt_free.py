"""ChatgptFree: a WordPress page gives a nonce, then one prompt is answered as an event stream or one JSON object."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, NamedTuple
from weakref import ref

from ..dialects.history import prompt_of, unsupported_in_text
from ..dialects.wpaicg import NonceRefused, WpaicgParser, form
from ..errors import ChatError, HTTPStatusError, UnexpectedContent
from ..http_request import Headers, HttpRequest, is_cookie
from ..redact import redact_url
from ..request import ChatRequest
from ..retry import RetryPolicy
from ..timing import Timeouts
from .base import Provider, ProviderInfo
from .call import Call

# Whoever drives the call that fetches the page may leave it suspended (a generator that nobody iterates, a task that
# hangs), which other calls cannot see: after so many seconds one of them fetches the page itself.
_CLAIM_EXPIRES = 30.0
# Seconds between two looks of a waiting call at whether the page is there. The exchange's interface has no way to wake
# another call, which may be driven by another thread or event loop.
_LOOK_AGAIN = 0.02


@dataclass(frozen=True, slots=True)
class _Page:
    """What the page holds for the question. All of it is secret: it stands for the visitor's session."""

    post_id: str = field(repr=False)
    nonce: str = field(repr=False)
    cookies: Mapping[str, str] = field(repr=False)


class _Claim(NamedTuple):
    """The right of one call to fetch the page, up to a time of its clock."""

    # A weak reference: a call that was dropped without `abandon` frees its claim by being gone.
    holder: ref[_PageCall]
    expires: float


class Pages:
    """The page of one site for one visitor, fetched once for all calls, which may run in several threads or tasks.

    How calls share it without a lock: a call that finds no page claims the right to fetch it, and calls that cannot
    claim it look again every 0.02 s. The claim is the one entry of a dict, made by `setdefault`, which is atomic, also
    in free-threaded Python (docs.python.org/3/howto/free-threading-python.html): of any number of calls exactly one
    gets it. That call stores the page first and frees the claim afterwards, so that whoever gets the claim next finds
    the page. A claim is also freed if its call fails, is dropped, or lets it expire. The worst that a race can do is
    that the page is fetched twice, and both pages are good.

    Provider objects may share one, as long as they ask the same host as the same visitor.
    """

    def __init__(self) -> None:
        # A lock would not do: the core may not block, and a claim is held over network I/O, from one method to another.
        self.page: _Page | None = None
        self._claims: dict[str, _Claim] = {}

    def claim(self, call: _PageCall, now: float) -> bool:
        """Whether `call` has the claim now. An abandoned claim is only freed: the next look may get it."""
        claim = self._claims.setdefault("page", _Claim(ref(call), now + _CLAIM_EXPIRES))
        if claim.holder() is call:
            return True
        # `is claim`: another call may have freed it already, and a third have made a new one.
        if (claim.holder() is None or claim.expires <= now) and self._claims.get("page") is claim:
            self._claims.pop("page", None)
        return False

    def release(self, call: _PageCall) -> None:
        """Free the claim if `call` has it: one whose claim expired must not free that of its successor."""
        claim = self._claims.get("page")
        if claim is not None and claim.holder() is call:
            self._claims.pop("page", None)

    def forget(self, page: _Page) -> None:
        """Drop `page`, whose nonce is stale, unless another call has replaced it by a newer one."""
        if self.page is page:
            self.page = None


class _PageCall(Call):
    """A question after the page: `_page` is the one that it is sent with."""

    def __init__(self, provider: ChatgptFree, request: ChatRequest) -> None:
        self.unsupported = unsupported_in_text(request.messages)
        self._provider, self._chat, self._prompt = provider, request, prompt_of(request.messages)
        self._pages = provider.pages
        self._page: _Page | None = None
        self._page_request = provider.http(request, "GET", f"{provider.base_url}/")

    def setup_request(self, now: float) -> HttpRequest | float | None:
        self._page = self._pages.page
        if self._page is not None:
            return None
        if not self._pages.claim(self, now):
            return _LOOK_AGAIN
        # Between the look and the claim, another call may have stored the page and freed its claim.
        self._page = self._pages.page
        if self._page is None:
            return self._page_request
        self._pages.release(self)
        return None

    def receive_setup(self, headers: Headers, body: bytes) -> None:
        # The page is stored before the claim is freed, or the next to claim would fetch it again. Where the page is
        # unusable the call fails, and `abandon` frees the claim.
        self._pages.page = _read(body.decode(errors="replace"), headers, self._page_request.url)
        self._pages.release(self)

    def request(self) -> HttpRequest:
        page = self._page
        assert page is not None, "the setup request comes first"
        return self._provider.http(
            self._chat,
            "POST",
            self._provider.endpoint("wp-admin/admin-ajax.php"),
            form(message=self._prompt, nonce=page.nonce, post_id=page.post_id, page_url=self._provider.base_url),
            (("content-type", "application/x-www-form-urlencoded"),),
            cookies=page.cookies,  # WordPress checks the nonce against the session that these name
        )

    def renew(self, error: ChatError) -> bool:
        if self._page is None or not _rejects_nonce(error):
            return False
        self._pages.forget(self._page)
        return True

    def answered(self) -> None:
        del self._chat, self._prompt, self._page_request

    def abandon(self) -> None:
        self._pages.release(self)


class ChatgptFree(Provider):
    """chatgptfree.ai. One attempt unless the caller asks for more; 120 seconds for everything.

    The first call fetches the page, whose nonce (a token that WordPress gives a visitor for 12 to 24 hours:
    developer.wordpress.org/apis/security/nonces/) goes with each question. Later calls use the same page until its
    nonce is stale; it is then fetched again.
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
    parser_class = WpaicgParser
    volatile = frozenset({"_wpnonce", "post_id", "url"})  # what is the page's
    # What a browser sends from the site's own page. `origin`, `referer` and `authority` name the site under another
    # base URL, too: its public clients have them fixed.
    user_agent = ""  # its callers are browsers
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

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.pages = Pages()

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        self.resolve_model(request.model)  # raises for an unknown one; the wire has no field for it
        return _PageCall(self, request)


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
    """The first value of the attribute `name` that is not blank, without its character references; "" for none."""
    # A pattern finds the attribute in any tag, however broken the rest of the page is. The look-behind keeps out longer
    # names that end with this one, such as x-data-nonce.
    values = re.findall(rf"""(?<![\w-]){name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", html, re.I)
    return next((unescape(a or b).strip() for a, b in values if (a or b).strip()), "")


def _cookies_of(headers: Headers) -> dict[str, str]:
    """The name and value of each Set-Cookie field (RFC 6265 5.2), but of those that delete one or cannot be sent."""
    cookies: dict[str, str] = {}
    for field_name, field_value in headers:
        if field_name.lower() != "set-cookie":
            continue
        pair, *attributes = field_value.split(";")
        name, _, value = (piece.strip() for piece in pair.partition("="))
        # RFC 6265 5.2.2: a Max-Age of 0 or less deletes the cookie. The core has no clock, so Expires is not read, nor
        # Domain and Path: the question goes to the same host, and a session's cookie is for all of it.
        if any(re.fullmatch(r"\s*max-age\s*=\s*(0|-[0-9]+)\s*", attribute, re.I) for attribute in attributes):
            cookies.pop(name, None)
        elif is_cookie(name, value):
            cookies[name] = value
    return cookies


def _rejects_nonce(error: ChatError) -> bool:
    # developer.wordpress.org/reference/functions/check_ajax_referer/: 403 with the body -1; in older versions of
    # WordPress the status is 200, and the parser reports the body as NonceRefused. wp-admin/admin-ajax.php: 400 with
    # the body 0, which it also sends to a visitor whose session is over.
    if isinstance(error, HTTPStatusError):
        return error.status == 403 or (error.status == 400 and error.body.strip() in ("-1", "0"))
    return isinstance(error, NonceRefused)
