"""The hosts that speak OpenAI's Chat Completions wire, as data: to add one, add a row (and nothing else).

Each row's facts are from the host's own pages, which the comment above it names; where these do not say which fields a
host rejects, from reports of users.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..dialects.openai_chat.request import Quirks

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
_OPENAI = frozenset({"verbosity", "metadata", "service_tier", "store"})
_COMPLETION_TOKENS: Mapping[str, str] = {"max_tokens": "max_completion_tokens"}


@dataclass(frozen=True, slots=True)
class Host:
    """One host.

    `url`: its base, with the version. `key`: the environment variable of the key, None where there are no keys.
    `options`: what it takes; other options are not sent, and the user is warned. `any_model`: where the request names
    no model, it answers with the one that it has loaded. `local`: a server of the user's own, which may need no key.
    `elsewhere`: the quirks under another `base_url`; None where that is the same kind of host.
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
        # openrouter.ai/docs/api-reference/parameters and /docs/use-cases/reasoning-tokens; it answers 400 to an answer
        # of calls without `content`: github.com/graniet/llm/issues/111
        Host("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", COMMON | _SAMPLERS | {"verbosity"},
             Quirks({"reasoning_effort": "reasoning.effort"}, developer=True, reasoning_details=True,
                    null_content=True)),
        # console.groq.com/docs/openai: the three subtracted options and messages[].name "will result in a 400 error",
        # as does any field that it does not know
        Host("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY",
             (COMMON | {"service_tier"}) - {"logprobs", "top_logprobs", "logit_bias"},
             Quirks(_COMPLETION_TOKENS, names=False, call_fields=False)),
        # docs.mistral.ai/api/#tag/chat: the answer to any field that it does not know, stream_options among them, is
        # 422; usage comes without being asked for
        Host("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY",
             (COMMON | {"metadata"}) - {"logprobs", "top_logprobs", "logit_bias", "user"},
             Quirks({"seed": "random_seed"}, asks_usage=False, call_fields=False)),
        # api-docs.deepseek.com/api/create-chat-completion and /guides/thinking_mode; an answer's content is required
        # and may be null; without it the host answers 500: github.com/alibaba/spring-ai-alibaba/issues/4561
        Host("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY",
             COMMON - {"seed", "n", "logit_bias", "user", "parallel_tool_calls"},
             Quirks(reasoning_content=True, null_content=True)),
        # docs.together.ai/reference/chat-completions-1
        Host("together", "https://api.together.xyz/v1", "TOGETHER_API_KEY",
             (COMMON | _SAMPLERS) - {"user", "parallel_tool_calls"}),
        # docs.fireworks.ai/api-reference/post-chatcompletions; to a call with a field that it does not know it answers,
        # as Mistral does, "Extra inputs are not permitted": github.com/NousResearch/hermes-agent/pull/18663
        Host("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", COMMON | _SAMPLERS,
             Quirks(call_fields=False)),
        # docs.x.ai/docs/api-reference#chat-completions
        Host("xai", "https://api.x.ai/v1", "XAI_API_KEY", COMMON - {"logit_bias"}),
        # inference-docs.cerebras.ai/resources/openai: the subtracted options "will result in a 400 error", as does any
        # field that it does not know
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
