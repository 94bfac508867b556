"""What Anthropic's wire takes besides texts: files, cache marks, system messages amid the others, tools, headers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic_requests import BRIEF, HI, MARK, NEW, PDF, PNG, SAID, SEARCHED, refused, told
from dialect_harness import PIXEL, asked, sent

from sansio_core import ChatRequest, FilePart, OptionIgnored, TextPart, providers

# --- files -----------------------------------------------------------------------------------------------------------

NOTE = {"type": "text", "media_type": "text/plain", "data": "Hä?"}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (FilePart(b"%PDF-1"), {"type": "document", "source": PDF}),
        (FilePart(b"%PDF-1", None, "a.pdf"), {"type": "document", "source": PDF, "title": "a.pdf"}),
        (FilePart("https://x/a.pdf"), {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}}),
        (FilePart("Hä?".encode(), None, "a.md"), {"type": "document", "source": NOTE, "title": "a.md"}),
        (
            FilePart(b"{}", "application/json", cache_control=True),
            {"type": "document", "source": {**NOTE, "data": "{}"}, **MARK},
        ),
        (FilePart("https://x/a.png"), {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}}),
        (FilePart(PIXEL), {"type": "image", "source": PNG}),
        (
            {"type": "image_url", "image_url": {"url": PIXEL}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {"type": "image", "source": PNG, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ),
        # forms of the wire's own that have no common one, and another vendor's that has
        *((raw, raw) for raw in (
            {"type": "document", "source": {"type": "file", "file_id": "f"}, "citations": {"enabled": True}},
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "a"}]},
            {"type": "container_upload", "file_id": "f"},
        )),
        ({"type": "container_upload", "file_id": "f", "cache_control": True},
         {"type": "container_upload", "file_id": "f", **MARK}),
        ({"type": "refusal", "refusal": "No."}, {"type": "text", "text": "No."}),
    ],
)  # fmt: skip
def test_a_part(part: Any, block: dict[str, Any]) -> None:
    content = [{"type": "text", "text": "What?"}, block]
    question = {"role": "user", "content": ["What?", part]}
    assert sent("anthropic", [question])["messages"] == [{"role": "user", "content": content}]
    answer = {"role": "tool", "tool_call_id": "c1", "content": ["What?", part]}
    if block["type"] != "container_upload":
        wire = sent("anthropic", [HI, asked(), answer])["messages"][2]["content"]
        assert wire == [{"type": "tool_result", "tool_use_id": "c1", "content": content}]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (FilePart(b"RIFF....WAVE"), "takes no file (audio/wav) in a message; it takes texts, images, PDFs"),
        (FilePart("https://x/a.txt"), "takes no file (text/plain)"),
        (FilePart("https://x/a"), "give media_type="),
        ({"type": "image_url", "image_url": "data:image/bmp;base64,AA=="}, "no image type 'image/bmp'"),
        (FilePart(b"BM", "image/bmp"), "known are image/jpeg, image/png, image/gif, image/webp"),
        ({"type": "file", "file": {"file_id": "f"}}, "takes no part of type 'file'"),
        ({"type": "hologram"}, "takes no part of type 'hologram'"),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "2h"}}, "known are 5m, 1h"),
    ],
)
def test_a_part_that_this_wire_does_not_carry(part: Any, said: str) -> None:
    assert said in refused([{"role": "user", "content": [part]}])


def test_what_only_a_users_message_takes() -> None:
    upload = {"type": "container_upload", "file_id": "f"}
    assert "container_upload" in refused([HI, asked(), {"role": "tool", "tool_call_id": "c1", "content": [upload]}])
    said = refused([{"role": "system", "content": ["a", FilePart(PIXEL)]}, HI])
    assert "texts alone in a system message, not a file (image/png)" in said


def test_the_detail_of_an_image_is_named() -> None:
    image = {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    assert told([{"role": "user", "content": [image]}])[1] == "detail of images"


# --- cache_control ---------------------------------------------------------------------------------------------------


def marked(*ttls: str) -> list[dict[str, Any]]:
    parts = [TextPart("a", {"type": "ephemeral", "ttl": ttl} if ttl else True) for ttl in ttls]
    return [{"role": "user", "content": parts}]


def test_marks_stand_where_they_were_put() -> None:
    tool = {"name": "f", "parameters": {"type": "object"}, "cache_control": True}
    search = {"type": "web_search_20250305", "name": "web_search", "cache_control": True}
    messages = [
        {"role": "system", "content": "Be brief.", "cache_control": True},
        HI,
        asked(),
        {"role": "tool", "tool_call_id": "c1", "content": "rain", "cache_control": True},
    ]
    wire = sent("anthropic", messages, tools=[tool, search])
    assert wire["tools"] == [{"name": "f", "input_schema": {"type": "object"}, **MARK}, {**search, **MARK}]
    assert wire["system"] == [{"type": "text", "text": "Be brief.", **MARK}]
    assert wire["messages"][2]["content"][0]["content"] == [{"type": "text", "text": "rain", **MARK}]
    fifth = {"role": "user", "content": "So?", "cache_control": True}
    assert "at most 4 cache_control marks in a request, not 5" in refused([*messages, fifth], tools=[tool, search])


def test_the_longer_marks_come_first() -> None:
    assert len(sent("anthropic", marked("1h", "1h", "5m", ""))["messages"][0]["content"]) == 4
    assert "'1h' behind one with '5m'" in refused(marked("1h", "", "1h"))
    tool = {"name": "f", "cache_control": True}
    assert "'1h' behind one with '5m'" in refused(marked("1h"), tools=[tool])


def test_a_property_of_that_name_is_no_mark() -> None:
    schema = {"type": "object", "properties": {"cache_control": {"type": "string"}}}
    tools = [{"name": f"f{i}", "parameters": schema} for i in range(6)]
    calls = [asked("c1", arguments='{"cache_control": true}'), {"role": "tool", "tool_call_id": "c1", "content": "a"}]
    assert len(sent("anthropic", [HI, *calls * 6], tools=tools)["tools"]) == 6


# --- system messages amid the others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("messages", "roles"),
    [
        ([HI, SAID, HI, BRIEF], "user assistant user system"),
        ([HI, BRIEF, SAID, HI], "user system assistant user"),
        ([HI, SAID, BRIEF, HI], "user assistant user system"),
        ([HI, SAID, BRIEF, HI, SAID, HI], "user assistant user system assistant user"),
        ([HI, BRIEF, HI, BRIEF], "user user system system"),
        ([HI, SAID, {"role": "user", "content": ""}, BRIEF, HI], "user assistant user system"),
        ([BRIEF, HI, {**BRIEF, "role": "developer"}], "user system"),
        ([HI, {"role": "assistant", "content": "", "native": {"dialect": "anthropic", "items": SEARCHED}}, BRIEF],
         "user assistant system"),
    ],
)  # fmt: skip
def test_a_system_message_stands_where_the_api_takes_it(messages: Any, roles: str) -> None:
    wire = sent("anthropic", messages, model=NEW)
    assert [message["role"] for message in wire["messages"]] == roles.split()
    assert all(m["content"] == "Be brief." for m in wire["messages"] if m["role"] == "system")
    assert wire.get("system") == ("Be brief." if messages[0] is BRIEF else None)


@pytest.mark.parametrize("model", [None, "claude-sonnet-5", "a-new-model"])
def test_other_models_have_it_in_the_prompt(model: str | None) -> None:
    wire, warning = told([BRIEF, HI, SAID, {"role": "system", "content": "Be long."}, HI], model=model)
    assert wire["system"] == [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be long."}]
    assert [message["role"] for message in wire["messages"]] == ["user", "assistant", "user"]
    assert warning == "the place of a system message in mid-conversation"


@pytest.mark.parametrize("model", [None, NEW])
def test_a_system_message_behind_an_empty_one_is_the_first(model: str | None) -> None:
    wire = sent("anthropic", [{"role": "user", "content": ""}, BRIEF, HI], model=model)
    assert (wire["system"], wire["messages"]) == ("Be brief.", [HI])


def test_a_system_message_without_a_place_is_in_the_prompt() -> None:
    paused = {"role": "assistant", "content": "", "native": {"dialect": "anthropic", "items": SEARCHED[:1]}}
    wire, warning = told([HI, paused, BRIEF], model=NEW)
    assert wire["system"] == "Be brief."
    assert wire["messages"] == [HI, {"role": "assistant", "content": SEARCHED[:1]}]
    assert warning == "the place of a system message in mid-conversation"


# --- tools -----------------------------------------------------------------------------------------------------------

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("tool", "wire"),
    [
        (
            {"type": "custom", "name": "f", "input_schema": OBJECT, "defer_loading": True, "input_examples": [{}]},
            {"name": "f", "input_schema": OBJECT, "defer_loading": True, "input_examples": [{}]},
        ),
        (
            {"name": "f", "parameters": {"properties": {}}},
            {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        ),
        (
            {"name": "f", "parameters": OBJECT, "strict": True},
            {"name": "f", "input_schema": {**OBJECT, "additionalProperties": False}, "strict": True},
        ),
        ({"name": "f", "parameters": OBJECT, "strict": False}, {"name": "f", "input_schema": OBJECT}),
        *((own, own) for own in (
            {"type": "code_execution_20990101", "name": "code_execution"},
            {"type": "tool_search_tool_regex", "name": "tool_search_tool_regex"},
            {"type": "mcp_toolset", "mcp_server_name": "x"},
            {"type": "browser_toolset_20260801"},
        )),
    ],
)  # fmt: skip
def test_a_tool(tool: dict[str, Any], wire: dict[str, Any]) -> None:
    assert sent("anthropic", "Hi", tools=[tool])["tools"] == [wire]


@pytest.mark.parametrize(
    ("tools", "said"),
    [
        ([{"type": "web_search"}], "no tool of type 'web_search'"),
        ([{"type": "custom", "custom": {"name": "sql"}}], "no tool of type 'custom'"),
        ([{"type": "web_search_preview_2025_03_11"}], "no tool of type 'web_search_preview_2025_03_11'"),
        ([{"googleSearch": {}}], "no tool of the form {'googleSearch'}"),
        ([{"googleSearch": {}}], "extra={'tools': […]} sends anything as it is"),
        ([{"name": "a b"}], "not 'a b'"),
        ([{"name": "a" * 129}], "1 to 128 letters"),
        ([{"name": "f"}, {"name": "f"}], "two tools are called 'f'"),
        ([{"name": "web_search"}, {"type": "web_search_20250305", "name": "web_search"}], "two tools are called"),
        ([{"name": "f", "parameters": {"type": "string"}}], "must be of the type 'object'"),
    ],
)
def test_a_tool_that_the_wire_has_not(tools: Any, said: str) -> None:
    assert said in refused("Hi", tools=tools)


def test_fields_of_functions_that_the_wire_has_not_are_named() -> None:
    wire, warning = told("Hi", tools=[{"name": "f", "returns": {}, "version": 1}, {"name": "g", "version": 2}])
    assert wire["tools"] == [{"name": name, "input_schema": {"type": "object"}} for name in "fg"]
    assert warning == "returns, version of tools"


@pytest.mark.parametrize(
    ("options", "wire"),
    [
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
         {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": False}},
         {"type": "tool", "name": "f"}),
        ({"tool_choice": {"type": "none", "disable_parallel_tool_use": True}}, {"type": "none"}),
        ({"tool_choice": {"functionCallingConfig": {"mode": "ANY"}}}, {"type": "any"}),
    ],
)  # fmt: skip
def test_a_tool_choice(options: dict[str, Any], wire: dict[str, Any]) -> None:
    assert sent("anthropic", "Hi", **options)["tool_choice"] == wire


@pytest.mark.parametrize("choice", [{}, {"type": "web_search_preview"}, {"type": "auto", "more": 1}, {"tool": {}}])
def test_a_tool_choice_that_the_wire_has_not(choice: Any) -> None:
    assert "give 'auto', 'none', 'required' or a tool's name" in refused("Hi", tool_choice=choice)


# --- other options ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"service_tier": "priority"}, "no service_tier 'priority'; known are auto, standard_only"),
        ({"stop": ["a", " \n"]}, "more than white space"),
        ({"stop": " "}, "more than white space"),
        ({"stop": [5]}, "one is 5"),
        ({"metadata": {"user_id": 5}}, "user_id in metadata must be a str, not 5"),
        ({"max_tokens": 200_000}, "at most 128000 tokens"),
        ({"response_format": {"type": "object", "properties": {"a": {}}}}, "needs a type"),
    ],
)
def test_a_value_that_the_wire_has_not(options: dict[str, Any], said: str) -> None:
    assert said in refused("Hi", **options)


def test_of_metadata_the_user_alone_is_sent() -> None:
    wire, warning = told("Hi", metadata={"user_id": "u", "topic": "a", 5: "b"})
    assert (wire["metadata"], warning) == ({"user_id": "u"}, "topic, 5 of metadata")
    assert "metadata" not in told("Hi", metadata={"topic": "a"})[0]


def test_a_formats_description_is_the_schemas() -> None:
    named = {"name": "n", "description": "Where.", "schema": {"type": "string"}}
    wire = sent("anthropic", "Hi", response_format={"type": "json_schema", "json_schema": named})
    assert wire["output_config"]["format"]["schema"] == {"type": "string", "description": "Where."}


# --- header fields ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["anthropic-version", "Anthropic-Version"])
@pytest.mark.parametrize("of_call", [True, False])
def test_another_version_of_the_api(name: str, of_call: bool) -> None:
    newer = {name: "2026-10-21"}
    config: dict[str, Any] = {} if of_call else {"headers": newer}
    provider = providers.create("anthropic", api_key="k", **config)
    request = ChatRequest("Hi", temperature=0.5, model="m", headers=newer if of_call else None)
    with pytest.warns(OptionIgnored, match=r"temperature \(anthropic-version 2026-10-21 has no samplers\)"):
        http = provider.begin(request, lambda: 0.5).request()
    fields = [value for field, value in http.headers if field.lower() == "anthropic-version"]
    assert fields == ["2026-10-21"]
    assert "temperature" not in json.loads(http.body)


def test_the_version_of_a_call_counts_before_the_clients() -> None:
    provider = providers.create("anthropic", api_key="k", headers={"anthropic-version": "2026-10-21"})
    request = ChatRequest("Hi", temperature=0.5, headers={"ANTHROPIC-VERSION": "2023-06-01"})
    http = provider.begin(request, lambda: 0.5).request()
    assert [value for field, value in http.headers if field.lower() == "anthropic-version"] == ["2023-06-01"]
    assert json.loads(http.body)["temperature"] == 0.5
