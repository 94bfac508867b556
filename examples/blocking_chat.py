"""An answer, printed as it comes: the blocking client.

    python examples/blocking_chat.py                                   # an emulator on this machine answers
    python examples/blocking_chat.py --provider yqcloud --base-url https://chat.example "Hello"
"""

import argparse
import sys

from sansio_core import ChatError
from transports import Client
from transports.emulator import Emulator


def chat(provider: str, base_url: str, prompt: str) -> None:
    with Client(provider, base_url=base_url) as client, client.stream(prompt) as stream:
        for chunk in stream:
            print(chunk, end="", flush=True)
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description="An answer, printed as it comes: the blocking client.")
    parser.add_argument("prompt", nargs="?", default="Write a short poem about nature.")
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    args = parser.parse_args()
    try:
        if args.base_url:
            chat(args.provider, args.base_url, args.prompt)
        else:
            with Emulator() as emulator:
                chat(args.provider, emulator.base_url(args.provider), args.prompt)
    except ChatError as error:  # its `reply` is what came before
        sys.exit(f"\n{error}")


if __name__ == "__main__":
    main()
