"""Earlier answers and tools' results in a conversation: which call a result answers, and what a wire cannot carry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..request import Message, ToolCall


def resolve_tool_ids(messages: Iterable[Message], *, invent_ids: bool) -> list[Message]:
    """`messages`, where each tool's result has the `tool_call_id` and the function's `name` of the call it answers.

    A call is found by its id, else by its function's name, else it is the oldest call without a result. Some wires give
    calls no id. For those that must have one, `invent_ids` makes one: always the same at the same place, as a prompt
    that changes between two requests would miss the vendor's prompt cache.
    """
    out: list[Message] = []
    asked: list[ToolCall] = []
    waiting: list[ToolCall] = []  # those of `asked` without a result so far
    for message in messages:
        if message.tool_calls:
            calls = message.tool_calls
            if invent_ids:
                calls = tuple(replace(c, id=c.id or f"call_{len(out)}_{i}") for i, c in enumerate(calls))
            asked += calls
            waiting += calls
            message = replace(message, tool_calls=calls)
        elif message.role == "tool":
            call = _answered(message, asked, waiting)
            if call is not None:
                if call in waiting:
                    waiting.remove(call)
                message = replace(message, tool_call_id=message.tool_call_id or call.id, name=call.name)
        out.append(message)
    return out


def _answered(message: Message, asked: list[ToolCall], waiting: list[ToolCall]) -> ToolCall | None:
    if message.tool_call_id:
        return next((call for call in reversed(asked) if call.id == message.tool_call_id), None)
    if message.name:
        return next((call for call in waiting if call.name == message.name), None)
    return waiting[0] if waiting else None


def unsupported_history(
    messages: Iterable[Message],
    dialect: str = "",
    *,
    calls: bool = True,
    call_fields: bool = False,
    reasoning: bool = False,
    reasoning_matters: bool = True,
) -> list[str]:
    """What a wire has no field for of the earlier answers among `messages`, in words.

    The wire takes native items of `dialect` alone; tool calls, if `calls`; fields of theirs beside id, name and
    arguments, if `call_fields`; reasoning as plain text, if `reasoning`. Where it takes none, the loss is named only if
    `reasoning_matters`: most hosts of the Chat Completions wire give reasoning and want none back.
    """
    answers = [message for message in messages if message.native or message.reasoning or message.tool_calls]
    lost: list[str] = []
    others = {answer.native.dialect for answer in answers if answer.native} - {dialect}
    if others:
        what = "signatures and encrypted parts" if reasoning else "reasoning and signatures"
        lost.append(f"the {what} of {', '.join(sorted(others))} answers")
    elif reasoning_matters and not reasoning and any(answer.reasoning and not answer.native for answer in answers):
        lost.append("the reasoning of earlier answers")
    if not calls and any(answer.tool_calls for answer in answers):
        lost.append("the tool calls of earlier answers")
    fields = {name for answer in answers for call in answer.tool_calls for name in call.extra or ()}
    if calls and not call_fields and fields:
        lost.append(f"{', '.join(sorted(fields))} of tool calls")
    return lost


def unsupported_in_text(messages: Iterable[Message]) -> list[str]:
    """The same for a wire whose messages are plain text."""
    return unsupported_history(messages, calls=False, reasoning_matters=False)


def prompt_of(messages: Sequence[Message]) -> str:
    """`messages` as the one text that some wires take.

    One message is its content, unchanged; several are a line each, `Role: content`, then a line `Assistant:`.
    """
    if len(messages) == 1:
        return messages[0].text
    lines = [f"{message.role.capitalize()}: {message.text}" for message in messages]
    return "\n".join([*lines, "Assistant:"])
