"""Conversations as the input of the Responses wire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import InvalidRequest
from ...parts import FilePart, ImagePart, Part, RawPart, TextPart
from ...request import Message
from ...tool_call import ToolCall
from ..forms import cache_mark, no_such_part, nonempty, objects, one_of
from ..history import native_of, resolve_tool_ids, unsupported_fields, unsupported_history
from .options import NAME, Asked

Item = dict[str, Any]
_TAKES = "texts, images and documents"
# …/responses/create: input_image and input_file
_DETAILS = ("low", "high", "auto", "original")
_FILE_FIELDS = frozenset({"file_data", "file_id", "file_url", "filename", "detail", "prompt_cache_breakpoint"})
# The parts of a question that have fields without a common form, as the id of a file in OpenAI's own store.
_OWN_PARTS = ("input_text", "input_image", "input_file")


def input_of(messages: tuple[Message, ...], asked: Asked, stateless: bool) -> list[Item]:
    """`messages` as input items."""
    asked.lose(*unsupported_history(messages, NAME), *unsupported_fields(messages, marks=True, extra={"phase"}))
    return _Writer(asked, stateless).items(messages)


class _Writer:
    """Writes one conversation."""

    def __init__(self, asked: Asked, stateless: bool) -> None:
        self._asked, self._stateless = asked, stateless
        self._custom: set[Any] = set()  # the ids of calls of custom tools, which take text and no JSON

    def items(self, messages: Iterable[Message]) -> list[Item]:
        items: list[Item] = []
        for i, message in enumerate(resolve_tool_ids(messages, invent_ids=True, refusals=True)):
            if message.role == "tool":
                items.append(self._result(message))
            elif (own := native_of(message, NAME)) is not None:
                items += self._own(own)
            else:
                items += self._message_and_calls(i, message)
        return self._without_open_reasoning(items)

    # --- earlier answers, and tools' results ---------------------------------------------------------------------

    def _result(self, message: Message) -> Item:
        if not message.tool_call_id:
            raise InvalidRequest("a tool's answer does not say which call it answers: give its tool_call_id")
        # …/guides/function-calling, custom tools: their results have a type of their own.
        kind = "custom_tool_call_output" if message.tool_call_id in self._custom else "function_call_output"
        return {"type": kind, "call_id": message.tool_call_id, "output": self._content(message)}

    def _own(self, items: list[Item]) -> Iterable[Item]:
        for item in items:
            if item.get("type") == "custom_tool_call":
                self._custom.add(nonempty(item.get("call_id")))
            if self._stateless and _is_only_a_reference(item):
                self._asked.lose("reasoning that is not encrypted, of which store=False keeps nothing")
            else:
                yield _as_input(item)

    def _without_open_reasoning(self, items: list[Item]) -> list[Item]:
        """`items` without the reasoning of an answer that was cut before it said anything."""
        # "Item 'rs_…' of type 'reasoning' was provided without its required following item."
        kept: list[Item] = []  # from the last to the first
        for item in reversed(items):
            if item.get("type") == "reasoning" and not (kept and _is_of_an_answer(kept[-1])):
                self._asked.lose("reasoning that no answer follows")
            else:
                kept.append(item)
        return kept[::-1]

    def _message_and_calls(self, place: int, message: Message) -> list[Item]:
        """A message, and an item for each of its calls; no message for an answer that has calls alone."""
        calls = [self._call(call) for call in message.tool_calls]
        if calls and not message.refusal and all(part == TextPart("") for part in message.parts):
            return calls
        if message.role == "assistant":
            return [self._answer(place, message), *calls]
        return [{"role": message.role, "content": self._content(message)}, *calls]

    def _call(self, call: ToolCall) -> Item:
        if call.custom:
            self._custom.add(call.id)
            return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": call.arguments}
        # Text, so that also arguments that were cut go back as they are.
        arguments = call.arguments or "{}"
        return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}

    def _answer(self, place: int, message: Message) -> Item:
        """An answer that another wire gave, or that somebody wrote."""
        text = "".join(map(self._said, message.parts))
        phase = {"phase": message.extra["phase"]} if "phase" in message.extra else {}
        if self._asked.at_openai:
            # …/guides/conversation-state: {"role": "assistant", "content": "…"}
            content = "\n\n".join(filter(None, (text, message.refusal)))
            return {"role": "assistant", "content": content, **phase}
        # Other hosts want it as it was in the output. llama.cpp: "'type' must be one of 'output_text' or 'refusal'";
        # openrouter.ai/docs/api-reference/responses: id and status are required.
        parts: list[Item] = [{"type": "output_text", "text": text, "annotations": []}]
        if message.refusal:
            refusal = {"type": "refusal", "refusal": message.refusal}
            parts = [*parts, refusal] if text else [refusal]
        named = {"type": "message", "id": f"msg_{place}", "role": "assistant", "status": "completed"}
        return {**named, "content": parts, **phase}

    def _said(self, part: Part) -> str:
        if not isinstance(part, RawPart) and part.cache_control:
            self._asked.lose("cache_control of answers")
        match part:
            case TextPart(text):
                return text
            case RawPart({"type": "text" | "output_text" | "input_text", "text": str(text)}):
                self._asked.lose("notes on the texts of answers")
                return text
            case RawPart({"type": "refusal", "refusal": str(text)}):
                return text
        raise no_such_part(part, f"an answer on {NAME}", "texts")

    # --- questions -----------------------------------------------------------------------------------------------

    def _content(self, message: Message) -> str | list[Item]:
        match message.parts:
            case ():
                return message.refusal or ""
            case (TextPart(text, cache_control=None | False),):
                return text
        return [self._part(part) for part in message.parts]

    def _part(self, part: Part) -> Item:
        match part:
            case TextPart(text):
                return {"type": "input_text", "text": text, **self._breakpoint(part)}
            case ImagePart(url, detail):
                return self._image(url, detail, self._breakpoint(part))
            case FilePart():
                return self._file(part)
            case RawPart({"type": "file", "file": Mapping() as file}) if file.keys() <= _FILE_FIELDS:
                return {"type": "input_file", **file}
            case RawPart({"type": "input_image", **fields}):
                # `detail` is required here, and "auto" its default
                return {"type": "input_image", "detail": "auto", **fields}
            case RawPart({"type": kind} as raw) if kind in _OWN_PARTS:
                return dict(raw)
            case RawPart({"type": "refusal", "refusal": str(text)}):
                return {"type": "input_text", "text": text}
        raise no_such_part(part, NAME, _TAKES)

    def _image(self, url: str, detail: str | None, breakpoint: Item) -> Item:
        if not self._asked.takes("images"):
            raise InvalidRequest(f"{self._asked.model} takes no images: leave them out, or ask another model")
        word = one_of("detail of an image", detail or "auto", _DETAILS, NAME)
        return {"type": "input_image", "image_url": url, "detail": word, **breakpoint}

    def _file(self, part: FilePart) -> Item:
        kind = part.known_type or ""
        if kind.startswith(("audio/", "video/")):
            raise no_such_part(part, NAME, _TAKES)
        if kind.startswith("image/"):
            return self._image(_link(part), None, self._breakpoint(part))
        if not self._asked.takes("pdf"):
            raise InvalidRequest(f"{self._asked.model} takes no files: leave them out, or ask another model")
        if part.url:
            return {"type": "input_file", "file_url": part.url, **self._breakpoint(part)}
        # …/guides/file-inputs: the name goes with the data, and its end tells the kind of file
        end = "txt" if kind.startswith("text/") else kind.rpartition("/")[2]
        named = {"filename": part.file_name or f"file.{end}", "file_data": _link(part)}
        return {"type": "input_file", **named, **self._breakpoint(part)}

    def _breakpoint(self, part: TextPart | ImagePart | FilePart) -> Item:
        """A part's `cache_control` as OpenAI's mark, which gpt-5.6 and later models take."""
        mark = cache_mark(part.cache_control)
        if mark is None:
            return {}
        if not self._asked.is_known_to_take("breakpoints"):
            self._asked.lose("cache_control of parts")
            return {}
        # …/guides/prompt-caching: a prefix is kept for at least 30 minutes or, if asked for, 12 hours. The default
        # outlasts Anthropic's five minutes; of an hour only the 12 hours are sure to hold.
        longer = {"ttl": "12h"} if mark.get("ttl") == "1h" else {}
        return {"prompt_cache_breakpoint": {"mode": "explicit", **longer}}


def _link(part: FilePart) -> str:
    data = part.data
    return "data:{};base64,{}".format(*data) if data else str(part.url)


def _is_only_a_reference(item: Item) -> bool:
    # "Item with id 'rs_…' not found. Items are not persisted when `store` is set to false": reasoning that has neither
    # been encrypted nor been given as text is only an id, which a host that stored nothing cannot resolve.
    return item.get("type") == "reasoning" and not item.get("encrypted_content") and not item.get("content")


def _is_of_an_answer(item: Item) -> bool:
    return item.get("role", "assistant") == "assistant" and not str(item.get("type")).endswith("_output")


def _as_input(item: Item) -> Item:
    """An output item as an input item: without `created_by`, and the `status` that one of them has in outputs alone."""
    # …/responses/create, input: the types of items there have no such fields
    out_only = {"created_by", "status"} if item.get("type") == "custom_tool_call_output" else {"created_by"}
    known = {name: value for name, value in item.items() if name not in out_only}
    if item.get("type") == "shell_call_output":
        known["output"] = [
            {name: value for name, value in chunk.items() if name != "created_by"}
            for chunk in objects(item.get("output"))
        ]
    return known
