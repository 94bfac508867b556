"""Messages of Anthropic's wire: turns of content blocks, platform.claude.com/docs/en/api/messages.

"Text content blocks must contain non-whitespace text" is the API's answer to any other, so that none is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, dropwhile, groupby, takewhile
from typing import Any, NamedTuple

from ...errors import InvalidRequest
from ...parts import CacheControl, FilePart, ImagePart, Part, RawPart, TextPart, kind_of, text_of
from ...request import Message
from ..forms import arguments_of, cache_mark, no_such_part, object_of, objects, one_of
from ..history import native_of

NAME = "anthropic"
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


class Turn(NamedTuple):
    """A message as blocks. Its role is "tool" where these are tools' results, which are the user's on the wire."""

    role: str
    content: Blocks


def turns_of(
    messages: Sequence[Message], *, amid: bool, signed: bool
) -> tuple[Blocks, list[dict[str, Any]], list[str]]:
    """The system prompt, the messages of the wire, and in words what had no place.

    The prompt has the system's first messages; `amid`: later ones stay in the conversation, else they are in it, too.
    `signed`: thinking goes back only as the API takes it, with its signature and before an answer.
    """
    given = [_turn(message) for message in messages]
    ended = [_without_open_end(turn) for turn in given] if signed else given
    turns = [turn for turn in ended if turn.content]
    prompt = list(takewhile(lambda turn: turn.role == "system", turns))
    placed, waiting = _placed(turns[len(prompt) :], amid)
    system = [block for turn in prompt + waiting for block in turn.content]
    lost = {
        "thinking without a signature, or with nothing behind it": ended != given,
        "the place of a system message in mid-conversation": bool(waiting),
    }
    return system, _in_wire(placed), list(filter(lost.get, lost))


def _without_open_end(turn: Turn) -> Turn:
    """`turn` without the thinking that the API does not take back, as of an answer that max_tokens cut."""
    # "The final block in an assistant message cannot be `thinking`"; "Invalid `signature` in `thinking` block"
    if turn.role != "assistant":
        return turn
    content = [block for block in turn.content if block.get("type") != "thinking" or block.get("signature")]
    while content and content[-1].get("type") in ("thinking", "redacted_thinking"):
        content.pop()
    return turn._replace(content=content)


def _placed(turns: list[Turn], amid: bool) -> tuple[list[Turn], list[Turn]]:
    """`turns` with those of the system where the API takes them, and those for which there is no such place.

    platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages: it "must immediately follow a `user`
    turn …, or an `assistant` turn ending in a server tool result, and must precede an `assistant` turn or end the
    array". So one before or amid a turn of the user's goes behind it: the answer that it is for is the same.
    """
    placed: list[Turn] = []
    waiting: list[Turn] = []
    for turn in (*turns, Turn("assistant", [])):  # the end is where the answer will be
        if turn.role == "system":
            waiting.append(turn)
            continue
        if amid and waiting and turn.role == "assistant" and _can_precede_system(placed[-1]):
            placed += waiting
            waiting = []
        placed.append(turn)
    return placed[:-1], waiting


def _can_precede_system(turn: Turn) -> bool:
    return turn.role != "assistant" or str(turn.content[-1].get("type")).endswith("_tool_result")


def _in_wire(turns: list[Turn]) -> list[dict[str, Any]]:
    wire: list[dict[str, Any]] = []
    for role, group in groupby(turns, lambda turn: turn.role):
        contents = [turn.content for turn in group]
        if role != "tool":
            wire += [{"role": role, "content": short(content)} for content in contents]
            continue
        # …/agents-and-tools/tool-use/parallel-tool-use: all results of one turn are in one message of the user's, or
        # the models no longer call tools in parallel. Results come before all other content of their message.
        blocks = chain.from_iterable(contents)
        wire.append({"role": "user", "content": sorted(blocks, key=lambda block: block["type"] != "tool_result")})
    return wire


def short(content: Blocks) -> str | Blocks:
    """Content of one plain text as a string, which the API has as a shorthand for one block of the type text."""
    block = content[0]
    is_plain = len(content) == 1 and block.keys() == {"type", "text"} and block["type"] == "text"
    return block["text"] if is_plain else content


def _turn(message: Message) -> Turn:
    match message.role:
        case "system" | "developer":
            return Turn("system", _system(message))
        case "assistant":
            return Turn("assistant", _assistant(message))
        case "tool":
            return Turn("tool", _result(message))
    return Turn(message.role, _content(message))


def _system(message: Message) -> Blocks:
    blocks = [_system_block(part) for part in message.parts]
    for part, block in zip(message.parts, blocks, strict=True):
        if block["type"] != "text":
            raise InvalidRequest(f"anthropic takes texts alone in a system message, not {kind_of(part)}")
    return _filled(blocks)


def _system_block(part: Part) -> dict[str, Any]:
    if isinstance(part, FilePart) and (text := text_of(part)) is not None:
        part = TextPart(text, part.cache_control)
    return _block(part, _BLOCKS)


def _assistant(message: Message) -> Blocks:
    # platform.claude.com/docs/en/build-with-claude/thinking: thinking blocks go back complete and unmodified, as their
    # signature is checked.
    if native := native_of(message, NAME):
        return _filled(native)
    calls = [
        {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": arguments_of(call)}
        for call in message.tool_calls
    ]
    return _content(message) + calls


def _result(message: Message) -> Blocks:
    """A tool's answer as content of the user's: …/agents-and-tools/tool-use/handle-tool-calls."""
    if not message.tool_call_id:
        raise InvalidRequest("a tool's answer needs the tool_call_id of the call that it answers")
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id)}
    content = _content(message, _RESULT_BLOCKS)
    files: Blocks = []
    if message.is_error:  # "all content must be type `text` if `is_error` is true" is the API's answer to anything else
        files = [block for block in content if block["type"] != "text"]
        content = [block for block in content if block["type"] == "text"]
    if content:
        result["content"] = short(content)
    if message.is_error:
        result["is_error"] = True
    return [result, *files]


def _id(call_id: str | None) -> str:
    # The API's answer to another vendor's id, as functions.f:0: "String should match pattern '^[a-zA-Z0-9_-]+$'".
    return re.sub(r"[^a-zA-Z0-9_-]", "_", call_id or "")


# --- parts -----------------------------------------------------------------------------------------------------------


def _filled(blocks: Iterable[dict[str, Any]]) -> Blocks:
    return [block for block in blocks if block.get("type") != "text" or str(block.get("text")).strip()]


def _content(message: Message, raw: re.Pattern[str] = _BLOCKS) -> Blocks:
    return _filled(_block(part, raw) for part in message.parts)


def _block(part: Part, raw: re.Pattern[str]) -> dict[str, Any]:
    match part:
        case TextPart(text, mark):
            return marked({"type": "text", "text": text}, mark)
        case ImagePart():
            return marked(_image(part), part.cache_control)
        case FilePart():
            return marked(_file(part), part.cache_control)
        case RawPart({"type": "refusal", "refusal": str(text)}) if text:  # OpenAI's: the model's words
            return {"type": "text", "text": text}
        case RawPart({"type": str(kind)} as block) if raw.fullmatch(kind) and not _is_others_text(block):
            return with_mark(block)
    raise no_such_part(part, NAME, _TAKES)


def _is_others_text(block: Mapping[str, Any]) -> bool:
    """Whether it is a text with a field of another wire's, as OpenAI's `prompt_cache_breakpoint`."""
    return block["type"] == "text" and not block.keys() <= {"type", "text", "citations", "cache_control"}


def _image(part: ImagePart | FilePart) -> dict[str, Any]:
    source = _source(part)
    if "media_type" in source:
        one_of("image type", source["media_type"], _IMAGES, NAME)
    return {"type": "image", "source": source}


def _file(part: FilePart) -> dict[str, Any]:
    """…/build-with-claude/pdf-support, and "Document block" of the page above: PDFs and plain text."""
    if part.type.startswith("image/"):
        return _image(part)
    if part.type == "application/pdf":
        source = _source(part)
    elif text := part.text:
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        raise no_such_part(part, NAME, _TAKES)
    return {"type": "document", "source": source} | ({"title": part.name} if part.name else {})


def _source(part: ImagePart | FilePart) -> dict[str, Any]:
    if (data := part.data) is None:
        return {"type": "url", "url": part.url}
    return {"type": "base64", "media_type": data[0], "data": data[1]}


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
    if "1h" in dropwhile("5m".__ne__, ttls):
        raise InvalidRequest(
            "anthropic takes no cache_control with the ttl '1h' behind one with '5m': give the earlier ones '1h', too"
        )


def _ttls(content: Any) -> Iterator[str]:
    for block in objects(content):
        if block.get("type") == "tool_result":
            yield from _ttls(block.get("content"))
        if mark := block.get("cache_control"):
            yield object_of(mark).get("ttl", "5m")
