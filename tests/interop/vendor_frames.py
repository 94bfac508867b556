"""Frames of answers, one of each kind that a vendor's SDK has a type for, each in a small good stream of its wire."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from bodies import LAST, MESSAGE, RESPONSE, lines, sse
from vendor_bodies import on_the_wire
from vendor_examples import Example, Leaf, Rules, examples
from vendor_types import fields_of, members_of


class Frame(NamedTuple):
    """An example of a frame: its wire, its kind, what it says, and a body with it."""

    wire: str
    kind: str
    leaves: list[Leaf]
    body: bytes


MODULES = {
    "openai": "openai",
    "openai_responses": "openai",
    "anthropic": "anthropic",
    "gemini": "google.genai",
    "ollama": "ollama",
}
"""The SDK of each wire's vendor."""


@cache
def installed(wire: str) -> bool:
    try:
        return find_spec(MODULES[wire]) is not None
    except ModuleNotFoundError:  # of google, in which genai is
        return False


def frame_types(wire: str) -> dict[str, Any]:
    """The types of the frames of a wire, each under the beginning of its frames' kinds."""
    match wire:
        case "openai":
            from openai.types.chat import ChatCompletionChunk

            return {"": ChatCompletionChunk}
        case "openai_responses":
            from openai.types.responses import ResponseStreamEvent

            return {"": ResponseStreamEvent}
        case "anthropic":
            from anthropic.types import RawMessageStreamEvent
            from anthropic.types.beta import BetaRawMessageStreamEvent

            return {"": RawMessageStreamEvent, "beta/": BetaRawMessageStreamEvent}
        case "gemini":
            from google.genai.types import GenerateContentResponse

            return {"": GenerateContentResponse}
    from ollama import ChatResponse

    return {"": ChatResponse}


@cache
def frames(wire: str) -> tuple[Frame, ...]:
    """Every kind of frame of a wire; none without its vendor's SDK."""
    if not installed(wire):
        return ()
    made = {"openai": _openai, "openai_responses": _responses, "anthropic": _anthropic, "gemini": _gemini}
    return tuple(made.get(wire, _ollama)())


def answers() -> Iterator[Frame]:
    """Those with something that may go back."""
    for wire in MODULES:
        # The last event of a response has the items that the events before it had.
        yield from (frame for frame in frames(wire) if not frame.kind.startswith(("message_", *_STATUS)))


def _frame(wire: str, kind: str, example: Example, body: bytes) -> Frame:
    return Frame(wire, "/".join(filter(None, (kind, example.label))), example.leaves, body)


# --- OpenAI's chat wire ----------------------------------------------------------------------------------------------

_DELTA = ("audio", "content", "function_call", "refusal", "tool_calls")
_CHUNK = Rules(
    fixed={("Choice", "index"): 0, ("ChoiceDeltaToolCall", "index"): 0},
    one_of={"ChoiceDelta": _DELTA},
)


def _openai() -> Iterator[Frame]:
    for example in examples(frame_types("openai")[""], _CHUNK):
        yield _frame("openai", "", example, sse(example.value, done=True))


# --- OpenAI's Responses wire -----------------------------------------------------------------------------------------

_STATUS = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.queued": "queued",
}
# The question's own words, which a response repeats: they have many forms, and none is the answer's.
ECHO = frozenset({"instructions", "tools", "tool_choice", "prompt"})


def _responses() -> Iterator[Frame]:
    for member in members_of(frame_types("openai_responses")[""]):
        kind = _type_of(member)
        for example in examples(member, _response_rules(kind)):
            yield _frame("openai_responses", kind, example, _in_a_response(kind, example.value))


def _response_rules(kind: str) -> Rules:
    absent = {("Response", "error")} if kind != "response.failed" else set()
    if kind != "response.incomplete":
        absent.add(("Response", "incomplete_details"))
    if kind in ("response.created", "response.in_progress", "response.queued"):  # nothing of the answer is there yet
        absent |= {("Response", "output"), ("Response", "usage"), ("Response", "completed_at")}
    fixed = {
        ("Response", "status"): _STATUS.get(kind, "in_progress"),
        ("AdditionalTools", "role"): "developer",  # the one role that may go back
    }
    return Rules(frozenset(absent), fixed, closed=ECHO)


def _in_a_response(kind: str, frame: Any) -> bytes:
    """A frame between the first and the last of a response; the item with what the frame began comes whole, as ever."""
    response = {**RESPONSE, **{name: frame["response"][name] for name in ("id", "model") if "response" in frame}}
    end = {"type": "response.completed", "response": {**response, "status": "completed"}}
    begin = {"type": "response.created", "response": response}
    if kind == "response.created":
        return sse(frame, end)
    if kind in ("error", "response.completed", "response.incomplete", "response.failed"):
        return sse(begin, frame)
    item = {"type": "message", "id": frame.get("item_id"), "role": "assistant", "status": "completed"}
    thought = {"type": "reasoning", "id": frame.get("item_id"), "summary": []}
    match kind:
        case "response.output_item.added":
            item = frame["item"]
        case "response.content_part.added" | "response.content_part.done":
            item = {**(thought if frame["part"]["type"] == "reasoning_text" else item), "content": [frame["part"]]}
        case "response.output_text.done":
            odds = [{**row, "bytes": [], "top_logprobs": []} for row in frame["logprobs"]]
            odds[0]["top_logprobs"] = [{**row, "bytes": []} for row in frame["logprobs"][0]["top_logprobs"]]
            part = {"type": "output_text", "text": frame["text"], "annotations": [], "logprobs": odds}
            item["content"] = [part]
        case "response.reasoning_summary_part.added":
            item = {**thought, "summary": [frame["part"]]}
        case _:
            return sse(begin, frame, end)
    done = {"type": "response.output_item.done", "output_index": frame["output_index"], "item": item}
    return sse(begin, frame, done, end)


