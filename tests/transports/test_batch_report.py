"""The report of a batch: what is counted, the page, and that page in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from batch_outputs import BEGIN, ERRORS, answered, failed, outputs, write
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import InvalidRequest
from transports.batch import write_report
from transports.batch.bins import Bar, Histogram, Timeline
from transports.batch.journal import Journal
from transports.batch.output_lines import dump_line
from transports.batch.page import shown
from transports.batch.tally import OTHERS, Tally, tally_of
from transports.cli.report import show_report

Capture = pytest.CaptureFixture[str]
_VOID = {"meta", "link", "br", "img", "input", "hr"}
_HOSTILE = '<script>alert("x")</script>\u202ertl\u2066\n\x00\x1b[31m&amp;\ud800'


class Page(HTMLParser):
    """A page as a browser takes it: its elements, each closed, and its texts."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html.decode())
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        """All its texts, one after another."""
        return " ".join(" ".join(self.texts).split())

    def count(self, tag: str) -> int:
        """How many such elements it has."""
        return sum(name == tag for name, _ in self.elements)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a run that goes on, with all there is: failures, refusals, a pause."""
    folder = tmp_path_factory.mktemp("report")
    with Journal(folder / "out.jsonl", "c01d77aa") as journal:
        for row in outputs(400, share_failed=0.1, pause=7200):
            journal.write(row)
        write_report(folder / "out.jsonl", folder / "out.html")
    return folder / "out.html"


def report(tmp_path: Path, rows: Any) -> Page:
    """The page about these rows."""
    write_report(write(tmp_path / "out.jsonl", rows), tmp_path / "out.html")
    return Page((tmp_path / "out.html").read_bytes())


# --- what is counted -------------------------------------------------------------------------------------------------


def test_the_file_is_counted(tmp_path: Path) -> None:
    rows = [
        answered(1, seconds=2.0), answered(2, refused=3, usage={"input": 5, "output": 7}),
        answered(3, usage=None, model="other", settings="00000000", finish_reason="length"),
        failed(4, 2, tries=3, refused=1), failed(5), failed(6),
    ]  # fmt: skip
    tally = tally_of(write(tmp_path / "out.jsonl", rows))
    assert (tally.rows, tally.answered, tally.failed, tally.retried, tally.refused) == (6, 3, 3, 1, 4)
    assert (tally.input_tokens, tally.output_tokens, tally.without_usage) == (15, 27, 1)
    assert tally.errors.counts == {"ContextTooLong": 2, "TimedOut": 1}
    assert tally.examples["ContextTooLong"].row == 5
    assert tally.examples["ContextTooLong"].message == str(ERRORS[0])
    assert tally.models.counts == {"gpt-5.4-mini": 2, "other": 1}
    assert tally.settings.counts == {"c01d77aa": 5, "00000000": 1}
    assert tally.finished.counts == {"stop": 2, "length": 1}
    assert (tally.begin, tally.end) == (BEGIN - 1, BEGIN + 6)
    assert [slow.row for slow in tally.slowest] == [1, 2, 3]
    assert (tally.slowest[0].id, tally.slowest[0].seconds, tally.slowest[0].first_text) == ("a1", 2.0, 0.231)
    assert tally.odd == 0


history = st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 3)), max_size=40)


@given(history)
def test_a_row_that_was_asked_again_counts_as_what_it_became(history: list[tuple[int, int]]) -> None:
    became: dict[int, list[int]] = {}  # by the key: of each row with this key its error, or -1
    tally = Tally()
    for key, kind in history:
        known = became.setdefault(key, [])
        again = bool(known) and known[-1] >= 0
        if again:
            known.pop()
        known.append(kind)
        row = answered(1) if kind < 0 else failed(1, kind)
        tally.add_line(1, dump_line(row | {"key": f"{key:016x}"} | ({"again": True} if again else {})))
    tally.close()
    kinds = Counter(kind for rows in became.values() for kind in rows)
    assert tally.answered == kinds.pop(-1, 0)
    assert tally.errors.counts == {type(ERRORS[kind]).__name__: count for kind, count in kinds.items()}
    assert tally.rows == sum(map(len, became.values()))


def test_a_row_whose_earlier_error_is_no_longer_there_is_a_row(tmp_path: Path) -> None:
    tally = tally_of(write(tmp_path / "out.jsonl", [answered(1, again=True), failed(2, again=True)]))
    assert (tally.rows, tally.answered, tally.failed, tally.asked_again) == (2, 1, 1, 0)


def test_a_torn_last_line_is_left_out_and_a_whole_one_is_not(tmp_path: Path) -> None:
    last = dump_line(answered(2, text="ž"))
    for cut in range(1, len(last) + 1):
        tally = Tally()
        tally.add_line(2, last[:cut])
        assert (tally.rows, tally.odd) == (int(cut >= len(last) - 1), 0), cut
    path = write(tmp_path / "out.jsonl", [answered(1)])
    path.write_bytes(path.read_bytes() + last[:-2])
    assert (tally_of(path).rows, tally_of(path).odd) == (1, 0)


@given(st.lists(st.floats(0.001, 1e9), min_size=1), st.sampled_from([1, 50, 90, 99, 100]))
def test_percentiles_are_known_to_a_hundredth(numbers: list[float], percent: int) -> None:
    histogram = Histogram()
    for number in numbers:
        histogram.add(number)
    exact = sorted(numbers)[ceil(len(numbers) * percent / 100) - 1]
    assert histogram.percentile(percent) == pytest.approx(exact, rel=0.01)
    for most in (10, 40):
        bars = histogram.bars(most)
        assert len(bars) <= most + 5
        assert sum(bar.numbers for bar in bars) == len(numbers)
        assert all(before.high == after.low for before, after in pairwise(bars))


@given(st.lists(st.tuples(st.floats(0, 2e11), st.floats(0, 1e6)), max_size=300))
def test_any_times_make_few_spans_and_none_is_lost(times: list[tuple[float, float]]) -> None:
    timeline = Timeline()
    for at, seconds in times:
        timeline.at(max(at - seconds, 0)).begun += 1
        timeline.at(at).begun -= 1
        timeline.at(at).answered += 1
    for most in (24, 120):
        course = timeline.course(most)
        assert len(course.spans) == len(course.times) <= most
        assert sum(span.answered for span in course.spans) == len(times)
        assert course.times == sorted(course.times)


def test_a_pause_between_two_runs_is_no_part_of_the_course(shared: Path) -> None:
    page = Page(shared.read_bytes())
    assert "Pauses, a minute and more without a row under way 1 h 59 min in all" in page.text
    assert "a dotted line stands for each" in page.text
    course = tally_of(shared.with_suffix(".jsonl")).timeline.course(120)
    assert course.width <= 1
    assert course.paused == pytest.approx(7200, abs=5)


def test_a_long_answer_is_no_pause() -> None:
    timeline = Timeline()
    for at, seconds in ((1000.0, 1.0), (5000.0, 4000.0)):
        timeline.at(at - seconds).begun += 1
        timeline.at(at).begun -= 1
    assert timeline.course(120).pauses == []


def test_the_slowest_are_those_that_took_longest(tmp_path: Path) -> None:
    rows = [answered(n, seconds=n * 7 % 50 + 1) for n in range(50)]
    tally = tally_of(write(tmp_path / "out.jsonl", rows))
    assert [slow.seconds for slow in tally.slowest] == list(range(50, 30, -1))


def test_what_has_many_names_is_bounded(tmp_path: Path) -> None:
    rows = [failed(n, error={"class": f"C{n}", "message": "no"}, settings=f"{n:08x}") for n in range(1, 300)]
    tally = tally_of(write(tmp_path / "out.jsonl", rows))
    assert (len(tally.errors.counts), len(tally.settings.counts), len(tally.examples)) == (21, 21, 21)
    assert tally.errors.counts[OTHERS] == 279
    assert tally.failed == 299


# --- files that are no output ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_plots")
def test_numbers_that_no_run_writes_make_a_page_all_the_same(tmp_path: Path) -> None:
    wrong = [5e-324, 1e308, -1, 10**4000, True, None, "1", [], {}]
    names = ("tries", "refused", "window", "at", "first_text", "seconds", "settings", "model", "id", "again")
    page = report(tmp_path, [answered(1, **dict.fromkeys(names, each)) for each in wrong])
    assert "Every row in the file is answered: 9." in page.text


@pytest.mark.usefixtures("no_plots")
def test_odd_lines_are_told_and_left_out(tmp_path: Path) -> None:
    odd = [b"no json", b"[1]", b'{"row":1}', b"[" * 100_000, b'{"row":1,"key":"zz","text":""}', b"\xff", b""]
    (tmp_path / "out.jsonl").write_bytes(dump_line(answered(1)) + b"\n".join(odd) + b"\n" + dump_line(answered(2)))
    write_report(tmp_path / "out.jsonl", tmp_path / "out.html")
    page = Page((tmp_path / "out.html").read_bytes())
    assert "Left out, as they are no rows of a batch: lines 2, 3, 4 and 4 more of the file." in page.text
    assert "Every row in the file is answered: 2." in page.text


@pytest.mark.parametrize("line", [b'{"prompt": "Hello"}\n', b"Hello\n", b"\n", b"x" * (1 << 25) + b"\n"])
def test_a_file_that_is_no_output_is_refused(line: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(line * 3 if len(line) < 100 else line)
    with pytest.raises(InvalidRequest, match=r"in\.jsonl' is no output of a batch: line 1 .* `sansio-chat batch"):
        write_report(tmp_path / "in.jsonl", tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_a_full_disk_is_told_with_the_reports_name(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="/dev/full"):
        write_report(write(tmp_path / "out.jsonl", []), "/dev/full")


def test_an_output_without_rows_has_a_page_that_says_so(tmp_path: Path) -> None:
    page = report(tmp_path, [])
    assert page.text.endswith("Batch report: out.jsonl No row has ended yet: the file has none.")


@pytest.mark.usefixtures("no_plots")
def test_a_report_overwrites_a_report_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path / "out.jsonl", [answered(1)])
    before = path.read_bytes()
    for there in (path, tmp_path / "link.jsonl"):
        if not there.exists():
            there.symlink_to(path)
        with pytest.raises(InvalidRequest, match="is there, and is no page of HTML: give the report another name"):
            write_report(path, there)
    assert path.read_bytes() == before
    (tmp_path / "out.html").touch()
    write_report(path, tmp_path / "out.html")
    write_report(path, tmp_path / "out.html")
    with pytest.raises(InvalidRequest, match=r"there is no folder '.*nowhere' for the report: make it first"):
        write_report(path, tmp_path / "nowhere" / "out.html")
    with pytest.raises(InvalidRequest, match="is a folder: give the report a file's name"):
        write_report(path, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl"):
        write_report(tmp_path / "none.jsonl", tmp_path / "other.html")
    if os.path.exists("/dev/full"):
        with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
            write_report(path, "/dev/full")


@pytest.mark.usefixtures("no_plots")
def test_the_command_says_where_the_report_is(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "out.jsonl", [answered(1)])
    assert show_report(Namespace(file="out.jsonl", output="out.html")) == 0
    where = f"the report of out.jsonl is in {tmp_path / 'out.html'}"
    plots = 'without plots: they need pip install "sansio-chat[report]"'
    assert capsys.readouterr().err == f"sansio-chat: {where}, {plots}\n"


# --- the page --------------------------------------------------------------------------------------------------------


def test_a_run_that_goes_on_has_a_page(shared: Path) -> None:
    page = Page(shared.read_bytes())
    assert "38 of 400 rows failed (9.50%). The same command with --retry-failed asks them again, and no" in page.text
    assert (page.count("svg"), page.count("h1"), page.count("h2")) == (6, 1, 6)
    for error in ERRORS:
        assert type(error).__name__ in page.text
    assert re.search(r"var\(--series-6\)\"></i>others \d</li></ul>", shared.read_text())


def test_what_did_not_happen_has_no_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page = report(tmp_path, [answered(1), answered(2)])
    assert "No row failed. No request was refused." in page.text
    assert page.count("svg") == 4


def test_the_page_stands_alone_and_is_marked_up_for_all(shared: Path) -> None:
    html = shared.read_text("utf-8")
    page = Page(html.encode())
    for tag, attributes in page.elements:
        assert tag not in ("script", "img", "iframe", "object")
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert (attributes.get("href") or "data:,") == "data:,"
        assert (attributes.get("xlink:href") or "#").startswith("#")
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
    assert page.count("table") == page.count("caption")
    assert not re.search(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", html)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for svg in map(ElementTree.fromstring, re.findall(r"<svg.*?</svg>", html, re.S)):
        assert {element.get("fill", "") for element in svg.iter()} == {""}
        assert not re.search("#[0-9a-f]{6}", ElementTree.tostring(svg, "unicode")), "a colour of neither scheme"
        assert [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]


def test_what_others_wrote_is_text_and_cut(tmp_path: Path) -> None:
    bad = [answered(1, id=_HOSTILE, model=_HOSTILE, settings=_HOSTILE, finish_reason=_HOSTILE, seconds=99.5)]
    bad += [failed(2, error={"class": _HOSTILE, "message": _HOSTILE * 50}), answered(3, id="x" * 10_000_000)]
    bad += [answered(4, at=1e300, seconds=-1, usage={"output": "1"}), answered(5, at="x", first_text=[], window={})]
    bad += [answered(4, at=3e11)]  # in the year 11476
    bad += [failed(n, error={"class": f"$C_{n}$" + "<" * 500, "message": "&" * 3000}) for n in range(6, 50)]
    bad += [
        answered(n, seconds=n, **dict.fromkeys(("id", "model", "settings", "finish_reason"), f"{n}{'&' * 500}"))
        for n in range(100, 150)
    ]
    lines = [json.dumps(row) + "\n" for row in bad]  # NaN and half surrogates are there as they come
    (tmp_path / "out.jsonl").write_text("".join(lines), "utf-8")
    write_report(tmp_path / "out.jsonl", tmp_path / "out.html")
    html = (tmp_path / "out.html").read_bytes()
    page = Page(html)
    assert r'<script>alert("x")</script>\u202ertl\u2066 \x00\x1b[31m&amp;\ud800' in page.text
    assert not page.count("script")
    assert len(html) <= 250_000
    assert all(text.isprintable() for text in page.text.split())
    assert "x" * 500 not in page.text


@settings(max_examples=30)
@given(st.text(max_size=40), st.integers(1, 30))
def test_any_text_is_shown_on_one_line(text: str, longest: int) -> None:
    page = Page(f"<p>{shown(text, longest)}</p>".encode())
    assert "".join(page.texts).isprintable()
    assert len("".join(page.texts)) <= longest
    assert page.count("p") == len(page.elements)


def test_the_same_numbers_have_the_same_plot_whatever_matplotlib_is_told() -> None:
    mpl = pytest.importorskip("matplotlib")
    from transports.batch import plots

    def drawn() -> str:
        return plots.histogram("name", [Bar(1, 2, 3), Bar(2, 4, 5)], [("p50", 2.5)], "seconds")

    first = drawn()
    own = {"font.size": 30.0, "axes.facecolor": "red", "svg.fonttype": "path", "text.usetex": True}
    with mpl.rc_context(own):
        assert drawn() == first
        assert {name: mpl.rcParams[name] for name in own} == own
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.usefixtures("no_plots")
def test_without_matplotlib_the_page_has_its_tables(tmp_path: Path) -> None:
    page = report(tmp_path, outputs(300, share_failed=0.1))
    assert 'matplotlib is not installed: pip install "sansio-chat[report]"' in page.text
    assert (page.count("svg"), page.count("details")) == (0, 0)
    for caption in ("Time to first text, seconds", "Speed of an answer, tokens/s", "What happened, each"):
        assert caption in page.text
    assert re.search(r"p50 0\.2\d\d seconds, p90 0\.\d+ seconds, p99 0\.\d+ seconds; \d+ rows", page.text)


# --- in a browser ----------------------------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--disable-dev-shm-usage", "--hide-scrollbars", "--enable-logging=stderr", "--window-size=1200,3600",
]  # fmt: skip


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize(("scheme", "dark"), [(0, True), (1, False)], ids=["dark", "light"])
def test_a_browser_shows_the_page_in_both_schemes(scheme: int, dark: bool, shared: Path, tmp_path: Path) -> None:
    """The page's policy has each attempt to load something, or to run a script, end on the browser's console."""
    np = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image")
    picture = tmp_path / "page.png"
    place = [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}"]
    done = subprocess.run(
        [str(CHROMIUM), *_QUIET, f"--blink-settings=preferredColorScheme={scheme}", *place,
         shared.as_uri()],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert picture.exists(), done.stderr
    assert "CONSOLE" not in done.stderr
    values = np.asarray(image.open(picture).convert("RGB")) / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    ground = float(light[0, 0])
    assert (ground < 0.05) is dark
    contrast = (np.maximum(light, ground) + 0.05) / (np.minimum(light, ground) + 0.05)  # WCAG 2.2, 1.4.3
    # The left edge has the texts' beginnings, and the labels of the plots' axes: each line of them can be read.
    strongest = contrast[:, 110:170].max(axis=1)
    lines = [run for run in np.split(strongest, np.flatnonzero(np.diff(strongest > 1.5)) + 1) if run.max() > 1.5]
    words = [run for run in lines if len(run) >= 6]  # what is thinner is a rule between rows
    assert len(words) > 50
    assert min(float(run.max()) for run in words) >= 4.5
