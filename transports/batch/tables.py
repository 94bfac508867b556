"""Tables of pyarrow, of pandas, and mappings of names to columns: read by column, and returned with more of them.

Neither library is imported before a table of its own is here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from sansio_core import InvalidRequest
from sansio_core.errors import safe_repr


class Table:
    """A table of any of the kinds that are taken: its columns as lists, and the same kind with more of them."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self._pandas = _is(batch, "pandas", "DataFrame")
        self._arrow = _is(batch, "pyarrow", "Table", "RecordBatch")
        if self._pandas or isinstance(batch, Mapping):
            self._names: list[Any] = list(batch)
        elif self._arrow:
            self._names = batch.schema.names
        else:
            raise InvalidRequest(
                "a batch is a pyarrow Table, a pandas DataFrame, or a mapping of names to columns, "
                f"not {safe_repr(batch)}"
            )

    def check(self, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        """Raises InvalidRequest where one of `inputs` is no column, or one of `outputs` is."""
        for name in inputs:
            if name not in self._names:
                there = ", ".join(map(repr, self._names)) or "none"
                raise InvalidRequest(f"the batch has no column {name!r}; its columns: {there}")
        for name in outputs:
            if name in self._names:
                raise InvalidRequest(f"the batch has a column {name!r} already: give another name as output=")

    def values(self, name: str) -> list[Any]:
        """The column `name`, None where it has no value."""
        column = self._batch[name]
        if self._pandas:
            column = column.astype(object).where(column.notna(), None)
        elif self._arrow:
            return [_plain(value) for value in column.to_pylist()]
        return [_plain(value) for value in column]

    def extended(self, columns: Mapping[str, tuple[list[Any], str]]) -> Any:
        """The table with these columns too, lists of values (None: null) of these types."""
        if self._pandas:
            pandas = import_module("pandas")
            names = {"int64": "Int64"}  # which has nulls
            return self._batch.assign(
                **{name: pandas.array(values, dtype=names.get(kind, kind)) for name, (values, kind) in columns.items()}
            )
        if self._arrow:
            table = self._batch
            for name, array in _arrays(columns).items():
                table = table.append_column(name, array)
            return table
        # numpy has no texts that may be null; Ray takes arrays of Arrow beside its own in one mapping.
        of_numpy = any(_is(column, "numpy", "ndarray") for column in self._batch.values())
        if of_numpy and "pyarrow" in sys.modules:
            return {**self._batch, **_arrays(columns)}
        return {**self._batch, **{name: values for name, (values, _) in columns.items()}}


def _arrays(columns: Mapping[str, tuple[list[Any], str]]) -> dict[str, Any]:
    """Arrays of Arrow, each of its type also where it is empty, or all of it null."""
    pyarrow = import_module("pyarrow")
    return {name: pyarrow.array(values, kind) for name, (values, kind) in columns.items()}


def _is(value: object, module: str, *names: str) -> bool:
    """Whether `value` is of one of these classes, whose module need not be there."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in names))


def _plain(value: Any) -> Any:
    """`value` without types of numpy, and without the nulls that Arrow has for the fields that a mapping lacks."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return value
