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
    return request.with_messages([_read_all(message) for message in request.messages])


def read(part: FilePart) -> FilePart:
    """`part` with the file's bytes in place of its path; a name that tells no type makes a text of what is UTF-8.

    Raises InvalidRequest for one that cannot be read.
    """
    path = part.path
    if path is None:
        return part
    try:
        with open(expanduser(path), "rb") as file:
            data = file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        words = getattr(error, "strerror", None) or error
        raise InvalidRequest(f"a file that cannot be read: {path!r}: {words}") from None
    if not data:
        raise InvalidRequest(f"a file with nothing in it: {path!r}")
    found = replace(part, source=data, name=part.file_name)
    # Most source code and files without an ending, as Makefile, have no media type of their own.
    return found if found.known_type or not _is_text(data) else replace(found, media_type="text/plain")


def _read_all(message: Message) -> Message:
    try:
        parts = tuple(read(part) if isinstance(part, FilePart) else part for part in message.parts)
    except InvalidRequest as error:
        raise InvalidRequest(f"a message has {error}") from None
    return replace(message, parts=parts)


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False
