"""Requests of every provider: URL, header fields, cookies, models; what belongs to one call alone."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from dialect_harness import AGENT, sent
from exchange_driver import Answer, Run, exchange, sse

from sansio_core import (
    AuthenticationFailed,
    ChatRequest,
    ConnectFailed,
    Exchange,
    HttpRequest,
    HTTPStatusError,
    InvalidRequest,
    NotFound,
    Send,
    providers,
)
from sansio_core.options import OPTIONS
from sansio_core.providers.hosts import HOSTS

KEYS = {"anthropic": "x-api-key", "gemini": "x-goog-api-key", "openai": "authorization"}


def question(name: str, *, config: dict[str, Any] | None = None, **request: Any) -> HttpRequest:
    provider = providers.create(name, **{"api_key": "sk-client", **(config or {})})
    return provider.begin(ChatRequest("Hello", **request), lambda: 0.5).request()


def listing(name: str, **config: Any) -> HttpRequest:
    request = providers.create(name, **config).models_request()
    assert request is not None
    return request


# --- URLs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "base_url", "path"),
    [
        ("anthropic", "http://h/gate/v1beta/openai", "/gate/v1beta/openai/v1/messages"),
        ("ollama", "http://h/gate/v1", "/gate/v1/api/chat"),
        ("yqcloud", "http://h/models", "/models/api/generateStream"),
        ("openai", "http://h/v1beta/openai", "/v1beta/openai/chat/completions"),
        ("anthropic", "http://h/gate", "/gate/v1/messages"),
        ("anthropic", "http://h/v2", "/v2/messages"),
        ("gemini", "http://h/v1", "/v1/models/m:streamGenerateContent?alt=sse"),
        ("ollama", "http://h/gate/api/", "/gate/api/chat"),
        ("free_netfly", "http://h/gate/", "/gate/api/openai/v1/chat/completions"),
        ("acytoo", "http://h/gate", "/gate/api/completions"),
        ("openai", "http://h/v1/models", "/v1/chat/completions"),
    ],
)
def test_a_base_url_with_and_without_the_version(name: str, base_url: str, path: str) -> None:
    model = None if providers.info(name).models else "m"
    assert question(name, config={"base_url": base_url}, model=model).url == f"http://h{path}"


@pytest.mark.parametrize("name", [name for name in providers.names() if name != "azure_openai"])
@pytest.mark.parametrize("host", ["models", "responses", "v1", "api", "openai"])
def test_a_host_is_asked_whatever_its_name(name: str, host: str) -> None:
    """Services of a cluster have such names; another host would get the key."""
    provider = providers.create(name, base_url=f"http://{host}:8080")
    assert provider.base_url.startswith(f"http://{host}:8080")
    assert HttpRequest("GET", provider.endpoint("x")).origin == ("http", host, 8080)
    bare = providers.create(name, base_url=f"http://{host}")
    assert HttpRequest("GET", bare.endpoint("x")).origin == ("http", host, 80)


@pytest.mark.parametrize("name", ["openai", "openai_responses", "anthropic", "gemini", "groq"])
def test_the_public_endpoint_needs_a_key_also_where_base_url_names_it(name: str) -> None:
    info = providers.info(name)
    for base_url in (info.url, f"{info.url}/", info.url.replace(".com", ".com:443")):
        provider = providers.create(name, base_url=base_url)
        assert not provider.custom_base_url
        with pytest.raises(InvalidRequest, match=str(info.api_key_env)):
            provider.begin(ChatRequest("Hello"), lambda: 0.5)
    assert providers.create(name, base_url="http://127.0.0.1:1/v1").custom_base_url


def test_the_hint_of_an_endpoint_that_is_gone_is_for_its_own_host_only() -> None:
    for base_url, hint in ((None, True), ("https://chat.acytoo.com/", True), ("https://other.example", False)):
        ours = Exchange(providers.create("acytoo", base_url=base_url), ChatRequest("Hello"))
        ours.next_action(0)
        ours.receive_failure(ConnectFailed("refused"), 0)
        with pytest.raises(ConnectFailed) as caught:
            ours.next_action(0)
        assert ("last known not to work" in caught.value.hint) == hint


def failing(name: str, *answers: Answer) -> HTTPStatusError:
    with pytest.raises(HTTPStatusError) as caught:
        Run(exchange(name, retry=1, config={"api_key": "k"} if name == "openai" else {})).over(*answers)
    return caught.value


def test_advice_is_for_error_responses_and_a_key_is_known_by_its_fields_name() -> None:
    within = failing("openai", Answer(sse({"error": {"message": "no such model", "code": 404}})))
    assert (type(within), within.in_band, within.hint) == (NotFound, True, "")
    assert failing("openai", Answer(b"", status=404)).hint != ""
    # ChatgptFree's field `authority` carries no key
    page = failing("chatgpt_free", Answer(b"", status=401))
    assert isinstance(page, AuthenticationFailed)
    assert not page.key_sent


@pytest.mark.parametrize("cloud", ["azure.com", "azure.us", "azure.cn"])
def test_azure_needs_a_key_in_each_of_its_clouds(cloud: str) -> None:
    provider = providers.create("azure_openai", base_url=f"https://res.openai.{cloud}", model="m")
    with pytest.raises(InvalidRequest, match="AZURE_OPENAI_API_KEY"):
        provider.begin(ChatRequest("Hello"), lambda: 0.5)
    elsewhere = providers.create("azure_openai", base_url=f"https://{cloud}.example", model="m")
    assert elsewhere.custom_base_url


# --- header fields ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KEYS)
def test_the_users_header_fields_replace_ours_and_the_key(name: str) -> None:
    key = KEYS[name]
    given = {key.title(): "mine", "Content-Type": "application/x", "X-Plain": "shy-client"}
    config = {"headers": given, "cookies": {"a": "1"}}
    for request in (question(name, config=config), listing(name, api_key="sk-client", **config)):
        fields = [(field.lower(), value) for field, value in request.headers]
        assert len(dict(fields)) == len(fields)
        assert dict(fields)[key] == "mine"
        assert dict(fields)["content-type"] == "application/x"
        assert dict(fields)["cookie"] == "a=1"
        # what a field of the user's carries is not known, so none is shown
        assert dict(fields)["x-plain"] == "shy-client"
        assert "shy-client" not in repr(request)
        assert "mine" not in repr(request)
    call = question(name, config=config, headers={key: "call's", "x-own": "shy"})
    assert dict(call.headers)[key] == "call's"
    assert "shy" not in repr(call)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("openai", {"accept": "application/json", "authorization": "Bearer sk-client"}),
        ("openai_responses", {"accept": "application/json", "authorization": "Bearer sk-client"}),
        (
            "anthropic",
            {"anthropic-version": "2023-06-01", "accept": "application/json", "x-api-key": "sk-client"},
        ),
        ("gemini", {"accept": "application/json", "x-goog-api-key": "sk-client"}),
        ("ollama", {"accept": "application/json", "authorization": "Bearer sk-client"}),
    ],
)
def test_a_list_of_models_is_asked_for_without_a_body(name: str, fields: dict[str, str]) -> None:
    request = listing(name, api_key="sk-client")
    assert (request.method, request.body, dict(request.headers)) == ("GET", b"", {"user-agent": AGENT, **fields})


BROWSERS = {"free_netfly": "Chrome/126", "chatgpt_free": "Chrome/118", "yqcloud": "", "acytoo": ""}


@pytest.mark.parametrize("name", [name for name in providers.names() if name != "azure_openai"])
def test_a_user_agent_of_ours_where_the_caller_gives_none(name: str) -> None:
    """Not to the four systems, whose callers are browsers."""

    def agents(headers: Any = None, **config: Any) -> list[str]:
        provider = providers.create(name, api_key="sk", **config)
        send = Exchange(provider, ChatRequest("Hello", headers=headers)).next_action(0)
        assert isinstance(send, Send)
        return [value for field, value in send.request.headers if field.lower() == "user-agent"]

    if name in BROWSERS:
        assert all(BROWSERS[name] in agent and "sansio" not in agent for agent in agents())
        assert len(agents()) == bool(BROWSERS[name])
    else:
        assert agents() == [AGENT]
    assert agents({"USER-AGENT": "mine/1"}) == agents(headers={"User-Agent": "mine/1"}) == ["mine/1"]


@pytest.mark.parametrize("name", ["free_netfly", "chatgpt_free", "yqcloud", "acytoo"])
def test_the_four_systems_have_no_list_of_models_and_send_no_key(name: str) -> None:
    provider = providers.create(name, api_key="sk-client")
    assert provider.models_request() is None
    if name != "chatgpt_free":
        assert "sk-client" not in str(list(question(name).headers))


def test_what_one_call_brought_is_not_kept() -> None:
    provider = providers.create("openai", api_key="sk-client")
    own = ChatRequest("Hello", headers={"x-own": "call-secret"}, cookies={"c": "call-cookie"})
    first = provider.begin(own, lambda: 0.5).request()
    assert {"x-own", "cookie"} <= dict(first.headers).keys()
    kept = pickle.dumps(provider)
    assert b"call-secret" not in kept
    assert b"call-cookie" not in kept
    second, third = (provider.begin(ChatRequest("Hello"), lambda: 0.5).request() for _ in range(2))
    assert not {"x-own", "cookie"} & dict(second.headers).keys()
    assert second.headers is third.headers, "the fields that calls share are made once"


# --- options and models ----------------------------------------------------------------------------------------------

COMMON = {
    "temperature", "top_p", "max_tokens", "stop", "seed", "n", "presence_penalty", "frequency_penalty",
    "reasoning_effort", "tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs", "top_logprobs",
    "logit_bias", "user", "extra",
}  # fmt: skip
OPENAI = {"verbosity", "metadata", "service_tier", "store", "prompt_cache_key", "prompt_cache_retention"}
PENALTIES = {"presence_penalty", "frequency_penalty"}
SAMPLERS = {"top_k", "min_p", "repetition_penalty"}


@pytest.mark.parametrize(
    ("name", "more", "less"),
    [
        ("openai", OPENAI, set()),
        ("azure_openai", OPENAI, set()),
        ("openrouter", {*SAMPLERS, "verbosity", "metadata", "service_tier", "prompt_cache_key"}, set()),
        ("groq", {"service_tier"}, {"logprobs", "top_logprobs", "logit_bias", "n", *PENALTIES}),
        (
            "mistral",
            {"metadata", "top_k", "repetition_penalty", "service_tier", "prompt_cache_key"},
            {"logit_bias", "user"},
        ),
        ("deepseek", set(), {"seed", "n", "logit_bias", "user", "parallel_tool_calls"}),
        ("together", SAMPLERS, {"user", "parallel_tool_calls"}),
        ("fireworks", {*SAMPLERS, "metadata", "service_tier", "prompt_cache_key"}, set()),
        ("xai", set(), {"logit_bias", "stop", *PENALTIES}),
        ("cerebras", {"service_tier", "prompt_cache_key"}, {"logit_bias", *PENALTIES}),
        ("huggingface", set(), set()),
        ("vllm", SAMPLERS, set()),
        ("llama_cpp", SAMPLERS, set()),
        ("lm_studio", SAMPLERS, {"n", "user"}),
        ("ollama_openai", set(), {"n", "logit_bias", "user", "tool_choice", "parallel_tool_calls"}),
    ],
)
def test_the_options_of_each_host(name: str, more: set[str], less: set[str]) -> None:
    assert HOSTS[name].options == (COMMON | more) - less
    assert HOSTS[name].options <= OPTIONS


@pytest.mark.parametrize("name", HOSTS)
def test_who_has_the_role_developer(name: str) -> None:
    base = {"base_url": "https://res.openai.azure.com"} if name == "azure_openai" else {}
    (message,) = sent(name, [{"role": "developer", "content": "Be brief."}], model="m", **base)["messages"]
    assert (message["role"] == "developer") == (name in ("openai", "azure_openai", "openrouter", "vllm"))


def test_a_misspelt_option_names_extra_only_where_it_is_taken() -> None:
    for name, extra in (("acytoo", True), ("chatgpt_free", False)):
        with pytest.raises(InvalidRequest, match="does not know the option 'zeal'") as caught:
            providers.create(name).begin(ChatRequest("Hello", zeal=1), lambda: 0.5)
        assert ("extra={…}" in str(caught.value)) == extra


def test_names_in_a_list_of_models_are_text() -> None:
    data = [{"id": 5}, {"id": "a"}, {"name": "b"}, {"id": None}]
    assert [model.name for model in providers.create("openai").parse_models({"data": data})] == ["a", "b"]
    models = [{"name": "models/a"}, {"name": "models/b", "supportedGenerationMethods": ["embedContent"]}, 5]
    assert [model.name for model in providers.create("gemini").parse_models({"models": models})] == ["a"]


@pytest.mark.parametrize("name", ["free-netfly", "Free_Netfly", "freenetfly", "free netfly"])
def test_a_provider_is_found_however_its_name_is_written(name: str) -> None:
    assert providers.create(name).info.name == "free_netfly"


@pytest.mark.parametrize("user_id", [True, 1.5, None, "7"])
def test_yqclouds_user_id(user_id: Any) -> None:
    if user_id in (True, 1.5):
        with pytest.raises(InvalidRequest, match="user_id must be a whole number"):
            question("yqcloud", user_id=user_id)
    else:
        expected = user_id or (1690000544336 + 2093025544336 + 1) // 2
        assert json.loads(question("yqcloud", user_id=user_id).body)["userId"] == f"#/chat/{expected}"


def test_yqclouds_only_message_is_its_prompt() -> None:
    wire = sent("yqcloud", [{"role": "system", "content": "Be brief."}], user_id=1)
    assert (wire["prompt"], wire["system"]) == ("Be brief.", "")
