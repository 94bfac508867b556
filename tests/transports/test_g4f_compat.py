"""gpt4free's four classes: code written for those runs as it stands, once its import line names ours."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from processes import complaints

from sansio_core import ConnectionLost, InvalidRequest, IPBlocked, OptionIgnored, StreamTruncated, UnexpectedContent
from transports import g4f_compat
from transports.emulator import DEFAULT_TEXT, Ban, Emulator, HTMLAnswer, MissingEnd, Reset, StaleNonce, Stall
from transports.g4f_compat import Acytoo, ChatgptFree, FreeNetfly, Yqcloud

ROOT = Path(__file__).parents[2]
NAMES = {FreeNetfly: "free_netfly", ChatgptFree: "chatgpt_free", Yqcloud: "yqcloud", Acytoo: "acytoo"}
MESSAGES = [{"role": "user", "content": "Hello"}]

PROGRAM = """
import asyncio
from transports.g4f_compat import {name}

async def main():
    messages = [{{"role": "user", "content": "Hello, how are you?"}}]
    async for chunk in {name}.create_async_generator(model="{model}", messages=messages):
        print(chunk, end="")

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def no_page_kept() -> None:
    """An emulator of an earlier test may have had the same port."""
    g4f_compat._pages.cache_clear()


@pytest.fixture(params=NAMES, ids=lambda kind: kind.__name__)
def provider(request: pytest.FixtureRequest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each class, its `url` set to the emulator's, as users of gpt4free set it to a mirror's."""
    monkeypatch.setattr(request.param, "url", emulator.base_url(NAMES[request.param]))
    return request.param


def test_attributes() -> None:
    assert FreeNetfly.url == "https://free.netfly.top"
    assert FreeNetfly.api_endpoint == "/api/openai/v1/chat/completions"
    assert (FreeNetfly.working, FreeNetfly.default_model) == (False, "gpt-3.5-turbo")
    assert FreeNetfly.models == ["gpt-3.5-turbo", "gpt-4"]
    assert ChatgptFree.url == "https://chatgptfree.ai"
    assert ChatgptFree.models == ["gpt-4o-mini-2024-07-18"] == [ChatgptFree.get_model("gpt-4o-mini")]
    assert ChatgptFree.model_aliases == {"gpt-4o-mini": "gpt-4o-mini-2024-07-18"}
    assert (Yqcloud.url, Yqcloud.working, Yqcloud.supports_gpt_35_turbo) == ("https://chat9.yqcloud.top", True, True)
    assert Yqcloud.api_endpoint == "https://api.aichatos.cloud/api/generateStream"
    assert (Acytoo.url, Acytoo.working, Acytoo.supports_gpt_4) == ("https://chat.acytoo.com", False, False)
    for kind in NAMES:
        assert kind.supports_message_history
        assert kind.supports_system_message
        assert kind.supports_stream
        assert not kind.needs_auth
        assert kind.get_models() is kind.models
        assert kind.get_model("") == kind.default_model


@pytest.mark.parametrize("kind", NAMES, ids=lambda kind: kind.__name__)
def test_a_program(kind: Any, emulator: Emulator) -> None:
    """A whole one, with nothing changed but the import; the host is set from outside."""
    program = PROGRAM.format(name=kind.__name__, model=kind.default_model)
    mirror = f"import transports.g4f_compat as m; m.{kind.__name__}.url = {emulator.base_url(NAMES[kind])!r}\n"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", mirror + program],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout, complaints(done.stderr)) == (0, DEFAULT_TEXT, "")


async def collect(answer: Any) -> str:
    return "".join([chunk async for chunk in answer])


def test_the_ways_to_call(provider: Any, emulator: Emulator) -> None:
    proxy = f"http://127.0.0.1:{emulator.port}"  # the emulator takes requests in a proxy's form too
    cookies = {"theme": "dark"}

    async def main() -> None:
        model = provider.default_model
        assert await collect(provider.create_async_generator(model, MESSAGES)) == DEFAULT_TEXT
        assert await collect(provider().create_async_generator(model=model, messages=MESSAGES)) == DEFAULT_TEXT
        assert await collect(await provider.create_async_generator(model, MESSAGES, stream=True)) == DEFAULT_TEXT
        assert await collect(provider.create_async_generator(model, MESSAGES, proxy, 120, cookies)) == DEFAULT_TEXT
        assert emulator.requests[-1].cookies["theme"] == "dark"
        assert await collect(provider.create_async_generator(None, MESSAGES, proxy=None, api_key=None)) == DEFAULT_TEXT
        assert await provider.create_async(model, MESSAGES, timeout=60) == DEFAULT_TEXT

    asyncio.run(main())
    emulator.wait_for(lambda e: e.open_connections == 0)


def test_without_asyncio(provider: Any, emulator: Emulator) -> None:
    chunks = provider.create_completion(provider.default_model, MESSAGES, stream=True, cookies={"theme": "dark"})
    assert "".join(chunks) == DEFAULT_TEXT
    assert emulator.requests[-1].cookies["theme"] == "dark"
    assert list(provider.create_completion(provider.default_model, MESSAGES, False)) == [DEFAULT_TEXT]
    emulator.wait_for(lambda e: e.open_connections == 0)


@pytest.mark.parametrize("argument", ["base_url", "api_base"])
def test_another_host_for_one_call(argument: str, emulator: Emulator) -> None:
    place = {argument: emulator.base_url("yqcloud")}
    text = asyncio.run(Yqcloud.create_async("gpt-3.5-turbo", MESSAGES, user_id=7, headers={"x-mine": "1"}, **place))
    assert text == DEFAULT_TEXT
    assert emulator.requests[0].json["userId"] == "#/chat/7"
    assert emulator.requests[0].headers["x-mine"] == "1"


def test_a_subclass(emulator: Emulator) -> None:
    class Mirror(FreeNetfly):
        url = emulator.base_url("free_netfly") + "/"

    messages = [{"role": "system", "content": "Be brief."}, *MESSAGES]
    assert asyncio.run(Mirror.create_async("gpt-4", messages, temperature=0.1)) == DEFAULT_TEXT
    body = emulator.requests[0].json
    assert (body["model"], body["messages"], body["temperature"]) == ("gpt-4", messages, 0.1)


def test_leaving_early(provider: Any, emulator: Emulator) -> None:
    emulator.order(Stall(after_pieces=2))

    async def main() -> None:
        async with provider.create_async_generator("", MESSAGES) as answer:
            async for chunk in answer:
                assert chunk
                break
            await answer.aclose()
            await asyncio.to_thread(emulator.wait_for, lambda e: e.open_connections == 0)
            assert [chunk async for chunk in answer] == []

    asyncio.run(main())


def test_dropping_it(provider: Any, emulator: Emulator) -> None:
    emulator.order(Stall(after_pieces=2))

    async def main() -> None:
        answer = provider.create_async_generator("", MESSAGES)
        assert await anext(answer)
        dropped = [answer]
        del answer
        with pytest.warns(ResourceWarning, match="dropped unfinished"):
            dropped.clear()
        await asyncio.to_thread(emulator.wait_for, lambda e: e.open_connections == 0)

    asyncio.run(main())


def test_cancelling_the_task(provider: Any, emulator: Emulator) -> None:
    emulator.order(Stall(after_pieces=2))

    async def main() -> None:
        task = asyncio.create_task(collect(provider.create_async_generator("", MESSAGES)))
        await asyncio.to_thread(emulator.wait_for, lambda e: e.held == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(emulator.wait_for, lambda e: e.open_connections == 0)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("kind", "fault", "error"),
    [
        (FreeNetfly, MissingEnd(), StreamTruncated),
        (Acytoo, Reset(after_pieces=1), ConnectionLost),
        (Yqcloud, Ban(), IPBlocked),
        (Yqcloud, Ban(), RuntimeError),
        (ChatgptFree, HTMLAnswer(on="page"), UnexpectedContent),
        (ChatgptFree, HTMLAnswer(on="page"), RuntimeError),
    ],
)
def test_errors(kind: Any, fault: Any, error: type[Exception], emulator: Emulator) -> None:
    """Those of ours; where gpt4free raised RuntimeError they are that as well."""
    place = emulator.base_url(NAMES[kind])
    emulator.order(fault, fault)

    async def main() -> None:
        answer = kind.create_async_generator("", MESSAGES, base_url=place)
        with pytest.raises(error) as caught:
            await collect(answer)
        assert str(caught.value)
        assert caught.value.reply is not None  # type: ignore[attr-defined]  # a ChatError whichever it was asked for
        assert [chunk async for chunk in answer] == []
        await asyncio.to_thread(emulator.wait_for, lambda e: e.open_connections == 0)

    asyncio.run(main())
    with pytest.raises(error):
        list(kind.create_completion("", MESSAGES, base_url=place))
    emulator.wait_for(lambda e: e.open_connections == 0)


def test_what_means_nothing_here_is_told(emulator: Emulator) -> None:
    place = emulator.base_url("yqcloud")
    with pytest.warns(OptionIgnored) as caught:
        answer = Yqcloud.create_async_generator(
            "gpt-4", MESSAGES, base_url=place, web_search=True, cache=False, return_conversation=True
        )
    assert [str(one.message) for one in caught] == [
        "Yqcloud has no use for return_conversation, web_search, the model 'gpt-4': not sent"
    ]
    assert caught[0].filename == __file__
    assert asyncio.run(collect(answer)) == DEFAULT_TEXT


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (FreeNetfly, {"model": "gpt-99"}, "has no model 'gpt-99'; known are gpt-3.5-turbo, gpt-4"),
        (FreeNetfly, {"model": "", "heat": 1}, "does not know the option 'heat'"),
        (Yqcloud, {"model": "", "conversation": object()}, "put its messages before the others"),
        (Acytoo, {"model": "", "messages": []}, "messages is empty"),
        (Acytoo, {"model": "", "timeout": -1}, "the total timeout must be a positive number"),
        (Acytoo, {"model": "", "proxy": "ftp://proxy.example"}, "cannot begin with 'ftp'"),
    ],
)
def test_what_cannot_be_sent(kind: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        kind.create_async_generator(**{"messages": MESSAGES, **arguments})


# --- ChatgptFree's page, kept for later calls --

WAYS: list[Callable[..., str]] = [
    lambda **more: "".join(ChatgptFree.create_completion("", MESSAGES, **more)),
    lambda **more: asyncio.run(ChatgptFree.create_async("", MESSAGES, **more)),
    lambda **more: asyncio.run(collect(ChatgptFree.create_async_generator("", MESSAGES, **more))),
]
ways = pytest.mark.parametrize("way", WAYS, ids=["create_completion", "create_async", "create_async_generator"])


def methods(emulator: Emulator) -> list[str]:
    return [request.method for request in emulator.requests]


@ways
def test_the_page_is_fetched_once(way: Callable[..., str], emulator: Emulator) -> None:
    place = emulator.base_url("chatgpt_free")
    assert [way(base_url=place), way(base_url=f"{place}/")] == [DEFAULT_TEXT] * 2
    assert methods(emulator) == ["GET", "POST", "POST"]
    emulator.order(StaleNonce("403"))
    assert [way(base_url=place), way(base_url=place)] == [DEFAULT_TEXT] * 2
    assert methods(emulator)[3:] == ["POST", "GET", "POST", "POST"]


def test_the_page_is_shared_by_all_ways(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatgptFree, "url", emulator.base_url("chatgpt_free"))
    assert {way() for way in WAYS} == {DEFAULT_TEXT}
    assert methods(emulator) == ["GET", "POST", "POST", "POST"]


@ways
def test_another_host_has_its_own_page(way: Callable[..., str], emulator: Emulator) -> None:
    with Emulator() as other:
        for place in (emulator, other, emulator, other):
            assert way(base_url=place.base_url("chatgpt_free")) == DEFAULT_TEXT
        assert methods(emulator) == methods(other) == ["GET", "POST", "POST"]
        ours, theirs = (place.requests[-1] for place in (emulator, other))
    assert ours.cookies["wp_session"] != theirs.cookies["wp_session"]
    assert ours.form is not None
    assert theirs.form is not None
    assert ours.form["_wpnonce"] != theirs.form["_wpnonce"]


@ways
@pytest.mark.parametrize("difference", ["cookies", "headers", "proxy"])
def test_another_visitor_has_its_own_page(way: Callable[..., str], difference: str, emulator: Emulator) -> None:
    place = emulator.base_url("chatgpt_free")
    proxy = f"http://127.0.0.1:{emulator.port}"  # the emulator takes requests in a proxy's form too
    both: dict[str, list[Any]] = {
        "cookies": [{"visitor": "one"}, {"visitor": "two"}],
        "headers": [{"x-visitor": "one"}, {"x-visitor": "two"}],
        "proxy": [None, proxy],
    }
    for value in both[difference] * 2:
        assert way(base_url=place, **{difference: value}) == DEFAULT_TEXT
    assert methods(emulator) == ["GET", "POST", "GET", "POST", "POST", "POST"]
    first, second, again, again_second = (request for request in emulator.requests if request.method == "POST")
    assert first.cookies == again.cookies
    assert second.cookies == again_second.cookies
    assert first.cookies["wp_session"] != second.cookies["wp_session"]


def test_threads_and_loops_fetch_the_page_once(emulator: Emulator) -> None:
    place = emulator.base_url("chatgpt_free")
    barrier = Barrier(12)

    async def three() -> str:
        texts = [ChatgptFree.create_async("", MESSAGES, base_url=place) for _ in range(3)]
        return "".join({*await asyncio.gather(*texts)})

    def go(number: int) -> str:
        barrier.wait()
        return asyncio.run(three()) if number % 2 else WAYS[0](base_url=place)

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(go, range(12))) == {DEFAULT_TEXT}
    assert methods(emulator).count("GET") == 1
    assert methods(emulator).count("POST") == 6 + 18


def test_a_page_that_failed_is_not_waited_for(emulator: Emulator) -> None:
    """Nor is one that its caller left while it came."""
    place = emulator.base_url("chatgpt_free")
    emulator.order(Reset(before="headers", on="page"), Stall("headers", on="page"))
    with pytest.raises(ConnectionLost):
        WAYS[0](base_url=place)

    async def leave() -> None:
        task = asyncio.create_task(ChatgptFree.create_async("", MESSAGES, base_url=place))
        await asyncio.to_thread(emulator.wait_for, lambda e: e.held == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(leave())
    assert {way(base_url=place, timeout=20) for way in WAYS} == {DEFAULT_TEXT}
    assert methods(emulator).count("GET") == 3


def test_not_every_page_is_kept() -> None:
    for number in range(100):
        ChatgptFree._provider(None, base_url=f"http://host-{number}.example")
    assert g4f_compat._pages.cache_info().currsize <= 64


def test_importing_it_loads_no_transport() -> None:
    code = "import sys, transports.g4f_compat; print({'requests', 'h11', 'asyncio', 'socket'} & set(sys.modules))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
