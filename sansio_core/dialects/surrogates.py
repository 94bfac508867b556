"""Halves of surrogate pairs: JSON can escape each by itself ("\\ud83d"), and UTF-8 cannot encode one (RFC 8259, 8.2).

Some servers cut an emoji between its halves, into two events; some send only one half. Whoever prints or encodes such a
text gets a UnicodeEncodeError far from here. So two halves become their character, and a single one U+FFFD.
"""

from __future__ import annotations

from dataclasses import replace

from ..events import ChatEvent, Failed, Finished, ReasoningDelta, RefusalDelta, TextDelta

_Delta = TextDelta | ReasoningDelta | RefusalDelta


class Halves:
    """Joins halves over the texts of a stream; each kind of text of each choice by itself."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        # first halves at the end of a text, which wait for the second half at the beginning of the next
        self._held: dict[tuple[type[_Delta], int], _Delta] = {}

    def mend(self, events: list[ChatEvent]) -> None:
        """Replace the halves in the texts of `events`, in place."""
        if not self._held and not _have_half(events):  # nearly always
            return
        mended = list[ChatEvent]()
        for event in events:
            if isinstance(event, _Delta):
                self._mend(event, mended)
            else:
                if isinstance(event, (Finished, Failed)):  # no text comes behind these
                    self.flush(mended)
                mended.append(event)
        events[:] = mended

    def flush(self, events: list[ChatEvent]) -> None:
        """The stream or the answer ended: append U+FFFD for each first half that still waits."""
        events += [replace(event, text="\ufffd") for event in self._held.values()]
        self._held.clear()

    def _mend(self, event: _Delta, mended: list[ChatEvent]) -> None:
        key = type(event), event.choice
        # Events of another kind or choice may stand between two halves, so that each waits for its own next text.
        before = self._held.pop(key, None)
        text = event.text if before is None else before.text + event.text
        # A slice, as the text may be empty.
        if "\ud800" <= text[-1:] <= "\udbff":
            self._held[key] = replace(event, text=text[-1])
            text = text[:-1]
        # UTF-16 has two halves as two code units next to each other, and reads them back as one character.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if text or not event.text:  # a text of only a first half waits as a whole
            mended.append(replace(event, text=text))


def _have_half(events: list[ChatEvent]) -> bool:
    for event in events:
        if type(event) is TextDelta and event.text.isascii():  # nearly all events: this is quicker than isinstance
            continue
        if isinstance(event, _Delta) and not _encodable(event.text):
            return True
    return False


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
