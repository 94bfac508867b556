"""The four systems on the bare core: exactly what is sent, and what any answer to it means."""

from __future__ import annotations

import inspect
import warnings
from typing import Any
from urllib.parse import parse_qsl

import pytest
from exchange_driver import HTML, PAGE, TEXT, Answer, Run, exchange, sent_json, stream

from sansio_core import (
    ChatRequest,
    Exchange,
    HttpRequest,
    InvalidRequest,
    OptionIgnored,
    providers,
)

FOUR = ("free_netfly", "chatgpt_free", "yqcloud", "acytoo")
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo, 世界"}]},
    {"role": "assistant", "content": "Hi."},
    {"role": "user", "content": "Bye."},
]
PROMPT = "System: Be brief.\nUser: Hello, 世界\nAssistant: Hi.\nUser: Bye.\nAssistant:"
CHROME_126 = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
CHROME_118 = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36"


def good(name: str) -> list[Answer]:
    """Good answers, "Hello", to whatever `name` sends."""
    if name == "free_netfly":
        return [Answer(stream("Hel", "lo"))]
    if name == "chatgpt_free":
        return [Answer(PAGE, headers=HTML), Answer(stream("Hel", "lo"))]
    return [Answer([b"Hel", b"lo"], headers=TEXT)]


def sent(name: str, messages: Any = "Hello", *, config: dict[str, Any] | None = None, **more: Any) -> list[HttpRequest]:
    settings = {key: more.pop(key) for key in ("random",) if key in more}
    ours = Exchange(providers.create(name, **(config or {})), ChatRequest(messages, **more), **settings)
    return Run(ours).over(*good(name)).requests


# --- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [None, "http://127.0.0.1:8080", "http://localhost/somewhere/"])
def test_free_netfly_sends(base: str | None) -> None:
    (request,) = sent("free_netfly", TALK, config={"base_url": base})
    root = (base or "https://free.netfly.top").rstrip("/")
    assert (request.method, request.url) == ("POST", f"{root}/api/openai/v1/chat/completions")
    assert sorted(request.headers) == sorted(
        {
            "accept": "application/json, text/event-stream",
            "accept-language": "en-US,en;q=0.9",
            "content-type": "application/json",
            "dnt": "1",
            "origin": root,
            "referer": f"{root}/",
            "sec-ch-ua": '"Not/A)Brand";v="8", "Chromium";v="126"',
            "sec-ch-ua-mobile": "?0",
            "sec-ch-ua-platform": '"Linux"',
            "sec-fetch-dest": "empty",
            "sec-fetch-mode": "cors",
            "sec-fetch-site": "same-origin",
            "user-agent": CHROME_126,
        }.items()
    )
    body = sent_json(request)
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body.pop("messages")[0] == {"role": "system", "content": "Be brief."}
    assert body == {
        "stream": True,
        "model": "gpt-3.5-turbo",
        "temperature": 0.5,
        "presence_penalty": 0,
        "frequency_penalty": 0,
        "top_p": 1,
    }


def test_free_netfly_the_callers_own_values_replace_the_defaults() -> None:
    options: dict[str, Any] = {"temperature": 0, "presence_penalty": 1, "frequency_penalty": 2, "top_p": 0.1}
    (request,) = sent("free_netfly", model="gpt-4", max_tokens=5, extra={"x": 1}, **options)
    assert sent_json(request) == {
        "messages": [{"role": "user", "content": "Hello"}], "stream": True, "model": "gpt-4", "max_tokens": 5, "x": 1,
        **options,
    }  # fmt: skip


@pytest.mark.parametrize("base", [None, "http://127.0.0.1:8080"])
def test_chatgpt_free_sends(base: str | None) -> None:
    page, question = sent("chatgpt_free", TALK, config={"base_url": base, "cookies": {"mine": "1"}})
    root = base or "https://chatgptfree.ai"
    headers = {
        "authority": "chatgptfree.ai",
        "accept": "*/*",
        "accept-language": "en,fr-FR;q=0.9,fr;q=0.8,es-ES;q=0.7,es;q=0.6,en-US;q=0.5,am;q=0.4,de;q=0.3",
        "origin": "https://chatgptfree.ai",
        "referer": "https://chatgptfree.ai/chat/",
        "sec-ch-ua": '"Chromium";v="118", "Google Chrome";v="118", "Not=A?Brand";v="99"',
        "sec-ch-ua-mobile": "?0",
        "sec-ch-ua-platform": '"macOS"',
        "sec-fetch-dest": "empty",
        "sec-fetch-mode": "cors",
        "sec-fetch-site": "same-origin",
        "user-agent": CHROME_118,
        "cookie": "mine=1",
    }
    assert (page.method, page.url, page.body) == ("GET", f"{root}/", b"")
    assert dict(page.headers) == headers
    assert len(page.headers) == len(headers)
    assert (question.method, question.url) == ("POST", f"{root}/wp-admin/admin-ajax.php")
    assert dict(question.headers) == {**headers, "content-type": "application/x-www-form-urlencoded"}
    assert parse_qsl(question.body.decode("ascii"), strict_parsing=True) == [
        ("_wpnonce", "a1b2c3d4e5"),
        ("post_id", "1437"),
        ("url", root),
        ("action", "wpaicg_chat_shortcode_message"),
        ("message", PROMPT),
        ("bot_id", "0"),
    ]


