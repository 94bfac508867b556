"""Earlier answers and tools' results in a conversation: which call a result answers, and what a wire cannot carry."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any

from ..errors import InvalidRequest, safe_repr
from ..parts import ImagePart, RawPart, TextPart
from ..request import Message, Native
from ..tool_call import ToolCall
from .forms import is_cut


def resolve_tool_ids(
    messages: Iterable[Message], *, invent_ids: bool, refusals: bool = False, errors: bool = False
) -> list[Message]:
    """`messages`, where each tool's result has the `tool_call_id` and the function's `name` of the call it answers.

    The call is the one with the result's id, else the oldest without a result that has the result's function name,
    else the oldest without a result. `invent_ids`: calls without an id get one, for wires that demand it.
    `refusals`, `errors`: the wire has a field for a refusal, and for a tool's is_error; on others the text says it.
    """
    out: list[Message] = []
    asked: list[ToolCall] = []
    waiting: list[ToolCall] = []  # those of `asked` without a result so far
    for message in messages:
        if message.tool_calls:
            if invent_ids:
                message = replace(message, tool_calls=_with_ids(message.tool_calls, len(out)))
            asked += message.tool_calls
            waiting += message.tool_calls
        elif message.role == "tool" and (call := _answered(message, asked, waiting)) is not None:
            if call in waiting:
                waiting.remove(call)
            message = replace(message, tool_call_id=message.tool_call_id or call.id, name=call.name)
        if message.refusal and not refusals:
            message = replace(message, parts=(*message.parts, TextPart(message.refusal)))
        out.append(_saying_that_it_failed(message, errors))
    return out


def _saying_that_it_failed(message: Message, errors: bool) -> Message:
    if errors or not message.is_error:
        return message
    match message.parts:
        case (TextPart(text) as first, *rest):  # still one part, which most wires have as a plain text
            return replace(message, parts=(replace(first, text=f"Error: {text}"), *rest))
    return replace(message, parts=(TextPart("Error:"), *message.parts))


def check_answered(messages: Iterable[Message], whose: str) -> None:
    """Raises InvalidRequest for a tool's result with the id of a call that no message before it makes."""
    made: set[str | None] = set()
    for message in messages:
        if message.native and not message.tool_calls:  # its calls stand in its items alone
            return
        made.update(call.id for call in message.tool_calls)
        if message.role == "tool" and message.tool_call_id and message.tool_call_id not in made:
            raise InvalidRequest(
                f"a message answers the call {safe_repr(message.tool_call_id)}, which no message before it makes: "
                f"{whose} takes a tool's answer only behind its call"
            )


def _with_ids(calls: tuple[ToolCall, ...], place: int) -> tuple[ToolCall, ...]:
    # Gemini's and Ollama's calls may have no id. The invented id depends on the place alone: a random one would change
    # the prompt with each request, and a changed prompt misses the vendor's prompt cache.
    return tuple(replace(call, id=call.id or f"call_{place}_{i}") for i, call in enumerate(calls))


def _answered(message: Message, asked: list[ToolCall], waiting: list[ToolCall]) -> ToolCall | None:
    if message.tool_call_id:
        # The last call with that id, as a server may count its ids anew in each answer.
        return next((call for call in reversed(asked) if call.id == message.tool_call_id), None)
    if message.name:
        return next((call for call in waiting if call.name == message.name), None)
    return waiting[0] if waiting else None


def system_and_turns(messages: Iterable[Message]) -> tuple[list[Message], list[list[Message]]]:
    """The system's messages, and all others in turns: consecutive results of tools are one turn, as is any other.

    This is for wires that have the system prompt in a field of its own and tools' results in the user's turns.
    """
    system: list[Message] = []
    others: list[Message] = []
    for message in messages:
        (system if message.role in ("system", "developer") else others).append(message)
    # A model may call several tools in one turn. Gemini answers 400 to results in several ("Please ensure that the
    # number of function response parts is equal to the number of function call parts of the function call turn"), and
    # Anthropic's models then no longer call tools in parallel:
    # platform.claude.com/docs/en/agents-and-tools/tool-use/parallel-tool-use.
    turns: list[list[Message]] = []
    for are_results, group in groupby(others, lambda message: message.role == "tool"):
        run = list(group)
        turns += [run] if are_results else [[message] for message in run]
    return system, turns


def native_of(message: Message, dialect: str) -> list[dict[str, Any]] | None:
    """The pieces of an answer in the shape in which the wire `dialect` gave it; None if it came from another wire."""
    if message.native is None or message.native.dialect != dialect:
        return None
    return [dict(item) for item in message.native.items]


def unsupported_history(
    messages: Iterable[Message],
    dialect: str = "",
    *,
    calls: bool = True,
    call_fields: bool = False,
    reasoning: bool = False,
    reasoning_matters: bool = True,
) -> list[str]:
    """In words, what a wire has no field for of the earlier answers among `messages`.

    What the wire takes: native items of `dialect` alone; tool calls, if `calls`; fields of a call beside id, name and
    arguments, if `call_fields`; reasoning as plain text, if `reasoning`. `reasoning_matters`: that it takes no
    reasoning is a loss.
    """
    answers = [message for message in messages if message.native or message.reasoning or message.tool_calls]
    if not answers:
        return []
    return _lost_reasoning(answers, dialect, reasoning, reasoning_matters) + _lost_calls(answers, calls, call_fields)


