"""Ollama on its own wire: docs.ollama.com/api. (Its OpenAI-compatible one is a host of the openai provider.)"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..dialects import ChatParser, ollama
from ..dialects.base import MAX_FRAME
from ..dialects.forms import (
    arguments_of,
    format_of,
    function_of,
    list_of,
    merged,
    resolve_tool_ids,
    stop_of,
    unsupported_history,
)
from ..errors import InvalidRequest, safe_repr
from ..http_request import Headers, HttpRequest
from ..request import ChatRequest, ImagePart, Message, dump_json
from .base import Call, Provider, ProviderInfo, options_of, warn
from .models import default_model

_JSON = (("content-type", "application/json"),)
# docs.ollama.com/modelfile#parameter: what goes into `options`
_FIELDS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "max_tokens": "num_predict",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "repetition_penalty": "repeat_penalty",
}
_TOP = ("logprobs", "top_logprobs")


class Ollama(Provider):
    """An Ollama server, by default on this machine; a key is only needed for ollama.com. `base_url` may end in `/api`.

    `reasoning_effort` is "low", "medium", "high", True, or "none". What else there is (`keep_alive`, more of
    `options` such as `num_ctx`, …) goes in `extra`.
    """

    info = ProviderInfo(
        name="ollama",
        url="http://127.0.0.1:11434",
        default_model=default_model("ollama"),
        api_key_env="OLLAMA_API_KEY",
    )
    options = frozenset({*_FIELDS, *_TOP, "stop", "reasoning_effort", "tools", "response_format", "extra"})
    roles = ("system", "developer", "user", "assistant", "tool")

    def call(self, request: ChatRequest, random: Callable[[], float]) -> Call:
        if lost := unsupported_history(request.messages, ollama.NAME, reasoning=True):
            warn(f"ollama has no field for {lost}: not sent")
        payload: dict[str, Any] = {
            "model": self.resolve_model(request.model),
            "messages": _messages(request.messages),
            "stream": True,
            **options_of(request, _TOP),
        }
        _options(request.options, payload)
        body = dump_json(merged(payload, request.options.get("extra", {})))
        return Call(self.http(request, "POST", self._url("chat"), body, _JSON, self._key))

    def models_request(self) -> HttpRequest | None:
        return self.http(ChatRequest("models"), "GET", self._url("tags"), b"", self._key)

    def parser(self, content_type: str = "", *, max_frame_size: int = MAX_FRAME) -> ChatParser:
        return ollama.OllamaParser(max_frame_size)

    def _url(self, path: str) -> str:
        return f"{self.base_url.removesuffix('/api')}/api/{path}"

    @property
    def _key(self) -> Headers:
        return () if self.api_key is None else (("authorization", f"Bearer {self.api_key}"),)


def _options(options: Mapping[str, Any], payload: dict[str, Any]) -> None:
    fields = {field: options[name] for name, field in _FIELDS.items() if name in options}
    if "stop" in options:
        fields["stop"] = stop_of(options["stop"])
    if fields:
        payload["options"] = fields
    if "tools" in options:
        payload["tools"] = [_tool(tool) for tool in list_of(options["tools"], "tools")]
    wanted = format_of(options["response_format"]) if "response_format" in options else "text"
    if wanted != "text":  # docs.ollama.com/capabilities/structured-outputs: "json", or a JSON Schema
        payload["format"] = wanted
    if "reasoning_effort" in options:
        payload["think"] = _think(options["reasoning_effort"])


def _tool(tool: Any) -> dict[str, Any]:
    function = function_of(tool)
    return dict(tool) if function is None else {"type": "function", "function": dict(function)}


def _think(effort: Any) -> Any:
    """docs.ollama.com/capabilities/thinking: true or false, or a level for models that know levels."""
    if isinstance(effort, bool):
        return effort
    if not isinstance(effort, str):
        raise InvalidRequest(
            f"ollama takes no reasoning_effort {safe_repr(effort)}: use 'low', 'medium', 'high' or 'none'"
        )
    return False if effort == "none" else "low" if effort == "minimal" else effort


def _messages(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [_message(message) for message in resolve_tool_ids(messages, invent_ids=False)]


def _message(message: Message) -> dict[str, Any]:
    images = [part for part in message.parts if isinstance(part, ImagePart)]
    text = Message(message.role, tuple(part for part in message.parts if not isinstance(part, ImagePart))).text
    wire: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role, "content": text}
    if images:
        wire["images"] = [_image(image) for image in images]
    if message.reasoning:  # "the thinking, the tool call and the result must be passed back" (…/streaming)
        wire["thinking"] = message.reasoning
    if message.tool_calls:
        wire["tool_calls"] = [
            ({"id": call.id} if call.id else {}) | {"function": {"name": call.name, "arguments": arguments_of(call)}}
            for call in message.tool_calls
        ]
    if message.role == "tool":
        if message.name:
            wire["tool_name"] = message.name
        if message.tool_call_id:
            wire["tool_call_id"] = message.tool_call_id
    return wire


def _image(image: ImagePart) -> str:
    if image.data is None:
        raise InvalidRequest("ollama takes an image's data only: give a data: URL, not a link")
    return image.data[1]
