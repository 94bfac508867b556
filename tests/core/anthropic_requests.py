"""What the tests of Anthropic's requests ask with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dialect_harness import sent

from sansio_core import ChatRequest, InvalidRequest, OptionIgnored, providers

PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}
PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
MARK = {"cache_control": {"type": "ephemeral"}}
HI = {"role": "user", "content": "Hi"}
SAID = {"role": "assistant", "content": "Said."}
BRIEF = {"role": "system", "content": "Be brief."}
SEARCHED = [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}]  # fmt: skip
NEW = "claude-opus-5-5"
"""It takes system messages amid the others."""


def told(messages: Any, **options: Any) -> tuple[dict[str, Any], str]:
    """The JSON that is sent for a request, and the warning of what is not."""
    with pytest.warns(OptionIgnored) as caught:
        call = providers.create("anthropic", api_key="k").begin(ChatRequest(messages, **options), lambda: 0.5)
    (warning,) = caught
    body: dict[str, Any] = json.loads(call.request().body)
    return body, str(warning.message).removeprefix("anthropic does not take ").removesuffix(": not sent")


def refused(messages: Any, **options: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        sent("anthropic", messages, **options)
    return str(caught.value)
