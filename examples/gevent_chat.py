"""gevent: the blocking client under monkey patching, one greenlet for each prompt, all through one client.

    python examples/gevent_chat.py                                     # an emulator on this machine answers
    python examples/gevent_chat.py --provider yqcloud --base-url https://chat.example "Hello" "Good bye"
"""

from gevent import monkey

monkey.patch_all()

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import gevent

from sansio_core import ChatError
from transports import Client


def chat(client: Client, number: int, prompt: str) -> None:
    with client.stream(prompt) as stream:
        for chunk in stream:
            print(f"{number}: {chunk!r}", flush=True)


@contextmanager
def emulator(provider: str) -> Iterator[str]:
    """The emulator in a process of its own, as patching would make a greenlet of its thread; gives its base URL."""
    command = [sys.executable, "-m", "transports", "emulate", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield next(line.split()[1] for line in process.stdout if line.split()[0] == provider)
        process.terminate()


def ask(provider: str, base_url: str, prompts: list[str]) -> None:
    with Client(provider, base_url=base_url) as client:
        gevent.joinall([gevent.spawn(chat, client, *each) for each in enumerate(prompts, 1)], raise_error=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompts", nargs="*", default=["Write a short poem about nature.", "And one about gevent."])
    parser.add_argument("--provider", default="free_netfly")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    args = parser.parse_args()
    try:
        if args.base_url:
            ask(args.provider, args.base_url, args.prompts)
        else:
            with emulator(args.provider) as base_url:
                ask(args.provider, base_url, args.prompts)
    except ChatError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
