"""A question that a model answers with the help of tools: it calls them, they are run, it goes on with what they gave.

    python examples/tool_use.py                                        # an emulator on this machine answers
    python examples/tool_use.py --provider anthropic --base-url https://api.anthropic.com "Warmer in Graz or in Rome?"
"""

import argparse
import sys
from typing import Any

from sansio_core import ChatError, InvalidRequest
from transports import Client
from transports.emulator import Emulator


def temperature(city: str) -> dict[str, Any]:
    """How warm it is in a city now."""
    return {"city": city, "celsius": 13 + len(city)}


def chat(client: Client, prompt: str) -> None:
    messages: list[Any] = [{"role": "user", "content": prompt}]
    while messages[-1]["role"] != "assistant":
        reply = client.complete(messages, tools=[temperature])
        messages.append(reply.message)
        for call in reply.tool_calls:
            print(f"[{call.name} {call.arguments}]")
            try:
                messages.append(call.answer(call.invoke(temperature)))
            except InvalidRequest as error:  # no such tool, no such arguments: the model may mend it
                messages.append(call.answer(str(error), is_error=True))
    print(reply)


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
