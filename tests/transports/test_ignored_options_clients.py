"""Both clients: one warning of all that a wire has no field for, at the line of the client's user."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from seats import Seat

from sansio_core import OptionIgnored
from transports.emulator import Emulator

SIGNATURE = {"thoughtSignature": "s"}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "The weather?"},
    {
        "role": "assistant",
        "content": "See:",
        "tool_calls": [{"id": "c", "function": {"name": "weather", "arguments": "{}"}, "extra_content": {"a": 1}}],
        "native": {"dialect": "gemini", "items": [{"text": "Hm", "thought": True}, {"text": "See:", **SIGNATURE}]},
    },
    {"role": "tool", "tool_call_id": "c", "content": "rain"},
]


def test_an_option_a_history_and_calls_give_one_warning_at_the_users_line(seat: Seat) -> None:
    with Emulator() as emulator:
        client = seat.client("anthropic", api_key="sk-key", base_url=emulator.base_url("anthropic"))
        frame = inspect.currentframe()
        assert frame is not None
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            line = frame.f_lineno + 1
            client.stream(HISTORY, seed=1)
        (warning,) = [warning for warning in caught if warning.category is OptionIgnored]
        assert str(warning.message) == (
            "anthropic does not take seed and the reasoning and signatures of gemini answers "
            "and extra_content of tool calls: not sent"
        )
        assert (warning.filename, warning.lineno) == (__file__, line)
        seat.close_client(client)
