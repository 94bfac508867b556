"""The targets' names, and what each begins with. Nothing of ours is imported here: atheris must see it first."""

from __future__ import annotations

import gzip
import json

NAMES = (
    "sse", "sse-json", "ndjson", "text", "coding", "json-values", "partial", "http", "tunnels", "headers", "urls",
    "growth", "dialect-openai", "dialect-chatgpt_free", "dialect-yqcloud", "dialect-acytoo",
    "dialect-openai_responses", "dialect-anthropic", "dialect-gemini", "dialect-ollama",
)  # fmt: skip


def seed(body: bytes, choice: int = 0, cut: int = 0, size: int = 0) -> bytes:
    """The input that means this."""
    return bytes([choice, cut >> 8, cut & 255, size]) + body


def event_streams() -> list[bytes]:
    chunk = {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hé"}, "finish_reason": None}]}
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    tool = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
    usage = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}
    anthropic: list[dict[str, object]] = [
        {"type": "message_start", "message": {"id": "m", "model": "x", "usage": {"input_tokens": 3}}},
        block,
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "thinking_delta", "thinking": "Hm"}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "signature_delta", "signature": "s"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]
    item = {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": "{}"}
    responses = [
        {"type": "response.created", "response": {"id": "r", "model": "m"}},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_text.delta", "item_id": "i", "output_index": 1, "content_index": 0, "delta": "Hi"},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [item], "usage": {}}},
    ]
    part = {"text": "Hi", "thought": True, "thoughtSignature": "s"}
    gemini = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}, "finishReason": "STOP", "index": 0}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}}]},
        {"usageMetadata": {"promptTokenCount": 1}, "promptFeedback": {"blockReason": "SAFETY"}},
        {"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}},
    ]
    streams = ([chunk, tool, usage, "[DONE]"], anthropic, responses, gemini)
    found = [
        b"event: a\r\nid: 1\r\nretry: 5\r\ndata: x\r\n\r\n: c\n\ndata\n\ndata: a\ndata: b\n\n",
        b"\xef\xbb\xbfdata:x\r\r",
    ]
    for values in streams:
        texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
        found.append("".join(f"data: {text}\n\n" for text in texts).encode())
        found += [f"data: {text}\n\n".encode() for text in texts]
        found.append(json.dumps(values[:-1]).encode())
    typed = "".join(f"event: {value['type']}\ndata: {json.dumps(value)}\n\n" for value in anthropic)
    return [*found, typed.encode(), b'data: {"error": {"message": "m", "code": 429}}\n\n', b"<html><title>x</title>"]


def lines() -> list[bytes]:
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    values = [
        {"model": "m", "message": {"role": "assistant", "content": "Hi", "thinking": "Hm"}, "done": False},
        {"model": "m", "message": {"content": "", "tool_calls": [call]}, "done": True, "done_reason": "stop"},
        {"response": "Hi", "done": False},
        {"error": "m"},
    ]
    whole = "".join(json.dumps(value) + "\n" for value in values)
    return [whole.encode(), whole.replace("\n", "\r\n").encode(), *(json.dumps(value).encode() for value in values)]


def plain() -> list[bytes]:
    ban = "sorry, 您的ip已由于触发防滥用检测而被封禁"
    return [ban.encode(), ban[:9].encode(), "Héllo 山 🌞".encode(), b'{"data": "x"}', b'{"status": "error"}', b"-1"]


def messages() -> list[bytes]:
    return [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nlink: x\r\n\r\nHTTP/1.0 404 No\r\nContent-Type: a\r\n folded\r\n\r\nbody",
        b"HTTP/1.1 204 None\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello", mtime=0),
        b"HTTP/1.1 200\r\nConnection: close\nTransfer-Encoding: chunked\nContent-Length: 3\n\n1\r\na\r\n0\r\n\r\n",
        b"5\r\nhello\r\n00\r\n\r\n",
        b"a \r\n0123456789\r\n0\r\ntrailer: 1\r\n\r\nHTTP/1.1",
    ]


def proxies() -> list[bytes]:
    """What proxies say, of HTTP and of SOCKS5."""
    return [
        b"HTTP/1.1 200 Connected\r\n\r\n",
        b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.0 407 No\r\nProxy-Authenticate: Basic\r\n\r\nbody",
        b"\5\0\5\0\0\1\x7f\0\0\1\0\x50",
        b"\5\2\1\0\5\0\0\3\1h\0\x50more",
        b"\5\2\1\0\5\0\0\4" + bytes(18),
        b"\5\2\1\1",
        b"\5\0\5\5\0\1",
        b"\5\xff",
    ]


def fields() -> list[bytes]:
    return [
        b"retry-after: 5\ndate: Sun, 06 Nov 1994 08:49:37 GMT",
        b"Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\nDate: Sunday, 06-Nov-94 08:49:37 GMT\nretry-after-ms: 2.5",
        b"retry-after: Sun Nov  6 08:49:37 1994\nset-cookie: a=b; Max-Age=0\nset-cookie: c=d; path=/\nx-request-id: r",
        b"<div data-nonce=\"a&amp;b\" data-post-id='12'></div>",
        b'{"error": {"message": "maximum context length", "code": "context_length_exceeded", "innererror": {}}}',
        b'[{"detail": [{"msg": "m"}]}]',
    ]


def addresses() -> list[bytes]:
    return [
        b"http://h.example:8080/v1?key=abc", b"/x/../y", b"//other.example/", b"https://user:password-of-us@h/",
        b"file:///x", b"http://[::1]:80/", b"socks5h://u:p%40s@[::1]:1080", b"proxy:3128", b"https://h.example/a#b",
    ]  # fmt: skip


def values() -> list[bytes]:
    texts = [
        '{"a": [1, -2.5e3, "x\\u00e9\\ud83d\\ude00", {"b": null}], "c": true}',
        '[1, {"a": "]"}, []]',
        '"\\',
        "-",
        "tr",
    ]
    return [text.encode() for text in texts]


def seeds(name: str) -> list[bytes]:
    """What the target called `name` begins with."""
    kinds = {
        "http": messages, "tunnels": proxies, "headers": fields, "urls": addresses,
        "json-values": values, "partial": values, "ndjson": lines, "dialect-ollama": lines, "text": plain,
        "dialect-yqcloud": plain, "dialect-acytoo": plain, "coding": plain,
    }  # fmt: skip
    bodies = kinds.get(name, lambda: event_streams() + plain())()
    return [seed(body, choice, cut) for body in bodies for choice, cut in ((0, 1), (5, 261), (4, 1026), (1, 7))]
