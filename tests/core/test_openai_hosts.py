"""The hosts that speak OpenAI's wire: where they are, what they are sent, what they offer."""

import json
import pickle
import warnings
from typing import Any

import pytest
from dialect_harness import AGENT, sent
from dialect_harness import asked as called

from sansio_core import (
    AuthenticationFailed,
    ChatRequest,
    Finish,
    HttpRequest,
    InvalidRequest,
    LimitExceeded,
    Limits,
    ModelList,
    OptionIgnored,
    RateLimited,
    Send,
    StreamTruncated,
    UnexpectedContent,
    Wait,
    providers,
)
from sansio_core.model_facts import FACTS
from sansio_core.options import OPTIONS
from sansio_core.providers.hosts import HOSTS

AZURE = "https://res.openai.azure.com"


def asked(name: str, *, model: str | None = None, **config: Any) -> HttpRequest:
    provider = providers.create(name, **{"api_key": "key-1", **config})
    return provider.begin(ChatRequest("Hi", model=model), lambda: 0.5).request()


@pytest.mark.parametrize(
    ("name", "url", "variable"),
    [
        ("openai", "https://api.openai.com/v1/", "OPENAI_API_KEY"),
        ("openrouter", "https://openrouter.ai/api/v1/", "OPENROUTER_API_KEY"),
        ("groq", "https://api.groq.com/openai/v1/", "GROQ_API_KEY"),
        ("mistral", "https://api.mistral.ai/v1/", "MISTRAL_API_KEY"),
        ("deepseek", "https://api.deepseek.com/v1/", "DEEPSEEK_API_KEY"),
        ("together", "https://api.together.xyz/v1/", "TOGETHER_API_KEY"),
        ("fireworks", "https://api.fireworks.ai/inference/v1/", "FIREWORKS_API_KEY"),
        ("xai", "https://api.x.ai/v1/", "XAI_API_KEY"),
        ("cerebras", "https://api.cerebras.ai/v1/", "CEREBRAS_API_KEY"),
        ("huggingface", "https://router.huggingface.co/v1/", "HF_TOKEN"),
        ("vllm", "http://localhost:8000/v1/", "VLLM_API_KEY"),
        ("llama_cpp", "http://localhost:8080/v1/", "LLAMA_API_KEY"),
        ("lm_studio", "http://localhost:1234/v1/", None),
        ("ollama_openai", "http://localhost:11434/v1/", None),
    ],
)
def test_where_a_host_is(name: str, url: str, variable: str | None) -> None:
    request = asked(name)
    assert (request.method, request.url) == ("POST", f"{url}chat/completions")
    assert dict(request.headers) == {
        "user-agent": AGENT,
        "accept": "text/event-stream, application/json",
        "content-type": "application/json",
        "authorization": "Bearer key-1",
    }
    assert "key-1" not in repr(request)
    info = providers.info(name)
    assert (info.name, info.api_key_env) == (name, variable)
    listing = providers.create(name).models_request()
    assert listing is not None
    assert (listing.method, listing.url) == ("GET", f"{url}models")


def test_every_row_is_a_provider() -> None:
    assert set(HOSTS) <= set(providers.names())
    for name, host in HOSTS.items():
        assert host.options <= OPTIONS, name
        assert set(host.quirks.fields) <= host.options, name
        assert host.quirks.facts in ("", *FACTS), name
        config = {"base_url": AZURE} if name == "azure_openai" else {}
        provider = providers.create(name, **config)
        assert repr(pickle.loads(pickle.dumps(provider))) == repr(provider)
    with pytest.raises(InvalidRequest, match="groq"):
        providers.create("grok")


def test_a_key_is_needed_but_by_local_servers() -> None:
    for name, host in HOSTS.items():
        config = {"base_url": AZURE, "model": "m"} if name == "azure_openai" else {}
        provider = providers.create(name, **config)
        if host.local:
            headers = provider.begin(ChatRequest("Hi"), lambda: 0.5).request().headers
            assert "authorization" not in dict(headers)
        else:
            with pytest.raises(InvalidRequest, match=f"environment variable {host.key}"):
                provider.begin(ChatRequest("Hi"), lambda: 0.5)
    elsewhere = providers.create("openai", base_url="http://127.0.0.1:1/").begin(ChatRequest("Hi"), lambda: 0.5)
    assert "authorization" not in dict(elsewhere.request().headers)
    same_host = providers.create("openai", base_url="https://api.openai.com")
    with pytest.raises(InvalidRequest, match="OPENAI_API_KEY"):
        same_host.begin(ChatRequest("Hi"), lambda: 0.5)


