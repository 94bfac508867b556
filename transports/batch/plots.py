"""The report's plots as SVG, drawn by matplotlib (extra `report`). A plot has numbers and fixed words alone.

Texts stay texts and colours are the page's CSS variables, so that a plot looks as the page does, in light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from .bins import Bar, Course

_INCHES: Final = (5.0, 2.7)  # 360 CSS pixels wide, so that the text is not too small on a phone
_WIDE: Final = 20  # a ratio of the last number to the first from which their axis is logarithmic
_INK, _QUIET, _LINE, _GROUND = "#010101", "#010102", "#010103", "#010104"
_SERIES: Final = tuple(f"#0101{n}0" for n in range(1, 7))
# What stands in the page for a colour of the drawing.
_COLOURS: Final = {
    _INK: "currentColor", _QUIET: "var(--quiet)", _LINE: "var(--line)", _GROUND: "var(--ground)",
    **{colour: f"var(--series-{n})" for n, colour in enumerate(_SERIES, 1)},
}  # fmt: skip
_DIGITS: Final = re.compile(r"(\.\d\d)\d+")  # of a place in the drawing, those that nobody sees
_STEPS: Final = (1, 2, 5, 10)  # between two numbers on an axis, but for powers of ten
_SCALES: Final = ((1, "seconds"), (60, "minutes"), (3600, "hours"), (86400, "days"))
_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "font.size": 10.5,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": _QUIET,
    "axes.labelcolor": _QUIET,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.xmargin": 0.01,
    "grid.color": _LINE,
    "text.color": _INK,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "xtick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.major.size": 0,
}


Series = tuple[int, Sequence[float | None]]
"""The number of a colour, 1 to 6 as `--series-N` of the page; and a number for each span of time, None for none."""


def histogram(name: str, bars: Sequence[Bar], marks: Sequence[tuple[str, float]], unit: str) -> str:
    """How many rows each bar has, over a logarithmic axis where they reach far; `marks` are named places on it.

    `name` is another one for each plot of a page.
    """

    def draw(axes: Axes) -> None:
        edges = [bars[0].low, *(bar.high for bar in bars)]
        axes.stairs([bar.numbers for bar in bars], edges, fill=True, color=_SERIES[0])
        if edges[-1] / edges[0] > _WIDE:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if edges[-1] / edges[0] < 500 else (1,)))
            axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        else:
            axes.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
        axes.xaxis.set_major_formatter(_numbers)
        room = 1.2 if len(bars) < 5 else 1  # few bars would fill the plot
        axes.set_xlim(edges[0] / room, edges[-1] * room)
        axes.set_ylim(0, max(bar.numbers for bar in bars) * 1.5)  # room for the marks' names
        for height, (word, place) in zip((0.98, 0.89, 0.80), marks, strict=False):
            axes.axvline(place, ymax=height, color=_INK, linewidth=1, linestyle=(0, (4, 2)))
            rest = axes.transAxes.inverted().transform(axes.transData.transform((place, 0)))[0]
            left = rest > 0.8
            axes.annotate(
                word, (place, height), (-3 if left else 3, 0), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="right" if left else "left", va="top",
            )  # fmt: skip
        axes.set_xlabel(unit)
        axes.set_ylabel("rows")

    return _svg(name, draw)


def over_time(name: str, course: Course, series: Sequence[Series], label: str, *, line: bool = False) -> str:
    """The series over the spans of `course`, with its pauses marked: stacked areas, or a line for each."""

    def draw(axes: Axes) -> None:
        count, width = len(course.spans), course.width
        seconds, unit = next((scale for scale in _SCALES if count * width < 200 * scale[0]), _SCALES[-1])
        edges = [place * width / seconds for place in range(count + 1)]
        (_lines if line else _areas)(axes, edges, series)
        for place in course.pauses:
            axes.axvline(edges[place], color=_QUIET, linewidth=1, linestyle=":")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.03)
        axes.set_xlim(0, edges[-1])
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
        axes.xaxis.set_major_formatter(_numbers)
        axes.set_xlabel(f"{unit} {'without pauses' if course.pauses else 'since the first row was sent'}")
        axes.set_ylabel(label)

    return _svg(name, draw)


def _lines(axes: Axes, edges: Sequence[float], series: Sequence[Series]) -> None:
    for number, values in series:
        known = [float("nan") if value is None else value for value in values]
        axes.stairs(known, edges, baseline=None, color=_SERIES[number - 1], linewidth=1.8)


def _areas(axes: Axes, edges: Sequence[float], series: Sequence[Series]) -> None:
    below = [0.0] * (len(edges) - 1)
    for number, values in series:
        above = [base + (value or 0) for base, value in zip(below, values, strict=True)]
        face = _SERIES[number - 1]
        axes.stairs(above, edges, baseline=below, fill=True, facecolor=face, edgecolor=_GROUND, linewidth=0.4)
        below = above


_numbers: Final = FuncFormatter(lambda value, _: f"{value:,.10g}")


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    """The drawing as an SVG element for `page.figure`, the same for the same numbers."""
    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user's own file of settings says
        mpl.rcParams.update({**_SETTINGS, "svg.hashsalt": name})
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        whole = not axes.get_ylabel().endswith("/s")
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS, integer=whole))
        axes.yaxis.set_major_formatter(_numbers)
        file = StringIO()
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=metadata)
    return _for_page(file.getvalue())


def _for_page(text: str) -> str:
    text = text[text.index("<svg") :]
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.S)  # it is for all elements of the page
    text = re.sub(r'(<g) id="[^"]*"', r"\1", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"', r"\1", text)
    text = re.sub(r" ?font-family: [^;]*;| transform=\"rotate\(-0 [^)]*\)\"", "", text)
    text = re.sub(r' (?:d|x|y|width|height)="[^"]*"', lambda places: _DIGITS.sub(r"\1", places[0]), text)
    text = re.sub("#0101[0-9a-f]{2}", lambda colour: _COLOURS[colour[0]], text)
    return re.sub(r"\s*\n\s*", " ", text).replace("> <", "><").strip()