def _type_of(member: Any) -> str:
    """The word of the field `type` of an event."""
    word: str = fields_of(member)["type"].kind.__args__[0]
    return word


# --- Anthropic's wire ------------------------------------------------------------------------------------------------

# What stands in the first event only when a message is not streamed: there the content is [] and the rest null.
_BEGIN = frozenset(
    (owner, name)
    for owner in ("Message", "BetaMessage")
    for name in ("content", "stop_reason", "stop_sequence", "stop_details")
)
_BLOCKS = {
    "text_delta": {"type": "text", "text": ""},
    "input_json_delta": {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
    "citations_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "signature_delta": {"type": "thinking", "thinking": "", "signature": ""},
    "compaction_delta": {"type": "compaction", "content": None},
}


def _anthropic() -> Iterator[Frame]:
    for prefix, union in frame_types("anthropic").items():
        for member in members_of(union):
            kind = _type_of(member)
            for example in examples(member, Rules(_BEGIN if kind == "message_start" else frozenset())):
                yield _frame("anthropic", prefix + kind, example, _in_a_message(kind, example.value))


def _in_a_message(kind: str, frame: Any) -> bytes:
    begin = {"type": "message_start", "message": MESSAGE}
    index = frame.get("index", 0)
    start = {"type": "content_block_start", "index": index}
    stop = {"type": "content_block_stop", "index": index}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
    last = {"type": "message_stop"}
    match kind:
        case "message_start":
            events = [{**frame, "message": {**frame["message"], "content": []}}, end, last]
        case "message_delta":
            events = [begin, frame, last]
        case "message_stop":
            events = [begin, end, frame]
        case "content_block_start":
            events = [begin, frame, stop, end, last]
        case "content_block_delta":
            events = [begin, {**start, "content_block": _BLOCKS[frame["delta"]["type"]]}, frame, stop, end, last]
        case _:
            events = [begin, {**start, "content_block": {"type": "text", "text": "a"}}, frame, end, last]
    return sse(*events, named=True)


# --- Gemini's wire ---------------------------------------------------------------------------------------------------

_PART = (
    "audioTranscription", "codeExecutionResult", "executableCode", "fileData", "functionCall", "functionResponse",
    "inlineData", "text", "toolCall", "toolResponse",
)  # fmt: skip
# Fields of the SDK's own, which it fills after it has read the answer.
SDKS = frozenset(
    ("GenerateContentResponse", name) for name in ("sdkHttpResponse", "automaticFunctionCallingHistory", "parsed")
)
_FEEDBACK = ("GenerateContentResponse", "promptFeedback")
_WHOLE_CALL = frozenset({("FunctionCall", "partialArgs"), ("FunctionCall", "willContinue")})
_ONE = {
    "Part": _PART,
    "GroundingChunk": ("image", "maps", "retrievedContext", "web"),
    "PartialArg": ("boolValue", "nullValue", "numberValue", "stringValue"),
}
_CANDIDATE = {("Candidate", "finishReason"): "STOP", ("Candidate", "index"): 0, ("PartialArg", "jsonPath"): "$.a"}
_NO_THOUGHT = frozenset({("Part", "thought")})


def _gemini() -> Iterator[Frame]:
    whole = SDKS | _WHOLE_CALL | {_FEEDBACK}
    thought = {**_CANDIDATE, ("Part", "thought"): True}
    streamed = (SDKS | {_FEEDBACK, ("FunctionCall", "args")} | _NO_THOUGHT, {**_ONE, "Part": ("functionCall",)})
    kinds = {
        "chunk": Rules(whole | _NO_THOUGHT, _CANDIDATE, _ONE),
        "thought": Rules(whole - _NO_THOUGHT, thought, {**_ONE, "Part": _PART}),
        "streamed-call": Rules(streamed[0], {**_CANDIDATE, ("PartialArg", "willContinue"): False}, streamed[1]),
        "blocked": Rules(SDKS | {("GenerateContentResponse", "candidates")}),
        "feedback": Rules(
            SDKS | _WHOLE_CALL | _NO_THOUGHT | {("GenerateContentResponsePromptFeedback", name)
                                               for name in ("blockReason", "blockReasonMessage")},
            _CANDIDATE, _ONE,
        ),
    }  # fmt: skip
    for kind, rules in kinds.items():
        for example in examples(frame_types("gemini")[""], rules):
            yield _frame("gemini", kind, example, sse(example.value))


# --- Ollama's wire ---------------------------------------------------------------------------------------------------


def _ollama() -> Iterator[Frame]:
    chunk = frame_types("ollama")[""]
    # The reason and the figures stand in the last chunk alone; a tool's name in the messages of a question.
    last = {("ChatResponse", name) for name in fields_of(chunk) if name.endswith(("reason", "count", "duration"))}
    for kind, done in (("chunk", False), ("last", True)):
        absent = frozenset({("Message", "tool_name")} | (set() if done else last))
        rules = Rules(absent, {("ChatResponse", "done"): done}, instead=on_the_wire("ollama"))
        for example in examples(chunk, rules):
            yield _frame("ollama", kind, example, lines(example.value, *(() if done else (LAST,))))
