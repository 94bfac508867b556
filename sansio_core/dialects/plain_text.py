"""The dialect of endpoints that answer with the text itself: no frames, no marker; the HTTP framing proves the end."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import ChatError, ProviderRefused
from ..events import ChatEvent, Finished, TextDelta
from ..parsers import TextParser
from ..partial_json import parse_partial
from .base import ChatParser
from .error_mapping import in_band, page_in_place_of_an_answer

_ERROR_KEYS = (
    "error", "errors", "detail", "message", "msg", "status", "code", "type", "success", "statusCode", "object", "ok",
    "timestamp", "request_id", "requestId", "error_code", "errcode",
)  # fmt: skip
_FIRST_KEY = re.compile(r'\{\s*(?:"(\w*)("?))?')
_HTML = ("<!doctype html", "<html", "<head", "<body", "<!--", "<?xml", "<title", "<center")
_MAX_ERROR = 64 * 1024


class PlainTextParser(ChatParser):
    """Text in, text out, as soon as it is there, but for three things that are no answer.

    `refusals` maps sentences that a provider puts in place of an answer to the class of error that they mean: not a
    character of such a sentence is handed out, however it was cut; text that only begins like one is handed out as
    soon as it can no longer be one. A body that is a JSON error object is an error: what begins as one does is held
    back until its end (and any object, where `content_type` says JSON). An HTML page is one too, where `content_type`
    says HTML (a model may well be asked to write HTML or JSON).
    """

    of_json = False

    def __init__(self, *, content_type: str = "", refusals: Mapping[str, type[ProviderRefused]] | None = None) -> None:
        super().__init__()
        self._text = TextParser()
        kind = content_type.partition(";")[0].strip().lower()
        self._html = kind == "text/html"
        self._json = kind == "application/json"
        self._refusals = dict(refusals or {})
        self._opening: list[str] | None = []  # the body so far, while it may still be no answer at all
        self._opened = 0  # its length
        self._begun = False  # whether it is more than blank space
        self._holding = False  # it begins as an error does: only its end tells
        self._held = ""  # the end of the text so far, while it may be the beginning of a refusal

    def _feed(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        for text in self._text.feed(data):
            self._take(text, out)

    def _end(self, out: list[ChatEvent], proper: bool) -> None:
        for text in self._text.close():
            self._take(text, out)
        if self._opening is not None and not self.ended:
            self._open(out)
        if not self.ended:
            if self._held:
                out.append(TextDelta(self._held))
            if proper:
                out.append(Finished())
            self.complete = proper

    def _take(self, text: str, out: list[ChatEvent]) -> None:
        if self._opening is not None:
            self._opening.append(text)
            self._opened += len(text)
            self._begun = self._begun or not text.isspace()
            waits = self._holding or not self._begun or self._may_be_no_answer()
            if not waits or self._opened > _MAX_ERROR:
                self._open(out)
        else:
            self._release(text, out)

    def _open(self, out: list[ChatEvent]) -> None:
        """What was held back is looked at as a whole: it is an error, or text after all."""
        opening, self._opening = "".join(self._opening or ()), None
        error = self._error_of(opening[:_MAX_ERROR].lstrip()) if self._holding else None
        if error is None:
            self._release(opening, out)
            return
        said = [kind(sentence) for sentence, kind in self._refusals.items() if sentence in opening + error.detail]
        self._fail(said[0] if said else error, out)

    def _may_be_no_answer(self) -> bool:
        opening = "".join(self._opening or ()).lstrip()
        if opening[0] == "<" and self._html:
            self._holding = opening[:20].lower().startswith(_HTML)
            return self._holding or any(tag.startswith(opening.lower()) for tag in _HTML)
        key = _FIRST_KEY.match(opening)
        if key is None:
            return False
        word, closed = key[1] or "", key[2]
        self._holding = self._json or (bool(closed) and word in _ERROR_KEYS)
        return self._holding or (key.end() == len(opening) and any(known.startswith(word) for known in _ERROR_KEYS))

    def _error_of(self, body: str) -> ChatError | None:
        if self._html and body[:20].lower().startswith(_HTML):
            return page_in_place_of_an_answer(body)
        return in_band(parse_partial(body)) if body.startswith("{") else None  # its end may be cut off

    def _release(self, text: str, out: list[ChatEvent]) -> None:
        text = self._held + text
        keep = 0
        for sentence in self._refusals:
            if sentence in text:
                self._refused(text, out)
                return
            keep = max(keep, _overlap(text, sentence))
        self._held = text[len(text) - keep :]
        if len(text) > keep:
            out.append(TextDelta(text[: len(text) - keep]))

    def _refused(self, text: str, out: list[ChatEvent]) -> None:
        at, sentence = min((text.find(sentence), sentence) for sentence in self._refusals if sentence in text)
        if at:
            out.append(TextDelta(text[:at]))
        self._fail(self._refusals[sentence](sentence), out)


def _overlap(text: str, sentence: str) -> int:
    """How many of the last characters of `text` are the beginning of `sentence`."""
    at = text.find(sentence[0], max(0, len(text) - len(sentence) + 1))
    while at >= 0 and not sentence.startswith(text[at:]):
        at = text.find(sentence[0], at + 1)
    return len(text) - at if at >= 0 else 0
