"""The pure core of sansio-chat: it builds requests, parses answers and decides everything, and touches nothing.

No I/O, no clock, no randomness, no environment, no dependency. An `Exchange` takes one question through one provider
over whatever moves the bytes; a provider's `parser()` alone turns a response body into events; `sansio_core.parsers`
has the framing alone (server-sent events, JSON lines, text).
"""

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
    Failed,
    Finished,
    FinishReason,
    KeepAlive,
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
from .model_list import ModelList
from .reply import Choice, Reply
from .request import ChatRequest, ImagePart, Message, Messages, TextPart, ToolCall
from .retry import RetryPolicy
from .states import Action, Finish, Send, State, Wait
from .timing import Limits, Timeouts

__version__ = "0.1.0"
__sansio_layer__ = True  # see providers.base.warn

__all__ = [
    "Action",
    "Annotation",
    "AuthenticationFailed",
    "BadRequest",
    "Cancelled",
    "ChatError",
    "ChatEvent",
    "ChatParser",
    "ChatRequest",
    "Choice",
    "ClientClosed",
    "ConnectFailed",
    "ConnectionLost",
    "ContentDecoder",
    "ContentFiltered",
    "ContextTooLong",
    "Exchange",
    "Failed",
    "Finish",
    "FinishReason",
    "Finished",
    "HTTPStatusError",
    "HttpRequest",
    "IPBlocked",
    "ImagePart",
    "InvalidRequest",
    "KeepAlive",
    "LimitExceeded",
    "Limits",
    "Message",
    "Messages",
    "ModelList",
    "NativeItem",
    "NotFound",
    "OptionIgnored",
    "PermissionDenied",
    "ProtocolViolation",
    "ProviderRefused",
    "ProxyFailed",
    "RateLimited",
    "ReasoningDelta",
    "RefusalDelta",
    "Reply",
    "RetryPolicy",
    "Send",
    "ServerFailed",
    "Started",
    "State",
    "StreamMisused",
    "StreamTruncated",
    "TLSFailed",
    "TextDelta",
    "TextPart",
    "TimedOut",
    "Timeouts",
    "ToolCall",
    "ToolCallDelta",
    "TransportFailure",
    "UnexpectedContent",
    "UnexpectedRedirect",
    "UnknownFrame",
    "UsageReport",
    "Wait",
    "parsers",
    "providers",
]
