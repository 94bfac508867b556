"""Requests as users write them, by combination: every option with every word that a user may try, and pairs of options.

Some values are nonsense on purpose: they must be refused, or not leave. To add an option, add its row to OPTIONS.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

MODELS: dict[str, tuple[str | None, ...]] = {
    "openai": (None, "gpt-4o", "gpt-5.4", "gpt-6-astra", "a-new-model"),
    "openai_responses": (None, "gpt-4o", "gpt-5.4", "gpt-6-astra", "a-new-model"),
    "anthropic": (None, "claude-haiku-4-5", "claude-sonnet-4-6", "claude-opus-5-5", "a-new-model"),
    "gemini": (None, "gemini-2.5-flash", "gemini-3.5-flash-lite", "a-new-model"),
    "ollama": (None, "gpt-oss:20b", "a-new-model"),
}
WIRES = tuple(MODELS)


class Case(NamedTuple):
    """One request; `id` names what is special in it: its option and value, its history, or the answer it sends back."""

    id: str
    wire: str
    model: str | None
    options: dict[str, Any]
    messages: Any


# --- options ---------------------------------------------------------------------------------------------------------

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CLOSED = {**SCHEMA, "additionalProperties": False}
PYDANTIC = {  # as model_json_schema() of a model with another one in it gives it
    "$defs": {"Place": {"properties": {"city": {"default": "Graz", "title": "City", "type": "string"}},
                        "title": "Place", "type": "object"}},
    "properties": {
        "place": {"$ref": "#/$defs/Place"},
        "days": {"anyOf": [{"minimum": 1, "maximum": 7, "type": "integer"}, {"type": "null"}], "default": None},
        "units": {"enum": ["C", "F"], "title": "Units", "type": "string"},
    },
    "required": ["place", "units"],
    "title": "Weather Report!",
    "type": "object",
}  # fmt: skip
FUNCTION = {"name": "weather", "description": "The weather.", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}

TOOLS: dict[str, list[Any]] = {
    "openai": [TOOL],
    "openai-strict": [{"type": "function", "function": {**FUNCTION, "parameters": CLOSED, "strict": True}}],
    "openai-bare": [{"type": "function", "function": {"name": "now"}}],
    "responses": [{"type": "function", **FUNCTION, "strict": True}],
    "responses-no-strict": [{"type": "function", **FUNCTION}],
    "bare": [FUNCTION],
    "bare-strict": [{**FUNCTION, "strict": True}],
    "bare-no-parameters": [{"name": "now", "description": "The time."}],
    "bare-null-parameters": [{"name": "now", "description": None, "parameters": None}],
    "pydantic": [{"name": "report", "description": "A report.", "parameters": PYDANTIC}],
    "parameters-without-type": [{"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}}],
    "more-fields": [{"name": "f", "parameters": SCHEMA, "returns": {"type": "string"}, "version": 2}],
    "anthropic": [{"name": "weather", "description": "The weather.", "input_schema": SCHEMA}],
    "anthropic-custom": [{"type": "custom", "name": "weather", "input_schema": SCHEMA}],
    "anthropic-cached": [{"name": "weather", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral"}}],
    "mcp": [{"name": "weather", "description": "The weather.", "inputSchema": SCHEMA}],
    "gemini": [{"functionDeclarations": [FUNCTION]}],
    "gemini-snake": [{"function_declarations": [FUNCTION]}],
    "openai-custom-tool": [{"type": "custom", "custom": {"name": "sql", "description": "Runs SQL."}}],
    "responses-custom-tool": [{"type": "custom", "name": "sql", "description": "Runs SQL."}],
    "grammar": [{"type": "custom", "custom": {"name": "sql", "format": {"type": "grammar", "grammar": {
        "syntax": "lark", "definition": "start: /a/"}}}}],
    "responses-grammar": [{"type": "custom", "name": "sql", "format": {
        "type": "grammar", "syntax": "lark", "definition": "start: /a/"}}],
    "openai-web-search": [{"type": "web_search"}],
    "openai-code": [{"type": "code_interpreter", "container": {"type": "auto"}}],
    "openai-mcp": [{"type": "mcp", "server_label": "x", "server_url": "https://x.example/mcp"}],
    "anthropic-web-search": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}],
    "anthropic-bash": [{"type": "bash_20250124", "name": "bash"}],
    "gemini-search": [{"googleSearch": {}}],
    "gemini-code": [{"codeExecution": {}}],
    "two": [TOOL, {"name": "now"}],
    "own-and-search": [FUNCTION, {"googleSearch": {}}, {"type": "web_search"}],
    "none": [],
    "no-list": [TOOL][0],  # type: ignore[dict-item]
    "text": ["weather"],
    "nameless": [{"type": "function", "function": {"description": "no name"}}],
    "number-as-name": [{"name": 5, "parameters": SCHEMA}],
}  # fmt: skip

CHOICES: dict[str, Any] = {
    **{word: word for word in ("auto", "none", "required", "any", "weather", "validated", "")},
    "openai": {"type": "function", "function": {"name": "weather"}},
    "responses": {"type": "function", "name": "weather"},
    "anthropic": {"type": "tool", "name": "weather"},
    "anthropic-any": {"type": "any"},
    "anthropic-auto": {"type": "auto", "disable_parallel_tool_use": True},
    "gemini": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    "gemini-snake": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["weather"]}},
    "openai-allowed": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}},
    "responses-allowed": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "weather"}]},
    "openai-custom": {"type": "custom", "custom": {"name": "sql"}},
    "responses-hosted": {"type": "web_search_preview"},
    "bedrock": {"tool": {"name": "weather"}},
    "true": True, "five": 5, "list": ["weather"], "empty": {},
}  # fmt: skip

FORMATS: dict[str, Any] = {
    "schema": SCHEMA,
    "closed": CLOSED,
    "pydantic": PYDANTIC,
    "array": {"type": "array", "items": {"type": "string"}},
    "any-of": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "openai": {"type": "json_schema", "json_schema": {"name": "place", "schema": CLOSED, "strict": True}},
    "openai-nameless": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
    "openai-described": {"type": "json_schema", "json_schema": {"name": "a b", "description": "d", "schema": SCHEMA}},
    "openai-no-schema": {"type": "json_schema", "json_schema": {"name": "place"}},
    "responses": {"type": "json_schema", "name": "place", "schema": CLOSED, "strict": True},
    "anthropic": {"type": "json_schema", "schema": CLOSED},
    "json": {"type": "json_object"},
    "text": {"type": "text"},
    "word": "json", "word-object": "json_object", "true": True, "empty": {},
    "grammar": {"type": "grammar", "grammar": "root ::= a"},
    "only-object": {"type": "object"},
    "gemini": {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
    "unknown": {"type": "banana"},
}  # fmt: skip


def words(*values: Any) -> dict[str, Any]:
    """Values under their own texts."""
    return {repr(value)[:40]: value for value in values}


OPTIONS: dict[str, dict[str, Any]] = {
    "reasoning_effort": words(
        "none", "minimal", "low", "medium", "high", "xhigh", "max", "auto", "HIGH", "", "banana",
        1024, 0, -1, 500, 200_000, 0.5, True, False, {"effort": "low"}, [],
    ),
    "tools": TOOLS,
    "tool_choice": CHOICES,
    "response_format": FORMATS,
    "temperature": words(0, 0.7, 1, 2, -1, "hot", True, [0.5]),
    "top_p": words(0, 0.9, 1, "x", True),
    "top_k": words(1, 40, 0, 1.5, "x", True),
    "min_p": words(0.05, 1, "x"),
    "max_tokens": words(1, 100, 100_000, 0, -1, 1.5, "100", True),
    "stop": words("END", ["a", "b"], ("a",), [], "", [5], 5, {"a": 1}, ["a", "b", "c", "d", "e", "f"]),
    "seed": words(1, 0, -1, 2**40, 1.5, "x", True),
    "n": words(1, 2, 0, "2", True, 1.5),
    "presence_penalty": words(0, 0.5, -2, "x", True),
    "frequency_penalty": words(0, 0.5, -2, "x", True),
    "repetition_penalty": words(1.1, 1, "x"),
    "verbosity": words("low", "medium", "high", "banana", 1, True),
    "parallel_tool_calls": words(True, False, "no", 0, 1),
    "logprobs": words(True, False, 5, 0, 1, "yes"),
    "top_logprobs": words(0, 5, 20, 21, -1, True, "5"),
    "logit_bias": words({"50256": -100}, {50256: -100}, {"a": 0.5}, {"1": "x"}, [], [[1, 2]], 5),
    "user": words("u1", "", 5, {"id": "u"}),
    "metadata": words(
        {"user_id": "u1"}, {"topic": "weather"}, {"user_id": "u1", "topic": "weather"}, {"a": 1}, {"a": None},
        {"a": {"b": "c"}}, {"user_id": 5}, {5: "a"}, {}, [], "x", {"a" * 65: "b"}, {"a": "b" * 513},
    ),
    "service_tier": words(
        "auto", "default", "flex", "priority", "scale", "standard_only", "standard", "fast", "banana", True, 1, ""
    ),
    "store": words(True, False, "yes", 1),
    "prompt_cache_key": words("k", "", 5),
    "prompt_cache_retention": words("in_memory", "24h", "1h", 5),
}  # fmt: skip

# What goes in as it is: fields of each wire that no option has, and one that an option has as well.
EXTRAS: dict[str, dict[str, Any]] = {
    "openai": words({"prediction": {"type": "content", "content": "a"}}, {"metadata": {"user_id": "u2"}}),
    "openai_responses": words(
        {"reasoning": {"summary": "auto"}}, {"text": {"verbosity": "low"}}, {"truncation": "auto"}
    ),
    "anthropic": words({"thinking": {"type": "adaptive"}}, {"metadata": {"user_id": "u2"}}, {"tools": []}),
    "gemini": words({"generationConfig": {"topK": 3}}, {"cachedContent": "cachedContents/a"}, {"store": False}),
    "ollama": words({"options": {"num_ctx": 8192}}, {"keep_alive": "5m"}, {"keep_alive": 60}),
}

# For pairs: of each option what a user most likely gives, in forms that differ on the wires.
LIKELY: dict[str, tuple[str, ...]] = {
    "reasoning_effort": ("'none'", "'minimal'", "'high'", "1024"),
    "tools": ("openai", "anthropic-web-search", "responses-custom-tool", "gemini-search", "none"),
    "tool_choice": ("none", "required", "weather", "anthropic", "gemini"),
    "response_format": ("pydantic", "openai", "json", "text"),
    "stop": ("'END'", "['a', 'b']"),
    "logprobs": ("True", "False", "5"),
    "top_logprobs": ("0", "5"),
    "parallel_tool_calls": ("True", "False"),
    "user": ("'u1'",),
    "metadata": ("{'user_id': 'u1'}", "{'topic': 'weather'}", "{}"),
    "service_tier": ("'auto'", "'priority'"),
    "store": ("True", "False"),
    "max_tokens": ("100", "100000"),
}


def options_of(wire: str) -> dict[str, dict[str, Any]]:
    return {**OPTIONS, "extra": EXTRAS[wire]}


def option_cases(wire: str) -> Iterator[Case]:
    """Each option with each value, for each model."""
    for model in MODELS[wire]:
        for name, values in options_of(wire).items():
            for label, value in values.items():
                yield Case(f"{name}={label}", wire, model, {name: value}, "Hi")


def pair_cases(wire: str) -> Iterator[Case]:
    """Likely values of every two options; and of the option that says how to think, for every model."""
    chosen = [
        (name, label, values[label])
        for name, values in options_of(wire).items()
        for label in LIKELY.get(name) or tuple(values)[1:2]
    ]
    for (one, first, a), (other, second, b) in combinations(chosen, 2):
        if one == other:
            continue
        for model in MODELS[wire] if "reasoning_effort" in (one, other) else (None,):
            yield Case(f"{one}={first} {other}={second}", wire, model, {one: a, other: b}, "Hi")
