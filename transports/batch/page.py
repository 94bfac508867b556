"""The parts of a report's page: texts, tables, figures. Texts are escaped here, once, and HTML is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape
from typing import Final

_LONGEST: Final = 400  # characters of a text


def shown(text: str, longest: int = _LONGEST) -> str:
    """`text` as HTML on one line: cut, and characters that have no look of their own (controls, marks that turn the
    direction of writing) as their escapes in Python.
    """
    words = " ".join(text[: 2 * longest].split())
    seen = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in words)
    return escape(seen if len(seen) <= longest else f"{seen[: longest - 1]}…")


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph; `kind`: its class in the style sheet."""
    return f'<p class="{kind}">{shown(text)}</p>' if kind else f"<p>{shown(text)}</p>"


def section(heading: str, *html: str) -> str:
    """A part of the page under its heading."""
    return f"<section>\n<h2>{shown(heading)}</h2>\n" + "\n".join(filter(None, html)) + "\n</section>"


def terms(facts: Iterable[tuple[str, str]], kind: str = "facts") -> str:
    """Facts, each with its name: a line each, or as "tiles", the few numbers that are read first."""
    html = "".join(f"<div><dt>{shown(name)}</dt><dd>{shown(value)}</dd></div>\n" for name, value in facts)
    return f'<dl class="{kind}">\n{html}</dl>'


def grid(html: Iterable[str], kind: str = "grid") -> str:
    """Parts side by side where there is room; `kind`: "grid" for figures, "grid small" for narrow tables."""
    return f'<div class="{kind}">\n{"".join(html)}</div>'


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], texts: Collection[str] = ()) -> str:
    """A table whose first column names its rows; the columns of `texts` hold words, which may be long."""
    kinds = [' class="text"' if name in texts else "" for name in headings]
    head = "".join(f'<th scope="col"{kind}>{shown(name)}</th>' for kind, name in zip(kinds, headings, strict=True))
    body = "".join(f"<tr>{_cells(row, kinds)}</tr>\n" for row in rows)
    return (
        f'<div class="wide" role="region" aria-label="{shown(caption)}" tabindex="0"><table><caption>{shown(caption)}'
        f"</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


def figure(caption: str, said: str, svg: str, table: str, legend: Iterable[tuple[int, str]] = ()) -> str:
    """A plot with its numbers; where there is none (`svg` is ""), the numbers alone.

    `said`: what it shows, in words, also for those who do not see it. `legend`: the number of each series' colour, and
    its name.
    """
    if not svg:
        return f"<figure>{table}<figcaption>{shown(said)}</figcaption></figure>"
    drawn = svg.replace("<svg ", f'<svg role="img" aria-label="{shown(f"{caption}. {said}")}" ', 1)
    names = "".join(f'<li><i style="background:var(--series-{n})"></i>{shown(name)}</li>' for n, name in legend)
    return (
        f"<figure><h3>{shown(caption)}</h3>{drawn}" + (f'<ul class="legend">{names}</ul>' if names else "")
        + f"<figcaption>{shown(said)}</figcaption><details><summary>The numbers</summary>{table}</details></figure>"
    )  # fmt: skip


def page(title: str, *html: str) -> bytes:
    """The whole page. Its policy has a browser load nothing, so that nothing comes from the network by mistake."""
    body = "\n".join(filter(None, html))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{shown(title)}</title>
<style>
{_STYLE}</style>
</head>
<body>
<main>
<h1>{shown(title)}</h1>
{body}
</main>
</body>
</html>
""".encode()


def _cells(row: Sequence[str], kinds: Sequence[str]) -> str:
    first, *rest = (shown(cell) for cell in row)
    cells = "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds[1:], rest, strict=True))
    return f'<th scope="row"{kinds[0]}>{first}</th>{cells}'


# Series 2 to 6 may meet: each has a contrast of 3:1 to the ground (WCAG 2.2, 1.4.11), and any two differ by 0.14 in
# OKLab at least, also to those who lack one kind of cones (the matrices of Machado, Oliveira and Fernandes, 2009).
_STYLE: Final = """\
:root {
  color-scheme: light dark;
  --ground: #fff; --raised: #f5f7f9; --ink: #1b1f24; --quiet: #555e68; --line: #d9dfe5; --note: #fff6e0;
  --series-1: #0072b2; --series-2: #541500; --series-3: #236436; --series-4: #851a8d; --series-5: #bd821a;
  --series-6: #7a8189;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #11161b; --raised: #1a2128; --ink: #e7eaed; --quiet: #a3adb7; --line: #313a43; --note: #33290f;
    --series-1: #56b4e9; --series-2: #d84a00; --series-3: #9cf4ce; --series-4: #97549b; --series-5: #f9ad26;
    --series-6: #989fa8;
  }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 62rem; margin: auto; padding: 1.5rem 1rem 3rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 0 0 .5rem }
p { margin: .5rem 0; max-width: 44rem; overflow-wrap: anywhere }
.note { background: var(--note); padding: .5rem .75rem; border-radius: .4rem; max-width: none }
.quiet, figcaption { color: var(--quiet); font-size: .9rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1.25rem 0 }
.tiles div { background: var(--raised); border-radius: .5rem; padding: .6rem .8rem }
.tiles dt { color: var(--quiet); font-size: .85rem }
.tiles dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums }
.facts { margin: 0 0 1.5rem; max-width: 44rem; font-size: .9rem }
.facts div { display: flex; gap: 1rem; justify-content: space-between; padding: .3rem 0 }
.facts div { border-bottom: 1px solid var(--line) }
.facts dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 2rem 1.5rem }
.grid > * { min-width: 0 }
.small { grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)) }
figure { margin: 0 }
svg { display: block; width: 100%; height: auto; font-family: inherit }
figcaption { margin-top: .25rem }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; list-style: none; margin: .25rem 0; padding: 0 }
.legend { font-size: .9rem }
.legend li { overflow-wrap: anywhere }
.legend i { display: inline-block; width: .75em; height: .75em; margin-right: .4em; border-radius: .15em }
summary { cursor: pointer; color: var(--quiet); font-size: .9rem; padding: .25rem 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .25rem 0 }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600; white-space: nowrap }
thead th { color: var(--quiet) }
tbody th { font-weight: 400 }
th:first-child { padding-left: 0 }
tr > :last-child { padding-right: 0 }
th:first-child, .text { text-align: left }
tbody .text { overflow-wrap: anywhere; min-width: 7rem; white-space: normal }
:focus-visible { outline: 2px solid var(--series-1); outline-offset: 2px }
@media (max-width: 30rem) {
  th, td { padding: .3rem .25rem }
  table { font-size: .8rem }
  tbody .text { min-width: 4.5rem }
  svg text { font-size: 12px !important }
}
@media print {
  html { font-size: 11px }
  body { font-size: 1rem }
  main { max-width: none; padding: 0 }
  .grid { grid-template-columns: 1fr 1fr }
  figure, tr, .tiles div { break-inside: avoid }
  h2, h3, caption { break-after: avoid }
  .tiles div { border: 1px solid var(--line) }
  .legend i { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  details { display: none }
}
"""