@pytest.mark.parametrize(
    ("name", "base_urls", "url"),
    [
        (
            "openai",
            ["http://h", "http://h/", "http://h/v1", "http://h/v1/", "http://h/v1/chat/completions"],
            "http://h/v1",
        ),
        ("groq", ["http://h", "http://h/openai", "http://h/openai/", "http://h/openai/v1/"], "http://h/openai/v1"),
        ("openrouter", ["http://h", "http://h/api", "http://h/api/v1"], "http://h/api/v1"),
        ("fireworks", ["http://h", "http://h/inference/"], "http://h/inference/v1"),
        ("groq", ["http://gate/groq", "http://gate/groq/openai/"], "http://gate/groq/openai/v1"),
        ("openai", ["http://h/api/v3"], "http://h/api/v3"),
        ("openai", ["http://h/v1beta/openai/"], "http://h/v1beta/openai"),
        ("openai_responses", ["http://h", "http://h/v1/", "http://h/v1/responses"], "http://h/v1"),
    ],
)
def test_a_base_url_may_be_written_in_several_ways(name: str, base_urls: list[str], url: str) -> None:
    path = "responses" if name == "openai_responses" else "chat/completions"
    assert {asked(name, base_url=base).url for base in base_urls} == {f"{url}/{path}"}


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        (AZURE, f"{AZURE}/openai/deployments/a%2Fb%20c/chat/completions?api-version=2025-01-01-preview"),
        (f"{AZURE}/v1/", f"{AZURE}/openai/deployments/a%2Fb%20c/chat/completions?api-version=2025-01-01-preview"),
        (f"{AZURE}/openai/", f"{AZURE}/openai/deployments/a%2Fb%20c/chat/completions?api-version=2025-01-01-preview"),
        (f"{AZURE}?api-version=x&y=z", f"{AZURE}/openai/deployments/a%2Fb%20c/chat/completions?api-version=x"),
        (
            f"{AZURE}?api-version=x&api-version=y",
            f"{AZURE}/openai/deployments/a%2Fb%20c/chat/completions?api-version=x",
        ),
        (f"{AZURE}/openai/v1/", f"{AZURE}/openai/v1/chat/completions"),
        (f"{AZURE}/openai/v1/chat/completions", f"{AZURE}/openai/v1/chat/completions"),
    ],
)
def test_azure(base_url: str, url: str) -> None:
    request = asked("azure_openai", base_url=base_url, model="a/b c")
    assert request.url == url
    assert ("api-key", "key-1") in request.headers
    assert "authorization" not in dict(request.headers)
    assert json.loads(request.body)["model"] == "a/b c"
    listing = providers.create("azure_openai", base_url=base_url).models_request()
    assert listing is not None
    assert listing.url == url.replace("/deployments/a%2Fb%20c", "").replace("chat/completions", "models")


def test_azure_as_its_portal_shows_it() -> None:
    shown = f"{AZURE}/openai/deployments/dep%201/chat/completions?api-version=2024-10-21"
    assert asked("azure_openai", base_url=shown).url == shown
    assert asked("azure_openai", base_url=shown, model="other").url == shown.replace("dep%201", "other")
    with pytest.raises(InvalidRequest, match="base_url=https://RESOURCE"):
        providers.create("azure_openai")
    with pytest.raises(InvalidRequest, match="needs a model: give model="):
        asked("azure_openai", base_url=AZURE)
    assert asked("azure_openai", base_url="http://127.0.0.1:1", api_key=None, model="m").url.startswith("http://127")


def test_models_are_free_names() -> None:
    assert json.loads(asked("openrouter", model="any/thing").body)["model"] == "any/thing"
    assert json.loads(asked("groq", base_url="http://h", model="any").body)["model"] == "any"
    for name in ("vllm", "llama_cpp", "lm_studio"):
        assert "model" not in json.loads(asked(name).body)
        assert json.loads(asked(name, model="m").body)["model"] == "m"


@pytest.mark.parametrize(
    ("name", "options", "fields"),
    [
        ("openai", {"max_tokens": 1, "store": False}, {"max_completion_tokens": 1, "store": False}),
        ("groq", {"max_tokens": 1}, {"max_completion_tokens": 1}),
        ("mistral", {"max_tokens": 1, "seed": 2}, {"max_tokens": 1, "random_seed": 2}),
        ("openrouter", {"reasoning_effort": "low", "top_k": 5}, {"reasoning": {"effort": "low"}, "top_k": 5}),
        ("llama_cpp", {"repetition_penalty": 1.1, "min_p": 0.1}, {"repeat_penalty": 1.1, "min_p": 0.1}),
        ("vllm", {"repetition_penalty": 1.1}, {"repetition_penalty": 1.1}),
    ],
)
def test_options_have_the_hosts_own_names(name: str, options: dict[str, Any], fields: dict[str, Any]) -> None:
    plain = sent(name, "Hi")
    assert sent(name, "Hi", **options) == {**plain, **fields}
    assert ("stream_options" in plain) == (name != "mistral")


