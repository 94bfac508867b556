"""Python functions as tools, and the calls of them that a model makes."""

from __future__ import annotations

import asyncio
import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NewType

import pytest
from typed_values import City, Model, Unit, decorated

from sansio_core import ChatRequest, InvalidRequest, ToolCall
from sansio_core.functions import tool_of

if TYPE_CHECKING:
    from nowhere import Result

TEXT = {"type": "string"}


def google(city: str, unit: Unit = Unit.CELSIUS, *, day: datetime.date | None = None) -> Result:
    """How warm it is
    in a city.

    More about it.

    Args:
        city: The city's name,
            in English.
        unit (Unit, optional): Of the answer.

    Returns:
        dict: the temperature
    """
    return city, unit, day


def numpy(city: str, days: int) -> None:
    """How warm it is in a city.

    Parameters
    ----------
    city : str
        The city's name,
        in English.
    days : int, optional
        Of the forecast.

    Returns
    -------
    days : int
        None of these.
    """


def sphinx(city: str, days: int) -> None:
    """How warm it is in a city.

    :param city: The city's name,
        in English.
    :param int days: Of the forecast.
    :returns: nothing
    """


def only_args(city: Annotated[str, "from the annotation"], days) -> None:  # type: ignore[no-untyped-def]
    """
    Args:
        city: from the docstring
    """


Count = NewType("Count", int)


@decorated
def inner(home: City, model: Model | None = None, count: Count = Count(1)) -> Any:
    return home, model, count


async def slow(count: int) -> int:
    return count + 1


def placed(a: int, b: str = "b", /, c: float = 0.5) -> Any:
    return a, b, c


def plain() -> str:
    return "plain"


class Shop:
    name = "shop"

    def buy(self, what: str, count: int = 1) -> Any:
        """Buy it."""
        return self.name, what, count


def parameters(function: Any) -> Any:
    return tool_of(function)["function"]["parameters"]


