"""The files that a question names by their paths, read before it is built: the core reads none."""

from __future__ import annotations

from dataclasses import replace
from os.path import expanduser

from sansio_core import ChatRequest, FilePart, InvalidRequest, Message


def with_files(request: ChatRequest) -> ChatRequest:
    """`request` with the bytes of its files in place of their paths.

    Raises InvalidRequest for one that cannot be read.
    """
    if not any(isinstance(part, FilePart) for message in request.messages for part in message.parts):
        return request
    return request.with_messages([_read_all(i, message) for i, message in enumerate(request.messages)])


def _read_all(i: int, message: Message) -> Message:
    parts = tuple(_read(i, part) if isinstance(part, FilePart) else part for part in message.parts)
    return replace(message, parts=parts)


def _read(i: int, part: FilePart) -> FilePart:
    path = part.path
    if path is None:
        return part
    try:
        with open(expanduser(path), "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        words = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"messages[{i}] has a file that cannot be read: {path!r}: {words}") from None
    if not data:
        raise InvalidRequest(f"messages[{i}] has a file with nothing in it: {path!r}")
    return replace(part, source=data, name=part.file_name)
