"""The parts of Gemini's contents: ai.google.dev/api/caching#Part; and of tools' answers, FunctionResponse."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from ...errors import InvalidRequest
from ...parts import FilePart, ImagePart, Part, RawPart, TextPart
from ...request import Message
from ...strict_json import dump_json
from ..forms import no_such_part

# github.com/googleapis/python-genai google/genai/types.py, Part
_FIELDS = frozenset(
    {
        "text", "thought", "thoughtSignature", "inlineData", "fileData", "functionCall", "functionResponse",
        "executableCode", "codeExecutionResult", "toolCall", "toolResponse", "videoMetadata", "mediaResolution",
        "mediaProcessing", "documentMetadata", "spreadsheetMetadata", "audioMetadata", "partMetadata",
        "audioTranscription", "speechMetadata",
    }
)  # fmt: skip
# ai.google.dev/gemini-api/docs/function-calling#multimodal: what stands within a FunctionResponse
_IN_ANSWERS = frozenset({"image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain"})


def part_of(part: Part) -> dict[str, Any]:
    """A part of a message. Raises InvalidRequest for one that this wire has no form for."""
    match part:
        case TextPart(text) | RawPart({"type": "refusal", "refusal": str(text)}):
            return {"text": text}
        case ImagePart(url):
            return _file(FilePart(url))
        case FilePart():
            return _file(part)
        case RawPart(raw) if raw and raw.keys() <= _FIELDS:
            return {name: value for name, value in raw.items() if value is not None}
    raise no_such_part(part, "gemini", "texts, images, files, and Gemini's own parts")


def _file(file: FilePart) -> dict[str, Any]:
    if file.url is not None:
        # ai.google.dev/gemini-api/docs/file-input-methods: public or signed links, of YouTube too, files of the Files
        # API and of Cloud Storage. The type is optional: one that nothing tells is left for the server to find out.
        kind = file.known_type
        return {"fileData": ({"mimeType": kind} if kind else {}) | {"fileUri": file.url}}
    if (text := file.text) is not None:
        # …/docs/document-processing: whatever the type, a file of text is read as "pure text"
        return {"inlineData": {"mimeType": "text/plain", "data": b64encode(text.encode()).decode()}}
    media_type, data = file.data or ("", "")
    return {"inlineData": {"mimeType": media_type, "data": data}}


def system_part(part: Part) -> dict[str, Any]:
    """A part of the system instruction: ai.google.dev/api/generate-content, "Currently, text only"."""
    match part:
        case TextPart() | RawPart({"type": "refusal"}):
            return part_of(part)
        case FilePart() if (text := part.text) is not None:
            return {"text": f"{part.file_name}:\n{text}" if part.file_name else text}
    raise no_such_part(part, "gemini's system instruction", "texts alone")


# --- tools' answers --------------------------------------------------------------------------------------------------


def result_of(message: Message, *, with_files: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A tool's answer as a part, and the parts of its files that must stand after all answers.

    `with_files`: the model takes files within an answer.
    """
    if not message.name:
        raise InvalidRequest(
            "a tool's answer needs the tool_call_id of an earlier call, or the function's name in 'name'"
        )
    texts: list[str] = []
    within: list[dict[str, Any]] = []
    behind: list[dict[str, Any]] = []
    for part in map(part_of, message.parts):
        if part.keys() == {"text"}:
            texts.append(part["text"])
        # ai.google.dev/api/caching#FunctionResponsePart: inline data, no links
        elif with_files and part.keys() == {"inlineData"} and part["inlineData"].get("mimeType") in _IN_ANSWERS:
            within.append(part)
        else:
            behind.append(part)
    result = {"name": message.name, "response": _response("".join(texts), message.is_error)}
    if message.tool_call_id:
        result = {"id": message.tool_call_id, **result}
    return {"functionResponse": {**result, "parts": within} if within else result}, behind


def _response(text: str, is_error: bool) -> dict[str, Any]:
    """ai.google.dev/api/caching#FunctionResponse: 'Use "output" key to specify function output and "error" key to
    specify error details (if any). If "output" and "error" keys are not specified, then whole "response" is treated as
    function output.'"""
    value = _value(text)
    own = value.keys() & {"output", "error"} if isinstance(value, dict) else set()
    if is_error:
        return value if own == {"error"} and len(value) == 1 else {"error": value}
    # Beside one of these keys, others would not be read.
    return value if isinstance(value, dict) and (not own or own == value.keys()) else {"output": value}


def _value(text: str) -> Any:
    """What `text` says as JSON; `text` itself where it is none, or none that can be sent."""
    try:
        value = json.loads(text)
        written = dump_json(value)  # raises for NaN, which json.loads takes, and for a lone surrogate
    except (ValueError, RecursionError, InvalidRequest):
        return text
    # A key "$ref", at any depth, names a part of the answer: the API refuses a request where there is none of the name.
    return text if b'"$ref":' in written else value
