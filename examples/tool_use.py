"""A question that a model answers with the help of tools: it calls them, they are run, it goes on with what they gave.

    python examples/tool_use.py                                        # an emulator on this machine answers
    python examples/tool_use.py --provider anthropic --base-url https://api.anthropic.com "Warmer in Graz or in Rome?"
"""

import argparse
import sys
from typing import Any

from sansio_core import ChatError, ToolCall
from transports import Client
from transports.emulator import Emulator


def temperature(city: str) -> Any:
    return {"city": city, "celsius": 13 + len(city)}


CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "temperature", "description": "How warm it is in a city now.", "parameters": CITY}]


def run(call: ToolCall) -> Any:
    print(f"[{call.name} {call.arguments}]")
    try:
        return {"temperature": temperature}[call.name](**call.parse())
    except (KeyError, TypeError, ChatError) as error:  # no such tool, no such arguments: the model may mend it
        return f"This call failed: {error!r}"


def chat(client: Client, prompt: str) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": prompt}]
    while messages[-1]["role"] != "assistant":
        with client.stream(messages, tools=TOOLS) as stream:
            for chunk in stream:
                print(chunk, end="", flush=True)
        messages += [stream.reply.message, *(call.answer(run(call)) for call in stream.reply.tool_calls)]
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description="An answer with the help of tools.")
    parser.add_argument("prompt", nargs="?", default="How warm is it in Graz?")
    parser.add_argument("--provider", default="openai")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    parser.add_argument("--model")
    args = parser.parse_args()
    try:
        with Emulator(tool_calls=[("temperature", {"city": "Graz"})], reply="17 degrees, not bad.") as emulator:
            url, key = (args.base_url, None) if args.base_url else (emulator.base_url(args.provider), "any")
            with Client(args.provider, base_url=url, model=args.model, api_key=key) as client:
                chat(client, args.prompt)
    except ChatError as error:  # its `reply` is what came before
        sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
