"""The four providers as gpt4free's classes, so that code written for those runs with another import line.

    from transports.g4f_compat import FreeNetfly

    async for chunk in FreeNetfly.create_async_generator(model="gpt-3.5-turbo", messages=messages):
        print(chunk, end="")

To ask another host, give `base_url=` in a call, or, as in gpt4free, set `url` on the class or a subclass. Differences
from gpt4free: a request that cannot be sent raises at the call; an answer that was cut short raises at its end; keyword
arguments that only gpt4free knows give a warning, and those that nobody knows raise InvalidRequest.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from sansio_core import InvalidRequest, IPBlocked, Messages, UnexpectedContent, providers
from sansio_core.providers import Provider
from sansio_core.providers.chatgpt_free import ChatgptFree as PageFirst
from sansio_core.providers.chatgpt_free import Pages
from sansio_core.warning import warn

if TYPE_CHECKING:
    from .aio import AsyncClient, AsyncStream

__all__ = ["Acytoo", "AddressBlocked", "Answer", "ChatgptFree", "FreeNetfly", "PageUnusable", "Yqcloud"]

_MEANINGLESS = frozenset(
    {
        "access_token", "api_key", "auto_continue", "cache", "executor", "history_disabled", "ignore_stream",
        "ignore_stream_and_auth", "ignore_working", "ignored", "impersonate", "loop", "max_retries", "provider",
        "return_conversation", "safe", "stream_timeout", "web_search",
    }
)  # fmt: skip
"""Keyword arguments that gpt4free has for other providers, or for its own internals."""


class AddressBlocked(IPBlocked, RuntimeError):
    """The provider has blocked this IP address; a RuntimeError, as gpt4free raises one for it."""


class PageUnusable(UnexpectedContent, RuntimeError):
    """The answer is not what the provider sends; a RuntimeError, as gpt4free raises one for ChatgptFree's page."""


def _as_runtime_error(error: IPBlocked | UnexpectedContent) -> AddressBlocked | PageUnusable:
    kind = AddressBlocked if isinstance(error, IPBlocked) else PageUnusable
    known = kind(error.detail)
    known.reply = error.reply
    return known


class Answer:
    """What `create_async_generator` returns: `async for` yields text. It is an object and not a generator.

    Its connection is closed at the answer's end, at an error, by `aclose`, and when it is dropped; from then on it
    yields nothing. Iterating raises ChatError.
    """

    def __init__(self, client: AsyncClient, stream: AsyncStream) -> None:
        self._client = client
        self._stream = stream
        self._closed = False

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> str:
        if self._closed:
            raise StopAsyncIteration
        try:
            return await self._stream.__anext__()
        except (IPBlocked, UnexpectedContent) as error:
            self._close()
            raise _as_runtime_error(error) from error
        except BaseException:
            self._close()
            raise

    async def aclose(self) -> None:
        """Close the connection, finished or not."""
        self._close()

    def _close(self) -> None:
        self._closed = True
        self._stream.close()
        self._client.close()

    async def __aenter__(self) -> Answer:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._close()

    def __await__(self) -> Generator[None, None, Answer]:
        """Itself, for callers that await `create_async_generator` before they iterate."""
        return self
        yield


