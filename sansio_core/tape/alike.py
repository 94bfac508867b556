"""The parts of a body whose frames are alike, as texts without places: of most streams, many times as fast as Frames.

The frames of a stream differ in a few values. Without these, only a few kinds of them are left: Frames reads one of
each kind, with marks where the values were, and what a field says is a column of values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, groupby, islice

from .frames import POSITION, Frames, Place

# The marks stand in no usual body, and Frames reads them as it reads the values.
_STRING, _NUMBER = "\0", "0+-+0"
_VALUES = {
    blank: (
        re.compile(rf'":{blank}"([^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+)"'),
        # But for fields named `index`, by which Frames tells one text's pieces from another's.
        re.compile(rf'":(?<!ndex":){blank}(-?[0-9][0-9.eE+-]*+)'),
    )
    for blank in ("", " ")
}
_SAMPLE = 1000  # characters that show how the JSON of the body is written
_FEWEST = 4  # units of a kind, on average: with fewer, this takes longer than Frames

Field = tuple[object, ...]
"""The kind of a field's part, and what tells it from others."""


def parts(text: str, repeats: int) -> Iterator[tuple[str, str]] | None:
    """The kind and text of each part of `text` that Frames has; None where they are not found so quickly.

    `repeats`: how often a field's text has what the field always says, at most; 0 for any number.
    """
    if _STRING in text or _NUMBER in text or text[:1] in "\r\n":
        return None
    blank = " " if '": ' in text[:_SAMPLE] else ""
    string, number = _VALUES[blank]
    kept = string.split(text)
    strings = iter(kept[1::2])
    kept = number.split(f'":{blank}"{_STRING}"'.join(kept[::2]))
    numbers = iter(kept[1::2])
    *units, last = f'":{blank}{_NUMBER}'.join(kept[::2]).split("}\r\n" if "\r" in text else "}\n")
    different = dict.fromkeys(units)
    if len(different) * _FEWEST > len(units):
        return None
    kinds = {unit: _Unit(unit.lstrip("\r\n") + "}") for unit in different}
    end = _Unit(last.lstrip("\r\n"))
    if not (end.clear and all(unit.clear and unit.whole for unit in kinds.values())):
        return None
    runs = [*((kinds[unit], len(list(run))) for unit, run in groupby(units)), (end, 1)]
    return _parts([*kinds.values(), end], runs, strings, numbers, repeats)


def _parts(
    kinds: list[_Unit], runs: list[tuple[_Unit, int]], strings: Iterator[str], numbers: Iterator[str], repeats: int
) -> Iterator[tuple[str, str]]:
    fields = dict.fromkeys(chain.from_iterable(kind.fields for kind in kinds))
    several = Counter(_list(*field) for field in fields if len(field) == 3)
    said: dict[Field, list[str]] = {field: [] for field in fields if several.get(field) != 1}
    for unit, count in runs:
        columns = [*_columns(strings, unit.strings, count), *_columns(numbers, unit.numbers, count)]
        for field in unit.fields.keys() & said:
            row = [[slot] * count if isinstance(slot, str) else columns[slot] for slot in unit.fields[field]]
            said[field] += row[0] if len(row) == 1 else chain.from_iterable(zip(*row, strict=True))
    for (kind, *_), each in said.items():
        if repeats and len(each) > repeats and "\\" not in each[0] and each.count(each[0]) == len(each):
            del each[repeats:]
        yield str(kind), ("\n" if kind == "number" else "").join(each)
    yield "name", "\n".join(dict.fromkeys(chain.from_iterable(kind.names for kind in kinds)))
    for text in dict.fromkeys(chain.from_iterable(kind.texts for kind in kinds)):
        yield "text", text


def _columns(values: Iterator[str], width: int, count: int) -> list[list[str]]:
    rows = list(islice(values, width * count))
    return [rows[at::width] for at in range(width)]


def _list(kind: object, path: str, _: object) -> Field:
    """What the field `path` is called, if it were in a list's first item or a later one."""
    return kind, POSITION.sub("[]", path)


class _Unit(Frames):
    """The lines up to a frame's end, with marks for its values."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.strings, self.numbers = text.count(_STRING), text.count(_NUMBER)
        self.names = list(self._names)
        self.texts = [text[begin:end] for begin, end in self._rest]
        places: dict[Field, list[Place]] = {("number",): self._numbers, ("text",): self._plain}
        for (path, indexes), there in self._strings.items():
            places["string", path, indexes] = there
            places.setdefault(("string", POSITION.sub("[]", path)), []).extend(there)
        # What each field says in a unit: texts, and the numbers of values in the unit's row, strings first.
        self.fields = {field: [self._slot(place) for place in sorted(there)] for field, there in places.items()}

    @property
    def clear(self) -> bool:
        """Whether each mark is read as a value."""
        read = sum(type(slot) is int for field, slots in self.fields.items() for slot in slots if len(field) != 2)
        return read == self.strings + self.numbers and not any(_STRING in each or _NUMBER in each for each in self.texts)

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
