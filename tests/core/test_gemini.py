"""Requests to Google's Gemini API, and answers that go back."""

import json

import pytest
from dialect_harness import AGENT, PIXEL, asked, events_of, sent, sse
from gemini_frames import chunk, text

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, Reply, UnexpectedContent, providers


def test_the_request_line_and_headers() -> None:
    for base in ("https://h.example", "https://h.example/v1beta", "https://h.example/v1beta/"):
        provider = providers.create("gemini", api_key="secret-key", base_url=base)
        for model in ("gemini-x", "models/gemini-x"):
            request = provider.begin(ChatRequest("Hello", model=model), lambda: 0.5).request()
            assert request.method == "POST"
            assert request.url == "https://h.example/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
    fields = {"user-agent": AGENT, "content-type": "application/json", "x-goog-api-key": "secret-key"}
    assert dict(request.headers) == fields
    assert "secret-key" not in request.url + repr(request)
    strange = provider.begin(ChatRequest("Hello", model="../x?key=y"), lambda: 0.5).request()
    assert "/v1beta/models/..%2Fx%3Fkey=y:streamGenerateContent?alt=sse" in strange.url
    keyless = providers.create("gemini", base_url="http://127.0.0.1:1").begin(ChatRequest("Hello"), lambda: 0.5)
    assert "x-goog-api-key" not in dict(keyless.request().headers)
    with pytest.raises(InvalidRequest, match="GEMINI_API_KEY"):
        providers.create("gemini").begin(ChatRequest("Hello"), lambda: 0.5)


def test_the_plain_payload() -> None:
    assert sent("gemini", "Hello") == {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


def test_the_system_instruction_and_images() -> None:
    raw = {"fileData": {"fileUri": "gs://b/a"}, "videoMetadata": {"fps": 1}}
    payload = sent(
        "gemini",
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                    {"type": "image_url", "image_url": "https://x.example/a.JPG?v=1"},
                    {"type": "image_url", "image_url": "https://x.example/files/1"},
                    raw,
                ],
            },
            {"role": "assistant", "content": ""},
            {"role": "developer", "content": "And kind."},
        ],
    )
    assert payload == {
        "systemInstruction": {"parts": [{"text": "Be brief."}, {"text": "And kind."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                    {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x.example/a.JPG?v=1"}},
                    {"fileData": {"fileUri": "https://x.example/files/1"}},
                    raw,
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("model", "signature"),
    [("gemini-3.1-flash-lite", {"thoughtSignature": "skip_thought_signature_validator"}), ("gemini-2.5-flash", {})],
)
def test_tool_answers_go_together_and_name_their_function(model: str, signature: dict[str, str]) -> None:
    """Of calls that another model made the first says that it has no signature, to models that ask for one."""
    calls = asked("c1")["tool_calls"] + asked(None, "time", "")["tool_calls"] + asked("c3", "sum")["tool_calls"]
    contents = sent(
        "gemini",
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "See:", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "c1", "content": '{"sky": "grey"}'},
            {"role": "tool", "name": "time", "content": "[12"},
            {"role": "tool", "tool_call_id": "c3", "content": "4"},
            {"role": "user", "content": "So?"},
        ],
        model=model,
    )["contents"]
    assert contents[1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "See:"},
                {"functionCall": {"id": "c1", "name": "weather", "args": {"place": "Oslo"}}, **signature},
                {"functionCall": {"name": "time", "args": {}}},
                {"functionCall": {"id": "c3", "name": "sum", "args": {"place": "Oslo"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "weather", "response": {"sky": "grey"}}},
                {"functionResponse": {"name": "time", "response": {"output": "[12"}}},
                {"functionResponse": {"id": "c3", "name": "sum", "response": {"output": 4}}},
            ],
        },
        {"role": "user", "parts": [{"text": "So?"}]},
    ]
    with pytest.raises(InvalidRequest, match="name"):
        sent("gemini", [{"role": "tool", "tool_call_id": "nobody's", "content": "x"}])


def test_an_answer_goes_back_with_nothing_lost() -> None:
    parts = [
        text("hm", thought=True),
        {"functionCall": {"name": "weather", "args": {"place": "Oslo"}}, "thoughtSignature": "sig"},
    ]
    message = json.loads(json.dumps(Reply.of(events_of("gemini", sse(chunk(*parts, finish="STOP")))).message))
    history = [{"role": "user", "content": "?"}, message, {"role": "tool", "name": "weather", "content": "rain"}]
    assert sent("gemini", history)["contents"][1:] == [
        {"role": "model", "parts": parts},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"output": "rain"}}}]},
    ]
    with pytest.warns(OptionIgnored, match="reasoning and signatures of gemini answers") as told:
        call = providers.create("anthropic", api_key="k").begin(ChatRequest(history), lambda: 0.5)
    assert len(told) == 1
    assert json.loads(call.request().body)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "call_1_0", "name": "weather", "input": {"place": "Oslo"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1_0", "content": "rain"}]},
    ]


def test_models() -> None:
    provider = providers.create("gemini", api_key="k")
    request = provider.models_request()
    assert request is not None
    assert request.url == "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    assert dict(request.headers)["x-goog-api-key"] == "k"
    models = [
        {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent"]},
        {"name": "models/embedding-x", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/gemini-y"},
        "odd",
    ]
    assert [model.name for model in provider.parse_models({"models": models})] == ["gemini-x", "gemini-y"]
    with pytest.raises(UnexpectedContent):
        provider.parse_models({"models": 1})