def test_another_host_for_openai_is_any_compatible_server() -> None:
    developer, elsewhere = [{"role": "developer", "content": "Hi"}], "http://127.0.0.1:1"
    body = sent("openai", developer, model="m", max_tokens=1, base_url=elsewhere)
    assert body["max_tokens"] == 1
    for model in ("gpt-5.4", "openai/o3"):  # a gateway passes the body on to OpenAI's models
        assert sent("openai", developer, model=model, max_tokens=1, base_url=elsewhere)["max_completion_tokens"] == 1
    assert "max_tokens" in sent("openai", developer, model="gpt-4o", max_tokens=1, base_url=elsewhere)
    assert body["messages"][0]["role"] == "system"


@pytest.mark.parametrize("name", HOSTS)
def test_an_answer_without_text_has_no_content_but_where_a_host_must_have_one(name: str) -> None:
    base = {"azure_openai": {"base_url": AZURE}}.get(name, {})
    for content, text in (("", {}), (None, {}), ([], {}), ("See:", {"content": "See:"})):
        message = {**called("D681PevKs"), "content": content}  # an id that Mistral takes, too
        (wire,) = sent(name, [message], model="m", **base)["messages"]
        null = {"content": None} if name in ("openrouter", "deepseek") else {}
        reasoning = {"reasoning_content": " "} if name == "deepseek" else {}
        assert wire == {"role": "assistant", "tool_calls": message["tool_calls"], **null, **reasoning, **text}
    (plain,) = sent(name, [{"role": "assistant", "content": ""}], model="m", **base)["messages"]
    assert plain == {"role": "assistant", "content": ""}


def test_what_a_host_refuses_is_told_and_not_sent() -> None:
    provider = providers.create("groq", api_key="k")
    with pytest.warns(OptionIgnored, match="groq does not take logit_bias, logprobs"):
        call = provider.begin(ChatRequest("Hi", logprobs=True, logit_bias={}, temperature=1), lambda: 0.5)
    assert json.loads(call.request().body).keys() == {"model", "messages", "stream", "stream_options", "temperature"}
    with pytest.raises(InvalidRequest, match="does not know the option 'surprise'"):
        provider.begin(ChatRequest("Hi", surprise=1), lambda: 0.5)


# --- the list of models -----------------------------------------------------------------------------------------------


def listing(*bodies: Any, name: str = "openai", status: int = 200, **settings: Any) -> ModelList:
    """A list of models driven by hand; each attempt is answered by the next of `bodies`."""
    exchange = ModelList(providers.create(name, api_key="key-1"), **settings)
    answers, now = iter(bodies), 0.0
    while True:
        match exchange.next_action(now):
            case Send(request):
                assert request.method == "GET"
                body = next(answers)
                exchange.receive_head(
                    body if isinstance(body, int) else status, [("content-type", "application/json")], now
                )
                if not isinstance(body, int):
                    for at in range(0, len(body), 7):
                        if exchange.reading:
                            assert exchange.receive_data(body[at : at + 7], now) == []
                if exchange.reading:
                    exchange.receive_data(b"", now)
            case Wait(seconds):
                now += seconds
            case Finish():
                return exchange


def test_a_list_of_models() -> None:
    body = json.dumps({"object": "list", "data": [{"id": "a"}, {"id": "b"}, 5, {}]}).encode()
    assert listing(body).models == ["a", "b"]
    assert listing(503, body, retry=2).models == ["a", "b"]
    assert listing(b'[{"id": "a"}]', name="together").models == ["a"]
    assert listing(b'{"models": [{"name": "a"}]}', name="ollama_openai").models == ["a"]


def test_a_list_of_models_that_fails() -> None:
    for body in (b"<html>", b'{"data": 5}', b"[" * 100_000, b""):
        with pytest.raises(UnexpectedContent, match="list of models"):
            listing(body, retry=1)
    with pytest.raises(RateLimited, match="slow"):
        listing(b'{"error": {"message": "slow", "code": 429}}', retry=1)
    with pytest.raises(AuthenticationFailed):
        listing(401)
    with pytest.raises(LimitExceeded):
        listing(b"[" + b" " * 100 + b"]", limits=Limits(page=50))
    with pytest.raises(InvalidRequest, match="yqcloud has no list of models"):
        listing(name="yqcloud")
    with pytest.raises(InvalidRequest, match="OPENAI_API_KEY"):
        ModelList(providers.create("openai"))


def test_a_list_of_models_cut_short() -> None:
    for body, proven in ((b'{"data": [{"id": "a"}]}', True), (b'{"data": [', False)):
        exchange = ModelList(providers.create("vllm"), retry=1)
        exchange.next_action(0)
        exchange.receive_head(200, [], 0)
        exchange.receive_data(body, 0)
        exchange.receive_failure(StreamTruncated(), 0)
        if proven:
            assert isinstance(exchange.next_action(0), Finish)
            assert exchange.models == ["a"]
        else:
            with pytest.raises(StreamTruncated):
                exchange.next_action(0)


def test_no_warning_without_reason() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in HOSTS:
            asked(name, **({"base_url": AZURE, "model": "m"} if name == "azure_openai" else {}))
