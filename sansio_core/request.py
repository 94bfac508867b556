"""What the user asks: messages, model, options. Checked here once, so that every provider reads the same plain values.

Errors name the place (`messages[3]`), as a conversation may be long and come out of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .errors import InvalidRequest, safe_repr, suggestion
from .http_request import check_header
from .options import checked_options, types_out
from .part_forms import part_of
from .parts import CacheControl, FilePart, Part, RawPart, TextPart, kind_of, text_of
from .strict_json import dump_json
from .tool_call import ToolCall, extra_fields

if TYPE_CHECKING:
    from typing import Unpack

    from .typed import Options

# All that any wire knows; each provider says which it has (Provider.roles), and rejects the rest by name.
ROLES = ("system", "developer", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Native:
    """An assistant's message in the shape of the wire named `dialect`, from which it came; `items` are its pieces."""

    dialect: str
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One checked message. Users write mappings, and providers read these.

    `tool_calls` are an assistant's; `tool_call_id`, `name` and `is_error` belong to a tool's answer; `reasoning` and
    `native` are the fields of Reply.message beside its text; `refusal` is what OpenAI's wires call a model's words for
    why it declined. `extra` has all other fields that are not empty, as an earlier answer's `audio`.
    """

    role: str
    parts: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    reasoning: str = ""
    native: Native | None = None
    is_error: bool = False
    refusal: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The parts joined, for wires that carry text only; a file of text is a paragraph, under its name.

        Raises InvalidRequest if a part is no text.
        """
        pieces: list[str] = []
        for before, part in zip((None, *self.parts), self.parts, strict=False):
            text = text_of(part)
            if text is None:
                kind = kind_of(part)
                raise InvalidRequest(f"this provider takes text only, and a message holds {kind}: leave it out")
            apart = before is not None and (isinstance(part, FilePart) or isinstance(before, FilePart))
            pieces += ["\n\n", text] if apart else [text]
        return "".join(pieces) or self.refusal or ""


Messages = str | Sequence[Mapping[str, Any] | Message]
"""What users pass: a str is one user message."""


@dataclass(frozen=True, slots=True, init=False)
class ChatRequest:
    """A question to a provider.

    `messages`: a str, or a non-empty sequence of mappings with `role` and `content` (a str or a list of parts), of
    `Reply.message`, or of Message. `model`: one of the provider's names, or None for its default. `system`: a text
    that goes before the messages as a system message. `headers` and `cookies` go with this one request. `options` are
    those of Options and the provider's own; one that is None is left out. Functions among `tools`, and a class as
    `response_format`, become what providers read; the class stays as `answer_type`. Raises InvalidRequest, before
    anything is sent, for messages that are no conversation.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    answer_type: Any = None

    # Written by hand, as `**options` gathers every other keyword, which no generated __init__ does.
    def __init__(
        self,
        messages: Messages,
        *,
        model: str | None = None,
        system: str | None = None,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        cookies: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> None:
        put = object.__setattr__  # the class is frozen: its own __setattr__ raises
        put(self, "messages", _messages(messages) if system is None else _system(system) + _messages(messages))
        if model is not None and not isinstance(model, str):
            raise InvalidRequest(f"model must be a str, not {type(model).__name__}")
        put(self, "model", model or None)  # "", as command lines and forms give it, is as not given
        put(self, "headers", header_pairs(headers))
        put(self, "cookies", as_mapping("cookies", cookies))
        given = checked_options(options) if options else {}
        put(self, "answer_type", types_out(given) if given else None)
        put(self, "options", given)

    def with_messages(self, messages: Messages) -> ChatRequest:
        """The same question with other messages."""
        other = copy(self)
        object.__setattr__(other, "messages", _messages(messages))
        return other


def header_pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    """Header fields as users give them, a mapping or pairs, as checked pairs. Raises InvalidRequest for bad ones."""
    if not headers:
        return ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    try:
        fields = tuple((name, value) for name, value in pairs)  # a copy: the caller may change a list afterwards
    except (TypeError, ValueError):
        raise InvalidRequest("headers must be a mapping of names to values, or pairs of them") from None
    for name, value in fields:
        # RFC 9110 5.5: a line end in a value would begin another header field.
        check_header(name, value)
    return fields


def as_mapping(what: str, value: Any) -> dict[Any, Any]:
    """A copy of `value`, empty for None. Raises InvalidRequest when it is no mapping."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{what} must be a mapping, not {type(value).__name__}")
    return dict(value)


