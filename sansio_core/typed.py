"""The types that checkers and editors read: Options, ProviderName, Clock. No module of the core loads this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

ProviderName = Literal[
    "free_netfly", "chatgpt_free", "yqcloud", "acytoo", "anthropic", "gemini", "ollama", "openai_responses", "openai",
    "openrouter", "groq", "mistral", "deepseek", "together", "fireworks", "xai", "cerebras", "azure_openai",
    "huggingface", "vllm", "llama_cpp", "lm_studio", "ollama_openai",
]  # fmt: skip
"""The names of the providers that are built in."""

Clock = Literal["connect", "first_event", "idle", "progress", "total"]
"""The clocks of Timeouts."""

Bound = Literal["frame", "head", "error_body", "page", "decompressed"]
"""The bounds of Limits."""


class Options(TypedDict, total=False):
    """The options of a request, with the types of their values; None is as not given.

    A function of your own passes them on with `**options: Unpack[Options]` (PEP 692). An option that only a provider of
    your own has passes type checkers in a `dict[str, Any]`, given as `**my_options`.
    """

    temperature: float | None
    """How much chance there is in the choice of words; 0 for the least."""
    top_p: float | None
    """Words are drawn from the likeliest, which together have this probability."""
    top_k: int | None
    """Words are drawn from so many of the likeliest; -1 means all to hosts of open models."""
    min_p: float | None
    """Words are drawn from those that have at least this share of the likeliest one's probability."""
    max_tokens: int | None
    """The most tokens that the answer may have."""
    stop: str | Sequence[str] | None
    """One text, or several, at which the answer ends."""
    seed: int | None
    """The same seed gives the same answer, as far as the vendor can."""
    n: int | None
    """How many answers to give: the events' `choice` tells them apart."""
    presence_penalty: float | None
    frequency_penalty: float | None
    repetition_penalty: float | None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | str | int | bool | None
    """A word, a number of tokens, True or False; it is put in the form that the model takes."""
    verbosity: Literal["low", "medium", "high"] | str | None
    tools: Iterable[Mapping[str, Any] | Callable[..., Any]] | None
    """The functions that the model may call: in any vendor's form, or Python functions."""
    tool_choice: Literal["auto", "none", "required"] | str | Mapping[str, Any] | None
    """Whether a tool must be called; a tool's name, or any vendor's form."""
    parallel_tool_calls: bool | None
    """Whether the model may call several tools at once."""
    response_format: type[Any] | Mapping[str, Any] | None
    """What the answer's JSON must fit: a class, a JSON Schema, or any vendor's form."""
    logprobs: bool | None
    """Whether the tokens' log probabilities are asked for."""
    top_logprobs: int | None
    """For how many of the likeliest tokens at each place."""
    logit_bias: Mapping[str, float] | Mapping[int, float] | None
    """What is added to the likelihood of tokens, by their ids."""
    user: str | None
    """Which of your users asks, by any id; vendors look for abuse by it."""
    metadata: Mapping[str, Any] | None
    service_tier: str | None
    store: bool | None
    """Whether the vendor keeps the answer."""
    prompt_cache_key: str | None
    prompt_cache_retention: Literal["in_memory", "24h"] | str | None
    extra: Mapping[str, Any] | None
    """Any other fields of the wire: they are laid over the request's body."""
    user_id: int | str | None
    """yqcloud's alone."""
    system_message: str | None
    """yqcloud's alone: what fills its field `system`."""
