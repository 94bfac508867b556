"""What an unknown option is called here, or where it belongs. Loaded for an error alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from .errors import InvalidRequest, suggestion

# Other names of what is ours: those of vendors' APIs, and of openai 3, anthropic 1, google-genai 2, ollama 0.6,
# mistralai, cohere, transformers, llama.cpp, LiteLLM and LangChain.
_NAMES = {
    "messages": "input prompt contents history chat_history",
    "system": "instructions system_prompt system_instruction system_message preamble",
    "model": "model_name model_id engine deployment deployment_id deployment_name azure_deployment",
    "max_tokens": (
        "max_completion_tokens max_output_tokens max_new_tokens max_tokens_to_sample max_gen_len max_length "
        "num_predict n_predict"
    ),
    "stop": "stop_sequences stop_sequence stop_words stop_strings",
    "n": "candidate_count num_return_sequences num_generations",
    "top_k": "k topk",
    "top_p": "p topp",
    "seed": "random_seed",
    "repetition_penalty": "repeat_penalty",
    "logprobs": "response_logprobs return_logprobs",
    "reasoning_effort": (
        "thinking reasoning think effort thinking_config thinking_budget thinking_level budget_tokens "
        "reasoning_budget enable_thinking"
    ),
    "tools": "functions function_declarations",
    "tool_choice": "function_call tool_config function_calling_config",
    "response_format": (
        "response_schema response_json_schema response_mime_type response_model json_schema json_mode format schema "
        "output_format output_schema output_type text_format guided_json"
    ),
    "user": "user_id end_user_id end_user",
    "metadata": "labels",
    "extra": "extra_body model_kwargs extra_params additional_kwargs provider_options",
    "headers": "extra_headers default_headers additional_headers custom_headers",
    "timeout": "request_timeout read_timeout stream_timeout timeout_seconds",
    "proxy": "proxies http_proxy https_proxy",
    "base_url": "api_base api_base_url base_uri azure_endpoint endpoint api_endpoint endpoint_url api_url host url",
    "api_key": "key auth_token access_token token openai_api_key anthropic_api_key google_api_key azure_api_key",
    "verify": "ssl_verify verify_ssl",
    "session": "http_client client",
}
_CLIENTS = "Client() or AsyncClient()"
# Whose parameter it is: each is unknown only where it does not belong.
_PLACES = {
    **dict.fromkeys(("messages", "system"), "stream() or complete(), or to ChatRequest()"),
    **dict.fromkeys(("api_key", "base_url"), f"{_CLIENTS}, or to providers.create()"),
    **dict.fromkeys(("provider", "verify", "ssl_context", "connect", "uds", "resolver", "max_connections"), _CLIENTS),
    "session": "Client()",
}
_SAID = {
    # Parameters of the clients and of their calls, which a ChatRequest does not have.
    "timeout": "give timeouts= to Exchange()",
    **{name: f"give {name}= to Exchange()" for name in ("retry", "limits", "observer")},
    "proxy": "the core opens no connections",
    "stream": "every answer streams: leave it out",
    **dict.fromkeys(("stream_options", "include_usage"), "usage is always asked for: leave it out"),
    **dict.fromkeys(("max_retries", "num_retries"), "it is called retry here, which counts the first attempt too"),
    "disable_parallel_tool_use": "it is parallel_tool_calls=False here",
    "output_config": "its effort is called reasoning_effort here, its format response_format",
    "text": "its format is called response_format here, its verbosity verbosity",
    "options": "give each by its own name",
    **dict.fromkeys(("image", "images", "file", "files", "attachments"), "it is a part of a message's content"),
    "organization": "give headers={'OpenAI-Organization': …}",
    "project": "give headers={'OpenAI-Project': …}",
    **dict.fromkeys(("betas", "anthropic_beta"), "give headers={'anthropic-beta': …}"),
    "api_version": "write it in base_url=, as …?api-version=…",
}
# What a call takes beside its options: suggested too.
_BESIDE = ("model", "timeout", "retry", "limits", "proxy", "headers", "cookies", "observer")
SETTINGS = frozenset([*_PLACES, *_BESIDE]) - {"messages", "system", "model"}
"""The parameters of the clients and of their calls that are no options."""
# Fields of single vendors, which have no name of ours.
_FIELDS = (
    "audio", "background", "cached_content", "context_management", "include", "keep_alive", "max_tool_calls",
    "media_resolution", "mcp_servers", "modalities", "moderation", "num_ctx", "prediction", "previous_response_id",
    "prompt_cache_options", "response_modalities", "safety_identifier", "safety_settings", "speech_config",
    "truncation", "typical_p", "web_search_options",
)  # fmt: skip


def unknown_options(whose: str, unknown: Sequence[str], known: Collection[str], extra: bool) -> InvalidRequest:
    """The error for options that the provider `whose` does not know; `extra`: whether its wire takes other fields.

    All that is `known` is listed only where nothing says what one of them may be.
    """
    told = {name: hint_of(name, known, extra) for name in unknown}
    text = f"{whose} does not know the option {', '.join(repr(name) + hint for name, hint in told.items())}"
    if not all(told.values()):
        other = "; any other field of its wire goes in extra={…}" if extra else ""
        text += f"; known are {', '.join(sorted(known))}{other}"
    return InvalidRequest(text)


def hint_of(name: str, known: Collection[str], extra: bool) -> str:
    """What to do about the unknown `name`, in parentheses; "" where nothing is known."""
    # Google's REST API and the JavaScript SDKs write maxOutputTokens.
    plain = re.sub("(?<=[a-z])[A-Z]", lambda letter: f"_{letter[0]}", name).lower()
    ours = plain if plain in known else next((ours for ours, names in _NAMES.items() if plain in names.split()), None)
    if ours is not None:
        place = f": give it to {_PLACES[ours]}" if ours in _PLACES else ""
        return f" (it is called {ours} here{place})"
    if plain in _PLACES:
        return f" (give {plain}= to {_PLACES[plain]})"
    if plain in _SAID:
        return f" ({_SAID[plain]})"
    if extra and plain in _FIELDS:
        return " (give it in extra={…}, as the wire writes it)"
    return suggestion(name, [*known, *_PLACES, *_BESIDE])