def test_the_tool_of_a_function() -> None:
    assert tool_of(google) == {
        "type": "function",
        "function": {
            "name": "google",
            "description": "How warm it is in a city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {**TEXT, "description": "The city's name, in English."},
                    "unit": {"enum": ["celsius", 0], "description": "Of the answer."},
                    "day": {"anyOf": [{**TEXT, "format": "date"}, {"type": "null"}]},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
    assert tool_of(plain)["function"] == {
        "name": "plain",
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    }


@pytest.mark.parametrize("function", [numpy, sphinx])
def test_the_manners_of_docstrings(function: Any) -> None:
    assert tool_of(function)["function"]["description"] == "How warm it is in a city."
    assert parameters(function)["properties"] == {
        "city": {**TEXT, "description": "The city's name, in English."},
        "days": {"type": "integer", "description": "Of the forecast."},
    }


def test_an_annotation_says_it_first() -> None:
    assert "description" not in tool_of(only_args)["function"]
    assert parameters(only_args)["properties"] == {"city": {**TEXT, "description": "from the annotation"}, "days": {}}


def test_methods_and_what_stands_around_functions() -> None:
    assert tool_of(Shop().buy)["function"]["description"] == "Buy it."
    assert list(parameters(Shop().buy)["properties"]) == ["what", "count"]
    assert list(parameters(inner)["properties"]) == ["home", "model", "count"]
    assert parameters(inner)["$defs"].keys() == {"City", "City_", "Model"}  # ours, and pydantic's
    named = partial(placed, 1)
    named.__name__ = "named"  # type: ignore[attr-defined]
    assert parameters(named)["required"] == []
    assert tool_of(City)["function"]["description"] == "A city\nof Europe."
    assert tool_of(City)["function"]["name"] == "City"


def varied(*cities: str) -> None: ...
def named(**cities: str) -> None: ...
def lost(city: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def raw(data: bytes) -> None: ...


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (varied, r"the tool varied takes \*cities: 'str', for which a model has no names: name each one"),
        (named, r"the tool named takes \*\*cities"),
        (lost, "the annotations of lost cannot be evaluated: name 'Nowhere' is not defined"),
        (raw, "raw.data: no JSON Schema is made of bytes"),
        (lambda: 1, "a tool needs a name, and <lambda> is none: take a `def`"),
        (partial(plain), "a tool needs a name, and partial is none"),
        (int, "the class int is no tool: it has no named fields"),
        (type, "the class type|no JSON Schema is made of type"),
        (Shop.buy, "the tool buy is a method: give an object's own, as shop.buy"),
    ],
)
def test_what_is_no_tool(function: Any, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        ChatRequest("Hello", tools=[function])


def test_functions_among_the_tools_of_a_request() -> None:
    given = {"name": "other", "parameters": {"type": "object"}}
    tools = [given, plain]
    request = ChatRequest("Hello", tools=tools)
    assert request.options["tools"] == [given, tool_of(plain)]
    assert tools == [given, plain]


@pytest.mark.parametrize("many", [tuple, iter, dict.fromkeys], ids=["tuple", "iterator", "keys"])
def test_functions_stand_in_any_list(many: Any) -> None:
    given = many([plain, google])
    tools = given.keys() if isinstance(given, dict) else given
    assert ChatRequest("Hello", tools=tools).options["tools"] == [tool_of(plain), tool_of(google)]


def call(name: str, arguments: str) -> ToolCall:
    return ToolCall("id", name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "functions", "result"),
    [
        ("google", '{"city": "Graz", "unit": 0, "day": "2026-01-02"}', google,
         ("Graz", Unit.KELVIN, datetime.date(2026, 1, 2))),
        ("google", '{"city": "Graz"}', [plain, {"name": "other"}, google], ("Graz", Unit.CELSIUS, None)),
        ("inner", '{"home": {"name": "Graz"}, "model": {"theName": "a", "age": 5}}', [inner],
         ("around", (City("Graz"), Model(theName="a", age=5), 1))),
        ("placed", '{"a": 1, "c": 2}', placed, (1, "b", 2.0)),
        ("buy", '{"what": "tea"}', [Shop().buy], ("shop", "tea", 1)),
        ("plain", "", plain, "plain"),
        ("City", '{"name": "Graz"}', [City], City("Graz")),
    ],
)  # fmt: skip
def test_a_call_is_made(name: str, arguments: str, functions: Any, result: Any) -> None:
    assert call(name, arguments).invoke(functions) == result


def test_of_an_async_function_the_result_is_the_coroutine() -> None:
    assert asyncio.run(call("slow", '{"count": 1}').invoke(slow)) == 2


def test_a_custom_tool_takes_its_text() -> None:
    assert ToolCall("id", "upper", "a {", custom=True).invoke([upper]) == "A {"


def upper(text: str) -> str:
    return text.upper()


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("google", "{", "the arguments of the tool call 'google' are not JSON"),
        ("google", "[]", "the arguments of 'google' do not fit: it must be an object"),
        ("google", "{}", "do not fit: it lacks 'city'"),
        ("google", '{"city": 5}', "do not fit: city must be a str, not 5"),
        ("google", '{"city": "Graz", "Unit": 0}', r"it has no parameter 'Unit' \(did you mean 'unit'\?\)"),
        ("gogle", "{}", r"no tool 'gogle' \(did you mean 'google'\?\); there are google, plain"),
        ("google", '{"city": ' + "[" * 2000 + "]" * 2000 + "}", "nested too deeply"),
    ],
)
def test_wrong_arguments_are_named_and_nothing_is_called(name: str, arguments: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        call(name, arguments).invoke([google, plain])


@pytest.mark.parametrize("functions", [{"google": google}, 5, None])
def test_what_is_no_list_of_functions(functions: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"invoke\(\) takes a function or a list of functions, not"):
        call("google", "{}").invoke(functions)


def fails(key: str) -> None:
    raise KeyError(key)


def test_what_the_function_raises_passes_unchanged() -> None:
    with pytest.raises(KeyError, match="no"):
        call("fails", '{"key": "no"}').invoke(fails)
    with pytest.raises(InvalidRequest, match="no tool 'fails'; there are none"):
        call("fails", "{}").invoke([{"name": "fails"}])
