"""The pure core of sansio-chat: it builds requests, parses answers and decides everything, and touches nothing.

No I/O, no clock, no randomness, no environment, no dependency. An `Exchange` takes one question through one provider
over whatever moves the bytes; a provider's `parser()` alone turns a response body into events; `sansio_core.parsers`
has the framing alone (server-sent events, JSON lines, text).

The map of the house, in the order in which to read it; a module imports only what stands above it.

What goes over a wire
    redact                   keys and cookies taken out of every text that may be shown; what is quoted of a peer's
    plain                    what events, replies and errors have as plain JSON values
    errors                   what may go wrong: one tree under ChatError, by whose fault it is
    warning                  warnings that name the line of the caller
    http_request             HttpRequest and its header fields, URLs and redirects
    retry_after              how long a response asks to wait
    quota                    what a response's quota fields say: how long no request is worth sending
    content_coding           gzip and the like taken off a body, piece by piece
What is asked, what is answered
    partial_json             the value of a JSON text that is still growing
    strict_json              JSON as servers take it, and the place of what is wrong in one
    shapes                   types: their JSON Schemas, their values out of JSON
    records                  types with named fields: dataclasses, TypedDicts, pydantic models, msgspec Structs
    annotations              the types that Python's annotations name
    functions                Python functions as tools
    parts                    the parts of a message: texts, images, files
    part_forms               users' mappings as parts, in any vendor's form
    typed                    types that checkers and editors read: Options, ProviderName, Clock; loaded by nobody else
    options                  the options that have one name with every provider
    option_hints             what an unknown option is called here, or where it belongs
    tool_call                ToolCall: a model's call of a tool, read, carried out, answered
    request                  ChatRequest: messages, options; checked here, once
    events                   what an answer says: TextDelta, ToolCallDelta, Finished, …; their union is ChatEvent
    structured               the value of a structured answer
    stored                   a stored reply as the events that make it again
    reply                    Reply: an answer's events folded into the final message
How long, how often, how much
    timing                   Timeouts and Limits: five clocks, five bounds
    retry                    RetryPolicy: what is tried again, and when
    pacing                   Pacing: when the next of many requests may be sent, to a server whose limit nobody knows
Bytes to frames
    parsers.lines            bytes cut into lines; what all parsers share
    parsers.text             plain text in UTF-8
    parsers.ndjson           newline-delimited JSON
    parsers.json_values      JSON values found in a text that arrives in pieces
    parsers.sse              server-sent events, to the letter of the WHATWG's standard
    parsers.sse_json         the same for events whose data is JSON, much faster
Frames to events, questions to bodies: the dialects, each both halves of one wire
    model_facts              what vendors say of their models, and the default models, a row each
    dialects.forms           the common forms in which users write tools, choices and formats; options put in a body
    dialects.reasoning       one option for the effort of reasoning, as words or tokens
    dialects.asked_model     the model that is asked on OpenAI's wires: what it takes, what of a request it loses
    dialects.schemas         JSON Schemas made fit for vendors that take a part of the language
    dialects.error_mapping   the error that a response, or an object in a stream, stands for
    dialects.surrogates      characters that a server cut in two
    dialects.text_template   events that differ in their text alone are not decoded again
    dialects.base            ChatParser; EventStreamParser, for wires of server-sent events with JSON
    dialects.json_lines      NDJSONChatParser, for wires of JSON lines
    dialects.history         earlier answers and tools' results, and what a wire cannot carry of them
    dialects.openai_chat     OpenAI's Chat Completions, which most hosts speak
    dialects.openai_responses OpenAI's Responses
    dialects.anthropic       Anthropic's Messages
    dialects.gemini          Google's Gemini
    dialects.ollama          Ollama's own wire
    dialects.plain_text      answers that are the text itself
    dialects.wpaicg          a WordPress plugin's chat form
Endpoints
    model_info               ModelInfo: what a host's list says of one of its models
    providers.call           Call: one question's way through an endpoint
    providers.base           Provider: URL, key, header fields, policy
    providers.json_provider  JSONProvider: a Provider that is no more than the JSON object that it sends
    providers.hosts          the hosts of OpenAI's wire, a row each
    providers.registering    what a provider or a host of one's own must have, to be given a name
    providers                the registry, open to others; each other module is one provider, loaded when its name is
                             asked for
The machine
    states                   the actions, the states, and which may follow which: the table
    _clocks                  which of the five clocks fires next
    _advice                  hints in errors: what the user may do
    _attempts                setup pages and error responses; what follows an error: the request again, or the end
    observer                 the notices that an exchange gives of itself, and who is told
    exchange                 Exchange: the table drives
    model_list               ModelList: an exchange that asks a host for its models
Recordings
    tape                     streams recorded once, played to any exchange; nothing above knows of them
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

# Type checkers and editors do not follow __getattr__: for them, each name is imported here as well.
if TYPE_CHECKING:
    from . import parsers, providers
    from .content_coding import ContentDecoder
    from .dialects import ChatParser
    from .errors import (
        AuthenticationFailed,
        BadRequest,
        Cancelled,
        ChatError,
        ClientClosed,
        ConnectFailed,
        ConnectionLost,
        ContentFiltered,
        ContextTooLong,
        HTTPStatusError,
        InvalidRequest,
        IPBlocked,
        LimitExceeded,
        NotFound,
        OptionIgnored,
        PermissionDenied,
        ProtocolViolation,
        ProviderRefused,
        ProxyFailed,
        QuotaExhausted,
        RateLimited,
        ServerFailed,
        StreamMisused,
        StreamTruncated,
        TimedOut,
        TLSFailed,
        TransportFailure,
        UnexpectedContent,
        UnexpectedRedirect,
    )
    from .events import (
        Annotation,
        ChatEvent,
        Event,
        Failed,
        Finished,
        FinishReason,
        KeepAlive,
        Metadata,
        NativeDelta,
        NativeItem,
        ReasoningDelta,
        RefusalDelta,
        Started,
        TextDelta,
        ToolCallDelta,
        UnknownFrame,
        UsageReport,
    )
    from .exchange import Exchange
    from .http_request import HttpRequest
    from .model_info import ModelInfo
    from .model_list import ModelList
    from .observer import (
        Asked,
        AttemptBegan,
        Connected,
        Ended,
        FirstEvent,
        FirstText,
        HeadReceived,
        Notice,
        Observer,
        PlaceAwaited,
        UsageReported,
        Waiting,
    )
    from .parts import FilePart, ImagePart, TextPart
    from .reply import Choice, Reply
    from .request import ChatRequest, Message, Messages
    from .retry import RetryPolicy
    from .states import Action, Finish, NeedKey, Send, State, Wait
    from .timing import Limits, Timeouts
    from .tool_call import ToolCall
    from .typed import Clock, Options, ProviderName

__version__ = "0.1.0"
__sansio_layer__ = True  # see providers.base.warn

# Written out, although _HOMES has nearly the same names: type checkers read `__all__` from the text alone.
__all__ = [
    "Action", "Annotation", "Asked", "AttemptBegan", "AuthenticationFailed", "BadRequest", "Cancelled", "ChatError",
    "ChatEvent", "ChatParser", "ChatRequest", "Choice", "ClientClosed", "Clock", "ConnectFailed", "Connected",
    "ConnectionLost", "ContentDecoder", "ContentFiltered", "ContextTooLong", "Ended", "Event", "Exchange", "Failed",
    "FilePart", "Finish", "FinishReason", "Finished", "FirstEvent", "FirstText", "HTTPStatusError", "HeadReceived",
    "HttpRequest", "IPBlocked", "ImagePart", "InvalidRequest", "KeepAlive", "LimitExceeded", "Limits", "Message",
    "Messages", "Metadata", "ModelInfo", "ModelList", "NativeDelta", "NativeItem", "NeedKey", "NotFound", "Notice",
    "Observer", "OptionIgnored", "Options", "PermissionDenied", "PlaceAwaited", "ProtocolViolation", "ProviderName",
    "ProviderRefused", "ProxyFailed", "QuotaExhausted", "RateLimited", "ReasoningDelta", "RefusalDelta", "Reply",
    "RetryPolicy", "Send", "ServerFailed", "Started", "State", "StreamMisused", "StreamTruncated", "TLSFailed",
    "TextDelta", "TextPart", "TimedOut", "Timeouts", "ToolCall", "ToolCallDelta", "TransportFailure",
    "UnexpectedContent", "UnexpectedRedirect", "UnknownFrame", "UsageReport", "UsageReported", "Wait", "Waiting",
    "parsers", "providers",
]  # fmt: skip

# Each name is loaded when it is first used: whoever wants the framing alone, or an error's class, does not pay for the
# rest. Measured: `import sansio_core.parsers` takes a third of the time that all of it does.
_NAMES = {
    "content_coding": "ContentDecoder",
    "dialects": "ChatParser",
    "errors": (
        "AuthenticationFailed BadRequest Cancelled ChatError ClientClosed ConnectFailed ConnectionLost "
        "ContentFiltered ContextTooLong HTTPStatusError InvalidRequest IPBlocked LimitExceeded NotFound "
        "OptionIgnored PermissionDenied ProtocolViolation ProviderRefused ProxyFailed QuotaExhausted RateLimited "
        "ServerFailed StreamMisused StreamTruncated TimedOut TLSFailed TransportFailure UnexpectedContent "
        "UnexpectedRedirect"
    ),
    "events": (
        "Annotation ChatEvent Event Failed Finished FinishReason KeepAlive Metadata NativeDelta NativeItem "
        "ReasoningDelta RefusalDelta Started TextDelta ToolCallDelta UnknownFrame UsageReport"
    ),
    "exchange": "Exchange",
    "http_request": "HttpRequest",
    "model_info": "ModelInfo",
    "model_list": "ModelList",
    "observer": (
        "Asked AttemptBegan Connected Ended FirstEvent FirstText HeadReceived Notice Observer PlaceAwaited "
        "UsageReported Waiting"
    ),
    "parts": "FilePart ImagePart TextPart",
    "reply": "Choice Reply",
    "request": "ChatRequest Message Messages",
    "retry": "RetryPolicy",
    "states": "Action Finish NeedKey Send State Wait",
    "timing": "Limits Timeouts",
    "tool_call": "ToolCall",
    "typed": "Clock Options ProviderName",
}
# The homes are packages and modules at the top alone: threads that load a package and a module within it at once take
# the two import locks in opposite orders, and one of them gets importlib's _DeadlockError.
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    # These two are packages, not names within a module. Importing them makes them attributes of this package, so that
    # this function is not asked for them again.
    if name in ("parsers", "providers"):
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Kept as an attribute of the module: PEP 562 asks __getattr__ only for names that are not there.
    value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    # Names that were not used yet are no globals, and completion in a shell should list them all the same.
    return sorted({*globals(), *__all__})
