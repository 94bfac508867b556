"""Only the parser: bytes of an answer in, events out, wherever the bytes come from."""

import argparse
import sys
from collections.abc import Iterable
from functools import partial
from urllib.request import Request, urlopen

from sansio_core import ChatEvent, ChatRequest, Exchange, Failed, Send, TextDelta, providers
from transports.emulator import Emulator


def show(provider: str, pieces: Iterable[bytes]) -> None:
    """Print the text that `pieces` say; they may be cut anywhere."""
    parser = providers.create(provider).parser()
    for piece in pieces:
        for event in parser.feed(piece):
            show_event(event)
    for event in parser.end():
        show_event(event)
    print()


def show_event(event: ChatEvent) -> None:
    match event:
        case TextDelta(text):
            print(text, end="", flush=True)
        case Failed(error):
            sys.exit(f"\n{error}")
        case _:
            print(event, file=sys.stderr)


def ask(provider: str, base_url: str, prompt: str) -> None:
    """The body from urllib. The request could be written by hand; here it is the one that an exchange begins with."""
    exchange = Exchange(providers.create(provider, base_url=base_url), ChatRequest(prompt))
    action = exchange.next_action(0)
    assert isinstance(action, Send)
    sent = action.request
    with urlopen(Request(sent.url, sent.body, dict(sent.headers), method=sent.method)) as response:
        show(provider, iter(partial(response.read1, 65536), b""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompt", nargs="?", default="Write a short poem about nature.")
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    parser.add_argument("--body", metavar="FILE", help="a recorded answer, in place of a question")
    args = parser.parse_args()
    if args.body:
        with open(args.body, "rb") as file:
            show(args.provider, iter(partial(file.read, 100), b""))
    elif args.base_url:
        ask(args.provider, args.base_url, args.prompt)
    else:
        with Emulator() as emulator:
            ask(args.provider, emulator.base_url(args.provider), args.prompt)


if __name__ == "__main__":
    main()
