"""The one place that knows what each fault does to a response."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import cycle

from .faults import (
    Ban,
    ContentType,
    Cut,
    Fault,
    GarbageLine,
    Gzip,
    Hang,
    HTMLAnswer,
    InBandError,
    Interim,
    JSONAnswer,
    KeepAlives,
    LineEnds,
    MissingEnd,
    OneByte,
    RawResponse,
    Redirect,
    Reset,
    SplitCharacter,
    SplitCRLF,
    StaleNonce,
    Stall,
    Status,
    Trailing,
    TruncatedFraming,
)
from .record import Request
from .response import Control, Pause, Response, Step, head
from .systems.answer import Answer
from .systems.base import System

PORTAL = "<!DOCTYPE html>\n<html><head><title>Just a moment…</title></head><body><h1>Checking…</h1></body></html>\n"
_IN_CHARACTER = re.compile(rb"(?<=[\xc0-\xff])")
_IN_CRLF = re.compile(rb"(?<=\r)(?=\n)")


def apply(fault: Fault, response: Response, system: System, request: Request, answer: Answer) -> None:
    """Change `response`, which would give `answer`, as `fault` says. Raises Refused where its format has none."""
    match fault:
        case Status() | Redirect() | RawResponse() | HTMLAnswer() | JSONAnswer() | StaleNonce() | Hang():
            _instead(fault, response, system, request, answer)
        case ContentType(value=value):
            response.content_type = value
        case GarbageLine(text=line, after_pieces=place):
            response.insert(place, system.line(line))
        case InBandError(payload=payload, after_pieces=place):
            response.end_after(place)
            response.ending = []
            response.insert(place, system.error(request, payload))
        case Ban():
            pass  # it is in the answer already, by `banned`
        case MissingEnd():
            response.ending = []
        case KeepAlives():
            _keep_alives(fault, response, system.keep_alive(request))
        case Trailing(data=data, beyond=beyond):
            if beyond:
                response.after_end += data
            else:
                response.last.append(data)
        case _:
            _deliver(fault, response, system)


def banned(faults: Iterable[Fault], answer: Answer) -> Answer:
    """What is said instead where one of the faults is a Ban."""
    for fault in faults:
        if isinstance(fault, Ban):
            answer = replace(answer, pieces=[*answer.pieces[: fault.after_pieces], fault.text], calls=[])
    return answer


def _instead(fault: Fault, response: Response, system: System, request: Request, answer: Answer) -> None:
    """Another answer in place of the right one."""
    match fault:
        case Status(status=status, headers=headers, body=body):
            kind = "application/json" if body[:1] in (b"{", b"[") else "text/plain; charset=utf-8"
            response.status, response.headers, response.framing = status, list(headers.items()), "content-length"
            response.replace_body(kind if body else None, body)
        case Redirect(status=status, location=location):
            response.status, response.headers, response.framing = status, [("Location", location)], "content-length"
            response.replace_body(None, b"")
        case RawResponse(data=data, close=close):
            response.raw, response.keep_alive = data, not close
        case HTMLAnswer(status=status):
            response.status = status
            response.replace_body("text/html; charset=utf-8", PORTAL.encode())
        case JSONAnswer(indent=indent):
            response.replace_body("application/json", system.whole(request, answer, indent))
        case StaleNonce(form=form):
            system.go_stale()
            response.status = 403 if form == "403" else 200
            response.replace_body("text/html; charset=UTF-8", b"0" if form == "0" else b"-1")
        case Hang():
            response.before_head.append(Control.HANG)


def _deliver(fault: Fault, response: Response, system: System) -> None:
    """The right answer, sent in another way."""
    match fault:
        case OneByte(interval=interval):
            response.byte_interval = interval
        case Cut(size=size):
            response.cut_size = size
        case SplitCharacter():
            response.cuts.append(_IN_CHARACTER)
        case LineEnds(end=end) if system.has_lines:
            response.line_end = end.encode()
        case SplitCRLF():
            response.line_end = b"\r\n" if system.has_lines else b"\n"
            response.cuts.append(_IN_CRLF)
        case Interim(status=status, headers=headers):
            response.before_head.append(head(status, headers.items()))
        case Gzip(damage=damage):
            response.gzip = damage or "whole"
        case Reset(before="headers"):
            response.before_head.append(Control.RESET)
        case Reset(after_pieces=place):
            response.insert(place, Control.RESET)
        case Stall(where="headers"):
            response.before_head.append(Control.HOLD)
        case Stall(after_pieces=place):
            response.insert(place, Control.HOLD)
        case TruncatedFraming(after_pieces=None):
            response.insert(None, Control.CLOSE, b"\n")  # one byte is promised that does not come
        case TruncatedFraming(after_pieces=place, inside=inside):
            response.insert(place, Control.CUT if inside else Control.CLOSE)


def _keep_alives(fault: KeepAlives, response: Response, frame: bytes) -> None:
    turn: tuple[Step, Step] = (frame, Pause(fault.interval))
    if fault.count is not None:
        response.insert(fault.after_pieces, *turn * fault.count)
        return
    response.endless = True
    place = len(response.pieces) if fault.after_pieces is None else fault.after_pieces
    response.inserted.setdefault(place, []).append(cycle(turn))


def on_connect(faults: Iterable[Fault]) -> list[Step]:
    """What is done with a connection before anything is read from it."""
    steps: list[Step] = []
    for fault in faults:
        match fault:
            case Hang():
                steps.append(Control.HANG)
            case Reset():
                steps.append(Control.RESET)
            case Stall():
                steps.append(Control.HOLD)
            case RawResponse(data=data, close=close):
                steps += [data, Control.CLOSE] if close else [data]
    return steps
