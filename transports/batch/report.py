"""The report of a batch: one HTML page about an output file, from that file alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from errno import EISDIR, ENOENT
from math import floor, log10
from pathlib import Path
from typing import Final

from sansio_core import InvalidRequest

from .._shared.ways import PathLike
from .bins import Histogram, Span
from .page import figure, grid, page, paragraph, section, table, terms, tiles
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
    batch or `html_path` is a file that is no page.
    """
    check_place(html_path)
    html = _page(tally_of(output_path), os.path.basename(os.fspath(output_path)))
    try:
        Path(html_path).write_bytes(html)
    except OSError as error:
        error.filename = os.fspath(html_path)  # a full disk's error has none
        raise


def check_place(html_path: PathLike) -> None:
    """Raise what stands against a report at `html_path`, before anything is done: OSError or InvalidRequest.

    A file that is there must be a page, so that no two exchanged names cost a file of answers.
    """
    path = Path(html_path)
    if path.is_file():
        with path.open("r+b") as file:
            begin = file.read(100).lstrip()
        if begin and not begin[:9].lower() == b"<!doctype":
            raise InvalidRequest(f"{os.fspath(path)!r} is there, and is no page of HTML: give the report another name")
    elif path.is_dir():
        raise IsADirectoryError(EISDIR, "this is a folder: give the report a file's name", os.fspath(path))
    elif not path.parent.is_dir():
        raise FileNotFoundError(ENOENT, "there is no such folder for the report", os.fspath(path.parent))


def _page(tally: Tally, name: str) -> bytes:
    drawn = _drawn(tally)
    return page(
        f"Batch report: {name}",
        paragraph(_how_it_stands(tally)),
        *_notes(tally),
        *_summary(tally),
        _how_fast(tally, drawn),
        _over_time(tally, drawn),
        _slowest(tally),
        _errors(tally),
        _about(tally),
        "" if drawn or not tally.rows else paragraph(_NO_PLOTS, "note"),
    )


def _how_it_stands(tally: Tally) -> str:
    if not tally.rows:
        return "No row has ended yet: the file has none."
    if not tally.failed:
        return f"Every row in the file is answered: {tally.answered:,}."
    return (
        f"{tally.failed:,} of {_rows(tally.rows)} failed ({_share(tally.failed, tally.rows)}). "
        "The same command with --retry-failed asks them again, and no others."
    )


def _notes(tally: Tally) -> Iterable[str]:
    if tally.odd:
        numbers = ", ".join(f"{number:,}" for number in tally.odd_lines)
        more = f" and {tally.odd - len(tally.odd_lines):,} more" if tally.odd > len(tally.odd_lines) else ""
        one = tally.odd == 1
        yield paragraph(
            f"{'Line' if one else 'Lines'} {numbers}{more} of the file {'is no row' if one else 'are no rows'} of a "
            f"batch, and {'is' if one else 'are'} left out.",
            "note",
        )
    if len(tally.settings.counts) > 1:
        yield paragraph(
            "The rows were answered under different settings (model, template or options): see the table of settings.",
            "note",
        )


def _summary(tally: Tally) -> Iterable[str]:
    if not tally.rows:
        return
    seconds, first = tally.seconds, tally.first_text
    yield tiles(
        (
            ("Rows", f"{tally.rows:,}"),
            ("Answered", f"{tally.answered:,}"),
            ("Failed", f"{tally.failed:,}"),
            ("Rows/s", _number(tally.lines / seconds) if seconds else "-"),
            ("First text, median", f"{_number(first.percentile(50))} s" if first.count else "-"),
            ("Output tokens", f"{tally.output_tokens:,.0f}"),
        )
    )
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
    told = tally.answered - tally.without_usage
    by = f" (told by {told:,} of {tally.answered:,} answers)" if tally.without_usage else ""
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

_FIRST: Final = ("Time to first text", "seconds")
_SPEED: Final = ("Speed of an answer", "tokens/s")


def _how_fast(tally: Tally, drawn: dict[str, str]) -> str:
    kinds = ((_FIRST, tally.first_text), (_SPEED, tally.speed))
    figures = [_histogram(*of, counted, drawn.get(of[0], "")) for of, counted in kinds if counted.count]
    if not figures:
        return ""
    about = (
        "Of answered rows. The time to first text is counted from the sending of the last try; the speed is an "
        "answer's output tokens by all its seconds. Percentiles are exact to 1 %."
    )
    return section("How fast", paragraph(about, "quiet"), grid(figures))


def _histogram(name: str, unit: str, counted: Histogram, svg: str) -> str:
    said = ", ".join(f"{mark} {_number(value)} {unit}" for mark, value in _marks(counted))
    rows = [
        (_number(bar.low), _number(bar.high), f"{bar.numbers:,}", _share(bar.numbers, counted.count))
        for bar in counted.bars(_LINES)
    ]
    numbers = table(f"{name}, {unit}", ("More than", "up to", "Rows", "Share"), rows)
    return figure(name, f"{said}; {counted.count:,} rows", svg, numbers)


