"""What Gemini's answers say of themselves: notes, metadata, and the figures of usage."""

from typing import Any

import pytest
from dialect_harness import every_cut, said_by, sse
from gemini_frames import chunk, text

from sansio_core import (
    Annotation,
    Finished,
    Metadata,
    NativeItem,
    Reply,
    Started,
    TextDelta,
    UnknownFrame,
    UsageReport,
    providers,
)


def with_fields(made: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A chunk with more fields in its candidate."""
    made["candidates"][0] |= fields
    return made


def exactly(*values: Any) -> list[Any]:
    return [event for event in said_by("gemini", *values) if not isinstance(event, (TextDelta, NativeItem))]


RATINGS = [{"category": "C", "probability": "LOW"}]
BLOCKED = [{"category": "C", "blocked": True}]
CITED = {"citationSources": [{"uri": "u"}]}


def test_a_note_or_rating_is_told_once_and_again_when_it_changed() -> None:
    body = sse(
        with_fields(chunk(text("a")), citationMetadata=CITED, safetyRatings=RATINGS, groundingMetadata={}),
        with_fields(chunk(text("b")), citationMetadata=CITED, safetyRatings=RATINGS),
        with_fields(chunk(finish="SAFETY"), safetyRatings=BLOCKED, finishMessage="Stopped"),
    )
    events = every_cut("gemini", body)
    told = [event for event in events if isinstance(event, (Annotation, Metadata, Finished))]
    assert told == [
        Annotation({"citationMetadata": CITED}),
        Metadata({"safetyRatings": RATINGS}),
        Metadata({"safetyRatings": BLOCKED}),
        Metadata({"finishMessage": "Stopped"}),
        Finished("content_filter", "SAFETY"),
    ]
    reply = Reply.of(events)
    assert (reply.text, reply.annotations) == ("ab", [{"citationMetadata": CITED}])
    assert reply.metadata == {"safetyRatings": BLOCKED, "finishMessage": "Stopped"}


@pytest.mark.parametrize("name", ["citationMetadata", "groundingMetadata", "urlContextMetadata", "logprobsResult"])
def test_notes_on_the_text(name: str) -> None:
    noted = with_fields(chunk(text("a"), index=1, finish="STOP"), **{name: {"x": 1}})
    assert exactly(noted) == [Annotation({name: {"x": 1}}, 1), Finished("stop", "STOP", 1)]


def test_log_probabilities_of_like_tokens_are_no_repetition() -> None:
    odds = {"chosenCandidates": [{"token": "ha", "logProbability": -0.5}]}
    events = exactly(*[with_fields(chunk(text("ha")), logprobsResult=odds) for _ in range(2)])
    assert events == [Annotation({"logprobsResult": odds})] * 2


def test_of_the_figures_of_an_answer_the_last_are_told() -> None:
    first = with_fields(chunk(text("a")), tokenCount=1, avgLogprobs=-2.0)
    last = with_fields(chunk(text("b"), finish="STOP"), tokenCount=2, avgLogprobs=-1.0)
    assert exactly(first, last) == [
        Metadata({"tokenCount": 2}), Metadata({"avgLogprobs": -1.0}), Finished("stop", "STOP"),
    ]  # fmt: skip


def test_what_is_new_in_a_candidate_or_its_content_is_not_lost() -> None:
    made = with_fields(chunk(text("a"), finish="STOP"), newField=[1], role="x")
    made["candidates"][0]["content"]["newer"] = {"a": 1}
    told = [Metadata({"newer": {"a": 1}}), Metadata({"newField": [1]}), Finished("stop", "STOP")]
    assert exactly(made, made) == told


def test_what_a_chunk_says_beside_its_candidates() -> None:
    status = {"modelStage": "DEPRECATED", "retirementTime": "2027-05-07T00:00:00Z"}
    feedback = {"safetyRatings": RATINGS}
    same: dict[str, Any] = {"responseId": "r", "createTime": "2026-11-22T10:00:00Z", "modelStatus": status}
    body = [chunk(text(said), promptFeedback=feedback, newField=7, **same) for said in "ab"]
    changed = chunk(text("c"), finish="STOP", **{**same, "createTime": "later", "newField": 8})
    silent = {"candidates": [], "promptFeedback": {"safetyRatings": []}}
    assert exactly(silent, *body, changed) == [
        Started("r"),
        Metadata({"createTime": "2026-11-22T10:00:00Z"}),
        Metadata({"promptFeedback": feedback}),
        Metadata({"newField": 7}),
        Metadata({"modelStatus": status}),
        Metadata({"newField": 8}),
        Finished("stop", "STOP"),
    ]


def test_a_chunk_of_a_status_alone_is_one() -> None:
    assert exactly({"modelStatus": {"message": "soon"}}) == [Metadata({"modelStatus": {"message": "soon"}})]
    assert [type(event) for event in exactly({"status": "soon"})] == [UnknownFrame]


def test_chunks_that_repeat_their_fields_are_compared_and_not_decoded() -> None:
    beside: dict[str, Any] = {"modelStatus": {"modelStage": "STABLE"}, "responseId": "r", "modelVersion": "m"}
    chunks = [with_fields(chunk(text(f"{n} "), **beside), safetyRatings=RATINGS, tokenCount=n) for n in range(9)]
    provider = providers.create("gemini", api_key="k")
    parser = provider.parser()
    events = [event for made in chunks for event in parser.feed(sse(made))]
    assert len(provider.templates.known) == 1
    assert [event for event in events if not isinstance(event, TextDelta)] == [
        Started("r", "m"), Metadata({"modelStatus": beside["modelStatus"]}), Metadata({"safetyRatings": RATINGS}),
    ]  # fmt: skip
    assert Reply.of(events).text == "".join(f"{n} " for n in range(9))


# --- usage -----------------------------------------------------------------------------------------------------------


def usage(**raw: Any) -> UsageReport:
    (report,) = exactly({"candidates": [], "usageMetadata": raw})
    assert isinstance(report, UsageReport)
    assert report.raw == raw
    return report


def test_all_figures_of_usage() -> None:
    report = usage(
        promptTokenCount=100,
        cachedContentTokenCount=40,
        candidatesTokenCount=20,
        thoughtsTokenCount=30,
        toolUsePromptTokenCount=5,
        totalTokenCount=155,
        promptTokensDetails=[{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
        candidatesTokensDetails=[{"modality": "AUDIO", "tokenCount": 2}, {"modality": "AUDIO"}, "odd"],
        trafficType="ON_DEMAND",
    )
    assert (report.input_tokens, report.output_tokens, report.cached_tokens, report.reasoning_tokens) == (
        100,
        20,
        40,
        30,
    )
    assert (report.input, report.output, report.total, report.total_tokens) == (105, 50, 155, 155)
    assert (report.audio_tokens, report.service_tier) == (12, "ON_DEMAND")


@pytest.mark.parametrize(
    ("raw", "output", "total"),
    [
        ({"promptTokenCount": 5, "totalTokenCount": 5}, None, 5),
        # 0 is left out: an answer that did not get beyond its thoughts
        ({"promptTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 12}, 7, 12),
        ({"promptTokenCount": 5, "candidatesTokenCount": 2}, 2, 7),
    ],
)
def test_figures_that_are_left_out(raw: dict[str, Any], output: int | None, total: int) -> None:
    report = usage(**raw)
    assert (report.output, report.total, report.audio_tokens, report.service_tier) == (output, total, None, None)


def test_the_tier_of_the_gemini_api() -> None:
    assert usage(promptTokenCount=1, serviceTier="standard", trafficType="ON_DEMAND").service_tier == "standard"


@pytest.mark.parametrize(
    ("word", "reason"),
    [("ESCALATION", "content_filter"), ("PUP_LIMITED_DISABLED", "error"), ("NO_IMAGE", "other")],
)
def test_newer_finish_reasons(word: str, reason: str) -> None:
    assert exactly(chunk(text("a"), finish=word)) == [Finished(reason, word)]
