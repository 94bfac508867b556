"""The dialect of endpoints whose body is the text itself: no frames, no end marker; the HTTP framing proves the end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar

from ..errors import ChatError, ProviderRefused
from ..events import ChatEvent, TextDelta
from ..parsers import TextParser
from ..partial_json import parse_partial
from .base import ChatParser
from .error_mapping import in_band, page_in_place_of_an_answer

# The first keys of the error objects of endpoints, gateways and web frameworks.
_ERROR_KEYS = (
    "error", "errors", "detail", "message", "msg", "status", "code", "type", "success", "statusCode", "object", "ok",
    "timestamp", "request_id", "requestId", "error_code", "errcode",
)  # fmt: skip
# An object up to its first key, as far as it has come: the key's name, and its closing quote.
_FIRST_KEY = re.compile(r'\{\s*(?:"(\w*)("?))?')
# How HTML pages of gateways and captchas begin; a body of text/html that begins with another tag may be an answer.
_HTML = ("<!doctype html", "<html", "<head", "<body", "<!--", "<?xml", "<title", "<center")
_MAX_ERROR = 64 * 1024  # characters of a body that are held back at most; errors and error pages are smaller


class _State(Enum):
    OPENING = "the body so far is blank, or too short to tell whether it is an answer"
    HELD = "the body begins as an error does: only its end tells whether it is one"
    STREAMING = "the body is an answer: its text is delivered as it comes"


_OPENING, _HELD, _STREAMING = _State  # every feed asks for one, and an attribute of an Enum costs 0.03 µs


class PlainTextParser(ChatParser):
    """Text in, text out, as soon as it is there, but for three things that are no answer.

    Not a character of one of the `error_sentences` is delivered, however it was cut; text that only begins like one is
    delivered as soon as it can no longer be one.

    A body that is a JSON error object is an error: a body that begins as one does is held back until its end (and any
    object, if `content_type` says JSON). An HTML page is an error, too, but only if `content_type` says HTML: a user
    may well ask a model to write HTML or JSON.
    """

    of_json = False
    ends_with_body = True
    error_sentences: ClassVar[Mapping[str, type[ProviderRefused]]] = {}
    """The sentences that a provider puts in place of an answer (or behind a part of one), and the class of error that
    each one means."""

    def __init__(self, *, content_type: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self._text = TextParser()
        media_type = content_type.partition(";")[0].strip().lower()
        self._html = media_type == "text/html"
        self._json = media_type == "application/json"
        self._state = _OPENING
        self._body: list[str] = []  # the body so far, until the state is STREAMING
        self._size = 0  # its characters
        self._start = ""  # its beginning without blank space, while the state is OPENING
        self._undelivered = ""  # the end of the text so far, if it may be the beginning of an error sentence

    def read(self, data: bytes | bytearray | memoryview, out: list[ChatEvent]) -> None:
        for text in self._text.feed(data):
            self._take(text, out)

    def read_end(self, proper: bool, out: list[ChatEvent]) -> None:
        for text in self._text.close():
            self._take(text, out)
        if self._state is not _STREAMING and not self.ended:
            self._stream(out)
        if not self.ended and self._undelivered:
            out.append(TextDelta(self._undelivered))

    def _take(self, text: str, out: list[ChatEvent]) -> None:
        if self._state is _STREAMING:
            self._deliver(text, out)
            return
        self._body.append(text)
        self._size += len(text)
        if self._state is _OPENING:
            # JSON may have blank space before its value (RFC 8259, 2), and a page before its first tag.
            self._start += text if self._start else text.lstrip()
            if self._start:
                page = self._html and self._start[0] == "<"
                self._state = _state_of_page(self._start) if page else _state_of_object(self._start, self._json)
        # What is held back is bounded: a model may answer with a JSON object that has an "error" and no end.
        if self._state is _STREAMING or self._size > _MAX_ERROR:
            self._stream(out)

    def _stream(self, out: list[ChatEvent]) -> None:
        """Deliver the body so far, unless it was held and is an error."""
        body = "".join(self._body)
        error = self._error_of(body[:_MAX_ERROR].lstrip()) if self._state is _HELD else None
        self._state = _STREAMING
        if error is None:
            self._deliver(body, out)
            return
        # A known sentence inside an error object tells more than the object's own fields, which may say only 403.
        # In the body, and in the message that was read from it: JSON may write the sentence in escapes.
        known = [kind(sentence) for sentence, kind in self.error_sentences.items() if sentence in body + error.detail]
        self.fail(known[0] if known else error, out)

    def _error_of(self, body: str) -> ChatError | None:
        if _is_page(body):
            return page_in_place_of_an_answer(body)
        return in_band(parse_partial(body)) if body.startswith("{") else None  # the body's end may be cut off

    def _deliver(self, text: str, out: list[ChatEvent]) -> None:
        text = self._undelivered + text
        keep = 0
        for sentence in self.error_sentences:
            if sentence in text:
                self._fail_with_sentence(text, out)
                return
            keep = max(keep, _overlap(text, sentence))  # of several sentences, any may go on
        self._undelivered = text[len(text) - keep :]
        if len(text) > keep:
            out.append(TextDelta(text[: len(text) - keep]))

    def _fail_with_sentence(self, text: str, out: list[ChatEvent]) -> None:
        """The first error sentence in `text` ends the answer; the text before it is one."""
        # The first by its place and not by the mapping's order: the text before it is the same for any cut.
        at, sentence = min((text.find(sentence), sentence) for sentence in self.error_sentences if sentence in text)
        if at:
            out.append(TextDelta(text[:at]))
        self.fail(self.error_sentences[sentence](sentence), out)


def _is_page(body: str) -> bool:
    return body[:20].lower().startswith(_HTML)


def _state_of_page(start: str) -> _State:
    """After the beginning `start` of a body of the type text/html."""
    if _is_page(start):
        return _HELD
    return _OPENING if any(tag.startswith(start.lower()) for tag in _HTML) else _STREAMING


def _state_of_object(start: str, any_object: bool) -> _State:
    """After the beginning `start` of a body that may be a JSON error object."""
    found = _FIRST_KEY.match(start)
    if found is None:
        return _STREAMING
    key, closing_quote = found[1] or "", found[2]
    if any_object or (closing_quote and key in _ERROR_KEYS):
        return _HELD
    undecided = found.end() == len(start) and any(known.startswith(key) for known in _ERROR_KEYS)
    return _OPENING if undecided else _STREAMING


def _overlap(text: str, sentence: str) -> int:
    """How many of the last characters of `text` are the beginning of `sentence`."""
    # All but one of the sentence's characters at most: a whole sentence was found before.
    at = text.find(sentence[0], max(0, len(text) - len(sentence) + 1))
    while at >= 0 and not sentence.startswith(text[at:]):
        at = text.find(sentence[0], at + 1)
    return len(text) - at if at >= 0 else 0