@pytest.mark.parametrize("base", [None, "https://api.binjie.fun"])
def test_yqcloud_sends(base: str | None) -> None:
    (request,) = sent("yqcloud", TALK, config={"base_url": base}, random=lambda: 0.0)
    assert (request.method, request.url) == ("POST", f"{base or 'https://api.aichatos.cloud'}/api/generateStream")
    assert sorted(request.headers) == [
        ("accept", "application/json, text/plain, */*"),
        ("content-type", "application/json"),
        ("origin", "https://chat9.yqcloud.top"),
        ("referer", "https://chat9.yqcloud.top/"),
    ]
    assert sent_json(request) == {
        "prompt": "User: Hello, 世界\nAssistant: Hi.\nUser: Bye.\nAssistant:",
        "network": True,
        "system": "Be brief.",
        "withoutContext": False,
        "stream": True,
        "userId": "#/chat/1690000544336",
    }


def test_yqcloud_user_ids() -> None:
    def user(**more: Any) -> str:
        return str(sent_json(sent("yqcloud", **more)[0])["userId"])

    assert user(random=lambda: 0.0) == "#/chat/1690000544336"
    assert user(random=lambda: 1 - 2**-53) == "#/chat/2093025544336"
    assert user() == f"#/chat/{(1690000544336 + 2093025544336 + 1) // 2}", "the middle without randomness"
    assert user(user_id=7) == "#/chat/7"


@pytest.mark.parametrize(
    ("messages", "options", "system", "prompt"),
    [
        ("Hello", {}, "", "Hello"),
        (TALK[:2], {}, "Be brief.", "Hello, 世界"),
        (TALK[:2], {"system_message": "Mine."}, "Mine.", "System: Be brief.\nUser: Hello, 世界\nAssistant:"),
        ([TALK[1], TALK[0]], {}, "", "User: Hello, 世界\nSystem: Be brief.\nAssistant:"),
        ([TALK[0], TALK[0], TALK[3]], {}, "Be brief.", "System: Be brief.\nUser: Bye.\nAssistant:"),
        ("Hello", {"system_message": ""}, "", "Hello"),
    ],
)
def test_yqcloud_system(messages: Any, options: dict[str, Any], system: str, prompt: str) -> None:
    body = sent_json(sent("yqcloud", messages, **options)[0])
    assert (body["system"], body["prompt"]) == (system, prompt)


@pytest.mark.parametrize("base", [None, "http://127.0.0.1:1"])
def test_acytoo_sends(base: str | None) -> None:
    (request,) = sent("acytoo", TALK, config={"base_url": base})
    assert (request.method, request.url) == ("POST", f"{base or 'https://chat.acytoo.com'}/api/completions")
    assert sorted(request.headers) == [("accept", "*/*"), ("content-type", "application/json")]
    assert sent_json(request) == {
        "key": "",
        "model": "gpt-3.5-turbo",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hello, 世界"},
            {"role": "assistant", "content": "Hi."},
            {"role": "user", "content": "Bye."},
        ],
        "temperature": 0.5,
        "password": "",
    }
    assert sent_json(sent("acytoo", temperature=0)[0])["temperature"] == 0


def test_headers_and_cookies_of_the_client_and_of_the_call() -> None:
    config = {"headers": {"X-One": "1", "Accept": "mine"}, "cookies": {"a": "1", "b": "2"}}
    (request,) = sent("acytoo", config=config, headers=[("x-one", "call")], cookies={"b": "3"})
    headers = dict(request.headers)
    assert headers == {"Accept": "mine", "content-type": "application/json", "cookie": "a=1; b=3", "x-one": "call"}


# --- what is refused and what is warned of ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FOUR)
def test_what_is_unknown_is_refused_with_what_is_known(name: str) -> None:
    provider = providers.create(name)
    said = r"'temperatur' \(did you mean 'temperature'\?\), 'zeal'; known are.*temperature"
    with pytest.raises(InvalidRequest, match=said) as caught:
        Exchange(provider, ChatRequest("Hello", temperatur=1, zeal=2))
    assert isinstance(caught.value, ValueError)
    with pytest.raises(InvalidRequest, match=f"no model 'llama'; known are {provider.info.default_model}"):
        Exchange(provider, ChatRequest("Hello", model="llama"))
    with pytest.raises(InvalidRequest, match="no model 'llama'"):
        providers.create(name, model="llama")
    with pytest.raises(InvalidRequest, match=r"role 'narrator'; known are system"):
        ChatRequest([{"role": "narrator", "content": "x"}])
    with pytest.raises(InvalidRequest, match=r"no role 'developer'; known are system, user, assistant"):
        Exchange(provider, ChatRequest([{"role": "developer", "content": "x"}]))


