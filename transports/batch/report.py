"""The report of a batch: one HTML page about an output file, from that file alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from math import floor, log10
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sansio_core import InvalidRequest

from .._shared.ways import PathLike
from .bins import Course, Histogram, Span
from .page import figure, grid, page, paragraph, section, table, terms
from .tally import OTHERS, Tally, tally_of

_PERCENTS: Final = (50, 90, 99)
_BARS: Final = 40  # of a histogram, at most
_SPANS: Final = 120  # of a plot over time, at most
_LINES: Final = 24  # of a table of numbers over time, or of a histogram, at most
_CLASSES: Final = 4  # of errors that have a colour of their own
_NO_PLOTS: Final = (
    'There are no plots, as matplotlib is not installed: pip install "sansio-chat[report]", and make the report again.'
)


def write_report(output_path: PathLike, html_path: PathLike) -> None:
    """Write a page of HTML about the output file of a batch, which may still be running.

    The page stands alone: it has no scripts and loads nothing. The plots need matplotlib (extra `report`); without it
    the page has its tables, and says so. Texts that were asked or answered are not on it; ids, models and messages of
    errors are.

    Raises OSError where a file cannot be read or written, and InvalidRequest where `output_path` is no output of a
    batch, or `html_path` a folder, a file that is no page, or in no folder.
    """
    check_place(html_path)
    html = _page(tally_of(output_path), os.path.basename(os.fspath(output_path)))
    try:
        Path(html_path).write_bytes(html)
    except OSError as error:
        error.filename = os.fspath(html_path)  # a full disk's error has none
        raise


def check_place(html_path: PathLike) -> None:
    """Raises InvalidRequest for a path that no report can be written to, before anything is done; OSError.

    A file that is there must be a page, so that no two exchanged names cost a file of answers.
    """
    path = Path(html_path)
    if os.fspath(html_path) == "-":
        raise InvalidRequest("the report must be a file: give it a name, as out.html")
    if path.is_file():
        with path.open("r+b") as file:
            begin = file.read(100).lstrip()
        if begin and not begin[:9].lower() == b"<!doctype":
            raise InvalidRequest(f"{os.fspath(path)!r} is there, and is no page of HTML: give the report another name")
    elif path.is_dir():
        raise InvalidRequest(f"{os.fspath(path)!r} is a folder: give the report a file's name")
    elif not path.parent.is_dir():
        raise InvalidRequest(f"there is no folder {os.fspath(path.parent)!r} for the report: make it first")
    elif not os.access(path.parent, os.W_OK):
        raise InvalidRequest(f"the folder {os.fspath(path.parent)!r} cannot be written to: give the report another one")


def _page(tally: Tally, name: str) -> bytes:
    plots = _plots()
    return page(
        f"Batch report: {name}",
        paragraph(_how_it_stands(tally)),
        *_notes(tally),
        *_summary(tally),
        _how_fast(tally, plots),
        _over_time(tally, plots),
        _slowest(tally),
        _errors(tally),
        _about(tally),
        "" if plots or not tally.rows else paragraph(_NO_PLOTS, "note"),
    )


def _plots() -> ModuleType | None:
    """The module that draws; None without matplotlib."""
    try:
        from . import plots
    except ImportError:
        return None
    return plots


def _how_it_stands(tally: Tally) -> str:
    if not tally.rows:
        return "No row has ended yet: the file has none."
    if not tally.failed:
        return f"Every row in the file is answered: {tally.answered:,}."
    return (
        f"{tally.failed:,} of {tally.rows:,} rows failed ({_share(tally.failed, tally.rows)}). "
        "The same command with --retry-failed asks them again, and no others."
    )


def _notes(tally: Tally) -> Iterable[str]:
    if tally.odd:
        numbers = ", ".join(f"{number:,}" for number in tally.odd_lines)
        more = f" and {tally.odd - len(tally.odd_lines):,} more" if tally.odd > len(tally.odd_lines) else ""
        yield paragraph(f"Left out, as they are no rows of a batch: lines {numbers}{more} of the file.", "note")
    if len(tally.settings.counts) > 1:
        yield paragraph(
            "The rows were answered under different settings (model, template or options): see the table of settings.",
            "note",
        )


def _summary(tally: Tally) -> Iterable[str]:
    if not tally.rows:
        return
    seconds, first = tally.seconds, tally.first_text
    facts = (
        ("Rows", f"{tally.rows:,}"),
        ("Answered", f"{tally.answered:,}"),
        ("Failed", f"{tally.failed:,}"),
        ("Rows/s", _number(tally.lines / seconds) if seconds else "-"),
        ("First text, median", f"{_number(first.percentile(50))} s" if first.count else "-"),
        ("Output tokens", f"{tally.output_tokens:,.0f}"),
    )
    yield terms(facts, "tiles")
    groups = (
        ("Models", "Model", "Answers", tally.models),
        ("How answers ended", "Finish reason", "Answers", tally.finished),
        ("Settings", "Digest", "Rows", tally.settings),
    )
    tables = [
        table(caption, (of, counted), [(name, f"{count:,}") for name, count in names.counts.most_common()], (of,))
        for caption, of, counted, names in groups
        if names.counts
    ]
    yield section("Summary", terms([*_counts(tally), *_times(tally)]), grid(tables, "grid small"))


def _counts(tally: Tally) -> Iterable[tuple[str, str]]:
    given = tally.answered - tally.without_usage
    by = f" (given by {given:,} of {tally.answered:,} answers)" if tally.without_usage else ""
    yield "Rows that took more than one try", f"{tally.retried:,}"
    if tally.asked_again:
        yield "Failed rows that were asked again (--retry-failed)", f"{tally.asked_again:,}"
    yield "Refusals (status 429, 503, 529): the row was sent again later", f"{tally.refused:,}"
    yield "Input tokens", f"{tally.input_tokens:,.0f}{by}"
    yield "Output tokens", f"{tally.output_tokens:,.0f}{by}"


def _times(tally: Tally) -> Iterable[tuple[str, str]]:
    if tally.begin is None or tally.end is None:
        return
    seconds, paused = tally.seconds, tally.timeline.course(_SPANS).paused
    yield "Begin (UTC)", _moment(tally.begin)
    yield "End (UTC)", _moment(tally.end)
    yield "Took", _duration(seconds)
    yield "Output tokens/s, of all rows together", _number(tally.output_tokens / seconds)
    if paused:
        yield "Pauses, a minute and more without a row under way", f"{_duration(paused)} in all"
        yield "Rows/s without the pauses", _number(tally.lines / max(seconds - paused, 0.001))


# --- how fast --------------------------------------------------------------------------------------------------------

def _how_fast(tally: Tally, plots: ModuleType | None) -> str:
    kinds = (("Time to first text", "seconds", tally.first_text), ("Speed of an answer", "tokens/s", tally.speed))
    figures = [_histogram(*kind, plots) for kind in kinds if kind[2].count]
    if not figures:
        return ""
    about = (
        "Of answered rows. The time to first text is counted from the sending of the last try; the speed is an "
        "answer's output tokens by all its seconds. Percentiles are exact to 1 %."
    )
    return section("How fast", paragraph(about, "quiet"), grid(figures))


def _histogram(name: str, unit: str, counted: Histogram, plots: ModuleType | None) -> str:
    marks = [(f"p{percent}", counted.percentile(percent)) for percent in _PERCENTS]
    said = ", ".join(f"{mark} {_number(value)} {unit}" for mark, value in marks)
    rows = [
        (_number(bar.low), _number(bar.high), f"{bar.numbers:,}", _share(bar.numbers, counted.count))
        for bar in counted.bars(_LINES)
    ]
    numbers = table(f"{name}, {unit}", ("More than", "up to", "Rows", "Share"), rows)
    svg = plots.histogram(name, counted.bars(_BARS), marks, unit) if plots else ""
    return figure(name, f"{said}; {counted.count:,} rows", svg, numbers)


# --- over time -------------------------------------------------------------------------------------------------------


def _over_time(tally: Tally, plots: ModuleType | None) -> str:
    if tally.begin is None:
        return ""
    course, few = tally.timeline.course(_SPANS), tally.timeline.course(_LINES)
    classes = _classes(course.spans)
    columns, times = _columns(few, classes), list(map(_moment, few.times))

    def numbers(caption: str, columns: Iterable[tuple[str, list[str]]]) -> str:
        headings, values = zip(*columns, strict=True)
        rows = zip(times, *values, strict=True)
        return table(f"{caption}, each {_duration(few.width)}", ("From (UTC)", *headings), rows)

    about = paragraph(_OVER_TIME + (_PAUSES if plots and course.pauses else ""), "quiet")
    if plots is None:
        return section("Over time", about, numbers("What happened", chain(*columns.values())))
    figures, nothing = [], []
    for name, (said, none, unit, series) in _kinds(course, classes).items():
        if any(map(any, (values for _, values in series))):
            svg = plots.over_time(name, course, series, unit, line=name == _WINDOW)
            figures.append(figure(name, said, svg, numbers(name, columns[name]), _legend(classes, series, name)))
        elif none:
            nothing.append(paragraph(none, "quiet"))
    return section("Over time", about, grid(figures), *nothing)


_ANSWERED, _FAILED, _REFUSED, _WINDOW = "Answered", "Failed", "Refused", "Window"


def _columns(course: Course, classes: Sequence[str]) -> dict[str, list[tuple[str, list[str]]]]:
    """The columns of the tables over time, each with its heading, by plot."""
    spans = course.spans
    return {
        _ANSWERED: [
            ("Answered", [f"{span.answered:,}" for span in spans]),
            ("Answered/s", [_number(span.answered / course.width) for span in spans]),
        ],
        _FAILED: [(name, [f"{n:,}" for n in counts]) for name, counts in _by_class(spans, classes).items()],
        _REFUSED: [("Refused", [f"{span.refused:,}" for span in spans])],
        _WINDOW: [("Window", ["-" if n is None else _number(n) for n in map(_window, spans)])],
    }


def _kinds(course: Course, classes: Sequence[str]) -> dict[str, tuple[str, str, str, list[Any]]]:
    """The plots over time: for each its caption, the sentence where there is nothing to show, its unit, its series."""
    spans, each = course.spans, f"in each span of {_duration(course.width)}"
    failed = _by_class(spans, classes)
    return {
        _ANSWERED: (
            "Rows answered, in a second", "No row was answered.", "rows/s",
            [(1, [span.answered / course.width for span in spans])],
        ),
        _FAILED: (
            f"Rows failed {each}, by the error's class", "No row failed.", "rows",
            [(colour, failed[name]) for colour, name in enumerate(classes, 2)],
        ),
        _REFUSED: (
            f"How often the rows that ended were refused, {each}", "No request was refused.", "refusals",
            [(5, [span.refused for span in spans])],
        ),
        _WINDOW: ("How many rows could be under way at once", "", "rows at once", [(1, list(map(_window, spans)))]),
    }  # fmt: skip


def _legend(classes: Sequence[str], series: list[Any], name: str) -> list[tuple[int, str]]:
    if name != _FAILED:  # one series alone
        return []
    return [(colour, f"{kind} {sum(counts):,}") for kind, (colour, counts) in zip(classes, series, strict=True)]


_OVER_TIME: Final = "A row counts at its end, as it happened: also where it failed and was asked again later."
_PAUSES: Final = " Pauses, a minute and more without a row under way, are left out: a dotted line stands for each."


def _classes(spans: Sequence[Span]) -> list[str]:
    """The classes of errors that have their own series, the most frequent first; `OTHERS` for the rest."""
    total: Counter[str] = Counter()
    for span in spans:
        total += span.failed
    names = [name for name, _ in total.most_common() if name != OTHERS]
    return names[:_CLASSES] + [OTHERS] * (len(total) > _CLASSES or OTHERS in total)


def _by_class(spans: Sequence[Span], classes: Sequence[str]) -> dict[str, list[int]]:
    counts = {name: [span.failed[name] for span in spans] for name in classes}
    if OTHERS in counts:
        told = [sum(span.failed[name] for name in classes if name != OTHERS) for span in spans]
        counts[OTHERS] = [span.failed.total() - known for span, known in zip(spans, told, strict=True)]
    return counts


def _window(span: Span) -> float | None:
    return span.window / span.windows if span.windows else None


# --- rows ------------------------------------------------------------------------------------------------------------


def _slowest(tally: Tally) -> str:
    if not tally.slowest:
        return ""
    rows = [
        (
            f"{slow.row:,}", slow.id or "-", _number(slow.seconds),
            "-" if slow.first_text is None else _number(slow.first_text),
            "-" if slow.output is None else f"{slow.output:,.0f}",
        )
        for slow in tally.slowest
    ]  # fmt: skip
    headings = ("Row", "Id", "Seconds", "First text", "Tokens")
    return section("Slowest rows", table("The longest answers, in seconds", headings, rows, ("Id",)))


def _errors(tally: Tally) -> str:
    if not tally.failed:
        return ""
    rows = []
    for name, count in tally.errors.counts.most_common():
        example = tally.examples[name]
        rows.append((name, f"{count:,}", f"{example.row:,}", example.message or "-"))
    headings = ("Class", "Rows", "First row", "Its message")
    return section("Errors", table("Failed rows by class", headings, rows, ("Its message",)))


def _about(tally: Tally) -> str:
    said = (
        "This page counts what stands in the output file: rows that were not answered or failed when it was made are "
        "not in it, and a row that was asked again counts as what it became. Refusals, tokens and times are those of "
        "all tries that are in the file. Times are UTC; rows have the numbers of their lines in the input."
    )
    return section("About this page", paragraph(said, "quiet")) if tally.rows else ""


# --- words -----------------------------------------------------------------------------------------------------------


def _number(value: float) -> str:
    """A number with three digits that count, and no more than three behind the point."""
    digits = 3 if value <= 0 else min(max(2 - floor(log10(value)), 0), 3)
    return f"{value:,.{digits}f}" if value else "0"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2%}"


def _duration(seconds: float) -> str:
    """The two largest units of a time."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    rest, units = round(seconds), []
    for size, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            units.append(f"{count:,} {name}")
    return " ".join(units[:2])


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
