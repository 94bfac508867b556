"""The hosts that speak OpenAI's Chat Completions wire, as data: to add one, add a row (and nothing else).

Each row's facts are from the host's own pages, named beside it; the refusals also from what users met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..dialects.openai_chat.request import Quirks

COMMON = frozenset(
    {
        "temperature", "top_p", "max_tokens", "stop", "seed", "n", "presence_penalty", "frequency_penalty",
        "reasoning_effort", "tools", "tool_choice", "parallel_tool_calls", "response_format", "logprobs",
        "top_logprobs", "logit_bias", "user", "extra",
    }
)  # fmt: skip
_SAMPLERS = frozenset({"top_k", "min_p", "repetition_penalty"})
_OPENAI = frozenset({"verbosity", "metadata", "service_tier", "store"})
_COMPLETION_TOKENS: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `url` ends with its version; `key` is the variable that holds the key, where it needs one.

    `options` is what it takes; a missing option is told to the user and not sent. `any_model`: without a model it
    answers with the one that it has loaded. `local`: a server of the user's own, so that a key is not a must.
    `elsewhere`: the quirks under another `base_url`, where that is not the same kind of host.
    """

    name: str
    url: str
    key: str | None = None
    options: frozenset[str] = COMMON
    quirks: Quirks = field(default_factory=Quirks)
    any_model: bool = False
    local: bool = False
    elsewhere: Quirks | None = None


HOSTS: dict[str, Host] = {
    host.name: host
    for host in (
        # platform.openai.com/docs/api-reference/chat/create: max_tokens is "not compatible with o-series models"; of a
        # field that it does not know: "Unknown parameter: 'messages[1].tool_calls[0].index'"
        Host("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", COMMON | _OPENAI,
             Quirks(_COMPLETION_TOKENS, developer=True, call_fields=False), elsewhere=Quirks()),
        # openrouter.ai/docs/api-reference/parameters and /docs/use-cases/reasoning-tokens; an answer without content
        # was refused: github.com/graniet/llm/issues/111
        Host("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", COMMON | _SAMPLERS | {"verbosity"},
             Quirks({"reasoning_effort": "reasoning.effort"}, developer=True, reasoning_details=True,
                    null_content=True)),
        # console.groq.com/docs/openai: these and messages[].name "will result in a 400 error", as any unknown field
        Host("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY",
             (COMMON | {"service_tier"}) - {"logprobs", "top_logprobs", "logit_bias"},
             Quirks(_COMPLETION_TOKENS, names=False, call_fields=False)),
        # docs.mistral.ai/api/#tag/chat: any unknown field, stream_options among them, is a 422; usage comes unasked
        Host("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
             (COMMON | {"metadata"}) - {"logprobs", "top_logprobs", "logit_bias", "user"},
             Quirks({"seed": "random_seed"}, asks_usage=False, call_fields=False)),
        # api-docs.deepseek.com/api/create-chat-completion and /guides/thinking_mode; an answer's content may be
        # null and must be there; without it a 500 was met: github.com/alibaba/spring-ai-alibaba/issues/4561
        Host("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
             COMMON - {"seed", "n", "logit_bias", "user", "parallel_tool_calls"},
             Quirks(reasoning_content=True, null_content=True)),
        # docs.together.ai/reference/chat-completions-1
        Host("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY",
             (COMMON | _SAMPLERS) - {"user", "parallel_tool_calls"}),
        # docs.fireworks.ai/api-reference/post-chatcompletions; a call's own field is refused, as by Mistral,
        # with "Extra inputs are not permitted": github.com/NousResearch/hermes-agent/pull/18663
        Host("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", COMMON | _SAMPLERS,
             Quirks(call_fields=False)),
        # docs.x.ai/docs/api-reference#chat-completions
        Host("xai", "https://api.x.ai/v1", "XAI_API_KEY", COMMON - {"logit_bias"}),
        # inference-docs.cerebras.ai/resources/openai: these "will result in a 400 error", as any unknown field
        Host("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY",
             COMMON - {"frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls"},
             Quirks(_COMPLETION_TOKENS, call_fields=False)),
        # learn.microsoft.com/azure/ai-foundry/openai/reference; the URL is made in openai.py, RESOURCE is the user's
        Host("azure_openai", "https://RESOURCE.openai.azure.com", "AZURE_OPENAI_API_KEY", COMMON | _OPENAI,
             Quirks(_COMPLETION_TOKENS, developer=True, call_fields=False)),
        # huggingface.co/docs/inference-providers/tasks/chat-completion
        Host("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
        # docs.vllm.ai/en/latest/serving/openai_compatible_server.html
        Host("vllm", "http://localhost:8000/v1", "VLLM_API_KEY", COMMON | _SAMPLERS,
             Quirks(developer=True), any_model=True, local=True),
        # github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
        Host("llama_cpp", "http://localhost:8080/v1", "LLAMA_API_KEY", COMMON | _SAMPLERS,
             Quirks({"repetition_penalty": "repeat_penalty"}), any_model=True, local=True),
        # lmstudio.ai/docs/app/api/endpoints/openai
        Host("lm_studio", "http://localhost:1234/v1", None, (COMMON | _SAMPLERS) - {"n", "user"},
             Quirks({"repetition_penalty": "repeat_penalty"}), any_model=True, local=True),
        # docs.ollama.com/api/openai-compatibility: the supported request fields
        Host("ollama_openai", "http://localhost:11434/v1", None,
             COMMON - {"n", "logit_bias", "user", "tool_choice", "parallel_tool_calls"}, local=True),
    )
}  # fmt: skip

_VERSION = re.compile(r"/v\d+[a-z0-9]*(/openai)?$")


def versioned(base_url: str, url: str) -> str:
    """`base_url` with the path of the host's `url`, unless it has a version of its own or ends in part of that path.

    So https://api.groq.com, …/openai and …/openai/v1 are the same base, and a gateway's own path stays before it.
    """
    base, path = base_url.rstrip("/"), urlsplit(url).path
    for endpoint in ("/chat/completions", "/responses", "/models"):
        base = base.removesuffix(endpoint)
    if _VERSION.search(base):
        return base
    steps = path.split("/")
    for n in range(len(steps) - 1, 1, -1):
        if base.endswith("/".join(steps[:n])):
            return base + path[len("/".join(steps[:n])) :]
    return base + path