class _Provider:
    """The base of the four: gpt4free's attributes and calls, over one of our providers."""

    url: ClassVar[str]
    working: ClassVar[bool]
    default_model: ClassVar[str]
    models: ClassVar[list[str]]
    model_aliases: ClassVar[dict[str, str]]
    supports_message_history: ClassVar[bool]
    supports_system_message: ClassVar[bool]
    supports_gpt_35_turbo: ClassVar[bool]
    supports_gpt_4: ClassVar[bool]
    supports_stream: ClassVar[bool] = True
    needs_auth: ClassVar[bool] = False
    _name: ClassVar[str]
    _documented_url: ClassVar[str]

    def __init_subclass__(cls, name: str | None = None, site: str | None = None) -> None:
        """`name`: our provider's. `site`: gpt4free's `url`, where that is not the host that requests are sent to."""
        if name is None:  # a user's own subclass
            return
        info = providers.info(name)
        cls._name = name
        cls.url = cls._documented_url = site or info.url
        cls.working = info.working
        cls.default_model = info.default_model or ""
        cls.models = list(info.models)
        cls.model_aliases = dict(info.model_aliases)
        cls.supports_message_history = info.supports_message_history
        cls.supports_system_message = info.supports_system_message
        cls.supports_gpt_35_turbo = any(model.startswith("gpt-3.5") for model in info.models)
        cls.supports_gpt_4 = any(model.startswith("gpt-4") for model in info.models)

    @classmethod
    def get_models(cls, **kwargs: Any) -> list[str]:
        """The names of the models."""
        return cls.models

    @classmethod
    def get_model(cls, model: str | None = None, **kwargs: Any) -> str:
        """The provider's own name for `model`; the default model for None or ""."""
        return cls.model_aliases.get(model, model) if model else cls.default_model

    @classmethod
    def create_async_generator(
        cls,
        model: str | None,
        messages: Messages,
        proxy: str | None = None,
        timeout: float | None = None,
        cookies: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Answer:
        """The answer's text as it comes. `timeout`: seconds in all. `kwargs`: options of the model, and `base_url`.

        Raises InvalidRequest at once for a request that cannot be sent; iterating raises ChatError.
        """
        from .aio import AsyncClient

        settings, options = cls._split_arguments(model, proxy, timeout, cookies, kwargs)
        client = AsyncClient(**settings)
        return Answer(client, client.stream(messages, **options))

    @classmethod
    async def create_async(cls, model: str | None, messages: Messages, **kwargs: Any) -> str:
        """The whole text. The arguments and errors are those of `create_async_generator`."""
        async with cls.create_async_generator(model, messages, **kwargs) as answer:
            return "".join([chunk async for chunk in answer])

    @classmethod
    def create_completion(
        cls,
        model: str | None,
        messages: Messages,
        stream: bool = True,
        *,
        proxy: str | None = None,
        timeout: float | None = None,
        cookies: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> Iterator[str]:
        """The text as it comes, for code without asyncio; whole if `stream` is false. Iterating raises ChatError."""
        from .blocking import Client

        settings, options = cls._split_arguments(model, proxy, timeout, cookies, kwargs)
        try:
            with Client(**settings) as client, client.stream(messages, **options) as chunks:
                if stream:
                    yield from chunks
                else:
                    yield "".join(chunks)
        except (IPBlocked, UnexpectedContent) as error:
            raise _as_runtime_error(error) from error

    @classmethod
    def _split_arguments(
        cls,
        model: str | None,
        proxy: str | None,
        timeout: float | None,
        cookies: Mapping[str, str] | None,
        kwargs: dict[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The client's settings, and the model's options. One warning names the arguments that are neither."""
        options = {name: value for name, value in kwargs.items() if value is not None and name != "stream"}
        base_url, headers = cls._base_url(options), options.pop("headers", None)
        if "conversation" in options:
            raise InvalidRequest("conversation= is not known here: put its messages before the others in messages=")
        ignored = sorted(name for name in _MEANINGLESS.intersection(options) if options.pop(name))
        name = cls.get_model(model)
        if name not in cls.models and len(cls.models) == 1:  # gpt4free sends the same request for any model
            ignored.append(f"the model {name!r}")
            name = cls.default_model
        if ignored:
            warn(f"{cls.__name__} has no use for {', '.join(ignored)}: not sent")
        provider = cls._provider(proxy, model=name, cookies=cookies, headers=headers, base_url=base_url)
        return {"provider": provider, "proxy": proxy, "timeout": timeout}, options

    @classmethod
    def _base_url(cls, options: dict[str, Any]) -> str | None:
        """The host that a call names, or the class's `url` where the user has set it; None for the provider's own."""
        given: str | None = options.pop("base_url", None) or options.pop("api_base", None)
        return cls.url if given is None and cls.url.rstrip("/") != cls._documented_url else given

    @classmethod
    def _provider(cls, proxy: str | None, **config: Any) -> Provider:
        """Our provider for one call through `proxy`."""
        return providers.create(cls._name, **config)


class FreeNetfly(_Provider, name="free_netfly"):
    """free.netfly.top; last known not to work."""

    api_endpoint = "/api/openai/v1/chat/completions"


class ChatgptFree(_Provider, name="chatgpt_free"):
    """chatgptfree.ai; last known not to work.

    Its page is kept for later calls, as gpt4free keeps the nonce on the class, and fetched again once the nonce is
    rejected. It is kept for each host, proxy, header fields and cookies: the server made the page for one visitor, and
    its cookies name that visitor's session.
    """

    @classmethod
    def _provider(cls, proxy: str | None, **config: Any) -> Provider:
        provider = super()._provider(proxy, **config)
        assert isinstance(provider, PageFirst), "chatgpt_free is registered as this class"
        visitor = (provider.base_url, provider.headers, frozenset(provider.cookies.items()), str(proxy))
        _pages(*visitor)  # two threads may each make a Pages at once: only one is kept, which the second call returns
        provider.pages = _pages(*visitor)
        return provider


@lru_cache(64)  # pages are kept for so many visitors
def _pages(*visitor: object) -> Pages:
    return Pages()


class Yqcloud(_Provider, name="yqcloud", site="https://chat9.yqcloud.top"):
    """chat9.yqcloud.top, which asks api.aichatos.cloud."""

    api_endpoint = "https://api.aichatos.cloud/api/generateStream"


class Acytoo(_Provider, name="acytoo"):
    """chat.acytoo.com; last known not to work."""
