"""Answers of OpenAI's Responses API: what is made besides text, what is said of the answer, and how it ends."""

from typing import Any

import pytest
from dialect_harness import error_of, every_cut, sse
from openai_responses_frames import CALL, NAME, added, completed, done, ev, message, native, said, text

from sansio_core import (
    Annotation,
    ChatEvent,
    ChatRequest,
    Failed,
    Finished,
    KeepAlive,
    Metadata,
    NativeDelta,
    ProviderRefused,
    Reply,
    ServerFailed,
    Started,
    TextDelta,
    UsageReport,
    providers,
)
from sansio_core.events import Content


def made(value: dict[str, Any]) -> NativeDelta:
    return NativeDelta(NAME, value)


AUDIO = ev("audio.delta", delta="UklG")
WORDS = ev("audio.transcript.delta", delta="Hello")
IMAGE = ev("image_generation_call.partial_image", item_id="ig", output_index=0, partial_image_b64="iVBO",
           partial_image_index=0)  # fmt: skip
CODE = ev("code_interpreter_call_code.delta", item_id="ci", output_index=0, delta="1+1")
ALL_CODE = ev("code_interpreter_call_code.done", item_id="ci", output_index=0, code="1+1")
COMMAND = ev("shell_call_command.delta", output_index=0, command_index=0, delta="ls")
ALL_COMMAND = ev("shell_call_command.done", output_index=0, command_index=0, command="ls")
OTHER_COMMAND = ev("shell_call_command.done", output_index=0, command_index=1, command="pwd")
OUTPUT = ev("shell_call_output_content.delta", item_id="so", output_index=1, command_index=0, delta={"stdout": "a"})
ALL_OUTPUT = {**OUTPUT, "type": "response.shell_call_output_content.done", "output": [{"stdout": "a"}]}
ARGUMENTS = ev("mcp_call_arguments.delta", item_id="mc", output_index=0, delta="{}")
ALL_ARGUMENTS = ev("mcp_call_arguments.done", item_id="mc", output_index=0, arguments="{}")


@pytest.mark.parametrize(
    ("values", "events"),
    [
        ([AUDIO, WORDS, AUDIO], [made(AUDIO), made(WORDS), made(AUDIO)]),
        ([ev("audio.done"), ev("audio.transcript.done")],
         [made(ev("audio.done")), made(ev("audio.transcript.done"))]),
        ([IMAGE, IMAGE], [made(IMAGE)] * 2),
        ([CODE, CODE, ALL_CODE], [made(CODE)] * 2),
        ([ALL_CODE, ALL_CODE], [made(ALL_CODE)]),
        ([ev("shell_call_command.added", output_index=0, command_index=0, command=""), COMMAND, ALL_COMMAND,
          OTHER_COMMAND],
         [made(ev("shell_call_command.added", output_index=0, command_index=0, command="")), made(COMMAND),
          made(OTHER_COMMAND)]),
        ([ev("shell_call_command.delta", command_index=[1], delta="ls")],  # an index that is none
         [made(ev("shell_call_command.delta", command_index=[1], delta="ls"))]),
        ([ev("shell_call_command.added", output_index=0, command_index=0, command="ls"), ALL_COMMAND],
         [made(ev("shell_call_command.added", output_index=0, command_index=0, command="ls"))]),
        ([OUTPUT, ALL_OUTPUT], [made(OUTPUT)]),
        ([ALL_OUTPUT], [made(ALL_OUTPUT)]),
        ([ARGUMENTS, ALL_ARGUMENTS], [made(ARGUMENTS)]),
        ([ALL_ARGUMENTS], [made(ALL_ARGUMENTS)]),
        ([ev("compaction.compacting", item_id="cmp", output_index=0)],
         [made(ev("compaction.compacting", item_id="cmp", output_index=0))]),
        ([ev("mcp_list_tools.failed")], [KeepAlive("response.mcp_list_tools.failed")]),
        ([{"type": "keepalive", "sequence_number": 7}], [KeepAlive("keepalive"), Metadata({"sequence_number": 7})]),
        ([ev("output_text.annotation.added", annotation=None)], [KeepAlive("response.output_text.annotation.added")]),
    ],
)  # fmt: skip
def test_what_is_made_besides_text(values: list[Any], events: list[ChatEvent]) -> None:
    assert said(*values) == events