def _lost_reasoning(answers: list[Message], dialect: str, reasoning: bool, reasoning_matters: bool) -> list[str]:
    foreign = [answer for answer in answers if not _is_of(dialect, answer)]
    if held := _held_by(foreign, {"", "reasoning"} if reasoning else {""}):
        return [held]
    # Most hosts of the Chat Completions wire give reasoning as plain text and want none back: a warning in each of
    # their conversations would say nothing that the user could change.
    lost = reasoning_matters and not reasoning and any(answer.reasoning for answer in foreign)
    return ["the reasoning of earlier answers"] if lost else []


def _is_of(dialect: str, answer: Message) -> bool:
    return answer.native is not None and answer.native.dialect == dialect


def _held_by(answers: list[Message], taken: Container[str]) -> str:
    """In words, what the native items of `answers` hold besides what is `taken`."""
    natives = [answer.native for answer in answers if answer.native]
    held = [(word, native.dialect) for native in natives for word in _held(native) if word not in taken]
    words, whose = dict.fromkeys(word for word, _ in held), sorted({name for _, name in held})
    return f"the {_listed([*words])} of {', '.join(whose)} answers" if held else ""


# What native items hold, by `type`; by the names of their fields on Gemini's wire, which has no types. "": what a
# message has as text and tool_calls as well. All others are named as the wire names them.
_HELD = {
    **dict.fromkeys(("text", "message", "tool_use", "function_call", "custom_tool_call", "functionCall"), ""),
    **dict.fromkeys(("thinking", "reasoning", "reasoning.text", "reasoning.summary", "thought"), "reasoning"),
    **dict.fromkeys(("redacted_thinking", "reasoning.encrypted", "encrypted_content"), "encrypted parts"),
    **dict.fromkeys(("signature", "thoughtSignature"), "signatures"),
}


def _held(native: Native) -> Iterator[str]:
    for item in native.items:
        names = [name for name in ("signature", "encrypted_content") if item.get(name)]
        names = [str(item["type"]), *names] if "type" in item else list(item)
        yield from (_HELD.get(name, name) for name in names)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _lost_calls(answers: list[Message], calls: bool, call_fields: bool) -> list[str]:
    if not calls:
        return ["the tool calls of earlier answers"] if any(answer.tool_calls for answer in answers) else []
    fields = {name for answer in answers for call in answer.tool_calls for name in call.extra or ()}
    return [f"{', '.join(sorted(fields))} of tool calls"] if fields and not call_fields else []


def _has_marks(message: Message) -> bool:
    return any(not isinstance(part, RawPart) and part.cache_control for part in message.parts)


# Words for a message's own fields, and whether a message has something in them.
_OWN_FIELDS: tuple[tuple[str, Callable[[Message], bool]], ...] = (
    ("the name of messages", lambda message: message.name is not None and message.role != "tool"),
    ("cache_control of parts", _has_marks),
    ("the open end of a tool call's arguments, which were cut", lambda message: any(map(is_cut, message.tool_calls))),
)


@cache  # every request of a wire asks the same
def _lacking(*taken: bool) -> list[tuple[str, Callable[[Message], bool]]]:
    return [row for row, is_taken in zip(_OWN_FIELDS, taken, strict=True) if not is_taken]


def unsupported_fields(
    messages: Iterable[Message],
    *,
    names: bool = False,
    marks: bool = False,
    cut: bool = True,
    extra: Container[str] = (),
) -> list[str]:
    """In words, what a wire has no field for of the messages' own fields.

    What the wire takes: a `name` of messages other than tools' answers, if `names`; a part's `cache_control`, if
    `marks`; a call's arguments that were cut, if `cut`; other fields called `extra`.
    """
    lacking = _lacking(names, marks, cut)
    lost: dict[str, None] = {}  # in the order in which they stand in the messages, each once
    for message in messages:
        for words, is_in in lacking:
            if is_in(message):
                lost[words] = None
        for name in message.extra:
            if name not in extra:
                lost[f"the field {name} of messages"] = None
    return list(lost)


def unsupported_details(messages: Iterable[Message]) -> list[str]:
    """In words, the `detail` of images, of wires without a field for it; "auto" asks for nothing."""
    for message in messages:
        for part in message.parts:
            if isinstance(part, ImagePart) and part.detail not in (None, "auto"):
                return ["detail of images"]
    return []


def unsupported_in_text(messages: Iterable[Message]) -> list[str]:
    """In words, what is lost of earlier answers on a wire whose messages are plain text."""
    return unsupported_history(messages, calls=False, reasoning_matters=False) + unsupported_fields(messages)


def prompt_of(messages: Sequence[Message]) -> str:
    """`messages` as the one prompt of a wire that takes a single text.

    One message is its content, unchanged; several are a line each, `Role: content`, then a line `Assistant:`.
    """
    if len(messages) == 1:
        return messages[0].text
    lines = [f"{message.role.capitalize()}: {message.text}" for message in messages]
    # The open last line makes the model go on as the assistant, where it might else write the user's next line.
    return "\n".join([*lines, "Assistant:"])
