"""Every body that leaves is one that the vendor's own types take; what they do not take is refused before."""

from __future__ import annotations

import json
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
from vendor_bodies import USED, WIDER, faults
from vendor_corpus import MODELS, Case, option_cases, pair_cases
from vendor_histories import history_cases, reply_cases

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
    """One kind of complaint, and the cases with it."""

    path: str
    said: str
    cases: list[str]


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
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for case in GROUPS[group](wire):
        for path, said in faults_of(case):
            if (key := (re.sub(r"\[\d+\]", "[]", path), said)) not in known:
                found[key].append(f"{case.id} [{case.model}]" if case.model else case.id)
    return [Row(*key, names) for key, names in sorted(found.items(), key=lambda item: -len(item[1]))]


def faults_of(case: Case) -> Iterable[tuple[str, str]]:
    """Where a case's body is wrong, and how; nothing for one that is refused."""
    provider = providers.create(case.wire, api_key="k")
    try:
        went = sent(case)
    except Exception as error:  # noqa: BLE001  any other error is what is looked for
        return [("raised", f"{type(error).__name__}: {error}")]
    return faults(case.wire, case.model or provider.info.default_model or "", went.body) if went else ()


def told(rows: list[Row]) -> str:
    """A table of complaints, the most frequent first."""
    lines = [f"{sum(len(row.cases) for row in rows)} complaints of {len(rows)} kinds"]
    for row in rows:
        some = "; ".join(row.cases[:3]) + (" …" if len(row.cases) > 3 else "")
        lines.append(f"{len(row.cases):5} {row.path}: {row.said}\n        {some}")
    return "\n".join(lines)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("wire", MODELS)
def test_bodies(wire: str, group: str) -> None:
    rows = complaints(wire, group)
    if rows:
        pytest.fail(told(rows), pytrace=False)


def test_every_wider_field_is_needed() -> None:
    for wire in MODELS:
        for group in GROUPS:
            complaints(wire, group)
    assert {(row.wire, row.owner, row.field) for row in WIDER} == USED
