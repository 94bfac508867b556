"""Every body that leaves is one that the vendor's own types take; what they do not take is refused before."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import pytest
from vendor_bodies import USED, WIDER, faults
from vendor_corpus import MODELS, Case, option_cases, pair_cases
from vendor_frames import MODULES, installed
from vendor_histories import history_cases, reply_cases
from vendor_types import Fault

from sansio_core import ChatRequest, InvalidRequest, providers

pytestmark = pytest.mark.interop


class Sent(NamedTuple):
    """A body that left, and the warnings of what was left out of it."""

    body: Any
    told: list[str]


def sent(case: Case) -> Sent | None:
    """What leaves for a case; None if it was refused."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            request = ChatRequest(case.messages, model=case.model, **case.options)
            call = providers.create(case.wire, api_key="k").begin(request, lambda: 0.5)
        except InvalidRequest:
            return None
    return Sent(json.loads(call.request().body), [str(warning.message) for warning in told])


class Row(NamedTuple):
    """One kind of complaint; the cases with it, each with its models, and the values that are wrong."""

    path: str
    said: str
    cases: dict[str, list[str | None]]
    values: set[str]

    @property
    def count(self) -> int:
        return sum(map(len, self.cases.values()))

    def text(self, wire: str) -> str:
        some = [
            name if tuple(models) == MODELS[wire] else f"{name} [{', '.join(map(str, models))}]"
            for name, models in islice(self.cases.items(), 8)
        ]
        more = f" and {len(self.cases) - 8} more" if len(self.cases) > 8 else ""
        values = f" ({', '.join(sorted(self.values)[:8])})" if self.values - {""} else ""
        return f"{self.count:5} {self.path} {self.said}{values}\n        of {'; '.join(some)}{more}"


GROUPS = {"options": option_cases, "pairs": pair_cases, "histories": history_cases, "replies": reply_cases}


def cases() -> Iterator[Case]:
    """All requests."""
    for wire in MODELS:
        for group in GROUPS.values():
            yield from group(wire)


@cache
def complaints(wire: str, group: str) -> list[Row]:
    """What is wrong with the bodies of a group, the most frequent first; of pairs, what neither option does alone."""
    known = {(row.path, row.said) for row in complaints(wire, "options")} if group == "pairs" else ()
    rows: dict[tuple[str, str], Row] = {}
    for case in GROUPS[group](wire):
        for path, said, value in faults_of(case):
            key = re.sub(r"\[\d+\]", "[]", path), said
            if key not in known:
                row = rows.setdefault(key, Row(*key, {}, set()))
                row.values.add(value)
                models = row.cases.setdefault(case.id, [])
                if models[-1:] != [case.model]:  # several parts of one body may be wrong alike
                    models.append(case.model)
    return sorted(rows.values(), key=lambda row: -row.count)


def faults_of(case: Case) -> list[Fault]:
    """Where a case's body is wrong, and how; nothing for one that is refused."""
    try:
        went = sent(case)
    except Exception as error:  # noqa: BLE001  any other error than InvalidRequest is what is looked for
        return [Fault("the request", f"raised {type(error).__name__}", str(error))]
    model = case.model or providers.create(case.wire).info.default_model or ""
    # What the beta API answered goes back to the beta API.
    return faults(case.wire, model, went.body, beta=case.id.startswith("anthropic/beta/")) if went else []


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("wire", MODELS)
def test_bodies(wire: str, group: str) -> None:
    pytest.importorskip(MODULES[wire])
    rows = complaints(wire, group)
    if rows:
        heads = f"{sum(row.count for row in rows)} complaints of {len(rows)} kinds"
        pytest.fail("\n".join([heads, *(row.text(wire) for row in rows)]), pytrace=False)


def test_every_wider_field_is_needed() -> None:
    for wire in filter(installed, MODELS):
        for group in GROUPS:
            complaints(wire, group)
    assert {(row.wire, row.owner, row.field) for row in WIDER if installed(row.wire)} == USED


ASKS_NOTHING = (
    "response_format=text", "tools=none", "logprobs=False", "metadata={}", "temperature=1 [claude-opus-5-5]",
)  # fmt: skip
"""What a wire need not send, as it comes anyway."""


@pytest.mark.parametrize("wire", MODELS)
def test_no_option_is_lost_in_silence(wire: str) -> None:
    """An option changes the body, or is refused, or there is a warning of it."""
    plain = {model: sent(Case("", wire, model, {}, "Hi")) for model in MODELS[wire]}
    silent = [
        named
        for case in option_cases(wire)
        if (went := sent(case)) and went == plain[case.model] and case.id not in ASKS_NOTHING
        if (named := f"{case.id} [{case.model}]") not in ASKS_NOTHING
    ]
    if silent:
        pytest.fail(f"{len(silent)} leave no trace: {'; '.join(silent)}", pytrace=False)


Odd = tuple[str, dict[str, Any]]
ODD: dict[str, Odd] = {
    "unknown field": (".banana", {"banana": 1}),
    "missing field": (".model", {"model": ...}),
    "number as text": (".n", {"n": "1"}),
    "true as a number": (".n", {"n": True}),
    "unknown word": (".verbosity", {"verbosity": "loud"}),
    "unknown role": (".messages[0]", {"messages": [{"role": "boss", "content": "a"}]}),
    "unknown field in a list": (".messages[0].id", {"messages": [{"role": "user", "content": "a", "id": 1}]}),
    "wrong part": (".messages[0].content[1]", {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"},
                                                                                         {"type": "x"}]}]}),
    "unknown field of a tool": (".tools[0].function.x", {"tools": [{"type": "function",
                                                                    "function": {"name": "f", "x": 1}}]}),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_the_judge_sees(name: str) -> None:
    pytest.importorskip("openai")
    path, fields = ODD[name]
    good: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "a"}], "stream": True}
    assert faults("openai", "m", good) == []
    body = {field: value for field, value in {**good, **fields}.items() if value is not ...}
    assert [fault.path for fault in faults("openai", "m", body)] == [path]
