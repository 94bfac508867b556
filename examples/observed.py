"""What a question went through, told as it happens: attempts, waits, the first text, tokens; and as a span.

    python examples/observed.py                        # an emulator on this machine answers, at the second attempt
    python examples/observed.py --provider yqcloud --base-url https://chat.example "Hello"

With OpenTelemetry's SDK installed (pip install opentelemetry-sdk), the span is printed too.
"""

import argparse
import sys

from sansio_core import ChatError, Ended, Exchange, FirstText, Notice, Observer, UsageReported, Waiting
from transports import Client
from transports.emulator import Emulator, faults


def watch(exchange: Exchange, notice: Notice) -> None:
    match notice:
        case Waiting(seconds, error, attempt, of):
            print(f"attempt {attempt} of {of}: {type(error).__name__}, again in {seconds:.1f} s")
        case FirstText(seconds):
            print(f"first text after {seconds:.1f} s")
        case UsageReported(usage):
            print(f"{usage.input} tokens read, {usage.output} written")
        case Ended(seconds, error, reply):
            print(f"{'complete' if error is None else 'failed'} after {seconds:.1f} s: {len(reply.text)} characters")


def span() -> Observer | None:
    """An observer that prints each question's span; None where the SDK is not installed."""
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    except ImportError:
        return None
    from transports import otel

    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    return otel.observer(tracer_provider=tracers)


def chat(provider: str, base_url: str, prompt: str) -> None:
    with Client(provider, base_url=base_url, observer=watch) as client:
        client.complete(prompt, observer=span())


def main() -> None:
    parser = argparse.ArgumentParser(description="What a question went through, told as it happens.")
    parser.add_argument("prompt", nargs="?", default="Write a short poem about nature.")
    parser.add_argument("--provider", default="ollama")
    parser.add_argument("--base-url", help="a real host; without it, an emulator on this machine answers")
    args = parser.parse_args()
    try:
        if args.base_url:
            chat(args.provider, args.base_url, args.prompt)
        else:
            with Emulator(faults=[faults.Status(503)]) as emulator:
                chat(args.provider, emulator.base_url(args.provider), args.prompt)
    except ChatError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
