"""The vendors' own SDKs as their users use them: what each makes of one answer, in the words of Meaning."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Meaning:
    """What an answer says. `calls`: names and arguments, the latter as values where they are JSON.

    `finish`: the provider's own word. `usage`: input and output tokens. `error`: what was raised, by its class's name.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    finish: str | None = None
    usage: tuple[int | None, int | None] | None = None
    error: str = ""


def value_of(arguments: Any) -> Any:
    """A call's arguments as a value; none are {}."""
    if not isinstance(arguments, str):
        return dict(arguments or {})
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments


@contextmanager
def failing(meaning: Meaning) -> Iterator[None]:
    """An SDK may fail with anything: that is a finding, not an end."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  it is what is compared
        meaning.error = type(error).__name__


def openai_chat(url: str, question: str = "Hello", **options: Any) -> Meaning:
    import openai

    meaning, snapshot = Meaning(), None
    with openai.OpenAI(api_key="key", base_url=f"{url}/v1", max_retries=0) as client, failing(meaning):
        asked: Any = [{"role": "user", "content": question}]
        usage: Any = {"include_usage": True}
        with client.chat.completions.stream(model="m", messages=asked, stream_options=usage, **options) as stream:
            for event in stream:
                if event.type == "chunk":
                    snapshot = event.snapshot
    if snapshot is not None:
        if snapshot.choices:
            message = snapshot.choices[0].message
            meaning.text = message.content or ""
            meaning.reasoning = getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None) or ""
            meaning.finish = snapshot.choices[0].finish_reason
            calls = [call for call in message.tool_calls or [] if call.type == "function"]
            meaning.calls = [(call.function.name, value_of(call.function.arguments)) for call in calls]
        if snapshot.usage:
            meaning.usage = (snapshot.usage.prompt_tokens, snapshot.usage.completion_tokens)
    return meaning


def openai_responses(url: str, question: str = "Hello", **options: Any) -> Meaning:
    import openai

    meaning = Meaning()
    with (
        openai.OpenAI(api_key="key", base_url=f"{url}/v1", max_retries=0) as client,
        failing(meaning),
        client.responses.stream(model="m", input=question, **options) as stream,
    ):
        for event in stream:
            match event.type:
                case "response.output_text.delta":
                    meaning.text += event.delta
                case "response.reasoning_text.delta" | "response.reasoning_summary_text.delta":
                    meaning.reasoning += event.delta
                case "response.completed" | "response.incomplete" | "response.failed":
                    of_response(event.response, meaning)
                case "error":
                    meaning.error = "error event"
    return meaning


def of_response(response: Any, meaning: Meaning) -> None:
    calls = [item for item in response.output if item.type == "function_call"]
    meaning.calls = [(call.name, value_of(call.arguments)) for call in calls]
    why = response.incomplete_details.reason if response.incomplete_details else None
    meaning.finish = f"{response.status}:{why}" if why else response.status
    if response.usage:
        meaning.usage = (response.usage.input_tokens, response.usage.output_tokens)
    if response.status == "failed":
        meaning.error = "response.failed"


def anthropic(url: str, question: str = "Hello", **options: Any) -> Meaning:
    import anthropic

    meaning, message = Meaning(), None
    with anthropic.Anthropic(api_key="key", base_url=url, max_retries=0) as client, failing(meaning):
        asked: Any = [{"role": "user", "content": question}]
        with client.messages.stream(model="m", max_tokens=4096, messages=asked, **options) as stream:
            for _ in stream:
                message = stream.current_message_snapshot
            message = stream.current_message_snapshot
    if message is not None:
        blocks: Any = message.content
        meaning.text = "".join(block.text for block in blocks if block.type == "text")
        meaning.reasoning = "".join(block.thinking for block in blocks if block.type == "thinking")
        meaning.calls = [(block.name, value_of(block.input)) for block in blocks if block.type == "tool_use"]
        meaning.finish = message.stop_reason
        meaning.usage = (message.usage.input_tokens, message.usage.output_tokens)
    return meaning


def gemini(url: str, question: str = "Hello", **options: Any) -> Meaning:
    from google import genai

    meaning = Meaning()
    http: Any = {"base_url": url}
    with genai.Client(api_key="key", http_options=http) as client, failing(meaning):
        config: Any = options or None
        for chunk in client.models.generate_content_stream(model="m", contents=question, config=config):
            candidate = chunk.candidates[0] if chunk.candidates else None
            content = candidate.content if candidate else None
            for part in (content.parts if content else None) or []:
                if part.text and part.thought:
                    meaning.reasoning += part.text
                elif part.text:
                    meaning.text += part.text
                if part.function_call:
                    meaning.calls.append((part.function_call.name or "", value_of(part.function_call.args)))
            if candidate and candidate.finish_reason:
                meaning.finish = candidate.finish_reason.value
            if counts := chunk.usage_metadata:
                meaning.usage = (counts.prompt_token_count, counts.candidates_token_count)
            if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                meaning.error = "prompt_feedback"
    return meaning


def ollama(url: str, question: str = "Hello", generate: bool = False, **options: Any) -> Meaning:
    import ollama

    meaning = Meaning()
    with ollama.Client(host=url, headers={"authorization": "Bearer key"}) as client, failing(meaning):
        asked = [{"role": "user", "content": question}]
        chunks: Any = (
            client.generate(model="m", prompt=question, stream=True, **options)
            if generate
            else client.chat(model="m", messages=asked, stream=True, **options)
        )
        for chunk in chunks:
            message = chunk if generate else chunk.message
            meaning.text += (chunk.response if generate else message.content) or ""
            meaning.reasoning += message.thinking or ""
            for call in [] if generate else message.tool_calls or []:
                meaning.calls.append((call.function.name, value_of(call.function.arguments)))
            meaning.finish = chunk.done_reason or meaning.finish
            if chunk.done and chunk.eval_count is not None:
                meaning.usage = (chunk.prompt_eval_count, chunk.eval_count)
    return meaning


def ollama_generate(url: str, question: str = "Hello", **options: Any) -> Meaning:
    return ollama(url, question, generate=True, **options)


VENDORS: dict[str, tuple[str, Callable[..., Meaning]]] = {
    "openai.chat": ("openai", openai_chat),
    "openai.responses": ("openai_responses", openai_responses),
    "anthropic.messages": ("anthropic", anthropic),
    "google.gemini": ("gemini", gemini),
    "ollama.chat": ("ollama", ollama),
    "ollama.generate": ("ollama", ollama_generate),
}
"""By dialect: our provider, and the vendor's SDK."""
