"""A call whose arguments are streamed, on Google's wire: values at JSON paths become the JSON text of an object.

docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc, and PartialArg of
github.com/googleapis/googleapis google/cloud/aiplatform/v1/tool.proto.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...events import ChatEvent, UnknownFrame
from ..base import as_text

# RFC 9535: a name after a dot, an index, a quoted name; names after a dot are taken as freely as they may come
_STEP = re.compile(
    r"""
      \.(?P<name>[^.\[\]'"*][^.\[\]]*+)
    | \[(?P<index>0|[1-9][0-9]{0,8})\]
    | \[(?P<quoted>'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")\]
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)|\"", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_VALUES = {"stringValue": (str,), "numberValue": (int, float), "boolValue": (bool,)}
_ARGUMENTS = frozenset({"args", "partialArgs", "willContinue"})

Step = str | int


class StreamedCall:
    """A function call while its parts come; the first has its name, the last does not say `willContinue`."""

    __slots__ = ("_call", "_part", "_text", "_writer", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self._part: dict[str, Any] = {}
        self._call: dict[str, Any] = {}
        self._writer = ArgumentsWriter()
        self._text: list[str] = []

    @property
    def id(self) -> Any:
        """The call's id, once it came."""
        return self._call.get("id")

    def take(self, part: dict[str, Any], out: list[ChatEvent]) -> str:
        """The text that `part` adds to the arguments. What has no place in them is told to `out`."""
        call = part["functionCall"]
        text = [] if self._text else ["{"]  # before any argument, so that a call that was cut is never JSON
        self._part |= {name: value for name, value in part.items() if name != "functionCall"}
        self._call |= {name: value for name, value in call.items() if name not in _ARGUMENTS}
        args, pieces = call.get("args"), call.get("partialArgs")
        if type(args) is dict:  # what came in pieces is only said again
            text += [self._writer.put((name,), args[name]) or "" for name in args if name not in self._writer]
        for piece in pieces if type(pieces) is list else []:
            added = self._put(piece)
            if added is None:
                out.append(UnknownFrame(as_text(piece), "no value at a path of its own"))
            else:
                text.append(added)
        self._text += text
        return "".join(text)

    def _put(self, piece: Any) -> str | None:
        if type(piece) is not dict:
            return None
        path, value = steps_of(piece.get("jsonPath")), value_of(piece)
        return None if path is None or value is None else self._writer.put(path, value[0])

    def end(self) -> str:
        """The last of the text."""
        text = self._writer.end()
        self._text.append(text)
        return text

    def item(self) -> dict[str, Any]:
        """The part as one that was never streamed, once it has ended."""
        return {"functionCall": {**self._call, "args": json.loads("".join(self._text))}, **self._part}


class ArgumentsWriter:
    """Writes an object's members, between its braces, while its values come.

    The containers that a value stands in are opened before it and closed when the next one stands elsewhere; a string
    may go on until then. What comes back to a container that was closed, or comes before its place in an array, is
    held back: at the end the whole argument that it is in is written once more. Of two members of one name the last
    counts in Python's `json` (RFC 8259 4: in "many implementations"). Places in an array that stay empty are closed up.
    """

    __slots__ = ("_in_string", "_late", "_path", "_tree")

    def __init__(self) -> None:
        self._tree: dict[Step, Any] = {}  # containers are dicts, of int for an array; strings lists, others tuples
        self._path: tuple[Step, ...] = ()  # of the value written last: what it stands in is open
        self._in_string = False
        self._late: dict[Step, None] = {}  # the arguments that are written at the end

    def __contains__(self, name: str) -> bool:
        return name in self._tree

    def put(self, path: tuple[Step, ...], value: Any) -> str | None:
        """The text that `value` at `path` adds; None if something else stands there. Strings at one path are joined."""
        leaf = [value] if type(value) is str else (value,)
        place = self._place(path, leaf)
        if place is None:
            return None
        depth, before = place
        if path[0] in self._late:
            return ""
        if depth == len(path):
            if path == self._path:
                return dumped(value)[1:-1]
        elif path[:depth] == self._path[:depth] and _in_order(path, depth, before):
            return self._written(path, leaf, depth, bool(before if depth else self._path))
        self._late[path[0]] = None
        return ""

    def end(self) -> str:
        """The text that closes what is open, with what was held back."""
        text = [self._closed(0)]
        for name in self._late:
            text.append(f"{',' if self._path else ''}{dumped(str(name))}:{dumped(_value(self._tree[name]))}")
            self._path = (name,)
        return "".join(text) + "}"

    def _place(self, path: tuple[Step, ...], leaf: list[str] | tuple[Any]) -> tuple[int, int] | None:
        """Put `leaf` in the tree: the depth of the first step that is new, and how many stood beside it before."""
        node, depth = self._tree, 0
        while depth < len(path) - 1 and path[depth] in node:
            node = node[path[depth]]
            depth += 1
            if type(node) is not dict or type(next(iter(node))) is not type(path[depth]):
                return None
        known = node.get(path[depth])
        if known is not None:
            if type(known) is not list or type(leaf) is not list:
                return None
            known += leaf
            return len(path), 0
        before = len(node)
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
        text.append(dumped(leaf[0])[:-1] if self._in_string else dumped(leaf[0]))
        return "".join(text)

    def _closed(self, depth: int) -> str:
        """The text that closes the string and the containers which are open below `depth`."""
        ends = ['"'] if self._in_string else []
        ends += ["]" if type(step) is int else "}" for step in reversed(self._path[depth + 1 :])]
        self._in_string = False
        return "".join(ends)


def steps_of(path: Any) -> tuple[Step, ...] | None:
    """The names and indexes of a JSON path to one argument or within it; None for any other path."""
    if type(path) is not str or path[:1] != "$":
        return None
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            return None
        name, index, text = found.group("name", "index", "quoted")
        if text is not None:
            name = _unquoted(text)
            if name is None:
                return None
        steps.append(int(index) if name is None else name)
        at = found.end()
    return tuple(steps) if steps and type(steps[0]) is str else None


def value_of(piece: dict[str, Any]) -> tuple[Any] | None:
    """The value of a PartialArg, in a tuple; None where it has none."""
    for name, types in _VALUES.items():
        if type(piece.get(name)) in types:
            return (piece[name],)
    return (None,) if "nullValue" in piece else None


def dumped(value: Any) -> str:
    """`value` as JSON; halves of characters stay escaped, so that those at the ends of two pieces make one again."""
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", json.dumps(value, ensure_ascii=False))


def _unquoted(text: str) -> str | None:
    """The name in quotes of either kind; their escapes are JSON's, and the one of the quote itself."""
    inner = _ESCAPE.sub(lambda found: "'" if found[1] == "'" else found[0] if found[1] else '\\"', text[1:-1])
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return None


def _in_order(path: tuple[Step, ...], depth: int, before: int) -> bool:
    """Whether each index from `depth` on is the next of its array: of one that has `before` items, then of new ones."""
    return all(step == (0 if at else before) for at, step in enumerate(path[depth:]) if type(step) is int)


def _value(node: Any) -> Any:
    if type(node) is list:
        return "".join(node)
    if type(node) is tuple:
        return node[0]
    if type(next(iter(node))) is int:
        return [_value(node[index]) for index in sorted(node)]
    return {name: _value(child) for name, child in node.items()}
