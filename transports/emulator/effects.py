"""What each fault does to a response: the only place that knows it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import cycle

from . import faults
from .faults import Fault
from .request import Request
from .response import Control, Pause, Response, Step, head
from .systems.answer import Answer
from .systems.base import System

PORTAL = "<!DOCTYPE html>\n<html><head><title>Just a moment…</title></head><body><h1>Checking…</h1></body></html>\n"
_IN_CHARACTER = re.compile(rb"(?<=[\xc0-\xff])")  # after the first byte of a multi-byte character in UTF-8
_IN_CRLF = re.compile(rb"(?<=\r)(?=\n)")
_CONTROLS: dict[type[Fault], Control] = {
    faults.Hang: Control.HANG,
    faults.Reset: Control.RESET,
    faults.Stall: Control.HOLD,
}
_STALE = {"403": (403, b"-1"), "-1": (200, b"-1"), "0": (200, b"0")}
"""WordPress's answers to a nonce that is no longer valid: status and body, by `StaleNonce.form`."""


def apply(fault: Fault, response: Response, system: System, request: Request, answer: Answer) -> None:
    """Change `response`, which would give `answer`, as `fault` says.

    Raises ErrorResponse where the system's format has no such thing (keep-alive frames, nonces).
    """
    # Each function has the faults of one section of faults.py, and leaves the response alone for all others.
    _replace(fault, response, system, request, answer)
    _change_content(fault, response, system, request)
    _cut(fault, response, system)
    _disturb(fault, response)


def banned(ordered: Iterable[Fault], answer: Answer) -> Answer:
    """`answer`, with the ban sentence in place of the rest of its text where one of the faults is a Ban."""
    for fault in ordered:
        if isinstance(fault, faults.Ban):
            answer = replace(answer, pieces=[*answer.pieces[: fault.after_pieces], fault.text], calls=[])
    return answer


def _replace(fault: Fault, response: Response, system: System, request: Request, answer: Answer) -> None:
    """Another answer in place of the right one."""
    match fault:
        case faults.Status(status=status, headers=headers, body=body):
            response.status, response.headers, response.framing = status, list(headers.items()), "content-length"
            response.replace_body(_media_type(body), body)
        case faults.Redirect(status=status, location=location):
            response.status, response.headers, response.framing = status, [("Location", location)], "content-length"
            response.replace_body(None, b"")
        case faults.RawResponse(data=data, close=close):
            response.raw, response.keep_alive = data, not close
        case faults.HTMLAnswer(status=status):
            response.status = status
            response.replace_body("text/html; charset=utf-8", PORTAL.encode())
        case faults.JSONAnswer(indent=indent):
            response.replace_body("application/json", system.whole(request, answer, indent))
        case faults.StaleNonce(form=form):
            system.go_stale()
            response.status, body = _STALE[form]
            response.replace_body("text/html; charset=UTF-8", body)
        case faults.Hang():
            response.before_head.append(Control.HANG)


def _media_type(body: bytes) -> str | None:
    if not body:
        return None
    return "application/json" if body[:1] in (b"{", b"[") else "text/plain; charset=utf-8"


def _change_content(fault: Fault, response: Response, system: System, request: Request) -> None:
    """The answer's content. (A Ban is in the answer already, by `banned`.)"""
    match fault:
        case faults.ContentType(value=value):
            response.content_type = value
        case faults.GarbageLine(text=line, after_pieces=place):
            response.insert(place, system.line(line))
        case faults.InBandError(payload=payload, after_pieces=place):
            response.end_after(place)
            response.ending = []
            response.insert(place, system.error(request, payload))
        case faults.MissingEnd():
            response.ending = []
        case faults.KeepAlives():
            _keep_alives(fault, response, system.keep_alive(request))
        case faults.Trailing(data=data, beyond=True):
            response.after_end += data
        case faults.Trailing(data=data):
            response.last.append(data)


def _cut(fault: Fault, response: Response, system: System) -> None:
    """How the bytes are cut into writes."""
    match fault:
        case faults.OneByte(interval=interval):
            response.byte_interval = interval
        case faults.Cut(size=size):
            response.cut_size = size
        case faults.SplitCharacter():
            response.cuts.append(_IN_CHARACTER)
        case faults.LineEnds(end=end) if system.has_lines:
            response.line_end = end.encode()
        case faults.SplitCRLF():
            response.line_end = b"\r\n" if system.has_lines else b"\n"
            response.cuts.append(_IN_CRLF)


def _disturb(fault: Fault, response: Response) -> None:
    """HTTP and TCP."""
    match fault:
        case faults.Interim(status=status, headers=headers):
            response.before_head.append(head(status, headers.items()))
        case faults.Gzip(damage=damage):
            response.gzip = damage or "whole"
        case faults.Reset(before="headers") | faults.Stall(where="headers"):
            response.before_head.append(_CONTROLS[type(fault)])
        case faults.Reset(after_pieces=place) | faults.Stall(after_pieces=place):
            response.insert(place, _CONTROLS[type(fault)])
        case faults.TruncatedFraming(after_pieces=None):
            response.insert(None, Control.CLOSE, b"\n")  # the framing announces this byte, which is never sent
        case faults.TruncatedFraming(after_pieces=place, inside=inside):
            response.insert(place, Control.CUT if inside else Control.CLOSE)


def _keep_alives(fault: faults.KeepAlives, response: Response, frame: bytes) -> None:
    turn: tuple[Step, Step] = (frame, Pause(fault.interval))
    if fault.count is not None:
        response.insert(fault.after_pieces, *turn * fault.count)
        return
    response.endless = True
    place = len(response.pieces) if fault.after_pieces is None else fault.after_pieces
    response.inserted.setdefault(place, []).append(cycle(turn))


def on_connect(ordered: Iterable[Fault]) -> list[Step]:
    """The steps of a new connection before anything is read from it."""
    steps: list[Step] = []
    for fault in ordered:
        match fault:
            case faults.Hang() | faults.Reset() | faults.Stall():
                steps.append(_CONTROLS[type(fault)])
            case faults.RawResponse(data=data, close=close):
                steps += [data, Control.CLOSE] if close else [data]
    return steps
