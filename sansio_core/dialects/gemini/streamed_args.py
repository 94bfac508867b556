"""Streamed function call arguments of the Gemini API: values at JSON paths become the JSON text of one object.

docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc, and PartialArg of
github.com/googleapis/googleapis google/cloud/aiplatform/v1/tool.proto.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...events import ChatEvent, UnknownFrame
from ..base import as_text
from ..forms import object_of

# A step of a path (RFC 9535, section 2.3): a name after a dot, an index, a quoted name. After a dot any name is taken,
# not only those of the RFC: it is clear where it ends, and an argument must not get lost.
# An index has nine digits at most, as int() raises for some thousands of them. The quantifiers are possessive ("*+"):
# nothing is tried twice.
_STEP = re.compile(
    r"""
      \.(?P<name>[^.\[\]'"*][^.\[\]]*+)
    | \[(?P<index>0|[1-9][0-9]{0,8})\]
    | \[(?P<quoted>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")\]
    """,
    re.VERBOSE | re.DOTALL,
)
# The arguments are an object, so that the first step is a name.
_PATH = re.compile(rf"\$ (?!\[[0-9]) (?:{_STEP.pattern})+", re.VERBOSE | re.DOTALL)
_ESCAPE = re.compile(r"\\(.)|\"", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
# Python's bool is an int, and the types are compared by identity: {"numberValue": true} is no number
_VALUES = {"stringValue": (str,), "numberValue": (int, float), "boolValue": (bool,)}
_ARGUMENT_FIELDS = frozenset({"args", "partialArgs", "willContinue"})

Step = str | int
"""A member's name, or an index of an array."""


class StreamedCall:
    """A function call while its parts come. The first one has its name, and all but the last say `willContinue`."""

    __slots__ = ("_call", "_opening", "_part", "_writer", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self._part: dict[str, Any] = {}  # what stands beside the call, as a thought's signature
        self._call: dict[str, Any] = {}  # the call's fields, but for its arguments
        self._writer = ArgumentsWriter()
        # The brace comes before any argument, so that the text of a call which was cut is never whole JSON.
        self._opening = "{"

    @property
    def id(self) -> Any:
        """The call's id, once a part had it."""
        return self._call.get("id")

    def take(self, part: dict[str, Any], out: list[ChatEvent]) -> str:
        """The text that `part` adds to the arguments; an UnknownFrame for each value that has no place in them."""
        call = part["functionCall"]
        # beside and within the call, any part may bring a field: the signature comes with the first or with the last
        self._part |= {name: value for name, value in part.items() if name != "functionCall"}
        self._call |= {name: value for name, value in call.items() if name not in _ARGUMENT_FIELDS}
        text, self._opening = [self._opening], ""
        for name, value in object_of(call.get("args")).items():
            if name not in self._writer.tree:  # else pieces of it are written already
                text.append(self._writer.put((name,), value) or "")
        pieces = call.get("partialArgs")
        text += [self._put(piece, out) for piece in (pieces if type(pieces) is list else ())]
        return "".join(text)

    def _put(self, piece: Any, out: list[ChatEvent]) -> str:
        path, value = (steps_of(piece.get("jsonPath")), value_of(piece)) if type(piece) is dict else (None, None)
        text = self._writer.put(path, *value) if path and value else None
        if text is None:
            out.append(UnknownFrame(as_text(piece), "no value at a path of its own"))
        return text or ""

    def end(self) -> str:
        """The text that ends the arguments."""
        return self._writer.end()

    def item(self) -> dict[str, Any]:
        """The part as the API gives it in an answer that is not streamed."""
        args = json.loads(dumped({name: _value(node) for name, node in self._writer.tree.items()}))
        return {"functionCall": {**self._call, "args": args}, **self._part}


class ArgumentsWriter:
    """Writes the members of a JSON object, while its values come one by one with their paths.

    Text that was written cannot be taken back, so a value is written at once only where JSON has its place: the writer
    opens the objects and arrays around it, and closes them when the next value stands elsewhere. A string may go on
    until then. A value that belongs into a container which is closed already, or that comes before an earlier item of
    its array, is held back; at the end, the whole argument that it belongs to is written a second time. That is the
    same object for Python's `json`, which takes the last of two members of one name (RFC 8259, section 4: so do "many
    implementations"). An array leaves out the indexes that never came.
    """

    __slots__ = ("_in_string", "_late", "_path", "tree")

    def __init__(self) -> None:
        # All values. An object or array is a dict by name or by index, a string the list of its pieces, and any other
        # value a tuple of one: so a leaf is never taken for a container.
        self.tree: dict[Step, Any] = {}
        self._path: tuple[Step, ...] = ()  # of the value that was written last: the containers around it are open
        self._in_string = False  # whether that value is a string, whose closing quote is not written yet
        self._late: dict[Step, None] = {}  # the arguments to be written a second time: a set that keeps its order

    def put(self, path: tuple[Step, ...], value: Any) -> str | None:
        """The text that `value` at `path` adds, "" for one that is held back; None if another value stands there.

        Strings at the same path are pieces of one.
        """
        leaf = [value] if type(value) is str else (value,)
        place = self._place(path, leaf)
        if place is None:
            return None
        depth, before = place
        if path[0] in self._late:  # the whole argument is written at the end anyway
            return ""
        if depth == len(path):  # another piece of a string
            if path == self._path:
                # Without its quotes, as it goes on inside a string.
                return dumped(value)[1:-1]
        elif path[:depth] == self._path[:depth] and _in_order(path, depth, before):
            return self._written(path, leaf, depth, bool(before if depth else self._path))
        self._late[path[0]] = None  # its place in the text has passed, or is not known yet
        return ""

    def end(self) -> str:
        """The text that closes all containers, with the arguments that were held back."""
        # all of an argument: a part alone would replace the rest
        late = [f"{dumped(str(name))}:{dumped(_value(self.tree[name]))}" for name in self._late]
        comma = "," if late and self._path else ""
        return self._closed(0) + comma + ",".join(late) + "}"

    def _place(self, path: tuple[Step, ...], leaf: list[str] | tuple[Any]) -> tuple[int, int] | None:
        """Put `leaf` into the tree, if nothing else stands in its place.

        Returns the depth of the first step that is new, and how many values its container had before.
        """
        node, depth = self.tree, 0
        while depth < len(path) - 1 and path[depth] in node:
            node = node[path[depth]]
            depth += 1
            # a leaf has nothing within it, and a container is an object or an array, never both; none is empty
            if type(node) is not dict or type(next(iter(node))) is not type(path[depth]):
                return None
        known = node.get(path[depth])
        if known is not None:
            if type(known) is not list or type(leaf) is not list:
                return None
            known += leaf
            return len(path), 0
        before = len(node)  # for the comma, and for the next index of an array
        for step in path[depth:-1]:
            node[step] = node = {}
        node[path[-1]] = leaf
        return depth, before

    def _written(self, path: tuple[Step, ...], leaf: list[str] | tuple[Any], depth: int, comma: bool) -> str:
        text = [self._closed(depth), "," if comma else ""]
        for at in range(depth, len(path)):
            step = path[at]
            if at > depth:
                text.append("[" if type(step) is int else "{")
            if type(step) is str:
                text.append(f"{dumped(step)}:")
        self._path, self._in_string = path, type(leaf) is list
        text.append(dumped(leaf[0])[:-1] if self._in_string else dumped(leaf[0]))  # a string stays open for more
        return "".join(text)

    def _closed(self, depth: int) -> str:
        """The text that closes the open string, and the open containers below `depth`."""
        ends = ['"'] if self._in_string else []
        ends += ["]" if type(step) is int else "}" for step in reversed(self._path[depth + 1 :])]
        self._in_string = False
        return "".join(ends)


def steps_of(path: Any) -> tuple[Step, ...] | None:
    """The steps of a path to an argument, or to a value within one; None for any other path, as one with a wildcard."""
    if type(path) is not str or _PATH.fullmatch(path) is None:
        return None
    try:
        return tuple(
            int(index) if index else _unquoted(quoted) if quoted else name
            for name, index, quoted in _STEP.findall(path, 1)
        )
    except ValueError:  # an escape that JSON does not have
        return None


def value_of(piece: dict[str, Any]) -> tuple[Any] | None:
    """The value of a PartialArg, in a tuple because it may be null; None where there is none."""
    for name, types in _VALUES.items():
        if type(piece.get(name)) in types:
            return (piece[name],)
    return (None,) if "nullValue" in piece else None


def dumped(value: Any) -> str:
    """`value` as JSON. A lone surrogate stays escaped: the other half of its character may be in the next piece."""
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))


def _unquoted(text: str) -> str:
    """A quoted name: its escapes are those of JSON, and of the quotation mark around it (RFC 9535, section 2.3.1)."""
    inner = _ESCAPE.sub(lambda found: "'" if found[1] == "'" else found[0] if found[1] else '\\"', text[1:-1])
    return str(json.loads(f'"{inner}"', strict=False))  # not strict: a name may have a line feed in it


def _in_order(path: tuple[Step, ...], depth: int, before: int) -> bool:
    """Whether each index from `depth` on is the next one of its array.

    The array at `depth` has `before` items; those below it are new.
    """
    return all(step == (0 if at else before) for at, step in enumerate(path[depth:]) if type(step) is int)


def _value(node: Any) -> Any:
    """What a node of an ArgumentsWriter's tree stands for."""
    if type(node) is list:
        return "".join(node)
    if type(node) is tuple:
        return node[0]
    if type(next(iter(node))) is int:
        return [_value(node[index]) for index in sorted(node)]
    return {name: _value(child) for name, child in node.items()}
