"""Messages of Anthropic's wire: turns of content blocks, platform.claude.com/docs/en/api/messages.

"Text content blocks must be non-empty" is the API's answer to an empty text, so that no empty text is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...errors import InvalidRequest, safe_repr
from ...parts import CacheControl, FilePart, ImagePart, Part, RawPart, TextPart, kind_of
from ...request import Message
from ..forms import arguments_of, cache_mark, no_such_part, objects, one_of
from ..history import native_of

NAME = "anthropic"
SYSTEM_ROLES = ("system", "developer")
Blocks = list[dict[str, Any]]

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")  # …/build-with-claude/vision
_TAKES = "texts, images, PDFs, and files of text that are no links"
# "Content block" of the page above, and of its beta: blocks that have no common form go in and come back as they are.
_BLOCKS = re.compile(
    r"text|image|document|search_result|container_upload|thinking|redacted_thinking|(server_|mcp_)?tool_use|compaction"
    r"|fallback|mcp_tool_listing|tool_addition|tool_removal|([a-z_]+_)?tool_result"
)
_RESULT_BLOCKS = re.compile(r"text|image|document|search_result|tool_reference|browser_state")
# platform.claude.com/docs/en/build-with-claude/prompt-caching: "up to 4 cache breakpoints", and the longer first
_MOST_MARKS = 4


def turns_of(messages: Sequence[Message], *, amid: bool) -> tuple[Blocks, list[dict[str, Any]], list[str]]:
    """The system prompt, the turns, and in words what had no place.

    The prompt has the system's first messages; `amid`: later ones stay in the conversation, else they are in it, too.
    """
    first = next((i for i, message in enumerate(messages) if message.role not in SYSTEM_ROLES), len(messages))
    prompt, later = list(messages[:first]), [message for message in messages[first:] if not _is_empty(message)]
    if amid:
        later, waiting = _placed(later)
    else:
        waiting = [message for message in later if message.role in SYSTEM_ROLES]
        later = [message for message in later if message.role not in SYSTEM_ROLES]
    runs: list[list[Message]] = []
    for message in later:
        # …/agents-and-tools/tool-use/parallel-tool-use: all results of one turn are in one message of the user's, or
        # the models no longer call tools in parallel
        if message.role == "tool" and runs and runs[-1][0].role == "tool":
            runs[-1].append(message)
        else:
            runs.append([message])
    turns = [turn for run in runs if (turn := _turn(run))["content"]]
    system = [block for message in (*prompt, *waiting) for block in _system(message)]
    return system, turns, ["the place of a system message in mid-conversation"] if waiting else []


def _placed(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """`messages` with those of the system where the API takes them, and those for which there is no such place.

    platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages: it "must immediately follow a `user`
    turn …, or an `assistant` turn ending in a server tool result, and must precede an `assistant` turn or end the
    array". So one before or amid a turn of the user's goes behind it: the answer that it is for is the same.
    """
    placed: list[Message] = []
    waiting: list[Message] = []
    for message in messages:
        if message.role in SYSTEM_ROLES:
            waiting.append(message)
            continue
        if message.role == "assistant" and placed and _can_precede_system(placed[-1]):
            placed += waiting
            waiting = []
        placed.append(message)
    if placed and _can_precede_system(placed[-1]):
        return placed + waiting, []
    return placed, waiting


def _can_precede_system(message: Message) -> bool:
    if message.role != "assistant":
        return True
    last = (native_of(message, NAME) or [{}])[-1].get("type")
    return isinstance(last, str) and last.endswith("_tool_result")


def _is_empty(message: Message) -> bool:
    # A tool's empty answer is one.
    nothing = not (message.native or message.tool_calls or message.role == "tool")
    return nothing and all(isinstance(part, TextPart) and not part.text for part in message.parts)


def _turn(run: list[Message]) -> dict[str, Any]:
    message = run[0]
    if message.role == "tool":
        return {"role": "user", "content": _results(run)}
    if message.role in SYSTEM_ROLES:
        return {"role": "system", "content": short(_system(message))}
    content = _assistant(message) if message.role == "assistant" else _content(message)
    return {"role": message.role, "content": short(content)}


def short(content: Blocks) -> str | Blocks:
    """Content of one plain text as a string, which the API has as a shorthand for one block of the type text."""
    match content:
        case [{"type": "text", "text": str(text), **rest}] if not rest:
            return text
    return content


def _system(message: Message) -> Blocks:
    blocks = _content(message)
    for part, block in zip(_filled(message), blocks, strict=True):
        if block["type"] != "text":
            raise InvalidRequest(f"anthropic takes texts alone in a system message, not {kind_of(part)}")
    return blocks


def _assistant(message: Message) -> Blocks:
    # platform.claude.com/docs/en/build-with-claude/thinking: thinking blocks go back complete and unmodified, as their
    # signature is checked.
    if blocks := native_of(message, NAME):
        return blocks
    calls = [
        {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments_of(call)}
        for call in message.tool_calls
    ]
    return _content(message) + calls


def _results(run: list[Message]) -> Blocks:
    """Tools' answers as content of the user's: …/agents-and-tools/tool-use/handle-tool-calls."""
    results: Blocks = []
    files: Blocks = []
    for message in run:
        if not message.tool_call_id:
            raise InvalidRequest("a tool's answer needs the tool_call_id of the call that it answers")
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id)}
        content = _content(message, _RESULT_BLOCKS)
        if message.is_error:
            # "all content must be type `text` if `is_error` is true" is the API's answer to anything else, and results
            # come before all other content of their message.
            files += [block for block in content if block["type"] != "text"]
            content = [block for block in content if block["type"] == "text"]
        result |= {"content": short(content)} if content else {}
        results.append(result | ({"is_error": True} if message.is_error else {}))
    return results + files


def _id(call_id: str | None) -> str:
    # The API's answer to another vendor's id, as functions.f:0: "String should match pattern '^[a-zA-Z0-9_-]+$'".
    return re.sub(r"[^a-zA-Z0-9_-]", "_", call_id or "")


# --- parts -----------------------------------------------------------------------------------------------------------


def _filled(message: Message) -> list[Part]:
    return [part for part in message.parts if not (isinstance(part, TextPart) and not part.text)]


def _content(message: Message, raw: re.Pattern[str] = _BLOCKS) -> Blocks:
    return [_block(part, raw) for part in _filled(message)]


def _block(part: Part, raw: re.Pattern[str]) -> dict[str, Any]:
    match part:
        case TextPart(text, mark):
            return marked({"type": "text", "text": text}, mark)
        case ImagePart():
            return marked({"type": "image", "source": _image(part.url, part.data)}, part.cache_control)
        case FilePart():
            return marked(_file(part), part.cache_control)
        case RawPart({"type": "refusal", "refusal": str(text)}) if text:  # OpenAI's: the model's words
            return {"type": "text", "text": text}
        case RawPart({"type": str(kind)} as block) if raw.fullmatch(kind):
            return with_mark(block)
    raise no_such_part(part, NAME, _TAKES)


def _image(url: str, data: tuple[str, str] | None) -> dict[str, Any]:
    if data is None:
        return {"type": "url", "url": url}
    return {"type": "base64", "media_type": one_of("image type", data[0], _IMAGES, NAME), "data": data[1]}


def _file(part: FilePart) -> dict[str, Any]:
    """…/build-with-claude/pdf-support, and "Document block" of the page above: PDFs and plain text."""
    if part.type.startswith("image/"):
        return {"type": "image", "source": _image(part.url or "", part.data)}
    source: dict[str, Any]
    if part.type == "application/pdf":
        data = part.data
        source = (
            {"type": "url", "url": part.url}
            if data is None
            else {"type": "base64", "media_type": data[0], "data": data[1]}
        )
    elif text := part.text:
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        raise no_such_part(part, NAME, _TAKES)
    return {"type": "document", "source": source} | ({"title": part.name} if part.name else {})


# --- cache_control ---------------------------------------------------------------------------------------------------


def marked(block: dict[str, Any], mark: CacheControl) -> dict[str, Any]:
    if (wire := cache_mark(mark)) is not None:
        one_of("ttl in a cache_control", wire.get("ttl", "5m"), ("5m", "1h"), NAME)
        block["cache_control"] = wire
    return block


def with_mark(given: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a tool or block of the wire's own form, whose mark may be True."""
    return marked({name: value for name, value in given.items() if name != "cache_control"}, given.get("cache_control"))


def check_marks(wire: Mapping[str, Any]) -> None:
    """Raises InvalidRequest for more marks than the API takes, and for those in an order that it does not take."""
    # "blocks are processed in the following order: `tools`, `system`, `messages`"
    blocks = [wire.get("tools"), wire.get("system"), *(turn["content"] for turn in wire["messages"])]
    ttls = [ttl for content in blocks for ttl in _ttls(content)]
    if len(ttls) > _MOST_MARKS:
        raise InvalidRequest(f"anthropic takes at most {_MOST_MARKS} cache_control marks in a request, not {len(ttls)}")
    if "1h" in ttls[ttls.index("5m") :] if "5m" in ttls else False:
        raise InvalidRequest(
            "anthropic takes no cache_control with the ttl '1h' behind one with '5m': give the earlier ones '1h', too"
        )


def _ttls(content: Any) -> Iterator[str]:
    for block in objects(content):
        if block.get("type") == "tool_result":
            yield from _ttls(block.get("content"))
        if mark := block.get("cache_control"):
            yield mark.get("ttl", "5m") if isinstance(mark, Mapping) else safe_repr(mark)
