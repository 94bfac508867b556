"""The rows of a bulk run: what lines of a file, and Python values, ask; what is wrong with them, in words."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored
from transports.batch.rows import Row, RowReader
from transports.batch.template import Template

GOOD = b'{"prompt": "Hi"}\n'


def read_rows(lines: Any, **more: Any) -> Iterator[Row]:
    return RowReader(**more).rows(lines)


def row_of(value: object, number: int, **more: Any) -> Row:
    return RowReader(**more).row(value, number)


def rows(*lines: bytes | str | dict[str, Any], **more: Any) -> list[Row]:
    """The rows of `lines`, each on a line of its own, after a good one."""
    written = [line if isinstance(line, bytes) else _text(line).encode() for line in lines]
    return list(read_rows([GOOD, *(line + b"\n" for line in written)], **more))[1:]


def _text(line: str | dict[str, Any]) -> str:
    return line if isinstance(line, str) else json.dumps(line)


def asked(line: bytes | str | dict[str, Any], **more: Any) -> dict[str, Any]:
    (row,) = rows(line, **more)
    assert row.error is None
    ChatRequest(**row.question)  # the clients take it
    return row.question


def wrong(line: bytes | str | dict[str, Any], **more: Any) -> str:
    (row,) = rows(line, **more)
    assert row.error is not None
    assert row.question == {}
    text = str(row.error)
    assert text.startswith("line 2: ")
    return text.removeprefix("line 2: ")


# --- questions -------------------------------------------------------------------------------------------------------


def test_a_prompt_with_options_is_a_question() -> None:
    line = {"id": 7, "prompt": "Name a river.", "model": "m", "temperature": 0, "system": "Be brief.", "top_p": None}
    assert asked(line) == {"messages": "Name a river.", "model": "m", "temperature": 0, "system": "Be brief."}


def test_messages_and_a_text_are_questions() -> None:
    messages = [{"role": "user", "content": "Hi"}]
    assert asked({"messages": messages, "max_tokens": 5}) == {"messages": messages, "max_tokens": 5}
    assert asked('"Hi"') == {"messages": "Hi"}


@pytest.mark.parametrize("key", ["a1", "", 7, 0, 1.5, True, False, None, "\ud83d"])
def test_an_id_is_any_scalar(key: Any) -> None:
    (row,) = rows({"id": key, "prompt": "Hi"})
    assert row.id == key
    assert type(row.id) is type(key)


def test_a_line_that_cannot_be_asked_keeps_its_id_and_its_fields() -> None:
    with pytest.warns(OptionIgnored):
        (row,) = rows({"id": "a1", "promt": "Hi", "label": 3}, keep=["label", "other"])
    assert (row.id, row.keep) == ("a1", {"label": 3})
    assert row.error is not None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[1]", "it must be an object or a text, not an array"),
        ("null", "not null"),
        ("true", "not true"),
        ("3", "not a number"),
        ({"id": [1], "prompt": "Hi"}, "its 'id' must be a text or a number, not an array"),
        ({"prompt": 3}, "its 'prompt' must be a text, not a number; a conversation is 'messages'"),
        ({"prompt": "Hi", "messages": []}, "it has both 'prompt' and 'messages': give one of them"),
        ({}, "it has neither 'prompt' nor 'messages' (it has no field)"),
        ({"id": 1, "text": "x", "label": 2}, "its fields: text, label; or make a prompt of them with a template"),
        ({"prompt": "Hi", "temprature": 0}, "no option is called 'temprature' (did you mean 'temperature'?)"),
        ({"prompt": "Hi", "max_output_tokens": 9}, "'max_output_tokens' (it is called max_tokens here)"),
        ({"prompt": "Hi", "label": 1}, "'label'; leave out what is data, or name it in keep, for the output: label"),
        ({"prompt": "Hi", "api_key": "sk-1"}, "no option is called 'api_key' (it is a setting of the whole run)"),
        ({"prompt": "Hi", "timeout": 5}, "'timeout' (it is a setting of the whole run)"),
        ({"role": "user", "content": "Hi"}, "this is a message: several, in a list, are the 'messages' of one prompt"),
        ('{"prompt": "Hi", "seed": NaN}', "it has NaN, which is no JSON"),
        ('{"prompt": "Hi", "seed": -Infinity}', "it has -Infinity, which is no JSON"),
        ('{"prompt": "Hi", "temperature": 1e999}', "the number 1e999 is too large"),
        ('{"prompt": "Hi", "seed": ' + "9" * 5000 + "}", "a number of too many digits"),
        ('{"prompt": "a", "prompt": "b"}', "an object has 'prompt' twice"),
        ('{"prompt": "Hi"', "it is not JSON: Expecting ',' delimiter at character 16, near '{\"prompt\": \"Hi\"'"),
        ('{"prompt": "Hi"} {}', "it is not JSON: Extra data at character 18"),
        ("[" * 100_000, "it is nested too deeply"),
        (b'{"prompt": "caf\xe9"}', "it is not UTF-8: byte 16 is 0xe9; `iconv -f CP1252 -t UTF-8 FILE`"),
        (b'{"prompt": "' + b"x" * (16 << 20) + b'"}', "it is longer than 16 MiB"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_line_that_cannot_be_used_is_a_row_with_an_error(line: bytes | str | dict[str, Any], words: str) -> None:
    assert words in wrong(line)


def test_a_field_that_is_kept_need_not_be_an_option() -> None:
    line = b'{"prompt": "Hi", "label": 3, "id": 1}'
    with pytest.warns(OptionIgnored, match="^line 1 has no field 'lable', 'note', which is to be kept$"):
        row, _ = read_rows([line, b'"Hi"'], keep=["label", "prompt", "lable", "note"])
    assert row.error is None
    assert row.keep == {"label": 3, "prompt": "Hi"}


def test_options_of_the_provider_alone_are_known() -> None:
    assert asked({"prompt": "Hi", "user_id": 5}, own_options={"user_id"}) == {"messages": "Hi", "user_id": 5}


# --- OpenAI's batch lines --------------------------------------------------------------------------------------------


def test_a_line_of_openais_batches_is_a_question() -> None:
    body = {
        "model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_completion_tokens": 5, "max_tokens": 9,
        "stream": False, "logit_bias": None, "temperature": 0.5, "web_search_options": {"a": 1},
        "response_format": {"type": "json_object"},
    }  # fmt: skip
    line = {"custom_id": "r-1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    (row,) = rows(line)
    assert row.id == "r-1"
    assert asked(line) == {
        "model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5, "temperature": 0.5,
        "response_format": {"type": "json_object"}, "extra": {"web_search_options": {"a": 1}},
    }  # fmt: skip


def test_a_batch_line_of_the_responses_endpoint_is_a_question() -> None:
    said = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]
    body = {
        "model": "m", "input": said, "instructions": "Be brief.", "max_output_tokens": 9, "truncation": "auto",
        "reasoning": {"effort": "low", "summary": "auto"}, "text": {"verbosity": "low"},
    }  # fmt: skip
    assert asked({"custom_id": "r", "url": "/v1/responses", "body": body}) == {
        "model": "m", "messages": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "system": "Be brief.", "max_tokens": 9, "reasoning_effort": "low", "verbosity": "low",
        "extra": {"truncation": "auto", "reasoning": {"summary": "auto"}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"url": "/v1/embeddings", "body": {}}, "its 'url' must be /v1/chat/completions or /v1/responses"),
        ({"method": "GET", "body": {}}, "by POST"),
        ({"body": [1]}, "its 'body' must be an object"),
        ({"body": {"model": "m"}}, "its 'body' has no 'messages'"),
        ({"url": "/v1/responses", "body": {}}, "its 'body' has no 'input'"),
        ({"url": "/v1/responses", "body": {"input": [{"type": "function_call"}]}}, "only messages are read"),
        ({"url": "/v1/responses", "body": {"input": 3}}, "its 'input' must be a text or an array of messages"),
    ],
)
def test_a_batch_line_that_cannot_be_asked_says_why(line: dict[str, Any], words: str) -> None:
    assert words in wrong({"custom_id": "r", **line})


# --- templates -------------------------------------------------------------------------------------------------------


def test_a_template_makes_the_prompt() -> None:
    template = 'Say {{"a": 1}} of {text} ({n}, {tags}) {text}'
    line = {"id": 1, "model": "m", "text": "Kranj {n}", "n": 1.5, "tags": ["ž", None], "temperature": 2}
    assert asked(line, template=template) == {
        "messages": 'Say {"a": 1} of Kranj {n} (1.5, ["ž", null]) Kranj {n}',
        "model": "m",
    }


def test_python_values_that_json_lacks_are_written_in_a_template_as_python_prints_them() -> None:
    assert Template("On {day}: {n}").fill({"day": date(2026, 11, 22), "n": Decimal("1.50")}) == "On 2026-11-22: 1.50"


@pytest.mark.parametrize("value", [None, nan])
def test_a_field_without_a_value_is_an_error(value: object) -> None:
    row = row_of({"text": value}, 3, template="{text}")
    assert str(row.error) == "prompt 3: its field 'text', which the template names, has no value"


def test_a_text_is_the_field_prompt_of_a_template() -> None:
    assert asked('"Hi"', template="Say: {prompt}")["messages"] == "Say: Hi"


def test_a_field_that_the_template_names_is_data() -> None:
    assert asked({"model": "Golf"}, template="Describe the car {model}") == {"messages": "Describe the car Golf"}


def test_a_missing_field_is_an_error_with_those_that_are_there() -> None:
    good, bad = b'{"lable": 1, "text": "x"}\n', b'{"id": 3, "text": "x", "label": 1}\n'
    _, row = read_rows([good, bad], template="{lable}: {text}")
    said = "no field 'lable', which the template names (did you mean 'label'?); its fields: id, text, label"
    assert (row.id, str(row.error)) == (3, f"line 2: it has {said}")


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("no field", "names no field of a row"),
        ("{text.upper}", "{text.upper} is more than the name of a field"),
        ("{text[0]}", "is more than the name of a field"),
        ("{text!r}", "is more than the name of a field"),
        ("{text:>10}", "is more than the name of a field"),
        ('{"a": 1} {text}', "for braces as such write {{ and }}"),
        ("Say {}", "at character 5, {} names no field"),
        ("Say {text", "at character 5, a single '{' near '{text': for a brace as such write '{{'"),
        ("text} {text}", "a single '}'"),
        (3, "a template is a str, not int"),
    ],
)
def test_a_wrong_template_is_refused_at_once(template: Any, words: str) -> None:
    for use in (lambda: read_rows([], template=template), lambda: Template(template)):
        with pytest.raises(InvalidRequest) as caught:
            use()
        assert words in str(caught.value)


_texts = st.text("a{}é ")


@settings(max_examples=40)
@given(_texts, _texts, _texts)
def test_any_text_goes_through_a_template_unchanged(before: str, value: str, after: str) -> None:
    def escaped(text: str) -> str:
        return text.replace("{", "{{").replace("}", "}}")

    template = Template(f"{escaped(before)}{{text}}{escaped(after)}")
    assert template.fill({"text": value}) == before + value + after


# --- files -----------------------------------------------------------------------------------------------------------


def test_blank_lines_are_counted_and_are_no_rows() -> None:
    data = b'\xef\xbb\xbf{"prompt": "a"}\r\n\r\n  \n\n"b"\n"c"'
    found = list(read_rows(io.BytesIO(data)))
    assert [(row.number, row.question["messages"]) for row in found] == [(1, "a"), (5, "b"), (6, "c")]


def test_a_key_is_the_digest_of_the_line_without_its_end() -> None:
    keys = {row.key for data in (b'"a"', b'"a"\n', b'"a"\r\n', b'\xef\xbb\xbf"a"\n') for row in read_rows([data])}
    assert len(keys) == 1
    (key,) = keys
    assert len(key) == 16
    assert int(key, 16) >= 0
    assert next(read_rows([b' "a"'])).key != key


def test_keys_are_read_without_the_json() -> None:
    broken = [GOOD, b"{" * 10, b"\xff\xfe"]  # the first alone is looked at
    assert len({row.key for row in read_rows(broken)}) == 3


def test_a_line_that_is_too_long_is_not_read_as_a_whole() -> None:
    class File(io.BytesIO):
        longest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            self.longest = max(self.longest, len(line))
            return line

    file = File(GOOD + b'"' + b"x" * (40 << 20) + b'"\n' + GOOD)
    assert ["longer than 16 MiB" in str(row.error) for row in read_rows(file)] == [False, True, False]
    assert file.longest == (16 << 20) + 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'[{"prompt": "a"}]\n', "is a JSON array, and must be JSON lines, an object or a text on each: `jq -c '.[]'"),
        (b"[\n", "is a JSON array"),
        (b'{\n  "prompt": "a"\n}\n', "is JSON over several lines"),
        (b"id,text\n1,Hello\n", "begins with 'id,text': CSV, or plain text"),
        (b'"id","text"\n"1","Hello"\n', "CSV, or plain text"),
        (b"\n\nName a river.\nAnd its source?\n", "begins with 'Name a river.'"),
        (b"Name a river.", "begins with 'Name a river.'"),
        (b"PAR1\x15\x04\x15\n", "is Parquet"),
        (b"PK\x03\x04\n", "read_excel(FILE).to_json('in.jsonl'"),
        (b"\xd0\xcf\0\n\0\0\n", "the input is no text, and must be JSON lines"),
        (b"\x1f\x8b\x08\x00\n", "is compressed by gzip, and must be JSON lines"),
        (b"\x28\xb5\x2f\xfd\n", "an object or a text on each: `zstd -dc FILE` gives the lines"),
        ('"é"\n'.encode("utf-16"), "`iconv -f UTF-16 -t UTF-8 FILE` writes it so"),
    ],
)
def test_a_file_that_is_no_json_lines_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        next(read_rows(io.BytesIO(data)))
    assert words in str(caught.value)


def test_a_first_line_that_is_broken_is_a_row_with_an_error() -> None:
    for first in (b"nonsense\n", b'{"prompt": \n', b"\n3\n"):
        found = list(read_rows([*first.splitlines(keepends=True), GOOD]))
        assert [row.error is None for row in found] == [False, True]


def test_an_empty_file_has_no_rows() -> None:
    assert list(read_rows(io.BytesIO(b""))) == []
    assert list(read_rows(io.BytesIO(b"\n \n"))) == []


def test_a_file_that_begins_with_unusable_lines_alone_is_refused() -> None:
    line = b'{"text": "x"}\n'
    assert len(list(read_rows([*[line] * 19, GOOD, *[line] * 30]))) == 50
    with pytest.raises(InvalidRequest, match=r"no row can be used: line 1: it has neither 'prompt'"):
        next(read_rows([line] * 3))
    with pytest.raises(InvalidRequest, match=r"none of the first 20 rows can be used: line 1: it has neither 'prompt'"):
        next(read_rows([line] * 20))


def test_rows_are_read_as_they_are_asked_for() -> None:
    def lines() -> Iterator[bytes]:
        yield GOOD
        raise AssertionError("it was not asked for")

    assert next(read_rows(lines())).number == 1


@pytest.mark.parametrize("keep", ["text", [""], [3]])
def test_names_to_keep_are_a_list_of_texts(keep: Any) -> None:
    with pytest.raises(InvalidRequest, match="keep is a list of the names of fields"):
        read_rows([], keep=keep)


# --- Python values ---------------------------------------------------------------------------------------------------


def test_python_values_are_rows() -> None:
    assert row_of("Hi", 1).question == {"messages": "Hi"}
    messages = [{"role": "user", "content": "Hi"}]
    row = row_of({"id": 7, "messages": messages, "tools": [test_python_values_are_rows]}, 2)
    assert (row.id, row.number, row.question["messages"]) == (7, 2, messages)
    assert len(row.key) == 16
    assert row_of({"text": "Hi"}, 3, template="Say {text}").question == {"messages": "Say Hi"}


@pytest.mark.parametrize("value", [3, {"prompt": None}, b"Hi", b'"Hi"'])
def test_a_python_value_that_cannot_be_asked_is_a_row_with_an_error(value: object) -> None:
    assert str(row_of(value, 5).error).startswith("prompt 5: it ")