def test_what_is_made_is_no_silence() -> None:
    """The clock for progress goes on with it."""
    assert all(isinstance(event, Content) for event in said(AUDIO, IMAGE, CODE, COMMAND, OUTPUT, ARGUMENTS))


def test_logprobs_are_told_once() -> None:
    odds = [{"token": "a", "logprob": -0.1}]
    whole = {"type": "output_text", "text": "a", "logprobs": odds}
    note = Annotation({"logprobs": odds})
    last = ev("output_text.done", text="a", logprobs=odds, output_index=0, content_index=0)
    item = {"type": "message", "content": [whole]}
    for values in ([text("a", logprobs=odds, output_index=0, content_index=0), last, done(0, **item)], [last],
                   [last, ev("content_part.done", part=whole, output_index=0, content_index=0)]):  # fmt: skip
        assert [event for event in said(*values) if not isinstance(event, type(native({})))] == [TextDelta("a"), note]
    assert said(done(0, **item))[:2] == [TextDelta("a"), note]


# --- what is said of the answer --------------------------------------------------------------------------------------

SETTINGS = {
    "object": "response", "created_at": 1, "instructions": "Be brief.", "metadata": {"a": "b"}, "store": True,
    "tools": [{"type": "web_search"}], "temperature": 1.0, "top_p": 1.0, "background": True,
    "reasoning": {"effort": "low"}, "previous_response_id": "r0", "truncation": "disabled", "tool_choice": "auto",
    "conversation": None, "moderation": None, "max_tool_calls": 3, "text": {"verbosity": "low"},
}  # fmt: skip


def test_facts_of_the_answer_are_told_once_at_its_end() -> None:
    begun = {**SETTINGS, "id": "r1", "model": "m", "service_tier": "auto", "conversation": {"id": "conv_1"}}
    facts = {"service_tier": "default", "tool_usage": {"web_search": {"num_requests": 1}}, "completed_at": 5}
    usage = {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 7},
             "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}, "total_tokens": 3}  # fmt: skip
    last = ev("completed", response={**SETTINGS, **facts, "status": "completed", "usage": usage}, sequence_number=9)
    events = said(ev("created", response=begun), ev("in_progress", response=begun), text("a"), last)
    assert events == [
        Started("r1", "m"),
        TextDelta("a"),
        UsageReport(1, 2, 0, 1, usage, 3, cache_write_tokens=7, service_tier="default"),
        Metadata({**facts, "conversation": {"id": "conv_1"}, "sequence_number": 9}),
        Finished("stop", "completed"),
    ]
    reply = Reply.of(events)
    assert reply.metadata["conversation"] == {"id": "conv_1"}
    assert reply.usage is not None
    assert (reply.usage.input, reply.usage.output, reply.usage.total) == (1, 2, 3)


def test_facts_of_an_answer_that_was_cut() -> None:
    events = every_cut(NAME, sse(ev("created", response={"id": "r1", "service_tier": "flex"}), text("a")))
    assert events[:3] == [Started("r1"), TextDelta("a"), Metadata({"service_tier": "flex"})]
    assert isinstance(events[3], Failed)


def test_facts_of_a_response_that_is_not_over() -> None:
    events = said({"object": "response", "status": "queued", "id": "r1", "service_tier": "flex"})
    assert [event for event in events if isinstance(event, Metadata)] == [Metadata({"service_tier": "flex"})]


MISALIGNMENT = {"error_type": "e", "steer": {"message": "Stop."}}