@pytest.mark.parametrize("name", FOUR[1:])
def test_an_image_cannot_go_where_only_text_does(name: str) -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
    with pytest.raises(InvalidRequest, match="an image"):
        exchange(name, [{"role": "user", "content": [{"type": "text", "text": "look"}, image]}])


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize("messages", [[], ()])
def test_an_empty_list_is_refused(name: str, messages: Any) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        exchange(name, messages)


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("free_netfly", {"top_k": 5, "store": True, "temperature": 1}, "store, top_k"),
        ("chatgpt_free", {"top_p": 1, "temperature": 1, "extra": {}}, "extra, temperature, top_p"),
        ("yqcloud", {"temperature": 0.3, "user_id": 1}, "temperature"),
        ("acytoo", {"max_tokens": 5, "top_p": 1, "temperature": 1}, "max_tokens, top_p"),
    ],
)
def test_one_warning_names_what_the_wire_cannot_carry_at_the_callers_line(
    name: str, options: dict[str, Any], named: str
) -> None:
    request = ChatRequest("Hello", **options)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Exchange(providers.create(name), request); line = inspect.currentframe().f_lineno  # type: ignore[union-attr] # fmt: skip # noqa: E702
    (warning,) = caught
    assert warning.category is OptionIgnored
    assert named in str(warning.message)
    assert name in str(warning.message)
    assert (warning.filename, warning.lineno) == (__file__, line)


@pytest.mark.parametrize("name", FOUR)
def test_what_a_wire_cannot_take_of_earlier_answers_is_told(name: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    native = {"dialect": "anthropic", "items": [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]}
    first = {"role": "user", "content": "Hello"}
    answers: dict[str, dict[str, Any]] = {
        "reasoning and signatures of anthropic": {"role": "assistant", "content": "Hi.", "native": native},
        "the tool calls of earlier answers": {"role": "assistant", "content": "Hi.", "tool_calls": [call]},
    }
    for said, answer in answers.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exchange(name, [first, answer, first])
        told = [str(warning.message) for warning in caught]
        if name == "free_netfly" and "tool_calls" in answer:
            assert told == [], "it takes them"
        else:
            assert len(told) == 1
            assert said in told[0]
            assert told[0].startswith(f"{name} does not take ")


def test_an_option_that_is_none_is_not_given() -> None:
    assert sent_json(sent("acytoo", temperature=None, top_p=None)[0])["temperature"] == 0.5


@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", None, ""])
def test_model_names_of_chatgpt_free(model: str | None) -> None:
    assert b"gpt-4o" not in sent("chatgpt_free", model=model)[1].body
    assert providers.create("chatgpt_free", model=model).model == "gpt-4o-mini-2024-07-18"


def test_what_is_known_of_the_four() -> None:
    facts = {name: providers.info(name) for name in FOUR}
    assert [facts[name].url for name in FOUR] == [
        "https://free.netfly.top",
        "https://chatgptfree.ai",
        "https://api.aichatos.cloud",
        "https://chat.acytoo.com",
    ]
    assert [facts[name].working for name in FOUR] == [False, False, True, False]
    assert facts["free_netfly"].models == ("gpt-3.5-turbo", "gpt-4")
    assert all(fact.supports_message_history and fact.supports_system_message for fact in facts.values())
    assert all(fact.api_key_env is None and not fact.needs_key for fact in facts.values())
    made = {name: providers.create(name) for name in FOUR}
    assert [made[name].timeouts.total for name in FOUR] == [60, 120, 120, 120]
    assert [made[name].retry.attempts for name in FOUR] == [5, 1, 1, 1]
    assert providers.create("FreeNetfly").info.name == "free_netfly"
    assert set(FOUR) <= set(providers.names())


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        ("nobody", {}, "no provider 'nobody'; known are free_netfly"),
        (5, {}, "provider must be a name, not int"),
        ("acytoo", {"colour": "red"}, "colour"),
        ("acytoo", {"base_url": "ftp://host"}, "http"),
        ("acytoo", {"base_url": "https://host/?a=1"}, "query"),
        ("acytoo", {"api_key": "a\nb"}, "authorization header"),
        ("acytoo", {"api_key": 5}, "key must be a str, or a function that gives one, not int"),
        ("acytoo", {"apikey": "x"}, r"no setting .apikey. \(did you mean .api_key.\?\); known are api_key, base_url"),
        ("acytoo", {"headers": {"x": "a\r\nb: c"}}, "'x'"),
        ("acytoo", {"headers": 5}, "headers"),
        ("acytoo", {"cookies": {"a": "b; c=d"}}, "'a'"),
        ("acytoo", {"cookies": "a=b"}, "cookies"),
    ],
)
def test_a_provider_that_cannot_be(name: Any, config: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        providers.create(name, **config)


def test_repr_of_a_provider_shows_no_secret() -> None:
    provider = providers.create(
        "acytoo", api_key="sk-secret", cookies={"a": "cookie-secret"}, headers={"x-api-key": "k3y9"}
    )
    assert repr(provider) == "<provider acytoo at https://chat.acytoo.com>"
