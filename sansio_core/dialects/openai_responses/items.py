"""Which output item an event is about, and which of the item's texts were given already."""

from __future__ import annotations

from typing import Any


class Item:
    """One output item while its events come.

    A text comes up to four times: in deltas, and whole in the `done` events of the text, of its part and of its item.
    The item knows which texts were given already, so that each is given once.
    """

    __slots__ = ("call", "done", "given")

    def __init__(self) -> None:
        self.call: int | None = None  # the index of the tool call that the item is
        self.given: set[tuple[str, Any]] = set()  # kind of text and index of its part; None where an event has no index
        self.done = False

    def has_given(self, kind: str, part: Any) -> bool:
        """Whether that text was given, in deltas or whole.

        Reasoning counts for all parts: hosts give the same reasoning as a content and as a summary.
        """
        return any(k == kind and (p is None or p == part or kind == "reasoning") for k, p in self.given)


class Items:
    """The items of one response."""

    def __init__(self) -> None:
        self._known: dict[int | str, Item] = {}  # by output_index and by id
        self._last: Item | None = None
        self._nameless = False  # whether no event gave the last item an index or id: the next event may give it those

    def find(self, value: dict[str, Any], item_id: Any = None) -> Item:
        """The item that an event is about: by its output_index, else by its id, else the last one."""
        # some hosts leave out the index, some the id, some both, and some give an item's id in its last event only
        keys = _keys(value.get("output_index"), item_id or value.get("item_id"))
        found = None
        for key in keys:
            if found is None:
                found = self._known.get(key)
        if found is None and (self._nameless or not keys):
            found = self._last
            self._nameless = self._nameless and not keys
        if found is None:
            found, self._nameless = Item(), not keys
        self._last = found
        for key in keys:
            self._known.setdefault(key, found)  # an index or id stays with the item that had it first
        return found

    def in_output(self, place: int, item_id: Any) -> Item:
        """The item at `place` of a whole response's output."""
        # An id is surer than a place, as some hosts leave items out here. An item with neither of them in any event
        # so far is a new one, under a key that no event can have.
        by_place = place in self._known and not (isinstance(item_id, str) and item_id in self._known)
        return self.find({"output_index": place} if by_place else {}, item_id or f"output {place}")


def _keys(*keys: Any) -> list[int | str]:
    """Those of an index and an id that an event has."""
    # By type(): True would count as the index 1, and a list has no hash.
    return [key for key in keys if type(key) in (int, str) and key != ""]


def part_of(value: dict[str, Any], field: str = "content_index") -> int | str | None:
    """The index of the part of its item's content that an event is about; None where the event has none.

    A summary's index is not needed: reasoning counts for all parts. `field`: where the event has the index.
    """
    index = value.get(field)
    return index if type(index) in (int, str) else None
