"""How the command ends: its exit codes, and its texts on standard error. All of `cli` uses it."""

from __future__ import annotations

from sansio_core import (
    AuthenticationFailed,
    Cancelled,
    ChatError,
    HTTPStatusError,
    InvalidRequest,
    LimitExceeded,
    NotFound,
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


def message_of(error: ChatError) -> str:
    """The text of `error`, with options of the command where the library's own text names arguments of Python."""
    match error:
        case AuthenticationFailed(key_sent=False, hint=hint) if hint:
            return str(error).replace(hint, hint.removeprefix("give api_key=, or "))
        case NotFound(hint=hint) if hint:
            return str(error).replace(hint, "see --base-url and --model")
        case TransportFailure(detail=detail, hint=hint) if "base_url=" in hint:
            return f"{detail}\nthis public endpoint was last known not to work: try --base-url URL, or --emulate"
        case TimedOut(clock=clock, seconds=seconds) if seconds is not None:
            option = " (see --timeout)" if clock == "total" else ""
            return f"{TimedOut.MEANING.get(clock, 'timed out')} within {seconds:g} s{option}"
        case InvalidRequest(hint=hint) if hint:
            return str(error).replace(hint, "add its host with `sansio-chat providers --add`")
        case LimitExceeded(limit=limit, size=size):
            return f"the answer has a {limit} of more than {size} bytes"
        case InvalidRequest() if str(error).startswith("concurrency="):
            return f"--{error}".replace("=", " ", 1)
        case HTTPStatusError() if "max_wait" in (text := str(error)):
            return text.replace("max_wait", "--max-wait")
        case _:
            text = str(error).replace("use api_key= or headers=", "the key goes into the provider's variable")
            return text.replace(" (fresh=True)", "")


def words_of(error: OSError) -> str:
    """The text of an error of the system, with the file's name."""
    words = str(error.strerror or error)
    return f"{error.filename}: {words}" if error.filename else words


def say(message: str) -> None:
    """Write a message to standard error, each line after the command's name; "" is none."""
    write_message("".join(f"sansio-chat: {line}\n" for line in message.splitlines()))
