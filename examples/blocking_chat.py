"""A conversation, printed as it comes: the blocking client.

    python examples/blocking_chat.py                                   # an emulator on this machine answers
    python examples/blocking_chat.py --provider yqcloud --base-url https://chat.example "Hello" "And in French?"
"""

import argparse
import sys
from typing import Any

from sansio_core import ChatError
from transports import Client
from transports.emulator import Emulator


def chat(provider: str, base_url: str, prompts: list[str]) -> None:
    messages: list[Any] = []
    with Client(provider, base_url=base_url) as client:
        for prompt in prompts:
            messages.append({"role": "user", "content": prompt})
            with client.stream(messages) as stream:
                for chunk in stream:
                    print(chunk, end="", flush=True)
            print()
            messages.append(stream.reply.message)


def main() -> None:
    parser = argparse.ArgumentParser(description="A conversation, printed as it comes: the blocking client.")
    parser.add_argument("prompts", nargs="*", default=["Write a short poem about nature."])
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    args = parser.parse_args()
    try:
        if args.base_url:
            chat(args.provider, args.base_url, args.prompts)
        else:
            with Emulator() as emulator:
                chat(args.provider, emulator.base_url(args.provider), args.prompts)
    except ChatError as error:  # its `reply` is what came before
        sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
