"""The hosts that speak OpenAI's Chat Completions wire, as data: to add one, add a row (and nothing else).

Each row's facts are from the host's own pages, which the comment above it names; where these do not say which fields a
host rejects, from reports of users. A `base_url_env` is from the vendor's own client for Python: openai-python's
_client.py and lib/azure.py, groq-python's, together-py's, cerebras-cloud-sdk-python's and python-sdk's (Fireworks)
_client.py. Others read none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType

from ..dialects.openai_chat import PARTS, Quirks
from ..dialects.reasoning import WORDS

# What nearly every host takes; a row names what it takes beside them, and subtracts what it does not take.
COMMON = frozenset(
    {
        "temperature", "top_p", "max_tokens", "stop", "seed", "n", "presence_penalty", "frequency_penalty",
        "reasoning_effort", "tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs",
        "top_logprobs", "logit_bias", "user", "extra",
    }
)  # fmt: skip
# Samplers that are not OpenAI's: they come from Hugging Face's transformers, whose names hosts of open models keep.
_SAMPLERS = frozenset({"top_k", "min_p", "repetition_penalty"})
_OPENAI = frozenset(
    {"verbosity", "metadata", "service_tier", "store", "prompt_cache_key", "prompt_cache_retention"}
)  # fmt: skip
_EFFORTS: Mapping[str, tuple[str, ...]] = {"reasoning_effort": WORDS}
# developers.openai.com/api/docs/api-reference/chat/create
_WORDS = {
    **_EFFORTS,
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast"),
    "verbosity": ("low", "medium", "high"),
    "prompt_cache_retention": ("in_memory", "24h"),
}
_TIERS = {"service_tier": ("auto", "default", "flex", "priority")}
_PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})
_COMPLETION_TOKENS: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}
_SOUND = {"audio/": "input_audio"}
_FILMS = {"video/": "video_url"}
_IMAGES = {"image_url": Mapping}
# docs.mistral.ai/api/#tag/chat: a thinking is a list there, Anthropic's a text
_MISTRALS = {"document_url": str, "thinking": list}


@dataclass(frozen=True, slots=True)
class Host:
    """One host.

    `url`: its base, with the version. `key`: the environment variable of the key, None where there are no keys.
    `base_url_env`: that of another base, which the vendor's own clients read; None where they read none. `options`:
    what it takes; other options are not sent, and the user is warned. `any_model`: where the request names no model, it
    answers with the one that it has loaded. `local`: a server of the user's own, which may need no key. `elsewhere`:
    the quirks under another `base_url`; None where that is the same kind of host.
    """

    name: str
    url: str
    key: str | None = None
    options: frozenset[str] = COMMON
    quirks: Quirks = field(default_factory=Quirks)
    any_model: bool = False
    local: bool = False
    elsewhere: Quirks | None = None
    base_url_env: str | None = None


HOSTS: dict[str, Host] = {
    host.name: host
    for host in (
        # developers.openai.com/api/docs/api-reference/chat/create: max_tokens is "not compatible with o-series models";
        # of a field that it does not know: "Unknown parameter: 'messages[1].tool_calls[0].index'";
        # …/guides/file-inputs: "Chat Completions accepts only PDF files as file content parts"
        Host("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", COMMON | _OPENAI,
             Quirks(_COMPLETION_TOKENS, developer=True, closed=True, strict=True, facts="openai", audio=True,
                    marks="prompt_cache_breakpoint", strict_schemas=True, words=_WORDS, top_logprobs=20,
                    files={"application/pdf": "file", "audio/wav": "input_audio", "audio/x-wav": "input_audio",
                           "audio/mp3": "input_audio", "audio/mpeg": "input_audio"}),
             elsewhere=Quirks(gateway=True, audio=True, file_urls=True, parts={**PARTS, **_MISTRALS},
                              files={"application/": "file", **_SOUND, **_FILMS}),
             base_url_env="OPENAI_BASE_URL"),
        # openrouter.ai/docs/api-reference/parameters, /docs/use-cases/reasoning-tokens, /docs/features/multimodal and
        # /docs/features/prompt-caching; it answers 400 to an answer of calls without `content`:
        # github.com/graniet/llm/issues/111
        Host("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY",
             COMMON | _SAMPLERS | {"verbosity", "metadata", "service_tier", "prompt_cache_key"},
             Quirks({"reasoning_effort": "reasoning.effort"}, developer=True, reasoning_details=True,
                    null_content=True, marks="cache_control", tool_parts=True, file_urls=True,
                    fields_of_messages=frozenset({"reasoning_details", "annotations", "images"}),
                    files={"application/": "file", **_SOUND, **_FILMS})),
        # console.groq.com/docs/openai: the subtracted options ("only n=1") and messages[].name "will result in a 400
        # error", as does any field that it does not know; /docs/reasoning; /docs/structured-outputs: strict as OpenAI's
        Host("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY",
             (COMMON | {"service_tier"}) - {"logprobs", "top_logprobs", "logit_bias", "n"} - _PENALTIES,
             Quirks(_COMPLETION_TOKENS, names=False, closed=True, facts="groq", reasoning="reasoning",
                    strict_schemas=True, parts={**_IMAGES, "document": Mapping},
                    words={"service_tier": ("auto", "on_demand", "flex", "performance")}),
             base_url_env="GROQ_BASE_URL"),
        # docs.mistral.ai/api/#tag/chat: the answer to any field that it does not know, stream_options among them, is
        # 422; usage comes without being asked for
        Host("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
             (COMMON | {"metadata", "top_k", "repetition_penalty", "service_tier", "prompt_cache_key"})
             - {"logit_bias", "user"},
             Quirks({"seed": "random_seed"}, asks_usage=False, closed=True, facts="mistral", tool_parts=True,
                    fields_of_messages=frozenset({"prefix"}),
                    files={"application/": "document_url", "audio/": "audio"}, short_ids=True,
                    parts={**_IMAGES, **_MISTRALS, "input_audio": str, "file": NoneType, "reference": NoneType})),
        # api-docs.deepseek.com/api/create-chat-completion and /guides/thinking_mode; an answer's content is required
        # and may be null; without it the host answers 500: github.com/alibaba/spring-ai-alibaba/issues/4561; of a JSON
        # Schema: "This response_format type is unavailable now"
        Host("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
             COMMON - {"seed", "n", "logit_bias", "user", "parallel_tool_calls"},
             Quirks(reasoning="reasoning_content", needs_reasoning=True, null_content=True, facts="deepseek",
                    thinks=True, schemas=False, strict_schemas=True, fields_of_messages=frozenset({"prefix"}))),
        # docs.together.ai/reference/chat-completions-1
        Host("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY",
             (COMMON | _SAMPLERS) - {"user", "parallel_tool_calls"},
             Quirks(facts="together", counts_logprobs=True, reasoning="reasoning", file_urls=True,
                    files={"audio/": "input_audio", **_FILMS}), base_url_env="TOGETHER_BASE_URL"),
        # docs.fireworks.ai/api-reference/post-chatcompletions; to a call with a field that it does not know it answers,
        # as Mistral does, "Extra inputs are not permitted": github.com/NousResearch/hermes-agent/pull/18663
        Host("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY",
             COMMON | _SAMPLERS | {"metadata", "service_tier", "prompt_cache_key"},
             Quirks(closed=True, facts="fireworks", reasoning="reasoning_content", files=_FILMS,
                    parts={**_IMAGES, "video_url": Mapping}, words=_TIERS, top_logprobs=5),
             base_url_env="FIREWORKS_BASE_URL"),
        # docs.x.ai/docs/api-reference#chat-completions; /docs/guides/reasoning: "presencePenalty, frequencyPenalty, and
        # stop cannot be used with reasoning models"
        Host("xai", "https://api.x.ai/v1", "XAI_API_KEY", COMMON - {"logit_bias", "stop"} - _PENALTIES,
             Quirks(facts="xai")),
        # inference-docs.cerebras.ai/resources/openai: the subtracted options "will result in a 400 error", as does any
        # field that it does not know; what github.com/Cerebras/cerebras-cloud-sdk-python has beside them is added
        Host("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY",
             (COMMON | {"service_tier", "prompt_cache_key"}) - {"logit_bias"} - _PENALTIES,
             Quirks(_COMPLETION_TOKENS, closed=True, facts="cerebras", reasoning="reasoning", parts=_IMAGES,
                    words=_TIERS), base_url_env="CEREBRAS_BASE_URL"),
        # learn.microsoft.com/azure/ai-foundry/openai/reference; the URL is made in openai.py, RESOURCE is the user's.
        # It takes no file parts: github.com/pydantic/pydantic-ai, providers/azure.py
        Host("azure_openai", "https://RESOURCE.openai.azure.com", "AZURE_OPENAI_API_KEY", COMMON | _OPENAI,
             Quirks(_COMPLETION_TOKENS, developer=True, closed=True, strict=True, facts="openai", deployed=True,
                    audio=True, strict_schemas=True, parts={**_IMAGES, "input_audio": Mapping}, words=_WORDS,
                    top_logprobs=20, files={"audio/wav": "input_audio", "audio/mpeg": "input_audio"}),
             base_url_env="AZURE_OPENAI_ENDPOINT"),
        # huggingface.co/docs/inference-providers/tasks/chat-completion
        Host("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
        # docs.vllm.ai/en/latest/serving/openai_compatible_server.html, …/features/multimodal_inputs.html
        Host("vllm", "http://localhost:8000/v1", "VLLM_API_KEY", COMMON | _SAMPLERS,
             Quirks(developer=True, files={**_SOUND, **_FILMS}, file_urls=True, words=_EFFORTS), any_model=True,
             local=True),
        # github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md; an object as tool_choice is "auto" to it:
        # github.com/langchain-ai/langchain, partners/llama-cpp
        Host("llama_cpp", "http://localhost:8080/v1", "LLAMA_API_KEY", COMMON | _SAMPLERS,
             Quirks({"repetition_penalty": "repeat_penalty"}, forces_one=False, files=_SOUND), any_model=True,
             local=True),
        # lmstudio.ai/docs/app/api/endpoints/openai
        Host("lm_studio", "http://localhost:1234/v1", None, (COMMON | _SAMPLERS) - {"n", "user"},
             Quirks({"repetition_penalty": "repeat_penalty"}), any_model=True, local=True),
        # docs.ollama.com/api/openai-compatibility: the supported request fields
        Host("ollama_openai", "http://localhost:11434/v1", None,
             COMMON - {"n", "logit_bias", "user", "tool_choice", "parallel_tool_calls"},
             Quirks(facts="ollama_openai", reasoning="reasoning", files=_FILMS, image_urls=False), local=True,
             base_url_env="OLLAMA_HOST"),
    )
}  # fmt: skip
