"""The Gemini wire at Vertex AI, and at the versions of the Gemini API: URLs, keys, and what differs in the body."""

import json
from typing import Any

import pytest
from dialect_harness import fed, sse
from gemini_frames import chunk

from sansio_core import ChatRequest, HttpRequest, InvalidRequest, OptionIgnored, Reply, UnexpectedContent, providers

HOST = "https://europe-west1-aiplatform.googleapis.com"
PROJECT = f"{HOST}/v1/projects/p/locations/europe-west1"
EXPRESS = "https://aiplatform.googleapis.com"
SEARCH: dict[str, Any] = {"googleSearch": {}}


def question(base_url: str, api_key: str | None = "token", **options: Any) -> HttpRequest:
    provider = providers.create("gemini", api_key=api_key, base_url=base_url)
    return provider.begin(ChatRequest("Hello", **options), lambda: 0.5).request()


@pytest.mark.parametrize(
    ("base_url", "before"),
    [
        (PROJECT, f"{PROJECT}/publishers/google"),
        (f"{PROJECT}/publishers/google/", f"{PROJECT}/publishers/google"),
        (f"{HOST}/projects/p/locations/l", f"{HOST}/v1beta1/projects/p/locations/l/publishers/google"),
        (EXPRESS, f"{EXPRESS}/v1beta1/publishers/google"),
        (f"{EXPRESS}/v1", f"{EXPRESS}/v1/publishers/google"),
        (f"{EXPRESS}/v1/publishers/google", f"{EXPRESS}/v1/publishers/google"),
        ("https://aiplatform.eu.rep.googleapis.com", "https://aiplatform.eu.rep.googleapis.com/v1beta1/publishers/google"),
        # a gateway with the same paths
        ("http://h/gate/projects/p/locations/l", "http://h/gate/projects/p/locations/l/publishers/google"),
    ],
)  # fmt: skip
def test_urls(base_url: str, before: str) -> None:
    for model in ("gemini-x", "models/gemini-x", "publishers/google/models/gemini-x"):
        assert question(base_url, model=model).url == f"{before}/models/gemini-x:streamGenerateContent?alt=sse"


@pytest.mark.parametrize(
    ("base_url", "key", "field"),
    [
        (PROJECT, "ya29.t", ("authorization", "Bearer ya29.t")),
        (PROJECT, "any-token", ("authorization", "Bearer any-token")),
        (PROJECT, "AIzaKey", ("x-goog-api-key", "AIzaKey")),
        (PROJECT, "AQ.Key", ("x-goog-api-key", "AQ.Key")),
        (EXPRESS, "any-key", ("x-goog-api-key", "any-key")),
        ("https://generativelanguage.googleapis.com", "ya29.t", ("authorization", "Bearer ya29.t")),
        (PROJECT, None, None),
        ("http://h", None, None),
    ],
)
def test_keys_and_tokens(base_url: str, key: str | None, field: tuple[str, str] | None) -> None:
    request = question(base_url, key)
    fields = [one for one in request.headers if one[0] in ("authorization", "x-goog-api-key")]
    assert fields == ([field] if field else [])
    assert key is None or key not in repr(request)


def test_what_differs_in_the_body() -> None:
    request = question(PROJECT, service_tier="priority", tools=[{"name": "f"}, SEARCH])
    assert dict(request.headers)["x-vertex-ai-llm-shared-request-type"] == "priority"
    body = json.loads(request.body)
    assert body.keys() == {"contents", "tools"}
    with pytest.warns(OptionIgnored, match=r"^gemini does not take store \(Vertex AI has none\): not sent$"):
        assert b"store" not in question(PROJECT, store=False).body
    with pytest.raises(InvalidRequest, match="known are standard, flex, priority"):
        question(PROJECT, service_tier="fast")
    assert "x-vertex-ai-llm-shared-request-type" not in dict(question("http://h", service_tier="flex").headers)


def test_reasoning_that_vertex_alone_can_leave_off() -> None:
    options = {"model": "gemini-3.1-pro-preview", "reasoning_effort": "none"}
    body = json.loads(question(PROJECT, **options).body)
    assert body["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 0}}
    with pytest.raises(InvalidRequest, match="always reasons"):
        question("http://h", **options)


def test_the_aliases_are_not_in_v1() -> None:
    for model in ("gemini-flash-latest", "models/gemini-pro-latest"):
        with pytest.raises(InvalidRequest, match="is there in v1beta alone"):
            question("https://h/v1", model=model)
        assert "/v1beta/models/gemini-" in question("https://h/v1beta", model=model).url
        assert "/v1/" in question(f"{EXPRESS}/v1", model=model).url
    assert "/v1/models/gemini-3.8-flash:" in question("https://h/v1", model="gemini-3.8-flash").url


@pytest.mark.parametrize("base_url", [PROJECT, f"{HOST}/v1/publishers/google"])
def test_models(base_url: str) -> None:
    provider = providers.create("gemini", api_key="ya29.t", base_url=base_url)
    request = provider.models_request()
    assert request is not None
    assert request.url == f"{HOST}/v1/publishers/google/models"
    models = [{"name": "publishers/google/models/gemini-x"}, {"versionId": "1"}]
    assert [model.name for model in provider.parse_models({"publisherModels": models})] == ["gemini-x"]
    with pytest.raises(UnexpectedContent):
        provider.parse_models({"publisherModels": 1})


SIGNED = [
    {"text": "hm", "thought": True},
    {"text": "", "thoughtSignature": "s0"},
    {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s1"},
]


@pytest.mark.parametrize("urls", [(PROJECT, "http://h"), ("http://h", PROJECT)])
def test_each_api_gets_its_own_signatures_alone(urls: tuple[str, str]) -> None:
    own, other = (providers.create("gemini", api_key="k", base_url=url) for url in urls)
    reply = Reply.of(fed(own.parser(), sse(chunk(*SIGNED, finish="STOP"))))
    result = {"role": "tool", "name": "f", "content": "1"}
    request = ChatRequest([{"role": "user", "content": "Hello"}, reply.message, result])

    def model(provider: Any) -> Any:
        return json.loads(provider.begin(request, lambda: 0.5).request().body)["contents"][1]["parts"]

    assert model(own) == SIGNED
    with pytest.warns(OptionIgnored, match=r"the reasoning and signatures of gemini(_vertex)? answers: not sent"):
        parts = model(other)
    assert parts == [{**SIGNED[2], "thoughtSignature": "skip_thought_signature_validator"}]


@pytest.mark.parametrize("copied", ["/models", "/models/", "/models/m:streamGenerateContent"])
def test_an_address_that_was_copied_whole(copied: str) -> None:
    for base_url, before in (
        (f"{PROJECT}/publishers/google", f"{PROJECT}/publishers/google"),
        (f"{EXPRESS}/v1/publishers/google", f"{EXPRESS}/v1/publishers/google"),
        ("https://h/v1beta", "https://h/v1beta"),
    ):
        assert question(base_url + copied, model="x").url == f"{before}/models/x:streamGenerateContent?alt=sse"
    assert question("https://models", model="x").url.startswith("https://models/v1beta/models/x:")
