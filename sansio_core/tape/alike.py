"""The parts of a body whose frames are alike, as texts without places: of most streams, many times as fast as Frames.

The frames of a stream differ in a few values. Without these, only a few kinds of them are left: Frames reads one of
each kind, with marks where the values were, and what a field says is a column of values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, groupby, islice, pairwise, repeat

from .frames import POSITION, Frames, Place

# The marks stand in no usual body. Frames reads the first two as it reads the values that they stand for.
_STRING, _NUMBER, _BEGINNING = "\0", "0+-+0", "\1"
_STRINGS = r'":%s"([^"\\\r\n\1]*+(?:\\[^\r\n\1][^"\\\r\n\1]*+)*+)"'
# But for fields named `index`, by which Frames tells one text's pieces from another's.
_NUMBERS = r'":(?<!ndex":)%s(-?[0-9][0-9.eE+-]*+)'
_SAMPLE = 2000  # characters that show how the frames are written
_FEWEST = 4  # units of a kind, on average: with fewer, this takes longer than Frames

Field = tuple[str, str]
"""The kind of a part, and which of this kind it is; a "list" has the strings of all items of the same lists."""


def parts(text: str, repeats: int) -> Iterator[tuple[str, str]] | None:
    """The kind and text of each part of `text` that Frames has; None where they are not found so quickly.

    `repeats`: how often a field's text has what the field always says, at most; 0 for any number.
    """
    if "}" not in text or text[0] in "\r\n" or any(mark in text for mark in (_STRING, _NUMBER, _BEGINNING)):
        return None
    blank = " " if '": ' in text[:_SAMPLE] else ""  # as most programs write JSON, and as Python's do
    beginning = _beginning(text)
    kept = re.split(_STRINGS % blank, text.replace(beginning, _BEGINNING))
    strings = iter(kept[1::2])
    kept = re.split(_NUMBERS % blank, f'":{blank}"{_STRING}"'.join(kept[::2]))
    numbers = iter(kept[1::2])
    *units, last = f'":{blank}{_NUMBER}'.join(kept[::2]).split("}\r\n" if "\r" in text else "}\n")
    different = dict.fromkeys(units)
    if len(different) * _FEWEST >= len(units):
        return None
    kinds = {unit: _Unit(f"{unit}}}", beginning) for unit in different}
    end = _Unit(last, beginning)
    if not (end.clear and all(unit.clear and unit.whole for unit in kinds.values())):
        return None
    runs = [*((kinds[unit], len(list(run))) for unit, run in groupby(units)), (end, 1)]
    return _parts([*kinds.values(), end], runs, strings, numbers, repeats)


def _beginning(text: str) -> str:
    """What most frames begin with, before the first value that is another in each."""
    lines = [line for line in text[len(text) // 2 :][:_SAMPLE].splitlines()[1:-1] if line[-1:] == "}"]
    for one, other in pairwise(lines):
        alike = next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), 0)
        return one[: one.rfind(',"', 0, alike) + 1] or _BEGINNING
    return _BEGINNING


def _parts(
    kinds: list[_Unit], runs: list[tuple[_Unit, int]], strings: Iterator[str], numbers: Iterator[str], repeats: int
) -> Iterator[tuple[str, str]]:
    fields = dict.fromkeys(chain.from_iterable(kind.fields for kind in kinds))
    several = Counter(POSITION.sub("\n", path) for kind, path in fields if kind == "string")
    said: dict[Field, list[str]] = {field: [] for field in fields if field[0] != "list" or several[field[1]] > 1}
    for unit, count in runs:
        columns = [*_columns(strings, unit.strings, count), *_columns(numbers, unit.numbers, count)]
        for field in unit.fields.keys() & said:
            row = [columns[slot] if isinstance(slot, int) else repeat(slot, count) for slot in unit.fields[field]]
            said[field] += row[0] if len(row) == 1 else chain.from_iterable(zip(*row, strict=True))
    for (kind, _), each in said.items():
        if repeats and len(each) > repeats and each.count(each[0]) == len(each):
            del each[repeats:]
        yield "string" if kind == "list" else kind, ("\n" if kind == "number" else "").join(each)
    yield "name", "\n".join(dict.fromkeys(chain.from_iterable(kind.names for kind in kinds)))
    for text in dict.fromkeys(chain.from_iterable(kind.texts for kind in kinds)):
        yield "text", text


def _columns(values: Iterator[str], width: int, count: int) -> list[list[str]]:
    rows = list(islice(values, width * count))
    return [rows[at::width] for at in range(width)]


class _Unit(Frames):
    """The lines up to a frame's end, with marks for its values."""

    def __init__(self, text: str, beginning: str) -> None:
        super().__init__(text := text.replace(_BEGINNING, beginning).lstrip("\r\n"))
        self.strings, self.numbers = text.count(_STRING), text.count(_NUMBER)
        self.names = [text[begin:end] for begin, end in self._names.values()]
        self.texts = [text[begin:end] for begin, end in self._rest]
        places: dict[Field, list[Place]] = {("number", ""): self._numbers, ("text", ""): self._plain}
        for path, there in self._strings.items():
            places["string", path] = there
            places.setdefault(("list", POSITION.sub("\n", path)), []).extend(there)
        # What each field says in a unit: texts, and the numbers of values in the unit's row, strings first.
        self.fields = {field: [self._slot(place) for place in sorted(there)] for field, there in places.items()}

    @property
    def clear(self) -> bool:
        """Whether each mark is read as a value."""
        read = sum(type(slot) is int for field, slots in self.fields.items() for slot in slots if field[0] != "list")
        unread = any(mark in text for text in (*self.texts, *self._strings) for mark in (_STRING, _NUMBER))
        return read == self.strings + self.numbers and not unread

    @property
    def whole(self) -> bool:
        """Whether it ends with a frame."""
        return not self._rest or self._rest[-1][1] < len(self._text)

    def _slot(self, place: Place) -> int | str:
        begin, end = place
        said = self._text[begin:end]
        if said == _STRING:
            return self._text.count(_STRING, 0, begin)
        return self.strings + self._text.count(_NUMBER, 0, begin) if said == _NUMBER else said
