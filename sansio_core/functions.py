"""Python functions as tools: what a request says of a function, and the call of it that a model asks for.

A tool has the function's name, its parameters by their annotations, and as its description the first paragraph of the
docstring, which may describe the parameters, too, as Google, NumPy or Sphinx have it. A class with named fields is a
tool whose call makes an instance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from inspect import Parameter, cleandoc, signature, unwrap
from types import SimpleNamespace
from typing import Any, get_type_hints

from .annotations import shape_of
from .errors import InvalidRequest, safe_repr, suggestion
from .records import Field, Record
from .shapes import Anything, Defs, Described, Misfit, name_of

Tool = Callable[..., Any]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")  # what every vendor takes, of what Python does


def tool_of(function: Tool) -> dict[str, Any]:
    """The tool, in OpenAI's form. Raises InvalidRequest for a name or a signature that no model can use."""
    parameters = _record(function).whole()
    description = parameters.pop("description", None)
    described = {"description": description} if description else {}
    return {"type": "function", "function": {"name": _name(function), **described, "parameters": parameters}}


def invoke(name: str, arguments: Any, functions: Tool | Iterable[Any]) -> Any:
    """The result of that one of `functions` which has the `name`; tools that are no functions are passed over.

    Raises InvalidRequest if none has it, or if the JSON `arguments` do not fit it. What it raises itself is passed on.
    """
    function = _chosen(name, functions)
    if isinstance(arguments, str):  # the input of one of OpenAI's custom tools, which is a text and no JSON
        return function(arguments)
    try:
        made = _record(function).read(arguments, "", False)
    except Misfit as misfit:
        raise InvalidRequest(f"the arguments of {name!r} do not fit: {misfit}") from misfit.__cause__
    except RecursionError:
        raise InvalidRequest(f"the arguments of {name!r} are nested too deeply") from None
    return made if isinstance(function, type) else made()


def _chosen(name: str, functions: Tool | Iterable[Any]) -> Tool:
    if callable(functions):
        functions = [functions]
    elif isinstance(functions, Mapping) or not isinstance(functions, Iterable):
        raise InvalidRequest(f"invoke() takes a function or a list of functions, not {safe_repr(functions)}")
    named: dict[str, Tool] = {_name(function): function for function in functions if callable(function)}
    if name not in named:
        raise InvalidRequest(f"no tool {name!r}{suggestion(name, named)}; there are {', '.join(named) or 'none'}")
    return named[name]


def _name(function: Tool) -> str:
    name = getattr(function, "__name__", "")
    if not _NAME.fullmatch(name):
        raise InvalidRequest(f"a tool needs a name, and {name or type(function).__name__} is none: take a `def`")
    return name


def _record(function: Tool) -> Record:
    if not isinstance(function, type):
        return _Signature(function, shape_of)
    shape = shape_of(function)
    if not isinstance(shape, Record):
        raise InvalidRequest(f"the class {name_of(function)} is no tool: it has no named fields")
    return shape


class _Signature(Record):
    """The parameters of a function as the fields of a record, whose value is the call with these arguments."""

    def schema(self, defs: Defs) -> dict[str, Any]:
        return self.body(defs)

    def _description(self) -> str:
        # What may stand first in place of it: a section, or fields of Sphinx
        lines = re.split(r"\n\s*\n|^(?=:\w)|^\w+:?[ \t]*\n(?=[ \t]|---)", self._doc(), maxsplit=1, flags=re.M)[0]
        return " ".join(lines.split())

    def _doc(self) -> str:
        return cleandoc(_inner(self._kind).__doc__ or "")

    def _parameters(self) -> Mapping[str, Parameter]:
        try:
            return signature(self._kind).parameters
        except (TypeError, ValueError) as error:  # of some functions that are written in C
            raise InvalidRequest(f"the tool {_name(self._kind)} has no signature: {error}") from None

    def _evaluated(self) -> dict[str, Any]:
        inner = _inner(self._kind)
        # Of the result nothing is asked, and its annotation may name what is imported for type checkers alone.
        notes = {name: note for name, note in getattr(inner, "__annotations__", {}).items() if name != "return"}
        space = getattr(inner, "__globals__", {})
        return get_type_hints(SimpleNamespace(__annotations__=notes), space, include_extras=True)

    def _fields(self) -> Iterable[Field]:
        hints, said = self._hints(), _said_of_parameters(self._doc())
        for name, parameter in self._parameters().items():
            if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
                raise InvalidRequest(
                    f"the tool {_name(self._kind)} takes {parameter}, for which a model has no names: name each one"
                )
            if name == "self" and name not in hints:
                raise InvalidRequest(f"the tool {_name(self._kind)} is a method: give an object's own, as shop.buy")
            shape = self._field_shape(name, hints[name]) if name in hints else Anything()
            if name in said and not isinstance(shape, Described):
                shape = Described(shape, said[name])
            yield Field(name, name, shape, parameter.default is Parameter.empty)

    def _check(self, given: Mapping[str, Any], place: str, exact: bool) -> None:
        known = [field.key for field in self.fields]
        if unknown := [name for name in given if name not in known]:
            raise Misfit("", f"has no parameter {unknown[0]!r}{suggestion(unknown[0], known)}")

    def _make(self, values: dict[str, Any]) -> Any:
        positional = [
            values.pop(name, parameter.default)
            for name, parameter in self._parameters().items()
            if parameter.kind is Parameter.POSITIONAL_ONLY
        ]
        return partial(self._kind, *positional, **values)

    _grow = _make


def _inner(function: Any) -> Any:
    """The function that was written, without what decorators and partial put around it."""
    while isinstance(function, partial):
        function = function.func
    return unwrap(function)


# google.github.io/styleguide/pyguide.html#383-functions-and-methods, numpydoc.readthedocs.io/en/latest/format.html,
# www.sphinx-doc.org/en/master/usage/domains/python.html#info-field-lists
_GOOGLE = re.compile(r"^(?:Args|Arguments|Parameters|Params):[ \t]*\n((?:[ \t]+.*\n?|\n)+)", re.M)
_GOOGLE_ENTRY = re.compile(r"^(\w+)[ \t]*(?:\(.*?\))?:[ \t]*(.*(?:\n[ \t]+.*)*)", re.M)
_NUMPY = re.compile(r"^Parameters\n-{3,}\n((?:(?!.*\n-{3,}).*\n?)*)", re.M)
_NUMPY_ENTRY = re.compile(r"^(\w+)[ \t]*(?::.*)?\n((?:[ \t]+.*(?:\n|\Z))+)", re.M)
_SPHINX_ENTRY = re.compile(r"^:param(?:[ \t][^:\n]*)?[ \t](\w+):[ \t]*(.*(?:\n[ \t]+.*)*)", re.M)


def _said_of_parameters(doc: str) -> dict[str, str]:
    """The descriptions of parameters in a docstring, by their names."""
    found = _SPHINX_ENTRY.findall(doc)
    for section, entry in ((_GOOGLE, _GOOGLE_ENTRY), (_NUMPY, _NUMPY_ENTRY)):
        for match in section.finditer(doc):
            # cleandoc leaves the first line as it is, without its indent.
            found += entry.findall(cleandoc("\n" + match[1]))
    return {name: said for name, text in found if (said := " ".join(text.split()))}