@pytest.mark.parametrize(
    ("value", "facts"),
    [
        ({"type": "error", "code": "c", "message": "m", "param": "p", "sequence_number": 3}, {"sequence_number": 3}),
        (
            {"type": "error", "sequence_number": 2, "error": {"type": "t", "code": "c", "message": "m", "param": "p"}},
            {"sequence_number": 2},
        ),
        (
            {"type": "error", "error": {"code": "c", "message": "m", "param": "p", "headers": {"a": "b"}}},
            {"error": {"code": "c", "message": "m", "param": "p", "headers": {"a": "b"}}},
        ),
        (
            completed(status="failed", error={"code": "c", "message": "m", "param": "p", "misalignment": MISALIGNMENT}),
            {"error": {"code": "c", "message": "m", "param": "p", "misalignment": MISALIGNMENT}},
        ),
        (
            {**completed(status="failed", error={"code": "c", "message": "m", "param": "p"}, service_tier="flex"),
             "sequence_number": 4},
            {"service_tier": "flex", "sequence_number": 4},
        ),
    ],
)  # fmt: skip
def test_an_error_keeps_all_that_it_says(value: dict[str, Any], facts: dict[str, Any]) -> None:
    events = every_cut(NAME, sse(value))
    assert events[0] == Metadata(facts)
    error = error_of(events)
    assert isinstance(error, ProviderRefused)
    assert (error.code, error.param, error.detail) == ("c", "p", "m")


def test_a_server_error_without_more_to_say() -> None:
    (failed,) = every_cut(NAME, sse({"type": "error", "code": "server_error", "message": "m", "param": None}))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ServerFailed)


# --- ends ------------------------------------------------------------------------------------------------------------

COMPACTION = {"type": "compaction", "id": "cmp_1", "encrypted_content": "E"}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"}
SAID = message("One.", id="msg_1", role="assistant", status="completed", phase="commentary")


@pytest.mark.parametrize(
    ("output", "fields", "reason"),
    [
        ([SAID], {"status": "incomplete", "incomplete_details": {"reason": "max_messages"}}, "pause"),
        ([SAID], {"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "pause"),
        ([SAID, CALL], {"status": "incomplete", "incomplete_details": {"reason": "steered"}}, "tool_calls"),
        ([COMPACTION], {}, "pause"),
        ([COMPACTION, SAID], {}, "stop"),
        ([COMPACTION, CALL], {}, "tool_calls"),
        ([SAID, {"type": "mcp_approval_request", "id": "mcpr_1", "name": "f", "arguments": "{}"}], {}, "tool_calls"),
        ([{"type": "shell_call", "call_id": "c"}, {"type": "shell_call_output", "call_id": "c"}, SAID], {}, "stop"),
        ([{"type": "computer_call", "call_id": "c"}], {}, "tool_calls"),
    ],
)
def test_ends_of_a_response(output: list[Any], fields: dict[str, Any], reason: str) -> None:
    streamed = [done(i, **item) for i, item in enumerate(output)]
    for values in ([*streamed, completed(*output, **fields)], [completed(*output, **fields)]):
        assert Reply.of(said(*values)).finish_reason == reason


@pytest.mark.parametrize("output", [[THOUGHT, SAID], [COMPACTION], [COMPACTION, THOUGHT, SAID]])
@pytest.mark.parametrize("store", [True, False])
def test_an_answer_that_pauses_goes_on_when_it_is_sent_back(output: list[Any], store: bool) -> None:
    end = completed(*output, status="incomplete", incomplete_details={"reason": "max_messages"})
    reply = Reply.of(said(*(done(i, **item) for i, item in enumerate(output)), end))
    assert reply.finish_reason == "pause"
    asked = ChatRequest([{"role": "user", "content": "Count."}, reply.message], model="gpt-5.6", store=store)
    wire = providers.create(NAME, api_key="k").begin(asked, lambda: 0.5).request().body.decode()
    assert [part for part in ('"cmp_1"', '"rs_1"', '"commentary"') if part in wire] == [
        part for part, item in (('"cmp_1"', COMPACTION), ('"rs_1"', THOUGHT), ('"commentary"', SAID)) if item in output
    ]


def test_a_call_without_an_id_and_a_status() -> None:
    bare = {"type": "function_call", "name": "f", "arguments": "{}"}
    reply = Reply.of(said(added(0, **bare), done(0, **bare), completed(bare)))
    (call,) = reply.tool_calls
    assert (call.id, call.name, call.arguments, reply.finish_reason) == (None, "f", "{}", "tool_calls")