def _messages(messages: Messages) -> tuple[Message, ...]:
    if isinstance(messages, str):
        return (Message("user", (TextPart(_text(0, messages)),)),)
    # bytes and a mapping are iterable too: a single message without its list is an easy mistake
    if not isinstance(messages, Iterable) or isinstance(messages, (bytes, Mapping)):
        raise InvalidRequest(
            f"messages must be a str or a list of {{'role': …, 'content': …}}, not {type(messages).__name__}"
        )
    checked = tuple(_message(i, message) for i, message in enumerate(messages))
    if not checked:
        raise InvalidRequest("messages is empty: give at least one")
    return checked


def _system(text: Any) -> tuple[Message, ...]:
    """The message for `system=`; none where it is "", as command lines and forms give it."""
    if text == "":
        return ()
    if not isinstance(text, str):
        raise InvalidRequest(f"system must be a str, not {type(text).__name__}")
    return (Message("system", (TextPart(_text(None, text)),)),)


def _message(i: int, message: Mapping[str, Any] | Message) -> Message:
    if isinstance(message, Mapping):
        return _from_mapping(i, message)
    if not isinstance(message, Message):
        raise InvalidRequest(f"messages[{i}] must be a mapping with 'role' and 'content', not {type(message).__name__}")
    for part in message.parts:
        _check_texts(i, part)
    return message


def _from_mapping(i: int, message: Mapping[str, Any]) -> Message:
    fields: dict[str, Any] = {}
    # Histories come out of databases and other SDKs with fields of their own: wires name those that they lack.
    extra: dict[str, Any] = {}
    for name, value in message.items():
        if name not in _FIELDS:
            if value:
                extra[name] = value
        elif value is not None:
            fields[name] = _FIELDS[name](i, value)
    role, mark = _role(i, fields.pop("role", None)), fields.pop("cache_control", None)
    # An assistant that only called tools has no content.
    if "content" not in fields and not any(map(fields.get, ("tool_calls", "native", "refusal"))):
        raise InvalidRequest(f"messages[{i}] has no content")
    parts, placed = _marked(fields.pop("content", ()), mark, bool(fields.get("native")))
    if not placed:
        extra["cache_control"] = True  # no wire has such a field of a message: all name it
    more = fields.pop("reasoning_content", "")  # what DeepSeek and vLLM call `reasoning`
    return Message(role, parts, reasoning=fields.pop("reasoning", "") or more, extra=extra, **fields)


def _role(i: int, role: Any) -> str:
    # A tuple and no set: a role out of a file may be any value, also one that has no hash.
    if role in ROLES:
        return str(role)
    said = "no role" if role is None else f"the role {safe_repr(role)}{suggestion(role, ROLES)}"
    raise InvalidRequest(f"messages[{i}] has {said}; known are {', '.join(ROLES)}")


def _marked(parts: tuple[Part, ...], mark: CacheControl, native: bool) -> tuple[tuple[Part, ...], bool]:
    """`parts` with a message's own `cache_control` at their end; and whether all marks have a place there.

    They have none at an empty text, which most wires leave out, and where a `native` answer goes in place of the parts.
    """
    if mark and parts and not isinstance(last := parts[-1], RawPart):
        parts, mark = (*parts[:-1], replace(last, cache_control=mark)), None
    kept = tuple(_placed(part, native) for part in parts)
    return kept, not mark and kept == parts


