"""A loopback server that speaks every provider's wire format, with faults to order: to try out, and to test against.

Two more servers stand on the same ground, for `transports.tapes`: one that plays a tape, and one that makes one.

In reading order:

emulator    Emulator: order faults, answer each request
loopback    LoopbackServer: start, stop, look at the requests; the base of all three servers
limit       Limit: how many requests it answers; the quota fields of responses
faults      the faults, as immutable values, and their names on a command line
effects     what each fault does to a response
request     Request: one request, as the emulator received it
response    Response: one response as data, and as the steps that send it
served      Served: how one request was answered, for a log of them
server      the HTTP/1.1 server: reads requests, carries out the steps of responses
systems/    the server side of each provider: checks a request, renders an answer
tape_server TapeServer: answers each request with a take of a tape
relay       Relay: passes each request on to its provider, and records
passing     what these two share: a client's request as ours, a provider's response in steps
"""

from __future__ import annotations

from .emulator import DEFAULT_TEXT, Emulator, Order, ToolCalls
from .faults import (
    BAN,
    FAULTS,
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
    parse_fault,
)
from .limit import Limit
from .request import Request
from .served import Served

__all__ = [
    "BAN",
    "DEFAULT_TEXT",
    "FAULTS",
    "Ban",
    "ContentType",
    "Cut",
    "Emulator",
    "Fault",
    "GarbageLine",
    "Gzip",
    "HTMLAnswer",
    "Hang",
    "InBandError",
    "Interim",
    "JSONAnswer",
    "KeepAlives",
    "Limit",
    "LineEnds",
    "MissingEnd",
    "OneByte",
    "Order",
    "RawResponse",
    "Redirect",
    "Request",
    "Reset",
    "Served",
    "SplitCRLF",
    "SplitCharacter",
    "StaleNonce",
    "Stall",
    "Status",
    "ToolCalls",
    "Trailing",
    "TruncatedFraming",
    "parse_fault",
]
