"""Requests of the Chat Completions wire, with their options as the host and its model take them.

developers.openai.com/api/docs/api-reference/chat/create, of which "…/chat/create" stands for the page.

What a model does not take is in its row of model_facts. Of a hint, the loss is told; what would change the meaning of
the request is refused.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...model_facts import facts_of
from ...request import ChatRequest
from ..forms import Payload, check_max_tokens, one_of, put, stop_of, with_extra
from ..reasoning import WORDS, word_of
from .messages import wire_messages
from .quirks import Quirks, Target
from .tools import put_tools, wire_format

Options = dict[str, Any]

_SAMPLERS = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "stop",
)  # fmt: skip
# api-docs.deepseek.com/guides/thinking_mode: they "will not trigger an error but will also have no effect"
_NO_EFFECT = ("temperature", "presence_penalty", "frequency_penalty")
# Fields of `extra` that say how a model reasons: then nothing of it is known here.
_OF_REASONING = frozenset({"reasoning_effort", "reasoning", "thinking"})


def payload(request: ChatRequest, model: str | None, known: Container[str], quirks: Quirks, host: str) -> Payload:
    """The body for `request` to `host`, which has the options `known`.

    Raises InvalidRequest for what cannot be sent.
    """
    target = Target(host, quirks, model)
    if not target.takes("chat"):
        raise InvalidRequest(f"{model} has the Responses endpoint alone: use the provider 'openai_responses'")
    options = _options(request.options, known, target) if request.options else {}
    # Servers of one's own answer with the model that they have loaded where the body names none.
    wire: dict[str, Any] = {} if model is None else {"model": model}
    wire |= {"messages": wire_messages(request.messages, target), "stream": True}
    if quirks.asks_usage:
        wire["stream_options"] = {"include_usage": True}
    for name, value in options.items():
        put(wire, quirks.fields.get(name, name), value)
    return Payload(with_extra(wire, request.options), list(target.lost))


def _options(given: Mapping[str, Any], known: Container[str], target: Target) -> Options:
    """Those of the options `given` that the host and the model take, in the host's forms."""
    options = {name: value for name, value in given.items() if name in known and name != "extra"}
    check_max_tokens(options, target.facts)
    if "reasoning_effort" in options:
        _put_effort(options, target)
    reasons = None if _OF_REASONING & given.get("extra", {}).keys() else _reasons(options, target)
    _drop_samplers(options, reasons, target)
    target.drop_hints(options)
    _put_logprobs(options, target)
    put_tools(options, reasons, target)
    _put_forms(options, target)
    _put_names(options, target)
    return options


# --- reasoning -------------------------------------------------------------------------------------------------------


def _put_effort(options: Options, target: Target) -> None:
    given, takes = options["reasoning_effort"], target.efforts
    if takes is None:
        # A host without rows may have words of its own.
        if not isinstance(given, str):
            options["reasoning_effort"] = word_of(given, WORDS, target.host)
    elif not takes and word_of(given, WORDS, target.host) == "none":
        del options["reasoning_effort"]  # that is what it does
        target.lose(f"reasoning_effort ({target.model} does not reason)")
    else:
        whose = target.model if target.facts else target.host
        word = options["reasoning_effort"] = word_of(given, takes, whose)
        asked = word_of(given, (*WORDS, *takes), whose)
        if {word, asked} <= set(WORDS) and WORDS.index(word) > WORDS.index(asked) + 1:  # which costs much more
            target.lose(f"reasoning_effort {asked!r} (the least that {whose} has is {word!r}, which is sent)")


def _reasons(options: Options, target: Target) -> bool | None:
    """Whether the model reasons before its answer; None where that is not known."""
    if target.facts is None:
        return None
    effort = options.get("reasoning_effort", target.facts.effort)
    return None if effort is None else effort != "none"


def _drop_samplers(options: Options, reasons: bool | None, target: Target) -> None:
    dropped: tuple[str, ...] = _SAMPLERS
    if target.quirks.thinks and reasons:
        dropped, why = _NO_EFFECT, "without effect while the model thinks"
    elif target.takes("samplers"):
        return
    elif not target.takes("samplers at none"):
        why = f"{target.model} takes no samplers"
    elif reasons:
        why = f"{target.model} takes samplers with reasoning_effort='none' alone"
    else:
        return
    if names := [name for name in dropped if options.pop(name, None) is not None]:
        target.lose(f"{', '.join(names)} ({why})")


# --- forms -----------------------------------------------------------------------------------------------------------


def _put_logprobs(options: Options, target: Target) -> None:
    # …/chat/create, top_logprobs: "`logprobs` must be set to `true` if this parameter is used"
    if "top_logprobs" in options:
        options.setdefault("logprobs", True)
    if target.quirks.counts_logprobs and "logprobs" in options:
        # docs.together.ai/reference/chat-completions-1: `logprobs` is the number of tokens at each place, 0 to 20
        top = options.pop("top_logprobs", None) or 1
        options["logprobs"] = top if options["logprobs"] else 0


def _put_forms(options: Options, target: Target) -> None:
    if "stop" in options:
        texts = stop_of(options["stop"])
        options["stop"] = options["stop"] if isinstance(options["stop"], str) else texts
    if "response_format" in options:
        options["response_format"] = wire_format(options["response_format"], target)
    for name in ("logit_bias", "metadata"):
        if name in options:
            options[name] = dict(options[name])  # JSON takes no other mapping
    _check_words(options, target)
    if target.quirks.strict:
        _check_values(options, target.host)


def _put_names(options: Options, target: Target) -> None:
    """The options that some models have under other names."""
    if target.quirks.thinks and options.get("reasoning_effort") == "none":
        # api-docs.deepseek.com/guides/thinking_mode: the effort has no such word there
        options["thinking"] = {"type": "disabled"}
        del options["reasoning_effort"]
    if target.quirks.gateway and "max_tokens" in options:
        # "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.":
        # gateways pass a body on to OpenAI's models as it is.
        facts = facts_of("openai", target.model)
        if facts and facts.efforts:
            options["max_completion_tokens"] = options.pop("max_tokens")


def _check_words(options: Options, target: Target) -> None:
    for name, words in target.quirks.words.items():
        if name in options:
            one_of(name, options[name], words, target.host)
    most = target.quirks.top_logprobs
    if most and not 0 <= options.get("top_logprobs", 0) <= most:
        raise InvalidRequest(f"{target.host} has top_logprobs from 0 to {most}, not {options['top_logprobs']}")


def _check_values(options: Options, host: str) -> None:
    """Raises InvalidRequest for values that OpenAI does not have."""
    if isinstance(stop := options.get("stop"), list) and len(stop) > 4:
        raise InvalidRequest(f"{host} takes at most 4 texts as stop, not {len(stop)}")
    for token, bias in options.get("logit_bias", {}).items():
        if type(bias) is not int or not -100 <= bias <= 100:
            raise InvalidRequest(f"logit_bias of the token {safe_repr(token)} must be an int from -100 to 100")
    if "metadata" in options:
        _check_metadata(options["metadata"], host)


def _check_metadata(metadata: Mapping[Any, Any], host: str) -> None:
    # …/chat/create, metadata: 16 pairs, keys of at most 64 characters, values of 512
    texts = all(isinstance(text, str) for pair in metadata.items() for text in pair)
    if not texts or len(metadata) > 16 or any(len(k) > 64 or len(v) > 512 for k, v in metadata.items()):
        raise InvalidRequest(
            f"{host} takes as metadata at most 16 texts of at most 512 characters, under names of at most 64"
        )
