"""Requests of the Chat Completions wire: developers.openai.com/api/docs/api-reference/chat/create."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from ...errors import InvalidRequest
from ...model_facts import facts_of
from ...request import ChatRequest
from ..forms import Payload, put_options, with_extra
from .messages import wire_messages
from .options import options_of
from .quirks import Quirks, Target

PLAIN = Quirks()


def payload(
    request: ChatRequest, model: str | None, options: Container[str] = (), quirks: Quirks = PLAIN, host: str = "openai"
) -> Payload:
    """The body for `request` to `host`; of its options, those called `options`.

    Raises InvalidRequest for what cannot be sent.
    """
    target = Target.of(host, quirks, model)
    if not target.takes("chat"):
        raise InvalidRequest(f"{model} has the Responses endpoint alone: use the provider 'openai_responses'")
    # Servers of one's own answer with the model that they have loaded where the body names none.
    wire: dict[str, Any] = {} if model is None else {"model": model}
    messages, unsupported = wire_messages(request.messages, target)
    wire |= {"messages": messages, "stream": True}
    if quirks.asks_usage:
        wire["stream_options"] = {"include_usage": True}
    if request.options:
        taken, lost = options_of(request.options, options, target)
        fields = {name: quirks.fields.get(name, name) for name in taken}
        # "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.":
        # gateways pass a body on to OpenAI's models as it is.
        if quirks.gateway and "max_tokens" in taken and (facts := facts_of("openai", model)) and facts.efforts:
            fields["max_tokens"] = "max_completion_tokens"
        put_options(wire, taken, fields, {})
        unsupported = lost + unsupported
    return Payload(with_extra(wire, request.options), unsupported)