def _marks(counted: Histogram) -> list[tuple[str, float]]:
    return [(f"p{percent}", counted.percentile(percent)) for percent in _PERCENTS]


# --- over time -------------------------------------------------------------------------------------------------------

_ANSWERED, _FAILED, _REFUSED, _WINDOW = "Answered", "Failed", "Refused", "Window"


def _over_time(tally: Tally, drawn: dict[str, str]) -> str:
    if tally.begin is None:
        return ""
    course, few = tally.timeline.course(_SPANS), tally.timeline.course(_LINES)
    classes = _classes(course.spans)
    spans, times = few.spans, list(map(_moment, few.times))

    def numbers(caption: str, columns: Mapping[str, Iterable[str]]) -> str:
        rows = list(zip(times, *columns.values(), strict=True))
        return table(f"{caption}, each {_duration(few.width)}", ("From (UTC)", *columns), rows)

    failed = {name: [f"{n:,}" for n in values] for name, values in _by_class(spans, classes).items()}
    refused = [f"{span.refused:,}" for span in spans]
    window = ["-" if n is None else _number(n) for n in map(_window, spans)]
    answered = {"Rows": [f"{span.answered:,}" for span in spans]}
    answered["Rows/s"] = [_number(span.answered / few.width) for span in spans]
    if not drawn:
        columns = {"Answered": answered["Rows"], "Answered/s": answered["Rows/s"], **failed}
        all_of_it = numbers("What happened", {**columns, _REFUSED: refused, _WINDOW: window})
        return section("Over time", paragraph(_OVER_TIME, "quiet"), all_of_it)
    each = f"in each span of {_duration(course.width)}"
    totals = {name: sum(values) for name, values in _by_class(course.spans, classes).items()}
    legend = [(colour, f"{name} {totals[name]:,}") for name, colour in _colours(classes).items()]
    figures = (
        (_ANSWERED, "Rows answered, in a second", numbers(_ANSWERED, answered), ()),
        (_FAILED, f"Rows failed {each}, by the error's class", numbers(_FAILED, failed), legend),
        (_REFUSED, f"How often the rows that ended were refused, {each}", numbers(_REFUSED, {_REFUSED: refused}), ()),
        (_WINDOW, "How many rows could be under way at once", numbers(_WINDOW, {_WINDOW: window}), ()),
    )
    pauses = _PAUSES if course.pauses else ""
    return section(
        "Over time",
        paragraph(f"{_OVER_TIME}{pauses}", "quiet"),
        grid(figure(name, said, drawn[name], rows, key) for name, said, rows, key in figures if name in drawn),
        *(paragraph(f"Nothing was {name.lower()}.", "quiet") for name in (_FAILED, _REFUSED) if name not in drawn),
    )


_OVER_TIME: Final = "A row counts at its end, as it happened: also where it failed and was asked again later."
_PAUSES: Final = " Pauses, a minute and more without a row under way, are left out: a dotted line stands for each."


def _classes(spans: Sequence[Span]) -> list[str]:
    """The classes of errors that are told apart over time, the most frequent first; `OTHERS` are the rest."""
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


def _colours(classes: Sequence[str]) -> dict[str, int]:
    return {name: 6 if name == OTHERS else colour for colour, name in enumerate(classes, 2)}


def _window(span: Span) -> float | None:
    return span.window / span.windows if span.windows else None


def _drawn(tally: Tally) -> dict[str, str]:
    """The plots of the page as SVG by their names; none without matplotlib."""
    if not tally.rows:
        return {}
    try:
        from . import plots
    except ImportError:
        return {}
    drawn = {
        name: plots.histogram(name, counted.bars(_BARS), _marks(counted), unit)
        for (name, unit), counted in ((_FIRST, tally.first_text), (_SPEED, tally.speed))
        if counted.count
    }
    if tally.begin is None:
        return drawn
    course = tally.timeline.course(_SPANS)
    spans, width = course.spans, course.width
    classes = _classes(spans)
    colours = _colours(classes)
    failed = [
        plots.Series(colours[name], counts) for name, counts in _by_class(spans, classes).items()
    ]
    kinds = (
        (_ANSWERED, [plots.Series(1, [span.answered / width for span in spans])], "rows/s"),
        (_FAILED, failed, "rows"),
        (_REFUSED, [plots.Series(5, [span.refused for span in spans])], "refusals"),
        (_WINDOW, [plots.Series(1, list(map(_window, spans)))], "rows at once"),
    )
    for name, series, label in kinds:
        if any(map(any, (each.values for each in series))):
            drawn[name] = plots.over_time(name, course, series, label, line=name == _WINDOW)
    return drawn


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


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


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
