"""How the command ends: its exit codes, and its texts on standard error. All of `cli` uses it."""

from __future__ import annotations

import re
from copy import copy

from sansio_core import (
    Cancelled,
    ChatError,
    HTTPStatusError,
    InvalidRequest,
    LimitExceeded,
    ProtocolViolation,
    ProviderRefused,
    StreamTruncated,
    TimedOut,
    TransportFailure,
)

from .terminal import write_message

COMPLETE = 0
LOCAL = 1
USAGE = 2
NETWORK = 3
TIMEOUT = 4
ERROR_RESPONSE = 5
TRUNCATED = 6
BROKEN = 7
ROWS_FAILED = 8
INTERRUPTED = 130
CLOSED_PIPE = 141

MEANING = {
    COMPLETE: "the answer is complete",
    LOCAL: "this machine: a file cannot be read, the output not be written, a port not be used",
    USAGE: "the command or the request is wrong; nothing was sent",
    NETWORK: "no connection, or it broke: host, proxy, TLS",
    TIMEOUT: "it took too long (--timeout, or the provider's own bound)",
    ERROR_RESPONSE: "the provider answered with an error: a key, a limit, a block, a failure of its own",
    TRUNCATED: "the answer stopped before its end",
    BROKEN: "the answer is not in this provider's format",
    ROWS_FAILED: "batch: every row is done, and some failed",
    INTERRUPTED: "interrupted with Ctrl-C",
    CLOSED_PIPE: "the reader of the output closed the pipe (without a message, as by SIGPIPE)",
}
"""Every exit code, for --help. With codes from 3 on, the text of a partial answer stays on standard output."""

_CODES: tuple[tuple[type[ChatError], int], ...] = (
    (InvalidRequest, USAGE),
    (TransportFailure, NETWORK),
    (TimedOut, TIMEOUT),
    (HTTPStatusError, ERROR_RESPONSE),
    (ProviderRefused, ERROR_RESPONSE),
    (StreamTruncated, TRUNCATED),
    (ProtocolViolation, BROKEN),
    (Cancelled, INTERRUPTED),
)


def code_of(error: ChatError) -> int:
    """The exit code for `error`."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), LOCAL)


SPELLED = {
    "base_url=": "--base-url",
    "concurrency=": "--concurrency ",
    "max_wait": "--max-wait",
    "model=": "--model",
    "fresh=True": "--fresh",
    "api_key= or headers=": "--api-key-env",
    "api_key=": "--api-key-env",
    "a client's models(), or ModelList,": "`sansio-chat models`",
    "register it first (providers.register, or register_host)": "add its host with `sansio-chat providers --add`",
    "for another host, or the emulator's": "for another host, or --emulate",
}
"""What stands in the command for the library's parameters and functions; of two that match, the first."""
_OURS = re.compile(rf"\b(?:{'|'.join(map(re.escape, SPELLED))})")


def message_of(error: ChatError) -> str:
    """The text of `error`, with options of the command where the library's own text names parameters of Python."""
    match error:
        case TimedOut(clock=clock, seconds=seconds) if seconds is not None:
            option = " (see --timeout)" if clock == "total" else ""
            return f"{TimedOut.MEANING.get(clock, 'timed out')} within {seconds:g} s{option}"
        case LimitExceeded(limit=limit, size=size):
            return f"the answer has a {limit} of more than {size} bytes"
        case InvalidRequest():
            return _spelled(str(error))
    error = copy(error)
    error.hint = _spelled(error.hint)  # and no words of the provider's
    if isinstance(error, HTTPStatusError):
        error.bound = _spelled(error.bound)
    return str(error)


def _spelled(text: str) -> str:
    return _OURS.sub(lambda found: SPELLED[found[0]], text)


def words_of(error: OSError) -> str:
    """The text of an error of the system, with the file's name."""
    words = str(error.strerror or error)
    return f"{error.filename}: {words}" if error.filename else words


def say(message: str) -> None:
    """Write a message to standard error, each line after the command's name; "" is none."""
    write_message("".join(f"sansio-chat: {line}\n" for line in message.splitlines()))