def _placed(part: Part, native: bool) -> Part:
    """`part` without a `cache_control` that has no place."""
    if isinstance(part, RawPart) or not part.cache_control:
        return part
    empty = isinstance(part, TextPart) and not part.text
    return replace(part, cache_control=None) if native or empty else part


def _tool_calls(i: int, calls: Any) -> tuple[ToolCall, ...]:
    if not isinstance(calls, (list, tuple)):
        raise InvalidRequest(f"messages[{i}]['tool_calls'] must be a list, not {type(calls).__name__}")
    return tuple(_tool_call(i, call) for call in calls)


def _native(i: int, native: Any) -> Native:
    # Signed pieces that were changed would be rejected by the provider, in words that do not lead here.
    match native:
        case {"dialect": str(dialect), "items": [*items]} if all(isinstance(item, Mapping) for item in items):
            return Native(dialect, tuple(items))
    raise InvalidRequest(f"messages[{i}]['native'] must be what Reply.message gave, unchanged")


def _parts(i: int, content: Any) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(_text(i, content)),)
    if not isinstance(content, Iterable) or isinstance(content, (bytes, Mapping)):
        raise InvalidRequest(f"messages[{i}]['content'] must be a str or a list of parts, not {type(content).__name__}")
    return tuple(_part(i, part) for part in content)


def _part(i: int, given: Any) -> Part:
    try:
        part = part_of(given)
    except InvalidRequest as error:
        raise InvalidRequest(f"messages[{i}] has {error}") from None
    _check_texts(i, part)
    return part


def _check_texts(i: int, part: Part) -> None:
    # A part is typed, but a type does not exclude lone surrogates.
    if isinstance(part, TextPart):
        _text(i, part.text)
    elif not isinstance(part, RawPart):
        for name in part.__slots__:
            if isinstance(value := getattr(part, name), str):
                _text(i, value)


def _text(i: int | None, text: Any) -> str:
    """`text`, of messages[i], or for None of `system`, if it can be sent."""
    if not isinstance(text, str):
        raise InvalidRequest(f"messages[{i}] has text that is no str but {type(text).__name__}")
    try:
        # a lone surrogate (from a file read with surrogateescape, or half an emoji) has no UTF-8 form
        if not text.isascii():  # which is known at once, and a data URL is long
            text.encode()
    except UnicodeEncodeError as error:
        where = "system" if i is None else f"messages[{i}]"
        raise InvalidRequest(f"{where} has a lone surrogate at {error.start}: it is not text") from None
    return text


def _tool_call(i: int, call: Any) -> ToolCall:
    match call:
        case ToolCall():  # of a Reply, or out of other messages
            return call
        case {"function": {"name": str(name), **function}}:
            # a str on OpenAI's wire, an object on Ollama's and Gemini's
            arguments = function.get("arguments") or ""
            text = arguments if isinstance(arguments, str) else dump_json(arguments).decode()
            return ToolCall(_id(i, call), name, text, extra_fields(call))
        case {"custom": {"name": str(name), **custom}} if call.get("function") is None:
            text = _text(i, custom.get("input") or "")
            return ToolCall(_id(i, call), name, text, extra_fields(call), custom=True)
    raise InvalidRequest(f"messages[{i}] has a tool call without {{'function': {{'name': …, 'arguments': …}}}}")


def _id(i: int, call: Mapping[str, Any]) -> str | None:
    return None if call.get("id") is None else _text(i, call["id"])


def _as_it_is(i: int, value: Any) -> Any:
    return value


# What reads the value of each field of a message that Message covers; of those without one, Message has a default.
_FIELDS: dict[str, Callable[[int, Any], Any]] = {
    "role": _as_it_is,
    "content": _parts,
    "tool_calls": _tool_calls,
    "tool_call_id": _text,
    "name": _text,
    "reasoning": _text,
    "reasoning_content": _text,
    "native": _native,
    "is_error": lambda i, value: bool(value),
    "refusal": lambda i, value: _text(i, value) or None,
    "cache_control": _as_it_is,
}
