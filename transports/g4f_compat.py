"""The four providers as gpt4free's classes, so that code written for those runs with another import line.

    from transports.g4f_compat import FreeNetfly

    async for chunk in FreeNetfly.create_async_generator(model="gpt-3.5-turbo", messages=messages):
        print(chunk, end="")

Another host takes their place by `base_url=` in a call, or, as there, by setting `url` on the class or a subclass.
What differs: a request that cannot be sent raises at the call, an answer that was cut short raises at its end, and
keyword arguments that mean nothing here are told by a warning, or refused if nobody knows them.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from sansio_core import InvalidRequest, IPBlocked, Messages, UnexpectedContent, providers
from sansio_core.providers import Provider
from sansio_core.providers.base import warn
from sansio_core.providers.chatgpt_free import ChatgptFree as PageFirst
from sansio_core.providers.chatgpt_free import Pages

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
"""What gpt4free passes around for other providers, or for its own machinery."""


class AddressBlocked(IPBlocked, RuntimeError):
    """The provider has blocked this network address; a RuntimeError, as gpt4free raised there."""


class PageUnusable(UnexpectedContent, RuntimeError):
    """The answer is something else than the provider sends; a RuntimeError, as gpt4free raised for its page."""


def _familiar(error: IPBlocked | UnexpectedContent) -> AddressBlocked | PageUnusable:
    kind = AddressBlocked if isinstance(error, IPBlocked) else PageUnusable
    known = kind(error.detail)
    known.reply = error.reply
    return known


class Answer:
    """What `create_async_generator` gives: `async for` yields text. It is an object and no generator.

    At the answer's end, at an error, by `aclose` and when it is dropped, its connection is closed at once. After that
    it yields nothing more. Iterating raises ChatError.
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
            raise _familiar(error) from error
        except BaseException:
            self._close()
            raise

    async def aclose(self) -> None:
        """Drop the connection, finished or not."""
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
        """Itself: callers that await the call before they iterate go on working."""
        return self
        yield


class _Provider:
    """What the four share: gpt4free's attributes and calls, over one of our providers."""

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
        """`name` is our provider's; `site` what gpt4free has as `url`, where that is not the host that is asked."""
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
        """The models' names."""
        return cls.models

    @classmethod
    def get_model(cls, model: str | None = None, **kwargs: Any) -> str:
        """The provider's own name for `model`; none means the default."""
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
        """The answer's text as it comes. `timeout` is in seconds, for everything; `kwargs` are options of the model.

        Raises InvalidRequest at once for a request that cannot be sent; iterating raises ChatError.
        """
        from .aio import AsyncClient

        settings, options = cls._sort(model, proxy, timeout, cookies, kwargs)
        client = AsyncClient(**settings)
        return Answer(client, client.stream(messages, **options))

    @classmethod
    async def create_async(cls, model: str | None, messages: Messages, **kwargs: Any) -> str:
        """The whole text. Arguments and errors as `create_async_generator`."""
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
        """The text as it comes, for code without asyncio; in one piece if `stream` is false. Iterating raises."""
        from .blocking import Client

        settings, options = cls._sort(model, proxy, timeout, cookies, kwargs)
        try:
            with Client(**settings) as client, client.stream(messages, **options) as chunks:
                if stream:
                    yield from chunks
                else:
                    yield "".join(chunks)
        except (IPBlocked, UnexpectedContent) as error:
            raise _familiar(error) from error

    @classmethod
    def _sort(
        cls,
        model: str | None,
        proxy: str | None,
        timeout: float | None,
        cookies: Mapping[str, str] | None,
        kwargs: dict[str, Any],
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is for the client, and what for the model. Warns of what is for neither, in one warning."""
        options = {name: value for name, value in kwargs.items() if value is not None and name != "stream"}
        base_url = options.pop("base_url", None) or options.pop("api_base", None)
        headers = options.pop("headers", None)
        if base_url is None and cls.url.rstrip("/") != cls._documented_url:
            base_url = cls.url
        if "conversation" in options:
            raise InvalidRequest("conversation= is not known here: put its messages before the others in messages=")
        ignored = sorted(name for name in _MEANINGLESS.intersection(options) if options.pop(name))
        name = cls.get_model(model)
        if name not in cls.models and len(cls.models) == 1:  # gpt4free sent the same request for any
            ignored.append(f"the model {name!r}")
            name = cls.default_model
        if ignored:
            warn(f"{cls.__name__} has no use for {', '.join(ignored)}: not sent")
        provider = cls._provider(proxy, model=name, cookies=cookies, headers=headers, base_url=base_url)
        return {"provider": provider, "proxy": proxy, "timeout": timeout}, options

    @classmethod
    def _provider(cls, proxy: str | None, **config: Any) -> Provider:
        """Our provider for one call, which goes through that proxy."""
        return providers.create(cls._name, **config)


class FreeNetfly(_Provider, name="free_netfly"):
    """free.netfly.top; last known not to work."""

    api_endpoint = "/api/openai/v1/chat/completions"


class ChatgptFree(_Provider, name="chatgpt_free"):
    """chatgptfree.ai; last known not to work.

    Its page is kept for later calls, as gpt4free kept the nonce for the class, and fetched again once it is refused.
    It is kept for each host and visitor: a call with other cookies, headers or another proxy gets its own, as the page
    was made for whoever fetched it, and its cookies name that session.
    """

    @classmethod
    def _provider(cls, proxy: str | None, **config: Any) -> Provider:
        provider = super()._provider(proxy, **config)
        assert isinstance(provider, PageFirst), "the name stands for it"
        visitor = (provider.base_url, provider.headers, frozenset(provider.cookies.items()), str(proxy))
        _pages(*visitor)  # two threads may each make one at once: of these one is kept, and found by a second look
        provider.pages = _pages(*visitor)
        return provider


@lru_cache(64)  # hosts and visitors
def _pages(*visitor: object) -> Pages:
    return Pages()


class Yqcloud(_Provider, name="yqcloud", site="https://chat9.yqcloud.top"):
    """chat9.yqcloud.top, which asks api.aichatos.cloud."""

    api_endpoint = "https://api.aichatos.cloud/api/generateStream"


class Acytoo(_Provider, name="acytoo"):
    """chat.acytoo.com; last known not to work."""
