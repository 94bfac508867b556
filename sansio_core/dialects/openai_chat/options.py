"""The options of a request, as its host and its model take them.

developers.openai.com/api/docs/api-reference/chat/create, of which "…/chat/create" stands for the page.

What a model does not take is in its row of model_facts. Of a hint, the loss is named; what would change the meaning of
the request is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ..forms import check_max_tokens, list_of, one_of
from ..reasoning import WORDS, word_of
from .quirks import Target
from .tools import FORCED, choice_form, format_form, tool_forms

_SAMPLERS = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "stop",
)  # fmt: skip
# api-docs.deepseek.com/guides/thinking_mode: they "will not trigger an error but will also have no effect"
_NO_EFFECT = ("temperature", "presence_penalty", "frequency_penalty")
# Fields of `extra` that say how a model reasons: then nothing of it is known here.
_OF_REASONING = frozenset({"reasoning_effort", "reasoning", "thinking"})

Options = dict[str, Any]


def options_of(given: Mapping[str, Any], known: Container[str], target: Target) -> tuple[Options, list[str]]:
    """Those of the options `given` that the host has (`known`), in its forms; and in words what the model lacks."""
    options = {name: value for name, value in given.items() if name in known and name != "extra"}
    lost: list[str] = []
    if target.facts:
        check_max_tokens(options, target.facts)
    _put_effort(options, lost, target)
    reasons = None if _OF_REASONING & given.get("extra", {}).keys() else _reasons(options, target)
    _drop_samplers(options, lost, target, reasons)
    _drop_others(options, lost, target)
    _put_logprobs(options, target)
    _put_tools(options, lost, target, reasons)
    for name, form in _FORMS.items():
        if name in options:
            options[name] = form(options[name], target)
    if target.quirks.thinks and options.get("reasoning_effort") == "none":
        # api-docs.deepseek.com/guides/thinking_mode: the effort has no such word there
        options["thinking"] = {"type": "disabled"}
        del options["reasoning_effort"]
    return options, lost


# --- reasoning -------------------------------------------------------------------------------------------------------


def _put_effort(options: Options, lost: list[str], target: Target) -> None:
    if "reasoning_effort" not in options:
        return
    given, facts = options["reasoning_effort"], target.facts
    if facts is None or not (facts.efforts or facts.can):
        # A host without rows may have words of its own.
        if target.quirks.strict or not isinstance(given, str):
            options["reasoning_effort"] = word_of(given, WORDS, target.host)
    elif not facts.efforts and word_of(given, WORDS, target.host) == "none":
        del options["reasoning_effort"]  # that is what it does
        lost.append(f"reasoning_effort ({target.model} does not reason)")
    else:
        # …/guides/latest-model: the effort "max" is one of the Responses endpoint alone
        takes = [word for word in facts.efforts if word != "max" or target.quirks.facts != "openai"]
        options["reasoning_effort"] = word_of(given, takes, target.model)


def _reasons(options: Options, target: Target) -> bool | None:
    """Whether the model reasons before its answer; None where that is not known."""
    facts = target.facts
    if facts is None:
        return None
    effort = options.get("reasoning_effort", facts.effort)
    return None if effort is None else effort != "none"


def _drop_samplers(options: Options, lost: list[str], target: Target, reasons: bool | None) -> None:
    dropped: tuple[str, ...] = _SAMPLERS
    if target.quirks.thinks and reasons:
        dropped, why = _NO_EFFECT, "without effect while the model thinks"
    elif target.takes("samplers") or (target.takes("samplers at none") and not reasons):
        return
    elif target.takes("samplers at none"):
        why = f"{target.model} takes samplers with reasoning_effort='none' alone"
    else:
        why = f"{target.model} takes no samplers"
    if names := [name for name in dropped if options.pop(name, None) is not None]:
        lost.append(f"{', '.join(names)} ({why})")


def _drop_others(options: Options, lost: list[str], target: Target) -> None:
    # of the answers to what is not taken: "Unsupported parameter: 'parallel_tool_calls' is not supported with this
    # model."; "prompt_cache_retention is not supported on this model"; of verbosity, "Supported values are: 'medium'"
    for name, word in (
        ("parallel_tool_calls", "parallel"),
        ("prompt_cache_retention", "retention"),
        ("verbosity", "verbosity"),
    ):
        if name in options and not target.takes(word):
            del options[name]
            lost.append(f"{name} ({target.model} does not take it)")


def _put_logprobs(options: Options, target: Target) -> None:
    top = options.get("top_logprobs")
    if top is not None:
        # …/chat/create, top_logprobs: "`logprobs` must be set to `true` if this parameter is used"
        if not options.setdefault("logprobs", True):
            raise InvalidRequest("top_logprobs needs logprobs=True")
        if target.quirks.strict and not 0 <= top <= 20:
            raise InvalidRequest(f"{target.host} has top_logprobs from 0 to 20, not {top}")
    if target.quirks.counts_logprobs and "logprobs" in options:
        # docs.together.ai/reference/chat-completions-1: `logprobs` is the number of tokens at each place, 0 to 20
        top = options.pop("top_logprobs", None) or 1
        options["logprobs"] = top if options["logprobs"] else 0


# --- tools -----------------------------------------------------------------------------------------------------------


def _put_tools(options: Options, lost: list[str], target: Target, reasons: bool | None) -> None:
    tools: list[dict[str, Any]] = []
    if "tools" in options:
        tools, without = tool_forms(options.pop("tools"), target)
        lost += without
        if tools:  # an empty list is "too short" to OpenAI
            options["tools"] = tools
    if "tool_choice" in options:
        options["tool_choice"] = choice_form(options["tool_choice"], tools, target)
    if any(tool.get("type") == "function" for tool in tools):
        _check_functions(target, reasons)
    choice = options.get("tool_choice")
    if target.quirks.thinks and reasons and (choice in FORCED or isinstance(choice, dict)):
        # of a forced tool: "Thinking mode does not support this tool_choice"
        raise InvalidRequest(f"{target.host} forces no tool while its model thinks: add reasoning_effort='none'")


def _check_functions(target: Target, reasons: bool | None) -> None:
    # "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions. To use function
    # tools, use /v1/responses or set reasoning_effort to 'none'."
    if target.takes("chat tools"):
        return
    facts = target.facts
    if facts is None or "chat tools at none" not in facts.can:
        raise InvalidRequest(f"{target.model} calls no functions on this endpoint: use the provider 'openai_responses'")
    if reasons:
        raise InvalidRequest(
            f"{target.model} calls no functions on this endpoint while it reasons: use the provider "
            "'openai_responses', or reasoning_effort='none'"
        )


# --- forms -----------------------------------------------------------------------------------------------------------


def _stop(stop: Any, target: Target) -> Any:
    texts = [stop] if isinstance(stop, str) else list_of(stop, "stop")
    if not all(isinstance(text, str) for text in texts):
        raise InvalidRequest("stop must be a str or a list of them")
    if target.quirks.strict and len(texts) > 4:
        raise InvalidRequest(f"{target.host} takes at most 4 texts as stop, not {len(texts)}")
    return stop if isinstance(stop, str) else texts


def _words(option: str, *words: str) -> Callable[[Any, Target], Any]:
    return lambda value, target: one_of(option, value, words, target.host) if target.quirks.strict else value


def _metadata(metadata: Mapping[Any, Any], target: Target) -> Any:
    if not target.quirks.strict:
        return metadata
    # …/chat/create, metadata: 16 pairs, keys of at most 64 characters, values of 512
    texts = all(isinstance(text, str) for pair in metadata.items() for text in pair)
    if not texts or len(metadata) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in metadata.items()):
        raise InvalidRequest(
            f"{target.host} takes as metadata at most 16 texts of at most 512 characters, under names of at most 64"
        )
    return dict(metadata)


def _logit_bias(biases: Mapping[Any, Any], target: Target) -> Any:
    if not target.quirks.strict:
        return biases
    for token, bias in biases.items():
        if type(bias) is not int or not -100 <= bias <= 100:
            raise InvalidRequest(f"logit_bias of the token {safe_repr(token)} must be an int from -100 to 100")
    return {str(token): bias for token, bias in biases.items()}


_FORMS: dict[str, Callable[[Any, Target], Any]] = {
    "stop": _stop,
    "metadata": _metadata,
    "logit_bias": _logit_bias,
    "response_format": format_form,
    "service_tier": _words("service_tier", "auto", "default", "flex", "scale", "priority", "fast"),
    "verbosity": _words("verbosity", "low", "medium", "high"),
    "prompt_cache_retention": _words("prompt_cache_retention", "in_memory", "24h"),
}
