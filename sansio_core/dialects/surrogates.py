"""Halves of surrogate pairs, which JSON can escape one by one and UTF-8 cannot carry (RFC 8259 8.2).

Some servers cut an emoji between its halves, into two events; some send half of one. Whoever prints or sends on such a
text gets an exception far from here, so it is mended here: two halves make their character, one alone is U+FFFD.
"""

from __future__ import annotations

from dataclasses import replace

from ..events import ChatEvent, Failed, Finished, ReasoningDelta, RefusalDelta, TextDelta

_Delta = TextDelta | ReasoningDelta | RefusalDelta


class Halves:
    """The first halves that wait for their second, of every kind of text and choice."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[tuple[type[_Delta], int], _Delta] = {}

    def mend(self, events: list[ChatEvent]) -> None:
        """Mend the texts of `events`, in place."""
        for event in events:
            if type(event) is TextDelta and event.text.isascii() and not self._held:
                continue  # nearly all are this
            text = event.text if type(event) is TextDelta or isinstance(event, (ReasoningDelta, RefusalDelta)) else ""
            if self._held or not (text.isascii() or _whole(text)):
                break
        else:
            return  # as nearly always
        mended = list[ChatEvent]()
        for event in events:
            if isinstance(event, _Delta):
                self._mend(event, mended)
            else:
                if isinstance(event, (Finished, Failed)):
                    self.flush(mended)
                mended.append(event)
        events[:] = mended

    def flush(self, events: list[ChatEvent]) -> None:
        """No second half comes any more."""
        events += [replace(event, text="\ufffd") for event in self._held.values()]
        self._held.clear()

    def _mend(self, event: _Delta, mended: list[ChatEvent]) -> None:
        key = type(event), event.choice
        before = self._held.pop(key, None)
        text = event.text if before is None else before.text + event.text
        if "\ud800" <= text[-1:] <= "\udbff":
            self._held[key] = replace(event, text=text[-1])
            text = text[:-1]
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if text or not event.text:
            mended.append(replace(event, text=text))


def _whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
